"""What an answer, an error or an inquiry means for a payout: pure decisions, one table each."""

from __future__ import annotations

from typing import Protocol

from ..enums import TransactionStatus
from ..errors import (
    ApiError,
    AuthenticationError,
    InsufficientBalance,
    IpNotAllowedError,
    MerchantUnavailable,
    Outcome,
    PayCoolsError,
    RateLimited,
    TransientError,
    TransportError,
)
from .states import Event

__all__ = ["HOLDS", "STOPS", "Told", "event_of_error", "event_of_inquiry"]

STOPS = (AuthenticationError, IpNotAllowedError, MerchantUnavailable)
"""Every further call would fail the same way: the batch stops at once."""

HOLDS = (*STOPS, InsufficientBalance)
"""The merchant was refused, not the order: nothing more is sent, and the order waits."""


class Told(Protocol):
    """What an inquiry's answer, or a payout's event, says of it."""

    @property
    def transaction_status(self) -> TransactionStatus: ...

    @property
    def amount(self) -> int | None: ...


def event_of_error(error: PayCoolsError) -> Event:
    """What an error of the sending call did to the payout. Raises the error itself where it is our own mistake."""
    match error.outcome:
        case Outcome.NOT_SENT:
            if not isinstance(error, TransportError):
                raise error
            return Event.NOT_SENT
        case Outcome.DUPLICATE:
            return Event.DUPLICATE
        case Outcome.REJECTED:
            if isinstance(error, RateLimited):
                return Event.BUSY
            if isinstance(error, HOLDS):
                return Event.HELD
            return Event.DOUBTED if type(error) is ApiError else Event.REJECTED
        case _:
            answered = isinstance(error.__cause__, ApiError) and not isinstance(error.__cause__, TransientError)
            return Event.DOUBTED if answered else Event.UNCLEAR


def event_of_inquiry(found: Told, amount: int) -> Event:
    """What PayCools' record says of our order; another amount under our order id is for a human."""
    if found.amount is not None and found.amount != amount:
        return Event.MISMATCH
    if found.transaction_status is TransactionStatus.COMPLETE:
        return Event.FOUND_COMPLETE
    if found.transaction_status in (TransactionStatus.FAILED, TransactionStatus.CLOSED):
        return Event.FOUND_FAILED
    return Event.FOUND_PENDING
