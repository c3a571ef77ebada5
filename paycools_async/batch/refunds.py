"""Refunds as a ledger drives them: how they are sent, how ours is found among a payment's, what a callback says.

A ledger holds payouts or refunds, never both: its identity says which.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..countries import COUNTRIES, PHILIPPINES, Country
from ..endpoint import Endpoint, Result, result
from ..errors import ConfigurationError, NotFound, OrderConflict
from ..ph.refund import Refunds
from ..resolving.refunds import is_other_payment, refund_among
from ..times import MANILA, parse_time
from ..vocabulary.failures import FailedCode
from ..vocabulary.refunds import RefundEvent
from ..vocabulary.statuses import RefundStatus, TransactionStatus
from .ledger.base import REFUNDS, LedgerError
from .ledger.row import Row
from .run.payout_api import ClientOrders, GlobalOrders, PHOrders, Taken

if TYPE_CHECKING:
    from ..client import PayCoolsGlobal, PayCoolsPH
    from ..engine.preparing import Prepared

__all__ = ["FoundRefund", "GlobalRefunds", "PHRefunds", "RefundApi", "found_in_event", "payment_of", "refunds_of"]


@result
class _Taken(Result):
    """What is read of the answer to a refund."""

    refund_transaction_id: str
    mch_refund_order_id: str | None = None
    refund_amount: str | None = None


@result
class _Listed(Result):
    """What is read of a refund in the list of a payment's."""

    refund_transaction_id: str
    refund_status: RefundStatus
    mch_refund_order_id: str | None = None
    original_transaction_id: str | None = None
    refund_amount: int | None = None
    refund_create_time: str | None = None
    failed_code: FailedCode | None = None
    failed_message: str | None = None


@attrs.frozen(kw_only=True)
class FoundRefund:
    """What PayCools says of our refund. `amount` in minor units; satisfies `payout_api.Shown`."""

    transaction_id: str
    transaction_status: TransactionStatus
    amount: int | None
    created: datetime | None
    failed_code: FailedCode | None
    failed_message: str | None
    contradiction: str | None


_STATUSES = {
    RefundStatus.COMPLETE: TransactionStatus.COMPLETE,
    RefundStatus.FAILED: TransactionStatus.FAILED,
    RefundStatus.CANCEL: TransactionStatus.CLOSED,
}
"""Every other word is not final."""


def _found(record: Any, created: datetime | None, payment: str) -> FoundRefund:
    other = record.original_transaction_id
    contradiction = None
    if is_other_payment(other, payment):
        contradiction = f"PayCools knows this refund as one of payment {other}; here it is of {payment}"
    return FoundRefund(
        transaction_id=record.refund_transaction_id,
        transaction_status=_STATUSES.get(record.refund_status, TransactionStatus.PENDING),
        amount=record.refund_amount,
        created=created,
        failed_code=record.failed_code,
        failed_message=record.failed_message,
        contradiction=contradiction,
    )


def found_in_event(event: RefundEvent, row: Row) -> FoundRefund:
    """What a callback says of the row's refund."""
    return _found(event, event.refund_create_time, payment_of(row))


def payment_of(row: Row) -> str:
    """PayCools' id of the payment that the row's refund is of."""
    return str(json.loads(row.body)["original_transaction_id"])


def _time(text: str | None) -> datetime | None:
    try:
        return parse_time(text, MANILA) if text else None
    except ValueError:
        return None


class RefundApi(ClientOrders):
    """One API's refunds, as the runner drives them. `over` gives those of a ledger, which can be inquired about."""

    kind = REFUNDS
    _answer = _Taken
    _row_of: Callable[[str], Awaitable[Row | None]] | None = None

    def __init__(self, client: PayCoolsPH | PayCoolsGlobal, country: Country, refunds: Any) -> None:
        super().__init__(client, country, refunds.create.request)
        self._inquiry: Endpoint = attrs.evolve(refunds.payments.request.__endpoint__, returns=list[_Listed] | None)

    def over(self, row_of: Callable[[str], Awaitable[Row | None]]) -> Self:
        """The refunds of a ledger: `row_of` gives its row of a refund id, which says of which payment it is."""
        found = copy.copy(self)
        found._row_of = row_of
        return found

    def _taken(self, answer: _Taken) -> Taken:
        return Taken(
            transaction_id=answer.refund_transaction_id,
            mch_order_id=answer.mch_refund_order_id,
            amount=answer.refund_amount,
        )

    async def inquire(self, order_id: str, *, fresh: bool = False) -> FoundRefund | None:
        """Ours among the refunds of its payment. Raises ListedWithoutId where one without its id may be ours."""
        row = None if self._row_of is None else await self._row_of(order_id)
        if row is None:
            raise LedgerError(f"refund {order_id} is not in the ledger, so its payment is not known")
        payment = payment_of(row)
        prepared: Prepared[Any] = self._engine.prepare.fields(self._inquiry, {"originalTransactionId": payment})
        try:  # what PayCools answers where there is none, an empty list or NotFound, is not documented
            listed = (await self._engine.send(prepared, fresh=fresh)).result or []
        except NotFound:
            return None
        try:
            record = refund_among(
                listed, order_id, payment, amount=row.amount, refund_transaction_id=row.transaction_id
            )
        except OrderConflict as conflict:
            [first, *_] = (each for each in listed if each.mch_refund_order_id == order_id)
            found = _found(first, _time(first.refund_create_time), payment)
            return attrs.evolve(found, contradiction=str(conflict))
        return None if record is None else _found(record, _time(record.refund_create_time), payment)


class PHRefunds(RefundApi, PHOrders):
    """The PH API's refunds: centavos."""

    def __init__(self, client: PayCoolsPH) -> None:
        super().__init__(client, PHILIPPINES, Refunds)


class GlobalRefunds(RefundApi, GlobalOrders):
    """The Global API's refunds of one country's payments."""

    def __init__(self, client: PayCoolsGlobal, country: str) -> None:
        from ..global_api import refunds

        super().__init__(client, COUNTRIES[country], refunds.GlobalRefunds)


def refunds_of(client: PayCoolsPH | PayCoolsGlobal, country: str | None) -> PHRefunds | GlobalRefunds:
    """What refunds go through; the Global API's are those of payments in one `country`, which gives the currency.

    Raises ConfigurationError where the country is missing or unknown, or the PH API is asked for another one.
    """
    from ..client import PayCoolsPH

    if country is not None and country not in COUNTRIES:
        raise ConfigurationError(f"no country {country!r}; give one of {', '.join(COUNTRIES)}")
    if isinstance(client, PayCoolsPH):
        if country not in (None, PHILIPPINES.code):
            raise ConfigurationError(f"the PH API is for the Philippines only, not {country}: use PayCoolsGlobal")
        return PHRefunds(client)
    if country is None:
        raise ConfigurationError(f"the Global API needs country=: one of {', '.join(COUNTRIES)}")
    return GlobalRefunds(client, country)
