"""A PostgreSQL that has done what it was asked, and whose answer is lost on the way."""

from __future__ import annotations

from typing import Any

import psycopg

from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

__all__ = ["lose_next_answer"]


class _Unanswered:
    """A connection that is lost after the server has done what was asked, before it could say so."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, *asked: Any) -> Any:
        await self._connection.execute(*asked)
        await self._connection.close()
        raise psycopg.OperationalError("the answer never came")


async def lose_next_answer(ledger: PostgresLedger) -> None:
    """The next moves that this ledger writes are made, and it does not hear of that."""
    session = ledger._writer._session
    session._connection = _Unanswered(await session._connected())  # type: ignore[assignment]
