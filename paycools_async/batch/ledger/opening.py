"""A ledger by where it is: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ...storage.location import connection_string, file_at, is_postgres
from .base import Identity, Ledger
from .sqlite.ledger import SQLiteLedger

if TYPE_CHECKING:
    from .postgres.ledger import PostgresLedger

__all__ = ["is_missing_file", "is_postgres", "open_ledger", "open_postgres"]


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
    join: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> Ledger:
    """Open either kind; see `SQLiteLedger.open` and `PostgresLedger.open`.

    Raises ConfigurationError where the extra `postgres` is not installed, or it is neither kind.
    """
    if is_postgres(location):
        if recover:
            raise ConfigurationError(
                "only a ledger's file is recovered: PostgreSQL brings back all that was committed; from an older "
                "backup of it nothing may be sent, for what it does not know may have been paid"
            )
        return await open_postgres(
            location, identity, create=create, read_only=read_only, call_timeout=call_timeout, margin=margin
        )
    more: dict[str, Any] = {"create": create, "exclusive": exclusive, "read_only": read_only}
    more |= {"recover": recover, "join": join}
    return await SQLiteLedger.open(file_at(location), identity, **more)


async def open_postgres(
    location: str | os.PathLike[str],
    identity: Identity | None,
    *,
    create: bool = True,
    read_only: bool = False,
    wait: bool = False,
    call_timeout: float = 30.0,
    margin: float | None = None,
) -> PostgresLedger:
    """Open a ledger in PostgreSQL; `wait` for a server that is not there now.

    Raises ConfigurationError where the extra `postgres` is not installed, or no database is named.
    """
    dsn = connection_string(location)
    try:
        from .postgres.ledger import LEASE_MARGIN, PostgresLedger
    except ModuleNotFoundError as error:
        if error.name not in ("psycopg", "psycopg_pool"):
            raise
        raise ConfigurationError('PostgreSQL ledgers need the extra: pip install "paycools-async[postgres]"') from None
    span = LEASE_MARGIN if margin is None else margin
    return await PostgresLedger.open(
        dsn, identity, create=create, read_only=read_only, wait=wait, call_timeout=call_timeout, margin=span
    )
