"""Callbacks in an aiohttp.web application.

app.router.add_route("*", "/paycools", aiohttp_handler(router))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .parsing import MAX_BODY
from .router import Handles

__all__ = ["aiohttp_handler"]


def aiohttp_handler(
    target: Handles, *, max_size: int = MAX_BODY
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for one route: POST only (405), at most `max_size` bytes (413), read once and verified as they came."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if request.content_length is not None and request.content_length > max_size:
            return _too_large()
        chunks, size = [], 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > max_size:
                return _too_large()
            chunks.append(chunk)
        status, body = await target.handle(b"".join(chunks))
        return web.Response(status=status, body=body, content_type="application/json")

    return handle


def _too_large() -> web.Response:
    response = web.Response(status=413)
    response.force_close()  # the rest of the body is not read
    return response
