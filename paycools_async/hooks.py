"""Where a program watches its calls: for logs, metrics and traces.

    class Log(Observer):
        def call_ended(self, call: CallEnded) -> None:
            log.info("%s %s: %s in %.3f s", call.operation, call.order_id, call.error or "ok", call.seconds)

    PayCoolsPH.from_env(observers=[Log()])
    PayCoolsPH.from_env(on_call=print)

What is told holds ids, numbers and names of classes: no account, no name, no message of PayCools.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from .errors import ConfigurationError, Outcome

__all__ = ["AttemptEnded", "AttemptStarted", "CallEnded", "CallStarted", "ClientPaused", "Observer"]


@attrs.frozen(kw_only=True)
class CallStarted:
    """A call begins: it is checked, and is neither signed nor sent yet."""

    operation: str
    """The endpoint's id, like "ph.payout.create"; "POST /path" of a call without a class."""
    order_id: str | None
    """The merchant's own id, where the call has one."""
    call: int = attrs.field(default=0, eq=False)
    """The number of the call in this process, by which what is told of it belongs together."""


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """A request is about to be handed to the transport. `number` counts from 1 in each call."""

    operation: str
    """The endpoint's id, like "ph.payout.create"."""
    order_id: str | None
    """The merchant's own id, where the call has one."""
    method: str
    number: int
    url: str = ""
    """Without its query, which is signed and holds account data."""
    route: str | None = None
    """The path as documented, with {names} where values stand; None where it is the caller's own."""
    call: int = attrs.field(default=0, eq=False)


@attrs.frozen(kw_only=True)
class AttemptEnded:
    """What came of that one attempt."""

    operation: str
    order_id: str | None
    number: int
    seconds: float
    outcome: Outcome
    status: int | None = None
    """The HTTP status, where an answer came."""
    code: int | None = None
    """PayCools' result code, where an answer that can be trusted came."""
    error: str | None = None
    """The error's class; None is success."""
    call: int = attrs.field(default=0, eq=False)


@attrs.frozen(kw_only=True)
class ClientPaused:
    """PayCools is busy: for so many seconds no call of this client is sent."""

    operation: str
    """The call that was answered so."""
    seconds: float
    error: str
    """The class of the answer's error."""


@attrs.frozen(kw_only=True)
class CallEnded:
    """What came of the whole call: its waits, its signature and every attempt."""

    operation: str
    order_id: str | None
    seconds: float
    attempts: int
    outcome: Outcome
    code: int | None = None
    error: str | None = None
    """The class of what was raised, `CancelledError` too; None is success."""
    status: int | None = None
    """The HTTP status of the last attempt, where an answer came."""
    call: int = attrs.field(default=0, eq=False)


class Observer:
    """Override what is wanted. Called on the loop, in the task of the call: be quick, and do not wait for anything.

    What it raises goes to the loop's exception handler; the call is not touched by it.
    """

    def call_started(self, call: CallStarted) -> None:
        """Before it is signed. A request that is refused by its own rules is no call yet."""

    def attempt_started(self, attempt: AttemptStarted) -> None:
        """Before the request is handed to the transport."""

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        """After its answer, or without one; not where it is cancelled."""

    def call_ended(self, call: CallEnded) -> None:
        """At the end of the call, whatever the end is."""

    def paused(self, pause: ClientPaused) -> None:
        """A pause of the whole client begins."""


class OnCall(Observer):
    """Hands the end of every call to a function."""

    def __init__(self, function: Callable[[CallEnded], object]) -> None:
        self.call_ended = function  # type: ignore[assignment]


class OnAttempt(Observer):
    """Hands the end of every attempt to a function."""

    def __init__(self, function: Callable[[AttemptEnded], object]) -> None:
        self.attempt_ended = function  # type: ignore[assignment]


def all_observers(
    observers: Sequence[Observer],
    on_call: Callable[[CallEnded], object] | None,
    on_attempt: Callable[[AttemptEnded], object] | None,
) -> tuple[Observer, ...]:
    """The observers and the functions. Raises ConfigurationError for what is none, or would have to be awaited."""
    for name, function in (("on_call", on_call), ("on_attempt", on_attempt)):
        if function is not None and (not callable(function) or _is_async(function)):
            raise ConfigurationError(f"{name}: a plain function; it is called in the task of the call, and not awaited")
    for observer in observers:
        if not isinstance(observer, Observer):
            raise ConfigurationError(f"observers: each is an Observer, not {type(observer).__name__}")
    more = [OnCall(on_call)] if on_call is not None else []
    return (*observers, *more, *([OnAttempt(on_attempt)] if on_attempt is not None else []))


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def tell(observers: Sequence[Observer], how: Callable[[Observer], Callable[[Any], object]], fact: Any) -> None:
    """Tell all of them. None of them can spoil a call, nor keep the others from hearing."""
    for observer in observers:
        try:
            answer = how(observer)(fact)
            if answer is not None and inspect.iscoroutine(answer):
                answer.close()
                raise TypeError("it is not awaited, so it may not be async")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - of whatever a program does there
            note_failure(f"the observer {type(observer).__name__} failed", error)


def note_failure(message: str, error: BaseException) -> None:
    """What watches a call has failed: the loop's exception handler is told, and the call goes on."""
    asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})
