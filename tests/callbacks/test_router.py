"""From raw body to handler to answer: the answer is sent only after the handler has returned."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import Any

import pytest
from support.callbacks import PAYOUT, QUESTION, SECRET, enveloped, signed

from paycools_async.callbacks import (
    Answer,
    CallbackRouter,
    GlobalCallbacks,
    PHCallbacks,
    UnknownEvent,
    accept,
    refuse,
)
from paycools_async.endpoint import Event
from paycools_async.errors import ConfigurationError
from paycools_async.ph import BillsPaymentVerification, PayoutSettled, QRPaymentSettled, VerificationCode
from paycools_async.signing import load_private_key

PH_ACK = b'{"code":1,"msg":"success","data":{}}'
LOGGER = "paycools_async.callbacks"


@pytest.fixture
def router() -> CallbackRouter:
    return CallbackRouter(PHCallbacks(SECRET))


async def test_the_handler_gets_the_event_and_paycools_the_documented_answer(router: CallbackRouter) -> None:
    seen: list[PayoutSettled] = []

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None:
        seen.append(event)

    assert await router.handle(signed(PAYOUT)) == (200, PH_ACK)
    assert [event.mch_order_id for event in seen] == ["PAY000000001"]


async def test_the_answer_waits_for_the_handler(router: CallbackRouter) -> None:
    gate = asyncio.Event()
    router.on(PayoutSettled)(lambda event: gate.wait())
    task = asyncio.create_task(router.handle(signed(PAYOUT)))
    while not task.done() and not gate.is_set():
        await asyncio.sleep(0.01)
        assert not task.done()
        gate.set()
    assert (await task)[0] == 200


async def test_a_plain_function_runs_in_a_thread(router: CallbackRouter) -> None:
    threads = []
    router.on(PayoutSettled)(lambda event: threads.append(threading.current_thread()))
    assert (await router.handle(signed(PAYOUT)))[0] == 200
    assert threads != [threading.main_thread()]


async def test_an_object_with_an_async_call_is_a_handler(router: CallbackRouter) -> None:
    class Handler:
        seen = 0

        async def __call__(self, event: Event) -> None:
            self.seen += 1

    handler = Handler()
    router.on(PayoutSettled)(handler)
    assert (await router.handle(signed(PAYOUT)))[0] == 200
    assert handler.seen == 1


async def test_a_failing_handler_makes_paycools_send_again(
    router: CallbackRouter, caplog: pytest.LogCaptureFixture
) -> None:
    """500, and a log entry with the place and the ids, without the message, which may hold account data."""

    payee = "Juan Dela Cruz 09170000001"

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None:
        raise LookupError(f"no row for {payee}")

    status, body = await router.handle(signed(PAYOUT))
    assert (status, json.loads(body)["msg"]) == (500, "failed")
    (record,) = [record for record in caplog.records if record.name == LOGGER]
    assert record.levelno == logging.ERROR
    text = record.getMessage()
    assert "PayoutSettled mch_order_id=PAY000000001" in text
    assert "LookupError" in text
    assert "test_router.py" in text
    assert "0917" not in caplog.text
    assert "150000" not in caplog.text


@pytest.mark.parametrize("raw", [b"", b"{}", signed(PAYOUT, "another secret"), b"\xff", b"[" * 70_000])
async def test_what_is_not_paycools_is_400(
    router: CallbackRouter, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    router.on(Event)(lambda event: pytest.fail("an unverified event reached a handler"))
    assert (await router.handle(raw))[0] == 400
    assert "refused" in caplog.text


async def test_both_families_on_one_url(other_key_pem: str) -> None:
    both = CallbackRouter(PHCallbacks(SECRET), GlobalCallbacks(load_private_key(other_key_pem).public))
    seen: list[Event] = []
    both.on_any(seen.append)
    assert await both.handle(signed(PAYOUT)) == (200, PH_ACK)
    boxed = enveloped(json.dumps(PAYOUT), other_key_pem)
    assert await both.handle(boxed) == (200, b'{"code":10000,"message":"Success"}')
    assert len(seen) == 2


async def test_a_family_without_a_key_is_refused(router: CallbackRouter, other_key_pem: str) -> None:
    assert (await router.handle(enveloped(json.dumps(PAYOUT), other_key_pem)))[0] == 400


async def test_an_event_without_a_handler_is_acknowledged_with_a_warning(
    router: CallbackRouter, caplog: pytest.LogCaptureFixture
) -> None:
    assert await router.handle(signed(PAYOUT)) == (200, PH_ACK)
    assert "PayoutSettled mch_order_id=PAY000000001" in caplog.text
    assert "no handler" in caplog.text


async def test_on_any_takes_what_has_no_handler(router: CallbackRouter) -> None:
    rest: list[Event] = []
    own: list[Event] = []
    router.on_any(rest.append)
    router.on(PayoutSettled)(own.append)
    await router.handle(signed(PAYOUT))
    await router.handle(signed({"eventName": "news"}))
    assert [type(event) for event in own] == [PayoutSettled]
    assert [type(event) for event in rest] == [UnknownEvent]


async def test_the_nearest_class_decides(router: CallbackRouter) -> None:
    seen: list[str] = []
    router.on(Event)(lambda event: seen.append("any"))
    router.on(PayoutSettled)(lambda event: seen.append("payout"))
    await router.handle(signed(PAYOUT))
    await router.handle(signed({"eventName": "news"}))
    assert seen == ["payout", "any"]


async def test_a_known_event_that_does_not_fit_is_not_acknowledged_into_nowhere(
    router: CallbackRouter, caplog: pytest.LogCaptureFixture
) -> None:
    router.on(PayoutSettled)(lambda event: None)
    odd = signed({**PAYOUT, "amount": "a lot"})
    assert (await router.handle(odd))[0] == 500
    assert "fields are not as documented (PayoutSettled:" in caplog.text
    assert "a lot" not in caplog.text
    router.on(UnknownEvent)(lambda event: None)
    assert await router.handle(odd) == (200, PH_ACK)


async def test_a_handler_may_answer_otherwise(router: CallbackRouter) -> None:
    router.on(PayoutSettled)(lambda event: Answer.of({"code": 1}, 202))
    assert await router.handle(signed(PAYOUT)) == (202, b'{"code":1}')


async def test_the_acknowledgement_can_be_replaced() -> None:
    router = CallbackRouter(PHCallbacks(SECRET, ack=Answer(b"{}")))
    router.on(PayoutSettled)(lambda event: True)
    assert await router.handle(signed(PAYOUT)) == (200, b"{}")


def test_one_class_has_one_handler(router: CallbackRouter) -> None:
    router.on(PayoutSettled, QRPaymentSettled)(print)
    with pytest.raises(ConfigurationError, match="QRPaymentSettled has a handler"):
        router.on(QRPaymentSettled)(print)
    router.on_any(print)
    with pytest.raises(ConfigurationError, match="on_any"):
        router.on_any(print)
    with pytest.raises(ConfigurationError, match="name the event"):
        router.on()


def test_a_router_has_each_family_once() -> None:
    with pytest.raises(ConfigurationError):
        CallbackRouter()
    with pytest.raises(ConfigurationError):
        CallbackRouter(PHCallbacks("a"), PHCallbacks("b"))


@pytest.mark.parametrize("plain", [True, False])
async def test_a_handlers_own_cancellation_is_a_failure(router: CallbackRouter, plain: bool) -> None:
    def raises(event: PayoutSettled) -> None:
        raise asyncio.CancelledError

    async def cancels_itself(event: PayoutSettled) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    router.on(PayoutSettled)(raises if plain else cancels_itself)
    assert (await router.handle(signed(PAYOUT)))[0] == 500


async def test_cancelling_passes_through(router: CallbackRouter) -> None:
    begun = asyncio.Event()

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None:
        begun.set()
        await asyncio.sleep(60)

    handling = asyncio.create_task(router.handle(signed(PAYOUT)))
    await begun.wait()
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling


@pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration(), GeneratorExit()])
async def test_a_plain_handler_may_raise_what_no_future_takes(
    router: CallbackRouter, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    @router.on(PayoutSettled)
    def settled(event: PayoutSettled) -> None:
        raise error

    async with asyncio.timeout(60):
        assert (await router.handle(signed(PAYOUT)))[0] == 500
    assert f"the handler raised {type(error).__name__}" in caplog.text


class TestVerification:
    """4.6 is a question: code 2000 accepts; 1000, 1001 and 1002 refuse."""

    @pytest.mark.parametrize(
        ("answer", "body"),
        [
            (accept(), b'{"code":2000,"msg":"Success"}'),
            (refuse(), b'{"code":1000,"msg":"Failed"}'),
            (
                refuse(VerificationCode.REFUSE_PARAMETER),
                b'{"code":1001,"msg":"The reference number do not exist"}',
            ),
            (refuse(VerificationCode.REFUSE_AMOUNT, "at most 500"), b'{"code":1002,"msg":"at most 500"}'),
        ],
    )
    async def test_the_handlers_decision_is_the_answer(
        self, router: CallbackRouter, answer: Answer, body: bytes
    ) -> None:
        router.on(BillsPaymentVerification)(lambda event: answer)
        assert await router.handle(signed(QUESTION)) == (200, body)

    async def test_without_a_decision_nothing_is_accepted(self, router: CallbackRouter) -> None:
        router.on(BillsPaymentVerification)(lambda event: None)
        assert (await router.handle(signed(QUESTION)))[0] == 500

    async def test_without_a_handler_of_its_own_it_is_refused(self, router: CallbackRouter) -> None:
        """A handler for everything would acknowledge, and an acknowledgement is no decision."""
        router.on_any(lambda event: pytest.fail("not asked"))
        router.on(Event)(lambda event: pytest.fail("not asked"))
        assert await router.handle(signed(QUESTION)) == (200, b'{"code":1000,"msg":"Failed"}')

    @pytest.mark.parametrize("fields", [{"amount": None}, {"amount": "a lot"}, {"referenceNumber": None}])
    async def test_one_with_other_fields_is_answered_all_the_same(
        self, router: CallbackRouter, fields: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        """A sibling of it has no amount for some channels. PayCools knows four answers, and an HTTP error is none."""
        router.on(BillsPaymentVerification)(lambda event: accept())
        router.on_any(lambda event: pytest.fail("not asked"))
        odd = signed({**QUESTION, **fields})
        assert await router.handle(odd) == (200, b'{"code":1000,"msg":"Failed"}')
        assert "refused: BillsPaymentVerification:" in caplog.text
        seen: list[UnknownEvent] = []
        router.on(UnknownEvent)(seen.append)
        assert await router.handle(odd) == (200, b'{"code":1000,"msg":"Failed"}')
        assert [each.event_name for each in seen] == ["payment.verification"]

    async def test_who_takes_the_unknown_may_decide(self, router: CallbackRouter) -> None:
        router.on(UnknownEvent)(lambda event: refuse(VerificationCode.REFUSE_AMOUNT))
        odd = signed({**QUESTION, "amount": None})
        assert await router.handle(odd) == (200, b'{"code":1002,"msg":"The amount exceed limit"}')

    def test_accepting_is_no_refusal(self) -> None:
        with pytest.raises(ValueError, match="refusal"):
            refuse(VerificationCode.ACCEPT)


def test_answers_are_what_they_say() -> None:
    value: dict[str, Any] = {"msg": "ñ"}
    assert Answer.of(value).body == '{"msg":"ñ"}'.encode()
