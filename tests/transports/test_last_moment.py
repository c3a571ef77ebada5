"""Too late to write, a connection of one's own, and whether the first byte may have left: over every transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import attrs
import pytest
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, Held, get, post, raised, script_of
from support.waiting import skip, until

from paycools_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, Outcome
from paycools_async.errors import DeadlineExceeded


def from_ask(number: int) -> Callable[[], bool]:
    """It is too late from the ask of this number on."""
    asked = 0

    def expired() -> bool:
        nonlocal asked
        asked += 1
        return asked >= number

    return expired


class Everything:
    """A script that keeps every byte of a connection until the client leaves."""

    def __init__(self) -> None:
        self.received = b""

    async def __call__(self, connection: Connection) -> None:
        while chunk := await connection.reader.read(1 << 16):
            self.received += chunk
        connection.server.left.set()


@pytest.mark.parametrize("number", [1, 2], ids=["before the headers", "before the body"])
async def test_what_is_too_late_is_not_sent_and_no_byte_leaves(network: AiohttpTransport, number: int) -> None:
    """A process that was frozen just before the first byte, and went on too late."""
    everything = Everything()
    async with FaultServer(everything) as server:
        request = attrs.evolve(post(server.url), expired=from_ask(number))
        error = await raised(network.send(request))
        assert isinstance(error, DeadlineExceeded)
        assert (str(error), error.outcome) == ("too late to send; nothing was sent", Outcome.NOT_SENT)
        assert (request.departure.may_have_left, request.departure.times) == (False, 0)
        await asyncio.wait_for(server.left.wait(), 60)
    assert everything.received == b""


async def test_a_read_that_is_too_late_is_not_sent(network: AiohttpTransport) -> None:
    everything = Everything()
    async with FaultServer(everything) as server:
        error = await raised(network.send(attrs.evolve(get(server.url), expired=from_ask(1))))
        assert error.outcome is Outcome.NOT_SENT
        await asyncio.wait_for(server.left.wait(), 60)
    assert everything.received == b""


async def test_headers_and_body_leave_in_one_piece(network: AiohttpTransport) -> None:
    """The proof stands on this: aiohttp reports headers and body before it writes either."""
    reports: list[bytes] = []
    everything = Everything()

    async with FaultServer(everything) as server:

        def expired() -> bool:
            reports.append(everything.received)
            return False

        sending = asyncio.create_task(network.send(attrs.evolve(post(server.url), expired=expired)))
        await until(lambda: everything.received.endswith(b'{"a":1}'))
        skip(6)
        with pytest.raises(DeadlineExceeded):
            await sending
    assert reports == [b"", b""]
    assert everything.received.startswith(b"POST /api/v1/payout HTTP/1.1\r\n")
    assert everything.received.endswith(b'\r\n\r\n{"a":1}')


async def test_where_the_headers_had_left_a_late_body_is_unknown(
    network: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with older versions of aiohttp, which write the headers at once."""
    monkeypatch.setattr("paycools_async.transports.proof._HEADERS_WAIT_FOR_THE_BODY", False)
    async with FaultServer(Everything()) as server:
        error = await raised(network.send(attrs.evolve(post(server.url), expired=from_ask(2))))
    assert error.outcome is Outcome.UNKNOWN


async def test_after_too_late_the_transport_is_usable(network: AiohttpTransport) -> None:
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        await raised(network.send(attrs.evolve(post(server.url), expired=from_ask(2))))
        response = await network.send(attrs.evolve(post(server.url), expired=lambda: False))
        assert response.body == BODY
        assert len(server.requests) == 1


async def test_in_memory_too_late_is_not_sent() -> None:
    seen: list[HttpRequest] = []

    def handler(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, {}, BODY)

    transport = MemoryTransport(handler)
    request = attrs.evolve(post("http://127.0.0.1"), expired=lambda: True)
    assert (await raised(transport.send(request))).outcome is Outcome.NOT_SENT
    assert (seen, request.departure.may_have_left) == ([], False)
    assert (await transport.send(attrs.evolve(request, expired=lambda: False))).status == 200


# --- a connection of one's own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lent", [False, True])
async def test_a_fresh_request_never_goes_over_a_used_connection(lent: bool) -> None:
    async with FaultServer(script_of(answer("200 OK", BODY))) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session=session) if lent else AiohttpTransport(max_connections=1)
        for fresh, accepted in [(False, 1), (False, 1), (True, 2), (True, 3), (False, 3)]:
            response = await transport.send(attrs.evolve(get(server.url), fresh=fresh))
            assert (response.body, server.accepted) == (BODY, accepted)
        await transport.aclose()


async def test_a_fresh_connection_is_not_kept(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY))
        await connection.until_client_leaves()

    async with FaultServer(script) as server:
        await network.send(attrs.evolve(post(server.url), fresh=True))
        await asyncio.wait_for(server.left.wait(), 60)


@pytest.mark.parametrize("make", [post, get])
async def test_the_pool_holds_no_fresh_connection_that_nobody_can_use_again(make: Any) -> None:
    """An inquiry that decides goes over one: a batch of thousands would fill the pool with closed ones."""
    connector = aiohttp.TCPConnector()
    page = script_of(answer("200 OK", BODY))
    async with FaultServer(page) as server, aiohttp.ClientSession(connector=connector) as session:
        transport = AiohttpTransport(session=session)
        for fresh, kept in ((True, 0), (False, 1), (True, 1)):
            await transport.send(attrs.evolve(make(server.url), fresh=fresh))
            assert sum(map(len, connector._conns.values())) == kept
        await transport.aclose()


async def test_a_lent_sessions_headers_proxy_and_traces_are_used() -> None:
    """A proxy takes the whole URL in the request's first line."""
    started: list[str] = []

    async def on_start(_session: Any, _context: Any, params: Any) -> None:
        started.append(str(params.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_start)
    async with FaultServer(script_of(answer("200 OK", BODY))) as proxy:
        async with aiohttp.ClientSession(proxy=proxy.url, headers={"X-Team": "pay"}, trace_configs=[trace]) as session:
            transport = AiohttpTransport(session=session)
            for fresh in (False, True):
                await transport.send(attrs.evolve(post("http://paycools.invalid"), fresh=fresh))
            await transport.aclose()
        assert proxy.accepted == 2
        for sent in proxy.requests:
            assert sent.startswith(b"POST http://paycools.invalid/api/v1/payout HTTP/1.1\r\n")
            assert b"\r\nX-Team: pay\r\n" in sent
    assert started == ["http://paycools.invalid/api/v1/payout"] * 2


# --- an answer that came before its request ---------------------------------------------------------------------------


@pytest.mark.parametrize("lent", [False, True])
@pytest.mark.parametrize("make", [post, get])
async def test_an_answer_that_was_there_before_the_request_is_not_the_requests(lent: bool, make: Any) -> None:
    """A second answer to an earlier request waits on the kept connection."""
    stray = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY))
        if connection.server.accepted == 1:
            await stray.wait()
            await connection.write(answer("200 OK", b"of another request"))
            await connection.until_client_leaves()

    async with FaultServer(script) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session=session) if lent else AiohttpTransport(max_connections=1)
        await transport.send(post(server.url))
        stray.set()
        await asyncio.sleep(0.05)
        error = await raised(transport.send(make(server.url)))
        assert str(error) == "the connection held an answer before the request was sent; nothing was sent"
        assert (error.outcome, len(server.requests)) == (Outcome.NOT_SENT, 1)
        assert (await transport.send(make(server.url))).body == BODY
        assert (len(server.requests), server.accepted) == (2, 2)
        await transport.aclose()


# --- whether the first byte may have left -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["aiohttp", "memory"])
async def test_a_request_cancelled_in_flight_may_have_left(kind: str) -> None:
    async with Held(kind) as held:
        request = post(held.server.url)
        sending = asyncio.create_task(held.transport.send(request))
        await held.came.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert request.departure.may_have_left


async def test_a_request_cancelled_while_it_waits_for_a_connection_has_not_left() -> None:
    async with Held("aiohttp") as held:
        first = asyncio.create_task(held.transport.send(post(held.server.url)))
        await held.came.wait()
        request = post(held.server.url)
        waiting = asyncio.create_task(held.transport.send(request))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not request.departure.may_have_left
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def test_without_word_from_the_transport_it_may_have_left() -> None:
    assert post("http://127.0.0.1").departure.may_have_left
