"""Callbacks in an aiohttp.web application.

app.router.add_route("*", "/paycools", aiohttp_handler(router))
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from .calling import checked_limit
from .parsing import BODY_TIMEOUT, MAX_BODY, Intake, coding_of
from .router import Handles

__all__ = ["aiohttp_handler"]

_LINGER = 1.0
_MOST_LINGERING = 256 * 1024
"""Seconds and bytes for which more of a refused body is taken, so that its sender gets to read the answer."""


def aiohttp_handler(
    target: Handles, *, max_size: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for one route: POST only (405), at most `max_size` bytes (413), read once and verified as they came.

    The body has `body_timeout` seconds to come (408). One that is compressed by gzip or deflate is unpacked, to at most
    `max_size` bytes; any other coding is refused (415), and so is what cannot be unpacked (400).
    """
    limit = checked_limit(body_timeout)

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        coding = coding_of(", ".join(request.headers.getall("Content-Encoding", [])))
        if coding is None:
            return await _refused(request, 415)
        if request.content_length is not None and request.content_length > max_size:
            return await _refused(request, 413)
        try:
            async with asyncio.timeout(limit):
                raw = await _body(request, Intake(coding, max_size))
        except TimeoutError:
            raw = 408
        except web.RequestPayloadError:  # it could not be unpacked by the server
            raw = 400
        if isinstance(raw, int):
            return await _refused(request, raw)
        status, body = await target.handle(raw)
        return web.Response(status=status, body=body, content_type="application/json")

    return handle


async def _body(request: web.Request, intake: Intake) -> bytes | int:
    """The whole body, or the status of its refusal."""
    async for chunk in request.content.iter_any():
        refusal = intake.add(chunk)
        if refusal is not None:
            return refusal
    return intake.whole()


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
