"""A ledger by where it is: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...storage.location import file_at, is_postgres
from .base import Identity, Ledger
from .sqlite.ledger import SQLiteLedger

if TYPE_CHECKING:
    from .postgres.ledger import PostgresLedger

__all__ = ["is_missing_file", "open_ledger", "open_postgres"]


def is_missing_file(location: str | os.PathLike[str]) -> bool:
    """Whether it names a file that is not there: a ledger there would be made anew. Raises ConfigurationError."""
    return not is_postgres(location) and not os.path.lexists(file_at(location))


async def open_ledger(
    location: str | os.PathLike[str],
    identity: Identity | None,
    *,
    create: bool = True,
    exclusive: bool = True,
    read_only: bool = False,
    recover: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> Ledger:
    """Open either kind; see `SQLiteLedger.open` and `PostgresLedger.open`. Raises ConfigurationError, LedgerError."""
    if not is_postgres(location):
        return await SQLiteLedger.open(
            file_at(location), identity, create=create, exclusive=exclusive, read_only=read_only, recover=recover
        )
    if recover:
        raise ConfigurationError("--recover is for a ledger file; a PostgreSQL database recovers by itself")
    return await open_postgres(
        location, identity, create=create, read_only=read_only, call_timeout=call_timeout, margin=margin
    )


async def open_postgres(
    location: str | os.PathLike[str],
    identity: Identity | None,
    *,
    create: bool = True,
    read_only: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> PostgresLedger:
    """Open a PostgreSQL ledger. Raises ConfigurationError where the extra is not installed, or it is no such URL."""
    if not is_postgres(location):
        raise ConfigurationError("this needs a PostgreSQL ledger: --ledger postgresql://...")
    try:
        from .postgres.ledger import LEASE_MARGIN, PostgresLedger
    except ModuleNotFoundError as error:
        if error.name not in ("psycopg", "psycopg_pool"):
            raise
        raise ConfigurationError('PostgreSQL ledgers need the extra: pip install "paycools-async[postgres]"') from None
    return await PostgresLedger.open(
        os.fspath(location),
        identity,
        create=create,
        read_only=read_only,
        call_timeout=call_timeout,
        margin=LEASE_MARGIN if margin is None else margin,
    )
