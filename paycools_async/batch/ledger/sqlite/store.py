"""An opened SQLite ledger: its file, the thread that owns the connection, and whose run it is. All views share one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ....storage import sqlite
from ....storage.group_commit import Committer, NotHere
from ...states import IllegalMove
from ..base import Identity, LedgerError, LedgerInUse
from ..row import Row
from . import file as sqlite_file
from . import reading
from .moves import Move, write

__all__ = ["Store"]

T = TypeVar("T")

_BETWEEN, _MOST_BETWEEN = 0.00003, 0.005
"""Seconds between commits for each row that the run has in hand, and at the most.

The more rows, the longer each can wait while the others keep the signing threads busy; few would leave them idle.
"""


def _close_it(opening: asyncio.Future[sqlite_file.Opened]) -> None:
    """Nobody waits for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class Store:
    """`epoch`: the run's number; "" where it may not send. Whoever awaits a write goes on when it is on disk."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.file: Path = sqlite.real(path)
        self.epoch: str = ""
        self._read_only = read_only
        self._running = False
        self._opened: sqlite_file.Opened | None = None
        self._committer: Committer | None = None

    async def open(
        self,
        identity: Identity | None,
        *,
        create: bool,
        exclusive: bool,
        recover: bool,
        now: Callable[[], float],
        join: bool = False,
    ) -> None:
        """Open or create the file; see `SQLiteLedger.open`."""
        work = functools.partial(self._connect, identity, create, exclusive, recover, now, join)
        opening = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_it)
            raise
        self._opened = opened
        self.epoch = opened.epoch
        self._committer = Committer(opened.connection, self._failure, write, opened.committed)

    def _connect(
        self,
        identity: Identity | None,
        create: bool,
        exclusive: bool,
        recover: bool,
        now: Callable[[], float],
        join: bool,
    ) -> sqlite_file.Opened:
        with sqlite_file.translating_errors(self.path):
            if self._read_only:
                return sqlite_file.open_reading(self.file, identity)
            return sqlite_file.open_writing(
                self.file, identity, create=create, exclusive=exclusive, recover=recover, now=now(), join=join
            )

    async def aclose(self) -> None:
        """Finish what waits, close the file, let others in."""
        committer, self._committer = self._committer, None
        opened, self._opened = self._opened, None
        if committer is None or opened is None or committer.is_inherited:
            return
        if opened.epoch:
            with contextlib.suppress(LedgerError):  # else it was not closed in order; whoever opens it looks closely
                await committer.do(opened.end)
                await committer.read(sqlite.checkpoint)
        await committer.aclose()
        await asyncio.to_thread(opened.close)

    async def backup(self, target: Path) -> None:
        """A copy of the whole ledger as it is now; see `SQLiteLedger.backup`."""
        when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

        def copy_it() -> None:
            with sqlite_file.translating_errors(self.path):
                sqlite_file.copy(self.file, target, when)

        await asyncio.to_thread(copy_it)

    @property
    def commits(self) -> int:
        """Commits so far, of any number of writes each."""
        return self._committer.commits if self._committer else 0

    # -- whose run it is ----------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        """Raises LedgerInUse where this is not the one run that may send."""
        self.refuse_if_read_only()
        self._refuse_others()
        if self._running:
            raise LedgerInUse(f"{self.path}: another run is using this ledger, in this very process")
        self._running = True

    def end_run(self) -> None:
        """Another one may begin."""
        self._running = False

    def refuse_if_read_only(self) -> None:
        """Raises LedgerError."""
        if self._read_only:
            raise LedgerError(f"{self.path}: was opened to be read only")

    def _refuse_others(self) -> None:
        if not self.epoch:
            raise LedgerInUse(f"{self.path}: was opened with exclusive=False, so nothing may be sent from it")

    # -- reading and writing ------------------------------------------------------------------------------------

    def do(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The result of `work(connection)`, once it is on disk."""
        self.refuse_if_read_only()
        return self._open().do(work)

    async def do_much(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `do`, of many rows: the log that it fills is carried over at once."""
        found = await self.do(work)
        await self.read(sqlite.checkpoint)
        return found

    def read(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The result of `work(connection)`, which writes nothing."""
        return self._open().read(work)

    async def claim(self, read: Callable[[sqlite3.Connection], list[Row]], in_hand: int) -> list[Row]:
        """Read rows to work on; from the number in hand follows how long commits wait for each other."""
        committer = self._open()
        rows = await committer.read(read)
        committer.between = min(_MOST_BETWEEN, _BETWEEN * (in_hand + len(rows)))
        return rows

    async def move(self, move: Move) -> Row:
        """Make a run's move. Raises IllegalMove; LedgerInUse where the ledger is not this run's, or no longer."""
        try:
            moved: Row = await self._open().add(move)
        except IllegalMove:
            if await self.read(lambda db: reading.meta(db, "epoch")) != self.epoch:
                raise LedgerInUse(
                    f"{self.path}: another run has taken this ledger over; nothing more is sent"
                ) from None
            raise
        return moved

    def refuse_to_move(self) -> None:
        """Raises LedgerError where no run of this process may move rows."""
        self.refuse_if_read_only()
        self._refuse_others()

    def _open(self) -> Committer:
        if self._committer is None:
            raise LedgerError(f"{self.path}: the ledger is closed")
        return self._committer

    def _failure(self, error: Exception) -> LedgerError:
        if isinstance(error, NotHere):
            return LedgerError(f"{self.path}: {error}")
        return LedgerError(f"{self.path}: the ledger cannot be read or written: {error}")
