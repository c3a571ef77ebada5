"""Signs off the loop, so that the loop never waits for RSA.

A couple of threads take the waiting texts one by one from a queue that costs next to nothing. They serve any number of
event loops. A forked child has none of its parent's threads, and gets its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

from ..errors import ClientClosed
from ..runtime import Guard
from .base import Signer

__all__ = ["SigningPool"]

_Job = tuple[bytes, "asyncio.Future[bytes]", asyncio.AbstractEventLoop]


class _Threads:
    """The signing threads of one process. They end when nobody holds this any more, too."""

    def __init__(self, signer: Signer, size: int) -> None:
        self.process: int = os.getpid()
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._signer = signer
        self._size = size
        self._threads: list[threading.Thread] = []
        self._unheld = weakref.finalize(self, _end, self.jobs, size)
        self._unheld.atexit = False

    def start_missing(self) -> None:
        """One more thread, as long as there are too few."""
        if len(self._threads) < self._size:
            name = f"paycools-sign-{len(self._threads)}"
            thread = threading.Thread(target=_work, args=(self.jobs, self._signer), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """They finish what waits."""
        self._unheld()

    async def ended(self) -> None:
        """Until they have ended."""
        if self._threads:
            await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()


def _end(jobs: SimpleQueue[_Job | None], size: int) -> None:
    for _ in range(size):
        jobs.put(None)


class SigningPool:
    """Awaitable signing over a `Signer`, with `threads` threads that start with the first texts.

    `anew` makes the signer of a forked child: a lock inside the parent's may have been held at that moment.
    """

    def __init__(self, signer: Signer, *, threads: int | None = None, anew: Callable[[], Signer] | None = None) -> None:
        self._signer = signer
        self._anew = anew
        self._size = threads or min(2, os.cpu_count() or 1)
        self._guard = Guard()
        self._threads = _Threads(signer, self._size)
        self._closed = False

    async def sign(self, text: bytes, within: float | None = None) -> bytes:
        """The signature. Raises TimeoutError if it takes more than `within` seconds, the wait for a thread included."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        with self._guard.lock:
            if self._closed:
                raise ClientClosed("the client is closed; nothing was sent")
            if self._threads.process != os.getpid():
                self._start_anew()
            self._threads.start_missing()
            self._threads.jobs.put((text, future, loop))
        if within is None:
            return await future
        timer = loop.call_later(within, _expire, future)
        try:
            return await future
        finally:
            timer.cancel()

    def _start_anew(self) -> None:
        if self._anew is not None:
            self._signer = self._anew()
        self._threads = _Threads(self._signer, self._size)

    async def aclose(self) -> None:
        """Let the threads finish what waits, and end them."""
        with self._guard.lock:
            self._closed = True
            threads = self._threads
            if threads.process != os.getpid():  # they are the parent's
                return
            threads.end()
        await threads.ended()


def _work(jobs: SimpleQueue[_Job | None], signer: Signer) -> None:
    _lower_thread_priority()
    while (job := jobs.get()) is not None:
        text, future, loop = job
        del job
        if future.done():  # cancelled, or out of time
            continue
        try:
            made: bytes | Exception = signer.sign(text)
        except StopIteration:  # the one error a future does not take
            made = RuntimeError("the signer failed: StopIteration")
        except Exception as error:  # noqa: BLE001 - a signer's error belongs to its caller
            made = error
        except BaseException as error:  # noqa: BLE001 - and no error may end the thread and leave others waiting
            made = RuntimeError(f"the signer failed: {type(error).__name__}")
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_deliver, future, made)
        del text, future, loop, made  # a waiting thread holds nothing of the last call


def _lower_thread_priority() -> None:
    """Let the loop's thread go first where both want a processor: the loop is late by less, and no slower."""
    if sys.platform == "linux":  # elsewhere a priority belongs to the whole process
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + 5))


def _expire(future: asyncio.Future[bytes]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _deliver(future: asyncio.Future[bytes], made: bytes | Exception) -> None:
    if future.done():
        return
    if isinstance(made, Exception):
        future.set_exception(made)
    else:
        future.set_result(made)
