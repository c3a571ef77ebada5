"""Which ledger `--ledger` names: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import typer

from ..batch import Identity, Ledger, LedgerError
from ..batch.ledger.base import is_of_refunds
from ..batch.ledger.opening import open_ledger, open_postgres
from ..errors import ConfigurationError
from ..settings import setting
from ..storage.location import is_postgres, shown
from .console import refuse

__all__ = [
    "LEDGER",
    "given_ledger",
    "is_postgres",
    "open_ledger",
    "open_postgres",
    "reading",
    "required_ledger",
    "shown",
]

LEDGER = "PAYCOOLS_LEDGER"


def given_ledger(ledger: str | None) -> str | None:
    """What `--ledger` says, else PAYCOOLS_LEDGER; None where neither does. Ends the command where it is no place."""
    try:
        found = setting(os.environ, LEDGER, may_end_quoted=is_postgres) if ledger is None else ledger
        is_file = found is not None and not is_postgres(found)
    except ConfigurationError as error:
        refuse(str(error) if ledger is None else f"--ledger: {error}")
    if found is not None and is_file and os.path.isdir(found):
        name = LEDGER if ledger is None else "--ledger"
        refuse(f"{name}: {shown(found)} is a folder; name a file in it: {shown(os.path.join(found, 'payouts.db'))}")
    return found


def required_ledger(ledger: str | None) -> str:
    """The same, where there must be one."""
    found = given_ledger(ledger)
    if found is None and os.environ.get(LEDGER) == "":
        refuse(f"{LEDGER} is empty, and --ledger is not given")
    if found is None:
        raise typer.BadParameter(f"give the ledger, or set {LEDGER}", param_hint="--ledger")
    return found


@contextlib.asynccontextmanager
async def reading(ledger: str, identity: Identity | None = None, *, refunds: bool = False) -> AsyncIterator[Ledger]:
    """A ledger to look at: nothing is made and nothing is written, and a run may go on beside it.

    `refunds`: it may be one of refunds, which commands about payouts do not show. Raises LedgerError.
    """
    found = await open_ledger(ledger, identity, create=False, exclusive=False, read_only=True)
    try:
        if not refunds and is_of_refunds(await found.owner()):
            raise LedgerError(f"{shown(ledger)}: is a ledger of refunds; the application that has it shows them")
        yield found
    finally:
        await found.aclose()
