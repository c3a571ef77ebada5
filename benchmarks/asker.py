"""Asks the web handler at a steady rate and notes how long each answer took. Run as a module in a process of its own.

It does next to nothing else: one write and one read on a connection that is open already. A slow answer does not hold
back the next question, which takes another connection.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, cast

from .processes import config_from_parent, line_from_parent, loop_factory, tell_parent

CONNECTIONS = 50
_REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_END = b'"}'
"""The last bytes of the handler's answer."""


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.answered: asyncio.Future[float] | None = None
        self.transport: asyncio.Transport | None = None
        self._sent = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self) -> asyncio.Future[float]:
        """The milliseconds from the question to the last byte of its answer."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self._got = b""
        self._sent = time.perf_counter()
        self.transport.write(_REQUEST)
        return self.answered

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._got += data
        if self._got.endswith(_END) and self.answered is not None and not self.answered.done():
            self.answered.set_result((now - self._sent) * 1000)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionError("the handler hung up"))


async def _ask(port: int, rate: float) -> list[float]:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(_Connection, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    connections = [protocol for _, protocol in opened]
    for connection in connections:
        await connection.ask()
    asked: list[asyncio.Future[float]] = []
    tell_parent('"ready"')
    stop = asyncio.create_task(line_from_parent())
    due = loop.time()
    while not stop.done():
        connection = connections[len(asked) % CONNECTIONS]
        if connection.answered is None or not connection.answered.done():
            raise RuntimeError(f"the handler has left {CONNECTIONS} requests unanswered")
        asked.append(connection.ask())
        due += 1 / rate
        await asyncio.wait({stop}, timeout=max(0.0, due - loop.time()))
    async with asyncio.timeout(30):
        times = await asyncio.gather(*asked)
    for transport, _ in opened:
        transport.close()
    return times


async def _serve(config: dict[str, Any]) -> None:
    tell_parent('"here"')
    while await line_from_parent():
        tell_parent(json.dumps(await _ask(config["port"], config["rate"])))


if __name__ == "__main__":
    given = config_from_parent()
    with asyncio.Runner(loop_factory=loop_factory(given["uvloop"])) as runner:
        runner.run(_serve(given))
