"""FakePayCools: a stateful PayCools in memory, driven by the descriptors, with a signature check of its own."""

from __future__ import annotations

import base64
import functools
import json
import re
import textwrap
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from ..callbacks.samples import find_event, sample_fields
from ..config import GlobalCredentials, PHCredentials, PrivateKey
from ..endpoint import Endpoint
from ..errors import TransportError
from ..fields import wire_name
from ..registry import endpoints
from ..times import Clock, SystemClock
from ..transports.base import HttpRequest, HttpResponse
from ..transports.memory import MemoryTransport
from . import global_api, ph
from .customers import Customers
from .faults import Faults
from .global_api.payments import CountryPaymentRecords
from .global_api.payouts import GlobalPayoutRecords
from .keys import generate_private_key
from .server import direct_debit
from .server import signatures as check
from .server.authentication import CODES, Authenticator, understood
from .server.merchant import HANDLERS, Dropped, Merchant, Refusal
from .server.payments import PaymentRecords
from .server.payouts import PayoutRecords
from .server.refunds import RefundRecords

__all__ = ["Dropped", "FakePayCools"]

PRODUCTS = (*ph.PRODUCTS, *global_api.PRODUCTS)

APP_ID = "f90addc4861540ef9312e87d8f360e08"
GLOBAL_APP_ID = "733b887a4a784708bb369524db5b6ded"


class FakePayCools(Customers):
    """A PayCools of your own.

        fake = FakePayCools()
        async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), paths=fake.ph_paths) as paycools: ...

    A first merchant of each API is there from the start: `fake.ph_credentials` and `fake.global_credentials` are their
    credentials (keys are made on first use), `fake.merchant` and `fake.global_merchant` what it knows of them.
    `fake.faults` makes things go wrong, `fake.clock` moves its time (a `ManualClock` can be shared with the client).
    `balance` is in minor units; `paths` are the paths of unpublished endpoints, as given to the client. The others have
    paths of the fake's own: give `fake.ph_paths` or `fake.global_paths` to the client.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        balance: int = 100_000_000_000_00,
        seed: int = 0,
        private_key: PrivateKey | str | None = None,
        global_private_key: PrivateKey | str | None = None,
        platform_private_key: str | None = None,
        check_with: check.Library | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.clock: Clock = clock or SystemClock()
        self.faults: Faults = Faults(seed)
        self.merchants: dict[str, Merchant] = {}
        self.requests: dict[str, int] = {}
        """How many requests came to each endpoint id, dropped ones included."""
        self._balance = balance
        self._private_key = private_key
        self._global_private_key = global_private_key
        self._platform_private_key = platform_private_key
        self._check_with: check.Library | None = check_with
        self._given_paths = dict(paths or {})
        self._credentials: PHCredentials | None = None
        self._global_credentials: GlobalCredentials | None = None
        self._platform_sign: Callable[[str], str] | None = None

    @property
    def ph_credentials(self) -> PHCredentials:
        """The PH API's first merchant."""
        if self._credentials is None:
            self._credentials = PHCredentials(
                app_id=APP_ID,
                app_name="Sandbox Merchant",
                private_key=self._private_key or generate_private_key(),
                callback_secret="sandbox-callback-secret",  # noqa: S106 - a sandbox's, known to all  # nosec B106
            )
            self.add_merchant(self._credentials, balance=self._balance)
        return self._credentials

    @property
    def global_credentials(self) -> GlobalCredentials:
        """The Global API's first merchant. They hold the public half of this PayCools' platform key."""
        if self._global_credentials is None:
            platform = self._platform_private_key or generate_private_key()
            self._platform_sign = check.platform_signer(platform)
            self._global_credentials = GlobalCredentials(
                app_id=GLOBAL_APP_ID,
                private_key=self._global_private_key or generate_private_key(),
                platform_public_key=check.public_half(platform),
            )
            self.add_merchant(self._global_credentials, balance=self._balance)
        return self._global_credentials

    @property
    def merchant(self) -> Merchant:
        """The PH API's first merchant."""
        return self.merchants[self.ph_credentials.app_id]

    @property
    def global_merchant(self) -> Merchant:
        """The Global API's first merchant."""
        return self.merchants[self.global_credentials.app_id]

    @property
    def books(self) -> Merchant:
        """The former name of `merchant`; it goes with the next release."""
        warnings.warn("FakePayCools.books is called merchant now", DeprecationWarning, stacklevel=2)
        return self.merchant

    @property
    def global_books(self) -> Merchant:
        """The former name of `global_merchant`; it goes with the next release."""
        warnings.warn("FakePayCools.global_books is called global_merchant now", DeprecationWarning, stacklevel=2)
        return self.global_merchant

    @property
    def payouts(self) -> PayoutRecords:
        """The payouts of the PH API's first merchant."""
        return self.merchant.of(PayoutRecords)

    @property
    def global_payouts(self) -> GlobalPayoutRecords:
        """The payouts of the Global API's first merchant, of all countries."""
        return self.global_merchant.of(GlobalPayoutRecords)

    @property
    def payments(self) -> PaymentRecords:
        """The PH API's web payments, checkouts and CPM charges; `decide` says how they end."""
        return self.merchant.of(PaymentRecords)

    @property
    def global_payments(self) -> CountryPaymentRecords:
        """The Global API's payments and static codes."""
        return self.global_merchant.of(CountryPaymentRecords)

    @property
    def refunds(self) -> RefundRecords:
        """The PH API's refunds."""
        return self.merchant.of(RefundRecords)

    @property
    def global_refunds(self) -> RefundRecords:
        """The Global API's refunds."""
        return self.global_merchant.of(RefundRecords)

    @property
    def debits(self) -> direct_debit.DirectDebitRecords:
        """The PH API's direct debits and their authorizations."""
        return self.merchant.of(direct_debit.DirectDebitRecords)

    @property
    def global_authorizations(self) -> direct_debit.DirectDebitRecords:
        """The Global API's authorizations; the debits themselves are unified payments."""
        return self.global_merchant.of(direct_debit.DirectDebitRecords)

    @functools.cached_property
    def paths(self) -> dict[str, str]:
        """Where the endpoints are that no document gives a path, by id: as given, or a path of the fake's own."""
        made = {each.id: f"/sandbox/{each.id}" for each in endpoints() if each.kind == "request" and each.path is None}
        return {**made, **self._given_paths}

    @property
    def ph_paths(self) -> dict[str, str]:
        """The `paths=` of a client for the PH API."""
        return {name: path for name, path in self.paths.items() if name.startswith("ph.")}

    @property
    def global_paths(self) -> dict[str, str]:
        """The `paths=` of a client for the Global API."""
        return {name: path for name, path in self.paths.items() if name.startswith("global.")}

    def add_merchant(
        self, credentials: PHCredentials | GlobalCredentials, *, balance: int = 100_000_000_000_00
    ) -> Merchant:
        """Open an account for further credentials; only the public half of the key is kept."""
        ph = isinstance(credentials, PHCredentials)
        if not ph:
            _ = self.global_credentials  # the platform key is made with them
        merchant = self.merchants[credentials.app_id] = Merchant(
            app_id=credentials.app_id,
            app_name=credentials.app_name if isinstance(credentials, PHCredentials) else "",
            secret=(credentials.callback_secret or "") if isinstance(credentials, PHCredentials) else "",
            verify=check.verifier(_public_pem(credentials), self._check_with),
            clock=self.clock,
            balance=balance,
            platform_sign=None if ph else self._platform_sign,
        )
        return merchant

    def refuse(self, code: int, next: int = 1, *, message: str | None = None, only: str | None = None) -> None:
        """Refuse the next requests with one of PayCools' codes, without doing the work.

        A code is one API's (21014 the Global API's), and so are the requests; `only` an endpoint's id.
        Raises ValueError for a code of success or no code, a count below 1, and an id of no endpoint.
        """
        self.faults.refuse(code, message or f"refused by the test with {code}", next=next, only=only)

    def due_callbacks(self) -> list[bytes]:
        """The signed bodies of all callbacks whose moment has come; each is handed out once."""
        return [body for merchant in list(self.merchants.values()) for body in merchant.due_callbacks()]

    def signed_callback(self, event: str, **fields: Any) -> bytes:
        """The signed body of any callback, as PayCools would send it to the first merchant.

        `event` is an event's name, its class's name or the callback's id; the Global API's countries share names, so
        there it is one of the others. `fields` in snake_case, or as PayCools writes them; what is left out is filled
        in. Raises LookupError if there is no such event.
        """
        endpoint, name = find_event(event)
        names = {field.name: wire_name(field) for field in attrs.fields(endpoint.request)}
        told = {names.get(field, field): value for field, value in fields.items()}
        merchant = self.merchant if endpoint.family == "ph" else self.global_merchant
        whole = {**sample_fields(endpoint, name, self.clock.time()), **told}
        return merchant.signed({field: value for field, value in whole.items() if value is not None})

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
        found = _route(request.method, url.path, self.paths)
        if found is None:
            return _page(404)
        endpoint, in_path = found
        self.requests[endpoint.id] = self.requests.get(endpoint.id, 0) + 1
        fault, seconds = self.faults.next_fault(endpoint.id)
        if seconds:
            await self.clock.sleep(seconds)
        if fault is None:
            return self._answer(endpoint, in_path, url.query, request)
        if fault.kind == "drop_before":
            raise Dropped
        if fault.kind == "refuse":
            return _json({"code": fault.code, "message": fault.message})
        processed = fault.kind in ("drop_after", "garbage") or fault.processed
        answer = self._answer(endpoint, in_path, url.query, request) if processed else None
        if fault.kind == "drop_after":
            raise Dropped
        if fault.kind == "garbage" and answer is not None:
            return attrs.evolve(answer, body=answer.body[: len(answer.body) // 2])
        if fault.kind == "busy":
            code = _BUSY_GLOBAL.get(fault.code, fault.code) if endpoint.family == "global" else fault.code
            return _json({"code": code, "message": _BUSY.get(code, "busy")})
        return _page(fault.status)

    def _answer(self, endpoint: Endpoint, in_path: dict[str, str], query: str, request: HttpRequest) -> HttpResponse:
        try:
            merchant, fields = Authenticator(self.merchants, self.clock).admit(endpoint, query, request)
            fields = understood(endpoint, {**fields, **in_path})
            handler = HANDLERS.get(endpoint.id)
            if handler is None:
                raise Refusal(CODES[endpoint.family]["closed"], "merchant channel unavailable")
            data = handler(merchant, fields)
        except Refusal as refusal:
            return _json({"code": refusal.code, "message": refusal.message})
        if endpoint.family == "global":
            return _json({"code": max(endpoint.success_codes), "message": "Success", "data": data})
        return _json({"code": min(endpoint.success_codes), "message": "success", "data": data})


_BUSY = {
    1013: "merchant access frequency limit",
    1018: "network failed, please retry",
    21011: "Network error",
    21020: "Too many requests, please retry later.",
}
_BUSY_GLOBAL = {1013: 21020, 1018: 21011}


def _public_pem(credentials: PHCredentials | GlobalCredentials) -> str:
    der = base64.b64encode(credentials.private_key.public.der).decode()
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *textwrap.wrap(der, 64), "-----END PUBLIC KEY-----"])


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
