"""Signs in a process of its own: for batches, where two threads and the loop would wait for one interpreter's lock.

Texts go there over a pipe, signatures come back in their order. The process gets the key over the same pipe, never by
its arguments or environment, and ends with whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from ..errors import ClientClosed, SigningError
from ..privacy.confidential import KeptHere
from ..runtime import FORKED, OTHER_LOOP
from .base import PrivateKey
from .keys import load_private_key

__all__ = ["SigningProcess"]

_SIZE = 4
"""Bytes that say how long what follows is."""
_LOWER = 5
"""By how much the process stands back behind the loop, as signing threads do."""


class SigningProcess(KeptHere):
    """An `AsyncSigner` with a process of its own, for the event loop in which it is entered.

        async with SigningProcess(key) as signer, PayCoolsPH(credentials, signer=signer) as paycools:
            ...

    `private_key`: anything `load_private_key` takes. It pays off where many payouts are signed at a time with a key of
    2048 bits and there is a processor to spare; a client without it signs in two threads, which do more with 4096.
    Should the process end, every further call raises SigningError, with proof that nothing was sent.
    """

    def __init__(self, private_key: PrivateKey | str | bytes | Path) -> None:
        self._key = load_private_key(private_key)
        self._pipes: _Pipes | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        if self._pipes is not None or self._closed:
            raise SigningError("a signing process is entered once")
        loop = asyncio.get_running_loop()
        program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        size = (self._key.bits + 7) // 8
        _, self._pipes = await loop.subprocess_exec(
            lambda: _Pipes(loop, size), sys.executable, "-c", program, stderr=None
        )
        self._pipes.send(self._key.der)
        return self

    async def sign(self, text: bytes) -> bytes:
        """The raw signature. Raises SigningError where the process is gone, ClientClosed where it was closed."""
        if self._closed:
            raise ClientClosed("the signing process is closed; nothing was sent")
        if self._pipes is None:
            raise SigningError("nothing was sent: enter the signing process first, by `async with`")
        return await self._pipes.signature(text)

    async def aclose(self) -> None:
        """End the process; whoever still waits for a signature gets a SigningError."""
        self._closed = True
        if self._pipes is not None:
            await self._pipes.aclose()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<SigningProcess, a key of {self._key.bits} bits>"


class _Pipes(asyncio.SubprocessProtocol):
    """Both ends here: texts out, signatures of `size` bytes in, in the same order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        self._loop = loop
        self._maker = os.getpid()
        self._size = size
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._came = b""
        self._ended = False
        self._gone: asyncio.Future[None] = loop.create_future()
        self._process: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._came += data
        whole = len(self._came) - len(self._came) % self._size
        for start in range(0, whole, self._size):
            future = self._waiting.popleft()
            if not future.done():  # else its call was cancelled, or is out of time
                future.set_result(self._came[start : start + self._size])
        self._came = self._came[whole:]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._ended = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(_gone())
        self._waiting.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set_result(None)

    async def signature(self, text: bytes) -> bytes:
        """The signature of a text."""
        if self._maker != os.getpid():
            raise SigningError(f"nothing was sent: {FORKED}")
        if self._loop is not asyncio.get_running_loop():
            raise SigningError(f"nothing was sent: {OTHER_LOOP}")
        if self._ended:
            raise _gone()
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting.append(future)
        self.send(text)
        return await future

    def send(self, content: bytes) -> None:
        """Write it behind its length."""
        process = cast(asyncio.SubprocessTransport, self._process)
        cast(asyncio.WriteTransport, process.get_pipe_transport(0)).write(len(content).to_bytes(_SIZE) + content)

    async def aclose(self) -> None:
        """End the process, and wait until it is gone."""
        if self._process is None or self._maker != os.getpid() or self._loop is not asyncio.get_running_loop():
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()  # it holds nothing that could be lost
        self._process.close()
        await self._gone


def _gone() -> SigningError:
    return SigningError("nothing was sent: the signing process has ended")


# -- in the process -----------------------------------------------------------------------------------------------


def serve() -> None:
    """Sign what comes over standard input until it ends."""
    from . import signer_for

    for each in (signal.SIGINT, signal.SIGTERM):  # a terminal and an init system tell the whole group
        signal.signal(each, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_LOWER)
    texts, signatures = sys.stdin.buffer, sys.stdout.buffer
    key = _next(texts)
    if key is None:
        return
    sign = signer_for(key).sign
    del key
    while (text := _next(texts)) is not None:
        signatures.write(sign(text))
        signatures.flush()


def _next(texts: BinaryIO) -> bytes | None:
    """What comes next; None at the end."""
    size = texts.read(_SIZE)
    if len(size) < _SIZE:
        return None
    content = texts.read(int.from_bytes(size))
    return content if len(content) == int.from_bytes(size) else None
