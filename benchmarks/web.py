"""A web handler on the batch's own loop, asked at a steady rate by a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection

import attrs
from aiohttp import web

from .batch import all_settled, taken_in
from .cases import Bench
from .processes import heard, run, running

RATE = 50
"""Requests a second."""
CONNECTIONS = 50


@attrs.frozen
class Page:
    """The handler, and who asks it."""

    asker: Connection

    async def alone(self, seconds: float) -> list[float]:
        """Milliseconds of each request while nothing else runs here."""
        async with self._asked() as times:
            await asyncio.sleep(seconds)
        return times

    async def beside_a_batch(self, bench: Bench, rows: int) -> list[float]:
        """Milliseconds of each request while a batch runs flat out."""
        async with taken_in(bench, rows) as runner, self._asked() as times:
            summary = await runner.run()
        all_settled(summary, rows)
        return times

    @contextlib.asynccontextmanager
    async def _asked(self) -> AsyncIterator[list[float]]:
        times: list[float] = []
        self.asker.send("start")
        await heard(self.asker)  # its connections are open
        yield times
        self.asker.send("stop")
        times += await heard(self.asker)


async def _answer(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@contextlib.asynccontextmanager
async def page(*, uvloop: bool) -> AsyncIterator[Page]:
    """Serve the handler on this loop."""
    app = web.Application()
    app.router.add_get("/health", _answer)
    serving = web.AppRunner(app, access_log=None)
    await serving.setup()
    try:
        site = web.TCPSite(serving, "127.0.0.1", 0)
        await site.start()
        with running(_process, serving.addresses[0][1], uvloop) as asker:
            yield Page(asker)
    finally:
        await serving.cleanup()


# -- the asking process: next to nothing but a write and a read, on a connection that is open already ------------------


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """The milliseconds from the question to the last byte of its answer."""
    sent = time.perf_counter()
    writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readuntil(b'"}')
    return (time.perf_counter() - sent) * 1000


async def _ask_steadily(port: int, pipe: Connection) -> list[float]:
    """A slow answer does not hold back the next question, which takes another connection."""
    loop = asyncio.get_running_loop()
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    for connection in connections:
        await _ask(*connection)
    pipe.send("ready")
    stop = asyncio.create_task(heard(pipe))
    asked: list[asyncio.Task[float]] = []
    due = loop.time()
    while not stop.done():
        if len(asked) >= CONNECTIONS and not asked[-CONNECTIONS].done():
            raise RuntimeError(f"the handler has left {CONNECTIONS} requests unanswered")
        asked.append(asyncio.create_task(_ask(*connections[len(asked) % CONNECTIONS])))
        due += 1 / RATE
        await asyncio.wait({stop}, timeout=max(0.0, due - loop.time()))
    async with asyncio.timeout(30):
        times = await asyncio.gather(*asked)
    for _, writer in connections:
        writer.close()
    return times


async def _serve(pipe: Connection, port: int) -> None:
    while await heard(pipe):
        pipe.send(await _ask_steadily(port, pipe))


def _process(pipe: Connection, port: int, uvloop: bool) -> None:
    with contextlib.suppress(EOFError):
        run(_serve(pipe, port), uvloop=uvloop)
