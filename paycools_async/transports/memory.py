"""A transport without a network: a function answers. For tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from ..errors import ClientClosed, DeadlineExceeded, NetworkCause, Outcome, TransportError
from ..times import AlarmClock, SystemClock
from .base import HttpRequest, HttpResponse, HttpStream, in_one_piece

__all__ = ["MemoryTransport"]

Handler = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]


class MemoryTransport:
    """`MemoryTransport(handler)`: a plain or async function from `HttpRequest` to `HttpResponse`.

    A handler may raise `TransportError` itself; any other exception becomes one with outcome UNKNOWN, for the
    handler had the request by then. The request's time is counted by its clock: by the test's own, where the client
    has a `ManualClock`.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        request.departure.may_have_left = False
        if self._closed:
            raise ClientClosed("the transport is closed; nothing was sent")
        if request.timeout is not None and request.timeout <= 0:
            raise DeadlineExceeded("no time left; nothing was sent", outcome=Outcome.NOT_SENT)
        if request.expired is not None and request.expired():
            raise DeadlineExceeded("too late to send; nothing was sent", outcome=Outcome.NOT_SENT)
        request.departure.may_have_left = True
        request.departure.times += 1
        try:
            answer = self._handler(request)
            if isinstance(answer, HttpResponse):
                return answer
            async with _time_limit(request):
                return await answer
        except TransportError:
            raise
        except TimeoutError:
            raise DeadlineExceeded("no answer in time", outcome=Outcome.UNKNOWN) from None
        except Exception as error:
            cause = NetworkCause(type(error).__name__)
            raise TransportError(f"the handler failed: {cause}", cause=cause) from error

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest, /) -> AsyncIterator[HttpStream]:
        """The handler's answer, in one piece."""
        yield in_one_piece(await self.send(request))

    async def aclose(self) -> None:
        self._closed = True


@contextlib.asynccontextmanager
async def _time_limit(request: HttpRequest) -> AsyncIterator[None]:
    """`asyncio.timeout`, by the request's clock. Raises TimeoutError."""
    clock = request.clock
    if request.timeout is None or isinstance(clock, SystemClock) or not isinstance(clock, AlarmClock):
        async with asyncio.timeout(request.timeout):
            yield
        return
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        with clock.alarm(clock.monotonic() + request.timeout, lambda: limit.reschedule(loop.time())):
            yield
