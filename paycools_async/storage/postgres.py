"""PostgreSQL connections (psycopg 3; extra `postgres`): opened, limited, durable and tried again in one way.

The ledger and the inbox both stand on `Session`. A commit that has returned survives a power cut, a peer that is gone
is noticed, and nobody waits for ever for somebody who stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from ..runtime import FORKED
from .location import connection_string
from .postgres_connections import ConnectionString, connect, passes, what

__all__ = ["Availability", "Session", "lock_schema"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]
Values = Sequence[Any] | Mapping[str, Any]

_ATTEMPTS = 5
_PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to connect again: a server that restarts refuses for a moment."""
_PATIENCE = 2.0
"""Seconds after which no further attempt is made."""
_LONGEST_PAUSE = 2.0
"""Seconds between attempts, where it is waited for without end."""
_AWAY = 10.0
"""Seconds after which one that could not be reached is waited for again; until then nobody waits for it."""


# -- locks ------------------------------------------------------------------------------------------------------------


async def lock_schema(connection: Connection, number: int) -> None:
    """Hold this lock of the schema until the transaction ends; waits for whoever holds it."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (number,))


# -- whether it is there ----------------------------------------------------------------------------------------------


class Availability:
    """Whether a database can be used, as several sessions on it see it; told once when it goes, and once when it comes.

    Between `begin_waiting` and `end_waiting` its sessions wait for it, however long it is away. Before it was ever used
    they wait for a server that is not there, and not where a setting is wrong.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._waiting = 0
        self._was_used = False
        self._missed_by: set[int] = set()
        self._left_until: float | None = None
        self.problem: str | None = None
        """Why it cannot be used now; None: it can, as far as anybody knows."""

    @property
    def is_away(self) -> bool:
        """Whether somebody waits for it now."""
        return self.problem is not None

    def begin_waiting(self) -> None:
        """From now on, until as many `end_waiting`."""
        if not self._waiting:
            self._left_until = None
        self._waiting += 1

    def end_waiting(self) -> None:
        """Somebody who waited is done."""
        self._waiting -= 1

    def stop_waiting(self, within: float) -> None:
        """Whoever waits gives up after so many seconds, and nobody waits any more."""
        self._left_until = asyncio.get_running_loop().time() + within

    @property
    def was_used(self) -> bool:
        """Whether it was ever used: its settings are right."""
        return self._was_used

    def waits(self, now: float) -> bool:
        """Whether a session goes on waiting."""
        return self._waiting > 0 and (self._left_until is None or now < self._left_until)

    def gave_up(self, now: float) -> str | None:
        """Why it is not even tried again: it is away, and nobody waits for it any more."""
        return self.problem if self._left_until is not None and now >= self._left_until else None

    def missed(self, session: object, problem: str) -> None:
        """A session could not use it."""
        if not self._missed_by:
            self._tell(f"the database is away, and waited for: {problem}")
        self._missed_by.add(id(session))
        self.problem = problem

    def used(self, session: object) -> None:
        """A session has used it."""
        self._was_used = True
        self._missed_by.discard(id(session))
        if self.problem is not None and not self._missed_by:
            self.problem = None
            self._tell("the database is back")


# -- sessions ---------------------------------------------------------------------------------------------------------


class Session:
    """One connection, made when needed and again when lost; one transaction at a time.

    `failure` makes the caller's own error of a text. `retried`: what is tried again at once, because PostgreSQL undid
    it whole. `availability`: while its sessions wait, whatever is asked is asked again until the database answers; it
    must then be as if asked once. `read_only`: a server that takes no writes will do.
    """

    def __init__(
        self,
        dsn: str,
        lease: float,
        failure: Callable[[str], Exception],
        *,
        statement: float | None = None,
        retried: tuple[type[psycopg.Error], ...] = (errors.DeadlockDetected, errors.SerializationFailure),
        availability: Availability | None = None,
        read_only: bool = False,
    ) -> None:
        self._dsn = ConnectionString(connection_string(dsn))
        self._lease = lease
        self._failure = failure
        self._statement = statement
        self._retried = retried
        self._availability = availability
        self._read_only = read_only
        self._process = os.getpid()
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._locked: Connection | None = None
        self._connecting: asyncio.Future[Connection] | None = None
        self._at_work: asyncio.Task[Any] | None = None
        self._closed = self._aborted = False
        self._away_since: float | None = None
        self.asked_again: bool = False
        """Whether what was done last may have been done, and committed, more than once."""

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
            gave_up = self._availability and self._availability.gave_up(asyncio.get_running_loop().time())
            if gave_up:
                raise self._failure(gave_up)
            self._at_work = asyncio.current_task()
            try:
                return await self._attempts(work, repeatable)
            except psycopg.Error as error:
                problem = what(error)
            finally:
                self._at_work = None
        raise self._failure(problem)  # without the driver's error: its frames hold the connection string

    async def _attempts(self, work: Callable[[Connection], Awaitable[T]], repeatable: bool) -> T:
        attempt = undone = 0
        self.asked_again = False
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
                undone += 1
                if undone == _ATTEMPTS:
                    raise
            except (psycopg.OperationalError, errors.ReadOnlySqlTransaction) as error:
                self.asked_again = True
                await self._leave_read_only(connection, error)
                lost = connection is None or connection.closed
                if self._closed:
                    raise
                if self._availability is not None and await self._is_waited_for(self._availability, error):
                    await self._wait(self._availability, attempt, error, was_lost=lost and connection is not None)
                    continue
                may_go_on = attempt < _ATTEMPTS and clock() < until and not self._is_away(clock())
                if not (repeatable and was_there and lost and may_go_on):
                    if lost:
                        self._away_since = clock()
                    raise
                if attempt > 1 or connection is None:  # one that was kept may have been dead for long
                    await asyncio.sleep(_PAUSES[attempt - 1])
            else:
                self._away_since = None
                if self._availability is not None:
                    self._availability.used(self)
                return found

    async def _is_waited_for(self, availability: Availability, error: psycopg.Error) -> bool:
        if not availability.waits(asyncio.get_running_loop().time()):
            return False
        return availability.was_used or await passes(error)

    async def _wait(self, availability: Availability, attempt: int, error: psycopg.Error, *, was_lost: bool) -> None:
        """Until the next attempt. That a connection was lost is nothing to tell, where a new one can be had at once."""
        if attempt > 1 or not was_lost:
            availability.missed(self, what(error))
            await asyncio.sleep(min(_LONGEST_PAUSE, _PAUSES[0] * 2.0 ** min(attempt, 10)))

    async def _leave_read_only(self, connection: Connection | None, error: psycopg.Error) -> None:
        """A server that takes no writes any more has handed its part to another: the next connection may find that."""
        if isinstance(error, errors.ReadOnlySqlTransaction) and connection is not None and not self._read_only:
            await connection.close()

    def _is_away(self, now: float) -> bool:
        """Whether somebody waited for the server a moment ago, and in vain."""
        return self._away_since is not None and now - self._away_since < _AWAY

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connecting = asyncio.ensure_future(
                connect(self._dsn, self._lease, statement=self._statement, read_only=self._read_only)
            )
            try:
                self._connection = await self._connecting
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if not self._aborted or (current is not None and current.cancelling()):
                    raise
                raise psycopg.OperationalError("it is closed") from None
        return self._connection

    def abort(self) -> None:
        """Whoever waits for an answer gets an error at once, and nothing more is asked. Close it then.

        To cancel them is not enough: psycopg asks the server to end the statement and waits for that too.
        """
        if self._process != os.getpid():
            return
        self._closed = self._aborted = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._at_work is not None and self._at_work.cancelling():
            self._at_work.cancel()
        if self._connection is not None and not self._connection.closed:
            with (
                contextlib.suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(self._connection.fileno())) as ours,
            ):
                ours.shutdown(socket.SHUT_RDWR)

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
