"""Callbacks in an aiohttp.web application.

app.router.add_route("*", "/paycools", aiohttp_handler(router))
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from .calling import checked_limit
from .parsing import BODY_TIMEOUT, MAX_BODY
from .router import Handles

__all__ = ["aiohttp_handler"]

_LINGER = 1.0
_MOST_LINGERING = 256 * 1024
"""Seconds and bytes for which more of a refused body is taken, so that its sender gets to read the answer."""


def aiohttp_handler(
    target: Handles, *, max_size: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for one route: POST only (405), at most `max_size` bytes (413), read once and verified as they came.

    The body has `body_timeout` seconds to come (408). A compressed one is refused (415): PayCools sends none, and a few
    bytes could become gigabytes.
    """
    limit = checked_limit(body_timeout)

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            return await _refused(request, 415)
        if request.content_length is not None and request.content_length > max_size:
            return await _refused(request, 413)
        try:
            async with asyncio.timeout(limit):
                raw = await _body(request, max_size)
        except TimeoutError:
            return await _refused(request, 408)
        if raw is None:
            return await _refused(request, 413)
        status, body = await target.handle(raw)
        return web.Response(status=status, body=body, content_type="application/json")

    return handle


async def _body(request: web.Request, max_size: int) -> bytes | None:
    """The whole body; None where it is too long."""
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > max_size:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _refused(request: web.Request, status: int) -> web.StreamResponse:
    """The answer before the rest of the body, most of which is never read."""
    response = web.Response(status=status)
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    size = 0
    with contextlib.suppress(TimeoutError, OSError, web.RequestPayloadError):
        async with asyncio.timeout(_LINGER):
            while size < _MOST_LINGERING and not request.content.at_eof():
                size += len(await request.content.readany())
    if not request.content.at_eof():
        request.protocol.force_close()
    return response
