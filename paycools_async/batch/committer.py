"""Group commit: one thread owns the SQLite connection, and work that waits is committed together.

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

__all__ = ["Committer"]

T = TypeVar("T")
_Work = Callable[[sqlite3.Connection], Any]
_Job = tuple[_Work, "asyncio.Future[Any]"]
_Result = tuple["asyncio.Future[Any]", Any, BaseException | None]

_LARGEST_GROUP = 512
_WOKEN_AT_ONCE = 16
"""Callers that go on in one turn of the loop; the next ones in the next, so that others get their turn between."""


class Committer:
    """Runs work on the connection in its thread. Made and closed on one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="paycools-ledger", daemon=True)
        self._thread.start()
        self.commits = 0

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work(connection)`, once it is on disk. An sqlite3.Error undoes the whole group."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((work, future))
        return await future

    async def aclose(self) -> None:
        """Finish what waits and close the connection."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        going = True
        while going:
            group = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < _LARGEST_GROUP:
                    group.append(self._jobs.get_nowait())
            going = None not in group
            self._commit([job for job in group if job is not None])
        self._connection.close()

    def _commit(self, group: list[_Job]) -> None:
        if not group:
            return
        results: list[_Result] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for work, future in group:
                results.append((future, *self._result(work)))
            self._connection.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            results = [(future, None, error) for _, future in group]
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            self._loop.call_soon_threadsafe(_deliver, self._loop, results)

    def _result(self, work: _Work) -> tuple[Any, BaseException | None]:
        try:
            return work(self._connection), None
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the one who asked; the others' work stands
            return None, error


def _deliver(loop: asyncio.AbstractEventLoop, results: list[_Result]) -> None:
    for future, value, error in results[:_WOKEN_AT_ONCE]:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)
    if len(results) > _WOKEN_AT_ONCE:
        loop.call_soon(_deliver, loop, results[_WOKEN_AT_ONCE:])
