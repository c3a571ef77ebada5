"""The ledger: the truth about payouts, in one SQLite file.

A write's caller goes on only when the write is on disk (WAL, synchronous=FULL, group commit). The file holds account
data and is readable by its owner only. One run at a time may send from it; `status` and `report` may read it meanwhile,
and a web application may feed callbacks into it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from ....renamed import old_names
from ....storage.location import file_at
from ...files import Order, RowError
from ...states import Event, IllegalMove, State
from ..application import ApplicationBatch, Seen
from ..base import OLD_NAMES, Batch, Counts, Identity, Intake, LedgerError, Source, Withdrawal
from ..row import EventSource, Row, event_for, row_of
from ..timeline import FailureGroup, PayoutMove, PayoutTimeline
from . import application, queries, reading
from . import batches as decisions
from .application import SQLiteApplication
from .file import reading_connection
from .moves import move_from, write
from .store import Store

__all__ = ["Identity", "Intake", "LedgerError", "Row", "SQLiteLedger"]

T = TypeVar("T")

_OVERDUE = 30.0
"""Seconds. No inquiry waits longer because the clock was set back meanwhile."""


@old_names(**OLD_NAMES)
class SQLiteLedger:
    """Open it with `await SQLiteLedger.open(path, identity)`, close it with `aclose`. Satisfies `base.Ledger`."""

    renew_every: float = math.inf
    send_within: float = math.inf

    def __init__(self, path: Path, clock: Callable[[], float] | None = None, *, read_only: bool = False) -> None:
        self.path = path
        started, at = time.time(), time.monotonic()
        # the wall clock may be set while this runs; what is waited for must not come sooner or later by that
        self._clock = clock or (lambda: started + time.monotonic() - at)
        self._steady_since = self.time()
        self._store = Store(path, read_only=read_only)
        self._only: Seen = None

    @classmethod
    async def open(
        cls,
        path: Path,
        identity: Identity | None,
        *,
        create: bool = True,
        exclusive: bool = True,
        read_only: bool = False,
        recover: bool = False,
        join: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> SQLiteLedger:
        """Open or create a ledger. `identity=None` takes whatever ledger it is; `exclusive` keeps other runs out.

        `read_only` creates and changes nothing, whatever `create` and `exclusive` say. `recover`: a part of the ledger
        is lost for good, so whatever may have been sent is asked for before anything is sent. `join`: a database that
        has an application's own tables alone becomes a ledger, too.

        Raises LedgerError where the file is no ledger, or not all of it, or belongs to somebody else; LedgerInUse where
        another run has it; LedgerLockError where nobody can say whether one has.
        """
        ledger = cls(file_at(path), clock, read_only=read_only)
        await ledger._store.open(
            identity, create=create, exclusive=exclusive, recover=recover, now=ledger.time, join=join
        )
        return ledger

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        await self._store.aclose()

    async def backup(self, target: Path) -> None:
        """A copy of the whole ledger as it is now, beside a run or without one. A file that is there is not replaced.

        The copy says of itself that it is one: before it is used instead of the original, it has to be recovered.
        """
        await self._store.backup(target)

    def of_batches(self, batches: Collection[int]) -> Self:
        """The same ledger, of which only these batches are seen, counted and claimed. Do not close it."""
        view = copy.copy(self)
        view._only = tuple(sorted(set(batches)))
        return view

    async def application(self, name: str) -> SQLiteApplication:
        """What an application of this name submits: its own batch of this ledger, made where it is not there."""
        number = await self._do(lambda db: application.own_batch(db, name, self.time()))
        view = copy.copy(self)
        view._only = ApplicationBatch(number)
        return SQLiteApplication(view, view._store, number)

    @property
    def commits(self) -> int:
        """Commits so far, of any number of writes each."""
        return self._store.commits

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        return self._store.do(work)

    @property
    def location(self) -> str:
        """The file: an inbox in the same place can share a commit."""
        return str(self._store.file)

    def time(self) -> float:
        """The clock that the ledger goes by, in whole milliseconds: more digits would not come back as they were."""
        return int(self._clock() * 1000) / 1000

    @property
    def steady_since(self) -> float:
        """The moment since which this process has had the ledger. Its clock cannot be set."""
        return self._steady_since

    # -- what a person decides ----------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], source: Source | None = None
    ) -> Intake:
        """Enter a file's orders as `offered`, as one new batch, all or none: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error. What was withdrawn may be offered again, also with other content.
        """
        who = source or Source()
        return await self._store.do_much(lambda db: decisions.enter(db, orders, text_of, who, self.time()))

    async def release(self, batch: int, *, by: str, rows: int, amount: int) -> None:
        """A person's yes to a batch: its offered rows become planned.

        Raises Changed where they are not what was shown.
        """
        await self._store.do_much(lambda db: decisions.release(db, batch, by, rows, amount, self.time()))

    async def withdraw(self, *, by: str, batch: int | None = None, order_id: str | None = None) -> Withdrawal:
        """Take back what was never sent: of a batch, of one order, or with neither of the whole ledger."""
        seen, now = self._only, self.time
        return await self._store.do_much(lambda db: decisions.withdraw(db, by, batch, order_id, seen, now()))

    async def adopt(self, *, by: str) -> int:
        """Take what PayCools had before (`preexisting`) for this ledger's payouts; they are followed to their end."""
        return await self._do(lambda db: decisions.adopt(db, by, self._only, self.time()))

    async def batches(self) -> list[Batch]:
        """Every batch, oldest first, with its rows by state and its log."""
        return await self._store.read(decisions.batches)

    async def owner(self) -> str:
        """Whose it is, as `Identity.text`; empty where nobody owns it yet."""
        return await self._meta("identity") or ""

    async def destination(self) -> dict[str, str]:
        """Where the money goes, as the last run said: names and texts for people; empty where nobody said."""
        found: dict[str, str] = json.loads(await self._meta("destination") or "{}")
        return found

    async def note_destination(self, details: dict[str, str]) -> None:
        """Remember where the money goes, for reports."""
        await self._set_meta("destination", json.dumps(details))

    # -- a run --------------------------------------------------------------------------------------------------

    async def begin_run(self) -> None:
        """Own what is to be sent. Raises LedgerInUse where this is not the one run that may send."""
        self._store.begin_run()

    async def end_run(self) -> None:
        """The run has ended in order."""
        self._store.end_run()

    async def resume_sending(self) -> None:
        """Nothing to do: a pause ends with its run."""

    async def pause(self, reason: str) -> None:
        """Nothing to do: the run that was refused stops by itself."""

    async def paused(self) -> str | None:
        """Never: a pause ends with its run."""
        return None

    async def renew_leases(self, held: Collection[int]) -> None:
        """Nothing to do: nobody else takes rows."""

    async def return_leases(self) -> None:
        """Nothing to do: rows are not leased."""

    async def claim(
        self, states: Iterable[State], limit: int, *, max_resends: int, held: Collection[int] = ()
    ) -> list[Row]:
        """Rows in these states whose time has come, the longest due first, without those in `held`.

        Only a planned one comes with its `body` and `digest`: they are for sending.
        """
        seen, now = self._only, self.time

        def read(connection: sqlite3.Connection) -> list[Row]:
            return reading.claim(connection, states, limit, batches=seen, now=now(), max_resends=max_resends, held=held)

        return await self._store.claim(read, len(held))

    # -- moves --------------------------------------------------------------------------------------------------

    async def recover(self, *, call_timeout: float) -> int:
        """After a crash every `sending` row may have been sent: make it `unknown`. Returns how many.

        They are inquired about no earlier than `call_timeout` seconds after their sending began.
        """

        def mark(connection: sqlite3.Connection) -> int:
            now = self.time()
            connection.execute(queries.OVERDUE, (now, now + _OVERDUE))
            rows = [row_of(values) for values in connection.execute(queries.ABANDONED).fetchall()]
            for row in rows:
                due = min(max(now, (row.sent or now) + call_timeout), now + call_timeout)
                self._move(connection, row, Event.CRASHED, due=due, epoch=self._store.epoch)
            return len(rows)

        return await self._do(mark)

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **details: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved meanwhile.

        Raises LedgerInUse where the ledger is not this run's, or no longer.
        """
        self._store.refuse_to_move()
        return await self._store.move(move_from(row, event, due, self.time(), details, self._store.epoch))

    def _move(
        self,
        connection: sqlite3.Connection,
        row: Row,
        event: Event,
        *,
        due: float = 0.0,
        epoch: str = "",
        **details: Any,
    ) -> Row:
        [moved] = write(connection, [move_from(row, event, due, self.time(), details, epoch)])
        if isinstance(moved, IllegalMove):
            raise moved
        return moved

    async def apply_event(self, order_id: str, event: EventSource, **details: Any) -> Row | None:
        """What a callback says of an order: move its row from whatever state it is in now.

        `event` may be a function of the row. None: the order is not in this ledger. What cannot happen in the row's
        state changes nothing; the row is returned as it stands.
        """
        return await self._do(lambda connection: self.apply_event_in(connection, order_id, event, details))

    def apply_event_in(
        self,
        connection: sqlite3.Connection,
        order_id: str,
        event: EventSource,
        details: dict[str, Any],
    ) -> Row | None:
        """`apply_event` within a transaction of the caller's, on this ledger's file."""
        self._store.refuse_if_read_only()
        row = reading.get(connection, order_id)
        moves = None if row is None else event_for(row, event)
        return row if row is None or moves is None else self._move(connection, row, moves, **details)

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands; of one that was withdrawn and offered again, the later row."""
        return await self._store.read(lambda db: reading.get(db, order_id))

    async def schedule_inquiry(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""
        values = (due, absent_since, row.id, row.state.value)
        await self._do(lambda db: db.execute(queries.SCHEDULE_INQUIRY, values))

    async def longest_lag(self) -> float:
        """Seconds, the most that PayCools was ever seen to take to show an order that it had accepted."""
        return float(await self._meta("lag") or 0.0)

    async def note_lag(self, seconds: float) -> None:
        """Remember a lag, if it is the longest so far."""
        if seconds > await self.longest_lag():
            await self._set_meta("lag", repr(seconds))

    # -- reading ------------------------------------------------------------------------------------------------

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due."""
        seen = self._only
        return await self._store.read(lambda db: reading.next_due(db, states, batches=seen, max_resends=max_resends))

    async def counts(self) -> Counts:
        """Rows and minor units in each state."""
        return await self._store.read(lambda db: reading.counts(db, self._only))

    async def oldest_open(self) -> float | None:
        """When the oldest row was entered that the runner can still do something about, by the ledger's clock."""
        return await self._store.read(lambda db: reading.oldest_open(db, self._only))

    async def failures(self) -> list[FailureGroup]:
        """What failed, by code; the most frequent first."""
        return await self._store.read(lambda db: reading.failures(db, self._only))

    async def history(self, order_id: str) -> list[PayoutMove]:
        """Every move of an order, oldest first."""
        return await self._store.read(lambda db: reading.history(db, order_id))

    async def resent(self) -> int:
        """Rows that were sent again after PayCools did not show them for long."""
        return await self._store.read(lambda db: reading.resent(db, self._only))

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        return await self._meta("currency") or "PHP"

    def timelines(self) -> Iterator[list[PayoutTimeline]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return reading.timelines(lambda: reading_connection(self._store.file), self._only)

    async def pages(self, *, states: Collection[State] | None = None, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, or those that are in these states, in file order, a page at a time."""
        last = 0
        while found := await self._page(last, size, states):
            yield found
            last = found[-1].id

    def _page(self, after: int, size: int, states: Collection[State] | None) -> asyncio.Future[list[Row]]:
        return self._store.read(lambda db: reading.page(db, self._only, after, size, states))

    def _meta(self, key: str) -> asyncio.Future[str | None]:
        return self._store.read(lambda db: reading.meta(db, key))

    async def _set_meta(self, key: str, value: str) -> None:
        await self._do(lambda db: reading.set_meta(db, key, value))
