"""A file over a network: cut off, late, by a proxy, and never from a place inside."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, get, script_of
from support.waiting import skip

from paycools_async import AiohttpTransport, HttpRequest, Outcome, TransportError
from paycools_async.errors import DeadlineExceeded
from paycools_async.transports.proof import PROOF, Proof, socket_for


async def whole(transport: AiohttpTransport, request: HttpRequest) -> bytes:
    async with transport.stream(request) as streamed:
        return b"".join([chunk async for chunk in streamed.chunks])


@pytest.mark.parametrize(
    "data",
    [
        answer("200 OK", BODY)[:-10],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\nhal",
    ],
)
async def test_a_body_that_is_cut_off_is_a_transport_error(network: AiohttpTransport, data: bytes) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(data)

    async with FaultServer(script) as server:
        with pytest.raises(TransportError) as caught:
            await whole(network, get(server.url))
    assert "0012345678" not in str(caught.value)
    assert (caught.value.outcome, caught.value.__suppress_context__) == (Outcome.UNKNOWN, True)


async def test_the_time_covers_the_whole_body(network: AiohttpTransport) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer("200 OK", BODY)[:-10])
        await asyncio.sleep(0.01)
        skip(6)
        await connection.until_client_leaves()

    async with FaultServer(script) as server:
        with pytest.raises(DeadlineExceeded):
            await whole(network, get(server.url))


async def test_a_body_stays_as_it_travels(network: AiohttpTransport) -> None:
    """Its announced length is the length on the wire; and what unpacks to a gigabyte is not unpacked."""
    async with FaultServer(script_of(answer("200 OK", b"not gzip", "Content-Encoding: gzip"))) as server:
        assert await whole(network, get(server.url)) == b"not gzip"


async def test_over_a_callers_session_its_proxy_is_used_and_its_headers_are_not_told() -> None:
    async with (
        FaultServer(script_of(answer("200 OK", BODY))) as proxy,
        aiohttp.ClientSession(
            proxy=proxy.url, headers={"Authorization": "for PayCools"}, cookies={"a": "b"}
        ) as session,
    ):
        transport = AiohttpTransport(session=session)
        request = attrs.evolve(get("http://reports.invalid"), public_only=True)
        assert await whole(transport, request) == BODY
        await transport.aclose()
        assert not session.closed
    (sent,) = proxy.requests
    assert sent.startswith(b"GET http://reports.invalid/api/v1/payout/check?")
    assert b"Authorization" not in sent
    assert b"Cookie" not in sent


class Resolver(AbstractResolver):
    """A name server that says what it is told to."""

    def __init__(self, address: str, port: int) -> None:
        self._address, self._port = address, port

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=self._address, port=self._port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None: ...


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_name_that_stands_for_this_machine_is_sent_nothing(streamed: bool) -> None:
    """The address that is connected to decides: a name can be made to stand for anything."""
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        port = int(server.url.rpartition(":")[2])
        connector = aiohttp.TCPConnector(resolver=Resolver("127.0.0.1", port))
        async with aiohttp.ClientSession(connector=connector) as session:
            transport = AiohttpTransport(session=session)
            request = get(f"http://reports.example:{port}")
            assert await whole(transport, request) == BODY
            public = attrs.evolve(request, public_only=True)
            with pytest.raises(TransportError, match="this machine or one of a private network") as caught:
                await (whole(transport, public) if streamed else transport.send(public))
            await transport.aclose()
        assert (caught.value.outcome, len(server.requests)) == (Outcome.NOT_SENT, 1)


async def test_an_address_outside_is_asked(network: AiohttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that is judged is the one of the connection; here it is let pass."""
    judged: list[str] = []

    def judge(address: str) -> bool:
        judged.append(address)
        return True

    monkeypatch.setattr("paycools_async.transports.proof.is_public_address", judge)
    monkeypatch.setattr("paycools_async.transports.aiohttp.is_local_host", lambda host: False)
    async with FaultServer(script_of(answer("200 OK", BODY))) as server:
        assert await whole(network, attrs.evolve(get(server.url), public_only=True)) == BODY
    assert set(judged) == {"127.0.0.1"}


def test_until_it_is_known_that_a_proxy_is_asked_no_place_inside_is_connected_to() -> None:
    token = PROOF.set(Proof(attrs.evolve(get("http://reports.example"), public_only=True)))
    try:
        with pytest.raises(OSError, match="this machine or one of a private network"):
            socket_for((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    finally:
        PROOF.reset(token)


@pytest.mark.parametrize("lent", [False, True])
async def test_a_name_that_stands_for_this_machine_is_not_even_connected_to(
    lent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection, so no hello of TLS either, which would name the host."""
    lookup = socket.getaddrinfo

    def for_here(host: Any, *rest: Any, **more: Any) -> Any:
        return lookup("127.0.0.1" if host in ("reports.example", b"reports.example") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", for_here)
    async with FaultServer(script_of(answer("200 OK", BODY))) as server, aiohttp.ClientSession() as session:
        port = int(server.url.rpartition(":")[2])
        transport = AiohttpTransport(session=session) if lent else AiohttpTransport()
        request = attrs.evolve(get(f"http://reports.example:{port}"), public_only=True)
        with pytest.raises(TransportError, match="this machine or one of a private network") as caught:
            await whole(transport, request)
        assert caught.value.outcome is Outcome.NOT_SENT
        await transport.aclose()
        await asyncio.sleep(0.05)
        assert server.accepted == 0
