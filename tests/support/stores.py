"""How the machine of `test_machine.py` opens, kills and inspects each kind of ledger."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import attrs
import psycopg

from paycools_async.batch import Event, Identity, SQLiteLedger, State
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.storage import marks
from paycools_async.testing import ManualClock

__all__ = ["PostgresStore", "SQLiteStore", "Store"]

Moves = dict[str, list[tuple[Event, State]]]
Rows = dict[str, tuple[State, int]]


class Store(Protocol):
    most_runs: int
    """How many runs may use the ledger at once."""

    async def open(self) -> Any:
        """The ledger as a run opens it."""
        ...

    def outside(self) -> AbstractAsyncContextManager[Any]:
        """The ledger as a web application has it open to note callbacks, beside the runs."""
        ...

    async def kill(self, ledger: Any) -> None:
        """The run's process is gone: nothing is written any more, nothing is closed in order."""
        ...

    def rows(self) -> Rows:
        """State and amount of every order, as they are durable."""
        ...

    def history(self) -> Moves:
        """Every move of every order."""
        ...

    def anything_due(self) -> bool:
        """Whether it is worth while for a run to look what is due."""
        ...

    async def aclose(self) -> None: ...


class SQLiteStore:
    most_runs = 1
    ledger_class = SQLiteLedger

    def __init__(self, folder: Path, identity: Identity, clock: ManualClock) -> None:
        self._folder, self._identity, self._clock = folder, identity, clock
        self._lives = 0
        self._path = folder / "ledger.0.db"

    async def open(self) -> SQLiteLedger:
        return await self.ledger_class.open(self._path, self._identity, clock=self._clock.time)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[SQLiteLedger]:
        ledger = await self.ledger_class.open(self._path, None, exclusive=False, clock=self._clock.time)
        yield ledger
        await ledger.aclose()

    async def kill(self, ledger: SQLiteLedger) -> None:
        self._lives += 1
        copy = self._folder / f"ledger.{self._lives}.db"
        mark = marks.read(self._path)
        for suffix in ("", "-wal"):
            if Path(f"{self._path}{suffix}").exists():
                shutil.copyfile(f"{self._path}{suffix}", f"{copy}{suffix}")
        if mark is not None:  # a dead process's file is the same file; this copy stands for it
            marks.path_of(copy).write_bytes(attrs.evolve(mark, inode=copy.stat().st_ino).encode())
        self._path = copy
        await ledger.aclose()  # of the old file, which nobody looks at any more

    def rows(self) -> Rows:
        return _rows(self._ask("SELECT order_id, state, amount FROM payouts ORDER BY withdrawn = 0, id"))

    def history(self) -> Moves:
        query = """SELECT p.order_id, m.event, m.state FROM moves m JOIN payouts p ON p.id = m.payout
            WHERE p.id IN (SELECT max(id) FROM payouts GROUP BY order_id) ORDER BY m.id"""
        return _moves(self._ask(query))

    def anything_due(self) -> bool:
        return True

    def _ask(self, query: str) -> list[Any]:
        connection = sqlite3.connect(self._path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    async def aclose(self) -> None:
        pass


_numbers = itertools.count(1)


class PostgresStore:
    """A real PostgreSQL, each example in a schema of its own. Two runs at once, each with its own connections."""

    most_runs = 2
    ledger_class = PostgresLedger
    url: str
    call_timeout: float
    """What the ledgers are told of the client's deadline; a lease lasts so long, and the margin."""
    margin = 4.0

    def __init__(self, folder: Path, identity: Identity, clock: ManualClock) -> None:
        self._identity, self._clock = identity, clock
        self._outside: PostgresLedger | None = None
        schema = f"machine_{next(_numbers)}"
        self._eye = psycopg.connect(self.url, autocommit=True)
        self._eye.execute(f"CREATE SCHEMA {schema}".encode())
        self._eye.execute(f"SET search_path TO {schema}".encode())
        self._dsn = f"{self.url}&options=-csearch_path%3D{schema}"

    async def open(self) -> PostgresLedger:
        return await self.ledger_class.open(
            self._dsn, self._identity, call_timeout=self.call_timeout, margin=self.margin, clock=self._clock.time
        )

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[PostgresLedger]:
        if self._outside is None:
            self._outside = await PostgresLedger.open(self._dsn, None, create=False, clock=self._clock.time)
        yield self._outside

    async def kill(self, ledger: PostgresLedger) -> None:
        for session in (ledger._session, ledger._writer._session):
            if session._connection is not None:
                session._connection.pgconn.finish()  # the socket is closed, as when a process dies

    def rows(self) -> Rows:
        return _rows(self._ask("SELECT order_id, state, amount FROM paycools_payouts ORDER BY withdrawn = 0, id"))

    def history(self) -> Moves:
        query = """SELECT p.order_id, m.event, m.state FROM paycools_moves m
            JOIN paycools_payouts p ON p.id = m.payout
            WHERE p.id IN (SELECT max(id) FROM paycools_payouts GROUP BY order_id) ORDER BY m.id"""
        return _moves(self._ask(query))

    def anything_due(self) -> bool:
        states = "'planned', 'sending', 'unknown', 'accepted'"
        query = f"SELECT count(*) FROM paycools_payouts WHERE due <= {self._clock.time()!r} AND state IN ({states})"
        return bool(self._ask(query)[0][0])

    def _ask(self, query: str) -> list[Any]:
        return self._eye.execute(query.encode()).fetchall()

    async def aclose(self) -> None:
        self._eye.close()
        if self._outside is not None:
            await self._outside.aclose()


def _rows(found: Iterable[tuple[str, str, int]]) -> Rows:
    return {order: (State(state), amount) for order, state, amount in found}


def _moves(found: Iterable[tuple[str, str, str]]) -> Moves:
    moves: Moves = {}
    for order, event, state in found:
        moves.setdefault(order, []).append((Event(event), State(state)))
    return moves
