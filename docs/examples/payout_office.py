"""A back office that pays people and shows how each payout stands, in aiohttp.web, by callback.

    pip install 'paycools-async[fast]'
    python docs/examples/payout_office.py

Open http://127.0.0.1:8001 and press "Pay": it runs against an embedded sandbox PayCools, no account is needed. The
account that ends in 0000 fails, as it does in every sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from html import escape

import attrs
from aiohttp import web

from paycools_async import OutcomeUnknown, PayCoolsError, PayCoolsPH
from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.ph import PayoutSettled
from paycools_async.testing import FakePayCools, Sandbox

PEOPLE = [
    ("Juan Dela Cruz", "09171234567", 1250000),
    ("Maria Clara Santos", "09181234567", 980050),
    ("Jose Protacio", "09190000000", 150000),
]
"""Name, e-wallet number, centavos."""


@attrs.define
class Payout:
    """What the office knows of a payout. A real one keeps it in a database, as fastapi_shop.py does."""

    order_id: str
    name: str
    account: str
    amount: int
    state: str = "sending"
    reason: str = ""


class Office:
    """The payouts, and what moves them."""

    def __init__(self, fake: FakePayCools) -> None:
        self.payouts: dict[str, Payout] = {}
        self.numbers = itertools.count(1)
        self.router = CallbackRouter(PHCallbacks(fake.ph_credentials.callback_secret or ""))
        self.router.on(PayoutSettled)(self.settled)

    async def settled(self, event: PayoutSettled) -> None:
        """PayCools' word. It may come twice, and before the answer of the call itself; both are fine here."""
        payout = self.payouts.get(event.mch_order_id)
        if payout is None or not event.transaction_status.final:
            return
        payout.state = "paid" if event.transaction_status == "COMPLETE" else "failed"
        payout.reason = event.failed_message or ""

    async def pay(self, paycools: PayCoolsPH, name: str, account: str, amount: int) -> None:
        """Send one payout. An unclear outcome is found out, never guessed."""
        payout = Payout(f"OFFICE{int(time.time())}N{next(self.numbers)}", name, account, amount)
        self.payouts[payout.order_id] = payout
        try:
            try:
                await paycools.payouts.create(
                    mch_order_id=payout.order_id,
                    amount=amount,
                    pay_method_code="EWALLET",
                    ewallet_code="GCASH",
                    account_no=account,
                    account_name=name,
                )
            except OutcomeUnknown as error:
                await paycools.payouts.resolve(error.request)
        except PayCoolsError as error:
            payout.state, payout.reason = error.outcome.value, str(error)
        else:
            if payout.state == "sending":
                payout.state = "accepted"


OFFICE = web.AppKey("office", Office)
CLIENT = web.AppKey("client", PayCoolsPH)


async def show(request: web.Request) -> web.Response:
    """The payouts; the page loads itself again while one is under way."""
    payouts = list(request.app[OFFICE].payouts.values())
    rows = "".join(
        f"<tr><td>{escape(p.name)}<td>...{escape(p.account[-4:])}<td>PHP {p.amount / 100:,.2f}"
        f"<td><b>{escape(p.state)}</b> {escape(p.reason)}</tr>"
        for p in payouts
    )
    busy = any(payout.state in ("sending", "accepted") for payout in payouts)
    refresh = '<meta http-equiv="refresh" content="1">' if busy else ""
    return web.Response(
        content_type="text/html",
        text=f'<!doctype html><html lang="en"><meta charset="utf-8">{refresh}<title>Payouts</title><body>'
        f'<h1>Payouts</h1><form method="post" action="/pay"><button>Pay {len(PEOPLE)} people</button></form>'
        f"<table>{rows}</table></body></html>",
    )


async def pay(request: web.Request) -> web.Response:
    """Pay everybody at once, then show."""
    office, paycools = request.app[OFFICE], request.app[CLIENT]
    await asyncio.gather(*(office.pay(paycools, *person) for person in PEOPLE))
    raise web.HTTPSeeOther("/")


async def states(request: web.Request) -> web.Response:
    """The states as JSON."""
    return web.json_response([attrs.asdict(payout) for payout in request.app[OFFICE].payouts.values()])


def office_app(port: int) -> web.Application:
    """The application, with PayCools inside."""
    fake = FakePayCools()
    fake.payouts.settle_after = 1.0
    app = web.Application()
    app[OFFICE] = Office(fake)

    async def life(app: web.Application) -> AsyncIterator[None]:
        async with (
            Sandbox(fake, callback_url=f"http://127.0.0.1:{port}/paycools/callbacks") as sandbox,
            PayCoolsPH(fake.ph_credentials, base_url=sandbox.base_url) as paycools,
        ):
            app[CLIENT] = paycools
            yield

    app.cleanup_ctx.append(life)
    app.add_routes([web.get("/", show), web.post("/pay", pay), web.get("/states", states)])
    app.router.add_route("*", "/paycools/callbacks", aiohttp_handler(app[OFFICE].router))
    return app


def main() -> None:
    options = argparse.ArgumentParser(description="A back office for payouts")
    options.add_argument("--port", type=int, default=8001)
    port = options.parse_args().port
    web.run_app(office_app(port), host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
