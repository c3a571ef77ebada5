"""Which ledger `--ledger` names: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..batch import Identity, Ledger, SQLiteLedger
from ..errors import ConfigurationError
from ..settings import setting
from ..storage.location import is_postgres, shown
from .console import echo_error
from .exit_codes import BAD_INPUT

if TYPE_CHECKING:
    from ..batch.ledger.postgres.ledger import PostgresLedger

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

_READ_ONLY: dict[str, Any] = (
    {"read_only": True} if "read_only" in inspect.signature(SQLiteLedger.open).parameters else {}
)


def given_ledger(ledger: str | None) -> str | None:
    """What `--ledger` says, else PAYCOOLS_LEDGER; None where neither does. Ends the command where it is no place."""
    try:
        if ledger is None:
            return setting(os.environ, LEDGER, may_end_quoted=is_postgres)
        is_postgres(ledger)
    except ConfigurationError as error:
        echo_error(f"error: {error}" if ledger is None else f"error: --ledger: {error}")
        raise typer.Exit(BAD_INPUT) from None
    return ledger


def required_ledger(ledger: str | None) -> str:
    """The same, where there must be one."""
    found = given_ledger(ledger)
    if found is None:
        raise typer.BadParameter(f"give the ledger, or set {LEDGER}", param_hint="--ledger")
    return found


async def open_ledger(
    ledger: str,
    identity: Identity | None,
    *,
    create: bool = True,
    exclusive: bool = True,
    recover: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> Ledger:
    """Open either kind; see `SQLiteLedger.open` and `PostgresLedger.open`."""
    if is_postgres(ledger):
        if recover:
            raise ConfigurationError("--recover is for a ledger file; a PostgreSQL database recovers by itself")
        return await open_postgres(ledger, identity, create=create, call_timeout=call_timeout, margin=margin)
    more: dict[str, Any] = {"recover": True} if recover else {}
    return await SQLiteLedger.open(Path(ledger), identity, create=create, exclusive=exclusive, **more)


@contextlib.asynccontextmanager
async def reading(ledger: str, identity: Identity | None = None) -> AsyncIterator[Ledger]:
    """A ledger to look at: nothing is made and nothing is written, and a run may go on beside it."""
    found: Ledger
    if is_postgres(ledger):
        found = await open_postgres(ledger, identity, create=False, read_only=True)
    else:
        found = await SQLiteLedger.open(Path(ledger), identity, create=False, exclusive=False, **_READ_ONLY)
    try:
        yield found
    finally:
        await found.aclose()


async def open_postgres(
    ledger: str,
    identity: Identity | None,
    *,
    create: bool = True,
    read_only: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> PostgresLedger:
    """Open a PostgreSQL ledger. Raises ConfigurationError where the extra is not installed, or it is no such URL."""
    if not is_postgres(ledger):
        raise ConfigurationError("this needs a PostgreSQL ledger: --ledger postgresql://...")
    try:
        from ..batch.ledger.postgres.ledger import LEASE_MARGIN, PostgresLedger
    except ModuleNotFoundError as error:
        if error.name not in ("psycopg", "psycopg_pool"):
            raise
        raise ConfigurationError('PostgreSQL ledgers need the extra: pip install "paycools-async[postgres]"') from None
    span = LEASE_MARGIN if margin is None else margin
    return await PostgresLedger.open(
        ledger, identity, create=create, read_only=read_only, call_timeout=call_timeout, margin=span
    )
