"""What the driver does about one payout, answer by answer: which move it makes, with what, and when it asks next."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from support.rows import NOON, row

from paycools_async.batch.ledger.base import LedgerError
from paycools_async.batch.ledger.payload import digest_of
from paycools_async.batch.ledger.row import Row
from paycools_async.batch.run.absence_clock import AbsenceClock
from paycools_async.batch.run.driver import Driver
from paycools_async.batch.run.options import Options
from paycools_async.batch.run.payout_api import Found, Taken
from paycools_async.batch.run.progress import Progress
from paycools_async.batch.run.stopping import Brake
from paycools_async.batch.states import Event, IllegalMove, State
from paycools_async.errors import (
    ApiError,
    AuthenticationError,
    FieldError,
    InsufficientBalance,
    InvalidParameter,
    InvalidRequest,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    TransientError,
    TransportError,
)
from paycools_async.resolving.refunds import ListedWithoutId
from paycools_async.testing import ManualClock
from paycools_async.vocabulary.statuses import TransactionStatus

TEXT = "amount=50000&mchOrderId=PAY1"
OPTIONS = Options(first_inquiry_after=4.0, longest_inquiry_pause=500.0, absent_after=60.0)
ABSENCE = OPTIONS.absence(0, 30.0, 0.0)


class Ledger:
    """Notes what it is asked to do. `refuses`: the moves that are not legal any more."""

    send_within = 8.0

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.steady_since = clock.time()
        self.moves: list[tuple[Event, dict[str, Any]]] = []
        self.scheduled: list[tuple[float, float | None]] = []
        self.pauses: list[str] = []
        self.lags: list[float] = []
        self.refuses: set[Event] = set()
        self.current: Row | None = None
        self.seconds_to_move = 0.0

    def time(self) -> float:
        return self._clock.time()

    async def move(self, row: Row, event: Event, **details: Any) -> Row:
        self._clock.advance(self.seconds_to_move)
        if event in self.refuses:
            raise IllegalMove(f"{event}")
        self.moves.append((event, {name: value for name, value in details.items() if value is not None}))
        return attrs.evolve(row, state=State.SENDING) if event is Event.SEND else row

    async def schedule_inquiry(self, row: Row, *, due: float, absent_since: float | None) -> None:
        self.scheduled.append((due - self.time(), absent_since))

    async def pause(self, reason: str) -> None:
        self.pauses.append(reason)

    async def note_lag(self, lag: float) -> None:
        self.lags.append(lag)

    async def get(self, order_id: str) -> Row | None:
        return self.current

    async def apply_event(self, order_id: str, event: Event, **details: Any) -> Row | None:
        self.moves.append((event, {**details, "applied": True}))
        return self.current


class Pace:
    """Notes what it hears of PayCools."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def wait_turn(self, deadline: Any) -> float:
        return 0.0

    def busy(self, sent_at: float, retry_after: float | None = None) -> float | None:
        self.heard.append("busy")
        return None

    def calm(self, sent_at: float) -> None:
        self.heard.append("calm")


class Api:
    """PayCools as the driver sees it: `taken` and `found` are answers, or errors."""

    call_timeout = 30.0

    def __init__(self) -> None:
        self.taken: Any = Taken(transaction_id="D1", mch_order_id="PAY1", amount="50000")
        self.found: Any = None
        self.sent: list[float] = []
        self.asked: list[bool] = []

    def prepare(self, body: str) -> tuple[str, Any]:
        return TEXT, self._send

    async def _send(self, *, not_after: float) -> Taken:
        self.sent.append(not_after)
        taken: Taken = _given(self.taken)
        return taken

    async def inquire(self, order_id: str, *, fresh: bool = False) -> Found | None:
        self.asked.append(fresh)
        found: Found | None = _given(self.found)
        return found


def _given(answer: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return answer


class Desk:
    """A driver and all that it works with."""

    def __init__(self, clock: ManualClock, options: Options = OPTIONS) -> None:
        self.clock = clock
        self.api = Api()
        self.ledger = Ledger(clock)
        self.pace = Pace()
        self.brake = Brake(options, on_stop=lambda: None)
        self.seen: list[Row] = []
        as_ledger: Any = self.ledger
        as_api: Any = self.api
        self.driver = Driver(
            as_api,
            as_ledger,
            options,
            clock=clock,
            pace=self.pace,
            brake=self.brake,
            progress=Progress(clock, self.seen.append),
            absence=AbsenceClock(as_ledger, options, clock, self.api.call_timeout),
        )

    async def send(self, **changes: Any) -> list[tuple[Event, dict[str, Any]]]:
        """Send a planned row; the moves that were made, with the seconds until it is due."""
        planned = {"state": State.PLANNED, "reason": None, "sent": None, "digest": digest_of(TEXT)}
        await self.driver.send(row(**{**planned, **changes}))
        return self.moves

    async def inquire(self, **changes: Any) -> list[tuple[Event, dict[str, Any]]]:
        await self.driver.inquire(row(**changes))
        return self.moves

    @property
    def moves(self) -> list[tuple[Event, dict[str, Any]]]:
        return [
            (event, {name: value - self.clock.time() if name == "due" else value for name, value in details.items()})
            for event, details in self.ledger.moves
        ]


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    clock.advance(NOON + 60 - clock.time())
    return Desk(clock)


def found(
    status: TransactionStatus = TransactionStatus.COMPLETE,
    *,
    transaction_id: str = "D1",
    amount: int = 500_00,
    created: float | None = None,
) -> Found:
    time = None if created is None else datetime.fromtimestamp(created, UTC).isoformat()
    return Found(
        mch_order_id="PAY1",
        transaction_id=transaction_id,
        transaction_status=status,
        amount=amount,
        create_time=time,
        failed_message="PAY1 failed" if status is TransactionStatus.FAILED else None,
    )


PENDING = TransactionStatus.PENDING
ACCEPTED = (Event.ACCEPTED, {"due": 4.0, "transaction_id": "D1"})
SEND: tuple[Event, dict[str, Any]] = (Event.SEND, {})


# -- sending ----------------------------------------------------------------------------------------------------


async def test_what_is_taken_is_accepted_and_inquired_about_a_little_later(desk: Desk) -> None:
    assert await desk.send() == [SEND, ACCEPTED]
    assert desk.api.asked == []  # never sent before: nobody has to be asked
    assert desk.pace.heard == ["calm"]
    assert desk.brake.reason is None


async def test_what_would_be_signed_otherwise_than_planned_stops_the_run_unsent(desk: Desk) -> None:
    assert await desk.send(digest="another") == []
    assert (desk.api.sent, desk.brake.stopped) == ([], True)
    assert "was the app name changed?" in str(desk.brake.reason)


@pytest.mark.parametrize("brake", ["stop", "pause"])
async def test_a_run_that_stops_or_pauses_while_it_waits_for_its_turn_sends_nothing(desk: Desk, brake: str) -> None:
    getattr(desk.brake, brake)("enough")
    assert await desk.send() == []
    assert desk.api.sent == []


async def test_no_byte_leaves_after_the_lease_or_the_call_could_have_ended(desk: Desk) -> None:
    desk.ledger.seconds_to_move = 3.0
    asked_at = desk.clock.monotonic()
    await desk.send()
    assert desk.api.sent == [asked_at + 8.0]
    desk.ledger.send_within = 40.0
    asked_at = desk.clock.monotonic()
    await desk.send()
    assert desk.api.sent[1] == asked_at + 30.0


@pytest.mark.parametrize(("seconds", "sent"), [(8.0, True), (8.5, False)])
async def test_a_ledger_that_was_slow_to_say_yes_sends_nothing(desk: Desk, seconds: float, sent: bool) -> None:
    desk.ledger.seconds_to_move = seconds
    moves = await desk.send()
    assert [event for event, _ in moves] == [Event.SEND, Event.ACCEPTED if sent else Event.NOT_SENT]
    assert bool(desk.api.sent) is sent


async def test_what_somebody_else_has_taken_is_not_sent(desk: Desk) -> None:
    desk.ledger.refuses = {Event.SEND}
    assert await desk.send() == []
    assert desk.api.sent == []


@pytest.mark.parametrize("before", [{"sent": NOON}, {"resends": 1}])
async def test_before_it_is_sent_once_more_paycools_is_asked_on_a_fresh_connection(
    desk: Desk, before: dict[str, Any]
) -> None:
    assert [event for event, _ in await desk.send(**before)] == [Event.SEND, Event.ACCEPTED]
    assert desk.api.asked == [True]


async def test_what_paycools_has_by_then_is_not_sent_once_more(desk: Desk) -> None:
    desk.api.found = found()
    [(event, details)] = await desk.send(resends=1)
    assert (event, details["transaction_id"], desk.api.sent) == (Event.FOUND_COMPLETE, "D1", [])


@pytest.mark.parametrize("error", [TransportError("reset"), ValueError("?")])
async def test_where_that_cannot_be_asked_nothing_is_sent(desk: Desk, error: Exception) -> None:
    desk.api.found = error
    assert await desk.send(resends=1, inquiries=1, absent_since=NOON) == []
    assert (desk.api.sent, desk.ledger.scheduled, desk.brake.is_on) == ([], [(16.0, NOON)], False)


async def test_where_the_key_is_refused_when_that_is_asked_the_run_stops(desk: Desk) -> None:
    desk.api.found = AuthenticationError(1003, "sign")
    assert await desk.send(resends=1) == []
    assert (desk.brake.stopped, len(desk.ledger.pauses), desk.ledger.scheduled) == (True, 1, [])


@pytest.mark.parametrize(
    "taken",
    [
        Taken(transaction_id="D1", mch_order_id="PAY2", amount="50000"),
        Taken(transaction_id="D1", mch_order_id="PAY1", amount="5000000"),
    ],
)
async def test_a_receipt_for_another_order_or_amount_is_no_receipt(desk: Desk, taken: Taken) -> None:
    desk.api.taken = taken
    _, (event, details) = await desk.send()
    message = "PayCools answered with another order or amount than this one"
    assert (event, details) == (Event.UNCLEAR, {"due": 4.0, "message": message})


@pytest.mark.parametrize("taken", [Taken(transaction_id="D1"), Taken(transaction_id="D1", mch_order_id="PAY1")])
async def test_a_receipt_need_not_name_order_or_amount(desk: Desk, taken: Taken) -> None:
    desk.api.taken = taken
    assert await desk.send() == [SEND, ACCEPTED]


async def test_a_surprise_leaves_it_unclear(desk: Desk) -> None:
    desk.api.taken = ValueError("with a secret")
    assert await desk.send() == [SEND, (Event.UNCLEAR, {"due": 4.0, "message": "ValueError"})]
    assert not desk.brake.is_on


async def test_cancellation_passes_and_leaves_it_to_the_next_run(desk: Desk) -> None:
    desk.api.taken = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await desk.send()
    assert desk.moves == [SEND]


# -- a sending that failed --------------------------------------------------------------------------------------


async def test_busy_is_sent_again_at_once_for_the_pace_is_what_waits(desk: Desk) -> None:
    desk.api.taken = RateLimited(1013, "busy")
    assert await desk.send() == [SEND, (Event.BUSY, {"due": 0.0, "code": 1013, "message": "busy"})]
    assert desk.pace.heard == ["busy"]
    assert (desk.brake.is_on, desk.ledger.pauses, desk.api.asked) == (False, [], [])


async def test_what_never_left_is_planned_again_with_the_reason(desk: Desk) -> None:
    desk.api.taken = TransportError("refused", outcome=Outcome.NOT_SENT)
    assert await desk.send() == [SEND, (Event.NOT_SENT, {"due": 4.0, "message": "refused"})]
    assert (desk.pace.heard, desk.brake.is_on) == ([], False)


async def test_an_unclear_one_is_told_by_what_was_the_trouble(desk: Desk) -> None:
    error = OutcomeUnknown("no trustworthy answer")
    error.__cause__ = TransientError(1018, "busy", outcome=Outcome.UNKNOWN)
    desk.api.taken = error
    event, details = (await desk.send())[1]
    assert (event, details) == (Event.UNCLEAR, {"due": 4.0, "code": 1018, "message": "busy"})
    assert desk.pace.heard == ["busy"]
    error.__cause__ = ValueError("no error of PayCools")
    event, details = (await desk.send())[3]
    assert (event, details) == (Event.UNCLEAR, {"due": 4.0, "message": "no trustworthy answer"})


async def test_a_message_is_cut_at_three_hundred_letters(desk: Desk) -> None:
    desk.api.taken = ApiError(1999, "x" * 400)
    assert (await desk.send())[1][1]["message"] == "x" * 300


async def test_a_wrong_key_stops_the_run_and_pauses_the_ledger(desk: Desk) -> None:
    desk.api.taken = AuthenticationError(1003, "sign")
    assert (await desk.send())[1][0] is Event.MERCHANT_REFUSED
    assert (desk.brake.stopped, desk.brake.paused, len(desk.ledger.pauses)) == (True, False, 1)
    assert desk.api.asked == []


async def test_an_empty_balance_pauses_the_sending_and_what_was_sent_is_followed(desk: Desk) -> None:
    desk.api.taken = InsufficientBalance(1006, "empty")
    assert (await desk.send())[1][0] is Event.MERCHANT_REFUSED
    assert (desk.brake.stopped, desk.brake.paused, len(desk.ledger.pauses)) == (False, True, 1)


async def test_a_refusal_is_final_only_where_paycools_has_no_such_order(desk: Desk) -> None:
    desk.api.taken = InvalidParameter(1009, "accountNo:is wrong")
    event, details = (await desk.send())[1]
    assert (event, details["code"], desk.api.asked) == (Event.REJECTED, 1009, [True])
    assert not desk.ledger.pauses
    desk.api.found = found()
    assert [event for event, _ in (await desk.send())[2:]] == [Event.SEND, Event.FOUND_COMPLETE]
    desk.api.found = TransportError("reset")
    assert [event for event, _ in (await desk.send())[4:]] == [Event.SEND, Event.UNLISTED_REFUSAL]


async def test_a_refusal_of_a_second_sending_says_nothing_of_the_first(desk: Desk) -> None:
    desk.api.taken = InvalidParameter(1009, "accountNo:is wrong")
    assert [event for event, _ in await desk.send(resends=1)] == [Event.SEND, Event.UNLISTED_REFUSAL]


async def test_what_our_own_rules_refuse_fails_without_a_question(desk: Desk) -> None:
    desk.api.taken = InvalidRequest("CreatePayout", [FieldError("amount", "is too small")])
    assert [event for event, _ in await desk.send()] == [Event.SEND, Event.REJECTED]
    assert desk.api.asked == []


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (InvalidParameter(1009, "x:y"), True),
        (ApiError(1999, "?"), True),
        (InvalidRequest("CreatePayout", [FieldError("amount", "is too small")]), True),
        (RateLimited(1013, "busy"), False),
        (TransportError("refused", outcome=Outcome.NOT_SENT), False),
        (OutcomeUnknown("?"), False),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_only_refusals_of_orders_are_counted_and_so_many_pause_the_ledger_too(
    clock: ManualClock, error: Exception, counted: bool
) -> None:
    clock.advance(NOON - clock.time())
    desk = Desk(clock, Options(breaker=1.0, breaker_window=2))
    desk.api.taken = error
    await desk.send()
    assert desk.ledger.pauses == []
    await desk.send()
    assert desk.brake.paused is counted
    assert desk.ledger.pauses == ([desk.brake.reason] if counted else [])


async def test_a_payout_that_is_taken_is_counted_as_no_refusal(clock: ManualClock) -> None:
    desk = Desk(clock, Options(breaker=1.0, breaker_window=2))
    for taken in (InvalidParameter(1009, "x:y"), Taken(transaction_id="D1"), InvalidParameter(1009, "x:y")):
        desk.api.taken = taken
        await desk.send()
    assert not desk.brake.paused


# -- inquiries --------------------------------------------------------------------------------------------------


async def test_an_absence_is_believed_by_a_second_inquiry_after_its_time_on_a_fresh_connection(desk: Desk) -> None:
    desk.clock.advance(ABSENCE)
    assert await desk.inquire(absent_since=None) == []
    assert desk.api.asked == [False]
    assert await desk.inquire(absent_since=NOON + 100) == [(Event.ABSENT, {})]
    assert desk.api.asked == [False, True]


async def test_an_inquiry_that_finds_nothing_yet_is_asked_again_no_later_than_the_absence_may_be_believed(
    desk: Desk,
) -> None:
    desk.clock.advance(10)
    await desk.inquire(inquiries=0)
    assert desk.ledger.scheduled == [(8.0, NOON + 70)]
    await desk.inquire(inquiries=6, absent_since=NOON + 65)  # the pause grows to 500 seconds
    assert desk.ledger.scheduled[1] == (ABSENCE - 10, NOON + 65)
    desk.clock.advance(ABSENCE - 10)
    await desk.inquire(inquiries=6)  # its time has come, and a second inquiry has to say the same: soon
    assert desk.ledger.scheduled[2] == (4.0, NOON + 60 + ABSENCE)
    await desk.inquire(inquiries=6, reason=Event.DUPLICATE)  # PayCools says that it has it: its absence never comes
    assert desk.ledger.scheduled[3] == (500.0, NOON + 60 + ABSENCE)
    assert desk.moves == []


async def test_an_inquiry_that_fails_says_nothing_of_absence(desk: Desk) -> None:
    desk.api.found = TransportError("reset")
    await desk.inquire(absent_since=NOON + 50, inquiries=0)
    assert desk.ledger.scheduled == [(8.0, NOON + 50)]
    assert not desk.brake.is_on
    desk.api.found = InsufficientBalance(1006, "?")
    await desk.inquire()
    assert desk.ledger.scheduled[1:] == [(8.0, None)]


def listed_without_id() -> ListedWithoutId:
    return ListedWithoutId("a refund is listed without its id")


async def test_what_paycools_may_list_without_its_id_is_not_sent_once_more(desk: Desk) -> None:
    desk.api.found = listed_without_id()
    [(event, details)] = await desk.send(resends=1)
    assert (event, details["due"], desk.api.sent) == (Event.UNLISTED_REFUSAL, 4.0, [])


@pytest.mark.parametrize("reason", [Event.UNCLEAR, Event.CRASHED, Event.LOST])
async def test_of_what_may_be_listed_without_its_id_no_absence_is_believed_any_more(desk: Desk, reason: Event) -> None:
    desk.api.found = listed_without_id()
    assert [event for event, _ in await desk.inquire(reason=reason)] == [Event.UNLISTED_REFUSAL]
    assert desk.ledger.scheduled == []


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"reason": Event.DUPLICATE}, NOON + 60),  # from now on it is counted until a person is told
        ({"reason": Event.UNLISTED_REFUSAL}, NOON + 60),
        ({"reason": Event.DUPLICATE, "absent_since": NOON}, NOON),
        ({"state": State.ACCEPTED, "reason": None}, None),
        ({"state": State.ACCEPTED, "reason": Event.UNCLEAR}, None),
    ],
)
async def test_what_is_never_sent_again_is_asked_for_later(
    desk: Desk, changes: dict[str, Any], since: float | None
) -> None:
    desk.api.found = listed_without_id()
    assert await desk.inquire(**changes) == []
    assert desk.ledger.scheduled == [(8.0, since)]


async def test_an_inquiry_with_a_wrong_key_stops_the_run(desk: Desk) -> None:
    desk.api.found = AuthenticationError(1003, "sign")
    await desk.inquire()
    assert (desk.brake.stopped, len(desk.ledger.pauses), desk.ledger.scheduled) == (True, 1, [])


async def test_a_ledger_that_fails_ends_the_run(desk: Desk) -> None:
    desk.api.found = LedgerError("it is full")
    with pytest.raises(LedgerError):
        await desk.inquire()
    assert desk.ledger.scheduled == []


async def test_what_is_still_pending_is_asked_again_and_what_became_pending_is_accepted(desk: Desk) -> None:
    desk.api.found = found(PENDING)
    assert await desk.inquire(state=State.ACCEPTED, reason=None, transaction_id="D1", absent_since=NOON) == []
    assert desk.ledger.scheduled == [(8.0, None)]  # it was shown: whoever misses it later begins anew
    assert await desk.inquire() == [(Event.FOUND_PENDING, {"due": 4.0, "transaction_id": "D1"})]


async def test_a_lag_is_learned_and_kept(desk: Desk) -> None:
    desk.clock.advance(100)
    desk.api.found = found()
    await desk.inquire()
    assert desk.ledger.lags == []
    await desk.inquire(absent_since=NOON + 70)
    assert desk.ledger.lags == [100.0]
    await desk.inquire(absent_since=NOON + 70)
    assert desk.ledger.lags == [100.0]


async def test_another_payment_under_our_order_id_is_told_with_both_numbers(desk: Desk) -> None:
    desk.api.found = found(transaction_id="D2")
    [(event, details)] = await desk.inquire(state=State.ACCEPTED, reason=None, transaction_id="D1")
    assert event is Event.MISMATCH
    assert details["message"] == "PayCools knows this order as D2, amount 50000; here it is D1, amount 50000"
    desk.api.found = found(amount=1)
    [_, (event, details)] = await desk.inquire()
    assert details["message"] == "PayCools knows this order as D1, amount 1; here it is not known, amount 50000"


async def test_an_order_that_was_there_before_is_told_with_its_status(desk: Desk) -> None:
    desk.api.found = found()
    [(event, details)] = await desk.inquire(reason=Event.DUPLICATE)
    assert event is Event.FOUND_EARLIER
    assert details["message"] == "PayCools had this order id before this ledger sent it; there it is COMPLETE"


async def test_a_failure_is_told_without_the_recipient(desk: Desk) -> None:
    whole = row(body='{"account_name": "PAY1", "account_no": "09170000001"}')
    desk.ledger.current = whole
    desk.api.found = found(TransactionStatus.FAILED)
    assert (await desk.inquire())[0][1]["message"] == "*** failed"
    assert (await desk.inquire(body=whole.body))[1][1]["message"] == "*** failed"
    desk.ledger.current = None
    assert (await desk.inquire())[2][1]["message"] == "PAY1 failed"


# -- PayCools' clock --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "learned"),
    [
        ({}, True),
        ({"reason": Event.UNCLEAR, "state": State.UNKNOWN}, False),
        ({"reason": Event.ADOPT}, False),
        ({"sent": None}, False),
    ],
)
async def test_paycools_clock_is_learned_only_from_an_order_whose_receipt_we_have(
    desk: Desk, changes: dict[str, Any], learned: bool
) -> None:
    """As soon as it is known, an order that was entered an hour before ours is another's; before, it may be a zone."""
    desk.api.found = found(PENDING, created=NOON + 60)
    accepted = {"state": State.ACCEPTED, "reason": None, "transaction_id": "D1"}
    await desk.inquire(**{**accepted, **changes})
    desk.ledger.moves.clear()
    desk.api.found = found(created=NOON - 3540)
    [(event, _)] = await desk.inquire()
    assert event is (Event.FOUND_EARLIER if learned else Event.FOUND_COMPLETE)


async def test_an_order_that_was_entered_late_sets_paycools_clock_no_further_ahead(desk: Desk) -> None:
    accepted = {"state": State.ACCEPTED, "reason": None, "transaction_id": "D1"}
    for late in (300.0, 0.0, 300.0):
        desk.api.found = found(PENDING, created=NOON + 60 + late)
        await desk.inquire(**accepted)
    desk.ledger.moves.clear()
    desk.api.found = found(created=NOON)  # five minutes before its entry, were PayCools' clock so far ahead
    [(event, _)] = await desk.inquire()
    assert event is Event.FOUND_COMPLETE


# -- somebody was faster ----------------------------------------------------------------------------------------


async def test_what_paycools_says_of_an_order_holds_also_where_its_row_has_moved(desk: Desk) -> None:
    desk.ledger.refuses = {Event.FOUND_COMPLETE}
    desk.ledger.current = row(state=State.ACCEPTED, reason=None)
    desk.api.found = found()
    [(event, details)] = await desk.inquire()
    assert (event, details["applied"]) == (Event.FOUND_COMPLETE, True)
    assert desk.seen == [desk.ledger.current]


@pytest.mark.parametrize(
    ("theirs", "events"), [("D1", [Event.SEND]), (None, [Event.SEND]), ("D2", [Event.SEND, Event.MISMATCH])]
)
async def test_a_receipt_that_comes_after_a_callback_is_compared_with_it(
    desk: Desk, theirs: str | None, events: list[Event]
) -> None:
    desk.ledger.refuses = {Event.ACCEPTED}
    desk.ledger.current = row(state=State.SETTLED, reason=None, transaction_id=theirs)
    assert [event for event, _ in await desk.send()] == events


async def test_what_became_of_our_own_request_moves_nothing_that_has_moved(desk: Desk) -> None:
    desk.ledger.refuses = {Event.UNCLEAR}
    desk.ledger.current = row(state=State.SETTLED, reason=None, transaction_id="D2")
    desk.api.taken = OutcomeUnknown("?")
    assert await desk.send() == [SEND]


@pytest.mark.parametrize("there", [True, False])
async def test_a_move_that_is_refused_though_nothing_has_moved_is_an_error(desk: Desk, there: bool) -> None:
    desk.ledger.refuses = {Event.ABSENT}
    desk.clock.advance(ABSENCE)
    desk.ledger.current = row(absent_since=NOON + 100, body="the order", digest="its digest") if there else None
    with pytest.raises(IllegalMove, match="absent cannot happen to a payout that is unknown"):
        await desk.inquire(absent_since=NOON + 100)
