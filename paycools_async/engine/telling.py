"""What is told of a call: to the log, and to whoever observes. Ids, numbers and names of classes, and nothing else."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import Any

import attrs

from ..errors import ApiError, Outcome, PayCoolsError
from ..hooks import AttemptEnded, AttemptStarted, CallEnded, CallStarted, ClientPaused, Observer, tell
from ..texts import shown_text
from ..transports.base import Departure
from ..wire.answer import Envelope
from .log import handle_record, log, log_info
from .preparing import Prepared

__all__ = ["Progress"]

_CALLS = itertools.count(1)
_LONGEST_ID = 64
_ENDED = "%s %s: %s in %.3f s, HTTP %s, attempts %d"
_FAILED = f"{_ENDED}, %s, code %s"


@attrs.define(kw_only=True)
class Progress:
    """What one call asks of its way to PayCools, and how far the last attempt came."""

    fresh: bool = False
    not_after: float | None = None
    departure: Departure | None = None
    attempts: int = 0
    """What the library below repeated by itself counts too."""
    status: int | None = None
    """The HTTP status of the last attempt, where an answer came."""
    answer: Envelope | None = attrs.field(default=None, repr=False)
    """What PayCools said in it."""
    call: int = 0
    """Its number, where somebody observes."""

    @property
    def may_have_left(self) -> bool:
        """Whether a byte of the last attempt may be on its way."""
        return self.departure is not None and self.departure.may_have_left


def status_of(error: PayCoolsError) -> int | None:
    """The HTTP status of the answer behind an error; None where none came."""
    if isinstance(error, ApiError):
        return 200  # no other status is believed
    status: int | None = getattr(error, "status", None)
    return status


# -- the call -------------------------------------------------------------------------------------------------------


def call_started(observers: Sequence[Observer], prepared: Prepared[Any], progress: Progress) -> None:
    """Number it, and tell."""
    progress.call = next(_CALLS)
    fact = CallStarted(operation=prepared.operation, order_id=prepared.order_id, call=progress.call)
    tell(observers, lambda each: each.call_started, fact)


def call_ended(
    observers: Sequence[Observer],
    prepared: Prepared[Any],
    progress: Progress,
    seconds: float,
    error: BaseException | None,
) -> None:
    """The one record of the call, and what observers get of it."""
    outcome, code = Outcome.ACCEPTED, None
    if isinstance(error, PayCoolsError):
        outcome = error.outcome
        code = getattr(error, "code", None) or getattr(error.__cause__, "code", None)
    elif error is not None:  # it was cancelled: the first byte decides
        outcome = Outcome.UNKNOWN if progress.may_have_left else Outcome.NOT_SENT
    name = None if error is None else type(error).__name__
    level = logging.INFO if prepared.endpoint.moves_or_creates else logging.DEBUG
    if log.isEnabledFor(level):
        operation, order_id = prepared.endpoint.id, _order_id(prepared)
        status, attempts = progress.status, progress.attempts
        text = _ENDED
        said: tuple[Any, ...] = (operation, order_id or "-", outcome._value_, seconds, status or "-", attempts)
        if name is not None:
            text, said = _FAILED, (*said, name, code or "-")
        # made by hand: `log.log` looks for its caller, which is this line always, and checks each name of `extra`
        record = log.makeRecord(log.name, level, __file__, 0, text, said, None, "call_ended")
        known = record.__dict__
        known["event"] = "call"
        known["operation"] = operation
        known["order_id"] = order_id
        known["outcome"] = outcome._value_
        known["code"] = code
        known["http_status"] = status
        known["attempts"] = attempts
        known["duration"] = seconds
        known["error"] = name
        handle_record(record)
    if observers:
        ended = CallEnded(
            operation=prepared.operation,
            order_id=prepared.order_id,
            seconds=seconds,
            attempts=progress.attempts,
            outcome=outcome,
            code=code,
            error=name,
            status=progress.status,
            call=progress.call,
        )
        tell(observers, lambda each: each.call_ended, ended)


def _order_id(prepared: Prepared[Any]) -> str | None:
    """On one line, also of a call without a class, whose fields no rule has checked."""
    order_id = prepared.order_id
    return order_id if order_id is None or order_id.isalnum() else shown_text(order_id, _LONGEST_ID)


# -- its attempts ---------------------------------------------------------------------------------------------------


def attempt_started(observers: Sequence[Observer], prepared: Prepared[Any], progress: Progress, base_url: str) -> None:
    """A request is about to be handed to the transport."""
    endpoint = prepared.endpoint
    fact = AttemptStarted(
        operation=prepared.operation,
        order_id=prepared.order_id,
        method=endpoint.method,
        number=progress.attempts,
        url=base_url + prepared.message.path,
        route=endpoint.path if endpoint.nav else None,
        call=progress.call,
    )
    tell(observers, lambda each: each.attempt_started, fact)


def attempt_ended(
    observers: Sequence[Observer],
    prepared: Prepared[Any],
    progress: Progress,
    number: int,
    seconds: float,
    error: PayCoolsError | None,
) -> None:
    """What came of it."""
    fact = AttemptEnded(
        operation=prepared.operation,
        order_id=prepared.order_id,
        number=number,
        seconds=seconds,
        outcome=Outcome.ACCEPTED if error is None else error.outcome,
        status=progress.status,
        code=getattr(error, "code", None),
        error=None if error is None else type(error).__name__,
        call=progress.call,
    )
    tell(observers, lambda each: each.attempt_ended, fact)


def retry(prepared: Prepared[Any], progress: Progress, error: PayCoolsError, pause: float) -> None:
    """It is tried again, after so many seconds."""
    if not log.isEnabledFor(logging.INFO):
        return
    order_id, name = _order_id(prepared), type(error).__name__
    extra = {
        "event": "retry",
        "operation": prepared.operation,
        "order_id": order_id,
        "outcome": error.outcome.value,
        "code": getattr(error, "code", None),
        "http_status": progress.status,
        "attempts": progress.attempts,
        "pause": pause,
        "error": name,
    }
    text = "%s %s: attempt %d ended with %s, again in %.3f s"
    log_info(text, prepared.operation, order_id or "-", progress.attempts, name, pause, extra=extra)


def pause(observers: Sequence[Observer], prepared: Prepared[Any], error: PayCoolsError, seconds: float) -> None:
    """The whole client sends nothing for so many seconds."""
    name = type(error).__name__
    if log.isEnabledFor(logging.INFO):
        extra = {"event": "pause", "operation": prepared.operation, "error": name, "pause": seconds}
        text = "%s: PayCools is busy (%s), no call of this client is sent for %.3f s"
        log_info(text, prepared.operation, name, seconds, extra=extra)
    if observers:
        fact = ClientPaused(operation=prepared.operation, seconds=seconds, error=name)
        tell(observers, lambda each: each.paused, fact)
