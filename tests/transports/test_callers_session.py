"""The network transport over a session that the caller keeps."""

from __future__ import annotations

import aiohttp
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, get, post, raised, script_of

from paycools_async import AiohttpTransport, Outcome


async def test_a_lent_session_stays_open_and_its_own_requests_are_left_alone() -> None:
    async with FaultServer(script_of(answer("200 OK", BODY))) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session=session)
        assert (await transport.send(post(server.url))).body == BODY
        await transport.aclose()
        assert not session.closed
        async with session.get(server.url) as response:
            assert await response.read() == BODY
        assert (await raised(transport.send(post(server.url)))).outcome is Outcome.NOT_SENT


async def test_over_a_lent_session_the_proof_holds_as_well() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with FaultServer(script) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session=session)
        assert (await raised(transport.send(post(server.url)))).outcome is Outcome.UNKNOWN
        assert (await raised(transport.send(post("http://nonexistent.invalid")))).outcome is Outcome.NOT_SENT


async def test_a_lent_session_that_raises_for_errors_does_not_hide_an_answer() -> None:
    page = answer("502 Bad Gateway", b"<html>")
    async with FaultServer(script_of(page)) as server, aiohttp.ClientSession(raise_for_status=True) as session:
        assert (await AiohttpTransport(session=session).send(post(server.url))).status == 502


async def test_a_lent_session_closed_by_its_owner_is_not_sent() -> None:
    session = aiohttp.ClientSession()
    transport = AiohttpTransport(session=session)
    await session.close()
    assert (await raised(transport.send(post("http://127.0.0.1:1")))).outcome is Outcome.NOT_SENT


async def test_a_middleware_of_the_lent_session_does_not_send_a_payout_twice() -> None:
    async def again(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        return response if response.status == 200 else await handler(request)

    page = answer("502 Bad Gateway", b"<html>")
    async with FaultServer(script_of(page)) as server, aiohttp.ClientSession(middlewares=(again,)) as session:
        transport = AiohttpTransport(session=session)
        error = await raised(transport.send(post(server.url)))
        assert str(error) == "the request would have been sent twice; the request had been sent"
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 1)
        assert (await transport.send(get(server.url))).status == 502
        assert len(server.requests) == 3
