"""What the batch needs to know of an API: how a row becomes a request, how to send it, how to inquire."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs

from ..client import PayCoolsPH
from ..enums import TransactionStatus
from ..errors import NotFound
from ..ph.payout import CreatePayout
from .ledger import Identity

__all__ = ["Found", "PHPayouts", "PayoutApi"]


@attrs.frozen(kw_only=True)
class Found:
    """What PayCools says of a payout. `amount` in minor units, if it says it."""

    transaction_id: str
    status: TransactionStatus
    amount: int | None = None
    failed_code: int | None = None
    failed_message: str | None = None


class PayoutApi(Protocol):
    """One API's payouts, as the runner drives them."""

    currency: str
    request_class: type[Any]

    @property
    def identity(self) -> Identity: ...

    def text_of(self, request: Any) -> str:
        """The text that is signed: the order's content in full."""
        ...

    async def send(self, request: Any) -> Found: ...

    async def inquire(self, order_id: str) -> Found | None: ...

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

    async def send(self, request: CreatePayout) -> Found:
        receipt = await self._client.send(request)
        # PENDING where the answer holds no status: "taken" is all that is known
        return Found(
            transaction_id=receipt.transaction_id,
            status=receipt.transaction_status or TransactionStatus.PENDING,
        )

    async def inquire(self, order_id: str) -> Found | None:
        try:
            status = await self._client.payouts.query(mch_order_id=order_id)
        except NotFound:
            return None
        return Found(
            transaction_id=status.transaction_id,
            status=status.transaction_status,
            amount=status.amount,
            failed_code=status.failed_code,
            failed_message=status.failed_message,
        )

    async def balance(self) -> int:
        return (await self._client.account.balance()).balance
