"""A PayCools in a thread of its own, so that a test's event loops come and go without it. Keeps its connections."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from support.engine_stage import says
from support.fault_server import Connection, FaultServer, answer

__all__ = ["KeptServer"]


class KeptServer:
    """`paid`: the connection, counted from 1, and the order of each payout, in the order in which they came."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = FaultServer(self._script, tls=tls)
        self._thread = threading.Thread(target=self._loop.run_forever, name="kept-server")
        self.paid: list[tuple[int, str]] = []

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def orders(self) -> list[str]:
        return [order for _, order in self.paid]

    @property
    def connections(self) -> list[int]:
        return [connection for connection, _ in self.paid]

    def all_closed(self) -> bool:
        """Whether the clients have closed all their connections; waits for that for a while."""
        until = time.monotonic() + 5
        while self._server.open and time.monotonic() < until:
            time.sleep(0.01)
        return not self._server.open

    async def _script(self, connection: Connection) -> None:
        number = connection.server.accepted
        while True:
            request = await connection.request()
            order = json.loads(request.partition(b"\r\n\r\n")[2])["mchOrderId"]
            self.paid.append((number, order))
            taken = {"mchOrderId": order, "transactionId": f"D{order}", "transactionStatus": "PENDING"}
            await connection.write(answer("200 OK", says(1000, "success", data=taken).body))

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.__aenter__(), self._loop).result(5)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.__aexit__(None, None, None), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
