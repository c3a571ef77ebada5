"""Connections of the PostgreSQL ledger: opening, migrating, and writing moves in groups."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import attrs
import psycopg
from psycopg import errors, sql

from .postgres_schema import GRANTS, MIGRATIONS, LentRow
from .protocol import Identity, LedgerError
from .states import Event, IllegalMove

__all__ = ["Session", "Writer", "grant", "ledger_errors", "prepare"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]

LOCK = 0x50_43_4C_4C  # "PCLL": migrations and intakes, one at a time a ledger
_LARGEST_GROUP = 512
_ATTEMPTS = 5


@contextlib.contextmanager
def ledger_errors() -> Iterator[None]:
    """The driver's errors become the ledger's. Never the connection string: it may hold a password."""
    try:
        yield
    except psycopg.Error as error:
        what = error.diag.message_primary or type(error).__name__
        raise LedgerError(f"the PostgreSQL ledger cannot be read or written: {what}") from None


class Session:
    """One connection, made when needed and again when lost; one transaction at a time."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`await work(connection)` in a transaction of its own, committed before this returns."""
        async with self._lock:
            if self._closed:
                raise LedgerError("the ledger is closed")
            with ledger_errors():
                for attempt in range(_ATTEMPTS):
                    connection = await self._connected()
                    try:
                        async with connection.transaction():
                            return await work(connection)
                    except (errors.DeadlockDetected, errors.SerializationFailure):
                        # PostgreSQL undid it whole; two runs met on the same rows
                        if attempt == _ATTEMPTS - 1:
                            raise
        raise AssertionError

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=10)
            # a commit that could be lost in a power cut would be a payout that could be sent again
            query = "SELECT set_config('synchronous_commit', 'on', false)"
            await self._connection.execute(f"{query} WHERE current_setting('synchronous_commit') = 'off'")
        return self._connection

    async def aclose(self) -> None:
        async with self._lock:
            self._closed = True
            if self._connection is not None:
                await self._connection.close()


@attrs.frozen
class _Move:
    row: LentRow
    moved: LentRow
    event: Event
    due: float
    facts: dict[str, Any]
    done: asyncio.Future[LentRow]

    def values(self) -> tuple[Any, ...]:
        row, to, told = self.row, self.moved, self.facts
        reason = to.reason.value if to.reason else None
        values = (row.id, row.state.value, row.version, to.state.value, reason, self.due, to.resends, to.looks)
        more = (to.absent_since, to.transaction_id, to.code, to.message, self.event.value)
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
    ("transaction_id", "text"),
    ("code", "bigint"),
    ("message", "text"),
    ("event", "text"),
    ("told_code", "bigint"),
    ("told_message", "text"),
)

_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _ASKED)
_NAMES = ", ".join(name for name, _ in _ASKED)

# the row, its past, and nothing without the other: one statement is one transaction
_MOVE = f"""
WITH clock AS (SELECT coalesce(%s::float8, extract(epoch FROM statement_timestamp())::float8) AS now),
asked AS (SELECT * FROM unnest({_ARRAYS}) AS a ({_NAMES})),
moved AS (
    UPDATE paycools_payouts p SET state = a.state, reason = a.reason, resends = a.resends, looks = a.looks,
        absent_since = a.absent, transaction_id = a.transaction_id, code = a.code, message = a.message,
        due = CASE WHEN a.state = 'sending' THEN clock.now + %s ELSE a.due END,
        worker = CASE WHEN a.state = 'sending' THEN %s END, version = p.version + 1, updated = clock.now
    FROM asked a, clock WHERE p.id = a.id AND p.state = a.was AND p.version = a.version
    RETURNING p.id, p.version, p.updated
),
logged AS (
    INSERT INTO paycools_moves (payout, at, event, state, code, message, worker)
    SELECT a.id, m.updated, a.event, a.state, a.told_code, a.told_message, %s FROM asked a JOIN moved m USING (id)
)
SELECT id, version, updated FROM moved
"""  # noqa: S608 - all text is ours


class Writer:
    """Group commit: moves that wait are one statement and one commit. A caller goes on only when it is durable."""

    def __init__(self, dsn: str, lease: float, worker: str, clock: Callable[[], float] | None) -> None:
        self._session = Session(dsn)
        self._lease = lease
        self._worker = worker
        self._clock = clock
        self._waiting: list[_Move] = []
        self._task: asyncio.Task[None] | None = None
        self.commits = 0

    async def move(self, row: LentRow, moved: LentRow, event: Event, due: float, facts: dict[str, Any]) -> LentRow:
        """Write one move with whatever else waits. Raises IllegalMove where the row is not as the caller saw it."""
        done: asyncio.Future[LentRow] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Move(row, moved, event, due, facts, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await done

    async def aclose(self) -> None:
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
        try:
            written = await self._session.run(lambda connection: self._execute(connection, group))
            self.commits += 1
        except BaseException as error:
            for move in group:
                if not move.done.done():
                    move.done.set_exception(error if isinstance(error, LedgerError) else LedgerError(str(error)))
            if not isinstance(error, LedgerError):
                raise
            return
        for move in group:
            if move.done.done():
                continue  # its caller was cancelled; the move stands
            if move.row.id in written:
                version, updated = written[move.row.id]
                move.done.set_result(attrs.evolve(move.moved, version=version, updated=updated))
            else:
                move.done.set_exception(
                    IllegalMove(f"order {move.row.order_id} is no longer {move.row.state}, or is in other hands")
                )

    async def _execute(self, connection: Connection, group: list[_Move]) -> dict[int, tuple[int, float]]:
        """Version and time of every row that was as its move saw it."""
        columns = [list(column) for column in zip(*(move.values() for move in group), strict=True)]
        now = self._clock() if self._clock else None
        cursor = await connection.execute(_MOVE.encode(), (now, *columns, self._lease, self._worker, self._worker))
        return {id_: (version, updated) for id_, version, updated in await cursor.fetchall()}

    async def move_within(
        self, connection: Connection, row: LentRow, moved: LentRow, event: Event, facts: dict[str, Any]
    ) -> LentRow:
        """Write one move of a row that the caller's transaction has locked; it is durable when that commits."""
        nobody_waits = asyncio.get_running_loop().create_future()
        written = await self._execute(connection, [_Move(row, moved, event, 0.0, facts, nobody_waits)])
        version, updated = written[row.id]
        return attrs.evolve(moved, version=version, updated=updated)


async def prepare(connection: Connection, identity: Identity | None, create: bool) -> None:
    """Make or bring up to date the tables, and see that the ledger is this merchant's."""
    # before the first look: PostgreSQL's catalogue cache would remember that there is no table
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    version = await _version(connection)
    if version > len(MIGRATIONS):
        raise LedgerError("the PostgreSQL ledger was made by a newer version of this package")
    if version == 0 and not create:
        raise LedgerError("there is no ledger in this PostgreSQL database")
    if version == 0:
        await connection.execute("CREATE TABLE paycools_schema (version INTEGER PRIMARY KEY)")
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        await connection.execute(migration.encode())
        await connection.execute("INSERT INTO paycools_schema VALUES (%s)", (number,))
    if identity is not None:
        await _own(connection, identity)


async def _version(connection: Connection) -> int:
    [(table,)] = await (await connection.execute("SELECT to_regclass('paycools_schema')")).fetchall()
    if table is None:
        return 0
    [(version,)] = await (await connection.execute("SELECT coalesce(max(version), 0) FROM paycools_schema")).fetchall()
    return int(version)


async def _own(connection: Connection, identity: Identity) -> None:
    insert = "INSERT INTO paycools_ledger VALUES (%s, %s) ON CONFLICT (key) DO NOTHING"
    for key, value in (("identity", identity.text()), ("currency", identity.currency)):
        await connection.execute(insert, (key, value))
    cursor = await connection.execute("SELECT value FROM paycools_ledger WHERE key = 'identity'")
    [(found,)] = await cursor.fetchall()
    if found != identity.text():
        raise LedgerError(
            f"this PostgreSQL ledger belongs to {found!r}, these credentials are {identity.text()!r}; "
            "use another database or search_path"
        )


# what the workers' jobs stand on, where it is there
_JOB_TABLES = r"""
SELECT relname, CASE relkind WHEN 'S' THEN 'USAGE ON SEQUENCE {}' ELSE 'SELECT, INSERT, UPDATE, DELETE ON {}' END
FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S')
    AND relname LIKE 'procrastinate\_%'
"""


async def grant(dsn: str, role: str) -> None:
    """Give a role what a run needs and no more: it cannot change an order's content, nor the log of moves."""
    session = Session(dsn)

    async def write(connection: Connection) -> None:
        to = sql.Identifier(role)
        [(schema,)] = await (await connection.execute("SELECT current_schema()")).fetchall()
        await connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), to))
        await connection.execute(sql.SQL(GRANTS).format(role=to))
        for name, right in await (await connection.execute(_JOB_TABLES)).fetchall():
            grant = sql.SQL("GRANT {} TO {}").format(sql.SQL(right).format(sql.Identifier(schema, name)), to)
            await connection.execute(grant)

    try:
        await session.run(write)
    finally:
        await session.aclose()
