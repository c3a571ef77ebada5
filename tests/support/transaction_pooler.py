"""A pooler in transaction mode, as pgbouncer has it, for tests: a client has a backend while it is in a transaction.

It logs no one in, and stands before a server that trusts whoever comes over its socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["transaction_pooler"]

Backend = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One message: its type, its length, its content."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!I", head[1:])
    return head + await reader.readexactly(length - 4)


class _Pooler:
    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._free: list[Backend] = []
        self._told = b""
        self.all: list[Backend] = []
        self.clients: set[asyncio.Task[Any]] = set()

    async def _backend(self, startup: bytes) -> tuple[Backend, bytes]:
        """A backend, the last one used first; and what a new one said of itself."""
        if self._free:
            return self._free.pop(), b""
        backend = await asyncio.open_unix_connection(self._socket)
        self.all.append(backend)
        reader, writer = backend
        writer.write(startup)
        told = b""
        while not (message := await _message(reader)).startswith(b"Z"):
            if message.startswith(b"E"):
                raise ConnectionError(message)
            if not message.startswith(b"K"):  # the key to cancel by; a pooler gives one of its own
                told += message
        return backend, told

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.clients.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._serve(reader, writer)
        finally:
            await _close(writer)
            self.clients.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = await reader.readexactly(4)
            startup = length + await reader.readexactly(struct.unpack("!I", length)[0] - 4)
            if struct.unpack("!I", startup[4:8])[0] not in (_SSL_REQUEST, _GSS_REQUEST):
                break
            writer.write(b"N")
        if not self._told:
            backend, self._told = await self._backend(startup)
            self._free.append(backend)
        writer.write(self._told + b"K" + struct.pack("!III", 12, 7, 7) + b"Z" + struct.pack("!I", 5) + b"I")
        while True:
            message = await _message(reader)
            if message.startswith(b"X"):
                return
            backend, _ = await self._backend(startup)
            await self._transaction(message, reader, writer, backend)
            self._free.append(backend)

    async def _transaction(
        self, message: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend
    ) -> None:
        theirs, to_them = backend
        while True:
            to_them.write(message)
            if message[:1] in (b"Q", b"S"):  # a query, or the end of several messages: now the server answers
                while True:
                    answer = await _message(theirs)
                    writer.write(answer)
                    if answer.startswith(b"Z"):
                        break
                if answer.endswith(b"I"):
                    return
            message = await _message(reader)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def transaction_pooler(socket: str) -> AsyncIterator[int]:
    """Stands before the server at this socket; the port on which it listens."""
    pooler = _Pooler(socket)
    server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        while pooler.clients:
            await asyncio.wait(pooler.clients)
        for _, writer in pooler.all:
            await _close(writer)
