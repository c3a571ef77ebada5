"""After an unclear outcome: found, or absent for certain; sent again only when asked to, and once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

import attrs
import pytest
from support.engine_stage import FOUND, HTML, ORDER, REFUSED, RESET, SUCCESS, Stage, Step, says

from paycools_async import (
    DuplicateOrder,
    HttpRequest,
    HttpResponse,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PayoutReceipt,
    PayoutStatus,
    Purpose,
    errors,
)
from paycools_async.errors import PayCoolsError
from paycools_async.ph.refund import CreateRefund, RefundReceipt, RefundRecord
from paycools_async.result_codes import PH_CODES
from paycools_async.testing import FakePayCools

ABSENT = says(1008, "transaction not found")
CREATE = "ph.payout.create"


class Answers:
    """Answers inquiries and creations each from a list of its own; the last is repeated."""

    def __init__(self, *inquiries: Step, creations: tuple[Step, ...] = (RESET,)) -> None:
        self.inquiries = list(inquiries)
        self.creations = list(creations)
        self.asked: list[tuple[float, bool]] = []
        self.created: list[float] = []
        self.stage: Stage | None = None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        assert self.stage is not None
        now = self.stage.clock.monotonic()
        if request.method == "GET":
            self.asked.append((now, request.fresh))
            steps = self.inquiries
        else:
            self.created.append(now)
            steps = self.creations
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, BaseException):
            raise step
        return step(request) if callable(step) else step


async def unclear(stage: Stage, answers: Answers, request: Any = ORDER) -> None:
    """Send it once, without an answer."""
    answers.stage = stage
    with pytest.raises(OutcomeUnknown):
        await stage.client.send(request)


# --- when an order is absent ---


async def test_absence_is_certain_by_time_and_by_a_fresh_connection(key_pem: str) -> None:
    answers = Answers(ABSENT)
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(NotFound) as caught:
            await stage.client.payouts.resolve(ORDER)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert "ORDER0000001" in str(caught.value)
    assert answers.asked[-1] == (90.0, True), "the call's 30 seconds and 60 more"
    assert not any(fresh for _, fresh in answers.asked[:-1])
    assert len(answers.asked) >= 2
    assert answers.created == [0.0]


async def test_the_time_counts_from_the_sending_and_not_from_the_question(key_pem: str) -> None:
    answers = Answers(ABSENT)
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        stage.clock.advance(1000)
        with pytest.raises(NotFound):
            await stage.client.payouts.resolve(ORDER)
    assert answers.asked == [(1000.0, False), (1000.0, True)]


async def test_an_order_of_another_process_counts_from_the_question(key_pem: str) -> None:
    answers = Answers(ABSENT)
    async with Stage(key_pem, answers, timeout=10.0) as stage:
        answers.stage = stage
        stage.clock.advance(1000)
        with pytest.raises(NotFound):
            await stage.client.payouts.resolve(ORDER, absent_after=1)
    assert answers.asked[-1] == (1011.0, True)


@pytest.mark.parametrize("seconds", [0.99, 0, -1])
async def test_less_than_a_second_is_refused(paycools: PayCoolsPH, seconds: float) -> None:
    with pytest.raises(ValueError, match="absent_after: at least 1 second"):
        await paycools.payouts.resolve(ORDER, absent_after=seconds)


@pytest.mark.parametrize("lag", [7, 20, 60, 89])
async def test_an_order_that_is_shown_late_is_found_and_not_paid_again(
    paycools: PayCoolsPH, fake: FakePayCools, lag: float
) -> None:
    fake.merchant.enforce_unique = False
    fake.payouts.inquiry_lag = lag
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(ORDER)
    found = await paycools.payouts.resolve(caught.value.request, resend=True)
    assert isinstance(found, PayoutStatus)
    assert (len(fake.payouts.paid), paycools.in_doubt) == (1, ())
    assert fake.clock.monotonic() <= lag + 15, "it is asked meanwhile, not only at the end"


async def test_however_late_it_is_shown_it_is_sent_again_once_at_most(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.merchant.enforce_unique = False
    fake.payouts.inquiry_lag = 100_000
    fake.faults.drop_after(next=10, only=CREATE)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(ORDER)
    for _ in range(10):
        with pytest.raises((NotFound, OutcomeUnknown)) as again:
            await paycools.payouts.resolve(caught.value.request, resend=True)
        assert again.value.outcome is Outcome.UNKNOWN
    assert "it was sent again before: ask PayCools" in str(again.value)
    assert len(fake.payouts.paid) == 2
    assert [record.resends for record in paycools.in_doubt] == [1]


async def test_many_resolvers_of_an_order_that_is_shown_late_send_it_again_once(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    """At the same time and later: the others get the receipt of the second sending."""
    fake.merchant.enforce_unique = False
    fake.payouts.inquiry_lag = 100_000
    fake.faults.drop_after(next=1, only=CREATE)
    with pytest.raises(OutcomeUnknown):
        await paycools.send(ORDER)
    found = await asyncio.gather(*(paycools.payouts.resolve(ORDER, resend=True) for _ in range(5)))
    found += [await paycools.payouts.resolve(ORDER, resend=resend) for resend in (True, False)]
    assert isinstance(found[0], PayoutReceipt)
    assert found == [found[0]] * 7
    assert (fake.requests[CREATE], len(fake.payouts.paid), paycools.in_doubt) == (2, 2, ())


async def test_an_order_this_client_never_had_in_doubt_is_sent_again_once_too(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    fake.payouts.inquiry_lag = 100_000
    for _ in range(3):
        assert isinstance(await paycools.payouts.resolve(ORDER, resend=True), PayoutReceipt)
    assert fake.requests[CREATE] == 1


@pytest.mark.parametrize("last", [ABSENT, HTML])
async def test_the_receipt_of_the_second_sending_is_kept_until_the_order_is_shown(key_pem: str, last: Step) -> None:
    answers = Answers(ABSENT, creations=(RESET, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        receipt = await stage.client.payouts.resolve(ORDER, resend=True)
        answers.inquiries = [last]
        assert await stage.client.payouts.resolve(ORDER, resend=True) == receipt
        answers.inquiries = [FOUND]
        assert isinstance(await stage.client.payouts.resolve(ORDER), PayoutStatus)
        assert (stage.client._doubts._again, stage.client.in_doubt) == ({}, ())
        assert len(answers.created) == 2


@pytest.mark.parametrize("how", ["find", "wait_until_final"])
async def test_an_inquiry_of_any_kind_that_shows_the_order_ends_the_count(key_pem: str, how: str) -> None:
    final = {"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "COMPLETE", "amount": 50010}
    answers = Answers(ABSENT, creations=(RESET, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        await stage.client.payouts.resolve(ORDER, resend=True)
        answers.inquiries = [says(1000, data={**final, "amount": 50011})]
        with pytest.raises(OrderConflict):
            await getattr(stage.client.payouts, how)("ORDER0000001")
        assert stage.client._doubts._again
        answers.inquiries = [says(1000, data=final)]
        await getattr(stage.client.payouts, how)("ORDER0000001")
        assert stage.client._doubts._again == {}


async def test_the_receipt_of_other_content_is_no_answer(key_pem: str) -> None:
    answers = Answers(ABSENT, creations=(RESET, SUCCESS))
    order: Any = ORDER
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        await stage.client.payouts.resolve(ORDER, resend=True)
        with pytest.raises(OrderConflict, match="sent again before with other content"):
            await stage.client.payouts.resolve(attrs.evolve(order, amount=50011), resend=True)
        assert len(answers.created) == 2


@pytest.mark.parametrize("creation", [SUCCESS, REFUSED])
async def test_an_order_may_be_shown_while_it_is_sent_again(key_pem: str, creation: Step) -> None:
    answers = Answers(ABSENT, creations=(RESET, creation))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        send = stage.client._engine.exchange

        async def found_meanwhile(request: Any, **options: Any) -> Any:
            if request is ORDER:
                stage.client._doubts.shown(CREATE, "ORDER0000001")
            return await send(request, **options)

        stage.client.send = lambda request: sent(found_meanwhile(request))  # type: ignore[method-assign, assignment, misc]
        with contextlib.suppress(OutcomeUnknown):
            assert isinstance(await stage.client.payouts.resolve(ORDER, resend=True), PayoutReceipt)
        assert (stage.client._doubts._again, stage.client.in_doubt) == ({}, ())


async def sent(exchange: Awaitable[Any]) -> Any:
    return (await exchange).result


async def test_a_dismissed_order_is_not_sent_again_a_second_time(key_pem: str) -> None:
    answers = Answers(ABSENT)
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(OutcomeUnknown):
            await stage.client.payouts.resolve(ORDER, resend=True)
        stage.client.dismiss(stage.client.in_doubt[0])
        with pytest.raises(NotFound, match="it was sent again before"):
            await stage.client.payouts.resolve(ORDER, resend=True)
        assert len(answers.created) == 2


NOT_ABSENT: dict[str, Step] = {
    "401 with 1008": says(1008, status=401),
    "404 with 1008": says(1008, status=404),
    "500 with 1008": says(1008, status=500),
    "503 with 1008": says(1008, status=503),
    "1501": says(1501),
    "1001": says(1001),
    "HTML": HTML,
    "reset": RESET,
    "refused": REFUSED,
    "another order": says(
        1000, data={"mchOrderId": "ORDER0000009", "transactionId": "D9", "transactionStatus": "PENDING"}
    ),
    "another amount": says(
        1000,
        data={"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "PENDING", "amount": 50011},
    ),
}


@pytest.mark.parametrize("when", ["first", "last"])
@pytest.mark.parametrize("answer", NOT_ABSENT.values(), ids=NOT_ABSENT.keys())
async def test_anything_but_the_orders_own_not_found_is_no_absence(key_pem: str, answer: Step, when: str) -> None:
    answers = Answers(*([ABSENT] * (1 if when == "last" else 0)), answer, creations=(RESET, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        if when == "last":
            stage.clock.advance(1000)
        with pytest.raises((OutcomeUnknown, OrderConflict)) as caught:
            await stage.client.payouts.resolve(ORDER, resend=True)
        assert caught.value.outcome in (Outcome.UNKNOWN, Outcome.DUPLICATE)
        assert answers.created == [0.0], "sent once"
        assert len(stage.client.in_doubt) == 1


# --- sending again ---


async def test_sent_again_once_absence_is_certain(key_pem: str) -> None:
    answers = Answers(ABSENT, creations=(RESET, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        receipt = await stage.client.payouts.resolve(ORDER, resend=True)
        assert isinstance(receipt, PayoutReceipt)
        assert answers.created == [0.0, 90.0]
        assert stage.client.in_doubt == ()


async def test_a_second_sending_that_never_left_does_not_count(key_pem: str) -> None:
    answers = Answers(ABSENT, creations=(RESET, REFUSED, REFUSED, REFUSED, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(OutcomeUnknown, match="the second sending did not get through: refused"):
            await stage.client.payouts.resolve(ORDER, resend=True)
        assert isinstance(await stage.client.payouts.resolve(ORDER, resend=True), PayoutReceipt)


@pytest.mark.parametrize("refusal", [1006, 1007])
async def test_a_refusal_of_the_second_that_the_first_may_have_caused_is_looked_at(key_pem: str, refusal: int) -> None:
    """The balance is gone: perhaps because the first one is there, and shown late."""
    for last, expected in ((FOUND, PayoutStatus), (ABSENT, OutcomeUnknown)):
        answers = Answers(ABSENT, creations=(RESET, says(refusal)))
        async with Stage(key_pem, answers) as stage:
            await unclear(stage, answers)
            answers.inquiries = [*[ABSENT] * 2, last]
            stage.clock.advance(1000)
            if expected is PayoutStatus:
                assert isinstance(await stage.client.payouts.resolve(ORDER, resend=True), PayoutStatus)
                assert stage.client.in_doubt == ()
            else:
                with pytest.raises(OutcomeUnknown) as caught:
                    await stage.client.payouts.resolve(ORDER, resend=True)
                assert "send the same order again" not in f"{caught.value} {caught.value.__cause__}"
                assert len(stage.client.in_doubt) == 1


REFUSALS = [code for code, row in PH_CODES.items() if Purpose.PAYOUT in row.refuses]
REFUSALS_OF_REFUNDS = [code for code, row in PH_CODES.items() if Purpose.REFUND in row.refuses]
DUPLICATES = {1012, 1014, 1515}


@pytest.mark.parametrize("code", sorted({*REFUSALS} - DUPLICATES))
async def test_a_refusal_of_the_second_says_nothing_of_the_first(key_pem: str, code: int) -> None:
    """The first may be why it was refused, or, as with 1001, it never got as far as the order."""
    for resolving in (True, False):
        answers = Answers(ABSENT, creations=(RESET, says(code), SUCCESS))
        async with Stage(key_pem, answers) as stage:
            await unclear(stage, answers)
            stage.clock.advance(1000)
            send: Any = stage.client.send
            asking = stage.client.payouts.resolve(ORDER, resend=True) if resolving else send(ORDER)
            with pytest.raises(OutcomeUnknown) as caught:
                await asking
            assert isinstance(caught.value.__cause__, errors.ApiError)
            assert caught.value.__cause__.code == code
            assert (caught.value.request, caught.value.__cause__.outcome) == (ORDER, Outcome.UNKNOWN)
            (record,) = stage.client.in_doubt
            assert (record.resends, record.sent_at) == (int(resolving), answers.created[-1])
            if resolving:
                with pytest.raises(NotFound, match="it was sent again before"):
                    await stage.client.payouts.resolve(ORDER, resend=True)
                assert len(answers.created) == 2


@pytest.mark.parametrize("code", sorted({*REFUSALS_OF_REFUNDS} - DUPLICATES))
async def test_a_refusal_of_the_second_refund_says_nothing_of_the_first(key_pem: str, code: int) -> None:
    for resolving in (True, False):
        answers = Answers(listed(), creations=(RESET, says(code)))
        async with Stage(key_pem, answers) as stage:
            await unclear(stage, answers, REFUND)
            stage.clock.advance(1000)
            send: Any = stage.client.send
            asking = stage.client.refunds.resolve(REFUND, resend=True) if resolving else send(REFUND)
            with pytest.raises(OutcomeUnknown):
                await asking
            assert len(stage.client.in_doubt) == 1


async def test_a_refusal_stays_the_cause_where_the_inquiry_after_it_fails(key_pem: str) -> None:
    for code, expected in ((1009, OutcomeUnknown), (1012, DuplicateOrder)):
        answers = Answers(ABSENT, creations=(RESET, says(code)))
        async with Stage(key_pem, answers) as stage:
            await unclear(stage, answers)
            answers.inquiries = [ABSENT, ABSENT, says(1001)]
            stage.clock.advance(1000)
            with pytest.raises(expected, match=str(code)):
                await stage.client.payouts.resolve(ORDER, resend=True)
            assert len(stage.client.in_doubt) == 1


async def test_a_refusal_after_the_doubt_was_dismissed_meanwhile_is_none(key_pem: str) -> None:
    answers = Answers(ABSENT)

    def dismissed(request: HttpRequest) -> HttpResponse:
        stage.client.dismiss(stage.client.in_doubt[0])
        return says(1009)

    answers.creations = [RESET, dismissed]
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(OutcomeUnknown):
            await stage.client.payouts.resolve(ORDER, resend=True)
        assert [record.resends for record in stage.client.in_doubt] == [1]


@pytest.mark.parametrize("answer", [SUCCESS, says(1012)])
async def test_a_sending_by_hand_starts_the_time_anew_however_it_is_answered(key_pem: str, answer: Step) -> None:
    answers = Answers(ABSENT, creations=(RESET, answer))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        stage.clock.advance(1000)
        with contextlib.suppress(DuplicateOrder):
            await stage.client.send(ORDER)
        assert [record.sent_at for record in stage.client.in_doubt] == [1000.0]
        with pytest.raises(NotFound):
            await stage.client.payouts.resolve(ORDER)
        assert answers.asked[-1] == (1090.0, True)


async def test_one_at_a_time_resolves_an_order(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.merchant.enforce_unique = False
    fake.faults.drop_before(next=1)
    with pytest.raises(OutcomeUnknown):
        await paycools.send(ORDER)
    found = await asyncio.gather(*(paycools.payouts.resolve(ORDER, resend=True) for _ in range(5)))
    assert [type(each) for each in found] == [PayoutReceipt, *[PayoutStatus] * 4]
    assert len(fake.payouts.paid) == 1
    assert paycools._doubts._locks == {}


async def test_a_resolver_that_is_cancelled_lets_the_next_one_in(key_pem: str) -> None:
    answers = Answers(ABSENT)
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        waiting = [asyncio.create_task(stage.client.payouts.resolve(ORDER)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting[:2]:
            task.cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in done] == [asyncio.CancelledError, asyncio.CancelledError, NotFound]
        assert stage.client._doubts._locks == {}


async def test_a_sending_by_somebody_else_meanwhile_starts_the_time_anew(key_pem: str) -> None:
    """It is sent while an inquiry is under way, so that the clock stands until both are done."""
    answers = Answers(ABSENT)

    async def sends_it_too() -> HttpResponse:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        return ABSENT

    def late(request: HttpRequest) -> Any:
        now = stage.clock.monotonic()
        return sends_it_too() if now >= 60 and len(answers.created) == 1 else ABSENT

    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        answers.inquiries[:] = [late]
        with pytest.raises(NotFound):
            await stage.client.payouts.resolve(ORDER)
        assert len(answers.created) == 2
        assert answers.asked[-1] == (answers.created[-1] + 90, True)


async def test_a_second_sending_cancelled_before_its_first_byte_does_not_count(key_pem: str) -> None:
    answers = Answers(ABSENT, creations=(RESET, SUCCESS))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        stage.clock.advance(1000)
        attempts = stage.client._engine.attempts
        signer, attempts.signer = attempts.signer, Slow(attempts.signer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stage.client.payouts.resolve(ORDER, resend=True)
        assert [record.resends for record in stage.client.in_doubt] == [0]
        attempts.signer = signer
        assert isinstance(await stage.client.payouts.resolve(ORDER, resend=True), PayoutReceipt)


class Slow:
    """Signs inquiries at once and payouts never."""

    def __init__(self, signer: Any) -> None:
        self._signer = signer

    async def sign(self, text: bytes, within: float) -> bytes:
        if b"amount" in text:
            await asyncio.Event().wait()
        signature: bytes = await self._signer.sign(text, within)
        return signature


async def test_waiting_for_an_order_that_is_not_shown_proves_nothing(paycools: PayCoolsPH) -> None:
    with pytest.raises(NotFound, match="it may still appear") as caught:
        await paycools.payouts.wait_until_final("ORDER0000001", within=5)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.order_id == "ORDER0000001"


async def test_an_order_that_changes_its_transaction_is_a_conflict(key_pem: str) -> None:
    def status(transaction_id: str) -> HttpResponse:
        return says(
            1000,
            data={"mchOrderId": "ORDER0000001", "transactionId": transaction_id, "transactionStatus": "PENDING"},
        )

    async with Stage(key_pem, status("D1"), status("D2")) as stage:
        with pytest.raises(OrderConflict, match="as D1 and as D2"):
            await stage.client.payouts.wait_until_final("ORDER0000001")


# --- refunds ---

REFUND = CreateRefund(
    mch_refund_order_id="REFUND1",
    original_transaction_id="C1",
    refund_amount=10000,
    refund_callback_url="https://shop.example/refunded",
)


def listed(*records: dict[str, Any]) -> HttpResponse:
    return says(1000, data=[{"refundTransactionId": "R1", "refundStatus": "PENDING", **record} for record in records])


MINE = {"mchRefundOrderId": "REFUND1", "refundAmount": 10000}
REFUNDED = says(1000, data={"refundTransactionId": "R1"})
NAMELESS = {"refundAmount": 10000}


async def test_a_refund_is_not_made_again_unless_asked_and_absent(key_pem: str) -> None:
    answers = Answers(listed(), creations=(RESET, REFUNDED))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers, REFUND)
        with pytest.raises(NotFound) as caught:
            await stage.client.refunds.resolve(REFUND)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert answers.asked[-1] == (90.0, True)
        assert isinstance(await stage.client.refunds.resolve(REFUND, resend=True), RefundReceipt)
        assert len(answers.created) == 2


@pytest.mark.parametrize("code", [1502, 1506, 1508])
async def test_a_refund_refused_after_an_unclear_first_try_is_looked_at_again(key_pem: str, code: int) -> None:
    """The refund that is processing, or has used the payment up, may be ours."""
    for last, expected in ((listed(MINE), RefundRecord), (listed(), OutcomeUnknown)):
        answers = Answers(listed(), listed(), last, creations=(RESET, says(code)))
        async with Stage(key_pem, answers) as stage:
            await unclear(stage, answers, REFUND)
            stage.clock.advance(1000)
            if expected is OutcomeUnknown:
                with pytest.raises(OutcomeUnknown):
                    await stage.client.refunds.resolve(REFUND, resend=True)
            else:
                assert isinstance(await stage.client.refunds.resolve(REFUND, resend=True), RefundRecord)


@pytest.mark.parametrize("code", [1502, 1506, 1508])
async def test_a_refund_sent_again_by_hand_after_an_unclear_try_is_not_refused(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code), RESET, says(code)) as stage:
        with pytest.raises(errors.RefundRefused):
            await stage.client.send(REFUND)
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await stage.client.send(REFUND)


@pytest.mark.parametrize(
    "records", [[NAMELESS], [{"refundAmount": None}], [{**MINE, "mchRefundOrderId": "R9"}, NAMELESS]]
)
async def test_a_refund_listed_without_its_id_is_neither_found_nor_absent(key_pem: str, records: list[Any]) -> None:
    answers = Answers(listed(*records), creations=(RESET, REFUNDED))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers, REFUND)
        stage.clock.advance(1000)
        for asking in (
            stage.client.refunds.resolve(REFUND, resend=True),
            stage.client.refunds.find("REFUND1", original_transaction_id="C1"),
        ):
            with pytest.raises(OutcomeUnknown, match="without its id: whether it is REFUND1 is not known"):
                await asking
        assert len(answers.created) == 1


async def test_a_nameless_refund_of_another_amount_is_not_ours(key_pem: str) -> None:
    answers = Answers(listed({"refundAmount": 1}), creations=(RESET, REFUNDED))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers, REFUND)
        assert isinstance(await stage.client.refunds.resolve(REFUND, resend=True), RefundReceipt)


async def test_ours_beside_a_nameless_one_is_found(key_pem: str) -> None:
    async with Stage(key_pem, listed(NAMELESS, MINE)) as stage:
        found = await stage.client.refunds.find("REFUND1", original_transaction_id="C1")
        assert found is not None


@pytest.mark.parametrize("others", [[], [MINE]])
async def test_a_refund_under_our_id_of_another_payment_is_a_conflict(key_pem: str, others: list[Any]) -> None:
    answers = Answers(listed({**MINE, "originalTransactionId": "C2"}, *others), creations=(RESET, REFUNDED))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers, REFUND)
        for asking in (
            stage.client.refunds.resolve(REFUND, resend=True),
            stage.client.refunds.find("REFUND1", original_transaction_id="C1"),
        ):
            with pytest.raises(OrderConflict, match="refund REFUND1 as one of payment C2, ours is of C1") as caught:
                await asking
            assert about(caught.value) == ("ph.refund.create", "REFUND1", REFUND)
        assert (len(answers.created), len(stage.client.in_doubt)) == (1, 1)


@pytest.mark.parametrize("payment", ["C1", "", None])
async def test_a_refund_under_our_id_of_our_payment_is_found(key_pem: str, payment: str | None) -> None:
    async with Stage(key_pem, listed({**MINE, "originalTransactionId": payment})) as stage:
        assert await stage.client.refunds.find("REFUND1", original_transaction_id="C1") is not None


async def test_1501_is_no_word_about_a_refund(key_pem: str) -> None:
    async with Stage(key_pem, says(1501)) as stage:
        with pytest.raises(errors.ApiError) as caught:
            await stage.client.refunds.find("REFUND1", original_transaction_id="C1")
        assert type(caught.value) is errors.ApiError


async def test_a_duplicate_that_is_still_not_shown_is_said_to_be_one(key_pem: str) -> None:
    answers = Answers(ABSENT, creations=(RESET, says(1012)))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(DuplicateOrder):
            await stage.client.payouts.resolve(ORDER, resend=True)
        assert len(stage.client.in_doubt) == 1


# --- which order an error is about ---


def about(error: PayCoolsError) -> tuple[Any, ...]:
    assert isinstance(error, OrderConflict | OutcomeUnknown)
    return error.operation, error.order_id, error.request


@pytest.mark.parametrize("known", [True, False])
async def test_a_nameless_refund_is_said_to_be_about_ours(key_pem: str, known: bool) -> None:
    answers = Answers(listed(NAMELESS))
    async with Stage(key_pem, answers) as stage:
        answers.stage = stage
        if known:
            await unclear(stage, answers, REFUND)
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.refunds.resolve(REFUND)
        assert about(caught.value) == ("ph.refund.create", "REFUND1", REFUND)
        assert str(caught.value).startswith("ph.refund.create REFUND1: PayCools lists a refund of 10000 ")
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.refunds.find("REFUND1", original_transaction_id="C1")
        assert about(caught.value) == ("ph.refund.create", "REFUND1", REFUND if known else None)
        assert caught.value.sent_at == (0.0 if known else None)


CONFLICTS: dict[str, tuple[str, dict[str, Any]]] = {
    "another order": ("UNKNOWN", {"mchOrderId": "ORDER0000009"}),
    "another amount": ("DUPLICATE", {"amount": 50011}),
}


@pytest.mark.parametrize("how", ["find", "wait_until_final", "resolve"])
@pytest.mark.parametrize(("outcome", "changes"), CONFLICTS.values(), ids=CONFLICTS.keys())
async def test_a_conflict_says_which_order_it_is_about(
    key_pem: str, how: str, outcome: str, changes: dict[str, Any]
) -> None:
    status = {"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "PENDING", **changes}
    answers = Answers(says(1000, data=status))
    async with Stage(key_pem, answers) as stage:
        await unclear(stage, answers)
        with pytest.raises(OrderConflict) as caught:
            await getattr(stage.client.payouts, how)(ORDER if how == "resolve" else "ORDER0000001")
        assert (*about(caught.value), caught.value.outcome.name) == (CREATE, "ORDER0000001", ORDER, outcome)


async def test_a_conflict_of_transactions_says_which_order_it_is_about(key_pem: str) -> None:
    status = {"mchOrderId": "ORDER0000001", "transactionStatus": "PENDING"}
    answers = Answers(*(says(1000, data={**status, "transactionId": each}) for each in ("D1", "D2")))
    async with Stage(key_pem, answers) as stage:
        answers.stage = stage
        with pytest.raises(OrderConflict) as caught:
            await stage.client.payouts.wait_until_final("ORDER0000001")
        assert about(caught.value) == (CREATE, "ORDER0000001", None)
