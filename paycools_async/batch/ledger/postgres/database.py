"""A process's way to the PostgreSQL ledger: its session, the database's time, and the name it leases rows under."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg

from . import queries
from .session import LedgerSession

__all__ = ["Connection", "Database", "DatabaseClock"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]

_JUMP = 1.0
"""Seconds. By more than that no clock drifts between two looks at it: it was set."""


class DatabaseClock:
    """The database's time, which goes on by this machine's monotonic clock; `stand_in` replaces it in tests.

    Small differences are corrected at each `look`. When the database's clock was set, everything that PostgreSQL stamps
    (`due`, `sent`) is in the new time at once, so this follows as soon as any statement shows it: a run that compared
    the new stamps with the old time would believe an absence too early, or never. Whoever waits for an absence sees the
    step against its monotonic clock, and begins to wait anew.

    The leases of others are not judged by this clock but in PostgreSQL, by the time that wrote them. Set forward, they
    would all seem to have ended. Of rows that are not being sent that costs work and no money: who sends must move the
    row as it saw it, and the one who took it has changed that. A row that is being sent is found abandoned only when
    its lease has ended by this clock too, as it was before the step (`believed`), and, once the step is seen, a whole
    lease later (`settled`). A process that began after the step cannot know of it; it inquires too early, but believes
    no absence that it has not waited for itself.
    """

    def __init__(self, lease: float, stand_in: Callable[[], float] | None = None) -> None:
        self._lease = lease
        self.stand_in = stand_in
        self._offset: float | None = None
        self._settled_at = -math.inf
        self.steady_since: float = stand_in() if stand_in else 0.0
        """The moment since which this process has had the ledger, and the clock was not set."""
        self.was_set: bool = False
        """Whether a step was seen that nobody has dealt with."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.stand_in() if self.stand_in else time.monotonic() + (self._offset or 0.0)

    @property
    def now(self) -> float | None:
        """The stand-in's time, or None where PostgreSQL's own is to be taken."""
        return self.stand_in() if self.stand_in else None

    @property
    def settled(self) -> bool:
        """Whether the ends of leases may be believed: the clock was not set within the last one."""
        return time.monotonic() >= self._settled_at

    def looked(self, now: float, before: float, after: float, *, correct: bool = False) -> None:
        """PostgreSQL said that it is `now`, some time between two moments of the monotonic clock."""
        if self.stand_in:
            return
        offset = now - (before + after) / 2
        if self._offset is None:
            self._offset, self.steady_since = offset, now
        elif abs(offset - self._offset) > _JUMP + (after - before) / 2:
            self._offset, self.steady_since = offset, now
            self._settled_at = time.monotonic() + self._lease
            self.was_set = True
        elif correct:
            self._offset = offset


class Database:
    """`lease`: seconds for which a row is leased."""

    def __init__(self, session: LedgerSession, clock: DatabaseClock, lease: float, worker: str) -> None:
        self.session = session
        self.clock = clock
        self.lease = lease
        self.worker = worker

    async def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """One statement, which is one transaction."""
        return await self.session.ask(query, self.values(**values))

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`await work(connection)` in one transaction. It may be awaited again, where PostgreSQL undid it."""
        return await self.session.run(work)

    def values(self, **values: Any) -> dict[str, Any]:
        """Parameters, with those that many statements take."""
        return {**values, "now": self.clock.now, "lease": self.lease, "worker": self.worker}

    async def look_at_clock(self) -> None:
        """Correct the clock by the database's."""
        before = time.monotonic()
        [(now,)] = await self.ask(f"SELECT {queries.NOW}")
        self.clock.looked(now, before, time.monotonic(), correct=True)
