"""PostgreSQL connections (psycopg 3; extra `postgres`): opened, limited, durable and tried again in one way.

The ledger and the inbox both stand on `Session`. A commit that has returned survives a power cut, a peer that is gone
is noticed, and nobody waits for ever for somebody who stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from ..runtime import FORKED

__all__ = ["LONGEST", "ConnectionString", "Session", "connect_options", "idle_limit", "limits", "lock_schema", "what"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]
Values = Sequence[Any] | Mapping[str, Any]

_ATTEMPTS = 5
_PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to connect again: a server that restarts refuses for a moment."""
_PATIENCE = 2.0
"""Seconds after which no further attempt is made."""
_AWAY = 10.0
"""Seconds after which one that could not be reached is waited for again; until then nobody waits for it."""
LONGEST = 3600.0
"""Seconds, the most that any limit is set to."""


def what(error: psycopg.Error) -> str:
    """The driver's error for people. Never the connection string: it may hold a password."""
    return error.diag.message_primary or type(error).__name__


def connect_options(dsn: str, lease: float) -> dict[str, Any]:
    """How to connect so that a peer that is gone is noticed within about the lease; what the DSN says goes first."""
    part = max(1, int(min(lease, LONGEST) / 4))
    ours = {
        "connect_timeout": 10,
        "keepalives_idle": part,
        "keepalives_interval": part,
        "keepalives_count": 3,
        "tcp_user_timeout": 4000 * part,
    }
    return {**ours, **conninfo_to_dict(dsn), "autocommit": True}


def idle_limit(lease: float) -> str:
    """How long a transaction may wait for its own process, as PostgreSQL reads it: half a lease, a second at least."""
    return f"{max(1000, int(min(lease, LONGEST) * 500))}ms"


def limits(lease: float, *, statement: float | None = None) -> tuple[str, list[Any]]:
    """A statement that sets a connection's limits, and its values. `statement` in seconds; 0 is none.

    A process that stops within a transaction loses it after half a lease, and its locks with it. Nobody waits longer
    than a lease for a lock. A commit that could be lost in a power cut would be a payout that could be sent again, or
    a callback that was acknowledged and is gone.
    """
    lease = min(lease, LONGEST)
    part = max(1, int(lease / 4))
    wanted: dict[str, object] = {
        "idle_in_transaction_session_timeout": idle_limit(lease),
        "lock_timeout": f"{max(1, int(lease * 1000))}ms",
        "tcp_keepalives_idle": part,
        "tcp_keepalives_interval": part,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": 4000 * part,
    }
    if statement is not None:
        wanted |= {"statement_timeout": f"{int(min(statement, LONGEST) * 1000)}ms"}
    if statement == 0:
        wanted |= {"transaction_timeout": 0}
    # by way of the settings that there are: older versions do not know them all
    query = """
        SELECT set_config(wanted.name, wanted.value, false)
        FROM unnest(%s::text[], %s::text[]) AS wanted (name, value) JOIN pg_settings USING (name)
        UNION ALL
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""
    return query, [list(wanted), [str(value) for value in wanted.values()]]


# -- locks ------------------------------------------------------------------------------------------------------------


async def lock_schema(connection: Connection, number: int) -> None:
    """Hold this lock of the schema until the transaction ends; waits for whoever holds it."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (number,))


class ConnectionString:
    """A connection string, closed: it may hold a password."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: str = text

    def __repr__(self) -> str:
        return "<connection string>"


# -- sessions ---------------------------------------------------------------------------------------------------------


class Session:
    """One connection, made when needed and again when lost; one transaction at a time.

    `failure` makes the caller's own error of a text. `retried`: what is tried again at once, because PostgreSQL undid
    it whole.
    """

    def __init__(
        self,
        dsn: str,
        lease: float,
        failure: Callable[[str], Exception],
        *,
        statement: float | None = None,
        retried: tuple[type[psycopg.Error], ...] = (errors.DeadlockDetected, errors.SerializationFailure),
    ) -> None:
        self._dsn = ConnectionString(dsn)
        self._lease = lease
        self._failure = failure
        self._statement = statement
        self._retried = retried
        self._process = os.getpid()
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._locked: Connection | None = None
        self._closed = False
        self._away_since: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; none is made by asking."""
        return self._connection is not None and not self._connection.closed

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, repeatable: bool = False) -> T:
        """`await work(connection)` in a transaction of its own, committed before this returns.

        `repeatable`: done twice it is as if done once, so with a connection that was lost it is tried on a new one,
        for a second or two where the server is not there at once.
        """

        async def within(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self._do(within, repeatable)

    async def ask(self, query: str, values: Values | None = None) -> list[tuple[Any, ...]]:
        """One statement, which is one transaction: done and committed, or not at all, whatever becomes of us."""

        async def execute(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

        return await self._do(execute, False)

    async def try_lock(self, number: int) -> bool:
        """Hold this lock of the schema as long as the connection lives. False: another session holds it."""

        async def take(connection: Connection) -> bool:
            if not self.holds_lock(connection):
                query = "SELECT pg_try_advisory_lock(%s, hashtext(current_schema()))"
                [(held,)] = await (await connection.execute(query, (number,))).fetchall()
                self._locked = connection if held else None
            return self.holds_lock(connection)

        return await self.run(take, repeatable=True)

    def holds_lock(self, connection: Connection) -> bool:
        """Whether it is this very connection that holds what `try_lock` took."""
        return connection is self._locked

    async def _do(self, work: Callable[[Connection], Awaitable[T]], repeatable: bool) -> T:
        if self._process != os.getpid():  # both would write to one socket, as one owner
            raise self._failure(FORKED)
        async with self._lock:
            if self._closed:
                raise self._failure("it is closed")
            try:
                return await self._attempts(work, repeatable)
            except psycopg.Error as error:
                problem = what(error)
        raise self._failure(problem)  # without the driver's error: its frames hold the connection string

    async def _attempts(self, work: Callable[[Connection], Awaitable[T]], repeatable: bool) -> T:
        attempt = 0
        was_there = self._connection is not None
        clock = asyncio.get_running_loop().time
        until = clock() + _PATIENCE
        while True:
            attempt += 1
            connection: Connection | None = None
            try:
                connection = await self._connected()
                found = await work(connection)
            except self._retried:
                if attempt == _ATTEMPTS:
                    raise
            except psycopg.OperationalError:
                lost = connection is None or connection.closed
                may_go_on = attempt < _ATTEMPTS and clock() < until and not self._is_away(clock())
                if not (repeatable and was_there and lost and may_go_on):
                    if lost:
                        self._away_since = clock()
                    raise
                if attempt > 1 or connection is None:  # one that was kept may have been dead for long
                    await asyncio.sleep(_PAUSES[attempt - 1])
            else:
                self._away_since = None
                return found

    def _is_away(self, now: float) -> bool:
        """Whether somebody waited for the server a moment ago, and in vain."""
        return self._away_since is not None and now - self._away_since < _AWAY

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(**connect_options(self._dsn.text, self._lease))
            try:
                query, values = limits(self._lease, statement=self._statement)
                await connection.execute(query.encode(), values)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def aclose(self) -> None:
        """Close the connection and open no other. In a forked child nothing: it would end the parent's."""
        if self._process != os.getpid():
            return
        async with self._lock:
            self._closed = True
            if self._connection is None:
                return
            if self.holds_lock(self._connection) and not self._connection.closed:
                with contextlib.suppress(psycopg.Error):
                    # the server notices a closed connection a moment later, and somebody may wait to take over
                    await self._connection.execute("SELECT pg_advisory_unlock_all()")
            await self._connection.close()
