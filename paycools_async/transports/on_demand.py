"""The aiohttp transport, imported and made with the first request: a program that sends nothing does not need it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ..errors import ClientClosed
from ..runtime import Guard
from .base import HttpRequest, HttpResponse, HttpStream

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport

__all__ = ["LazyAiohttpTransport"]


class LazyAiohttpTransport:
    """An `AiohttpTransport` with a pool of this size."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._guard = Guard()
        self._transport: AiohttpTransport | None = None
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        return await self._made().send(request)

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest, /) -> AsyncIterator[HttpStream]:
        """As the `AiohttpTransport` does it."""
        async with self._made().stream(request) as answer:
            yield answer

    def _made(self) -> AiohttpTransport:
        if self._closed:
            raise ClientClosed("the client is closed; nothing was sent")
        if self._transport is None:
            from .aiohttp import AiohttpTransport

            with self._guard.lock:  # loops of several threads may ask
                if self._transport is None:
                    self._transport = AiohttpTransport(max_connections=self._max_connections)
        return self._transport

    async def aclose(self) -> None:
        self._closed = True
        if self._transport is not None:
            await self._transport.aclose()
