"""Credentials, environments, and where both come from."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import attrs

from .errors import ConfigurationError, InvalidKeyError
from .privacy.confidential import KeptHere, Secret, without_frames
from .renamed import old_names
from .settings import is_set, key_setting, setting, unmeant
from .signing.base import PrivateKey, PublicKey
from .signing.keys import load_private_key, load_public_key
from .texts import name_of, text_fault
from .urls import is_loopback_host, path_fault

__all__ = [
    "ClientFields",
    "Environment",
    "GlobalCredentials",
    "PHCredentials",
    "PrivateKey",
    "check_base_url",
    "global_base_url",
    "ph_base_url",
    "secret_doubt",
    "secret_doubts",
]

C = TypeVar("C", bound=type)
K = TypeVar("K")


class Environment(enum.Enum):
    """Which PayCools: the test system or real money."""

    UAT = "uat"
    PRODUCTION = "production"


class ClientFields(Protocol):
    """What the engine needs of credentials."""

    def client_fields(self, names: tuple[str, ...], *, now: float = 0.0) -> dict[str, Any]:
        """The wire fields the client fills in: `appId` always, and those named."""
        ...


def _load_key(key: Any) -> PrivateKey:
    return load_private_key(key)


def _secret(value: str | Secret[str] | None) -> Secret[str] | None:
    return value if value is None or isinstance(value, Secret) else Secret(value)


def _made_without_frames(cls: C) -> C:
    """Where credentials are refused, the frame of their constructor, which holds them, is not seen."""
    cls.__init__ = without_frames(cls.__init__)  # type: ignore[misc]
    return cls


@old_names(fills="client_fields")
@_made_without_frames
@attrs.frozen(kw_only=True)
class PHCredentials(KeptHere):
    """A merchant of the PH API.

    `private_key`: PEM, bare Base64, DER or a file's path. `callback_secret`: the merchant key that PayCools issues
    for callbacks (not an RSA key). Neither is ever shown, and credentials are not pickled. Raises InvalidKeyError or
    ConfigurationError.
    """

    app_id: str
    app_name: str
    private_key: PrivateKey = attrs.field(converter=_load_key, repr=False)
    _callback_secret: Secret[str] | None = attrs.field(
        default=None, alias="callback_secret", converter=_secret, repr=False
    )

    @property
    def callback_secret(self) -> str | None:
        """The merchant key for callbacks; None where there is none."""
        return None if self._callback_secret is None else self._callback_secret.reveal()

    def __attrs_post_init__(self) -> None:
        for name in ("app_id", "app_name"):
            _check_text(name, getattr(self, name))
        if not all(c.isascii() and (c.isalpha() or c == " ") for c in self.app_name):
            raise ConfigurationError("app_name: letters and spaces only, as registered with PayCools")
        if len(self.app_name) > 100:
            raise ConfigurationError("app_name: at most 100 characters")
        secret = self.callback_secret
        if secret is not None and (not isinstance(secret, str) or not secret.strip()):
            raise ConfigurationError("callback_secret is empty: anybody could sign callbacks; leave it out instead")
        if secret is not None:
            _check_text("callback_secret", secret)
            if "-----" in secret:
                raise ConfigurationError(
                    "callback_secret is an RSA key; the merchant key for callbacks is another text"
                )

    def client_fields(self, names: tuple[str, ...], *, now: float = 0.0) -> dict[str, Any]:
        filled: dict[str, Any] = {"appId": self.app_id}
        for name in names:
            filled[name] = self.app_name if name == "appName" else int(now * 1000)  # a number, as the tables say
        return filled

    @classmethod
    @without_frames
    def from_env(cls, env: Mapping[str, str] | None = None) -> PHCredentials:
        """From PAYCOOLS_PH_APP_ID, _APP_NAME, _PRIVATE_KEY (text, Base64 or path) and _CALLBACK_SECRET.

        Or each from the file that a variable with _FILE behind its name names. Raises ConfigurationError.
        """
        env = os.environ if env is None else env
        prefix = "PAYCOOLS_PH_"
        _all_set(env, prefix, "APP_ID", "APP_NAME", "PRIVATE_KEY")
        return cls(
            app_id=setting(env, prefix + "APP_ID") or "",
            app_name=setting(env, prefix + "APP_NAME") or "",
            private_key=_key(prefix + "PRIVATE_KEY", load_private_key, env),
            callback_secret=setting(env, prefix + "CALLBACK_SECRET"),
        )


def _load_platform_key(key: Any) -> PublicKey | None:
    return None if key is None else load_public_key(key)


@old_names(fills="client_fields")
@_made_without_frames
@attrs.frozen(kw_only=True)
class GlobalCredentials(KeptHere):
    """A merchant of the Global API.

    `private_key`: PEM, bare Base64, DER or a file's path; never shown. `platform_public_key`: the key that PayCools
    signs callbacks with, in the same forms; ask PayCools for it, no document has it. It is needed for callbacks only.
    Credentials are not pickled.
    The public half of the merchant's own key in its place is refused: every callback would then seem forged, or
    whoever holds the merchant's key could forge them. Raises InvalidKeyError or ConfigurationError.
    """

    app_id: str
    private_key: PrivateKey = attrs.field(converter=_load_key, repr=False)
    platform_public_key: PublicKey | None = attrs.field(default=None, converter=_load_platform_key)

    def __attrs_post_init__(self) -> None:
        _check_text("app_id", self.app_id)
        if self.platform_public_key is not None and self.platform_public_key.der == self.private_key.public.der:
            raise InvalidKeyError(
                "platform_public_key is the public half of the merchant's own key; PayCools' platform key is needed "
                "here: ask PayCools for it"
            )

    def client_fields(self, names: tuple[str, ...], *, now: float = 0.0) -> dict[str, Any]:
        known = {"timestamp": int(now * 1000)}
        return {"appId": self.app_id, **{name: known[name] for name in names}}

    @classmethod
    @without_frames
    def from_env(cls, env: Mapping[str, str] | None = None) -> GlobalCredentials:
        """From PAYCOOLS_GLOBAL_APP_ID, _PRIVATE_KEY and _PLATFORM_PUBLIC_KEY (each key as text, Base64 or path).

        Or each from the file that a variable with _FILE behind its name names. Raises ConfigurationError.
        """
        env = os.environ if env is None else env
        prefix = "PAYCOOLS_GLOBAL_"
        _all_set(env, prefix, "APP_ID", "PRIVATE_KEY")
        platform = prefix + "PLATFORM_PUBLIC_KEY"
        return cls(
            app_id=setting(env, prefix + "APP_ID") or "",
            private_key=_key(prefix + "PRIVATE_KEY", load_private_key, env),
            platform_public_key=_key(platform, load_public_key, env) if is_set(env, platform) else None,
        )


def _all_set(env: Mapping[str, str], prefix: str, *names: str) -> None:
    missing = [prefix + name for name in names if not is_set(env, prefix + name)]
    if missing:
        raise ConfigurationError("not set: " + ", ".join(missing))


def _key(variable: str, load: Callable[[str | bytes], K], env: Mapping[str, str]) -> K:
    """The key in a variable; what is wrong with it is said with the variable's name."""
    name, text = key_setting(env, variable) or (variable, "")
    try:
        return load(text)
    except InvalidKeyError as error:
        raise InvalidKeyError(f"{name}: {error}") from None


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} is empty")
    fault = text_fault(value)
    if fault is not None:
        raise ConfigurationError(f"{name}: {fault}")


_PLACEHOLDERS = (
    *("secret", "your", "changeme", "change_me", "change-me", "changeit", "example", "xxx", "todo", "password"),
    *("passwd", "redacted", "replace", "insert", "placeholder", "dummy", "default", "sample", "enter-", "enter_"),
    *("put-", "put_", "my-secret", "my_secret", "mysecret", "merchant-key", "merchant_key", "callback-secret"),
    *("callback_secret", "<", "${"),
)
_NOTHING = ("none", "null", "undefined", "nan", "test", "true", "false")
_ROWS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjkl")


def secret_doubts(credentials: PHCredentials) -> str | None:
    """Why a callback secret cannot be one, or hardly; None where nothing is known against it.

    Nothing but a callback of PayCools can prove it. Never shows it.
    """
    secret = credentials.callback_secret
    return None if secret is None else secret_doubt(secret, credentials.app_id, credentials.app_name)


def secret_doubt(secret: str, *others: str | None) -> str | None:
    """The same of a secret alone. `others`: the merchant's app id and app name, where they are known."""
    if secret in others:
        return "is the app id or the app name; PayCools issues a merchant key of its own for callbacks"
    if len(secret) > 128 or secret.startswith("MII"):
        return "looks like an RSA key; the merchant key for callbacks is another, shorter text"
    plain = secret.casefold()
    if (
        plain in _NOTHING
        or plain.startswith(_PLACEHOLDERS)
        or len(set(plain)) < 4
        or any(plain in row for row in _ROWS)
    ):
        return "looks like a placeholder"
    if unmeant(secret) is not None:
        return f"cannot be one: {unmeant(secret)}"
    if not secret.isascii() or " " in secret:
        return "holds a blank or a letter that no key has"
    if secret.startswith(("/", "~", "./")) or "://" in secret:
        return "looks like a path or an address; a file is named by PAYCOOLS_PH_CALLBACK_SECRET_FILE"
    return None


PH_UAT = "https://api-uat.paycools.com"
GLOBAL_HOSTS = {
    Environment.UAT: "https://globalapi-dev.paycools.com:8902",
    Environment.PRODUCTION: "https://openapi.paycools.com",
}


def ph_base_url(environment: Environment, base_url: str | None) -> str:
    """The PH host. PayCools gives the production host to each merchant; no document names it."""
    if base_url is not None:
        return check_base_url(base_url)
    if environment is Environment.UAT:
        return PH_UAT
    raise ConfigurationError(
        "PayCools gives the PH production host to each merchant: pass base_url= (or PAYCOOLS_PH_BASE_URL). "
        "Integrators were seen to use https://api.paycools.com.ph; no document confirms it"
    )


def global_base_url(environment: Environment, base_url: str | None) -> str:
    """The Global host; both are documented."""
    return GLOBAL_HOSTS[environment] if base_url is None else check_base_url(base_url)


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def check_base_url(url: str) -> str:
    """Scheme, host and optional path; HTTPS unless the host is this machine. Without a slash at the end.

    Raises ConfigurationError, which never holds the URL: there may be a password in it.
    """
    url = url.strip()
    for place, char in enumerate(url, 1):  # before it is split: the library leaves some out in silence
        if char.isspace():
            raise ConfigurationError("base_url: no blank belongs there")
        if text_fault(char) is not None:
            raise ConfigurationError(f"base_url: character {place} is {name_of(char)}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError("base_url: the host or the port is malformed") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError("base_url: give it as https://host")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ConfigurationError("base_url: no user, query or fragment belongs there")
    if _HOST.fullmatch(host) is None:
        raise ConfigurationError(
            "base_url: a host has letters a to z, digits, dots and hyphens; write an international one as xn--..."
        )
    fault = path_fault(parts.path.rstrip("/") or "/")
    if fault is not None:
        raise ConfigurationError(f"base_url: the path {fault}")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ConfigurationError("base_url: plain http is taken for this machine only; use https")
    return url.rstrip("/")


def environment_from(text: str | None, variable: str = "PAYCOOLS_PH_ENVIRONMENT") -> Environment:
    """UAT unless the text says production; anything else is refused, with the variable's name."""
    try:
        return Environment((text or "uat").strip().lower())
    except ValueError:
        raise ConfigurationError(f"{variable}: uat or production") from None
