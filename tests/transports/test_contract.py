"""The transport contract, run over every transport: what went wrong, and whether anything had been sent.

The network transport meets a server on a real socket; what only a network can do to it is in test_network.py. The
in-memory transport meets a function that does what can be done without one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from support.fault_server import FaultServer, answer
from support.transport_stage import BODY, Held, get, post, raised, script_of
from support.waiting import skip

from paycools_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, Outcome, TransportError
from paycools_async.errors import DeadlineExceeded
from paycools_async.testing import ManualClock

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
        sending = asyncio.create_task(raised(held.transport.send(post(held.server.url))))
        await held.came.wait()
        skip(6)
        error = await sending
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        assert await held.still_usable()


async def test_cancelling_in_flight_passes_through_and_leaves_the_transport_usable(kind: str) -> None:
    async with Held(kind) as held:
        sending = asyncio.create_task(held.transport.send(post(held.server.url)))
        await held.came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        if kind == "aiohttp":
            await asyncio.wait_for(held.server.left.wait(), 60)
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


# --- a file in pieces -------------------------------------------------------------------------------------------------


class Peer:
    """Either transport, with the same answer at its other end."""

    def __init__(self, kind: str, status: str, body: bytes, *headers: str) -> None:
        self.server = FaultServer(script_of(answer(status, body, *headers)))
        named = dict(line.split(": ", 1) for line in headers)
        whole = HttpResponse(int(status[:3]), {"Content-Length": str(len(body)), **named}, body)
        self.transport: AiohttpTransport | MemoryTransport = (
            AiohttpTransport(max_connections=1) if kind == "aiohttp" else MemoryTransport(lambda _: whole)
        )

    async def __aenter__(self) -> Peer:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.transport.aclose()
        await self.server.__aexit__(*error)


@pytest.mark.parametrize(
    ("status", "header"), [("200 OK", "X-Odd: 1"), ("302 Found", "Location: http://127.0.0.1:1/"), ("503 Busy", "A: b")]
)
async def test_any_answer_can_be_streamed_as_it_is(kind: str, status: str, header: str) -> None:
    body = bytes(range(256)) * 4096
    async with Peer(kind, status, body, header) as peer:
        async with peer.transport.stream(get(peer.server.url)) as streamed:
            assert (streamed.status, streamed.headers["Content-Length"]) == (int(status[:3]), str(len(body)))
            assert b"".join([chunk async for chunk in streamed.chunks]) == body
        assert (await peer.transport.send(get(peer.server.url))).body == body


async def test_a_stream_that_is_left_early_holds_no_connection(kind: str) -> None:
    async with Peer(kind, "200 OK", b"x" * (1 << 20)) as peer:
        for _ in range(3):
            async with peer.transport.stream(get(peer.server.url)) as streamed:
                assert (await anext(streamed.chunks))[:1] == b"x"


async def test_an_error_of_the_reader_passes_through_a_stream_as_it_is(kind: str) -> None:
    async with Peer(kind, "200 OK", BODY) as peer:
        with pytest.raises(ZeroDivisionError):
            async with peer.transport.stream(get(peer.server.url)):
                raise ZeroDivisionError


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_without_time_nothing_is_streamed(kind: str, timeout: float) -> None:
    async with Peer(kind, "200 OK", BODY) as peer:
        with pytest.raises(DeadlineExceeded) as caught:
            async with peer.transport.stream(get(peer.server.url, timeout=timeout)):
                pass
        assert (caught.value.outcome, peer.server.accepted) == (Outcome.NOT_SENT, 0)


async def test_a_closed_transport_streams_nothing(kind: str) -> None:
    async with Peer(kind, "200 OK", BODY) as peer:
        await peer.transport.aclose()
        with pytest.raises(TransportError) as caught:
            async with peer.transport.stream(get(peer.server.url)):
                pass
        assert (caught.value.outcome, peer.server.accepted) == (Outcome.NOT_SENT, 0)


async def test_how_often_it_was_written_is_counted(kind: str) -> None:
    async with Peer(kind, "200 OK", BODY) as peer:
        request = post(peer.server.url)
        await peer.transport.send(request)
        assert request.departure.times == 1
        none = post(peer.server.url, timeout=0.0)
        await raised(peer.transport.send(none))
        assert none.departure.times == 0


async def test_in_memory_a_manual_clock_counts_the_time_however_long_the_machine_takes() -> None:
    """A stalled machine ends no call whose clock stands still, and a moved clock ends one in no time."""
    clock, came, gate = ManualClock(), asyncio.Event(), asyncio.Event()

    async def handler(request: HttpRequest) -> HttpResponse:
        came.set()
        await gate.wait()
        return HttpResponse(200, {}, BODY)

    transport = MemoryTransport(handler)
    request = attrs.evolve(post("http://127.0.0.1", timeout=0.02), clock=clock)
    answered = asyncio.create_task(transport.send(request))
    await came.wait()
    await asyncio.sleep(0.1)
    clock.advance(0.01)
    gate.set()
    assert (await answered).body == BODY

    gate.clear()
    came.clear()
    late = asyncio.create_task(raised(transport.send(attrs.evolve(request, timeout=3600.0))))
    await came.wait()
    clock.advance(3599)
    await asyncio.sleep(0)
    assert not late.done()
    clock.advance(1)
    error = await asyncio.wait_for(late, 60)
    assert isinstance(error, DeadlineExceeded)
    assert error.outcome is Outcome.UNKNOWN
