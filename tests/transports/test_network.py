"""The network transport and a server that misbehaves on a real socket."""

from __future__ import annotations

import asyncio
import socket

import pytest
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, Held, get, post, raised, script_of
from support.waiting import skip

from paycools_async import AiohttpTransport, HttpRequest, Outcome
from paycools_async.errors import DeadlineExceeded, NetworkCause


async def test_a_refused_connection_is_not_sent(network: AiohttpTransport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        error = await raised(network.send(get(f"http://127.0.0.1:{taken.getsockname()[1]}")))
    assert error.outcome is Outcome.NOT_SENT
    assert str(error) == "ClientConnectorError (refused) from 127.0.0.1; nothing was sent"
    assert error.cause == NetworkCause("ClientConnectorError", "refused")


async def test_a_host_that_does_not_resolve_is_not_sent(network: AiohttpTransport) -> None:
    error = await raised(network.send(get("https://nonexistent.invalid")))
    assert error.outcome is Outcome.NOT_SENT
    assert "nonexistent.invalid" in str(error)
    assert error.cause == NetworkCause("ClientConnectorDNSError", "dns")


async def test_a_reset_before_the_request_was_read_is_not_called_not_sent_once_bytes_left(
    network: AiohttpTransport,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.reader.readexactly(1)
        connection.reset()

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url)))
        assert server.requests == []
    # the request was being written: no proof that nothing arrived
    assert error.outcome is Outcome.UNKNOWN


async def test_a_reset_after_the_request_is_unknown(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url)))
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 1)
        assert str(error).endswith("from 127.0.0.1; the request had been sent")


async def test_a_close_without_an_answer_is_unknown_and_a_post_is_not_repeated(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url)))
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 1)


async def test_a_kept_connection_that_the_server_drops_does_not_repeat_a_post(network: AiohttpTransport) -> None:
    """A pooled connection may die under the next request; a request that moves money is still written only once."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY))
        await connection.request()
        connection.reset()

    async with FaultServer(script) as server:
        assert (await network.send(post(server.url))).status == 200
        error = await raised(network.send(post(server.url)))
        assert (error.outcome, len(server.requests), server.accepted) == (Outcome.UNKNOWN, 2, 1)


PARTS = {
    "half a body": answer("200 OK", BODY)[:-10],
    "half a chunked body": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\nhal",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "garbage": b"\x16\x03\x01 this is no HTTP\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "bad compression": answer("200 OK", b"not gzip", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("data", PARTS.values(), ids=PARTS.keys())
async def test_an_answer_that_is_not_whole_http_is_unknown(network: AiohttpTransport, data: bytes) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(data)

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url)))
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 1)


async def test_a_stalled_body_beyond_the_timeout_is_unknown(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY)[:-10])
        await asyncio.sleep(0.01)
        skip(6)
        await connection.until_client_leaves()

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url)))
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        await asyncio.wait_for(server.left.wait(), 60)


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_over_the_cap_is_unknown_and_its_connection_is_dropped(chunked: bool) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 2001
    if chunked:
        start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n" + b"x" * 2001 + b"\r\n"

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(start)  # and there is more to come
        await connection.until_client_leaves()

    transport = AiohttpTransport(max_answer=2000)
    async with FaultServer(script) as server:
        error = await raised(transport.send(post(server.url)))
        assert (str(error), error.outcome) == ("the answer is longer than 2000 bytes", Outcome.UNKNOWN)
        await asyncio.wait_for(server.left.wait(), 60)
    await transport.aclose()


async def test_an_answer_of_exactly_the_cap_is_taken() -> None:
    transport = AiohttpTransport(max_answer=len(BODY))
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        assert (await transport.send(post(server.url))).body == BODY
    await transport.aclose()


async def test_waiting_for_a_free_connection_beyond_the_timeout_is_not_sent() -> None:
    async with Held("aiohttp") as held:
        first = asyncio.create_task(held.transport.send(post(held.server.url)))
        await held.came.wait()
        error = await raised(held.transport.send(get(held.server.url, timeout=0.1)))
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.NOT_SENT
        assert len(held.server.requests) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await held.still_usable()


async def test_cancelling_while_waiting_for_a_connection_leaks_none() -> None:
    async with Held("aiohttp") as held:
        first = asyncio.create_task(held.transport.send(post(held.server.url)))
        await held.came.wait()
        waiting = [asyncio.create_task(held.transport.send(post(held.server.url))) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        assert {type(gone) for gone in await asyncio.gather(*waiting, return_exceptions=True)} == {
            asyncio.CancelledError
        }
        assert held.server.accepted == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await held.still_usable()
        assert len(held.server.requests) == 2
        await held.transport.aclose()
        await asyncio.sleep(0)
    assert held.server.open == 0


async def test_closing_drops_every_connection(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY))
        await connection.until_client_leaves()

    async with FaultServer(script) as server:
        await network.send(post(server.url))
        assert server.open == 1
        await network.aclose()
        await asyncio.wait_for(server.left.wait(), 60)


async def test_the_url_travels_as_it_is_signed(network: AiohttpTransport) -> None:
    """No second round of percent-encoding or decoding between the signature and the socket."""
    target = "/api/v1/A%2FB/check?a=1%202&b=%C3%B1%26&sign=%2B%2F%3D%3D&d=a~b"
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        await network.send(HttpRequest("GET", server.url + target, {}, None, 5.0))
        assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())
