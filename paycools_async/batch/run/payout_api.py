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
from ...ph.payout import CreatePayout, Payouts
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
    "Found",
    "GlobalPayouts",
    "PHPayouts",
    "PayoutApi",
    "Sending",
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

    async def inquire(self, order_id: str, *, fresh: bool = False) -> Found | None:
        """What PayCools knows of the order; None: nothing. Raises OrderConflict if the answer is about another one.

        `fresh`: on a connection of its own, for an answer that may lead to a second sending.
        """
        ...

    async def balance(self) -> int: ...


class _Payouts:
    """Drives a client's engine directly, with the fields that are frozen and the few of the answers that matter."""

    def __init__(self, client: PayCoolsPH | PayCoolsGlobal, country: Country, payouts: Any) -> None:
        self._client = client
        self._engine = client._engine
        self._country = country
        self.currency = country.currency
        self.request_class: type[Any] = payouts.create.request
        self._query: Any = payouts.query.request
        self._sending: Endpoint = attrs.evolve(self.request_class.__endpoint__, returns=Taken)
        self._inquiry: Endpoint = attrs.evolve(self._query.__endpoint__, returns=_found_in(country.zone))

    @property
    def call_timeout(self) -> float:
        return self._engine.attempts.timeout

    def _identity(self, family: str) -> Identity:
        host = urlsplit(self._client.base_url).hostname or ""
        app_id = self._client.credentials.app_id
        return Identity(family=family, app_id=app_id, host=host, currency=self.currency)

    def warn_of_path(self) -> None:
        """Where the path that payouts are sent to is inferred, warn of it now, and not as the first is sent."""
        self._engine.prepare.path(self._sending)

    async def _send(self, prepared: Prepared[Taken], *, not_after: float) -> Taken:
        return (await self._engine.send(prepared, not_after=not_after)).result

    async def inquire(self, order_id: str, *, fresh: bool = False) -> Found | None:
        prepared: Prepared[Found] = self._engine.prepare.fields(self._inquiry, {"mchOrderId": order_id})
        try:
            exchange = await self._engine.send(prepared, fresh=fresh)
        except NotFound:
            return None
        check_order_id(exchange.result.mch_order_id, order_id)
        return exchange.result


class PHPayouts(_Payouts):
    """The PH API's payouts: centavos."""

    _client: PayCoolsPH

    def __init__(self, client: PayCoolsPH) -> None:
        super().__init__(client, PHILIPPINES, Payouts)

    @property
    def identity(self) -> Identity:
        return self._identity("ph")

    def text_of(self, request: CreatePayout) -> str:
        return self._client.signing_text(request)

    def prepare(self, body: str) -> tuple[str, Sending]:
        # the message whose text was compared is the one that is sent, and it is made once
        prepared = self._engine.prepare.fields(self._sending, wire_fields_of(body, self.request_class))
        return prepared.text.decode("utf-8"), functools.partial(self._send, prepared)

    async def balance(self) -> int:
        return (await self._client.account.balance()).balance


class GlobalPayouts(_Payouts):
    """One country's payouts through the Global API."""

    _client: PayCoolsGlobal

    def __init__(self, client: PayCoolsGlobal, country: str) -> None:
        super().__init__(client, COUNTRIES[country], _payouts_in(country))

    @property
    def identity(self) -> Identity:
        return self._identity(f"global {self._country.code}")

    def text_of(self, request: Any) -> str:
        return self._text(converters.unstructure(request))

    def _text(self, fields: dict[str, Any]) -> str:
        # without the time stamp, which is the sending's and not the order's
        return f"{self._client.credentials.app_id} {json_text(fields)}"

    def prepare(self, body: str) -> tuple[str, Sending]:
        fields = wire_fields_of(body, self.request_class)
        return self._text(fields), functools.partial(self._send_now, fields)

    async def _send_now(self, fields: dict[str, Any], *, not_after: float) -> Taken:
        return await self._send(self._engine.prepare.fields(self._sending, fields), not_after=not_after)

    async def balance(self) -> int:
        code: Any = self._country.code  # one of those that the balance takes
        account = await self._client.account.balance(country_code=code)
        return int(account.balance.scaleb(self._country.exponent))  # rounded down: cents of a rupiah pay nobody


def warn_of_path(api: PayoutApi) -> None:
    """Warn (UnverifiedEndpointWarning) where the path that payouts are sent to is inferred, once for a client.

    Raises EndpointUnpublishedError where there is no path.
    """
    if isinstance(api, _Payouts):
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
