"""Callbacks as a plain ASGI application: run it by itself, or mount it in Starlette, FastAPI or Litestar.

app.mount("/paycools", ASGICallbacks(router))
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .calling import checked_limit
from .parsing import BODY_TIMEOUT, MAX_BODY, Intake, coding_of
from .router import Handles

__all__ = ["ASGICallbacks"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ASGICallbacks:
    """POST only (405), at most `max_size` bytes (413); the body is read once and verified as it came.

    It has `body_timeout` seconds to come (408). A body that is compressed by gzip or deflate is unpacked, to at most
    `max_size` bytes; any other coding is refused (415), and so is what cannot be unpacked (400).

    It answers on every path under its mount. A client that goes away while sending is dropped; one that goes away while
    the handler works is not waited for: the handler finishes, and PayCools sends again.
    """

    def __init__(self, target: Handles, *, max_size: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT) -> None:
        self._target = target
        self._max_size = max_size
        self._body_timeout = checked_limit(body_timeout)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"callbacks come over HTTP, not {scope['type']}")
        if scope["method"] != "POST":
            await _answer(send, 405, b"", [(b"allow", b"POST")])
            return
        raw: bytes | int | None
        try:
            async with asyncio.timeout(self._body_timeout):
                raw = await self._body(scope, receive)
        except TimeoutError:
            raw = 408
        if raw is None:
            return
        if isinstance(raw, int):
            await _answer(send, raw, b"", [(b"connection", b"close")])
            return
        status, body = await self._target.handle(raw)
        await _answer(send, status, body)

    async def _body(self, scope: MutableMapping[str, Any], receive: Receive) -> bytes | int | None:
        """The whole body; the status of the refusal; None where the client went away."""
        codings = []
        for name, value in scope["headers"]:
            if name == b"content-encoding":
                codings.append(value.decode("latin-1"))
            if name == b"content-length" and (not value.isdigit() or len(value) > 18 or int(value) > self._max_size):
                return 413
        coding = coding_of(", ".join(codings))
        if coding is None:
            return 415
        intake, more = Intake(coding, self._max_size), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            refusal = intake.add(message.get("body", b""))
            if refusal is not None:
                return refusal
            more = message.get("more_body", False)
        return intake.whole()


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(headers or ())]
    with contextlib.suppress(OSError):  # the client is gone; so servers of ASGI 2.4 say
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
