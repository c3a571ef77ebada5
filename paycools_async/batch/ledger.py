"""The ledger: the truth about a batch, in one SQLite file.

One thread owns the connection. Writes that wait are committed together (group commit), and a write's caller goes on
only when its commit is on disk (WAL, synchronous=FULL). The file holds account data and is readable by its owner only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import attrs

from ..errors import Outcome, PayCoolsError
from .orders import Order, RowError
from .states import Event, IllegalMove, Reason, State, after

__all__ = ["Identity", "Intake", "LedgerError", "Row", "SQLiteLedger"]

T = TypeVar("T")


class LedgerError(PayCoolsError):
    """The ledger cannot be used like this. Nothing was sent."""

    outcome = Outcome.NOT_SENT


@attrs.frozen(kw_only=True)
class Identity:
    """Whose ledger it is. Another merchant or host must not touch it: there the orders would look unpaid."""

    family: str
    app_id: str
    host: str

    def text(self) -> str:
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return f"{self.family} {self.app_id} {host}"


@attrs.frozen(kw_only=True)
class Row:
    """One payout in the ledger. `amount` in minor units; times are seconds since the epoch."""

    id: int
    order_id: str
    line: int
    amount: int
    body: str = attrs.field(repr=False)
    digest: str = attrs.field(repr=False)
    state: State
    reason: Reason | None
    resends: int
    looks: int
    """Inquiries since the last change, for the growing pause between them."""
    absent_since: float | None
    transaction_id: str | None
    code: int | None
    message: str | None
    updated: float

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@attrs.define
class Intake:
    """What came of reading a file."""

    new: int = 0
    known: int = 0
    total: int = 0
    """Minor units, new and known rows."""
    errors: list[RowError] = attrs.field(factory=list)
    more_errors: int = 0


_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    intake INTEGER NOT NULL,
    line INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    due REAL NOT NULL DEFAULT 0,
    resends INTEGER NOT NULL DEFAULT 0,
    looks INTEGER NOT NULL DEFAULT 0,
    absent_since REAL,
    transaction_id TEXT,
    code INTEGER,
    message TEXT,
    updated REAL NOT NULL
);
CREATE INDEX payouts_due ON payouts (state, due);
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    payout INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    message TEXT
);
CREATE TRIGGER moves_stay BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
PRAGMA user_version = 1;
"""

_COLUMNS = (
    "id, order_id, line, amount, body, digest, state, reason, resends, looks, absent_since,"
    " transaction_id, code, message, updated"
)
_GROUP = 512
_MAX_ERRORS = 10_000

_Job = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]"]


class SQLiteLedger:
    """Open it with `await SQLiteLedger.open(path, identity)`, close it with `aclose`."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.commits = 0

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
        connection = await asyncio.to_thread(ledger._open, identity, create, exclusive)
        ledger._loop = asyncio.get_running_loop()
        ledger._thread = threading.Thread(target=ledger._work, args=(connection,), name="paycools-ledger", daemon=True)
        ledger._thread.start()
        return ledger

    def _open(self, identity: Identity | None, create: bool, exclusive: bool) -> sqlite3.Connection:
        if not self.path.exists():
            if not create:
                raise LedgerError(f"{self.path}: there is no such ledger")
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as error:
                raise LedgerError(f"{self.path}: cannot be made: {error.strerror}") from None
        if exclusive:
            self._lock = self._take_lock()
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            elif version != 1:
                raise LedgerError(f"{self.path}: is no ledger of this version")
            self._check_identity(connection, identity)
        except sqlite3.DatabaseError as error:
            self._release()
            raise LedgerError(f"{self.path}: is no ledger: {error}") from None
        except LedgerError:
            self._release()
            raise
        return connection

    def _take_lock(self) -> sqlite3.Connection:
        # a held SQLite transaction is a lock on every platform that the system drops when the process dies
        lock = sqlite3.connect(f"{self.path}.lock", isolation_level=None, check_same_thread=False, timeout=0)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            raise LedgerError(f"{self.path}: another run is using this ledger") from None
        return lock

    def _check_identity(self, connection: sqlite3.Connection, identity: Identity | None) -> None:
        if identity is None:
            return
        found = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        if found is None:
            connection.execute("INSERT INTO meta VALUES ('identity', ?)", (identity.text(),))
        elif found[0] != identity.text():
            raise LedgerError(
                f"{self.path}: this ledger belongs to {found[0]!r}, these credentials are {identity.text()!r}; "
                "use another ledger file"
            )

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # -- the thread that owns the connection ---------------------------------------------------------------

    def _work(self, connection: sqlite3.Connection) -> None:
        open_ = True
        while open_:
            group = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < _GROUP:
                    group.append(self._jobs.get_nowait())
            open_ = None not in group
            self._commit(connection, [job for job in group if job is not None])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, group: list[_Job]) -> None:
        if not group:
            return
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future in group:
                try:
                    results.append((future, work(connection), None))
                except sqlite3.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - it belongs to the caller of this one job
                    results.append((future, None, error))
            connection.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            failure = LedgerError(f"{self.path}: the ledger cannot be written: {error}")
            results = [(future, None, failure) for _, future in group]
        assert self._loop is not None  # noqa: S101 - set before the thread starts
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            self._loop.call_soon_threadsafe(_deliver, results)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, future))
        return await future

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._release()

    # -- what the runner asks -------------------------------------------------------------------------------

    async def intake(self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str]) -> Intake:
        """Enter a file's orders as `planned`, all or none: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error.
        """

        def enter(connection: sqlite3.Connection) -> Intake:
            found = Intake()
            number = connection.execute("SELECT coalesce(max(intake), 0) + 1 FROM payouts").fetchone()[0]
            connection.execute("SAVEPOINT intake")
            try:
                for order in orders:
                    fault = (
                        order if isinstance(order, RowError) else self._enter(connection, order, number, text_of, found)
                    )
                    if fault is not None and len(found.errors) < _MAX_ERRORS:
                        found.errors.append(fault)
                    elif fault is not None:
                        found.more_errors += 1
            except BaseException:
                connection.execute("ROLLBACK TO intake")
                raise
            if found.errors:
                connection.execute("ROLLBACK TO intake")
            connection.execute("RELEASE intake")
            return found

        return await self._do(enter)

    def _enter(
        self,
        connection: sqlite3.Connection,
        order: Order,
        number: int,
        text_of: Callable[[Any], str],
        found: Intake,
    ) -> RowError | None:
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
            return None
        intake, line, known = connection.execute(
            "SELECT intake, line, digest FROM payouts WHERE order_id = ?", (request.mch_order_id,)
        ).fetchone()
        if intake == number:
            return RowError(order.line, "mch_order_id", f"{request.mch_order_id} stands already in line {line}")
        if known != digest:
            return RowError(
                order.line,
                "mch_order_id",
                f"{request.mch_order_id} is in the ledger with other content; a changed order needs a new order id",
            )
        found.known += 1
        return None

    async def recover(self) -> int:
        """After a crash every `sending` row may have been sent: make it `unknown`. Returns how many."""

        def mark(connection: sqlite3.Connection) -> int:
            query = f"SELECT {_COLUMNS} FROM payouts WHERE state = 'sending'"  # noqa: S608 - the columns are ours
            rows = connection.execute(query).fetchall()
            for row in rows:
                self._move(connection, _row(row), Event.CRASHED, {})
            return len(rows)

        return await self._do(mark)

    async def due(self, states: Iterable[State], limit: int, *, max_resends: int) -> list[Row]:
        """Rows in these states whose time has come, the longest due first."""

        def read(connection: sqlite3.Connection) -> list[Row]:
            query = (
                f"SELECT {_COLUMNS}, due FROM payouts"  # noqa: S608 - the columns are ours
                " WHERE state = ? AND due <= ? AND resends <= ? ORDER BY due LIMIT ?"
            )
            found: list[tuple[Any, ...]] = []
            for state in states:  # one by one, so that each walks the index in order
                found += connection.execute(query, (state, self._clock(), max_resends, limit))
            found.sort(key=lambda row: row[-1])
            return [_row(row[:-1]) for row in found[:limit]]

        return await self._do(read)

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **facts: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved meanwhile."""
        return await self._do(lambda connection: self._move(connection, row, event, {"due": due, **facts}))

    def _move(self, connection: sqlite3.Connection, row: Row, event: Event, facts: dict[str, Any]) -> Row:
        state = after(row.state, event, row.reason)
        now = self._clock()
        resend = row.state is State.UNKNOWN and state is State.PLANNED
        changes: dict[str, Any] = {
            "reason": event if state is State.UNKNOWN and row.state is State.SENDING else row.reason,
            "resends": row.resends + resend,
            "looks": row.looks + 1 if state is row.state else 0,
            "absent_since": None,
            "updated": now,
            **facts,
            "state": state,
        }
        done = connection.execute(
            f"UPDATE payouts SET {', '.join(f'{name} = ?' for name in changes)} WHERE id = ? AND state = ?",  # noqa: S608
            (*changes.values(), row.id, row.state),
        )
        if done.rowcount != 1:
            raise IllegalMove(f"order {row.order_id} is no longer {row.state}")
        connection.execute(
            "INSERT INTO moves (payout, at, event, state, code, message) VALUES (?, ?, ?, ?, ?, ?)",
            (row.id, now, event, state, facts.get("code"), facts.get("message")),
        )
        changes.pop("due", None)
        return attrs.evolve(row, **changes)

    async def look_again(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE payouts SET due = ?, absent_since = ?, looks = looks + 1 WHERE id = ? AND state = ?",
                (due, absent_since, row.id, row.state),
            )

        await self._do(write)

    async def counts(self) -> dict[State, tuple[int, int]]:
        """Rows and minor units in each state."""

        def read(connection: sqlite3.Connection) -> dict[State, tuple[int, int]]:
            found = connection.execute("SELECT state, count(*), sum(amount) FROM payouts GROUP BY state").fetchall()
            return {State(state): (rows, amount) for state, rows, amount in found}

        return await self._do(read)

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due."""
        marks = ", ".join(f"'{state}'" for state in states)

        def read(connection: sqlite3.Connection) -> float | None:
            found: float | None = connection.execute(
                f"SELECT min(due) FROM payouts WHERE state IN ({marks}) AND resends <= ?",  # noqa: S608
                (max_resends,),
            ).fetchone()[0]
            return found

        return await self._do(read)

    async def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        last = 0
        while True:

            def read(connection: sqlite3.Connection, last: int = last) -> list[Row]:
                query = f"SELECT {_COLUMNS} FROM payouts WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
                return [_row(row) for row in connection.execute(query, (last, size))]

            found = await self._do(read)
            if not found:
                return
            yield found
            last = found[-1].id


def digest_of(text: str) -> str:
    """The fingerprint of an order's whole content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _row(values: tuple[Any, ...]) -> Row:
    names = _COLUMNS.replace(" ", "").split(",")
    found = dict(zip(names, values, strict=True))
    reason = found.pop("reason")
    return Row(**{**found, "state": State(found["state"])}, reason=Event(reason) if reason else None)


def _deliver(results: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, value, error in results:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)
