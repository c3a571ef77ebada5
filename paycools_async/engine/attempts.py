"""From a prepared call to its answer: signed once, in its turn, as often as it may be sent, within one deadline.

text to sign -> signature -> [turn -> transport -> answer]*
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ..errors import (
    ClientClosed,
    DeadlineExceeded,
    InvalidRequest,
    NetworkCause,
    Outcome,
    PayCoolsError,
    SigningError,
    TransportError,
)
from ..hooks import Observer
from ..policy import Deadline, Pace, Retry, note_answer
from ..policy.deadline import checked_timeout
from ..policy.retry import checked_retry
from ..privacy.confidential import frames_of_others
from ..signing.base import TimedSigner
from ..times import Clock
from ..transports.base import Departure, HttpRequest, HttpResponse, Transport
from ..wire.answer import Envelope, data_of, read_answer
from ..wire.flat import SignedRequest
from . import telling
from .preparing import Prepared
from .telling import Progress

__all__ = ["Attempts", "Progress", "Reply"]

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}


@attrs.frozen
class Reply:
    """An answer that says success: its envelope, its `data`, and the HTTP answer that held it."""

    answer: Envelope
    data: Any = attrs.field(repr=False)
    response: HttpResponse


@attrs.define(kw_only=True)
class Attempts:
    """The way to PayCools, shared by all calls of a client."""

    base_url: str
    transport: Transport
    signer: TimedSigner
    retry: Retry
    pace: Pace
    clock: Clock
    timeout: float
    user_agent: str
    observers: Sequence[Observer] = ()
    _headers: Mapping[str, str] = attrs.field(
        default=attrs.Factory(lambda self: {**_HEADERS, "User-Agent": self.user_agent}, takes_self=True), init=False
    )

    def with_options(self, timeout: float | None, retry: Retry | None) -> Attempts:
        """The same way, with another time for each call or another rule for when it is tried again."""
        other = copy.copy(self)
        if timeout is not None:
            other.timeout = checked_timeout(timeout)
        if retry is not None:
            other.retry = checked_retry(retry)
        return other

    async def make(self, prepared: Prepared[Any], progress: Progress) -> Reply:
        """The answer that says success. Raises the error of the last attempt; `progress` is kept up to date."""
        deadline = Deadline(self.clock, self.timeout, not_after=progress.not_after)
        signed = prepared.signed(await self._sign(prepared, deadline))
        while True:
            try:
                return await self._attempt(prepared, signed, deadline, progress)
            except PayCoolsError as error:
                reads = not prepared.endpoint.moves_or_creates
                if not self.retry.may_repeat(error, reads=reads, attempt=progress.attempts):
                    raise
                pause = self.retry.pause(progress.attempts)
                if pause >= deadline.to_send:
                    raise
                telling.retry(prepared, progress, error, pause)
            progress.departure = None  # it is known that nothing is on its way, or it does not matter
            await self.clock.sleep(pause)

    async def _sign(self, prepared: Prepared[Any], deadline: Deadline) -> bytes:
        deadline.check()
        try:
            signature = await self.signer.sign(prepared.text, deadline.to_send)
        except TimeoutError:
            raise DeadlineExceeded(
                "nothing was sent: no signature in the time allowed for the call", outcome=Outcome.NOT_SENT
            ) from None
        except ClientClosed as error:
            raise frames_of_others(error)  # noqa: B904 - it is the same error
        except InvalidRequest:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a signer raises
            what = f"nothing was sent: the signer failed: {type(error).__name__}"
            raise SigningError(what) from frames_of_others(error)
        if not isinstance(signature, bytes | bytearray):
            raise SigningError(f"nothing was sent: the signer returned {type(signature).__name__}, not bytes")
        return bytes(signature)

    async def _attempt(
        self, prepared: Prepared[Any], signed: SignedRequest, deadline: Deadline, progress: Progress
    ) -> Reply:
        number = progress.attempts = progress.attempts + 1
        progress.status = progress.answer = None
        sent_at = await self.pace.wait_turn(deadline)
        deadline.check()
        progress.departure = departure = Departure()
        progress.status = None
        if self.observers:
            telling.attempt_started(self.observers, prepared, progress, self.base_url)
        request = HttpRequest(
            signed.method,
            self.base_url + signed.target,
            self._headers,
            signed.body,
            deadline.remaining,
            fresh=progress.fresh,
            expired=None if deadline.not_after is None else deadline.expired,
            departure=departure,
            once=prepared.endpoint.moves_or_creates,
            clock=self.clock,
        )
        try:
            reply = await self._answered(prepared, request, sent_at, progress)
        except PayCoolsError as error:
            progress.status = telling.status_of(error)
            self._ended(prepared, progress, departure.times, number, sent_at, error)
            raise
        progress.status = reply.response.status
        self._ended(prepared, progress, departure.times, number, sent_at, None)
        return reply

    def _ended(
        self,
        prepared: Prepared[Any],
        progress: Progress,
        times: int,
        number: int,
        sent_at: float,
        error: PayCoolsError | None,
    ) -> None:
        """Count what the library below repeated, and tell. `times`: how often it was written."""
        progress.attempts += max(0, times - 1)
        if self.observers:
            seconds = self.clock.monotonic() - sent_at
            telling.attempt_ended(self.observers, prepared, progress, number, seconds, error)

    async def _answered(
        self, prepared: Prepared[Any], request: HttpRequest, sent_at: float, progress: Progress
    ) -> Reply:
        response = await self._carry(request)
        progress.status = response.status
        try:
            progress.answer = answer = read_answer(response.status, response.headers, response.body)
            data = data_of(answer, response.status, response.headers, prepared.endpoint)
        except PayCoolsError as error:
            pause = note_answer(self.pace, sent_at, error)
            if pause:
                telling.pause(self.observers, prepared, error, pause)
            raise
        note_answer(self.pace, sent_at, None)
        return Reply(answer, data, response)

    async def _carry(self, request: HttpRequest) -> HttpResponse:
        """The transport's answer; from a transport of the caller's own comes nothing but a TransportError either."""
        try:
            response = await self.transport.send(request)
            odd = _odd(response)
        except TransportError:
            raise
        except Exception as error:
            name = type(error).__name__
            left = request.departure.may_have_left  # a transport that does not know says nothing, so it may
            what = "the request may have been sent" if left else "nothing was sent"
            outcome = Outcome.UNKNOWN if left else Outcome.NOT_SENT
            raise TransportError(
                f"{name} from the transport; {what}", outcome=outcome, cause=NetworkCause(name)
            ) from error
        if odd is not None:
            raise TransportError(f"{odd} from the transport; the request may have been sent")
        return response


def _odd(response: Any) -> str | None:
    """What is wrong with the types of a transport's answer, in words."""
    if not isinstance(response, HttpResponse):
        return f"{type(response).__name__}, which is no HttpResponse,"
    if not isinstance(response.status, int) or isinstance(response.status, bool):
        return f"a status that is {type(response.status).__name__}"
    if not isinstance(response.body, bytes):
        return f"a body that is {type(response.body).__name__}"
    if not isinstance(response.headers, Mapping):
        return f"headers that are {type(response.headers).__name__}"
    for name, value in response.headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            return "headers that are no text"
    return None
