"""A ledger by where it is: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from .base import Identity, Ledger
from .sqlite.ledger import SQLiteLedger

__all__ = ["is_missing_file", "is_postgres", "open_ledger"]


def is_postgres(location: str | os.PathLike[str]) -> bool:
    """Whether it is a PostgreSQL URL. Raises ConfigurationError where it is another kind of URL, or nothing."""
    text = os.fspath(location)
    scheme, there, _ = text.partition("://")
    if not text.strip():
        raise ConfigurationError("a ledger is a file's path or postgresql://..., not an empty text")
    if there and scheme not in ("postgresql", "postgres"):
        raise ConfigurationError("a ledger is a file's path or postgresql://...")
    return bool(there)


def is_missing_file(location: str | os.PathLike[str]) -> bool:
    """Whether it is the path of a file that is not there: a ledger there would be made anew."""
    return not is_postgres(location) and not os.path.lexists(location)


async def open_ledger(
    location: str | os.PathLike[str],
    identity: Identity | None,
    *,
    create: bool = True,
    exclusive: bool = True,
    read_only: bool = False,
    call_timeout: float = 30.0,
) -> Ledger:
    """Open either kind; see `SQLiteLedger.open` and `PostgresLedger.open`.

    Raises ConfigurationError where the extra `postgres` is not installed, or it is neither kind.
    """
    if not is_postgres(location):
        more: dict[str, Any] = {"create": create, "exclusive": exclusive, "read_only": read_only}
        return await SQLiteLedger.open(Path(location), identity, **more)
    try:
        from .postgres.ledger import PostgresLedger
    except ModuleNotFoundError as error:
        if error.name not in ("psycopg", "psycopg_pool"):
            raise
        raise ConfigurationError('PostgreSQL ledgers need the extra: pip install "paycools-async[postgres]"') from None
    return await PostgresLedger.open(os.fspath(location), identity, create=create, call_timeout=call_timeout)
