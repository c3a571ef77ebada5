"""The adapters: POST only, a size cap, raw bytes, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.callbacks import PAYOUT, SECRET, signed

from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.callbacks.asgi import ASGICallbacks
from paycools_async.endpoint import Event

ACK = b'{"code":1,"msg":"success","data":{}}'


class Shop:
    """A router that remembers."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.router = CallbackRouter(PHCallbacks(SECRET))
        self.router.on_any(self.take)

    async def take(self, event: Event) -> None:
        self.seen.append(event)


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestAiohttp:
    @pytest.fixture
    async def url(self, shop: Shop) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/callbacks", aiohttp_handler(shop.router, max_size=4096))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks"
        await runner.cleanup()

    async def test_a_callback_over_http(self, url: str, shop: Shop) -> None:
        async with aiohttp.ClientSession() as http, http.post(url, data=signed(PAYOUT)) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "application/json", ACK)
        assert len(shop.seen) == 1

    async def test_other_methods_are_405(self, url: str) -> None:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")

    async def test_a_long_body_is_413_announced_or_not(self, url: str, shop: Shop) -> None:
        async def stream() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield b"x" * 1000

        async with aiohttp.ClientSession() as http:
            async with http.post(url, data=b"x" * 5000) as answer:
                assert answer.status == 413
            async with http.post(url, data=stream()) as answer:
                assert answer.status == 413
        assert shop.seen == []

    async def test_a_client_that_goes_away_while_sending_does_no_harm(self, url: str, shop: Shop) -> None:
        port = int(url.split(":")[2].split("/")[0])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        await writer.drain()
        writer.close()
        async with aiohttp.ClientSession() as http, http.post(url, data=signed(PAYOUT)) as answer:
            assert answer.status == 200
        assert len(shop.seen) == 1


class Wire:
    """One ASGI request without a server."""

    def __init__(self, *messages: dict[str, Any], method: str = "POST", headers: tuple[tuple[bytes, bytes], ...] = ()):
        self.scope: dict[str, Any] = {"type": "http", "method": method, "path": "/anything", "headers": list(headers)}
        self._messages = iter(messages)
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        return next(self._messages)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, app: ASGICallbacks) -> tuple[int, bytes] | None:
        await app(self.scope, self.receive, self.send)
        if not self.sent:
            return None
        return self.sent[0]["status"], self.sent[1]["body"]


def chunk(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class TestASGI:
    @pytest.fixture
    def app(self, shop: Shop) -> ASGICallbacks:
        return ASGICallbacks(shop.router, max_size=4096)

    async def test_a_callback_in_pieces(self, app: ASGICallbacks, shop: Shop) -> None:
        raw = signed(PAYOUT)
        assert await Wire(chunk(raw[:10], True), chunk(b"", True), chunk(raw[10:])).run(app) == (200, ACK)
        assert len(shop.seen) == 1

    async def test_other_methods_are_405(self, app: ASGICallbacks) -> None:
        wire = Wire(method="GET")
        assert await wire.run(app) == (405, b"")
        assert (b"allow", b"POST") in wire.sent[0]["headers"]

    async def test_a_long_body_is_413_announced_or_not(self, app: ASGICallbacks, shop: Shop) -> None:
        endless = [chunk(b"x" * 3000, True)] * 3
        assert await Wire(*endless).run(app) == (413, b"")
        for length in (b"5000", b"9" * 5000, b"nonsense"):
            assert await Wire(headers=((b"content-length", length),)).run(app) == (413, b"")
        assert shop.seen == []

    async def test_a_client_that_goes_away_while_sending_gets_nothing(self, app: ASGICallbacks, shop: Shop) -> None:
        assert await Wire(chunk(b"{", True), {"type": "http.disconnect"}).run(app) is None
        assert shop.seen == []

    async def test_a_client_that_does_not_wait_for_the_answer_does_no_harm(
        self, app: ASGICallbacks, shop: Shop
    ) -> None:
        wire = Wire(chunk(signed(PAYOUT)))

        async def gone(message: Any) -> None:
            raise OSError("gone")

        await app(wire.scope, wire.receive, gone)
        assert len(shop.seen) == 1

    async def test_it_lives_and_ends_as_an_application_by_itself(self, app: ASGICallbacks) -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[Any] = []

        async def receive() -> dict[str, str]:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await app({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    async def test_websockets_are_none_of_its_business(self, app: ASGICallbacks) -> None:
        wire = Wire()
        with pytest.raises(RuntimeError, match="websocket"):
            await app({"type": "websocket"}, wire.receive, wire.send)

    async def test_mounted_in_fastapi(self, shop: Shop) -> None:
        fastapi = pytest.importorskip("fastapi", reason="needs the extra `examples`")
        outer = fastapi.FastAPI()
        outer.mount("/paycools", ASGICallbacks(shop.router))
        wire = Wire(chunk(signed(PAYOUT)), headers=((b"host", b"x"),))
        wire.scope |= {"path": "/paycools/", "query_string": b"", "root_path": "", "http_version": "1.1"}
        await outer(wire.scope, wire.receive, wire.send)
        assert (wire.sent[0]["status"], wire.sent[1]["body"]) == (200, ACK)
