"""A server on this machine in a thread of its own, for commands that have a loop of their own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from paycools_async.testing import FakePayCools, Sandbox

__all__ = ["answering", "sandbox_of", "served"]


@contextlib.contextmanager
def served(opened: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """What the manager yields, an address, while it is open on a loop in another thread."""
    started, found, failed = threading.Event(), [], []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            async with opened as address:
                found.append(address)
                started.set()
                await stop.wait()
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            started.set()

    def run() -> None:
        with contextlib.suppress(Exception):
            loop.run_until_complete(serve())

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(60)
    try:
        if failed:
            raise failed[0]
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()


@contextlib.asynccontextmanager
async def sandbox_of(fake: FakePayCools) -> AsyncIterator[str]:
    """The fake's sandbox."""
    async with Sandbox(fake) as sandbox:
        yield sandbox.base_url


@contextlib.asynccontextmanager
async def answering(answer: Callable[[], web.Response], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that says the same to everybody."""

    async def handle(request: web.Request) -> web.Response:
        return answer()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
