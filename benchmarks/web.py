"""A web handler on the batch's own loop, asked at a steady rate by a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import attrs
from aiohttp import web

from .batch import all_settled, taken_in
from .cases import Bench
from .processes import Child, running

__all__ = ["RATE", "Page", "page"]

RATE = 50
"""Requests a second."""


@attrs.frozen
class Page:
    """The handler, and who asks it."""

    asker: Child

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
        self.asker.tell("start")
        await self.asker.answer()  # its connections are open
        yield times
        self.asker.tell("stop")
        times += await self.asker.answer()


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
        port = serving.addresses[0][1]
        with running("benchmarks.asker", {"port": port, "rate": RATE, "uvloop": uvloop}) as asker:
            await asker.answer()
            yield Page(asker)
    finally:
        await serving.cleanup()
