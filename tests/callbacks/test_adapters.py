"""The adapters: POST only, a size cap, raw bytes, and clients that go away."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.callbacks import PAYOUT, SECRET, signed
from support.waiting import hurried, skip

from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.callbacks.asgi import ASGICallbacks
from paycools_async.callbacks.parsing import MAX_BODY
from paycools_async.endpoint import Event

RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACKED = [
    (b"gzip", gzip.compress(signed(PAYOUT), mtime=0)),
    (b"x-gzip", gzip.compress(signed(PAYOUT), mtime=0)),
    (b" GZip ", gzip.compress(signed(PAYOUT), mtime=0)),
    (b"deflate", zlib.compress(signed(PAYOUT))),
    (b"deflate", RAW.compress(signed(PAYOUT)) + RAW.flush()),
]
UNPACKED = (b"gzip", signed(PAYOUT))
"""As a server leaves it that unpacks by itself."""
BOMB = gzip.compress(bytes(64 << 20))
BOUNDED = tuple(int(part) for part in aiohttp.__version__.split(".")[:2]) >= (3, 14)
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


class TestAiohttpUnpacks:
    @pytest.fixture(params=[True, False], ids=["the server unpacks", "the handler unpacks"])
    async def url(self, shop: Shop, request: pytest.FixtureRequest) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/callbacks", aiohttp_handler(shop.router))
        runner = web.AppRunner(app, auto_decompress=request.param)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks"
        await runner.cleanup()

    @pytest.mark.parametrize(("coding", "packed"), PACKED)
    async def test_a_compressed_body_is_taken(self, url: str, shop: Shop, coding: bytes, packed: bytes) -> None:
        headers = {"Content-Encoding": coding.decode()}
        async with aiohttp.ClientSession() as http, http.post(url, data=packed, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, ACK)
        assert len(shop.seen) == 1

    async def test_a_bomb_costs_no_memory(self, url: str, shop: Shop, request: pytest.FixtureRequest) -> None:
        if "server" in request.node.name and not BOUNDED:
            pytest.skip("before 3.14 aiohttp's server unpacks without a bound: docs/callbacks.md says what to do")
        headers = {"Content-Encoding": "gzip"}
        async with aiohttp.ClientSession() as http:
            async with http.post(url, data=gzip.compress(b""), headers=headers):
                pass  # what is loaded once is no cost of the bomb
            tracemalloc.start()
            try:
                async with http.post(url, data=BOMB, headers=headers) as answer:
                    assert answer.status == 413
                assert tracemalloc.get_traced_memory()[1] < 4 << 20
            finally:
                tracemalloc.stop()
        assert shop.seen == []


class TestAiohttpAndBadSenders:
    @pytest.fixture
    async def port(self, shop: Shop) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_route("*", "/callbacks", aiohttp_handler(shop.router, max_size=4096, body_timeout=60))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
        await runner.cleanup()

    async def exchange(self, port: int, head: bytes, pieces: Iterable[bytes] = ()) -> tuple[bytes, int]:
        """The status line, and how many bytes of the pieces went out before the server had enough."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /callbacks HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        sent = 0
        status = asyncio.create_task(reader.readline())
        with contextlib.suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(0)
        found = await status
        with contextlib.suppress(OSError):
            await reader.read()  # until the server closes it
        writer.close()
        return found.strip(), sent

    async def test_a_body_that_does_not_come_is_408(self, port: int, shop: Shop) -> None:
        found, _ = await hurried(self.exchange(port, b"Content-Length: 500", [b"{"]))
        assert found == b"HTTP/1.1 408 Request Timeout"

    async def test_a_body_that_drips_is_408_too(self, port: int, shop: Shop) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        status = asyncio.create_task(reader.readline())
        for _ in range(100):
            if status.done():
                break
            writer.write(b" ")
            await asyncio.sleep(0.01)
            skip(3)
        assert status.done()
        assert b"408" in await status
        writer.close()

    @pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"gzip, gzip", b"GZIP"])
    async def test_a_bomb_is_refused(self, port: int, shop: Shop, coding: bytes) -> None:
        bomb = gzip.compress(bytes(50_000_000))
        head = b"Content-Encoding: " + coding + b"\r\nContent-Length: " + str(len(bomb)).encode()
        found, _ = await self.exchange(port, head, [bomb])
        # the server itself may refuse what it cannot decompress
        assert found.split()[1] in ((b"415", b"400") if coding in (b"br", b"gzip, gzip") else (b"413", b"400"))
        assert shop.seen == []

    @pytest.mark.parametrize("head", [b"Content-Length: 200000000", b"Transfer-Encoding: chunked"])
    async def test_a_huge_body_is_answered_and_cut_off(self, port: int, head: bytes) -> None:
        piece = b"x" * 100_000
        if head.startswith(b"Transfer"):
            piece = b"186a0\r\n" + piece + b"\r\n"
        found, sent = await self.exchange(port, head, (piece for _ in range(2000)))
        assert found in (b"HTTP/1.1 413 Request Entity Too Large", b"HTTP/1.1 413 Content Too Large")
        assert sent < 20_000_000  # what the kernel's buffers take, and no more

    async def test_a_body_that_says_identity_is_taken(self, port: int, shop: Shop) -> None:
        raw = signed(PAYOUT)
        head = b"Connection: close\r\nContent-Encoding: identity\r\nContent-Length: " + str(len(raw)).encode()
        assert await self.exchange(port, head, [raw]) == (b"HTTP/1.1 200 OK", len(raw))


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

    async def test_a_body_that_does_not_come_is_408(self, shop: Shop) -> None:
        app = ASGICallbacks(shop.router, body_timeout=0.05)
        wire = Wire(chunk(b"{", True))

        async def nothing_more() -> dict[str, Any]:
            first = next(wire._messages, None)
            return first or await asyncio.Event().wait()  # type: ignore[return-value]

        wire.receive = nothing_more  # type: ignore[method-assign]
        async with asyncio.timeout(60):
            assert await wire.run(app) == (408, b"")
        assert (b"connection", b"close") in wire.sent[0]["headers"]

    @pytest.mark.parametrize("size", [1, 7, 1 << 20])
    @pytest.mark.parametrize(("coding", "packed"), [*PACKED, UNPACKED])
    async def test_a_compressed_body_is_taken(
        self, app: ASGICallbacks, shop: Shop, coding: bytes, packed: bytes, size: int
    ) -> None:
        pieces = [chunk(packed[at : at + size], at + size < len(packed)) for at in range(0, len(packed), size)]
        assert await Wire(*pieces, headers=((b"content-encoding", coding),)).run(app) == (200, ACK)
        assert len(shop.seen) == 1

    async def test_what_cannot_be_unpacked_is_refused(self, app: ASGICallbacks, shop: Shop) -> None:
        packed = gzip.compress(signed(PAYOUT))
        odd = [packed[:-1], packed + b"x", b"\x1f\x8b" + packed, signed(PAYOUT)[1:]]
        for body in odd:
            assert await Wire(chunk(body), headers=((b"content-encoding", b"gzip"),)).run(app) == (400, b"")
        for coding in (b"br", b"zstd", b"gzip, gzip", b"compress"):
            assert await Wire(chunk(packed), headers=((b"content-encoding", coding),)).run(app) == (415, b"")
        twice = ((b"content-encoding", b"gzip"), (b"content-encoding", b"gzip"))
        assert await Wire(chunk(packed), headers=twice).run(app) == (415, b"")
        assert shop.seen == []

    async def test_what_it_unpacks_to_is_capped(self, app: ASGICallbacks, shop: Shop) -> None:
        for body in (gzip.compress(b" " * 4097), gzip.compress(bytes(1 << 20))):
            assert await Wire(chunk(body), headers=((b"content-encoding", b"gzip"),)).run(app) == (413, b"")
        fits = signed({**PAYOUT, "remark": "x" * 3000})
        for coding in (b"gzip", b"identity"):
            body = gzip.compress(fits) if coding == b"gzip" else fits
            assert await Wire(chunk(body), headers=((b"content-encoding", coding),)).run(app) == (200, ACK)

    async def test_a_bomb_costs_no_memory(self, shop: Shop) -> None:
        assert len(BOMB) < MAX_BODY
        tracemalloc.start()
        try:
            wire = Wire(chunk(BOMB), headers=((b"content-encoding", b"gzip"),))
            assert await wire.run(ASGICallbacks(shop.router)) == (413, b"")
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()

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
