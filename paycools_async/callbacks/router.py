"""From raw body to handler to answer, whatever web framework carries it.

router = CallbackRouter(PHCallbacks(secret), GlobalCallbacks(platform_key))

@router.on(PayoutSettled)
async def settled(event: PayoutSettled) -> None: ...

status, body = await router.handle(raw)
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..endpoint import Event
from ..errors import ConfigurationError
from .answers import FAILED, REFUSED, Answer, refuse
from .calling import HANDLER_TIMEOUT, Caller, HandlerCrashed, HandlerTimeout, checked_limit
from .errors import CallbackError, MalformedCallback
from .event_table import UnforeseenQuestion, UnknownEvent, is_question, reference_of
from .parsing import MAX_BODY, read
from .verify import Callbacks, Verified, family_of

__all__ = ["CallbackRouter", "Handles"]

H = TypeVar("H", bound=Callable[[Any], Any])

log: logging.Logger = logging.getLogger("paycools_async.callbacks")


class Handles(Protocol):
    """What the web adapters serve: a router, or an inbox before one."""

    async def handle(self, raw: bytes) -> tuple[int, bytes]:
        """HTTP status and JSON body for a callback's raw body."""
        ...


class CallbackRouter:
    """Verifies callbacks of one or both families and hands each event to its handler.

    A handler is a function, async or not (then it runs in a thread), of one argument. The handler of the event's class
    is called; else that of its nearest base class. Only after it has returned is the callback acknowledged.
    `handler_timeout`: seconds that it has for one event. Then it is cancelled; a thread cannot be, and runs on.

    - It raises, whatever, or takes too long: HTTP 500, so that PayCools sends again; logged without the body.
    - A CallbackError: HTTP 400.
    - No handler: acknowledged, with a warning in the log (`on_any` takes these instead). But a known event whose fields
      are not the documented ones (`UnknownEvent` with a `problem`) is not acknowledged then: HTTP 500 until somebody
      handles it.
    - BillsPaymentVerification (4.6) is a question: its handler returns `accept()` or `refuse()`. Without a handler of
      its own it is refused, and so is one whose fields are not the documented ones, unless a handler of `UnknownEvent`
      returns an answer.
    """

    def __init__(
        self, *callbacks: Callbacks, max_size: int = MAX_BODY, handler_timeout: float = HANDLER_TIMEOUT
    ) -> None:
        self._callbacks = {each.family: each for each in callbacks}
        if not callbacks or len(self._callbacks) != len(callbacks):
            raise ConfigurationError("a router takes PHCallbacks, GlobalCallbacks or one of each")
        self.max_size = max_size
        self.handler_timeout: float = checked_limit(handler_timeout)
        self._caller = Caller()
        self._handlers: dict[type[Event], Callable[[Any], Any]] = {}
        self._any: Callable[[Event], Any] | None = None

    def on(self, *events: type[Event]) -> Callable[[H], H]:
        """Register the handler of event classes. Each class has one."""
        if not events:
            raise ConfigurationError("name the event classes: @router.on(PayoutSettled)")

        def register(handler: H) -> H:
            for event in events:
                if event in self._handlers:
                    raise ConfigurationError(f"{event.__name__} has a handler already")
                self._handlers[event] = handler
            return handler

        return register

    def on_any(self, handler: H) -> H:
        """Register the handler of every event that has none. Questions (4.6) never come to it."""
        if self._any is not None:
            raise ConfigurationError("on_any has a handler already")
        self._any = handler
        return handler

    def verified(self, raw: bytes | str) -> Verified:
        """Parse a body of either family, recognised by its shape. Raises CallbackError."""
        body = read(raw, self.max_size)
        callbacks = self._callbacks.get(family_of(body))
        if callbacks is None:
            raise MalformedCallback("a callback of the other API, for which no key is set up here")
        return callbacks.verified(body)

    def ack_of(self, verified: Verified) -> Answer:
        """The acknowledgement of the event's family."""
        return self._callbacks[verified.family].ack

    async def handle(self, raw: bytes | str) -> tuple[int, bytes]:
        """Verify, call the handler, and say what to answer: HTTP status and JSON body. Never raises an Exception."""
        try:
            verified = self.verified(raw)
        except CallbackError as error:
            log.warning("callback refused: %s", error)
            return REFUSED.status, REFUSED.body
        answer = await self.answer(verified)
        return answer.status, answer.body

    async def answer(self, verified: Verified) -> Answer:
        """The answer to a verified event, after its handler has returned."""
        try:
            returned = await self.dispatch(verified.event)
        except Exception as error:  # noqa: BLE001 - whatever the merchant's code raises: PayCools is to send again
            log_failure(verified.event, error, "PayCools is asked to send it again")
            return FAILED
        return returned or self.ack_of(verified)

    async def dispatch(self, event: Event, limit: float | None = None) -> Answer | None:
        """Call the event's handler. Returns its Answer, or None for the usual one. Raises what the handler raises.

        `limit`: seconds it may take, instead of the router's `handler_timeout`; after that HandlerTimeout is raised.
        """
        handler = self._handler_of(event)
        if handler is None:
            return _unhandled(event)
        returned = await self._caller.call(handler, event, self.handler_timeout if limit is None else limit)
        if isinstance(returned, Answer):
            return returned
        if isinstance(event, UnforeseenQuestion):  # its handler is one for anything unknown
            return refuse()
        if is_question(event):
            raise TypeError("the handler of BillsPaymentVerification must return accept() or refuse()")
        return None

    @property
    def problem(self) -> str | None:
        """What an operator is to know of handlers that hang in their threads; None where none does."""
        return self._caller.problem

    def _handler_of(self, event: Event) -> Callable[[Any], Any] | None:
        question = is_question(event)
        for cls in type(event).__mro__:
            if cls in self._handlers and not (question and cls is Event):
                return self._handlers[cls]
        return None if question else self._any


def _unhandled(event: Event) -> Answer | None:
    if is_question(event):
        why = event.problem if isinstance(event, UnforeseenQuestion) else "no handler is registered for it"
        log.warning("%s refused: %s", reference_of(event), why)
        return refuse()
    if isinstance(event, UnknownEvent) and event.problem is not None:
        raise _Misfit(f"fields are not as documented ({event.problem}), and no handler takes it")
    log.warning("%s acknowledged, and no handler is registered for it", reference_of(event))
    return None


class _Misfit(Exception):
    """A known event with other fields than documented, and nobody to look at it. The message holds no values."""


def log_failure(event: Event, error: BaseException, consequence: str) -> None:
    """One log entry: the event's ids, the error's class and where it was raised. Its message may hold anything."""
    if isinstance(error, _Misfit | HandlerTimeout):
        log.error("%s: %s; %s", reference_of(event), error, consequence)
        return
    if isinstance(error, HandlerCrashed) and error.__cause__ is not None:
        error = error.__cause__
    where = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    log.error("%s: the handler raised %s; %s\n%s", reference_of(event), type(error).__name__, consequence, where)
