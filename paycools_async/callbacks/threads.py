"""Threads for handlers that are plain functions. One that hangs is replaced, up to a bound, and never waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["MOST_HUNG", "MOST_WORKING", "HandlerThreads"]

MOST_WORKING = 32
"""Handlers at work at a time."""
MOST_HUNG = 224
"""Threads of handlers whose time is over that are replaced by new ones."""

_IDLE = 10.0
"""Seconds after which a thread without work ends."""

_Returned = tuple[Any, BaseException | None]
_Call = tuple[Callable[[], Any], "Future[_Returned]"]


class HandlerThreads:
    """Runs calls in daemon threads, so that the process can end whatever they do.

    What a call raises is part of its result: a Future takes no StopIteration.
    """

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._waiting: deque[_Call] = deque()
        self._threads = 0
        self._idle = 0
        self._hung: set[Future[_Returned]] = set()

    @property
    def problem(self) -> str | None:
        """What is wrong, in words; None where no handler hangs."""
        hung = len(self._hung)
        if not hung:
            return None
        text = f"{hung} calls of handlers go on in their threads although their time is over"
        if hung < MOST_HUNG:
            return f"{text}; at {MOST_HUNG} no more are replaced, and the process is to be started anew"
        return f"{text}, and no more are replaced: start the process anew"

    def submit(self, work: Callable[[], Any]) -> Future[_Returned]:
        """What `work` returns and what it raises, when a thread has done it."""
        future: Future[_Returned] = Future()
        with self._guard:
            self._waiting.append((work, future))
            self._grow()
            self._guard.notify()
        return future

    def give_up(self, future: Future[_Returned]) -> None:
        """Nobody waits for this call any more: if it has begun, another thread takes the place of its own."""
        with self._guard:
            if future.cancel() or future.done():
                return
            self._hung.add(future)
            self._grow()

    def _grow(self) -> None:
        working = self._threads - min(len(self._hung), MOST_HUNG)
        if len(self._waiting) > self._idle and working < MOST_WORKING:
            self._threads += 1
            threading.Thread(target=self._run, name="paycools-handler", daemon=True).start()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            work, future = call
            if future.set_running_or_notify_cancel():
                result = _result_of(work)
                del work, call  # nothing of an event stays while the thread waits
                with self._guard:
                    future.set_result(result)
                    self._hung.discard(future)
            del future

    def _next(self) -> _Call | None:
        with self._guard:
            while True:
                if self._threads - min(len(self._hung), MOST_HUNG) > MOST_WORKING:  # it hung, and was replaced
                    self._threads -= 1
                    return None
                if self._waiting:
                    return self._waiting.popleft()
                self._idle += 1
                woken = self._guard.wait(_IDLE)
                self._idle -= 1
                if not woken and not self._waiting:
                    self._threads -= 1
                    return None


def _result_of(work: Callable[[], Any]) -> _Returned:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001 - the thread goes on, and whoever called gets it
        return None, error
