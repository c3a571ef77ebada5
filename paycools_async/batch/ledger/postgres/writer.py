"""Moves of the PostgreSQL ledger: a run's, written in groups, and those of events from outside the runs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from typing import Any, Protocol

import attrs
import psycopg

from ....runtime import FORKED
from ....storage.postgres import Availability
from ....storage.postgres_connections import idle_limit
from ...states import Event, IllegalMove
from ..base import LedgerError
from ..row import EventSource, Row, apply_event, counts_from, event_for
from . import queries
from .database import DatabaseClock
from .schema import LeasedRow, leased_row_from
from .session import LedgerSession

__all__ = ["Writer", "apply_now", "apply_within"]

Connection = psycopg.AsyncConnection[Any]

# until the caller's transaction ends: it holds the row, and should it stop for good, nobody else could move it
_LIMIT = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
_LARGEST_GROUP = 512


@attrs.frozen
class _Move:
    row: LeasedRow
    moved: LeasedRow
    event: Event
    due: float
    details: dict[str, Any]
    done: asyncio.Future[LeasedRow]

    def values(self) -> tuple[Any, ...]:
        row, to, details = self.row, self.moved, self.details
        reason = to.reason.value if to.reason else None
        values = (row.id, row.state.value, row.version, to.state.value, reason, self.due, to.resends, to.inquiries)
        more = (to.absent_since, counts_from(self.event), to.transaction_id, to.code, to.message, self.event.value)
        return (*values, *more, to.code if "code" in details else None, to.message if "message" in details else None)


class Writer:
    """Group commit: moves that wait are one statement and one commit. A caller goes on only when it is durable."""

    def __init__(
        self, dsn: str, lease: float, worker: str, clock: DatabaseClock, availability: Availability | None = None
    ) -> None:
        # a move that is not made within a lease is too late for everybody
        self._session = LedgerSession(dsn, lease, statement=lease, availability=availability)
        self._lease = lease
        self.idle_limit: str = idle_limit(lease)
        self._worker = worker
        self._clock = clock
        self._process = os.getpid()
        self._waiting: list[_Move] = []
        self._task: asyncio.Task[None] | None = None
        self._begun: set[int] = set()
        self.commits: int = 0

    async def move(
        self, row: LeasedRow, moved: LeasedRow, event: Event, due: float, details: dict[str, Any]
    ) -> LeasedRow:
        """Write one move with whatever else waits. Raises IllegalMove where the row is not as the caller saw it."""
        if self._process != os.getpid():  # the task that writes is the parent's
            raise LedgerError(FORKED)
        done: asyncio.Future[LeasedRow] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Move(row, moved, event, due, details, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await done

    async def aclose(self) -> None:
        """Write what is waiting, then close the session."""
        if self._process != os.getpid():
            return
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._session.aclose()

    def abort(self) -> None:
        """What waits ends at once, with an error."""
        self._session.abort()

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
            written = {row[0]: row[1:] for row in await self._session.ask(queries.MOVE, self._values(group))}
            self.commits += 1
            written |= await self._begun_before([move for move in group if move.row.id not in written])
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
            if move.row.id in written:
                self._remember(move)
            if move.done.done():
                continue  # its caller was cancelled; the move stands
            if move.row.id in written:
                move.done.set_result(_as_written(move.moved, written[move.row.id]))
            else:
                move.done.set_exception(
                    IllegalMove(f"order {move.row.order_id} is no longer {move.row.state}, or is in other hands")
                )

    async def _begun_before(self, refused: list[_Move]) -> dict[int, tuple[Any, ...]]:
        """Of these, whose sending began with a commit of ours of which no answer came: only this process can know.

        Of any other move it does not matter who has made it.
        """
        begun = [move for move in refused if move.event is Event.SEND and move.row.id not in self._begun]
        if not begun or not self._session.asked_again:
            return {}
        values = ([move.row.id for move in begun], [move.row.version + 1 for move in begun], self._worker)
        return {row[0]: row[1:] for row in await self._session.ask(queries.BEGUN, values)}

    def _remember(self, move: _Move) -> None:
        """Whose sending began, and whose caller knows of it."""
        if move.event is Event.SEND:
            self._begun.add(move.row.id)
        else:
            self._begun.discard(move.row.id)

    def _values(self, group: list[_Move]) -> tuple[Any, ...]:
        columns = [list(column) for column in zip(*(move.values() for move in group), strict=True)]
        return (self._clock.now, *columns, self._lease, self._worker, self._worker)

    async def move_within(
        self, connection: Connection, row: LeasedRow, moved: LeasedRow, event: Event, details: dict[str, Any]
    ) -> LeasedRow:
        """Write one move of a row that the caller's transaction has locked; it is durable when that commits."""
        nobody_waits = asyncio.get_running_loop().create_future()
        values = self._values([_Move(row, moved, event, 0.0, details, nobody_waits)])
        [written] = await (await connection.execute(queries.MOVE.encode(), values)).fetchall()
        return _as_written(moved, written[1:])


def _as_written(moved: LeasedRow, written: tuple[Any, ...]) -> LeasedRow:
    """The row with what PostgreSQL said of it: version and times."""
    version, updated, sent = written
    return attrs.evolve(moved, version=version, updated=updated, sent=sent)


class _Ledger(Protocol):
    async def get(self, order_id: str) -> LeasedRow | None: ...

    def move(self, row: Row, event: Event, **details: Any) -> Awaitable[Row]: ...


async def apply_now(ledger: _Ledger, order_id: str, source: EventSource, details: dict[str, Any]) -> Row | None:
    """As `Ledger.apply_event`, in a commit of its own."""
    while True:
        row = await ledger.get(order_id)
        event = event_for(row, source) if row else None
        if row is None or event is None:
            return row
        try:
            return await ledger.move(row, event, **details)
        except IllegalMove:
            continue  # somebody was faster: decided again by what is there now


async def apply_within(
    connection: psycopg.AsyncConnection[Any],
    writer: Writer,
    order_id: str,
    source: EventSource,
    details: dict[str, Any],
) -> Row | None:
    """As `Ledger.apply_event`, in the caller's transaction; the row is locked until its end."""
    await connection.execute(_LIMIT, (writer.idle_limit,))
    rows = await (await connection.execute(queries.GET_LOCKED.encode(), (order_id,))).fetchall()
    row = leased_row_from(rows[0]) if rows else None
    event = event_for(row, source) if row else None
    if row is None or event is None:
        return row
    return await writer.move_within(connection, row, apply_event(row, event, details), event, details)
