"""Where a program watches its calls: for logs, metrics and traces.

    class Log(Observer):
        def call_ended(self, call: CallEnded) -> None:
            log.info("%s %s: %s in %.3f s", call.operation, call.order_id, call.error or "ok", call.seconds)

    PayCoolsPH.from_env(observers=[Log()])

What is told holds ids, numbers and names of classes: no account, no name, no message of PayCools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from .errors import Outcome

__all__ = ["AttemptEnded", "AttemptStarted", "CallEnded", "Observer"]


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """A request is about to be handed to the transport. `number` counts from 1 in each call."""

    operation: str
    """The endpoint's id, like "ph.payout.create"."""
    order_id: str | None
    """The merchant's own id, where the call has one."""
    method: str
    number: int


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


class Observer:
    """Override what is wanted. Called on the loop, in the task of the call: be quick, and do not wait for anything.

    What it raises goes to the loop's exception handler; the call is not touched by it.
    """

    def attempt_started(self, attempt: AttemptStarted) -> None:
        """Before the request is handed to the transport."""

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        """After its answer, or without one; not where it is cancelled."""

    def call_ended(self, call: CallEnded) -> None:
        """At the end of the call, whatever the end is."""


def tell(observers: Sequence[Observer], how: Callable[[Observer], Callable[[Any], None]], fact: Any) -> None:
    """Tell all of them. None of them can spoil a call, nor keep the others from hearing."""
    for observer in observers:
        try:
            how(observer)(fact)
        except Exception as error:  # noqa: BLE001 - of whatever a program does there
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the observer {type(observer).__name__} failed", "exception": error}
            )
