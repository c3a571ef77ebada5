"""The transport protocol: bytes in, bytes out, and one error that says whether anything was sent.

The contract, checked by one test suite over every transport:

- `send` returns any HTTP answer as it is, redirects and errors included; it follows nothing and retries nothing
  that moves money.
- Everything that goes wrong is a `TransportError`: outcome NOT_SENT where it is proven that no byte of the request
  was written, UNKNOWN in every other case.
- The request's `timeout` covers the whole exchange. Cancellation passes through and frees the connection.
- `aclose` leaves nothing open that the transport opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

__all__ = ["HttpRequest", "HttpResponse", "Transport"]


@attrs.frozen
class HttpRequest:
    """A request, ready to be written. Body and URL hold account data and are not shown."""

    method: str
    url: str = attrs.field(repr=lambda url: repr(url.partition("?")[0]))
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)
    timeout: float | None = None
    """Seconds for the whole exchange; None waits for ever."""


@attrs.frozen
class HttpResponse:
    """An answer as received."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


class Transport(Protocol):
    """Carries one request. See the module's contract."""

    async def send(self, request: HttpRequest, /) -> HttpResponse: ...

    async def aclose(self) -> None: ...
