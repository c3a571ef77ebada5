"""The ledger: the truth about a batch, in one SQLite file.

A write's caller goes on only when the write is on disk (WAL, synchronous=FULL, group commit). The file holds account
data and is readable by its owner only. One run at a time may use it; `status` and `report` may read it meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from . import sqlite_file
from .committer import Committer
from .journeys import Journey, sqlite_journeys
from .orders import Order, RowError
from .protocol import Identity, Intake, LedgerError
from .schema import COLUMNS, WITHOUT_ORDER, Judge, Row, judged, row_of
from .sqlite_moves import Move, write
from .states import Event, IllegalMove, State

__all__ = ["Identity", "Intake", "LedgerError", "Row", "SQLiteLedger"]

T = TypeVar("T")

_GET = f"SELECT {COLUMNS} FROM payouts WHERE order_id = ?"  # noqa: S608 - the columns are ours
_PAGE = f"SELECT {COLUMNS} FROM payouts WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
_SENDING = f"SELECT {COLUMNS} FROM payouts WHERE state = 'sending'"  # noqa: S608


def _due(columns: str) -> str:
    # from the index, in its order; what is held stands at its front and is passed over without a look at the row.
    # As one JSON text: the driver would let go of the interpreter at each row, and wait for it again
    return f"""
SELECT json_group_array(json_array(due, {columns})) FROM (
    SELECT {COLUMNS}, due FROM payouts
    WHERE state = ? AND due <= ? AND resends <= ? AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY due LIMIT ?
)"""  # noqa: S608 - the columns are ours


_TO_SEND, _TO_LOOK = _due(COLUMNS), _due(WITHOUT_ORDER)
_LOOK_AGAIN = "UPDATE payouts SET due = ?, absent_since = ?, looks = looks + 1 WHERE id = ? AND state = ?"

_BETWEEN, _MOST_BETWEEN = 0.0001, 0.025
"""Seconds between commits for each row that the run has in hand, and at the most.

The more rows, the longer each can wait while the others keep the signing threads busy; few would leave them idle.
"""


class SQLiteLedger:
    """Open it with `await SQLiteLedger.open(path, identity)`, close it with `aclose`. Satisfies `protocol.Ledger`."""

    tend_every = math.inf
    send_within = math.inf

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock: sqlite3.Connection | None = None
        self._committer: Committer | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        identity: Identity | None,
        *,
        create: bool = True,
        exclusive: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> SQLiteLedger:
        """Open or create a ledger. `identity=None` reads whatever ledger it is; `exclusive` keeps other runs out.

        Raises LedgerError where the file is no ledger, belongs to somebody else, or is in use.
        """
        ledger = cls(path, clock)
        connection = await asyncio.to_thread(ledger._connect, identity, create, exclusive)
        ledger._committer = Committer(connection, ledger._failure, write)
        return ledger

    def _connect(self, identity: Identity | None, create: bool, exclusive: bool) -> sqlite3.Connection:
        if not self.path.exists():
            if not create:
                raise LedgerError(f"{self.path}: there is no such ledger")
            sqlite_file.make(self.path)
        if exclusive:
            self._lock = sqlite_file.take_lock(self.path)
        try:
            return sqlite_file.connect(self.path, identity)
        except BaseException as error:
            self._release()
            if isinstance(error, sqlite3.Error):
                raise LedgerError(f"{self.path}: is no ledger, or cannot be used: {error}") from None
            raise

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        committer, self._committer = self._committer, None
        if committer is not None:
            await committer.aclose()
        self._release()

    @property
    def commits(self) -> int:
        """Commits so far, of any number of writes each."""
        return self._committer.commits if self._committer else 0

    def _open(self) -> Committer:
        if self._committer is None:
            raise LedgerError(f"{self.path}: the ledger is closed")
        return self._committer

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        return self._open().do(work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        return self._open().read(work)

    def _failure(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(f"{self.path}: the ledger cannot be read or written: {error}")

    # -- intake -------------------------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], *, release: bool = True
    ) -> Intake:
        """Enter a file's orders as `planned`, all or none: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error. `release` has no meaning here: nobody else could send them.
        """
        return await self._do(lambda connection: sqlite_file.enter(connection, orders, text_of, self.time()))

    # -- one user at a time: what other stores need for lending rows is little here ------------------------------

    @property
    def home(self) -> str:
        """The file: an inbox in the same place can share a commit."""
        return str(self.path.resolve())

    def time(self) -> float:
        """The clock that the ledger goes by, in whole milliseconds: more digits would not come back as they were."""
        return int(self._clock() * 1000) / 1000

    async def release(self) -> None:
        """Nothing to do: the run that owns the file sends when it wants."""

    async def pause(self, reason: str) -> None:
        """Nothing to do: the run that was refused stops by itself."""

    async def paused(self) -> str | None:
        """Never: a pause ends with its run."""
        return None

    async def tend(self, held: Collection[int]) -> None:
        """Nothing to do: nobody else takes rows."""

    async def give_back(self) -> None:
        """Nothing to do: no row is lent."""

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
                query = _TO_SEND if state is State.PLANNED else _TO_LOOK
                [(rows,)] = connection.execute(query, (state.value, now, max_resends, without, limit))
                found += json.loads(rows)
            found.sort(key=lambda values: values[:2])  # the longest due first, then in file order
            return [row_of(values[1:]) for values in found[:limit]]

        committer = self._open()
        rows = await committer.read(read)
        committer.between = min(_MOST_BETWEEN, _BETWEEN * (len(held) + len(rows)))
        return rows

    # -- moves --------------------------------------------------------------------------------------------------

    async def recover(self) -> int:
        """After a crash every `sending` row may have been sent: make it `unknown`. Returns how many."""

        def mark(connection: sqlite3.Connection) -> int:
            rows = connection.execute(_SENDING).fetchall()
            for values in rows:
                self._move(connection, row_of(values), Event.CRASHED)
            return len(rows)

        return await self._do(mark)

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **facts: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved meanwhile."""
        found: Row = await self._open().add(Move(row, event, due, self.time(), facts))
        return found

    def _move(self, connection: sqlite3.Connection, row: Row, event: Event, **facts: Any) -> Row:
        [found] = write(connection, [Move(row, event, 0.0, self.time(), facts)])
        if isinstance(found, IllegalMove):
            raise found
        return found

    async def found(self, order_id: str, event: Judge, **facts: Any) -> Row | None:
        """Word about an order from outside the run, a callback's: move its row from whatever state it is in now.

        `event` may be a function of the row. None: the order is not in this ledger. What cannot happen in the row's
        state changes nothing; the row is returned as it stands.
        """
        return await self._do(lambda connection: self.found_in(connection, order_id, event, facts))

    def found_in(
        self,
        connection: sqlite3.Connection,
        order_id: str,
        event: Judge,
        facts: dict[str, Any],
    ) -> Row | None:
        """`found` within a transaction of the caller's, on this ledger's file."""
        values = connection.execute(_GET, (order_id,)).fetchone()
        if values is None:
            return None
        row = row_of(values)
        moves = judged(row, event)
        return row if moves is None else self._move(connection, row, moves, **facts)

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands."""

        def read(connection: sqlite3.Connection) -> Row | None:
            values = connection.execute(_GET, (order_id,)).fetchone()
            return None if values is None else row_of(values)

        return await self._read(read)

    async def look_again(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_LOOK_AGAIN, (due, absent_since, row.id, row.state.value))

        await self._do(write)

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""

        def read(connection: sqlite3.Connection) -> str:
            found = connection.execute("SELECT value FROM meta WHERE key = 'currency'").fetchone()
            return found[0] if found else "PHP"

        return await self._read(read)

    # -- reading ------------------------------------------------------------------------------------------------

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due."""

        def read(connection: sqlite3.Connection) -> float | None:
            query = "SELECT due FROM payouts WHERE state = ? AND resends <= ? ORDER BY due LIMIT 1"
            found = [connection.execute(query, (state.value, max_resends)).fetchone() for state in states]
            return min((row[0] for row in found if row), default=None)

        return await self._read(read)

    async def counts(self) -> dict[State, tuple[int, int]]:
        """Rows and minor units in each state."""

        def read(connection: sqlite3.Connection) -> dict[State, tuple[int, int]]:
            found = connection.execute("SELECT state, count(*), sum(amount) FROM payouts GROUP BY state").fetchall()
            return {State(state): (rows, amount) for state, rows, amount in found}

        return await self._read(read)

    def journeys(self) -> Iterator[list[Journey]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return sqlite_journeys(self.path)

    async def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        last = 0
        while True:

            def read(connection: sqlite3.Connection, last: int = last) -> list[Row]:
                return [row_of(values) for values in connection.execute(_PAGE, (last, size))]

            found = await self._read(read)
            if not found:
                return
            yield found
            last = found[-1].id
