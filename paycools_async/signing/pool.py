"""Signs off the loop, so that the loop never waits for RSA.

A couple of threads take the waiting texts one by one from a queue that costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from queue import SimpleQueue

from ..errors import ClientClosed
from .base import Signer

__all__ = ["SigningPool"]

_Job = tuple[bytes, "asyncio.Future[bytes]", asyncio.AbstractEventLoop]


class SigningPool:
    """Awaitable signing over a `Signer`, with `threads` threads that start with the first texts."""

    def __init__(self, signer: Signer, *, threads: int | None = None) -> None:
        self._signer = signer
        self._size = threads or min(2, os.cpu_count() or 1)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def sign(self, text: bytes, within: float | None = None) -> bytes:
        """The signature. Raises TimeoutError if it takes more than `within` seconds, the wait for a thread included."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        with self._lock:
            if self._closed:
                raise ClientClosed("the client is closed; nothing was sent")
            if len(self._threads) < self._size:
                self._start_thread()
            self._jobs.put((text, future, loop))
        if within is None:
            return await future
        timer = loop.call_later(within, _expire, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def aclose(self) -> None:
        """Let the threads finish what waits, and end them."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._jobs.put(None)
        if self._threads:
            await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"paycools-sign-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        _lower_thread_priority()
        while (job := self._jobs.get()) is not None:
            text, future, loop = job
            if future.done():  # cancelled, or out of time
                continue
            try:
                made: bytes | Exception = self._signer.sign(text)
            except StopIteration:  # the one error a future does not take
                made = RuntimeError("the signer failed: StopIteration")
            except Exception as error:  # noqa: BLE001 - a signer's error belongs to its caller
                made = error
            except BaseException as error:  # noqa: BLE001 - and no error may end the thread and leave others waiting
                made = RuntimeError(f"the signer failed: {type(error).__name__}")
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_deliver, future, made)


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
