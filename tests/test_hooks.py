"""What an observer is told: each attempt and each end, ids and numbers alone, and it can spoil nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, says

from paycools_async import (
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
)
from paycools_async.errors import PayCoolsError
from paycools_async.hooks import AttemptEnded, AttemptStarted, CallEnded, Observer

CREATE, ID = "ph.payout.create", "ORDER0000001"


class Notes(Observer):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def attempt_started(self, attempt: AttemptStarted) -> None:
        self.told.append(attempt)

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        self.told.append(attempt)

    def call_ended(self, call: CallEnded) -> None:
        self.told.append(call)


async def test_each_attempt_and_the_end_are_told_in_order(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, REFUSED, SUCCESS, observers=[notes]) as stage:
        await stage.client.send(ORDER)
        took = stage.clock.monotonic()
    assert notes.told == [
        AttemptStarted(operation=CREATE, order_id=ID, method="POST", number=1),
        AttemptEnded(
            operation=CREATE, order_id=ID, number=1, seconds=0.0, outcome=Outcome.NOT_SENT, error="TransportError"
        ),
        AttemptStarted(operation=CREATE, order_id=ID, method="POST", number=2),
        AttemptEnded(operation=CREATE, order_id=ID, number=2, seconds=0.0, outcome=Outcome.ACCEPTED, status=200),
        CallEnded(operation=CREATE, order_id=ID, seconds=took, attempts=2, outcome=Outcome.ACCEPTED),
    ]
    assert took > 0


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
    assert [(each.error, each.code, each.outcome) for each in ends] == [
        ("InsufficientBalance", 1006, Outcome.REJECTED),
        ("OutcomeUnknown", 1018, Outcome.UNKNOWN),
        ("OutcomeUnknown", None, Outcome.UNKNOWN),
        ("OutcomeUnknown", None, Outcome.UNKNOWN),
    ]


async def test_nothing_of_a_person_and_no_words_of_paycools_are_told(key_pem: str) -> None:
    notes = Notes()
    async with Stage(key_pem, says(1009, "accountNo:09171234567 of Juan Dela Cruz"), observers=[notes]) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
    assert len(notes.told) == 3
    for secret in ("09171234567", "Juan", "accountNo"):
        assert secret not in repr(notes.told)


async def test_what_an_observer_raises_goes_to_the_loop_and_not_to_the_call(key_pem: str) -> None:
    class Broken(Observer):
        def attempt_started(self, attempt: AttemptStarted) -> None:
            raise ZeroDivisionError

        attempt_ended = call_ended = attempt_started  # type: ignore[assignment]

    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    notes = Notes()
    async with Stage(key_pem, SUCCESS, observers=[Broken(), notes]) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"
    assert [context["message"] for context in said] == ["the observer Broken failed"] * 3
    assert len(notes.told) == 3


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
    (end,) = notes.told
    assert (end.operation, end.error, end.outcome) == ("ph.payout.query", "DeadlineExceeded", Outcome.NOT_SENT)
