"""A shop that takes QR payments, in FastAPI. It runs against an embedded sandbox PayCools; no account is needed:

    pip install 'paycools-async[fast,examples]'
    python docs/examples/fastapi_shop.py

Open http://127.0.0.1:8000, buy, and press "simulate customer": the page turns to paid when PayCools' callback arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import segno
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse

from paycools_async import PayCoolsPH
from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks, SQLiteStore, in_transaction
from paycools_async.callbacks.asgi import ASGICallbacks
from paycools_async.ph import QRPaymentSettled
from paycools_async.testing import FakePayCools, Sandbox

PRICES = {"Barako coffee": 25000, "Pandesal": 4500}
"""Centavos. Prices are the server's: what a browser sends is a wish."""


def shop(folder: Path, port: int) -> FastAPI:
    """The application; its database is a file in `folder`."""
    fake = FakePayCools()
    router = CallbackRouter(PHCallbacks(fake.ph_credentials.callback_secret or ""))
    database = sqlite3.connect(folder / "shop.db", isolation_level=None)
    database.execute(
        "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT, amount INTEGER, qr TEXT, state TEXT)"
    )

    @router.on(QRPaymentSettled)
    async def settled(event: QRPaymentSettled) -> None:
        if not event.transaction_status.final:
            return
        state = "paid" if event.transaction_status == "COMPLETE" else "failed"
        # in the commit that marks the callback as done: it happens once, however often PayCools sends it.
        # The amount is compared, and a paid order stays paid
        in_transaction(
            lambda connection: connection.execute(
                "UPDATE orders SET state = ? WHERE id = ? AND amount = ? AND state != 'paid'",
                (state, event.mch_order_id, event.amount),
            )
        )

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        store = await SQLiteStore.open(folder / "shop.db")
        async with (
            Sandbox(fake, callback_url=f"http://127.0.0.1:{port}/paycools/callbacks") as sandbox,
            PayCoolsPH(fake.ph_credentials, base_url=sandbox.base_url) as paycools,
            CallbackInbox(router, store) as inbox,
        ):
            app.state.paycools = paycools
            app.mount("/paycools", ASGICallbacks(inbox))
            yield
        database.close()

    app = FastAPI(lifespan=life)

    def order_of(order_id: str) -> dict[str, Any]:
        row = database.execute("SELECT id, item, amount, qr, state FROM orders WHERE id = ?", (order_id,)).fetchone()
        if row is None:
            raise HTTPException(404)
        return dict(zip(("id", "item", "amount", "qr", "state"), row, strict=True))

    @app.get("/", response_class=HTMLResponse)
    async def catalogue() -> str:
        rows = "".join(
            f'<li>{escape(item)}, PHP {price / 100:.2f} <button formaction="/buy/{quote(item)}">Buy</button></li>'
            for item, price in PRICES.items()
        )
        return page(f'<h1>Shop</h1><form method="post"><ul>{rows}</ul></form>')

    @app.post("/buy/{item}")
    async def buy(item: str) -> RedirectResponse:
        if item not in PRICES:
            raise HTTPException(404)
        order_id = "SHOP" + secrets.token_hex(8).upper()
        # the order is on disk before PayCools hears of it
        database.execute("INSERT INTO orders VALUES (?, ?, ?, NULL, 'waiting')", (order_id, item, PRICES[item]))
        code = await app.state.paycools.qr.create(
            mch_order_id=order_id,
            channel_code="QRPH_DYNAMIC_QR",
            customer_name="Juan Santos Dela Cruz",
            amount=PRICES[item],
            expire_seconds=900,
        )
        database.execute("UPDATE orders SET qr = ? WHERE id = ?", (code.qrcode_content, order_id))
        return RedirectResponse(f"/orders/{order_id}", status_code=303)

    @app.get("/orders/{order_id}", response_class=HTMLResponse)
    async def show(order_id: str) -> str:
        order = order_of(order_id)
        picture = segno.make(order["qr"]).svg_data_uri(scale=6)
        return page(
            f"<h1>{escape(order['item'])}</h1><p>PHP {order['amount'] / 100:.2f}</p>"
            f'<img id="qr" alt="QR code to pay" src="{picture}">'
            f'<p>State: <b id="state">{order["state"]}</b></p>'
            f'<form method="post" action="/orders/{order_id}/simulate"><button>Simulate customer</button></form>'
            + (WATCH % order_id if order["state"] == "waiting" else "")
        )

    @app.get("/orders/{order_id}/state")
    async def state(order_id: str) -> dict[str, str]:
        """Answers when the order is no longer waiting, or after 20 seconds."""
        for _ in range(100):
            if order_of(order_id)["state"] != "waiting":
                break
            await asyncio.sleep(0.2)
        return {"state": order_of(order_id)["state"]}

    @app.post("/orders/{order_id}/simulate")
    async def simulate(order_id: str) -> RedirectResponse:
        """A customer scans and pays. Only a sandbox has such customers."""
        order = order_of(order_id)
        with contextlib.suppress(Exception):  # pressed twice: PayCools refuses the second payment
            await fake.pay(order["qr"], order["amount"])
        return RedirectResponse(f"/orders/{order_id}", status_code=303)

    return app


WATCH = """<script>
(async () => {
  for (let state = "waiting"; state === "waiting"; ) {
    state = (await (await fetch("/orders/%s/state")).json()).state;
    document.getElementById("state").textContent = state;
  }
})();
</script>"""


def page(content: str) -> str:
    """A page around its content."""
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title><body>{content}</body></html>'


def main() -> None:
    options = argparse.ArgumentParser(description="A shop with QR payments")
    options.add_argument("--port", type=int, default=8000)
    options.add_argument("--folder", type=Path, help="where shop.db lives; a temporary one by default")
    options.add_argument("--log-level", default="warning")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        app = shop(given.folder or Path(temporary), given.port)
        uvicorn.run(app, host="127.0.0.1", port=given.port, log_level=given.log_level)


if __name__ == "__main__":
    main()
