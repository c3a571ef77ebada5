"""Calling a merchant's handler: within a time limit, and whatever it does is an Exception or its result."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from ..errors import ConfigurationError
from .threads import HandlerThreads

__all__ = ["HANDLER_TIMEOUT", "Caller", "HandlerCrashed", "HandlerTimeout", "checked_limit", "must_pass"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")

HANDLER_TIMEOUT = 60.0
"""Seconds that a handler has for one event, if nothing else is said."""
_GRACE = 5.0
"""Seconds that a handler has to clean up after it was cancelled."""

Handler = Callable[[Any], Any]


class HandlerTimeout(Exception):
    """The handler took longer than it may, or an earlier call of it for this event is still at work in its thread."""


class HandlerCrashed(Exception):
    """The handler ended with what is no Exception, such as SystemExit; see the cause."""


def checked_limit(seconds: float) -> float:
    """A time limit that is one. Raises ConfigurationError."""
    if not seconds > 0:
        raise ConfigurationError("a time limit is more than 0 seconds")
    return seconds


def must_pass(error: BaseException) -> bool:
    """Whether it is the cancellation of the running task, or a person's Ctrl-C, and not something that went wrong."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)  # the latter: its loop was closed under it


class Caller:
    """Calls handlers, async or not. The latter run in threads of its own, so that slow ones hold up nobody else's."""

    def __init__(self) -> None:
        self._threads = HandlerThreads()
        self._process = os.getpid()
        self._running_on: list[tuple[Any, Future[Any]]] = []
        self._left: set[asyncio.Task[Any]] = set()

    @property
    def problem(self) -> str | None:
        """What an operator is to know of handlers that hang; None where none does."""
        return self._threads.problem

    async def call(self, handler: Handler, event: Any, limit: float) -> Any:
        """What the handler returns. Raises what it raises, HandlerCrashed if that is no Exception, and HandlerTimeout.

        When the caller is cancelled the handler is too. A thread cannot be stopped: it runs on, its result is ignored.
        """
        task = asyncio.create_task(self._caught(handler, event), name="paycools-handler")
        try:
            done, _ = await asyncio.wait({task}, timeout=limit)
        except asyncio.CancelledError:
            await self._end(task)
            raise
        if not done:
            await self._end(task)
            raise HandlerTimeout(f"the handler took longer than {limit:g} seconds")
        if task.cancelled():  # the handler's own doing: the caller's would have come out of `wait`
            raise HandlerCrashed("the handler raised CancelledError") from asyncio.CancelledError()
        returned, error = task.result()
        if error is None:
            return returned
        if isinstance(error, Exception):
            raise error
        raise HandlerCrashed(f"the handler raised {type(error).__name__}") from error

    async def _caught(self, handler: Handler, event: Any) -> tuple[Any, BaseException | None]:
        try:
            return await self._returned(handler, event), None
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise  # the latter is a person's: it ends the loop, and is seen
        except BaseException as error:  # noqa: BLE001 - raised in a task it would end the loop, or be lost
            return None, error

    async def _returned(self, handler: Handler, event: Any) -> Any:
        if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
            return await handler(event)
        returned = await self._in_thread(handler, event)
        return await _awaited(returned) if inspect.isawaitable(returned) else returned

    async def _in_thread(self, handler: Handler, event: Any) -> Any:
        if self._process != os.getpid():  # a forked child has none of its parent's threads
            self._threads, self._running_on, self._process = HandlerThreads(), [], os.getpid()
        self._running_on = [(of, call) for of, call in self._running_on if not call.done()]
        if any(of == event for of, _ in self._running_on):
            raise HandlerTimeout("an earlier call of the handler for this event is still at work")
        context = contextvars.copy_context()
        call = self._threads.submit(lambda: context.run(handler, event))
        try:
            returned, error = await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            self._threads.give_up(call)
            if not call.done():
                self._running_on.append((event, call))
            raise
        if isinstance(error, StopIteration):  # no coroutine can raise it
            raise HandlerCrashed("the handler raised StopIteration") from error
        if error is not None:
            raise error
        return returned

    async def _end(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=_GRACE)
        if not done:
            log.error("a handler goes on although it was cancelled; nobody waits for it any more")
            self._left.add(task)
            task.add_done_callback(self._forget)
        else:
            self._forget(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # or asyncio would complain that nobody has looked at it


async def _awaited(returned: Awaitable[Any]) -> Any:
    return await returned
