"""Ways to carry bytes to PayCools. aiohttp is imported only when its transport is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily
from .base import Departure, HttpRequest, HttpResponse, HttpStream, StreamingTransport, Transport
from .memory import MemoryTransport

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport
else:
    __getattr__, _ = lazily(__name__, names={"aiohttp": ("AiohttpTransport",)})

__all__ = [
    "AiohttpTransport",
    "Departure",
    "HttpRequest",
    "HttpResponse",
    "HttpStream",
    "MemoryTransport",
    "StreamingTransport",
    "Transport",
]
