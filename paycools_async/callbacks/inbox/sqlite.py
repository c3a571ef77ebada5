"""The inbox in a SQLite file, which may be a batch ledger's."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...storage import file_lock, marks, sqlite
from ...storage.errors import StorageError
from ...storage.group_commit import Committer, NotHere
from ...storage.location import file_at
from .store import FormerNames, InboxError, Item, Mark, Stored, Work, WorkFailed, stored_of

__all__ = ["SQLiteStore"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS paycools_callbacks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    subject TEXT,
    rank INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    family TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    error TEXT,
    received REAL NOT NULL,
    done REAL
);
CREATE INDEX IF NOT EXISTS paycools_callbacks_new ON paycools_callbacks (due) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS paycools_callbacks_subject ON paycools_callbacks (subject, state);
"""

_PATIENCE = 30.0
"""Seconds that a work at hand has to end when the store is closed; if it hangs, the store is left to it."""

_STORED = "seq, id, subject, rank, verdict, family, body, attempts"


def _build(connection: sqlite3.Connection) -> None:
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")


def _do_work(connection: sqlite3.Connection, work: Sequence[Work]) -> None:
    if not work:
        return
    try:
        with sqlite.refusing_to_commit(connection, "mark"):
            for each in work:
                each(connection)
    except sqlite3.Error as error:
        # as it is, it would undo the commit that others share
        raise WorkFailed(type(error).__name__) from error
    except BaseException as error:
        if isinstance(error, Exception):
            raise
        raise WorkFailed(type(error).__name__) from error  # an exit or a panic: the same


class SQLiteStore(FormerNames):
    """One SQLite file (WAL, synchronous=FULL, group commit), readable by its owner only.

    It may be the file of a batch ledger; either may be made first. Any number of processes may take callbacks in; one
    of them applies.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._file = sqlite.real(path)
        self._clock = clock
        self._leader = file_lock.NameLock(Path(f"{self._file}.inbox-lock"))
        self._committer: Committer | None = None

    @property
    def location(self) -> str:
        return str(self._file)

    @classmethod
    async def open(cls, path: str | Path, *, clock: Callable[[], float] = time.time) -> SQLiteStore:
        """Open the file, or make it. Raises InboxError; ConfigurationError where a database is named and not a file."""
        store = cls(file_at(path), clock)
        store._committer = Committer(await asyncio.to_thread(store._connect), store._failure)
        return store

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            if not self._file.exists():
                self._refuse_lost_ledger()
                sqlite.make(self._file, _build)
            mark = marks.read(self._file)
            connection = sqlite.connect(self._file, isolation_level=None, timeout=30)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._refuse_part_of_ledger(connection, mark)
            sqlite.make_durable(connection)
            _build(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, StorageError | OSError | sqlite3.Error):
                raise InboxError(f"{self._path}: cannot be used as an inbox: {error}") from None
            raise
        return connection

    def _refuse_lost_ledger(self) -> None:
        mark = marks.read(self._file)
        if mark is not None and mark.last:
            raise InboxError(f"{self._path}: a ledger was here and is gone: bring it back before callbacks go into it")

    def _refuse_part_of_ledger(self, connection: sqlite3.Connection, mark: marks.Mark | None) -> None:
        # by another name or without its log, two logs of one file would come to be
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'batch_log'").fetchone():
            return
        for pause in (0.2, 0.2, 0.0):
            [(last,)] = connection.execute("SELECT coalesce(max(id), 0) FROM moves")
            doubt = marks.suspicion(self._file, mark, marks.file_state(connection, last))
            if doubt is None:
                return
            time.sleep(pause)  # its owner may be opening it just now
            mark = marks.read(self._file)
        raise InboxError(f"{self._path}: the ledger in it is not whole: {doubt}")

    async def _do(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        if self._committer is None:
            raise InboxError(f"{self._path}: the inbox is closed")
        return await self._committer.do(work)

    def _failure(self, error: Exception) -> InboxError:
        if isinstance(error, NotHere):
            return InboxError(f"{self._path}: {error}")
        return InboxError(f"{self._path}: cannot be read or written: {error}")

    async def add(self, item: Item) -> bool:
        now = self._clock()

        def enter(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "INSERT INTO paycools_callbacks (id, subject, rank, verdict, family, body, due, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (item.id, item.subject, item.rank, item.verdict, item.family, item.body, now, now),
            )
            return bool(done.rowcount)

        return bool(await self._do(enter))

    async def try_become_leader(self) -> bool:
        try:
            return await asyncio.to_thread(self._leader.try_take)
        except StorageError as error:
            raise InboxError(str(error)) from None

    async def due(self, limit: int) -> Sequence[Stored]:
        query = f"SELECT {_STORED} FROM paycools_callbacks WHERE state = 'new' AND due <= ? ORDER BY seq LIMIT ?"  # noqa: S608

        def read(connection: sqlite3.Connection) -> list[Stored]:
            return [stored_of(row) for row in connection.execute(query, (self._clock(), limit))]

        found: list[Stored] = await self._do(read)
        return found

    async def next_due(self) -> float | None:
        query = "SELECT min(due) FROM paycools_callbacks WHERE state = 'new'"
        found: float | None = await self._do(lambda connection: connection.execute(query).fetchone()[0])
        return found

    async def applied_so_far(self, subject: str) -> tuple[int, frozenset[str]]:
        query = "SELECT rank, verdict FROM paycools_callbacks WHERE subject = ? AND state = 'applied'"
        rows = await self._do(lambda connection: connection.execute(query, (subject,)).fetchall())
        return max((rank for rank, _ in rows), default=-1), frozenset(verdict for _, verdict in rows)

    async def mark(self, seq: int, mark: Mark, work: Sequence[Work] = ()) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("SAVEPOINT mark")  # the commit is shared with others, and this is all or nothing
            try:
                _do_work(connection, work)
                done = connection.execute(
                    "UPDATE paycools_callbacks SET state = ?, done = ?, error = NULL WHERE seq = ? AND state = 'new'",
                    (mark, self._clock(), seq),
                )
                if done.rowcount != 1:
                    raise InboxError(f"callback {seq} was marked before")
            except BaseException:
                connection.execute("ROLLBACK TO mark")
                connection.execute("RELEASE mark")
                raise
            connection.execute("RELEASE mark")

        await self._do(write)

    async def postpone(self, seq: int, until: float, error: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE paycools_callbacks SET attempts = attempts + 1, due = ?, error = ?"
                " WHERE seq = ? AND state = 'new'",
                (until, error, seq),
            )

        await self._do(write)

    async def counts(self) -> dict[str, int]:
        query = "SELECT state, count(*) FROM paycools_callbacks GROUP BY state"
        return dict(await self._do(lambda connection: connection.execute(query).fetchall()))

    async def oldest(self) -> float | None:
        """When the oldest unapplied callback came in."""
        query = "SELECT min(received) FROM paycools_callbacks WHERE state = 'new'"
        found: float | None = await self._do(lambda connection: connection.execute(query).fetchone()[0])
        return found

    async def aclose(self) -> None:
        committer, self._committer = self._committer, None
        if committer is not None and committer.is_inherited:
            return
        if committer is not None:
            await committer.aclose(_PATIENCE)
        self._leader.close()
