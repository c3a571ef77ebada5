"""A PayCools over real HTTP that refunds whatever it is asked, as often as it is asked. It has no code of the SDK's."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import attrs
from aiohttp import web
from aiohttp.test_utils import TestServer

__all__ = ["Booked", "RefundHouse"]

Act = Literal["drop before", "drop after"] | tuple[int, str] | None


@attrs.define
class Booked:
    """A refund that PayCools has made: the money has gone back."""

    refund_id: str
    payment: str
    amount: int
    number: str
    at: float
    status: str = "COMPLETE"


@attrs.define
class RefundHouse:
    """`next`: what happens to the next creations: the connection is lost before or after it is booked, or a refusal.

    `lag`: seconds until a refund is listed. `without_ids`: refunds are listed without their ids. `none`: what a list of
    none looks like. `once`: a payment is refunded once, and that is looked at before the refund's id is.
    """

    next: deque[Act] = attrs.field(factory=deque)
    lag: float = 0.0
    without_ids: bool = False
    none: Literal["empty", "null", "not found"] = "empty"
    once: bool = False
    status: str = "COMPLETE"
    booked: list[Booked] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    """The refund id of each creation that arrived."""
    listed: int = 0
    change: Callable[[dict[str, Any]], dict[str, Any]] = attrs.field(default=lambda row: row)
    """What becomes of a row of the list."""
    _numbers: itertools.count[int] = attrs.field(factory=lambda: itertools.count(1))

    def paid(self) -> list[tuple[str, int]]:
        """Every refund that was made, repetitions included."""
        return sorted((each.refund_id, each.amount) for each in self.booked)

    def book(self, refund_id: str, payment: str, amount: int) -> Booked:
        """Make a refund, as if somebody had asked for it."""
        number = f"R{next(self._numbers):09}"
        booked = Booked(refund_id, payment, amount, number, time.time(), self.status)
        self.booked.append(booked)
        return booked

    async def _create(self, request: web.Request) -> web.StreamResponse:
        fields = await request.json()
        refund_id, payment = fields["mchRefundOrderId"], fields["originalTransactionId"]
        self.asked.append(refund_id)
        act = self.next.popleft() if self.next else None
        if act == "drop before":
            return _lost(request)
        if isinstance(act, tuple):
            return _answer(*act)
        if self.once and any(each.payment == payment for each in self.booked):
            return _answer(1508, "The original transaction channel only allows one refund to be initiated")
        booked = self.book(refund_id, payment, fields["refundAmount"])
        if act == "drop after":
            return _lost(request)
        return _answer(1000, "success", {**self._row(booked), "refundStatus": "PENDING"})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.listed += 1
        payment = request.query["originalTransactionId"]
        seen = time.time() - self.lag
        rows = [self.change(self._row(each)) for each in self.booked if each.payment == payment and each.at <= seen]
        if self.without_ids:
            for row in rows:
                del row["mchRefundOrderId"]
        if not rows and self.none == "not found":
            return _answer(1008, "transaction not found")
        return _answer(1000, "success", None if not rows and self.none == "null" else rows)

    def _row(self, booked: Booked) -> dict[str, Any]:
        return {
            "mchRefundOrderId": booked.refund_id,
            "originalTransactionId": booked.payment,
            "refundTransactionId": booked.number,
            "refundAmount": booked.amount,
            "refundStatus": booked.status,
            "refundCreateTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(booked.at + 8 * 3600)),
        }

    def server(self) -> TestServer:
        """To be used with `async with`; `server.make_url("")` is where it is."""
        app = web.Application()
        app.router.add_post("/api/payment/refund", self._create)
        app.router.add_get("/api/refund/payments", self._list)
        return TestServer(app)


def _answer(code: int, message: str, data: Any = None) -> web.Response:
    return web.json_response({"code": code, "message": message, "data": data})


def _lost(request: web.Request) -> web.Response:
    """The connection breaks, and nobody hears what became of it."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
