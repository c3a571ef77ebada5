"""Where the money goes, in words that a person can check before saying yes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
import typer

from ..config import GLOBAL_HOSTS, PH_UAT, Environment
from ..urls import is_loopback_host
from .console import plain, styled

if TYPE_CHECKING:
    from ..client import PayCoolsGlobal, PayCoolsPH

__all__ = ["PRODUCTION", "SANDBOX", "UAT", "Destination", "coloured", "destination_lines"]

PRODUCTION, UAT, SANDBOX = "PRODUCTION", "UAT", "SANDBOX"
_TEST_HOSTS = frozenset(urlsplit(url).hostname for url in (PH_UAT, GLOBAL_HOSTS[Environment.UAT]))
_LOCAL = f"{SANDBOX} (an address on this machine, not PayCools itself, as far as this program can know)"
"""What reports say of an address on this machine that no `--sandbox` has opened: it may lead anywhere."""
_COLORS = {PRODUCTION: typer.colors.RED, UAT: typer.colors.YELLOW, SANDBOX: typer.colors.GREEN}


@attrs.frozen(kw_only=True)
class Destination:
    """Where the money goes. `country`: the Global API's, or PH. `embedded`: to the sandbox of `--sandbox`."""

    host: str
    merchant: str
    api: str
    country: str
    embedded: bool = False

    @classmethod
    def of(cls, client: PayCoolsPH | PayCoolsGlobal, country: str | None, *, embedded: bool = False) -> Destination:
        """Where this client's money goes."""
        from ..client import PayCoolsPH

        return cls(
            host=urlsplit(client.base_url).netloc,
            merchant=client.credentials.app_id,
            api="PH API" if isinstance(client, PayCoolsPH) else "Global API",
            country=country or "PH",
            embedded=embedded,
        )

    @property
    def environment(self) -> str:
        """What is not known to be a test system moves real money."""
        name = urlsplit(f"//{self.host}").hostname or ""
        if is_loopback_host(name):
            return SANDBOX
        return UAT if name in _TEST_HOSTS else PRODUCTION

    def details(self, ledger: str = "") -> dict[str, str]:
        """Names and texts for people, as the ledger keeps them. `ledger`: its name, without a password."""
        environment = _LOCAL if self.environment == SANDBOX and not self.embedded else self.environment
        found = {"environment": environment, **attrs.asdict(self, filter=lambda field, _: field.name != "embedded")}
        return {**found, "ledger": ledger} if ledger else found


def coloured(environment: str) -> str:
    """For a terminal; elsewhere the colour is left out."""
    return styled(environment, fg=_COLORS.get(environment), bold=True)


def destination_lines(details: Mapping[str, str]) -> list[str]:
    """A few lines for a screen."""
    details = {name: plain(text) for name, text in details.items()}
    if not details.get("host"):
        unknown = "No run has said yet where the money of this ledger goes; it is shown before anything is sent."
        return [unknown, *([f"Ledger: {details['ledger']}"] if details.get("ledger") else [])]
    environment, _, more = details.get("environment", "").partition(" ")
    lines = [
        f"{coloured(environment)} at {details['host']}" + (f" {more}" if more else ""),
        f"Merchant: {details.get('merchant', '')}, {details.get('api', '')}, {details.get('country', '')}",
    ]
    if details.get("ledger"):
        lines.append(f"Ledger: {details['ledger']}")
    return lines
