"""What an observer is told: each attempt and each end, ids and numbers alone, and it can spoil nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from support.engine_stage import FOUND, ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, Step, says
from support.waiting import time_out_after

from paycools_async import (
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
    Retry,
)
from paycools_async.errors import PayCoolsError
from paycools_async.hooks import AttemptEnded, AttemptStarted, CallEnded, CallStarted, ClientPaused, Observer

CREATE, ID, PATH = "ph.payout.create", "ORDER0000001", "/api/v1/payout"
URL = "https://api-uat.paycools.com" + PATH


class Notes(Observer):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def call_started(self, call: CallStarted) -> None:
        self.told.append(call)

    def attempt_started(self, attempt: AttemptStarted) -> None:
        self.told.append(attempt)

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        self.told.append(attempt)

    def call_ended(self, call: CallEnded) -> None:
        self.told.append(call)

    def paused(self, pause: ClientPaused) -> None:
        self.told.append(pause)


async def test_each_attempt_and_the_end_are_told_in_order(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, REFUSED, SUCCESS, observers=[notes]) as stage:
        await stage.client.send(ORDER)
        took = stage.clock.monotonic()
    assert notes.told == [
        CallStarted(operation=CREATE, order_id=ID),
        AttemptStarted(operation=CREATE, order_id=ID, method="POST", number=1, url=URL, route=PATH),
        AttemptEnded(
            operation=CREATE, order_id=ID, number=1, seconds=0.0, outcome=Outcome.NOT_SENT, error="TransportError"
        ),
        AttemptStarted(operation=CREATE, order_id=ID, method="POST", number=2, url=URL, route=PATH),
        AttemptEnded(operation=CREATE, order_id=ID, number=2, seconds=0.0, outcome=Outcome.ACCEPTED, status=200),
        CallEnded(operation=CREATE, order_id=ID, seconds=took, attempts=2, outcome=Outcome.ACCEPTED, status=200),
    ]
    assert took > 0
    assert len({each.call for each in notes.told}) == 1


async def test_a_refusal_and_an_unclear_end_say_what_they_are(key_pem: str) -> None:
    notes = Notes()
    for step in (says(1006), says(1018), RESET, HttpResponse(502, {}, b"<html>")):
        async with Stage(key_pem, step, observers=[notes]) as stage:
            with pytest.raises(PayCoolsError):
                await stage.client.send(ORDER)
    attempts = [each for each in notes.told if isinstance(each, AttemptEnded)]
    assert [(each.error, each.status, each.code, each.outcome) for each in attempts] == [
        ("InsufficientBalance", 200, 1006, Outcome.REJECTED),
        ("TransientError", 200, 1018, Outcome.UNKNOWN),
        ("TransportError", None, None, Outcome.UNKNOWN),
        ("UnexpectedAnswer", 502, None, Outcome.UNKNOWN),
    ]
    ends = [each for each in notes.told if isinstance(each, CallEnded)]
    assert [(each.error, each.code, each.outcome, each.status) for each in ends] == [
        ("InsufficientBalance", 1006, Outcome.REJECTED, 200),
        ("OutcomeUnknown", 1018, Outcome.UNKNOWN, 200),
        ("OutcomeUnknown", None, Outcome.UNKNOWN, None),
        ("OutcomeUnknown", None, Outcome.UNKNOWN, 502),
    ]


async def test_nothing_of_a_person_and_no_words_of_paycools_are_told(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, says(1009, "accountNo:09171234567 of Juan Dela Cruz"), observers=[notes]) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
    assert len(notes.told) == 4
    for secret in ("09171234567", "Juan", "accountNo"):
        assert secret not in repr(notes.told)


@pytest.mark.parametrize("raised", [ZeroDivisionError(), asyncio.CancelledError()], ids=["error", "cancellation"])
async def test_what_an_observer_raises_goes_to_the_loop_and_not_to_the_call(
    key_pem: str, raised: BaseException
) -> None:
    """A cancellation too: of a future that it asked for its result."""

    class Broken(Observer):
        def attempt_started(self, attempt: AttemptStarted) -> None:
            raise raised

        attempt_ended = call_started = call_ended = attempt_started  # type: ignore[assignment]

    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    notes = Notes()
    async with Stage(key_pem, SUCCESS, observers=[Broken(), notes]) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"
    assert [context["message"] for context in said] == ["the observer Broken failed"] * 4
    assert len(notes.told) == 4


@pytest.mark.parametrize("raised", [KeyError("tenant"), asyncio.CancelledError()], ids=["error", "cancellation"])
@pytest.mark.parametrize("end", ["accepted", "unclear", "busy", "cancelled"])
async def test_what_a_log_filter_raises_does_not_stand_in_for_the_outcome(
    key_pem: str, raised: BaseException, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_record: logging.LogRecord) -> bool:
        raise raised

    came = asyncio.Event()

    async def never(_request: HttpRequest) -> HttpResponse:
        came.set()
        await asyncio.Event().wait()
        return SUCCESS

    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    log = logging.getLogger("paycools_async")
    caplog.set_level(logging.INFO, "paycools_async")
    log.addFilter(broken)
    try:
        all_steps: dict[str, list[Step]] = {"unclear": [RESET], "busy": [says(1013), FOUND]}
        steps = all_steps.get(end, [SUCCESS])
        async with Stage(key_pem, *steps) as stage:
            if end == "cancelled":
                stage.client._engine.attempts.transport = MemoryTransport(never)
                with pytest.raises(TimeoutError):
                    async with time_out_after(came):
                        await stage.client.send(ORDER)
            elif end == "unclear":
                with pytest.raises(OutcomeUnknown):
                    await stage.client.send(ORDER)
            elif end == "busy":
                assert (await stage.client.send(QUERY)).transaction_id == "D1"
            else:
                assert (await stage.client.send(ORDER)).transaction_id == "C1"
    finally:
        log.removeFilter(broken)
    assert {context["message"] for context in said} == {"logging failed"}


async def test_a_hook_that_would_have_to_be_awaited_is_refused_or_told_to_the_loop(key_pem: str) -> None:
    class Later:
        async def __call__(self, _end: CallEnded) -> None: ...

    async def later(_end: CallEnded) -> None: ...

    for hook in (Later(), later):
        with pytest.raises(ConfigurationError, match="on_call: a plain function"):
            Stage(key_pem, SUCCESS, on_call=hook)
    with pytest.raises(ConfigurationError, match="observers: each is an Observer, not int"):
        Stage(key_pem, SUCCESS, observers=[5])
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    async with Stage(key_pem, SUCCESS, on_call=lambda end: later(end)) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"
    assert [str(context["exception"]) for context in said] == ["it is not awaited, so it may not be async"]


async def test_a_cancelled_call_ends_too(key_pem: str) -> None:
    notes = Notes()
    came = asyncio.Event()

    async def held(request: HttpRequest) -> HttpResponse:
        came.set()
        await asyncio.Event().wait()
        return SUCCESS

    merchant = PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    async with PayCoolsPH(merchant, transport=MemoryTransport(held), observers=[notes]) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await came.wait()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        with pytest.raises(OutcomeUnknown):
            async with asyncio.timeout(0.05):
                raise OutcomeUnknown("still usable")
    (end,) = [each for each in notes.told if isinstance(each, CallEnded)]
    assert (end.error, end.outcome, end.attempts) == ("CancelledError", Outcome.UNKNOWN, 1)


async def test_what_is_refused_before_its_turn_has_no_attempt(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, SUCCESS, observers=[notes]) as stage:
        stage.client._engine.attempts.pace.busy(0.0, 100.0)
        with pytest.raises(PayCoolsError):
            await stage.client.send(QUERY)
    _, end = notes.told
    assert (end.operation, end.error, end.outcome) == ("ph.payout.query", "DeadlineExceeded", Outcome.NOT_SENT)


async def test_a_pause_of_the_client_is_told_once(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, says(1013), says(1013, Retry_After="7"), FOUND, observers=[notes]) as stage:
        await stage.client.send(QUERY)
        stage.client._engine.attempts.pace.busy(0.0)
    pauses = [each for each in notes.told if isinstance(each, ClientPaused)]
    assert pauses == [
        ClientPaused(operation="ph.payout.query", seconds=0.25, error="RateLimited"),
        ClientPaused(operation="ph.payout.query", seconds=7.0, error="RateLimited"),
    ]


async def test_answers_to_what_was_sent_before_a_pause_begin_no_other(key_pem: str) -> None:
    notes = Notes()
    busy = asyncio.Event()

    async def answer(request: HttpRequest) -> HttpResponse:
        await busy.wait()
        return says(1013)

    merchant = PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    once = Retry(attempts=1)
    async with PayCoolsPH(merchant, transport=MemoryTransport(answer), observers=[notes], retry=once) as client:
        calls = [asyncio.create_task(client.send(QUERY)) for _ in range(5)]
        while sum(isinstance(each, AttemptStarted) for each in notes.told) < 5:
            await asyncio.sleep(0)
        busy.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each).__name__ for each in ended] == ["RateLimited"] * 5
    assert sum(isinstance(each, ClientPaused) for each in notes.told) == 1


async def test_plain_functions_get_the_ends(key_pem: str) -> None:
    calls: list[CallEnded] = []
    attempts: list[AttemptEnded] = []
    async with Stage(key_pem, REFUSED, SUCCESS, on_call=calls.append, on_attempt=attempts.append) as stage:
        await stage.client.send(ORDER)
    assert [(call.operation, call.attempts, call.outcome) for call in calls] == [(CREATE, 2, Outcome.ACCEPTED)]
    assert [(attempt.number, attempt.outcome) for attempt in attempts] == [
        (1, Outcome.NOT_SENT),
        (2, Outcome.ACCEPTED),
    ]


async def test_what_a_plain_function_raises_enters_no_call(key_pem: str) -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    async with Stage(key_pem, SUCCESS, on_call=lambda call: 1 / 0, on_attempt=lambda attempt: 1 / 0) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"
    assert [context["message"] for context in said] == [
        "the observer OnAttempt failed",
        "the observer OnCall failed",
    ]


@pytest.mark.parametrize("name", ["on_call", "on_attempt"])
def test_a_function_that_would_have_to_be_awaited_is_refused(key_pem: str, name: str) -> None:
    async def later(told: object) -> None: ...

    for function in (later, "no function"):
        with pytest.raises(ConfigurationError, match=f"{name}: a plain function"):
            Stage(key_pem, SUCCESS, **{name: function})
