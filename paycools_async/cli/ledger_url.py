"""Which ledger `--ledger` names: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ..batch import Identity, Ledger, SQLiteLedger
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..batch.ledger.postgres.ledger import PostgresLedger

__all__ = ["is_postgres", "open_ledger", "open_postgres", "reading", "shown"]

_READ_ONLY: dict[str, Any] = (
    {"read_only": True} if "read_only" in inspect.signature(SQLiteLedger.open).parameters else {}
)


def is_postgres(ledger: str) -> bool:
    """Whether it is a PostgreSQL URL. Raises ConfigurationError where it is another kind of URL."""
    scheme, there, _ = ledger.partition("://")
    if there and scheme not in ("postgresql", "postgres"):
        raise ConfigurationError("--ledger takes a file or postgresql://...")
    return bool(there)


def shown(ledger: str) -> str:
    """The name as it may be printed: without a password."""
    if not is_postgres(ledger):
        return ledger
    parts = urlsplit(ledger)
    user, at, host = parts.netloc.rpartition("@")
    query = "..." if "password" in parts.query else parts.query
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=query))


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
        found = await open_postgres(ledger, identity, create=False)
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
    return await PostgresLedger.open(ledger, identity, create=create, call_timeout=call_timeout, margin=span)
