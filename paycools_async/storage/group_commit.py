"""Group commit: one thread owns the SQLite connection, and what waits is committed together.

A caller goes on only when its commit is on disk. The more callers wait, the more share one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from ..runtime import FORKED, OTHER_LOOP
from .errors import WorkCrashed

__all__ = ["Committer", "NotHere"]

T = TypeVar("T")
_Work = Callable[[sqlite3.Connection], Any]
_Together = Callable[[sqlite3.Connection, list[Any]], list[Any]]
_After = Callable[[sqlite3.Connection, Sequence[Any], bool], None]
_Result = tuple["asyncio.Future[Any]", Any]

_WOKEN_AT_ONCE = 16
"""Callers that go on in one turn of the loop; the next ones in the next, so that others get their turn between."""


class NotHere(Exception):
    """The connection belongs to another event loop or process."""


_Waiting = list[tuple[T, "asyncio.Future[Any]"]]


@attrs.define(eq=False)
class _Group:
    """What waits. Items and works share one commit; reads come after it."""

    items: _Waiting[Any] = attrs.field(factory=list)
    works: _Waiting[_Work] = attrs.field(factory=list)
    reads: _Waiting[_Work] = attrs.field(factory=list)

    def futures(self) -> list[asyncio.Future[Any]]:
        return [future for waiting in (self.items, self.works, self.reads) for _, future in waiting]


class Committer:
    """Writes on the connection in its thread, for one event loop of one process.

    When that loop is closed, another one may go on with it. A forked child may not: it has no such thread, and SQLite
    forbids the connection.

    `together` writes many items in one go; its results, or errors as values, stand in their order. `failure` makes what
    each caller gets of the database's error, or of a WorkCrashed. `committed` is called after each commit and before
    anybody's result, with those of the items and whether anything else was done; where it fails, all callers get its
    error.
    """

    between: float = 0.005
    """Seconds from a commit that several shared to the next: under load still more share one. One alone never waits."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        failure: Callable[[Exception], Exception],
        together: _Together | None = None,
        committed: _After | None = None,
    ) -> None:
        self._connection = connection
        self._failure = failure
        self._together = together
        self._after = committed
        self._closed = False
        self._waiting: _Group | None = None
        self._busy = False
        self._at_work: list[_Group] = []
        self._groups: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="paycools-ledger", daemon=True)
        self._thread.start()
        self.commits: int = 0

    def do(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The result of `work(connection)`, once it is on disk. A database error undoes the whole group."""
        return self._wait(self._group().works, work)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The result of `work(connection)`, which writes nothing."""
        return self._wait(self._group().reads, work)

    def add(self, item: Any) -> asyncio.Future[Any]:
        """What `together` says of the item, once it is on disk. Any error that it raises undoes the whole group."""
        return self._wait(self._group().items, item)

    def _wait(self, waiting: _Waiting[Any], job: Any) -> asyncio.Future[Any]:
        if self._closed:
            raise self._failure(sqlite3.ProgrammingError("it is closed"))
        future: asyncio.Future[Any] = self._loop.create_future()
        waiting.append((job, future))
        return future

    @property
    def is_inherited(self) -> bool:
        """Whether it is the parent process's, and not to be touched here."""
        return self._process != os.getpid()

    def _check_here(self) -> None:
        if self.is_inherited:
            raise self._failure(NotHere(FORKED))
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if not self._loop.is_closed():
            raise self._failure(NotHere(OTHER_LOOP))
        # with the loop before everybody is gone who waited
        self._loop, self._waiting, self._busy, self._at_work = loop, None, False, []

    def _group(self) -> _Group:
        self._check_here()
        if self._waiting is None:
            self._waiting = _Group()
            if not self._busy:
                self._busy = True
                self._loop.call_soon(self._next)
        return self._waiting

    def _next(self) -> None:
        group, self._waiting = self._waiting, None
        if group is None:
            self._busy = False
        else:
            self._at_work.append(group)
            self._groups.put(group)

    async def aclose(self, patience: float | None = None) -> None:
        """Finish what waits and close the connection; in a forked child nothing. After `patience` seconds it is left to
        do so alone."""
        if self.is_inherited:
            return
        if not self._loop.is_closed():
            self._next()
        self._closed = True
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join, patience)

    def _run(self) -> None:
        try:
            while (group := self._groups.get()) is not None:
                self._call(self._committed, group, self._survive(group))
        finally:  # by `aclose`, or by what somebody raised into this thread: nobody may wait in vain
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._call(self._ended)

    def _call(self, what: Callable[..., None], *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            self._loop.call_soon_threadsafe(what, *values)

    def _survive(self, group: _Group) -> list[_Result]:
        try:
            return self._commit(group)
        except BaseException as error:  # noqa: BLE001 - even the undoing failed
            return [(future, self._error(error)) for future in group.futures()]

    def _commit(self, group: _Group) -> list[_Result]:
        results: list[_Result] = []
        try:
            # each call of the driver lets go of the interpreter several times, and waits for it as often: few calls
            if group.works:
                self._connection.execute("BEGIN IMMEDIATE")
            made: list[Any] = []
            if self._together is not None and group.items:
                made = self._together(self._connection, [item for item, _ in group.items])
                results += [(future, each) for (_, future), each in zip(group.items, made, strict=True)]
            results += [(future, self._result(work)) for work, future in group.works]
            if self._connection.in_transaction:
                self._connection.commit()
                self.commits += 1
                if self._after is not None:
                    self._after(self._connection, made, bool(group.works))
        except BaseException as error:  # noqa: BLE001 - the thread goes on, and nobody waits in vain
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            results = [(future, self._error(error)) for _, future in (*group.items, *group.works)]
        for work, future in group.reads:
            try:
                results.append((future, work(self._connection)))
            except BaseException as error:  # noqa: BLE001 - it belongs to the one who asked
                results.append((future, self._error(error)))
        if self._connection.in_transaction:  # somebody wrote where only reading is allowed
            self._connection.rollback()
        return results

    def _error(self, error: BaseException) -> Exception:
        if isinstance(error, sqlite3.Error):
            return self._failure(error)
        if isinstance(error, Exception) and not isinstance(error, StopIteration | MemoryError):
            return error
        # what would end the thread, or the loop of the one who asked
        crashed = WorkCrashed(f"what was asked of the database ended with {type(error).__name__}")
        found = self._failure(crashed)
        found.__cause__ = error
        return found

    def _result(self, work: _Work) -> Any:
        try:
            return work(self._connection)
        except (sqlite3.Error, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the one who asked; the others' work stands
            return self._error(error)

    def _ended(self) -> None:
        self._closed = True
        left, self._at_work = [*self._at_work, *filter(None, [self._waiting])], []
        for future in (future for group in left for future in group.futures()):
            if not future.done():
                future.set_exception(self._failure(WorkCrashed("the thread that writes has ended")))

    def _committed(self, group: _Group, results: list[_Result]) -> None:
        if group not in self._at_work:  # those who waited are gone with the loop before
            return
        self._at_work.remove(group)
        if len(results) > 1:
            self._loop.call_later(self.between, self._next)
        else:
            self._next()
        _deliver(self._loop, results)


def _deliver(loop: asyncio.AbstractEventLoop, results: list[_Result]) -> None:
    for future, result in results[:_WOKEN_AT_ONCE]:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    if len(results) > _WOKEN_AT_ONCE:
        loop.call_soon(_deliver, loop, results[_WOKEN_AT_ONCE:])
