"""The inbox in PostgreSQL (psycopg 3; extra `postgres`): many receiving processes, one that applies.

The one that applies holds a session advisory lock; when it dies, PostgreSQL frees the lock and another takes over. The
marks go through the very session that holds the lock, so a process that lost it cannot mark anything.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..storage import psycopg_extra  # noqa: F401 - first: it says what is missing

# isort: split
import psycopg

from ..storage.location import connection_string
from ..storage.postgres import Session, lock_schema
from ..storage.postgres_connections import ConnectionString
from .calling import must_pass
from .inbox.store import FormerNames, InboxError, Item, Mark, Stored, Work, WorkFailed, stored_of

__all__ = ["PostgresStore"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS paycools_callbacks (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    subject TEXT,
    rank INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    family TEXT NOT NULL,
    body BYTEA NOT NULL,
    state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0,
    due DOUBLE PRECISION NOT NULL,
    error TEXT,
    received DOUBLE PRECISION NOT NULL,
    done DOUBLE PRECISION
);
CREATE INDEX IF NOT EXISTS paycools_callbacks_new ON paycools_callbacks (due) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS paycools_callbacks_subject ON paycools_callbacks (subject, state);
"""

_LOCK = 0x50_43_4C_53  # "PCLS": one applying process a schema
_LOCK_SCHEMA = _LOCK + 1

_LEASE = 60.0
"""Seconds after which a receiver that stands still, or is gone, holds up nobody any more."""

Connection = psycopg.AsyncConnection[Any]


def _failure(problem: str) -> InboxError:
    return InboxError(f"the inbox's database failed: {problem}")


class PostgresStore(FormerNames):
    """Made by `await PostgresStore.open(dsn)`; the table `paycools_callbacks` is made if it is not there."""

    def __init__(self, dsn: str, clock: Callable[[], float] = time.time) -> None:
        self._dsn = ConnectionString(connection_string(dsn))
        self._clock = clock
        self._intake = Session(dsn, _LEASE, _failure, statement=_LEASE)
        self._applying = Session(dsn, _LEASE, _failure)

    @property
    def location(self) -> str:
        return self._dsn.text

    @classmethod
    async def open(cls, dsn: str, *, clock: Callable[[], float] = time.time) -> PostgresStore:
        """Connect, and make the table. `dsn` is a URL or a libpq string.

        Raises ConfigurationError where it is neither; InboxError where the database is not encoded in UTF8, a pooler in
        transaction mode stands before it, or it cannot be reached.
        """
        store = cls(dsn, clock)
        del dsn  # it may hold a password

        async def prepare(connection: Connection) -> None:
            # CREATE TABLE IF NOT EXISTS is not safe against itself
            await lock_schema(connection, _LOCK_SCHEMA)
            await connection.execute(SCHEMA)

        try:
            await store._intake.run(prepare)
        except BaseException:
            await store.aclose()
            raise
        return store

    async def add(self, item: Item) -> bool:
        now = self._clock()

        async def enter(connection: Connection) -> bool:
            done = await connection.execute(
                "INSERT INTO paycools_callbacks (id, subject, rank, verdict, family, body, due, received)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
                (item.id, item.subject, item.rank, item.verdict, item.family, item.body, now, now),
            )
            return bool(done.rowcount)

        return await self._intake.run(enter, repeatable=True)

    async def try_become_leader(self) -> bool:
        return await self._applying.try_lock(_LOCK)

    async def due(self, limit: int) -> Sequence[Stored]:
        query = (
            "SELECT seq, id, subject, rank, verdict, family, body, attempts FROM paycools_callbacks"
            " WHERE state = 'new' AND due <= %s ORDER BY seq LIMIT %s"
        )

        async def read(connection: Connection) -> list[Stored]:
            cursor = await connection.execute(query, (self._clock(), limit))
            return [stored_of(row) for row in await cursor.fetchall()]

        return await self._applying.run(read, repeatable=True)

    async def next_due(self) -> float | None:
        async def read(connection: Connection) -> float | None:
            row = await (
                await connection.execute("SELECT min(due) FROM paycools_callbacks WHERE state = 'new'")
            ).fetchone()
            return row[0] if row else None

        return await self._applying.run(read, repeatable=True)

    async def applied_so_far(self, subject: str) -> tuple[int, frozenset[str]]:
        query = "SELECT rank, verdict FROM paycools_callbacks WHERE subject = %s AND state = 'applied'"

        async def read(connection: Connection) -> Any:
            return await (await connection.execute(query, (subject,))).fetchall()

        rows = await self._applying.run(read, repeatable=True)
        return max((rank for rank, _ in rows), default=-1), frozenset(verdict for _, verdict in rows)

    async def mark(self, seq: int, mark: Mark, work: Sequence[Work] = ()) -> None:
        async def write(connection: Connection) -> None:
            if not self._applying.holds_lock(connection):
                raise InboxError("the connection was lost, and with it the right to apply; it is tried again")
            await _do_work(connection, work)
            done = await connection.execute(
                "UPDATE paycools_callbacks SET state = %s, done = %s, error = NULL WHERE seq = %s AND state = 'new'",
                (mark, self._clock(), seq),
            )
            if done.rowcount != 1:
                raise InboxError(f"callback {seq} was marked before")

        await self._applying.run(write)

    async def postpone(self, seq: int, until: float, error: str) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(
                "UPDATE paycools_callbacks SET attempts = attempts + 1, due = %s, error = %s"
                " WHERE seq = %s AND state = 'new'",
                (until, error, seq),
            )

        await self._applying.run(write)

    async def counts(self) -> dict[str, int]:
        async def read(connection: Connection) -> Any:
            query = "SELECT state, count(*) FROM paycools_callbacks GROUP BY state"
            return await (await connection.execute(query)).fetchall()

        return dict(await self._intake.run(read, repeatable=True))

    async def oldest(self) -> float | None:
        """When the oldest unapplied callback came in."""

        async def read(connection: Connection) -> Any:
            query = "SELECT min(received) FROM paycools_callbacks WHERE state = 'new'"
            return await (await connection.execute(query)).fetchone()

        (received,) = await self._intake.run(read, repeatable=True)
        return None if received is None else float(received)

    async def aclose(self) -> None:
        await self._intake.aclose()
        await self._applying.aclose()


async def _do_work(connection: Connection, work: Sequence[Work]) -> None:
    try:
        for each in work:
            returned = each(connection)
            if inspect.isawaitable(returned):
                await returned
    except psycopg.Error as error:
        raise WorkFailed(type(error).__name__) from error
    except BaseException as error:
        if isinstance(error, Exception) or must_pass(error):
            raise
        raise WorkFailed(type(error).__name__) from error
