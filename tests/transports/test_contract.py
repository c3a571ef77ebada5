"""The transport contract, run over every transport: what went wrong, and whether anything had been sent.

The network transport meets a server that misbehaves on a real socket. The in-memory transport meets a function that
does what can be done without a network; cases that need one are the network's alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from transports.fault_server import Connection, FaultServer, answer, reset

from paycools_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, Outcome, TransportError
from paycools_async.errors import DeadlineExceeded

BODY = b'{"code":1000,"message":"success","data":{}}'
SECRET = "accountNo=0012345678&sign=c2lnbmF0dXJl"


def post(url: str, *, timeout: float | None = 5.0) -> HttpRequest:
    """A request as the engine makes it. `timeout` is short only where it is the point."""
    return HttpRequest("POST", url + "/api/v1/payout", {"Content-Type": "application/json"}, b'{"a":1}', timeout)


def get(url: str, *, timeout: float | None = 5.0) -> HttpRequest:
    return HttpRequest("GET", f"{url}/api/v1/payout/check?{SECRET}", {}, None, timeout)


def script_of(data: bytes) -> Callable[[Connection], Awaitable[None]]:
    """Read a request, write these bytes, and go on with the next one on the same connection."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(data)

    return script


async def raised(sending: Awaitable[HttpResponse]) -> TransportError:
    """The one kind of error a transport may raise; it shows nothing of the request."""
    with pytest.raises(TransportError) as caught:
        await sending
    assert "0012345678" not in repr(caught.value) + str(caught.value)
    cause = caught.value.__cause__
    assert cause is None or "0012345678" not in str(cause)
    return caught.value


@pytest.fixture
async def network() -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(max_connections=1)
    yield transport
    await transport.aclose()


# --- both transports --------------------------------------------------------------------------------------------------

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


class Held:
    """A peer that takes the request and then keeps still, over either transport."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.came = asyncio.Event()
        self.gate = asyncio.Event()
        self.server = FaultServer(self._script)
        self.transport: Any = (
            AiohttpTransport(max_connections=1) if kind == "aiohttp" else MemoryTransport(self._handle)
        )

    async def _script(self, connection: Connection) -> None:
        while True:
            await connection.request()
            self.came.set()
            if not self.gate.is_set():
                await connection.until_client_leaves()
                return
            await connection.write(answer("200 OK", BODY))

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.came.set()
        await self.gate.wait()
        return HttpResponse(200, {}, BODY)

    async def __aenter__(self) -> Held:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.transport.aclose()
        await self.server.__aexit__(*error)

    async def still_usable(self) -> bool:
        self.gate.set()
        return bool((await self.transport.send(post(self.server.url))).body == BODY)


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


# --- the network ------------------------------------------------------------------------------------------------------


async def test_a_refused_connection_is_not_sent(network: AiohttpTransport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        error = await raised(network.send(get(f"http://127.0.0.1:{taken.getsockname()[1]}")))
    assert error.outcome is Outcome.NOT_SENT
    assert str(error) == "ClientConnectorError from 127.0.0.1; nothing was sent"


async def test_a_host_that_does_not_resolve_is_not_sent(network: AiohttpTransport) -> None:
    error = await raised(network.send(get("https://nonexistent.invalid")))
    assert error.outcome is Outcome.NOT_SENT
    assert "nonexistent.invalid" in str(error)


async def test_a_reset_before_the_request_was_read_is_not_called_not_sent_once_bytes_left(
    network: AiohttpTransport,
) -> None:
    async with FaultServer(reset) as server:
        error = await raised(network.send(post(server.url)))
        assert server.requests == []
    # the connection stood, so the request was being written: no proof that nothing arrived
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
        await connection.until_client_leaves()

    async with FaultServer(script) as server:
        error = await raised(network.send(post(server.url, timeout=0.1)))
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        await asyncio.wait_for(server.left.wait(), 5)


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
        await asyncio.wait_for(server.left.wait(), 5)
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
        await asyncio.wait_for(server.left.wait(), 5)


async def test_the_url_travels_as_it_is_signed(network: AiohttpTransport) -> None:
    """No second round of percent-encoding or decoding between the signature and the socket."""
    target = "/api/v1/A%2FB/check?a=1%202&b=%C3%B1%26&sign=%2B%2F%3D%3D&d=a~b"
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        await network.send(HttpRequest("GET", server.url + target, {}, None, 5.0))
        assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(key_pem: str, tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key: Any = load_pem_private_key(key_pem.encode(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
    ).add_extension(own, critical=False)
    file = tmp_path / "server.pem"
    file.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM) + key_pem.encode())
    return file


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_server_with_an_untrusted_certificate_is_sent_nothing(
    network: AiohttpTransport, certificate: Path
) -> None:
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        error = await raised(network.send(get(server.url)))
        assert error.outcome is Outcome.NOT_SENT
        assert "Certificate" in str(error)
        assert server.requests == []


async def test_an_ssl_context_that_knows_the_certificate_is_used(certificate: Path) -> None:
    transport = AiohttpTransport(ssl_context=ssl.create_default_context(cafile=str(certificate)))
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        assert (await transport.send(post(server.url))).body == BODY
        await transport.aclose()


# --- a lent session ---------------------------------------------------------------------------------------------------


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
