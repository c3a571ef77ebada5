"""Moves of the PostgreSQL ledger, written in groups; and the database's time between two looks at it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import attrs
import psycopg

from ...states import Event, IllegalMove
from ..base import LedgerError
from ..row import counts_from
from .schema import LeasedRow
from .session import Session, idle_limit

__all__ = ["DatabaseClock", "Writer"]

Connection = psycopg.AsyncConnection[Any]
_LARGEST_GROUP = 512
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
        self.steady_since = stand_in() if stand_in else 0.0
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


@attrs.frozen
class _Move:
    row: LeasedRow
    moved: LeasedRow
    event: Event
    due: float
    details: dict[str, Any]
    done: asyncio.Future[LeasedRow]

    def values(self) -> tuple[Any, ...]:
        row, to, told = self.row, self.moved, self.details
        reason = to.reason.value if to.reason else None
        values = (row.id, row.state.value, row.version, to.state.value, reason, self.due, to.resends, to.inquiries)
        more = (to.absent_since, counts_from(self.event), to.transaction_id, to.code, to.message, self.event.value)
        return (*values, *more, to.code if "code" in told else None, to.message if "message" in told else None)


_ASKED = (
    ("id", "bigint"),
    ("was", "text"),
    ("version", "bigint"),
    ("state", "text"),
    ("reason", "text"),
    ("due", "float8"),
    ("resends", "int"),
    ("looks", "int"),
    ("absent", "float8"),
    ("counts", "bool"),
    ("transaction_id", "text"),
    ("code", "bigint"),
    ("message", "text"),
    ("event", "text"),
    ("told_code", "bigint"),
    ("told_message", "text"),
)

_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _ASKED)
_NAMES = ", ".join(name for name, _ in _ASKED)

# the row, its past, and nothing without the other: one statement is one transaction. What was withdrawn and turns out
# to have been sent is the order's row again, unless it was offered anew meanwhile
_MOVE = f"""
WITH clock AS (SELECT coalesce(%s::float8, extract(epoch FROM statement_timestamp())::float8) AS now),
asked AS (SELECT * FROM unnest({_ARRAYS}) AS a ({_NAMES})),
moved AS (
    UPDATE paycools_payouts p SET state = a.state, reason = a.reason, resends = a.resends, looks = a.looks,
        absent_since = a.absent, transaction_id = a.transaction_id, code = a.code, message = a.message,
        due = CASE WHEN a.state = 'sending' THEN clock.now + %s ELSE a.due END,
        worker = CASE WHEN a.state = 'sending' THEN %s END, version = p.version + 1, updated = clock.now,
        sent = CASE WHEN a.counts THEN clock.now WHEN a.event = 'not_sent' AND a.resends = 0 THEN NULL
            ELSE p.sent END,
        withdrawn = CASE WHEN a.was = 'withdrawn' AND a.state <> 'withdrawn' AND NOT EXISTS (
            SELECT FROM paycools_payouts o WHERE o.order_id = p.order_id AND o.withdrawn = 0
        ) THEN 0 ELSE p.withdrawn END
    FROM asked a, clock WHERE p.id = a.id AND p.state = a.was AND p.version = a.version
    RETURNING p.id, p.version, p.updated, p.sent
),
logged AS (
    INSERT INTO paycools_moves (payout, at, event, state, code, message, worker, rules)
    SELECT a.id, m.updated, a.event, a.state, a.told_code, a.told_message, %s, 2 FROM asked a JOIN moved m USING (id)
)
SELECT id, version, updated, sent FROM moved
"""  # noqa: S608 - all text is ours


class Writer:
    """Group commit: moves that wait are one statement and one commit. A caller goes on only when it is durable."""

    def __init__(self, dsn: str, lease: float, worker: str, clock: DatabaseClock) -> None:
        # a move that is not made within a lease is too late for everybody
        self._session = Session(dsn, lease, statement=lease)
        self._lease = lease
        self.idle_limit: str = idle_limit(lease)
        self._worker = worker
        self._clock = clock
        self._waiting: list[_Move] = []
        self._task: asyncio.Task[None] | None = None
        self.commits: int = 0

    async def move(
        self, row: LeasedRow, moved: LeasedRow, event: Event, due: float, details: dict[str, Any]
    ) -> LeasedRow:
        """Write one move with whatever else waits. Raises IllegalMove where the row is not as the caller saw it."""
        done: asyncio.Future[LeasedRow] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Move(row, moved, event, due, details, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await done

    async def aclose(self) -> None:
        """Write what is waiting, then close the session."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._session.aclose()

    async def _write(self) -> None:
        while self._waiting:
            group: dict[int, _Move] = {}
            later: list[_Move] = []
            for move in self._waiting:
                if move.done.cancelled():
                    continue  # nobody is left who would act on it
                full = move.row.id in group or len(group) >= _LARGEST_GROUP
                (later.append(move) if full else group.__setitem__(move.row.id, move))
            self._waiting = later
            # in the order of ids, so that two writers that meet do not wait for each other
            if group:
                await self._write_group([group[key] for key in sorted(group)])

    async def _write_group(self, group: list[_Move]) -> None:
        before = time.monotonic()
        try:
            written = {found[0]: found[1:] for found in await self._session.ask(_MOVE, self._values(group))}
            self.commits += 1
        except BaseException as error:
            for move in group:
                if not move.done.done():
                    move.done.set_exception(error if isinstance(error, LedgerError) else LedgerError(str(error)))
            if not isinstance(error, LedgerError):
                raise
            return
        if written:
            _, updated, _ = next(iter(written.values()))
            self._clock.looked(updated, before, time.monotonic())
        for move in group:
            if move.done.done():
                continue  # its caller was cancelled; the move stands
            if move.row.id in written:
                move.done.set_result(_as_written(move.moved, written[move.row.id]))
            else:
                move.done.set_exception(
                    IllegalMove(f"order {move.row.order_id} is no longer {move.row.state}, or is in other hands")
                )

    def _values(self, group: list[_Move]) -> tuple[Any, ...]:
        columns = [list(column) for column in zip(*(move.values() for move in group), strict=True)]
        return (self._clock.now, *columns, self._lease, self._worker, self._worker)

    async def move_within(
        self, connection: Connection, row: LeasedRow, moved: LeasedRow, event: Event, details: dict[str, Any]
    ) -> LeasedRow:
        """Write one move of a row that the caller's transaction has locked; it is durable when that commits."""
        nobody_waits = asyncio.get_running_loop().create_future()
        values = self._values([_Move(row, moved, event, 0.0, details, nobody_waits)])
        [found] = await (await connection.execute(_MOVE.encode(), values)).fetchall()
        return _as_written(moved, found[1:])


def _as_written(moved: LeasedRow, found: tuple[Any, ...]) -> LeasedRow:
    """The row with what PostgreSQL said of it: version and times."""
    version, updated, sent = found
    return attrs.evolve(moved, version=version, updated=updated, sent=sent)
