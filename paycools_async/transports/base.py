"""The transport protocol: bytes in, bytes out, and one error that says whether anything was sent.

The contract, checked by one test suite over every transport:

- `send` returns any HTTP answer as it is, redirects and errors included; it follows nothing.
- A request that is for `once` is written once at most. What the library below repeats of another by itself is counted
  in its `departure`.
- `stream` does the same for a file of any size: the answer's body comes in pieces. A transport without it is asked by
  `send`. Both end with a `TransportError` where the body is cut off.
- A request that is `public_only` is never written to this machine or a private network, whatever its host's name
  stands for; over a proxy, which alone knows the address, only addresses in the URL are looked at.
- Everything that goes wrong is a `TransportError`: outcome NOT_SENT where it is proven that no byte of the request
  was written, UNKNOWN in every other case.
- The request's `timeout` covers the whole exchange. Cancellation passes through and frees the connection.
- A request with `expired` asks it right before the first byte, and every further part, is written. Where it says True,
  nothing more is written and the exchange ends with a `TransportError`: NOT_SENT if no byte of the request had left.
- A request that is `fresh` never goes over a connection that carried another one before.
- An answer that was there before the request was written is not the request's: it is never returned.
- A transport that knows when the first byte leaves says so in the request's `departure`: False when it takes the
  request up, True before the byte is handed on, each time. One that does not know leaves it alone.
- `aclose` leaves nothing open that the transport opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import attrs

from ..errors import TransportError
from ..times import Clock

__all__ = ["Departure", "HttpRequest", "HttpResponse", "HttpStream", "StreamingTransport", "Transport", "stream"]


@attrs.define
class Departure:
    """Whether bytes of a request may have left. They may, unless the transport says otherwise."""

    may_have_left: bool = True
    times: int = 0
    """How often it was written, as far as the transport knows."""


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
    once: bool = attrs.field(default=False, repr=False)
    """Whether it must not be written a second time, as it moves money or creates something."""
    public_only: bool = attrs.field(default=False, repr=False)
    """Whether it may go to public addresses only."""
    clock: Clock | None = attrs.field(default=None, repr=False, eq=False)
    """Whose seconds `timeout` counts, for a transport without a network; a network's are the machine's."""


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


@attrs.frozen
class HttpStream:
    """An answer whose body comes in pieces; `chunks` may be walked through once."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    chunks: AsyncIterator[bytes] = attrs.field(kw_only=True, repr=False)


@runtime_checkable
class StreamingTransport(Transport, Protocol):
    """A transport that need not hold a whole answer in memory."""

    def stream(self, request: HttpRequest, /) -> AbstractAsyncContextManager[HttpStream]: ...


@contextlib.asynccontextmanager
async def stream(transport: Transport, request: HttpRequest) -> AsyncIterator[HttpStream]:
    """The answer in pieces; from a transport that does not stream, its `send` in one."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            if isinstance(transport, StreamingTransport):
                answer = await stack.enter_async_context(transport.stream(request))
            else:
                answer = in_one_piece(await transport.send(request))
        except TransportError:
            raise
        except Exception as error:
            raise TransportError(f"{type(error).__name__} from the transport") from error
        yield answer


def in_one_piece(response: HttpResponse) -> HttpStream:
    """A whole answer as a stream."""

    async def chunks() -> AsyncIterator[bytes]:
        yield response.body

    return HttpStream(response.status, response.headers, chunks=chunks())
