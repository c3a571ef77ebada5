"""The variables of one API, one by one: all that is wrong with them, not only the first."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from ...config import (
    GLOBAL_HOSTS,
    PH_UAT,
    Environment,
    GlobalCredentials,
    PHCredentials,
    environment_from,
    global_base_url,
    ph_base_url,
    secret_doubt,
)
from ...errors import ConfigurationError
from ...settings import is_set, key_setting, paths_setting, setting
from ...signing import load_private_key, load_public_key, signer_for, verifier_for
from ...urls import is_loopback_host
from ..console import plain
from ..ledger_url import LEDGER
from .findings import Finding, Level, fault, fine, warning

__all__ = ["FAMILIES", "Settings", "chosen_families", "strange_variables"]

_DOCUMENTED_BITS = 4096
_OTHERS = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH


@attrs.frozen(kw_only=True)
class _Family:
    prefix: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    credentials: type[PHCredentials | GlobalCredentials]
    base_url: Callable[[Environment, str | None], str]


FAMILIES: dict[str, _Family] = {
    "ph": _Family(
        prefix="PAYCOOLS_PH_",
        required=("APP_ID", "APP_NAME", "PRIVATE_KEY"),
        optional=("CALLBACK_SECRET", "ENVIRONMENT", "BASE_URL", "PATHS"),
        credentials=PHCredentials,
        base_url=ph_base_url,
    ),
    "global": _Family(
        prefix="PAYCOOLS_GLOBAL_",
        required=("APP_ID", "PRIVATE_KEY"),
        optional=("PLATFORM_PUBLIC_KEY", "ENVIRONMENT", "BASE_URL", "PATHS"),
        credentials=GlobalCredentials,
        base_url=global_base_url,
    ),
}


def chosen_families(api: str | None, env: Mapping[str, str]) -> list[str]:
    """The APIs to look at: the one that was asked for, else those with a variable that is set, else PH."""
    if api is not None:
        return [api]
    return [name for name, each in FAMILIES.items() if any(key.startswith(each.prefix) for key in env)] or ["ph"]


def strange_variables(env: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like ours, and that nothing reads."""
    known = {each.prefix + name for each in FAMILIES.values() for name in (*each.required, *each.optional)}
    known.add(LEDGER)
    known |= {f"{name}_FILE" for name in known}
    for name in sorted(env):
        if name.startswith("PAYCOOLS_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            cure = f"write {near[0]}" if near else "take it away; `paycools doctor` and the README name those there are"
            yield warning("variables", f"{plain(name)} is set, and nothing reads it", cure)


@attrs.define
class Settings:
    """What one API's variables say. `credentials` and `base_url` are None where they cannot be used."""

    family: str
    env: Mapping[str, str]
    credentials: PHCredentials | GlobalCredentials | None = None
    base_url: str | None = None

    def look(self) -> list[Finding]:
        """All findings; afterwards `credentials` and `base_url` are known."""
        found = [*self._before_credentials()]
        try:
            self.credentials = FAMILIES[self.family].credentials.from_env(self.env)
        except ConfigurationError as error:
            found += self._of_credentials(error)
            if not any(each.level is Level.FAULT for each in found):
                found.append(fault("settings", str(error), "correct the variable"))
        if self.family == "ph" and not any(each.check == "callback_secret" for each in found):
            found += self._secret()
        return found

    def _before_credentials(self) -> Iterator[Finding]:
        yield from self._present()
        yield from self._host()
        yield from self._key()
        if self.family == "global":
            yield from self._platform_key()

    def _name(self, setting: str) -> str:
        return FAMILIES[self.family].prefix + setting

    def _present(self) -> Iterator[Finding]:
        family = FAMILIES[self.family]
        missing = [family.prefix + name for name in family.required if not is_set(self.env, family.prefix + name)]
        if missing:
            what = "is" if len(missing) == 1 else "are"
            cure = "set it to what PayCools gave you, or NAME_FILE to a file that holds it"
            yield fault("settings", f"{', '.join(missing)} {what} not set", cure)
        for name in (*family.required, *family.optional):
            if name.endswith(("_KEY", "PATHS")) or not is_set(self.env, family.prefix + name):
                continue
            try:
                setting(self.env, family.prefix + name)
            except ConfigurationError as error:
                yield fault("settings", str(error), "correct the variable")
        yield from self._paths()
        for name in (*family.required, *family.optional):
            yield from self._permissions(family.prefix + name)
        if not missing:
            yield fine("settings", f"{', '.join(family.prefix + name for name in family.required)} are set")

    def _paths(self) -> Iterator[Finding]:
        from ...engine.paths import checked_paths
        from ...registry import endpoints

        variable = self._name("PATHS")
        known = {entry.id for entry in endpoints() if entry.kind == "request" and entry.family == self.family}
        try:
            checked_paths(paths_setting(self.env, variable) or {}, known)
        except ConfigurationError as error:
            said = str(error)
            text = said if said.startswith(variable) else f"{variable}: {said.removeprefix('paths: ')}"
            yield fault("paths", text, "correct the variable; `paycools endpoints` lists the endpoints")

    def _permissions(self, name: str) -> Iterator[Finding]:
        """Whether others can read a file that holds a secret. Docker shows its secrets to all in the container."""
        path = self.env.get(f"{name}_FILE") or (self.env.get(name) if name.endswith("PRIVATE_KEY") else None)
        if os.name == "nt" or not path or name.endswith(("APP_ID", "APP_NAME", "PUBLIC_KEY", "URL", "ENVIRONMENT")):
            return
        try:
            file = Path(path.strip()).expanduser()
            mode = file.stat().st_mode if len(path) < 4096 and not file.is_relative_to("/run/secrets") else 0
        except (OSError, ValueError, RuntimeError):  # no path at all: its content is looked at elsewhere
            return
        if stat.S_ISREG(mode) and mode & _OTHERS:
            text = f"{name}: others on this machine can read its file (mode {stat.S_IMODE(mode):03o})"
            yield fault("permissions", text, f"chmod 600 {plain(str(file))}")

    # -- where --------------------------------------------------------------------------------------------------

    def _host(self) -> Iterator[Finding]:
        family = FAMILIES[self.family]
        variable = self._name("ENVIRONMENT")
        try:
            environment = environment_from(setting(self.env, variable), variable)
        except ConfigurationError as error:
            if "uat or production" in str(error):
                yield fault("environment", str(error), f"set {variable} to uat or production")
            return
        try:
            given = setting(self.env, self._name("BASE_URL"))
            self.base_url = family.base_url(environment, given)
        except ConfigurationError as error:
            yield fault("host", str(error), f"correct {self._name('BASE_URL')}; PayCools gave you the host")
            return
        yield from self._place(environment, given)

    def _place(self, environment: Environment, given: str | None) -> Iterator[Finding]:
        host = urlsplit(self.base_url or "").hostname or ""
        tests = {urlsplit(url).hostname for url in (PH_UAT, GLOBAL_HOSTS[Environment.UAT])}
        variable = self._name("ENVIRONMENT")
        if is_loopback_host(host):
            yield fine("host", f"{self.base_url}: this machine, a sandbox")
            if environment is Environment.PRODUCTION:
                yield warning(
                    "environment",
                    f"{variable} says production, and the host is this machine",
                    f"take {self._name('BASE_URL')} away to reach PayCools, or {variable}",
                )
        elif environment is Environment.PRODUCTION and host in tests:
            yield fault(
                "environment",
                f"{variable} says production, and {host} is PayCools' test system",
                f"set {self._name('BASE_URL')} to the production host that PayCools gave you, or {variable} to uat",
            )
        elif environment is Environment.UAT and host not in tests and given is not None:
            yield warning(
                "environment",
                f"{variable} says uat, and {host} is not known to be a test system: real money may move",
                f"set {variable} to production if that is meant",
            )
        else:
            money = "real money moves here" if environment is Environment.PRODUCTION else "PayCools' test system"
            yield fine("host", f"{self.base_url}: {money}")

    # -- keys ---------------------------------------------------------------------------------------------------

    def _key(self) -> Iterator[Finding]:
        variable = self._name("PRIVATE_KEY")
        if not is_set(self.env, variable):
            return
        key: Any = None
        name = variable
        try:
            name, text = key_setting(self.env, variable) or (variable, "")
            key = load_private_key(text)
        except ConfigurationError as error:
            said = str(error)
            cure = "`paycools keys new` makes one; PayCools gets the public half, this variable the private one"
            yield fault("private_key", said if said.startswith("PAYCOOLS_") else f"{name}: {said}", cure)
            return
        proof = b"paycools"
        if not verifier_for(key.public).verify(proof, signer_for(key).sign(proof)):
            yield fault(
                "private_key", f"{name}: its halves do not belong together", "make a new one: paycools keys new"
            )
            return
        yield fine("private_key", f"{key.bits} bits, signs and verifies")
        if key.bits < _DOCUMENTED_BITS and not is_loopback_host(urlsplit(self.base_url or "").hostname or ""):
            yield warning(
                "private_key",
                f"{key.bits} bits; PayCools documents {_DOCUMENTED_BITS}",
                "make a larger one when you can: paycools keys new",
            )

    def _platform_key(self) -> Iterator[Finding]:
        """Whether it may be PayCools' key: an RSA key that is public, and not the merchant's own."""
        name = variable = self._name("PLATFORM_PUBLIC_KEY")
        ask = f"ask PayCools for it, and set {variable}"
        if not is_set(self.env, variable):
            yield warning("platform_key", f"{variable} is not set: callbacks cannot be verified", ask)
            return
        try:
            name, text = key_setting(self.env, variable) or (variable, "")
            platform = load_public_key(text)
        except ConfigurationError as error:
            said = str(error)
            yield fault("platform_key", said if said.startswith("PAYCOOLS_") else f"{name}: {said}", ask)
            return
        for each in FAMILIES.values():
            own = self._loaded(f"{each.prefix}PRIVATE_KEY", load_private_key)
            if own is not None and own.public.der == platform.der:
                text = f"{name} is the public half of the merchant's own key, {each.prefix}PRIVATE_KEY"
                yield fault("platform_key", text, f"set {variable} to PayCools' own key")
                return
        yield fine("platform_key", f"{platform.bits} bits; only a callback proves it")

    def _loaded(self, variable: str, load: Callable[[Any], Any]) -> Any:
        """None where it is not set, or is no key: that is told elsewhere."""
        try:
            found = key_setting(self.env, variable)
            return None if found is None else load(found[1])
        except ConfigurationError:
            return None

    def _of_credentials(self, error: ConfigurationError) -> Iterator[Finding]:
        """What has not been told by a variable's name before."""
        said = str(error)
        if "merchant's own key" in said:
            return
        if said.startswith("app_name"):
            yield fault("settings", f"{self._name('APP_NAME')}: {said.partition(': ')[2]}", "write it as registered")
        elif said.startswith("callback_secret"):
            yield fault("callback_secret", said, f"set {self._name('CALLBACK_SECRET')} to the merchant key of PayCools")

    def _secret(self) -> Iterator[Finding]:
        variable = self._name("CALLBACK_SECRET")
        secret = self._text(variable)
        if not is_set(self.env, variable):
            cure = f"set {variable} to the merchant key for callbacks"
            yield warning("callback_secret", f"{variable} is not set: callbacks cannot be verified", cure)
        if secret is None:
            return
        doubt = secret_doubt(secret, *(self._text(self._name(name)) for name in ("APP_ID", "APP_NAME")))
        if doubt is not None:
            cure = "ask PayCools for the merchant key for callbacks; only a callback of PayCools' proves it"
            yield fault("callback_secret", f"{variable} {doubt}", cure)
            return
        yield fine("callback_secret", f"{len(secret)} characters; only a callback proves it")

    def _text(self, variable: str) -> str | None:
        """None where it is not set, or cannot be one: that is told elsewhere."""
        try:
            return setting(self.env, variable)
        except ConfigurationError:
            return None
