"""Ways to carry bytes to PayCools. aiohttp is imported only when its transport is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import HttpRequest, HttpResponse, Transport
from .memory import MemoryTransport

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport

__all__ = ["AiohttpTransport", "HttpRequest", "HttpResponse", "MemoryTransport", "Transport"]


def __getattr__(name: str) -> Any:
    if name == "AiohttpTransport":
        from .aiohttp import AiohttpTransport

        return AiohttpTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
