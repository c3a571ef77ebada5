"""Signs off the loop, so that the loop never waits for RSA.

A few threads take the waiting texts in chunks: one hand-over per chunk costs far less than one per text.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import deque

from ..errors import PayCoolsError
from .base import Signer

__all__ = ["SigningPool"]

_Job = tuple[bytes, "asyncio.Future[bytes]", asyncio.AbstractEventLoop]


class SigningPool:
    """Awaitable signing over a `Signer`, with `threads` threads that start with the first text."""

    def __init__(self, signer: Signer, *, threads: int | None = None, chunk: int = 8) -> None:
        self._signer = signer
        self._size = threads or min(2, os.cpu_count() or 1)
        self._chunk = chunk
        self._jobs: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def sign(self, text: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        with self._ready:
            if self._closed:
                raise PayCoolsError("the client is closed; nothing was sent")
            if len(self._threads) < self._size:
                self._start_thread()
            self._jobs.append((text, future, loop))
            self._ready.notify()
        return await future

    async def aclose(self) -> None:
        """Let the threads finish what waits, and end them."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        if self._threads:
            await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"paycools-sign-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _take(self) -> list[_Job]:
        with self._ready:
            while not self._jobs and not self._closed:
                self._ready.wait()
            # leave the other threads their share
            share = max(1, min(self._chunk, len(self._jobs) // self._size))
            return [self._jobs.popleft() for _ in range(min(share, len(self._jobs)))]

    def _work(self) -> None:
        while jobs := self._take():
            done: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[bytes], bytes | Exception]]] = {}
            for text, future, loop in jobs:
                if future.cancelled():
                    continue
                try:
                    made: bytes | Exception = self._signer.sign(text)
                except Exception as error:  # noqa: BLE001 - a signer's error belongs to its caller
                    made = error
                except BaseException as error:  # noqa: BLE001 - and no error may end the thread and leave others waiting
                    made = RuntimeError(f"the signer failed: {type(error).__name__}")
                done.setdefault(loop, []).append((future, made))
            for loop, results in done.items():
                with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(_deliver, results)


def _deliver(results: list[tuple[asyncio.Future[bytes], bytes | Exception]]) -> None:
    for future, made in results:
        if future.done():
            continue
        if isinstance(made, StopIteration):  # the one error a future does not take
            future.set_exception(RuntimeError("the signer failed: StopIteration"))
        elif isinstance(made, Exception):
            future.set_exception(made)
        else:
            future.set_result(made)
