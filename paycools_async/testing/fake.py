"""FakePayCools: a stateful PayCools in memory, driven by the descriptors, with a signature check of its own."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from ..config import PHCredentials
from ..endpoint import Endpoint, endpoints
from ..errors import TransportError
from ..fields import wire_name
from ..times import Clock, SystemClock
from ..transports.base import HttpRequest, HttpResponse
from ..transports.memory import MemoryTransport
from . import check, ph_collections, ph_direct_debit, ph_payments, ph_payouts, ph_refunds
from .books import PAYERS, PLAYERS, Books, Refusal
from .faults import Faults
from .keys import generate_private_key
from .ph_payouts import PayoutBooks

__all__ = ["Dropped", "FakePayCools"]

PRODUCTS = (ph_payouts, ph_collections, ph_payments, ph_refunds, ph_direct_debit)
"""The modules that play the products; importing them registers their players."""

APP_ID = "f90addc4861540ef9312e87d8f360e08"


class Dropped(Exception):
    """The connection is to be cut instead of answering."""


class FakePayCools:
    """A PayCools of your own.

    A first merchant is there from the start: `fake.ph_credentials` are its credentials (its key is made on first use).
    `fake.books` are its books, `fake.faults` makes things go wrong, `fake.clock` moves its time (a `ManualClock` can be
    shared with the client). `balance` is in centavos; `paths`
    are the paths of unpublished endpoints, as given to the client.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        balance: int = 100_000_000_000_00,
        seed: int = 0,
        private_key: str | None = None,
        check_with: check.Library | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.faults = Faults(seed)
        self.merchants: dict[str, Books] = {}
        self.requests: dict[str, int] = {}
        """How many requests came to each endpoint id, dropped ones included."""
        self._balance = balance
        self._private_key = private_key
        self._check_with = check_with
        self._paths = dict(paths or {})
        self._credentials: PHCredentials | None = None

    @property
    def ph_credentials(self) -> PHCredentials:
        """The first merchant's credentials."""
        if self._credentials is None:
            self._credentials = PHCredentials(
                app_id=APP_ID,
                app_name="Sandbox Merchant",
                private_key=self._private_key or generate_private_key(),
                callback_secret="sandbox-callback-secret",  # noqa: S106 - a sandbox's, known to all
            )
            self.add_merchant(self._credentials, balance=self._balance)
        return self._credentials

    @property
    def books(self) -> Books:
        """The first merchant's books."""
        return self.merchants[self.ph_credentials.app_id]

    @property
    def payouts(self) -> PayoutBooks:
        """The first merchant's payouts."""
        return self.books.of(PayoutBooks)

    def add_merchant(self, credentials: PHCredentials, *, balance: int = 100_000_000_000_00) -> Books:
        """Open an account for further credentials; only the public half of the key is kept."""
        der = base64.b64encode(credentials.private_key.public.der).decode()
        pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *textwrap.wrap(der, 64), "-----END PUBLIC KEY-----"])
        books = self.merchants[credentials.app_id] = Books(
            app_id=credentials.app_id,
            app_name=credentials.app_name,
            secret=credentials.callback_secret or "",
            verify=check.verifier(pem, self._check_with),
            clock=self.clock,
            balance=balance,
        )
        return books

    async def pay(self, reference: str, amount: int) -> dict[str, Any]:
        """A simulated customer pays centavos to whatever has this reference: a code, an account, an order.

        Returns the payment as PayCools lists it. Raises Refusal if it may not be paid, LookupError if nothing has it.
        """
        for payer in PAYERS:
            payment = await payer(self.books, reference, amount)
            if payment is not None:
                return payment
        raise LookupError(f"nothing to pay has the reference {reference!r}")

    def transport(self) -> MemoryTransport:
        """A transport for a client: no network, the same behaviour."""
        return MemoryTransport(self._send)

    async def _send(self, request: HttpRequest) -> HttpResponse:
        try:
            return await self.handle(request)
        except Dropped:
            raise TransportError("the connection was cut") from None

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one HTTP request. Raises Dropped where a fault cuts the connection."""
        url = urlsplit(request.url)
        found = _route(request.method, url.path, self._paths)
        if found is None:
            return _page(404)
        endpoint, in_path = found
        self.requests[endpoint.id] = self.requests.get(endpoint.id, 0) + 1
        fault, seconds = self.faults.strike(endpoint.id)
        if seconds:
            await self.clock.sleep(seconds)
        if fault is None:
            return self._answer(endpoint, in_path, url.query, request)
        if fault.kind == "drop_before":
            raise Dropped
        if fault.kind in ("drop_after", "garbage") or fault.processed:
            answer = self._answer(endpoint, in_path, url.query, request)
        if fault.kind == "drop_after":
            raise Dropped
        if fault.kind == "garbage":
            return attrs.evolve(answer, body=answer.body[: len(answer.body) // 2])
        if fault.kind == "busy":
            return _json({"code": fault.code, "message": _BUSY.get(fault.code, "busy")})
        return _page(fault.status)

    def _answer(self, endpoint: Endpoint, in_path: dict[str, str], query: str, request: HttpRequest) -> HttpResponse:
        try:
            books, fields = self._admit(endpoint, query, request)
            fields = _understood(endpoint, {**fields, **in_path})
            player = PLAYERS.get(endpoint.id)
            if player is None:
                raise Refusal(1011, "merchant channel unavailable")
            data = player(books, fields)
        except Refusal as refusal:
            return _json({"code": refusal.code, "message": refusal.message})
        return _json({"code": min(endpoint.success_codes), "message": "success", "data": data})

    def _admit(self, endpoint: Endpoint, query: str, request: HttpRequest) -> tuple[Books, dict[str, Any]]:
        """The merchant whose signature the request bears, and what it says."""
        try:
            members = check.flat_members(request.method, query, request.body or b"")
        except (ValueError, IndexError):
            raise Refusal(1009, "the request is malformed") from None
        texts = {name: text for name, text, _ in members}
        if len(texts) != len(members):
            raise Refusal(1009, "a field is given twice")
        books = self.merchants.get(texts.get("appId", ""))
        if books is None:
            raise Refusal(1001, "merchant appid is invalid")
        if not books.verify(check.signed_text(members), texts.get("sign", "")):
            raise Refusal(1003, "request sign is invalid")
        filled = _param(texts) if endpoint.wire.value == "hybrid" else texts
        for name in endpoint.fills:
            if not filled.get(name):
                raise Refusal(1009, f"{name}:must not be null")
        if "appName" in endpoint.fills and filled["appName"] != books.app_name:
            raise Refusal(1009, "appName:is not registered")
        if "timestamp" in endpoint.fills and abs(int(filled["timestamp"]) / 1000 - self.clock.time()) > 120:
            raise Refusal(1009, "timestamp:is too old")
        return books, {
            name: text if is_text else json.loads(text) for name, text, is_text in members if name not in _ENVELOPE
        }


_ENVELOPE = {"appId", "appName", "timestamp", "sign"}
_BUSY = {1013: "merchant access frequency limit", 1018: "network failed, please retry"}


def _param(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a hybrid body: the JSON text in `param`."""
    try:
        param = json.loads(fields["param"])
    except (KeyError, ValueError):
        param = None
    if not isinstance(param, dict):
        raise Refusal(1009, "param:must be the text of a JSON object")
    return param


def _understood(endpoint: Endpoint, fields: dict[str, Any]) -> dict[str, Any]:
    """The request's fields as the descriptor types them; refuses as PayCools does ("field:reason")."""
    if endpoint.wire.value == "hybrid":
        fields = _param(fields)
    understood = dict(fields)
    for field in attrs.fields(endpoint.request):
        rule, name = field.metadata.get("rule"), wire_name(field)
        if rule is None:
            continue
        value = fields.get(name)
        if value in (None, ""):
            if field.default is not None:
                raise Refusal(1009, f"{name}:must not be null")
            continue
        if rule.type is int and isinstance(value, str) and re.fullmatch(r"-?\d+", value, re.ASCII):
            understood[name] = value = int(value)  # a query string has texts only
        for reason in rule.broken_by(value):
            raise Refusal(1009, f"{name}:{reason}")
    return understood


def _route(method: str, path: str, paths: Mapping[str, str]) -> tuple[Endpoint, dict[str, str]] | None:
    for endpoint in endpoints():
        template = paths.get(endpoint.id, endpoint.path)
        if endpoint.kind != "request" or template is None or endpoint.method != method:
            continue
        if template == path:
            return endpoint, {}
        if "{" in template:
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
            if match:
                return endpoint, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _json(answer: dict[str, Any]) -> HttpResponse:
    return HttpResponse(200, {"Content-Type": "application/json"}, json.dumps(answer, ensure_ascii=False).encode())


def _page(status: int) -> HttpResponse:
    headers = {"Content-Type": "text/html", **({"Retry-After": "1"} if status == 429 else {})}
    return HttpResponse(status, headers, f"<html><body><h1>{status}</h1></body></html>".encode())
