"""The network transport over a session that the caller keeps."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from support.authority import Authority
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, get, post, raised, script_of

from paycools_async import AiohttpTransport, ConfigurationError, Outcome


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


async def test_a_middleware_of_the_lent_session_is_asked_for_nothing() -> None:
    """One that tries again would send a payout again; the caller's own requests go through it as before."""

    async def again(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        return response if response.status == 200 else await handler(request)

    page = answer("502 Bad Gateway", b"<html>")
    async with FaultServer(script_of(page)) as server, aiohttp.ClientSession(middlewares=(again,)) as session:
        transport = AiohttpTransport(session=session)
        for count, request in enumerate((post(server.url), get(server.url)), 1):
            assert (await transport.send(request)).status == 502
            assert len(server.requests) == count
        async with session.get(server.url) as response:
            assert (response.status, len(server.requests)) == (502, 4)


async def test_a_middleware_that_answers_by_itself_is_not_believed() -> None:
    async def made_up(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        raise AssertionError("nobody asked")

    async with (
        FaultServer(script_of(answer("200 OK", BODY))) as server,
        aiohttp.ClientSession(middlewares=(made_up,)) as session,
    ):
        assert (await AiohttpTransport(session=session).send(post(server.url))).body == BODY
        assert len(server.requests) == 1


async def test_an_answer_that_comes_while_a_trace_of_the_callers_holds_the_body_back_is_not_the_requests() -> None:
    """The payout was not written yet: what is read meanwhile says nothing of it."""
    held = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY))
        await held.wait()
        await connection.write(answer("200 OK", BODY))
        await connection.until_client_leaves()

    async def hold(_session: object, _context: object, _params: object) -> None:
        if server.requests:
            held.set()
            await asyncio.Event().wait()

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(hold)
    async with FaultServer(script) as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        transport = AiohttpTransport(session=session)
        assert (await transport.send(post(server.url))).body == BODY
        error = await raised(transport.send(post(server.url, timeout=None)))
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 1)
        assert str(error).startswith("the connection held an answer before the request was sent")
        await asyncio.wait_for(server.left.wait(), 60)


async def test_nothing_of_the_lent_session_changes_what_is_sent() -> None:
    """Neither its credentials, cookies, base URL nor headers that say how the body is to be read."""
    headers = {
        "Authorization": "Basic c2VjcmV0",
        "Content-Type": "text/plain",
        "Content-Encoding": "gzip",
        "Expect": "100-continue",
        "Transfer-Encoding": "chunked",
        "Host": "elsewhere.example",
        "Accept-Encoding": "gzip, br, zstd",
        "X-HTTP-Method-Override": "DELETE",
        "Range": "bytes=0-1",
        "If-None-Match": "*",
        "Content-MD5": "x",
        "Digest": "x",
        "X-Team": "pay",
    }
    cookies = aiohttp.CookieJar(unsafe=True)
    cookies.update_cookies({"session": "mine"})
    async with (
        FaultServer(script_of(answer("200 OK", BODY, "Set-Cookie: b=c"))) as server,
        aiohttp.ClientSession(
            server.url + "/somewhere/", headers=headers, cookie_jar=cookies, timeout=aiohttp.ClientTimeout(0.000001)
        ) as session,
    ):
        transport = AiohttpTransport(session=session)
        assert (await transport.send(post(server.url))).body == BODY
        assert (await transport.send(post(server.url))).body == BODY
        assert len(list(cookies)) == 1, "what is set in an answer is not kept either"
    for sent in server.requests:
        head, _, body = sent.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /api/v1/payout HTTP/1.1\r\n")
        assert b"\r\nContent-Type: application/json" in head
        assert b"\r\nX-Team: pay" in head
        for word in (
            b"Authorization",
            b"text/plain",
            b"gzip\r\nExpect",
            b"Expect",
            b"chunked",
            b"elsewhere",
            b"Cookie",
            b"br, zstd",
            b"DELETE",
            b"Range",
            b"If-None-Match",
            b"MD5",
            b"Digest",
        ):
            assert word not in head
        assert body == b'{"a":1}'


async def test_an_environment_that_the_lent_session_trusts_gives_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with (
        FaultServer(script_of(answer("200 OK", BODY))) as server,
        aiohttp.ClientSession(trust_env=True) as session,
    ):
        await AiohttpTransport(session=session).send(post(server.url))
    assert b"Authorization" not in server.requests[0]


async def test_a_redirect_is_not_followed_whatever_the_session_would_do() -> None:
    elsewhere = answer("307 Temporary Redirect", b"", "Location: /again")
    async with FaultServer(script_of(elsewhere)) as server, aiohttp.ClientSession() as session:
        assert (await AiohttpTransport(session=session).send(post(server.url))).status == 307
        assert len(server.requests) == 1


async def test_what_is_no_session_of_aiohttp_itself_is_refused_at_once() -> None:
    class RetryClient:
        """As packages have it that try again by themselves."""

    with pytest.raises(ConfigurationError, match=r"give an aiohttp\.ClientSession, not RetryClient"):
        AiohttpTransport(session=RetryClient())  # type: ignore[arg-type]


async def test_however_many_clients_use_a_session_it_has_the_traces_it_had() -> None:
    """And each call is told to one trace of ours, whoever else uses the session."""
    told: list[int] = []

    async def on_start(used: aiohttp.ClientSession, _context: object, _params: object) -> None:
        told.append(len(used.trace_configs))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_start)
    async with (
        FaultServer(script_of(answer("200 OK", BODY))) as server,
        aiohttp.ClientSession(trace_configs=[trace]) as session,
    ):
        transports = [AiohttpTransport(session=session) for _ in range(50)]
        for transport in transports:
            await transport.send(get(server.url))
        assert (told, session.trace_configs) == ([2] * 50, [trace])
        for transport in transports:
            await transport.aclose()
        async with session.get(server.url):
            pass
        assert told[50:] == [1]
        assert server.accepted == 1


@pytest.mark.parametrize("used_before", [False, True])
async def test_a_session_that_checks_no_certificates_does_not_pay_where_nobody_vouches(
    authority: Authority, used_before: bool
) -> None:
    """Nor over a connection that it has made so for itself."""
    connector = aiohttp.TCPConnector(ssl=False)
    page = script_of(answer("200 OK", BODY))
    async with (
        FaultServer(page, tls=authority.serving("127.0.0.1")) as server,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        if used_before:
            async with session.get(server.url) as response:
                assert await response.read() == BODY
        seen = len(server.requests)
        error = await raised(AiohttpTransport(session=session).send(post(server.url)))
        assert (error.outcome, len(server.requests)) == (Outcome.NOT_SENT, seen)
        known = AiohttpTransport(session=session, ca_file=authority.file)
        assert (await known.send(post(server.url))).body == BODY


async def test_the_authorities_of_a_sessions_connector_are_not_asked(authority: Authority) -> None:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(authority.file)))
    page = script_of(answer("200 OK", BODY))
    async with (
        FaultServer(page, tls=authority.serving("127.0.0.1")) as server,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        error = await raised(AiohttpTransport(session=session).send(post(server.url)))
        assert (error.outcome, server.requests) == (Outcome.NOT_SENT, [])
