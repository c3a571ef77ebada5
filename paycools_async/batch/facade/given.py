"""What a caller may give: a client or what pays through it, a ledger or where it is, a file, a name."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from ...client import PayCoolsGlobal, PayCoolsPH
from ..ledger.base import Ledger
from ..ledger.opening import open_ledger
from ..run.payout_api import PayoutApi, payouts_of

__all__ = ["LedgerOrLocation", "Payer", "api_of", "opened_to_look", "opened_to_pay", "path_of", "whoami"]

Payer = PayCoolsPH | PayCoolsGlobal | PayoutApi
"""A client, or what drives the payouts of one: `PHPayouts`, `GlobalPayouts`."""

LedgerOrLocation = Ledger | str | os.PathLike[str]
"""A ledger that is open, or where it is: a file's path, or postgresql://..."""


def api_of(payer: Payer, country: str | None) -> PayoutApi:
    """What pays. Raises ConfigurationError where the country is missing, or is not the client's."""
    return payouts_of(payer, country) if isinstance(payer, PayCoolsPH | PayCoolsGlobal) else payer


def path_of(file: str | os.PathLike[str]) -> Path:
    """The file's path."""
    return Path(file)


def whoami() -> str:
    """user@host, for the ledger's log."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


@contextlib.asynccontextmanager
async def opened_to_pay(ledger: LedgerOrLocation, api: PayoutApi, *, create: bool = True) -> AsyncIterator[Ledger]:
    """The ledger, of this merchant; closed afterwards if it was opened here. Raises LedgerError, ConfigurationError."""
    if not isinstance(ledger, str | os.PathLike):
        yield ledger
        return
    found = await open_ledger(ledger, api.identity, create=create, call_timeout=api.call_timeout)
    try:
        yield found
    finally:
        await found.aclose()


@contextlib.asynccontextmanager
async def opened_to_look(ledger: LedgerOrLocation, *, read_only: bool) -> AsyncIterator[Ledger]:
    """The ledger, whoever's it is, also beside a run. Never made. Raises LedgerError, ConfigurationError."""
    if not isinstance(ledger, str | os.PathLike):
        yield ledger
        return
    found = await open_ledger(ledger, None, create=False, exclusive=False, read_only=read_only)
    try:
        yield found
    finally:
        await found.aclose()
