"""The transport contract, run over every transport: what went wrong, and whether anything had been sent.

The network transport meets a server on a real socket; what only a network can do to it is in test_network.py. The
in-memory transport meets a function that does what can be done without one.
"""

from __future__ import annotations

import asyncio

import pytest
from support.fault_server import FaultServer, answer
from support.transport_stage import BODY, Held, post, raised, script_of

from paycools_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, Outcome, TransportError
from paycools_async.errors import DeadlineExceeded

ANSWERS: dict[str, tuple[str, dict[str, str], bytes]] = {
    "success": ("200 OK", {"Content-Type": "application/json"}, BODY),
    "307 not followed": ("307 Temporary Redirect", {"Location": "/elsewhere"}, b""),
    "302 not followed": ("302 Found", {"Location": "http://127.0.0.1:1/"}, b""),
    "429 with Retry-After": ("429 Too Many Requests", {"Retry-After": "7"}, b"slow down"),
    "502 with HTML": ("502 Bad Gateway", {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
    "not JSON at all": ("200 OK", {}, b"\xff\x00<"),
    "empty": ("200 OK", {}, b""),
    "401": ("401 Unauthorized", {"WWW-Authenticate": "Basic"}, b"no"),
}


@pytest.fixture(params=["aiohttp", "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("status", "headers", "body"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_any_answer_is_returned_as_it_is(
    kind: str, network: AiohttpTransport, status: str, headers: dict[str, str], body: bytes
) -> None:
    if kind == "memory":
        seen: list[HttpRequest] = []

        def handler(request: HttpRequest) -> HttpResponse:
            seen.append(request)
            return HttpResponse(int(status[:3]), headers, body)

        got = await MemoryTransport(handler).send(post("http://127.0.0.1"))
        assert seen == [post("http://127.0.0.1")]
    else:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        async with FaultServer(script_of(answer(status, body, *lines))) as server:
            got = await network.send(post(server.url))
            assert len(server.requests) == 1, "nothing is followed and nothing is sent twice"
            assert server.requests[0].startswith(b"POST /api/v1/payout HTTP/1.1\r\n")
            assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')
    assert (got.status, got.body) == (int(status[:3]), body)
    for name, value in headers.items():
        assert got.headers[name] == value


async def test_an_answer_later_than_the_timeout_is_unknown(kind: str) -> None:
    async with Held(kind) as held:
        error = await raised(held.transport.send(post(held.server.url, timeout=0.1)))
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        assert held.came.is_set()
        assert await held.still_usable()


async def test_cancelling_in_flight_passes_through_and_leaves_the_transport_usable(kind: str) -> None:
    async with Held(kind) as held:
        sending = asyncio.create_task(held.transport.send(post(held.server.url)))
        await held.came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        if kind == "aiohttp":
            await asyncio.wait_for(held.server.left.wait(), 5)
        assert await held.still_usable()


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_no_time_left_means_nothing_is_sent(kind: str, timeout: float) -> None:
    """The libraries below read a timeout of nothing as no timeout at all."""
    async with Held(kind) as held:
        error = await raised(held.transport.send(post(held.server.url, timeout=timeout)))
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.NOT_SENT
        assert not held.came.is_set()


async def test_a_closed_transport_sends_nothing(kind: str) -> None:
    async with Held(kind) as held:
        assert await held.still_usable()
        held.came.clear()
        await held.transport.aclose()
        await held.transport.aclose()
        error = await raised(held.transport.send(post(held.server.url)))
        assert error.outcome is Outcome.NOT_SENT
        assert not held.came.is_set()


async def test_a_transport_that_never_sent_closes_too(kind: str) -> None:
    async with Held(kind) as held:
        await held.transport.aclose()
        assert (await raised(held.transport.send(post(held.server.url)))).outcome is Outcome.NOT_SENT


# --- the in-memory transport ------------------------------------------------------------------------------------------


async def test_in_memory_a_transport_error_of_the_handler_passes_as_it_is() -> None:
    refused = TransportError("refused", outcome=Outcome.NOT_SENT)

    def handler(request: HttpRequest) -> HttpResponse:
        raise refused

    assert await raised(MemoryTransport(handler).send(post("http://127.0.0.1"))) is refused


async def test_in_memory_any_other_error_of_the_handler_is_unknown() -> None:
    async def handler(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError(request.body)

    error = await raised(MemoryTransport(handler).send(post("http://127.0.0.1")))
    assert str(error) == "the handler failed: ZeroDivisionError"
    assert error.outcome is Outcome.UNKNOWN
    assert isinstance(error.__cause__, ZeroDivisionError), "a fault in a test must be found"
