"""The fake over HTTP, on this machine only."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import attrs
from aiohttp import web

from ..transports.base import HttpRequest
from .delivery import Delivery
from .fake import Dropped, FakePayCools
from .faults import Fault
from .global_api.account import ReportLinks
from .global_api.report import payout_report
from .page.actions import act, authorize
from .page.guard import HEADERS, refuse_other_sites
from .page.render import page, style
from .server.merchant import Refusal

__all__ = ["Sandbox"]


class Sandbox:
    """Serves a FakePayCools on loopback, as `async with Sandbox(fake) as sandbox: sandbox.base_url`.

    `callback_url` is the merchant's: callbacks are delivered there until they are acknowledged, and the question of 4.6
    is asked there. `delivery` is the same with everything that may go wrong (`Delivery(url=..., duplicates=0.3)`).

    `/` is a page for a browser. Four addresses are for other processes: GET /_sandbox/books (what was paid; ?since=100
    leaves out the first 100), POST /_sandbox/faults (a list of faults, which replaces those set up), POST /_sandbox/pay
    ({"reference": ..., "amount": ...}: a customer pays) and POST /_sandbox/authorize ({"request_id": ..., "answer":
    "yes"}: a customer is asked for a direct debit). Other sites in a browser reach none of them.
    """

    def __init__(
        self,
        fake: FakePayCools | None = None,
        *,
        port: int = 0,
        callback_url: str | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        self.fake: FakePayCools = fake or FakePayCools()
        self.delivery: Delivery | None = delivery or (Delivery(url=callback_url) if callback_url else None)
        self._port = port
        self._runner: web.AppRunner | None = None
        self._said = ""

    @property
    def base_url(self) -> str:
        """Where it listens, on this machine only."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=1 << 20, middlewares=[refuse_other_sites])
        app.router.add_get("/", self._show_page)
        app.router.add_post("/", self._act)
        app.router.add_get("/_sandbox/page.css", self._show_style)
        app.router.add_get("/_sandbox/books", self._show_payouts)
        app.router.add_get("/_sandbox/report.xlsx", self._show_report)
        app.router.add_post("/_sandbox/faults", self._set_faults)
        app.router.add_post("/_sandbox/pay", self._pay)
        app.router.add_post("/_sandbox/authorize", self._authorize)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        if self.delivery is not None:
            self.delivery.start(self.fake.merchants)

    async def aclose(self) -> None:
        """End deliveries and stop listening."""
        if self.delivery is not None:
            await self.delivery.aclose()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        for merchant in self.fake.merchants.values():
            merchant.of(ReportLinks).site = self.base_url
        asked = HttpRequest(request.method, str(request.rel_url), dict(request.headers), await request.read())
        try:
            answer = await self.fake.handle(asked)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError from None  # there is nobody to answer any more
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _show_page(self, request: web.Request) -> web.Response:
        said, self._said = self._said, ""
        return web.Response(text=page(self.fake, self.base_url, said), content_type="text/html", headers=HEADERS)

    async def _show_style(self, request: web.Request) -> web.Response:
        return web.Response(text=style(), content_type="text/css", headers=HEADERS)

    async def _act(self, request: web.Request) -> web.Response:
        self._said = await act(self.fake, await request.post())
        return web.Response(
            status=303, headers={**HEADERS, "Location": "/"}
        )  # a page that is loaded anew sends nothing

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = await request.json()
        request_id, said = asked["request_id"], asked["answer"]
        try:
            token = authorize(self.fake, request_id, said)
        except LookupError as error:
            return web.json_response({"error": str(error.args[0])}, status=404)
        return web.json_response({"pay_token": token})

    async def _show_payouts(self, request: web.Request) -> web.Response:
        payouts = self.fake.payouts
        rows: list[dict[str, Any]] = [
            attrs.asdict(payout) for payout in payouts.paid[int(request.query.get("since", 0)) :]
        ]
        return web.json_response(
            {
                "payouts": rows,
                "paid_more_than_once": payouts.paid_more_than_once(),
                "struck": self.fake.faults.struck,
                "requests": self.fake.requests,
            }
        )

    async def _show_report(self, request: web.Request) -> web.Response:
        """Where the links to the Global API's reports lead: payouts, whatever type was asked for."""
        asked = request.query
        body = payout_report(self.fake.merchants[asked["app"]], asked["country"], asked["day"])
        return web.Response(body=body, content_type="application/octet-stream")

    async def _pay(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            payment = await self.fake.pay(asked["reference"], int(asked["amount"]))
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404)
        except Refusal as refusal:
            return web.json_response({"error": f"{refusal.code} {refusal.message}"}, status=409)
        return web.json_response(payment)

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = [Fault(**fault) for fault in await request.json()]
            self.fake.faults.replace(faults)
        except (TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"faults": len(faults)})
