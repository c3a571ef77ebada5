"""What the batch needs to know of an API: how a row becomes a request, how to send it, how to inquire."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Awaitable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlsplit

import attrs

from ... import converters
from ...countries import COUNTRIES, INDONESIA, MALAYSIA, PHILIPPINES, THAILAND, Country
from ...endpoint import Endpoint, Result, result
from ...errors import ConfigurationError, NotFound
from ...ph.payout import Payouts
from ...resolving import check_order_id
from ...times import MANILA, parse_time
from ...vocabulary.failures import FailedCode
from ...vocabulary.statuses import TransactionStatus
from ...wire.canonical import json_text
from ..ledger.base import Identity
from ..ledger.payload import wire_fields_of

if TYPE_CHECKING:  # who checks a file needs no client
    from ...client import PayCoolsGlobal, PayCoolsPH
    from ...engine.preparing import Prepared

__all__ = [
    "ClientOrders",
    "Found",
    "GlobalOrders",
    "GlobalPayouts",
    "PHOrders",
    "PHPayouts",
    "PayoutApi",
    "Sending",
    "Shown",
    "Taken",
    "check_country",
    "payout_request",
    "payouts_of",
    "warn_of_path",
]

_PAYOUTS = {
    INDONESIA.code: ("indonesia", "IndonesianPayouts"),
    MALAYSIA.code: ("malaysia", "MalaysianPayouts"),
    PHILIPPINES.code: ("philippines", "PhilippinePayouts"),
    THAILAND.code: ("thailand", "ThaiPayouts"),
}
"""The Global API's, by country: its module and class. Nobody waits for the classes of other countries."""


def _payouts_in(country: str) -> Any:
    module, name = _PAYOUTS[country]
    return getattr(importlib.import_module(f"paycools_async.global_api.countries.{module}"), name)


def check_country(country: str | None) -> None:
    """Raises ConfigurationError where the Global API pays nobody there. None means the PH API."""
    if country is not None and country not in _PAYOUTS:
        raise ConfigurationError(f"no payouts for the country {country!r}; give one of {', '.join(_PAYOUTS)}")


def payout_request(country: str | None) -> type[Any]:
    """The class of a payout's request: the Global API's in this country; None means the PH API."""
    payouts: Any = Payouts if country is None else _payouts_in(country)
    request: type[Any] = payouts.create.request
    return request


@result
class Taken(Result):
    """What a batch reads of the answer to a payout. Where it holds no status, "taken" is all that is known."""

    transaction_id: str
    transaction_status: TransactionStatus | None = None
    mch_order_id: str | None = None
    amount: str | None = None
    """No page says that there is one, nor in which unit."""


@result
class Found(Result):
    """What a batch reads of the answer to an inquiry. `amount` in minor units."""

    mch_order_id: str
    transaction_id: str
    transaction_status: TransactionStatus
    amount: int | None = None
    create_time: str | None = None
    failed_code: FailedCode | None = None
    failed_message: str | None = None

    zone: ClassVar[tzinfo] = MANILA
    """Of a time that names none."""

    @property
    def contradiction(self) -> str | None:
        """Nothing more to compare than amount and ids."""
        return None

    @property
    def created(self) -> datetime | None:
        """When PayCools entered the order; None where it does not say so in words that are a time."""
        try:
            return parse_time(self.create_time, self.zone) if self.create_time else None
        except ValueError:
            return None


@functools.cache
def _found_in(zone: tzinfo) -> type[Found]:
    """`Found` with this zone."""
    return Found if zone == Found.zone else result(type("Found", (Found,), {"zone": zone, "__module__": __name__}))


class Shown(Protocol):
    """What PayCools shows of an order that was inquired about."""

    @property
    def transaction_id(self) -> str: ...

    @property
    def transaction_status(self) -> TransactionStatus: ...

    @property
    def amount(self) -> int | None: ...

    @property
    def created(self) -> datetime | None: ...

    @property
    def failed_code(self) -> FailedCode | None: ...

    @property
    def failed_message(self) -> str | None: ...

    @property
    def contradiction(self) -> str | None:
        """What of it does not fit our order, its amount and ids aside; for a person."""
        ...


class Sending(Protocol):
    """Sends one order. After `not_after`, a moment of the client's monotonic clock, no byte of it may leave."""

    def __call__(self, *, not_after: float) -> Awaitable[Taken]: ...


class PayoutApi(Protocol):
    """One API's payouts, as the runner drives them."""

    currency: str
    request_class: type[Any]

    @property
    def call_timeout(self) -> float:
        """Seconds that one call may take, over all its attempts."""
        ...

    @property
    def identity(self) -> Identity: ...

    def text_of(self, request: Any) -> str:
        """The order's content in full, as it will be signed; the ledger keeps its fingerprint."""
        ...

    def prepare(self, body: str) -> tuple[str, Sending]:
        """A frozen order's content, as `text_of` tells it, and what sends exactly that."""
        ...

    async def inquire(self, order_id: str, *, fresh: bool = False) -> Shown | None:
        """What PayCools knows of the order; None: nothing. Raises OrderConflict if the answer is about another one.

        ListedWithoutId: it has one that may be the order, so this is neither presence nor absence.

        `fresh`: on a connection of its own, for an answer that may lead to a second sending.
        """
        ...

    async def balance(self) -> int: ...


class ClientOrders:
    """Drives a client's engine directly, with the fields that are frozen and the few of the answers that matter."""

    kind: ClassVar[str] = ""
    """What stands in the ledger's identity behind the API; a ledger of payouts says nothing."""

    def __init__(self, client: PayCoolsPH | PayCoolsGlobal, country: Country, request_class: type[Any]) -> None:
        self._client = client
        self._engine = client._engine
        self._country = country
        self.currency = country.currency
        self.request_class = request_class
        self._sending: Endpoint = attrs.evolve(self.request_class.__endpoint__, returns=self._answer)

    _answer: type[Any] = Taken

    @property
    def call_timeout(self) -> float:
        """Seconds that one call may take, over all its attempts."""
        return self._engine.attempts.timeout

    def _identity(self, api: str) -> Identity:
        host = urlsplit(self._client.base_url).hostname or ""
        app_id = self._client.credentials.app_id
        return Identity(family=f"{api} {self.kind}".rstrip(), app_id=app_id, host=host, currency=self.currency)

    def warn_of_path(self) -> None:
        """Where the path that they are sent to is inferred, warn of it now, and not as the first is sent."""
        self._engine.prepare.path(self._sending)

    def _taken(self, answer: Any) -> Taken:
        taken: Taken = answer
        return taken

    async def _send(self, prepared: Prepared[Any], *, not_after: float) -> Taken:
        return self._taken((await self._engine.send(prepared, not_after=not_after)).result)


class PHOrders(ClientOrders):
    """Sent through the PH API: centavos."""

    _client: PayCoolsPH

    @property
    def identity(self) -> Identity:
        """Whose the ledger is, and of what."""
        return self._identity("ph")

    def text_of(self, request: Any) -> str:
        """The order's content in full; the ledger keeps its fingerprint."""
        return self._client.signing_text(request)

    def prepare(self, body: str) -> tuple[str, Sending]:
        """A frozen order's content, as `text_of` tells it, and what sends exactly that."""
        # the message whose text was compared is the one that is sent, and it is made once
        prepared = self._engine.prepare.fields(self._sending, wire_fields_of(body, self.request_class))
        return prepared.text.decode("utf-8"), functools.partial(self._send, prepared)

    async def balance(self) -> int:
        """What the merchant has, in minor units."""
        return (await self._client.account.balance()).balance


class GlobalOrders(ClientOrders):
    """Sent through the Global API, in one country."""

    _client: PayCoolsGlobal

    @property
    def identity(self) -> Identity:
        """Whose the ledger is, and of what."""
        return self._identity(f"global {self._country.code}")

    def text_of(self, request: Any) -> str:
        """The order's content in full; the ledger keeps its fingerprint."""
        return self._text(converters.unstructure(request))

    def _text(self, fields: dict[str, Any]) -> str:
        # without the time stamp, which is the sending's and not the order's
        return f"{self._client.credentials.app_id} {json_text(fields)}"

    def prepare(self, body: str) -> tuple[str, Sending]:
        """A frozen order's content, as `text_of` tells it, and what sends exactly that."""
        fields = wire_fields_of(body, self.request_class)
        return self._text(fields), functools.partial(self._send_now, fields)

    async def _send_now(self, fields: dict[str, Any], *, not_after: float) -> Taken:
        return await self._send(self._engine.prepare.fields(self._sending, fields), not_after=not_after)

    async def balance(self) -> int:
        """What the merchant has, in minor units."""
        code: Any = self._country.code  # one of those that the balance takes
        account = await self._client.account.balance(country_code=code)
        return int(account.balance.scaleb(self._country.exponent))  # rounded down: cents of a rupiah pay nobody


class _Payouts(ClientOrders):
    """Payouts, which are inquired about by order id."""

    def __init__(self, client: PayCoolsPH | PayCoolsGlobal, country: Country, payouts: Any) -> None:
        super().__init__(client, country, payouts.create.request)
        self._inquiry: Endpoint = attrs.evolve(payouts.query.request.__endpoint__, returns=_found_in(country.zone))

    async def inquire(self, order_id: str, *, fresh: bool = False) -> Found | None:
        prepared: Prepared[Found] = self._engine.prepare.fields(self._inquiry, {"mchOrderId": order_id})
        try:
            exchange = await self._engine.send(prepared, fresh=fresh)
        except NotFound:
            return None
        check_order_id(exchange.result.mch_order_id, order_id)
        return exchange.result


class PHPayouts(_Payouts, PHOrders):
    """The PH API's payouts: centavos."""

    def __init__(self, client: PayCoolsPH) -> None:
        super().__init__(client, PHILIPPINES, Payouts)


class GlobalPayouts(_Payouts, GlobalOrders):
    """One country's payouts through the Global API."""

    def __init__(self, client: PayCoolsGlobal, country: str) -> None:
        super().__init__(client, COUNTRIES[country], _payouts_in(country))


def warn_of_path(api: PayoutApi) -> None:
    """Warn (UnverifiedEndpointWarning) where the path that payouts are sent to is inferred, once for a client.

    Raises EndpointUnpublishedError where there is no path.
    """
    if isinstance(api, ClientOrders):
        api.warn_of_path()


def payouts_of(client: PayCoolsPH | PayCoolsGlobal, country: str | None) -> PayoutApi:
    """What a batch pays through; the Global API's pays in one `country`.

    Raises ConfigurationError where the country is missing, has no payouts, or the PH API is asked for another one.
    """
    from ...client import PayCoolsPH

    check_country(country)
    if isinstance(client, PayCoolsPH):
        if country not in (None, PHILIPPINES.code):
            raise ConfigurationError(f"the PH API pays in the Philippines only, not in {country}: use PayCoolsGlobal")
        return PHPayouts(client)
    if country is None:
        raise ConfigurationError(f"the Global API needs country=: one of {', '.join(_PAYOUTS)}")
    return GlobalPayouts(client, country)
