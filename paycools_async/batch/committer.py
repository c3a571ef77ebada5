"""Group commit: one thread owns the SQLite connection, and what waits is committed together.

A caller goes on only when its commit is on disk. The more callers wait, the more share one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

__all__ = ["Committer"]

T = TypeVar("T")
_Work = Callable[[sqlite3.Connection], Any]
_Together = Callable[[sqlite3.Connection, list[Any]], list[Any]]
_Result = tuple["asyncio.Future[Any]", Any]

_BETWEEN = 0.005
"""Seconds from a commit that several shared to the next: under load still more share one. One alone never waits."""
_WOKEN_AT_ONCE = 16
"""Callers that go on in one turn of the loop; the next ones in the next, so that others get their turn between."""


@attrs.define
class _Group:
    """What waits. Items and works share one commit; reads come after it."""

    items: list[Any] = attrs.field(factory=list)
    of_items: list[asyncio.Future[Any]] = attrs.field(factory=list)
    works: list[_Work] = attrs.field(factory=list)
    of_works: list[asyncio.Future[Any]] = attrs.field(factory=list)
    reads: list[_Work] = attrs.field(factory=list)
    of_reads: list[asyncio.Future[Any]] = attrs.field(factory=list)


class Committer:
    """Writes on the connection in its thread. Made and closed on one event loop.

    `together` writes many items in one go; its results, or errors as values, stand in their order.
    """

    def __init__(self, connection: sqlite3.Connection, together: _Together | None = None) -> None:
        self._connection = connection
        self._together = together
        self._waiting: _Group | None = None
        self._busy = False
        self._groups: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="paycools-ledger", daemon=True)
        self._thread.start()
        self.commits = 0

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work(connection)`, once it is on disk. An sqlite3.Error undoes the whole group."""
        group, future = self._group(), self._loop.create_future()
        group.works.append(work)
        group.of_works.append(future)
        found: T = await future
        return found

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work(connection)`, which writes nothing."""
        group, future = self._group(), self._loop.create_future()
        group.reads.append(work)
        group.of_reads.append(future)
        found: T = await future
        return found

    async def add(self, item: Any) -> Any:
        """What `together` says of the item, once it is on disk. Any error that it raises undoes the whole group."""
        group, future = self._group(), self._loop.create_future()
        group.items.append(item)
        group.of_items.append(future)
        return await future

    def _group(self) -> _Group:
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
            self._groups.put(group)

    async def aclose(self) -> None:
        """Finish what waits and close the connection."""
        self._next()
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (group := self._groups.get()) is not None:
            results = self._commit(group)
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
                self._loop.call_soon_threadsafe(self._committed, results)
        self._connection.close()

    def _commit(self, group: _Group) -> list[_Result]:
        results: list[_Result] = []
        try:
            # each call of the driver lets go of the interpreter several times, and waits for it as often: few calls
            if group.works:
                self._connection.execute("BEGIN IMMEDIATE")
            if self._together is not None and group.items:
                results += zip(group.of_items, self._together(self._connection, group.items), strict=True)
            results += zip(group.of_works, map(self._result, group.works), strict=True)
            if self._connection.in_transaction:
                self._connection.commit()
                self.commits += 1
        except Exception as error:  # noqa: BLE001 - the thread goes on, and nobody waits in vain
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            results = [(future, error) for future in (*group.of_items, *group.of_works)]
        for work, future in zip(group.reads, group.of_reads, strict=True):
            try:
                results.append((future, work(self._connection)))
            except Exception as error:  # noqa: BLE001
                results.append((future, error))
        return results

    def _result(self, work: _Work) -> Any:
        try:
            return work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the one who asked; the others' work stands
            return error

    def _committed(self, results: list[_Result]) -> None:
        if len(results) > 1:
            self._loop.call_later(_BETWEEN, self._next)
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
