"""An HTTP proxy that knows CONNECT, and plain requests with a whole URL; it refuses and dies where it is told to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from types import TracebackType
from typing import Self

from support.fault_server import Connection, FaultServer, answer

__all__ = ["ConnectProxy"]


class ConnectProxy:
    """Leads to `target`, whatever host is asked for. `asked` are the heads of all requests made of the proxy itself.

    `login`: what it wants, as user:password. `manners`: "tunnel", "refuse", "die" after it was asked, "half" an answer,
    "cut" the tunnel before a byte passed, or "silent".
    """

    def __init__(
        self, target: str, *, login: str | None = None, manners: str = "tunnel", tls: ssl.SSLContext | None = None
    ) -> None:
        self._port = int(target.rpartition(":")[2])
        self._login = login
        self._manners = manners
        self._server = FaultServer(self._script, tls=tls)
        self.asked: list[bytes] = []

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return self._server.url

    def with_login(self, login: str) -> str:
        return self.address.replace("://", f"://{login}@")

    async def _script(self, connection: Connection) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        if self._login is not None:
            wanted = base64.b64encode(self._login.encode())
            if b"\r\nProxy-Authorization: Basic " + wanted + b"\r\n" not in head:
                await connection.write(answer("407 Proxy Authentication Required", b"", "Proxy-Authenticate: Basic"))
                return
        if self._manners == "refuse":
            await connection.write(answer("403 Forbidden", b"not you"))
        elif self._manners == "die":
            connection.reset()
        elif self._manners == "half":
            await connection.write(b"HTTP/1.1 200 Conn")
        elif self._manners == "silent":
            await connection.until_client_leaves()
        else:
            await connection.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if self._manners == "cut":
                connection.reset()
                return
            await self._tunnel(connection)

    async def _tunnel(self, connection: Connection) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            ways = _copy(connection.reader, writer), _copy(reader, connection.writer)
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            writer.close()

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.__aexit__(exc_type, exc, traceback)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
