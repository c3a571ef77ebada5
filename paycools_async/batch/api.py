"""What the batch needs to know of an API: how a row becomes a request, how to send it, how to inquire."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs

from .. import converters
from ..client import PayCoolsGlobal, PayCoolsPH
from ..engine import Engine, Message
from ..enums import TransactionStatus
from ..global_api.indonesia import CreateIndonesianPayout
from ..global_api.malaysia import CreateMalaysianPayout
from ..global_api.philippines import CreatePhilippinePayout
from ..global_api.thailand import CreateThaiPayout
from ..money import EXPONENTS
from ..orders import check_order_id
from ..ph.payout import CreatePayout
from ..wire.canonical import json_text
from .frozen import request_of, wire_fields_of
from .protocol import Identity

__all__ = ["COUNTRIES", "Found", "GlobalPayouts", "PHPayouts", "PayoutApi", "Sending", "found_of"]

COUNTRIES: dict[str, tuple[str, type[Any]]] = {
    "PH": ("PHP", CreatePhilippinePayout),
    "ID": ("IDR", CreateIndonesianPayout),
    "MY": ("MYR", CreateMalaysianPayout),
    "TH": ("THB", CreateThaiPayout),
}
"""The Global API's payouts: each country's currency and request."""


@attrs.frozen(kw_only=True, slots=False)  # two are made a payout, and so in half the time
class Found:
    """What PayCools says of a payout. `amount` in minor units, if it says it."""

    transaction_id: str
    status: TransactionStatus
    amount: int | None = None
    failed_code: int | None = None
    failed_message: str | None = None


def found_of(told: Any) -> Found:
    """What an inquiry's answer, or a payout's event, tells of it."""
    return Found(
        transaction_id=told.transaction_id,
        status=told.transaction_status,
        amount=told.amount,
        failed_code=told.failed_code,
        failed_message=told.failed_message,
    )


def _known(order_id: str, status: Any) -> Found | None:
    """What an inquiry found. Raises OrderConflict where the answer is about another order: then it says nothing."""
    if status is None:
        return None
    check_order_id(status.mch_order_id, order_id)
    return found_of(status)


def _taken(receipt: Any) -> Found:
    # PENDING where the answer holds no status: "taken" is all that is known
    status = receipt.transaction_status or TransactionStatus.PENDING
    return Found(transaction_id=receipt.transaction_id, status=status)


async def _send(engine: Engine, request_class: type[Any], body: str, message: Message) -> Found:
    again = functools.partial(request_of, body, request_class)
    return _taken((await engine.deliver(request_class.__endpoint__, message, again)).result)


Sending = Callable[[], Awaitable[Found]]


class PayoutApi(Protocol):
    """One API's payouts, as the runner drives them."""

    currency: str
    request_class: type[Any]

    @property
    def identity(self) -> Identity: ...

    def text_of(self, request: Any) -> str:
        """The order's content in full, as it will be signed; the ledger keeps its fingerprint."""
        ...

    def prepare(self, body: str) -> tuple[str, Sending]:
        """A frozen order's content, as `text_of` tells it, and what sends exactly that."""
        ...

    async def inquire(self, order_id: str) -> Found | None:
        """What PayCools knows of the order; None: nothing. Raises OrderConflict for word about another order."""
        ...

    async def balance(self) -> int: ...


class PHPayouts:
    """The PH API's payouts: centavos."""

    currency = "PHP"
    request_class = CreatePayout

    def __init__(self, client: PayCoolsPH) -> None:
        self._client = client

    @property
    def identity(self) -> Identity:
        host = urlsplit(self._client.base_url).hostname or ""
        return Identity(family="ph", app_id=self._client.credentials.app_id, host=host)

    def text_of(self, request: CreatePayout) -> str:
        return self._client.signing_text(request)

    def prepare(self, body: str) -> tuple[str, Sending]:
        # the message whose text was compared is the one that is sent, and it is made once
        fields = wire_fields_of(body, CreatePayout)
        message = self._client._engine.message(CreatePayout.__endpoint__, fields)
        return message.text.decode("utf-8"), functools.partial(self.send, body, message)

    async def send(self, body: str, message: Message) -> Found:
        return await _send(self._client._engine, CreatePayout, body, message)

    async def inquire(self, order_id: str) -> Found | None:
        return _known(order_id, await self._client.payouts.find(order_id))

    async def balance(self) -> int:
        return (await self._client.account.balance()).balance


_PRODUCTS = {"PH": "philippines", "ID": "indonesia", "MY": "malaysia", "TH": "thailand"}


class GlobalPayouts:
    """One country's payouts through the Global API."""

    def __init__(self, client: PayCoolsGlobal, country: str) -> None:
        self._client = client
        self._country = country
        self.currency, self.request_class = COUNTRIES[country]
        self._payouts: Any = getattr(client, _PRODUCTS[country]).payouts

    @property
    def identity(self) -> Identity:
        host = urlsplit(self._client.base_url).hostname or ""
        app_id = self._client.credentials.app_id
        return Identity(family=f"global {self._country}", app_id=app_id, host=host, currency=self.currency)

    def text_of(self, request: Any) -> str:
        return self._text(converters.unstructure(request))

    def _text(self, fields: dict[str, Any]) -> str:
        # without the time stamp, which is the sending's and not the order's
        return f"{self._client.credentials.app_id} {json_text(fields)}"

    def prepare(self, body: str) -> tuple[str, Sending]:
        fields = wire_fields_of(body, self.request_class)
        return self._text(fields), functools.partial(self.send, body, fields)

    async def send(self, body: str, fields: dict[str, Any]) -> Found:
        message = self._client._engine.message(self.request_class.__endpoint__, fields)
        return await _send(self._client._engine, self.request_class, body, message)

    async def inquire(self, order_id: str) -> Found | None:
        return _known(order_id, await self._payouts.find(order_id))

    async def balance(self) -> int:
        found = await self._client.account.balance(country_code=self._country)
        return int(found.balance.scaleb(EXPONENTS[self.currency]))  # rounded down: cents of a rupiah pay nobody
