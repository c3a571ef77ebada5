"""The ledger: the truth about payouts, in one SQLite file.

A write's caller goes on only when the write is on disk (WAL, synchronous=FULL, group commit). The file holds account
data and is readable by its owner only. One run at a time may send from it; `status` and `report` may read it meanwhile,
and a web application may feed callbacks into it.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import json
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import attrs

from ....storage import sqlite
from ....storage.group_commit import Committer
from ...orders import Order, RowError
from ...renamed import old_names
from ...states import Event, IllegalMove, State
from ..base import OLD_NAMES, Batch, Counts, Identity, Intake, LedgerError, LedgerInUse, Source, Withdrawal
from ..row import COLUMNS, WITHOUT_ORDER, EventSource, Row, event_for, row_of
from ..timeline import PayoutTimeline, sqlite_timelines
from . import batches as sqlite_batches
from . import file as sqlite_file
from .moves import Move, write

__all__ = ["Identity", "Intake", "LedgerError", "Row", "SQLiteLedger"]

T = TypeVar("T")

# of an order that was withdrawn and offered again the later row
_GET = f"SELECT {COLUMNS} FROM payouts WHERE order_id = ? ORDER BY withdrawn <> 0, id DESC LIMIT 1"  # noqa: S608
_SENDING = f"SELECT {COLUMNS} FROM payouts WHERE state = 'sending'"  # noqa: S608
_OVERDUE = 30.0
"""Seconds. No inquiry waits longer because the clock was set back meanwhile."""


def _due(columns: str) -> str:
    # from the index, in its order; what is held stands at its front and is passed over without a look at the row.
    # As one JSON text: the driver would let go of the interpreter at each row, and wait for it again
    return f"""
SELECT json_group_array(json_array(due, {columns})) FROM (
    SELECT {COLUMNS}, due FROM payouts
    WHERE state = ? AND intake = ? AND due <= ? AND resends <= ? AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY due LIMIT ?
)"""  # noqa: S608 - the columns are ours


_TO_SEND, _TO_INQUIRE = _due(COLUMNS), _due(WITHOUT_ORDER)
_SCHEDULE_INQUIRY = "UPDATE payouts SET due = ?, absent_since = ?, looks = looks + 1 WHERE id = ? AND state = ?"

_BETWEEN, _MOST_BETWEEN = 0.0001, 0.025
"""Seconds between commits for each row that the run has in hand, and at the most.

The more rows, the longer each can wait while the others keep the signing threads busy; few would leave them idle.
"""


@attrs.define
class _Owner:
    """What all views of one opened ledger share. `epoch`: the run's number; "" where it may not send."""

    epoch: str = ""
    running: bool = False


def _close_it(opening: asyncio.Future[sqlite_file.Opened]) -> None:
    """Nobody waits for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


@old_names(**OLD_NAMES)
class SQLiteLedger:
    """Open it with `await SQLiteLedger.open(path, identity)`, close it with `aclose`. Satisfies `protocol.Ledger`."""

    renew_every: float = math.inf
    send_within: float = math.inf

    def __init__(self, path: Path, clock: Callable[[], float] | None = None, *, read_only: bool = False) -> None:
        self.path = path
        self._file = sqlite.real(path)
        self._read_only = read_only
        started, at = time.time(), time.monotonic()
        # the wall clock may be set while this runs; what is waited for must not come sooner or later by that
        self._clock = clock or (lambda: started + time.monotonic() - at)
        self._steady_since = self.time()
        self._opened: sqlite_file.Opened | None = None
        self._committer: Committer | None = None
        self._owner = _Owner()
        self._only: tuple[int, ...] | None = None

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
        clock: Callable[[], float] | None = None,
    ) -> SQLiteLedger:
        """Open or create a ledger. `identity=None` takes whatever ledger it is; `exclusive` keeps other runs out.

        `read_only` creates and changes nothing, whatever `create` and `exclusive` say. `recover`: a part of the ledger
        is lost for good, so whatever may have been sent is asked for before anything is sent.

        Raises LedgerError where the file is no ledger, or not all of it, or belongs to somebody else; LedgerInUse where
        another run has it; LedgerLockError where nobody can say whether one has.
        """
        ledger = cls(path, clock, read_only=read_only)
        work = functools.partial(ledger._connect, identity, create, exclusive, recover)
        opening = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_it)
            raise
        ledger._opened = opened
        ledger._owner.epoch = opened.epoch
        ledger._committer = Committer(opened.connection, ledger._failure, write, opened.committed)
        return ledger

    def _connect(self, identity: Identity | None, create: bool, exclusive: bool, recover: bool) -> sqlite_file.Opened:
        with sqlite_file.says(self.path):
            if self._read_only:
                return sqlite_file.open_reading(self._file, identity)
            return sqlite_file.open_writing(
                self._file, identity, create=create, exclusive=exclusive, recover=recover, now=self.time()
            )

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        committer, self._committer = self._committer, None
        opened, self._opened = self._opened, None
        if committer is None or opened is None:
            return
        if opened.epoch:
            with contextlib.suppress(
                LedgerError
            ):  # then it was not closed in order, and whoever opens it looks closely
                await committer.do(opened.end)
                await committer.read(sqlite.checkpoint)
        await committer.aclose()
        await asyncio.to_thread(opened.close)

    async def backup(self, target: Path) -> None:
        """A copy of the whole ledger as it is now, beside a run or without one. A file that is there is not replaced.

        The copy says of itself that it is one: before it is used instead of the original, it has to be recovered.
        """
        when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

        def copy_it() -> None:
            with sqlite_file.says(self.path):
                sqlite_file.copy(self._file, target, when)

        await asyncio.to_thread(copy_it)

    def of_batches(self, batches: Collection[int]) -> Self:
        """The same ledger, of which only these batches are seen, counted and claimed. Do not close it."""
        view = copy.copy(self)
        view._only = tuple(sorted(set(batches)))
        return view

    @property
    def _scope(self) -> str:
        if self._only is None:
            return ""
        return f" AND intake IN ({', '.join(str(int(number)) for number in self._only)})"

    @property
    def commits(self) -> int:
        """Commits so far, of any number of writes each."""
        return self._committer.commits if self._committer else 0

    def _open(self) -> Committer:
        if self._committer is None:
            raise LedgerError(f"{self.path}: the ledger is closed")
        return self._committer

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        self._refuse_if_read_only()
        return self._open().do(work)

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise LedgerError(f"{self.path}: was opened to be read only")

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        return self._open().read(work)

    def _failure(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(f"{self.path}: the ledger cannot be read or written: {error}")

    @property
    def location(self) -> str:
        """The file: an inbox in the same place can share a commit."""
        return str(self._file)

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
        found = await self._do(lambda db: sqlite_batches.enter(db, orders, text_of, who, self.time()))
        await self._read(sqlite.checkpoint)
        return found

    async def release(self, batch: int, *, by: str, rows: int, amount: int) -> None:
        """A person's yes to a batch: its offered rows become planned.

        Raises Changed where they are not what was shown.
        """
        await self._do(lambda db: sqlite_batches.release(db, batch, by, rows, amount, self.time()))
        await self._read(sqlite.checkpoint)

    async def withdraw(self, *, by: str, batch: int | None = None, order_id: str | None = None) -> Withdrawal:
        """Take back what was never sent: of a batch, of one order, or with neither of the whole ledger."""
        found = await self._do(lambda db: sqlite_batches.withdraw(db, by, batch, order_id, self._scope, self.time()))
        await self._read(sqlite.checkpoint)
        return found

    async def adopt(self, *, by: str) -> int:
        """Take what PayCools had before (`preexisting`) for this ledger's payouts; they are followed to their end."""
        return await self._do(lambda db: sqlite_batches.adopt(db, by, self._scope, self.time()))

    async def batches(self) -> list[Batch]:
        """Every batch, oldest first, with its rows by state and its log."""
        return await self._read(sqlite_batches.batches)

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
        self._refuse_if_read_only()
        if not self._owner.epoch:
            raise LedgerInUse(f"{self.path}: was opened with exclusive=False, so nothing may be sent from it")
        if self._owner.running:
            raise LedgerInUse(f"{self.path}: another run is using this ledger, in this very process")
        self._owner.running = True

    async def end_run(self) -> None:
        """The run has ended in order."""
        self._owner.running = False

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
        without = json.dumps(list(held))

        def read(connection: sqlite3.Connection) -> list[Row]:
            now = self.time()
            found: list[list[Any]] = []
            for state in states:  # one by one, so that each walks the index in order
                query = _TO_SEND if state is State.PLANNED else _TO_INQUIRE
                for batch in self._in_scope(connection):
                    values = (state.value, batch, now, max_resends, without, limit)
                    [(rows,)] = connection.execute(query, values)
                    found += json.loads(rows)
            found.sort(key=lambda values: values[:2])  # the longest due first, then in file order
            return [row_of(values[1:]) for values in found[:limit]]

        committer = self._open()
        rows = await committer.read(read)
        committer.between = min(_MOST_BETWEEN, _BETWEEN * (len(held) + len(rows)))
        return rows

    def _in_scope(self, connection: sqlite3.Connection) -> Iterable[int]:
        if self._only is not None:
            return self._only
        return [number for (number,) in connection.execute("SELECT id FROM batches")]

    # -- moves --------------------------------------------------------------------------------------------------

    async def recover(self, *, call_timeout: float) -> int:
        """After a crash every `sending` row may have been sent: make it `unknown`. Returns how many.

        They are inquired about no earlier than `call_timeout` seconds after their sending began.
        """

        def mark(connection: sqlite3.Connection) -> int:
            now = self.time()
            connection.execute(
                "UPDATE payouts SET due = ? WHERE state IN ('unknown', 'accepted') AND due > ?", (now, now + _OVERDUE)
            )
            rows = [row_of(values) for values in connection.execute(_SENDING).fetchall()]
            for row in rows:
                due = min(max(now, (row.sent or now) + call_timeout), now + call_timeout)
                self._move(connection, row, Event.CRASHED, due=due, epoch=self._owner.epoch)
            return len(rows)

        return await self._do(mark)

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **details: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved meanwhile.

        Raises LedgerInUse where the ledger is not this run's, or no longer.
        """
        self._refuse_if_read_only()
        if not self._owner.epoch:
            raise LedgerInUse(f"{self.path}: was opened with exclusive=False, so nothing may be sent from it")
        try:
            found: Row = await self._open().add(Move(row, event, due, self.time(), details, self._owner.epoch))
        except IllegalMove:
            if await self._meta("epoch") != self._owner.epoch:
                raise LedgerInUse(
                    f"{self.path}: another run has taken this ledger over; nothing more is sent"
                ) from None
            raise
        return found

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
        [found] = write(connection, [Move(row, event, due, self.time(), details, epoch)])
        if isinstance(found, IllegalMove):
            raise found
        return found

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
        self._refuse_if_read_only()
        values = connection.execute(_GET, (order_id,)).fetchone()
        if values is None:
            return None
        row = row_of(values)
        moves = event_for(row, event)
        return row if moves is None else self._move(connection, row, moves, **details)

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands; of one that was withdrawn and offered again, the later row."""

        def read(connection: sqlite3.Connection) -> Row | None:
            values = connection.execute(_GET, (order_id,)).fetchone()
            return None if values is None else row_of(values)

        return await self._read(read)

    async def schedule_inquiry(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_SCHEDULE_INQUIRY, (due, absent_since, row.id, row.state.value))

        await self._do(write)

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

        def read(connection: sqlite3.Connection) -> float | None:
            query = "SELECT due FROM payouts WHERE state = ? AND intake = ? AND resends <= ? ORDER BY due LIMIT 1"
            batches = list(self._in_scope(connection))
            asked = ((state.value, batch, max_resends) for state in states for batch in batches)
            found = [connection.execute(query, values).fetchone() for values in asked]
            return min((row[0] for row in found if row), default=None)

        return await self._read(read)

    async def counts(self) -> Counts:
        """Rows and minor units in each state."""
        query = f"SELECT state, count(*), sum(amount) FROM payouts WHERE true{self._scope} GROUP BY state"  # noqa: S608

        def read(connection: sqlite3.Connection) -> Counts:
            return {State(state): (rows, amount) for state, rows, amount in connection.execute(query)}

        return await self._read(read)

    async def resent(self) -> int:
        """Rows that were sent again after PayCools did not show them for long."""
        query = f"SELECT count(*) FROM payouts WHERE resends > 0{self._scope}"  # noqa: S608

        def read(connection: sqlite3.Connection) -> int:
            return int(connection.execute(query).fetchone()[0])

        return await self._read(read)

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        return await self._meta("currency") or "PHP"

    def timelines(self) -> Iterator[list[PayoutTimeline]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return sqlite_timelines(lambda: sqlite_file.reading_connection(self._file), self._scope)

    async def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        query = f"SELECT {COLUMNS} FROM payouts WHERE id > ?{self._scope} ORDER BY id LIMIT ?"  # noqa: S608
        last = 0
        while True:

            def read(connection: sqlite3.Connection, last: int = last) -> list[Row]:
                return [row_of(values) for values in connection.execute(query, (last, size))]

            found = await self._read(read)
            if not found:
                return
            yield found
            last = found[-1].id

    async def _meta(self, key: str) -> str | None:
        def read(connection: sqlite3.Connection) -> str | None:
            found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return None if found is None else str(found[0])

        return await self._read(read)

    async def _set_meta(self, key: str, value: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

        await self._do(write)
