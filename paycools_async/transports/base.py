"""The transport protocol: bytes in, bytes out, and one error that says whether anything was sent.

The contract, checked by one test suite over every transport:

- `send` returns any HTTP answer as it is, redirects and errors included; it follows nothing and retries nothing
  that moves money.
- Everything that goes wrong is a `TransportError`: outcome NOT_SENT where it is proven that no byte of the request
  was written, UNKNOWN in every other case.
- The request's `timeout` covers the whole exchange. Cancellation passes through and frees the connection.
- A request with `expired` asks it right before the first byte, and every further part, is written. Where it says True,
  nothing more is written and the exchange ends with a `TransportError`: NOT_SENT if no byte of the request had left.
- A request that is `fresh` never goes over a connection that carried another one before.
- An answer that was there before the request was written is not the request's: it is never returned.
- A transport that knows when the first byte leaves says so in the request's `departure`: False when it takes the
  request up, True before the byte is handed on. One that does not know leaves it alone.
- `aclose` leaves nothing open that the transport opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

__all__ = ["Departure", "HttpRequest", "HttpResponse", "Transport"]


@attrs.define
class Departure:
    """Whether bytes of a request may have left. They may, unless the transport says otherwise."""

    may_have_left: bool = True


@attrs.frozen
class HttpRequest:
    """A request, ready to be written. Body and URL hold account data and are not shown."""

    method: str
    url: str = attrs.field(repr=lambda url: repr(url.partition("?")[0]))
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)
    timeout: float | None = None
    """Seconds for the whole exchange; None waits for ever."""
    fresh: bool = attrs.field(default=False, repr=False)
    """Whether it needs a connection of its own, that was not used before."""
    expired: Callable[[], bool] | None = attrs.field(default=None, repr=False, eq=False)
    """Says whether it is too late to write."""
    departure: Departure = attrs.field(factory=Departure, repr=False, eq=False)
    """Where the transport says whether the first byte may have left."""


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
