"""Deadlines, pauses, and how fast a client may go."""

from __future__ import annotations

import asyncio

import pytest
from support.engine_stage import ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, says

from paycools_async import (
    HttpRequest,
    HttpResponse,
    Outcome,
    OutcomeUnknown,
    Pace,
    Retry,
)
from paycools_async.errors import DeadlineExceeded, PayCoolsError, TransportError
from paycools_async.testing import ManualClock


async def test_one_deadline_covers_all_attempts_and_pauses(key_pem: str) -> None:
    clock: list[ManualClock] = []

    def slow(request: HttpRequest) -> HttpResponse:
        clock[0].advance(4.0)
        raise RESET

    async with Stage(key_pem, slow, timeout=10.0, retry=Retry(attempts=100)) as stage:
        clock.append(stage.clock)
        with pytest.raises(TransportError):
            await stage.client.send(QUERY)
        assert len(stage.sent) in (2, 3)
        timeouts = [request.timeout for request in stage.sent]
        assert timeouts == [pytest.approx(10.0 - at) for at in stage.at], "each attempt gets what is left"
        assert stage.at[-1] < 10.0


@pytest.mark.parametrize("pause", [5.0, 20.0])
async def test_a_pause_that_would_outlast_the_deadline_is_not_begun(
    key_pem: str, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that ends with it."""
    monkeypatch.setattr("paycools_async.policy.retry.random.uniform", lambda _, most: most)
    retry = Retry(attempts=9, first_pause=pause, longest_pause=pause)
    async with Stage(key_pem, REFUSED, timeout=5.0, retry=retry) as stage:
        with pytest.raises(TransportError, match="refused"):
            await stage.client.send(ORDER)
        assert (len(stage.sent), stage.clock.monotonic()) == (1, 0.0)


async def test_a_signature_that_does_not_come_in_time_sends_nothing(key_pem: str) -> None:
    class Stuck:
        async def sign(self, text: bytes) -> bytes:
            await asyncio.Event().wait()
            return b""

    async with Stage(key_pem, SUCCESS, timeout=0.05, signer=Stuck()) as stage:
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await stage.client.send(ORDER)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert stage.sent == []


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_slows_the_whole_client(key_pem: str, status: int) -> None:
    busy = HttpResponse(status, {"retry-after": "7"}, b"busy")
    async with Stage(key_pem, busy, SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await asyncio.gather(stage.client.call("POST", "/api/v1/x"), stage.client.call("GET", "/api/v1/y"))
        assert stage.at == [0.0, 7.0, 7.0]


@pytest.mark.parametrize("code", [1000, 1006])
async def test_retry_after_counts_under_a_json_answer_too(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code, status=429, Retry_After="7"), SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 7.0]


@pytest.mark.parametrize("code", [1013, 1018])
async def test_a_busy_code_slows_the_whole_client(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code), SUCCESS) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 0.25]


async def test_a_rate_holds_for_all_calls_of_a_client(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        stage.client._engine.attempts.pace = Pace(10, clock=stage.clock)
        for _ in range(5):
            await stage.client.call("POST", "/api/v1/x")
        assert stage.at == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("value", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "999999999", ""])
async def test_a_retry_after_that_is_no_plain_number_is_ignored(key_pem: str, value: str) -> None:
    async with Stage(key_pem, HttpResponse(429, {"Retry-After": value}, b""), SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 0.25]
