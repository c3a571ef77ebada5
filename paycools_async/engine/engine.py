"""One call, from request to result. Generic: it knows no product.

    request -> prepared -> [attempts] -> result or error -> what is in doubt

Everything that is sent is frozen before the first attempt; every attempt sends the same bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from logging import INFO
from typing import Any, Generic, TypeVar

import attrs

from .. import converters
from ..endpoint import Effect, Purpose, Request
from ..errors import AlreadyExists, ApiError, OrderConflict, Outcome, PayCoolsError, UnexpectedAnswer
from ..in_doubt import Doubts
from ..known_codes import warn_of_codes
from ..policy import Retry
from ..privacy.confidential import Unseen
from . import telling
from .attempts import Attempts, Reply
from .call_errors import about, mismatch, unknown
from .log import log
from .preparing import Message, Prepared, Preparer
from .telling import Progress

__all__ = ["Engine", "Exchange", "Message"]

R = TypeVar("R")


@attrs.frozen(kw_only=True)
class Exchange(Generic[R]):
    """A finished call: the typed `.result`, and how it came about. `.raw` is PayCools' whole JSON answer."""

    result: R
    raw: dict[str, Any] = attrs.field(repr=False)
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    duration: float
    """Seconds from the call to the result, waits and retries included."""
    attempts: int
    """How often it was tried; what the HTTP library repeated by itself counts too."""


@attrs.define(kw_only=True)
class Engine:
    """Sends the requests of one merchant, and keeps what is in doubt of them."""

    prepare: Preparer
    attempts: Attempts
    doubts: Doubts = attrs.field(
        default=attrs.Factory(lambda self: Doubts(self.attempts.clock), takes_self=True), init=False
    )
    _warned_codes: set[tuple[str, str]] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self.doubts.allow(self.attempts.timeout)

    def with_options(self, timeout: float | None, retry: Retry | None) -> Engine:
        """The same engine, in all but these; None leaves what there is. Raises ConfigurationError."""
        if timeout is None and retry is None:
            return self
        other = copy.copy(self)
        other.attempts = self.attempts.with_options(timeout, retry)
        other.doubts.allow(other.attempts.timeout)
        return other

    async def exchange(self, request: Request[R], *, fresh: bool = False) -> Exchange[R]:
        """Send a typed request. Raises what `errors` describes."""
        prepared = self.prepare.request(request)
        warn_of_codes(request, self._warned_codes)
        return await self.send(prepared, fresh=fresh, remember=True)

    async def call(
        self,
        method: str,
        path: str,
        fields: Unseen[Mapping[str, Any]],
        *,
        effect: Effect,
        purpose: Purpose | None = None,
    ) -> Any:
        """Send fields to any path, signed like the rest; returns the answer's `data`."""
        prepared = self.prepare.call(method, path, fields, effect=effect, purpose=purpose)
        return (await self.send(prepared, remember=True)).result

    async def send(
        self, prepared: Prepared[R], *, fresh: bool = False, not_after: float | None = None, remember: bool = False
    ) -> Exchange[R]:
        """Send a prepared call; what goes wrong leaves as a PayCoolsError that says what is known of the money.

        A `fresh` one goes over a connection of its own. After `not_after`, a moment of the clock's monotonic time,
        nothing is sent any more: DeadlineExceeded, NOT_SENT. With `remember`, what is not answered is added to what
        the client has in doubt; callers who keep a record themselves do without.
        """
        clock = self.attempts.clock
        started = clock.monotonic()
        progress = Progress(fresh=fresh, not_after=not_after)
        if self.attempts.observers:
            telling.call_started(self.attempts.observers, prepared, progress)
        failure: PayCoolsError
        try:
            reply = await self.attempts.make(prepared, progress)
            result = _result(prepared, reply)
        except PayCoolsError as error:
            failure = self._explained(error, prepared, progress, remember=remember)
        except BaseException as error:  # it is cancelled, or the program ends
            if prepared.endpoint.moves_or_creates and progress.may_have_left:
                self._note_doubt(error, prepared, remember=remember)
            telling.call_ended(self.attempts.observers, prepared, progress, clock.monotonic() - started, error)
            raise
        else:
            if remember and prepared.endpoint.moves_or_creates and self.doubts.any_now:
                self._note_success(prepared)
            duration = clock.monotonic() - started
            if self.attempts.observers or log.isEnabledFor(INFO):  # nobody who reads less hears of calls
                telling.call_ended(self.attempts.observers, prepared, progress, duration, None)
            return Exchange(
                result=result,
                raw=reply.answer.raw,
                status=reply.response.status,
                headers=reply.response.headers,
                duration=duration,
                attempts=progress.attempts,
            )
        telling.call_ended(self.attempts.observers, prepared, progress, clock.monotonic() - started, failure)
        try:
            raise failure
        finally:
            del failure  # or error and frame would hold each other

    def _explained(
        self, error: PayCoolsError, prepared: Prepared[Any], progress: Progress, *, remember: bool
    ) -> PayCoolsError:
        """The error as the caller gets it; what is in doubt is noted."""
        operation, order_id = prepared.operation, prepared.order_id
        found = about(error, prepared, progress)
        if not prepared.endpoint.moves_or_creates:
            return found
        if isinstance(found, ApiError) and self._says_nothing_of_an_earlier_one(found, operation, order_id):
            found = found.doubted()
        if found.outcome is not Outcome.UNKNOWN:
            if isinstance(found, AlreadyExists):
                self.doubts.settle(operation, order_id)
            elif remember and found.outcome is Outcome.DUPLICATE:
                self.doubts.answered_again(operation, order_id)
            return found
        if remember:
            self.doubts.add(operation, prepared.request)
        return unknown(found, prepared, self.attempts.clock.monotonic())

    def _says_nothing_of_an_earlier_one(self, error: ApiError, operation: str, order_id: str | None) -> bool:
        """Whether the refusal is of an order that was sent before: that may be why, or has nothing to do with it."""
        if error.outcome is not Outcome.REJECTED or isinstance(error, AlreadyExists):
            return False
        return any((self.doubts.get(operation, order_id), self.doubts.again(operation, order_id)))

    def _note_success(self, prepared: Prepared[Any]) -> None:
        if prepared.endpoint.effect is Effect.CREATES:
            self.doubts.settle(prepared.operation, prepared.order_id)
        else:  # it says nothing of an earlier sending
            self.doubts.answered_again(prepared.operation, prepared.order_id)

    def _note_doubt(self, error: BaseException, prepared: Prepared[Any], *, remember: bool) -> None:
        error.add_note(
            f"{prepared.operation} {prepared.order_id or ''}".rstrip() + " was cancelled and may have got through: "
            "find out before anything is sent again"
        )
        if remember:
            self.doubts.add(prepared.operation, prepared.request)


def _result(prepared: Prepared[R], reply: Reply) -> R:
    """The typed result. Raises where the answer does not hold what it should, or is about something else."""
    status = reply.response.status
    try:
        result: R = converters.structure(reply.data, prepared.endpoint.returns)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is not what it should be
        raise UnexpectedAnswer(f"HTTP {status}: the answer says success, but {error}", status=status) from None
    contradiction = mismatch(prepared, result, reply.data)
    if contradiction is None:
        return result
    if prepared.endpoint.moves_or_creates:
        raise UnexpectedAnswer(f"HTTP {status}: {contradiction}", status=status)
    raise OrderConflict(f"{contradiction}; nothing is known of ours", outcome=Outcome.UNKNOWN)
