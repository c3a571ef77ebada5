"""Credentials, environments, and where both come from."""

from __future__ import annotations

import enum
import ipaddress
import os
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs

from .errors import ConfigurationError, InvalidKeyError
from .signing.base import PrivateKey
from .signing.keys import load_private_key

__all__ = ["Environment", "Merchant", "PHCredentials", "check_base_url", "ph_base_url"]


class Environment(enum.Enum):
    """Which PayCools: the test system or real money."""

    UAT = "uat"
    PRODUCTION = "production"


class Merchant(Protocol):
    """What the engine needs of credentials."""

    def fills(self, names: tuple[str, ...], *, now: float = 0.0) -> dict[str, Any]:
        """The wire fields the client fills in: `appId` always, and those named."""
        ...


def _load_key(key: Any) -> PrivateKey:
    return load_private_key(key)


@attrs.frozen(kw_only=True)
class PHCredentials:
    """A merchant of the PH API.

    `private_key`: PEM, bare Base64, DER or a file's path. `callback_secret`: the merchant key that PayCools issues
    for callbacks (not an RSA key). Neither is ever shown. Raises InvalidKeyError or ConfigurationError.
    """

    app_id: str
    app_name: str
    private_key: PrivateKey = attrs.field(converter=_load_key, repr=False)
    callback_secret: str | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("app_id", "app_name"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"{name} is empty")
        if not all(c.isascii() and (c.isalpha() or c == " ") for c in self.app_name):
            raise ConfigurationError("app_name: letters and spaces only, as registered with PayCools")
        if len(self.app_name) > 100:
            raise ConfigurationError("app_name: at most 100 characters")
        secret = self.callback_secret
        if secret is not None and (not isinstance(secret, str) or not secret.strip()):
            raise ConfigurationError("callback_secret is empty: anybody could sign callbacks; leave it out instead")

    def fills(self, names: tuple[str, ...], *, now: float = 0.0) -> dict[str, Any]:
        known = {"appName": self.app_name, "timestamp": str(int(now * 1000))}
        return {"appId": self.app_id, **{name: known[name] for name in names}}

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> PHCredentials:
        """From PAYCOOLS_PH_APP_ID, _APP_NAME, _PRIVATE_KEY (text, Base64 or path) and _CALLBACK_SECRET."""
        prefix = "PAYCOOLS_PH_"
        missing = [name for name in ("APP_ID", "APP_NAME", "PRIVATE_KEY") if not env.get(prefix + name)]
        if missing:
            raise ConfigurationError("not set: " + ", ".join(prefix + name for name in missing))
        try:
            key = load_private_key(env[prefix + "PRIVATE_KEY"])
        except InvalidKeyError as error:
            raise InvalidKeyError(f"{prefix}PRIVATE_KEY: {error}") from None
        return cls(
            app_id=env[prefix + "APP_ID"],
            app_name=env[prefix + "APP_NAME"],
            private_key=key,
            callback_secret=env.get(prefix + "CALLBACK_SECRET") or None,
        )


PH_UAT = "https://api-uat.paycools.com"


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


def check_base_url(url: str) -> str:
    """Scheme, host and optional path; HTTPS unless the host is this machine. Without a slash at the end."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError("base_url: the host or the port is malformed") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError("base_url: give it as https://host")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ConfigurationError("base_url: no user, query or fragment belongs there")
    if any(c.isspace() for c in url):
        raise ConfigurationError("base_url: no blank belongs there")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError("base_url: plain http is taken for this machine only; use https")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def environment_from(text: str | None) -> Environment:
    """UAT unless the text says production; anything else is refused."""
    try:
        return Environment((text or "uat").strip().lower())
    except ValueError:
        raise ConfigurationError("PAYCOOLS_PH_ENVIRONMENT: uat or production") from None
