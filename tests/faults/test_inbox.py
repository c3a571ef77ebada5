"""Every row of the table of deliveries, over a real socket, into a durable inbox: kept before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.callbacks import SECRET
from support.delivery_table import DELIVERIES, MAX_SIZE, Delivery, Sender, post
from support.fault_table import Family
from support.waiting import hurried

from paycools_async.callbacks import CallbackInbox, CallbackRouter, GlobalCallbacks, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.callbacks.inbox import SQLiteStore
from paycools_async.signing import PrivateKey


@asynccontextmanager
async def serving(inbox: CallbackInbox) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/callbacks", aiohttp_handler(inbox, max_size=MAX_SIZE, body_timeout=60))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def deliver(port: int, data: bytes, *, leaves: bool = False, stays_silent: bool = False) -> int | None:
    """The status of the answer; None where the connection ends without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if leaves:
            writer.write_eof()
        answered = reader.readline()
        line = await (hurried(answered) if stays_silent else answered)
        return int(line.split()[1]) if line else None
    except ConnectionError:
        return None
    finally:
        writer.close()


@pytest.mark.parametrize("family", ["ph", "global"])
@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.name)
async def test_a_delivery(
    delivery: Delivery, family: Family, key: PrivateKey, forger_key: PrivateKey, tmp_path: Path
) -> None:
    router = CallbackRouter(PHCallbacks(SECRET) if family == "ph" else GlobalCallbacks(key.public))
    seen: list[Any] = []
    router.on_any(seen.append)
    paycools = Sender(family=family, key=key, secret=SECRET)
    forger = Sender(family=family, key=forger_key, secret="a forger's secret")
    store = await SQLiteStore.open(tmp_path / "inbox.db")
    inbox = CallbackInbox(router, store)
    try:
        async with serving(inbox) as port:
            for _ in range(delivery.times):
                data = delivery.make(forger if delivery.forger else paycools)
                status = await deliver(port, data, leaves=delivery.leaves, stays_silent=delivery.status == 408)
                assert status == delivery.status
            assert sum((await store.counts()).values()) == delivery.stored
            await inbox.drain()
            assert len(seen) == delivery.stored
            next_one = post(paycools.good(mchOrderId="PAY000000009", transactionId="D9"))
            assert await deliver(port, next_one) == 200, "whatever came, the next one is taken"
    finally:
        await inbox.aclose()
