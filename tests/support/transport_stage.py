"""What the tests of the transports share: requests, scripts for the server, and a peer that keeps still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.fault_server import Connection, FaultServer, answer

from paycools_async import AiohttpTransport, HttpRequest, HttpResponse, MemoryTransport, TransportError

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
