"""A merchant's process for the kill test: an inbox behind a web adapter, on a port, until it is killed.

python inbox_server.py DATABASE PORT aiohttp|asgi
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiohttp import web

from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.callbacks.asgi import ASGICallbacks
from paycools_async.callbacks.inbox import CallbackInbox, SQLiteStore, in_transaction
from paycools_async.ph import PayoutSettled

SECRET = "a-callback-secret"

router = CallbackRouter(PHCallbacks(SECRET))


@router.on(PayoutSettled)
async def settled(event: PayoutSettled) -> None:
    order, status = event.mch_order_id, str(event.transaction_status)

    def book(connection: Any) -> None:
        connection.execute("INSERT INTO effects VALUES (?, ?)", (order, status))
        connection.execute("INSERT INTO orders VALUES (?, ?) ON CONFLICT DO UPDATE SET status = ?2", (order, status))

    in_transaction(book)


async def main(database: str, port: int, adapter: str) -> None:
    store = await SQLiteStore.open(database)
    await store._do(lambda c: c.execute("CREATE TABLE IF NOT EXISTS effects (id TEXT, status TEXT)"))
    await store._do(lambda c: c.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, status TEXT)"))
    async with CallbackInbox(router, store) as inbox:
        if adapter == "asgi":
            import uvicorn

            config = uvicorn.Config(ASGICallbacks(inbox), host="127.0.0.1", port=port, log_level="error")
            await uvicorn.Server(config).serve()
            return
        app = web.Application()
        app.router.add_route("*", "/", aiohttp_handler(inbox))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
