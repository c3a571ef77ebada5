"""What the fake knows of one merchant, and who answers which endpoint.

A product's module registers a handler per endpoint id; it gets the merchant and the request's fields, and returns the
answer's `data` or raises `Refusal`. Its records live in a class of its own, kept by `merchant.of(ThatClass)`.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, TypeVar

import attrs

from ...times import MANILA, Clock
from . import signatures as check

__all__ = ["HANDLERS", "PAYERS", "Dropped", "Handler", "Merchant", "Payer", "Refusal", "handles", "takes_payments"]

S = TypeVar("S")


class Refusal(Exception):
    """PayCools says no: a code and its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Dropped(Exception):
    """The connection is to be cut instead of answering."""


@attrs.define(kw_only=True)
class Merchant:
    """One merchant: its balance in minor units, and its records of each product."""

    app_id: str
    app_name: str
    secret: str
    verify: Callable[[str, str], bool]
    clock: Clock
    balance: int
    platform_sign: Callable[[str], str] | None = None
    """Of a Global merchant: signs a text with PayCools' platform key."""
    enforce_unique: bool = True
    """Off, the fake is careless: it pays an order id as often as it is asked to. Then only the sender's care counts."""
    ask_merchant: Callable[[bytes], Awaitable[bytes]] | None = None
    """The merchant's callback handler, for the callback whose answer decides (4.6): signed body in, answer out."""
    _states: dict[type, Any] = attrs.field(factory=dict, init=False)
    _callbacks: list[tuple[float, int, dict[str, Any]]] = attrs.field(factory=list, init=False)
    _serial: itertools.count[int] = attrs.field(factory=lambda: itertools.count(1), init=False)

    def of(self, state: type[S]) -> S:
        """The merchant's records of one product, made on first use."""
        found = self._states.get(state)
        if found is None:
            found = self._states[state] = state()
        return found

    def new_id(self, letter: str) -> str:
        """A fresh PayCools id, 20 characters: a letter and digits."""
        return f"{letter}{int(self.clock.time()):011d}{next(self._serial):08d}"

    @property
    def family(self) -> Literal["ph", "global"]:
        """Which API the merchant uses."""
        return "ph" if self.platform_sign is None else "global"

    def when(self, seconds: float | None = None, zone: tzinfo = MANILA) -> str:
        """A moment (now by default) as PayCools writes it: local time (Philippine by default) without a zone."""
        moment = self.clock.time() if seconds is None else seconds
        return datetime.fromtimestamp(moment, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    def notify(self, fields: Mapping[str, Any], *, at: float | None = None) -> None:
        """Queue a callback for a moment (now by default); it is signed when it is taken. None is left out."""
        moment = self.clock.time() if at is None else at
        told = {name: value for name, value in fields.items() if value is not None}
        heapq.heappush(self._callbacks, (moment, next(self._serial), told))

    def due_callbacks(self) -> list[bytes]:
        """The signed bodies of all callbacks whose moment has come; each is handed out once."""
        bodies = []
        while self._callbacks and self._callbacks[0][0] <= self.clock.time():
            fields = heapq.heappop(self._callbacks)[2]
            bodies.append(self.signed(fields))
        return bodies

    def signed(self, fields: Mapping[str, Any]) -> bytes:
        """A callback body with its `sign`: flat with a SHA-1, or `{param, sign}` under the platform key."""
        if self.platform_sign is not None:
            param = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            return json.dumps({"param": param, "sign": self.platform_sign(param)}, ensure_ascii=False).encode()
        unsigned = json.dumps(fields, ensure_ascii=False).encode("utf-8")
        return json.dumps({**fields, "sign": check.callback_sign(unsigned, self.secret)}, ensure_ascii=False).encode()


Handler = Callable[[Merchant, dict[str, Any]], Any]
HANDLERS: dict[str, Handler] = {}

Payer = Callable[[Merchant, str, int], Awaitable[dict[str, Any] | None]]
"""(merchant, reference, centavos) -> the payment booked, or None where the reference is not this product's."""
PAYERS: list[Payer] = []


def handles(endpoint_id: str) -> Callable[[Handler], Handler]:
    """Register the function that answers an endpoint."""

    def register(handler: Handler) -> Handler:
        HANDLERS[endpoint_id] = handler
        return handler

    return register


def takes_payments(payer: Payer) -> Payer:
    """Register the function by which a simulated customer pays something of a product (`fake.pay`)."""
    PAYERS.append(payer)
    return payer
