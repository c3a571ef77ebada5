"""Whether PayCools is reached at all: said at once where it is not, and with the reason at the end of a run."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import attrs

from ....errors import NetworkReason, Outcome, TransportError
from ....transports.base import HttpRequest, HttpResponse, HttpStream, Transport, stream
from ...console import echo_error

__all__ = ["Reach", "Watched"]

_IN_A_ROW = 3
"""Calls that reach nobody before it is said: one connection that cannot be made says little."""
_WHY: dict[NetworkReason, str] = {
    "refused": "the connection is refused",
    "dns": "no name server knows the host",
    "unreachable": "there is no route to it",
    "certificate": "its certificate is not believed",
    "tls": "it speaks no TLS that is understood",
    "proxy": "the proxy does not let it through",
    "reset": "the connection is cut",
    "closed": "the connection is closed",
    "timeout": "nothing answers",
    "no_files": "this machine has too many open files",
    "not_http": "it does not speak HTTP",
}


@attrs.define
class Reach:
    """What a run's calls show of the way to PayCools."""

    in_vain: int = 0
    """Calls since the last answer that certainly did not leave this machine."""
    reason: str = ""
    said: bool = False

    def answered(self) -> str | None:
        """An answer came; what a person should hear of it."""
        was, self.in_vain, self.said = self.said, 0, False
        return "PayCools is reached again" if was else None

    def failed(self, error: TransportError) -> str | None:
        """A call found nobody; what a person should hear of it."""
        if error.outcome is not Outcome.NOT_SENT:
            return None
        cause = getattr(error, "cause", None)
        self.in_vain += 1
        self.reason = _WHY.get(cause.reason, "") or str(cause) if cause is not None else str(error)
        if self.said or self.in_vain < _IN_A_ROW:
            return None
        self.said = True
        return f"PayCools cannot be reached: {self.reason}. It is tried again; `paycools doctor` looks for the fault"

    def last_words(self) -> str | None:
        """What a run that ends has to say of it."""
        if self.in_vain < _IN_A_ROW:
            return None
        return f"PayCools was not reached at the end: {self.reason}; `paycools doctor` looks for the fault"


@attrs.define
class Watched:
    """A transport whose calls are watched, and left as they are."""

    inner: Transport
    reach: Reach

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        try:
            answer = await self.inner.send(request)
        except TransportError as error:
            self._tell(self.reach.failed(error))
            raise
        self._tell(self.reach.answered())
        return answer

    def stream(self, request: HttpRequest, /) -> AbstractAsyncContextManager[HttpStream]:
        return stream(self.inner, request)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _tell(self, text: str | None) -> None:
        if text is not None:
            echo_error(f"warning: {text}")
