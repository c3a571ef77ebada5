"""What an error or an inquiry means for a payout, decision by decision, to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from support.rows import NOON, row

from paycools_async.batch.run.absence_clock import AbsenceClock
from paycools_async.batch.run.options import Options
from paycools_async.batch.run.outcomes import event_of_error, event_of_inquiry, pauses_sending, stops_run
from paycools_async.batch.states import Event, State
from paycools_async.errors import (
    ApiError,
    AuthenticationError,
    ChannelClosed,
    ClockError,
    ConfigurationError,
    DeadlineExceeded,
    DuplicateOrder,
    EndpointUnpublishedError,
    FieldError,
    InsufficientBalance,
    InvalidParameter,
    InvalidRequest,
    IpNotAllowedError,
    MerchantUnavailable,
    Outcome,
    OutcomeUnknown,
    PayCoolsError,
    RateLimited,
    TransientError,
    TransportError,
    WrongFamilyError,
)
from paycools_async.testing import ManualClock
from paycools_async.vocabulary.statuses import TransactionStatus

HOUR = 3600.0
NOBODY_PAID = ConfigurationError("no key"), EndpointUnpublishedError("no path"), WrongFamilyError("the other API")


@attrs.frozen(kw_only=True)
class Shown:
    """What PayCools shows."""

    transaction_id: str | None = "D1"
    transaction_status: TransactionStatus = TransactionStatus.COMPLETE
    amount: int | None = 500_00


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def caused_by(error: PayCoolsError, cause: Exception) -> PayCoolsError:
    error.__cause__ = cause
    return error


UNKNOWN = Outcome.UNKNOWN
ERRORS: list[tuple[PayCoolsError, Event]] = [
    (InvalidRequest("CreatePayout", [FieldError("amount", "is too small")]), Event.REJECTED),
    (TransportError("refused", outcome=Outcome.NOT_SENT), Event.NOT_SENT),
    (DeadlineExceeded("no time left", outcome=Outcome.NOT_SENT), Event.NOT_SENT),
    *((error, Event.NOT_SENT) for error in NOBODY_PAID),
    (DuplicateOrder(1012, "repeat"), Event.DUPLICATE),
    (RateLimited(1013, "busy"), Event.BUSY),
    (InsufficientBalance(1006, "empty"), Event.MERCHANT_REFUSED),
    (ChannelClosed(1011, "closed"), Event.MERCHANT_REFUSED),
    (ClockError(21009, "the time"), Event.MERCHANT_REFUSED),
    (AuthenticationError(1003, "sign"), Event.MERCHANT_REFUSED),
    (IpNotAllowedError(1002, "address"), Event.MERCHANT_REFUSED),
    (MerchantUnavailable(1004, "frozen"), Event.MERCHANT_REFUSED),
    (InvalidParameter(1009, "accountNo:is wrong"), Event.REJECTED),
    (ApiError(1999, "?"), Event.UNLISTED_REFUSAL),
    (OutcomeUnknown("no answer"), Event.UNCLEAR),
    (caused_by(OutcomeUnknown("?"), TransportError("reset")), Event.UNCLEAR),
    (caused_by(OutcomeUnknown("?"), ApiError(1999, "?", outcome=UNKNOWN)), Event.UNLISTED_REFUSAL),
    (caused_by(OutcomeUnknown("?"), InvalidParameter(1009, "x:y", outcome=UNKNOWN)), Event.UNLISTED_REFUSAL),
    (caused_by(OutcomeUnknown("?"), TransientError(1018, "failed", outcome=UNKNOWN)), Event.UNCLEAR),
    (RateLimited(1013, "busy", outcome=UNKNOWN), Event.UNCLEAR),
]


@pytest.mark.parametrize(("error", "event"), ERRORS)
def test_an_error_of_the_sending_call(error: PayCoolsError, event: Event) -> None:
    assert event_of_error(error) is event


@pytest.mark.parametrize(
    ("error", "stops", "pauses"),
    [
        *((error, True, True) for error in NOBODY_PAID),
        (AuthenticationError(1003, "sign"), True, True),
        (IpNotAllowedError(1002, "address"), True, True),
        (MerchantUnavailable(1004, "frozen"), True, True),
        (InsufficientBalance(1006, "empty"), False, True),
        (ChannelClosed(1011, "closed"), False, True),
        (ClockError(21009, "the time"), False, True),
        (InvalidParameter(1009, "x:y"), False, False),
        (RateLimited(1013, "busy"), False, False),
        (OutcomeUnknown("?"), False, False),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_stops_a_run_and_what_only_pauses_it(error: PayCoolsError, stops: bool, pauses: bool) -> None:
    assert (stops_run(error), pauses_sending(error)) == (stops, pauses)


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (TransactionStatus.COMPLETE, Event.FOUND_COMPLETE),
        (TransactionStatus.FAILED, Event.FOUND_FAILED),
        (TransactionStatus.CLOSED, Event.FOUND_FAILED),
        (TransactionStatus.PENDING, Event.FOUND_PENDING),
        (TransactionStatus("SOMETHING_NEW"), Event.FOUND_PENDING),
    ],
)
def test_what_paycools_shows(status: TransactionStatus, event: Event) -> None:
    assert event_of_inquiry(Shown(transaction_status=status), row(), None) is event


@pytest.mark.parametrize("amount", [499_99, 500_01])
def test_another_amount_is_for_a_person(amount: int) -> None:
    assert event_of_inquiry(Shown(amount=amount), row(), None) is Event.MISMATCH
    assert event_of_inquiry(Shown(amount=None), row(), None) is Event.FOUND_COMPLETE


@pytest.mark.parametrize(
    ("ours", "theirs", "event"),
    [
        ("D1", "D2", Event.MISMATCH),
        ("D1", "D1", Event.FOUND_COMPLETE),
        ("D1", None, Event.FOUND_COMPLETE),
        (None, "D2", Event.FOUND_COMPLETE),
        ("", "D2", Event.FOUND_COMPLETE),
    ],
)
def test_another_transaction_is_for_a_person(ours: str | None, theirs: str | None, event: Event) -> None:
    assert event_of_inquiry(Shown(transaction_id=theirs), row(transaction_id=ours), None) is event


@pytest.mark.parametrize(
    ("changes", "was_there"),
    [
        ({"state": State.OFFERED, "reason": None, "sent": None}, True),
        ({"state": State.PLANNED, "reason": None, "sent": None}, True),
        ({"state": State.WITHDRAWN, "reason": None, "sent": None}, True),
        ({"state": State.PLANNED, "reason": None}, False),
        ({"state": State.PLANNED, "reason": None, "sent": None, "resends": 1}, False),
        ({"state": State.SENDING, "reason": None, "sent": None}, False),
        ({"reason": Event.DUPLICATE}, True),
        ({"reason": Event.DUPLICATE, "resends": 1}, False),
        ({"state": State.ACCEPTED, "reason": Event.DUPLICATE}, False),
        ({"reason": Event.UNCLEAR}, False),
        ({"reason": Event.ADOPT, "state": State.PLANNED, "sent": None}, False),
    ],
)
def test_what_this_ledger_never_sent_was_there_before(changes: dict[str, Any], was_there: bool) -> None:
    event = event_of_inquiry(Shown(), row(**changes), None)
    assert event is (Event.FOUND_EARLIER if was_there else Event.FOUND_COMPLETE)


EARLIER = [
    # with a receipt: a day and two hours, whatever the zone
    ({"transaction_id": "D1"}, -26 * HOUR, None, False),
    ({"transaction_id": "D1"}, -26 * HOUR - 1, None, True),
    # by PayCools' clock, two minutes
    ({}, -120.0, 0.0, False),
    ({}, -121.0, 0.0, True),
    ({}, -120.0 + 500, 500.0, False),
    ({}, -121.0 + 500, 500.0, True),
    # no clock known: in our zone any time from the entry on is right
    ({}, -120.0, None, False),
    ({}, 90 * 86_400.0, None, False),
    ({}, -121.0, None, True),
    # in another zone the time of the sending is right: from the entry, less two minutes, to the sending, plus two
    *(({}, zone - 120.0, None, False) for zone in (-HOUR, -7 * HOUR, -8 * HOUR)),
    *(({}, zone - 121.0, None, True) for zone in (-HOUR, -7 * HOUR, -8 * HOUR)),
    *(({}, zone + 60 + 120.0, None, False) for zone in (-HOUR, -7 * HOUR, -8 * HOUR)),
    *(({}, zone + 60 + 121.0, None, True) for zone in (-HOUR, -7 * HOUR, -8 * HOUR)),
    ({}, -2 * HOUR, None, True),
    # never sent as far as is known: the time of the last change stands for it
    ({"sent": None, "state": State.SENDING, "updated": NOON + 30}, -HOUR + 30 + 120, None, False),
    ({"sent": None, "state": State.SENDING, "updated": NOON + 30}, -HOUR + 30 + 121, None, True),
    # sent before it was entered: a clock was wrong at one of the two
    ({"sent": NOON - 600}, -720.0, 0.0, False),
    ({"sent": NOON - 600}, -721.0, 0.0, True),
]


@pytest.mark.parametrize(("changes", "created", "their_clock", "was_there"), EARLIER)
def test_what_is_older_than_its_sending_was_there_before(
    changes: dict[str, Any], created: float, their_clock: float | None, was_there: bool
) -> None:
    event = event_of_inquiry(Shown(), row(**changes), at(NOON + created), their_clock)
    assert event is (Event.FOUND_EARLIER if was_there else Event.FOUND_COMPLETE)


def test_an_order_an_hour_ahead_of_us_was_sent_by_us() -> None:
    """PayCools' clock may be an hour ahead of what its times are taken for: then nothing looks older than it is."""
    assert event_of_inquiry(Shown(), row(), at(NOON + HOUR)) is Event.FOUND_COMPLETE


class Ledger:
    """As much of one as the clock of absences needs."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.ahead = 0.0
        self.steady_since = clock.time()

    def time(self) -> float:
        return self._clock.time() + self.ahead


@pytest.fixture
def waiting(clock: ManualClock) -> tuple[AbsenceClock, Any]:
    clock.advance(NOON - clock.time())
    ledger: Any = Ledger(clock)
    return AbsenceClock(ledger, Options(absent_after=60.0, max_resends=2), clock, 30.0), ledger


def test_absence_is_decided_from_its_moment_on_and_by_a_second_inquiry(
    waiting: tuple[AbsenceClock, Any], clock: ManualClock
) -> None:
    absence, _ = waiting
    clock.advance(30)
    unclear = row(sent=NOON + 10, absent_since=NOON + 20)
    comes = absence.comes_at(unclear)
    assert comes == NOON + 10 + Options(absent_after=60.0).absence(0, 30.0, 0.0)
    clock.advance(comes - 0.001 - clock.time())
    assert not absence.decides(unclear)
    clock.advance(comes - clock.time())
    assert absence.decides(unclear)
    assert not absence.decides(attrs.evolve(unclear, absent_since=None))


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"resends": 1}, True),
        ({"resends": 2}, False),
        ({"resends": 2, "reason": Event.LOST}, True),
        ({"reason": Event.CRASHED}, True),
        ({"reason": Event.DUPLICATE}, False),
        ({"reason": Event.UNLISTED_REFUSAL}, False),
        ({"state": State.ACCEPTED}, False),
        ({"state": State.ACCEPTED, "reason": Event.LOST}, False),
    ],
)
def test_whose_absence_may_come(waiting: tuple[AbsenceClock, Any], changes: dict[str, Any], may: bool) -> None:
    assert waiting[0].may_come(row(**changes)) is may


def test_what_was_sent_before_this_process_began_is_waited_for_from_then(
    waiting: tuple[AbsenceClock, Any], clock: ManualClock
) -> None:
    absence, _ = waiting
    clock.advance(10)
    wait = Options(absent_after=60.0).absence(0, 30.0, 0.0)
    assert absence.comes_at(row(sent=NOON - HOUR)) == NOON + wait
    assert absence.comes_at(row(sent=None, updated=NOON + 5)) == NOON + 5 + wait
    # a second ahead is rounding; more was written before a clock was set back
    assert absence.comes_at(row(sent=NOON + 11)) == NOON + 11 + wait
    assert absence.comes_at(row(sent=NOON + 11.5)) == NOON + wait
    clock.advance(HOUR)
    assert absence.comes_at(row(sent=NOON + 60)) == NOON + 60 + wait


@pytest.mark.parametrize(("moved", "starts_anew"), [(1.0, False), (1.5, True), (-1.0, False), (-1.5, True)])
def test_a_clock_that_was_set_starts_the_waiting_anew(
    waiting: tuple[AbsenceClock, Any], clock: ManualClock, moved: float, starts_anew: bool
) -> None:
    absence, ledger = waiting
    clock.advance(HOUR)
    ledger.ahead = moved
    wait = Options(absent_after=60.0).absence(0, 30.0, 0.0)
    assert absence.comes_at(row()) == (NOON + HOUR + moved if starts_anew else NOON + 60) + wait
    clock.advance(HOUR)
    assert absence.comes_at(row()) == (NOON + HOUR + moved if starts_anew else NOON + 60) + wait


def test_the_longest_lag_is_learned_from_what_was_not_shown_before(
    waiting: tuple[AbsenceClock, Any], clock: ManualClock
) -> None:
    absence, _ = waiting
    clock.advance(100)
    assert not absence.shown(row(sent=NOON, absent_since=None))
    assert absence.longest_lag == 0
    assert absence.shown(row(sent=NOON, absent_since=NOON + 1))
    assert absence.longest_lag == 100
    assert not absence.shown(row(sent=NOON, absent_since=NOON + 1))
    assert not absence.shown(row(sent=NOON + 50, absent_since=NOON + 60))
    assert absence.longest_lag == 100
    clock.advance(100)
    assert absence.shown(row(state=State.ACCEPTED, sent=NOON, updated=NOON + 50, absent_since=NOON + 60))
    assert absence.longest_lag == 150
    assert not absence.shown(row(sent=None, absent_since=NOON))
    absence.longest_lag = 0.0
    assert not absence.shown(row(sent=None, absent_since=NOON))
    absence.longest_lag = 150.0
    assert absence.comes_at(row(sent=NOON + 60)) == NOON + 60 + Options(absent_after=60.0).absence(0, 30.0, 150)
