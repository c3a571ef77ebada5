"""The ledger: the truth about a batch, in one SQLite file.

A write's caller goes on only when the write is on disk (WAL, synchronous=FULL, group commit). The file holds account
data and is readable by its owner only. One run at a time may use it; `status` and `report` may read it meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs

from ..errors import Outcome, PayCoolsError
from .committer import Committer
from .journeys import Journey, sqlite_journeys
from .orders import Order, RowError
from .schema import COLUMNS, SCHEMA, VERSION, Row, changes_of, row_of
from .states import Event, IllegalMove, State, after

__all__ = ["Identity", "Intake", "LedgerError", "Row", "SQLiteLedger", "digest_of"]

T = TypeVar("T")

_MAX_ERRORS = 10_000


class LedgerError(PayCoolsError):
    """The ledger cannot be used like this, or cannot be written. What was sent before is on record."""

    outcome = Outcome.NOT_SENT


@attrs.frozen(kw_only=True)
class Identity:
    """Whose ledger it is. Another merchant or host must not touch it: there the orders would look unpaid."""

    family: str
    app_id: str
    host: str
    currency: str = "PHP"

    def text(self) -> str:
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return f"{self.family} {self.app_id} {host}"


@attrs.define
class Intake:
    """What came of reading a file: rows entered, rows known from before, their total in minor units, and errors."""

    new: int = 0
    known: int = 0
    total: int = 0
    errors: list[RowError] = attrs.field(factory=list)
    more_errors: int = 0

    def add(self, error: RowError) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(error)
        else:
            self.more_errors += 1


def digest_of(text: str) -> str:
    """The fingerprint of an order's whole content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


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
        ledger._committer = Committer(await asyncio.to_thread(ledger._connect, identity, create, exclusive))
        return ledger

    def _connect(self, identity: Identity | None, create: bool, exclusive: bool) -> sqlite3.Connection:
        if not self.path.exists():
            if not create:
                raise LedgerError(f"{self.path}: there is no such ledger")
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as error:
                raise LedgerError(f"{self.path}: cannot be made: {error.strerror}") from None
        if exclusive:
            self._lock = self._take_lock()
        connection = None
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            self._prepare(connection, identity)
        except BaseException as error:
            if connection is not None:
                connection.close()
            self._release()
            if isinstance(error, sqlite3.Error):
                raise LedgerError(f"{self.path}: is no ledger, or cannot be used: {error}") from None
            raise
        return connection

    def _take_lock(self) -> sqlite3.Connection:
        # a held SQLite transaction is a lock on every platform, and the system drops it when the process dies
        lock = sqlite3.connect(f"{self.path}.lock", isolation_level=None, check_same_thread=False, timeout=0)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            lock.close()
            raise LedgerError(f"{self.path}: another run is using this ledger") from None
        return lock

    def _prepare(self, connection: sqlite3.Connection, identity: Identity | None) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        elif version != VERSION:
            raise LedgerError(f"{self.path}: is no ledger of this version")
        if identity is None:
            return
        found = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        if found is None:
            rows = [("identity", identity.text()), ("currency", identity.currency)]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        elif found[0] != identity.text():
            raise LedgerError(
                f"{self.path}: this ledger belongs to {found[0]!r}, these credentials are {identity.text()!r}; "
                "use another ledger file"
            )

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        if self._committer is not None:
            await self._committer.aclose()
            self._committer = None
        self._release()

    @property
    def commits(self) -> int:
        """Commits so far, of any number of writes each."""
        return self._committer.commits if self._committer else 0

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._committer is None:
            raise LedgerError(f"{self.path}: the ledger is closed")
        try:
            return await self._committer.do(work)
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: the ledger cannot be read or written: {error}") from None

    # -- intake -------------------------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], *, release: bool = True
    ) -> Intake:
        """Enter a file's orders as `planned`, all or none: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error. `release` has no meaning here: nobody else could send them.
        """

        def enter(connection: sqlite3.Connection) -> Intake:
            found = Intake()
            number = connection.execute("SELECT coalesce(max(intake), 0) + 1 FROM payouts").fetchone()[0]
            connection.execute("SAVEPOINT intake")
            try:
                for order in orders:
                    if isinstance(order, RowError):
                        found.add(order)
                    else:
                        self._enter(connection, order, number, text_of, found)
            except BaseException:
                connection.execute("ROLLBACK TO intake")
                raise
            if found.errors:
                connection.execute("ROLLBACK TO intake")
            connection.execute("RELEASE intake")
            return found

        return await self._do(enter)

    def _enter(
        self, connection: sqlite3.Connection, order: Order, number: int, text_of: Callable[[Any], str], found: Intake
    ) -> None:
        request = order.request
        digest = digest_of(text_of(request))
        body = json.dumps(attrs.asdict(request, filter=lambda _, value: value is not None), ensure_ascii=False)
        done = connection.execute(
            "INSERT INTO payouts (order_id, intake, line, amount, body, digest, state, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, 'planned', ?) ON CONFLICT (order_id) DO NOTHING",
            (request.mch_order_id, number, order.line, request.amount, body, digest, self._clock()),
        )
        found.total += request.amount
        if done.rowcount:
            found.new += 1
            return
        intake, line, known = connection.execute(
            "SELECT intake, line, digest FROM payouts WHERE order_id = ?", (request.mch_order_id,)
        ).fetchone()
        if intake == number:
            what = f"{request.mch_order_id} stands already in line {line}"
            found.add(RowError(order.line, "mch_order_id", what))
        elif known != digest:
            what = f"{request.mch_order_id} is in the ledger with other content; a changed order needs a new order id"
            found.add(RowError(order.line, "mch_order_id", what))
        else:
            found.known += 1

    # -- one user at a time: what other stores need for lending rows is little here ------------------------------

    def time(self) -> float:
        """The clock that the ledger goes by."""
        return self._clock()

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
        """Rows in these states whose time has come, the longest due first, without those in `held`."""
        found = await self.due(states, limit + len(held), max_resends=max_resends)
        return [row for row in found if row.id not in held][:limit]

    # -- moves --------------------------------------------------------------------------------------------------

    async def recover(self) -> int:
        """After a crash every `sending` row may have been sent: make it `unknown`. Returns how many."""

        def mark(connection: sqlite3.Connection) -> int:
            query = f"SELECT {COLUMNS} FROM payouts WHERE state = 'sending'"  # noqa: S608 - the columns are ours
            rows = connection.execute(query).fetchall()
            for row in rows:
                self._move(connection, row_of(row), Event.CRASHED, {"due": 0.0})
            return len(rows)

        return await self._do(mark)

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **facts: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved meanwhile."""
        return await self._do(lambda connection: self._move(connection, row, event, {"due": due, **facts}))

    def _move(self, connection: sqlite3.Connection, row: Row, event: Event, facts: dict[str, Any]) -> Row:
        now = self._clock()
        changes = {**changes_of(row, event), "updated": now, **facts}
        state = changes["state"]
        sets = ", ".join(f"{name} = ?" for name in changes)
        done = connection.execute(
            f"UPDATE payouts SET {sets} WHERE id = ? AND state = ?",  # noqa: S608 - the names are ours
            (*changes.values(), row.id, row.state),
        )
        if done.rowcount != 1:
            raise IllegalMove(f"order {row.order_id} is no longer {row.state}")
        connection.execute(
            "INSERT INTO moves (payout, at, event, state, code, message) VALUES (?, ?, ?, ?, ?, ?)",
            (row.id, now, event, state, facts.get("code"), facts.get("message")),
        )
        del changes["due"]
        return attrs.evolve(row, **changes)

    async def found(self, order_id: str, event: Event | Callable[[Row], Event], **facts: Any) -> Row | None:
        """Word about an order from outside the run, a callback's: move its row from whatever state it is in now.

        `event` may be a function of the row. None: the order is not in this ledger. What cannot happen in the row's
        state changes nothing; the row is returned as it stands.
        """
        return await self._do(lambda connection: self.found_in(connection, order_id, event, facts))

    def found_in(
        self,
        connection: sqlite3.Connection,
        order_id: str,
        event: Event | Callable[[Row], Event],
        facts: dict[str, Any],
    ) -> Row | None:
        """`found` within a transaction of the caller's, on this ledger's file."""
        query = f"SELECT {COLUMNS} FROM payouts WHERE order_id = ?"  # noqa: S608 - the columns are ours
        values = connection.execute(query, (order_id,)).fetchone()
        if values is None:
            return None
        row = row_of(values)
        what = event if isinstance(event, Event) else event(row)
        try:
            state = after(row.state, what, row.reason)
        except IllegalMove:
            return row
        return row if state is row.state else self._move(connection, row, what, {"due": 0.0, **facts})

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands."""

        def read(connection: sqlite3.Connection) -> Row | None:
            query = f"SELECT {COLUMNS} FROM payouts WHERE order_id = ?"  # noqa: S608 - the columns are ours
            values = connection.execute(query, (order_id,)).fetchone()
            return None if values is None else row_of(values)

        return await self._do(read)

    async def look_again(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE payouts SET due = ?, absent_since = ?, looks = looks + 1 WHERE id = ? AND state = ?",
                (due, absent_since, row.id, row.state),
            )

        await self._do(write)

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""

        def read(connection: sqlite3.Connection) -> str:
            found = connection.execute("SELECT value FROM meta WHERE key = 'currency'").fetchone()
            return found[0] if found else "PHP"

        return await self._do(read)

    # -- reading ------------------------------------------------------------------------------------------------

    async def due(self, states: Iterable[State], limit: int, *, max_resends: int) -> list[Row]:
        """Rows in these states whose time has come, the longest due first."""

        def read(connection: sqlite3.Connection) -> list[Row]:
            query = (
                f"SELECT {COLUMNS}, due FROM payouts"  # noqa: S608 - the columns are ours
                " WHERE state = ? AND due <= ? AND resends <= ? ORDER BY due LIMIT ?"
            )
            found: list[tuple[Any, ...]] = []
            for state in states:  # one by one, so that each walks the index in order
                found += connection.execute(query, (state, self._clock(), max_resends, limit))
            found.sort(key=lambda row: row[-1])
            return [row_of(row[:-1]) for row in found[:limit]]

        return await self._do(read)

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due."""

        def read(connection: sqlite3.Connection) -> float | None:
            query = "SELECT due FROM payouts WHERE state = ? AND resends <= ? ORDER BY due LIMIT 1"
            found = [connection.execute(query, (state, max_resends)).fetchone() for state in states]
            return min((row[0] for row in found if row), default=None)

        return await self._do(read)

    async def counts(self) -> dict[State, tuple[int, int]]:
        """Rows and minor units in each state."""

        def read(connection: sqlite3.Connection) -> dict[State, tuple[int, int]]:
            found = connection.execute("SELECT state, count(*), sum(amount) FROM payouts GROUP BY state").fetchall()
            return {State(state): (rows, amount) for state, rows, amount in found}

        return await self._do(read)

    def journeys(self) -> Iterator[list[Journey]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return sqlite_journeys(self.path)

    async def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        last = 0
        while True:

            def read(connection: sqlite3.Connection, last: int = last) -> list[Row]:
                query = f"SELECT {COLUMNS} FROM payouts WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
                return [row_of(row) for row in connection.execute(query, (last, size))]

            found = await self._do(read)
            if not found:
                return
            yield found
            last = found[-1].id
