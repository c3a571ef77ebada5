"""A PayCools in a thread of its own, so that a test's event loops come and go without it. Keeps its connections."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from support.engine_stage import ORDER, says
from support.fault_server import Connection, FaultServer, answer

__all__ = ["KeptServer", "Trouble"]

Trouble = Literal["", "not booked", "dropped", "reset", "late", "gateway", "garbage"]
"""What goes wrong with one call; in all but the first two it is booked."""


class KeptServer:
    """`paid`: the connection, counted from 1, and the order of each payout, in the order in which they came.

    `trouble` says what goes wrong with a call that comes in.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, trouble: Callable[[], Trouble] = lambda: "") -> None:
        self._trouble = trouble
        self.troubles: Counter[Trouble] = Counter()
        self._loop = asyncio.new_event_loop()
        self._server = FaultServer(self._script, tls=tls)
        self._thread = threading.Thread(target=self._loop.run_forever, name="kept-server")
        self.paid: list[tuple[int, str]] = []
        self._booked: set[str] = set()

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
        until = time.monotonic() + 60
        while self._server.open and time.monotonic() < until:
            time.sleep(0.01)
        return not self._server.open

    async def _script(self, connection: Connection) -> None:
        number = connection.server.accepted
        while True:
            request = await connection.request()
            trouble = self._trouble()
            self.troubles[trouble] += 1
            if trouble == "not booked":
                return
            good = self._answer(request, number)
            match trouble:
                case "dropped":
                    return
                case "reset":
                    connection.reset()
                    return
                case "late":
                    await asyncio.sleep(0.05)
                case "gateway":
                    good = answer("502 Bad Gateway", b"<html>Bad Gateway</html>")
                case "garbage":
                    good = answer("200 OK", b"<html>Welcome</html>")
                case _:
                    pass
            await connection.write(good)

    def _answer(self, request: bytes, number: int) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        if head.startswith(b"GET"):
            order = parse_qs(urlsplit(head.split(b" ")[1].decode()).query)["mchOrderId"][0]
            if order not in self._booked:
                return answer("200 OK", says(1008, "transaction not found").body)
        else:
            order = json.loads(body)["mchOrderId"]
            self.paid.append((number, order))
            self._booked.add(order)
        taken = {
            "mchOrderId": order,
            "transactionId": f"D{order}",
            "transactionStatus": "PENDING",
            "amount": ORDER.amount,
        }
        return answer("200 OK", says(1000, "success", data=taken).body)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.__aenter__(), self._loop).result(60)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.__aexit__(None, None, None), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
