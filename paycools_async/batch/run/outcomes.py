"""What an answer, an error or an inquiry means for a payout: pure decisions, one table each."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ...errors import (
    ApiError,
    AuthenticationError,
    ChannelClosed,
    ClockError,
    ConfigurationError,
    EndpointUnpublishedError,
    InsufficientBalance,
    InvalidRequest,
    IpNotAllowedError,
    MerchantUnavailable,
    Outcome,
    PayCoolsError,
    RateLimited,
    TransientError,
    WrongFamilyError,
)
from ...vocabulary.statuses import TransactionStatus
from ..ledger.row import Row
from ..states import Event, State

__all__ = ["STOPS_RUN", "PayoutStatus", "event_of_error", "event_of_inquiry", "pauses_sending", "stops_run"]

STOPS_RUN = (AuthenticationError, IpNotAllowedError, MerchantUnavailable)
"""Every further call would fail the same way: the batch stops at once."""

_OUR_SET_UP = (ConfigurationError, EndpointUnpublishedError, WrongFamilyError)
_NOT_THE_ORDER = (InsufficientBalance, ChannelClosed, ClockError)
"""The merchant was refused, the channel is closed for now, or a clock is wrong: the order itself was not looked at."""


def stops_run(error: PayCoolsError) -> bool:
    """Whether every further call would fail the same way."""
    return isinstance(error, STOPS_RUN + _OUR_SET_UP)


def pauses_sending(error: PayCoolsError) -> bool:
    """Whether the merchant was refused, not the order: nothing more is sent, and the order waits."""
    return stops_run(error) or isinstance(error, _NOT_THE_ORDER)


_CLOCKS_DIFFER = 120.0
"""Seconds by which PayCools' clock and ours may differ, and an order of ours still not look older than it is."""
_ZONES = (3600.0, 7 * 3600.0, 8 * 3600.0)
"""Seconds by which PayCools' times may lie behind what we take them for: no page names their zone. UTC, +7, +8."""
_WITH_A_RECEIPT = 26 * 3600.0
"""The same for an order whose receipt we have: whatever the zone, it is not older than a day."""


class PayoutStatus(Protocol):
    """What an inquiry's answer, or a payout's event, says of it."""

    @property
    def transaction_id(self) -> str | None: ...

    @property
    def transaction_status(self) -> TransactionStatus: ...

    @property
    def amount(self) -> int | None: ...


def event_of_error(error: PayCoolsError) -> Event:
    """What an error of the sending call did to the payout."""
    if isinstance(error, InvalidRequest):
        return Event.REJECTED  # by our own rules: nothing was sent, nor ever will be
    match error.outcome:
        case Outcome.NOT_SENT:
            return Event.NOT_SENT
        case Outcome.DUPLICATE:
            return Event.DUPLICATE
        case Outcome.REJECTED:
            if isinstance(error, RateLimited):
                return Event.BUSY
            if pauses_sending(error):
                return Event.MERCHANT_REFUSED
            return Event.UNLISTED_REFUSAL if type(error) is ApiError else Event.REJECTED
        case _:
            answered = isinstance(error.__cause__, ApiError) and not isinstance(error.__cause__, TransientError)
            return Event.UNLISTED_REFUSAL if answered else Event.UNCLEAR


def event_of_inquiry(
    answer: PayoutStatus, row: Row, created: datetime | None, their_clock: float | None = None
) -> Event:
    """What PayCools' record under our order id says of our row.

    `created`: when PayCools entered the order. `their_clock`: seconds by which its times were seen to be ahead of ours.

    Another amount, or another transaction than the one we have a receipt for, is for a person. So is an order that
    PayCools had before this ledger sent it: nobody was paid by it.
    """
    if answer.amount is not None and answer.amount != row.amount:
        return Event.MISMATCH
    if row.transaction_id and answer.transaction_id and answer.transaction_id != row.transaction_id:
        return Event.MISMATCH
    if row.reason is not Event.ADOPT and _was_there_before(row, created, their_clock):
        return Event.FOUND_EARLIER
    if answer.transaction_status is TransactionStatus.COMPLETE:
        return Event.FOUND_COMPLETE
    if answer.transaction_status in (TransactionStatus.FAILED, TransactionStatus.CLOSED):
        return Event.FOUND_FAILED
    return Event.FOUND_PENDING


def _was_there_before(row: Row, created: datetime | None, their_clock: float | None) -> bool:
    if row.state in (State.OFFERED, State.PLANNED, State.WITHDRAWN) and row.sent is None and row.resends == 0:
        return True  # it was never sent
    if row.state is State.UNKNOWN and row.reason is Event.DUPLICATE and row.resends == 0:
        return True  # our first sending was refused because of it
    if created is None:
        return False
    at = created.timestamp()
    if row.transaction_id:
        return at < row.entered - _WITH_A_RECEIPT
    # sent before it was entered: this machine's clock was wrong at one of the two
    earliest = min(row.entered, row.entered if row.sent is None else row.sent) - _CLOCKS_DIFFER
    if their_clock is not None:
        return at - their_clock < earliest
    # in the zone that we take it for, any time after the entry is right; in another one, only that of the sending
    latest = (row.updated if row.sent is None else row.sent) + _CLOCKS_DIFFER
    return at < earliest and not any(earliest <= at + zone <= latest for zone in _ZONES)
