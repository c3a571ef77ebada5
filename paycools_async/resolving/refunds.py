"""Which of a payment's refunds is ours: the one rule of clients and ledgers.

PayCools inquires by its own ids only, so the payment's refunds are listed and ours is picked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ..errors import OrderConflict, OutcomeUnknown

__all__ = ["KnownRefund", "ListedWithoutId", "check_payment", "is_other_payment", "refund_among"]


class KnownRefund(Protocol):
    """What PayCools says of a refund."""

    @property
    def refund_transaction_id(self) -> str: ...

    @property
    def mch_refund_order_id(self) -> str | None: ...

    @property
    def original_transaction_id(self) -> str | None: ...

    @property
    def refund_amount(self) -> int | None: ...


class ListedWithoutId(OutcomeUnknown):
    """A refund of the payment is listed without its id, and may be ours: neither presence nor absence."""


RS = TypeVar("RS", bound=KnownRefund)


def refund_among(
    records: Iterable[RS],
    refund_id: str,
    original_transaction_id: str,
    *,
    amount: int | None = None,
    refund_transaction_id: str | None = None,
) -> RS | None:
    """The refund with our id; None: there is none. Raises ListedWithoutId, and OrderConflict where there are several.

    An id that differs from ours in upper and lower case or blanks alone is as good as none. `amount`: a refund
    without an id and of another amount is not ours; None: it may be. `refund_transaction_id`: PayCools' own id from
    our receipt, where there is one; by it a refund without our id is told for certain.
    """
    listed = list(records)
    ours = [record for record in listed if record.mch_refund_order_id == refund_id]
    if len({record.refund_transaction_id for record in ours}) > 1:
        found = ", ".join(record.refund_transaction_id for record in ours)
        raise OrderConflict(f"PayCools lists several refunds under the id {refund_id}: {found}")
    if ours:
        return ours[0]
    plain = refund_id.casefold()
    without_id = [each for each in listed if (each.mch_refund_order_id or "").strip().casefold() in ("", plain)]
    if refund_transaction_id:
        return next((each for each in without_id if each.refund_transaction_id == refund_transaction_id), None)
    for record in without_id:
        if amount is None or record.refund_amount in (None, amount):
            raise ListedWithoutId(
                f"PayCools lists a refund of {record.refund_amount} for {original_transaction_id} without its id: "
                f"whether it is {refund_id} is not known"
            )
    return None


def is_other_payment(known: str | None, ours: str) -> bool:
    """Whether a refund is listed as one of another payment than ours."""
    return known not in (None, "", ours)


def check_payment(refund_id: str, known: str | None, ours: str) -> None:
    """Raise OrderConflict where PayCools knows the refund as one of another payment."""
    if is_other_payment(known, ours):
        raise OrderConflict(f"PayCools knows refund {refund_id} as one of payment {known}, ours is of {ours}")
