"""Durable, idempotent intake: a callback is stored before it is acknowledged, and applied once, forward only.

    store = await SQLiteStore.open("callbacks.db")
    async with CallbackInbox(router, store) as inbox:
        app.router.add_route("*", "/paycools", aiohttp_handler(inbox))

What is guaranteed is in docs/callbacks.md: a handler is called at least once for each event, and the mark that ends it
is made exactly once; database work given to `in_transaction` is in the commit of that mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import attrs

from ...errors import ConfigurationError
from ..answers import FAILED, REFUSED
from ..calling import checked_limit, must_pass
from ..errors import CallbackError
from ..event_table import UnknownEvent, is_question, reference_of
from ..router import CallbackRouter, log_failure
from ..verify import Verified
from .applying import Applier
from .store import InboxError, InboxStore, Item

__all__ = ["CallbackInbox", "InboxGauges", "InboxHealth", "item_of"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")


INTAKE_TIMEOUT = 10.0
"""Seconds in which a callback is stored, or answered 500."""


def item_of(verified: Verified, raw: bytes) -> Item:
    """What the inbox keeps of a verified callback."""
    event = verified.event
    subject = verdict = None
    rank = 1
    if not isinstance(event, UnknownEvent):
        if event.subject:
            subject = f"{verified.family} {type(event).__name__} {event.subject}"
        rank = event.rank
        amount = getattr(event, "amount", getattr(event, "refund_amount", None))
        verdict = json.dumps([getattr(event, "event_name", None), event.status or "", amount])
    return Item(id=verified.id, subject=subject, rank=rank, verdict=verdict or "", family=verified.family, body=raw)


@attrs.frozen(kw_only=True)
class InboxHealth:
    """How an inbox stands, for a health check of yours."""

    applying: bool
    """Whether it applies by itself. False after `start` means that it has ended, and callbacks are answered 500."""
    leads: bool
    """Whether this process is the one that applies."""
    in_progress: int
    """How many transactions' events are being applied right now."""
    problem: str | None
    """What kept it from applying the last time, or that handlers hang; None where nothing is wrong."""


@attrs.frozen(kw_only=True)
class InboxGauges:
    """What an inbox's store holds, in numbers for a dashboard."""

    rows: dict[str, int]
    """Callbacks that are new, applied and superseded."""
    backlog: int
    """Those that are not applied yet."""
    oldest_age: float | None
    """Seconds since the oldest of these came in; None where there is none, or the store cannot say."""


class CallbackInbox:
    """Stands before a router: stores what is verified, acknowledges it, and lets the router's handlers work on it.

    Of several processes on one store one applies; the others take in. Events of one transaction are applied one after
    the other, those of different transactions up to `concurrency` at a time. A handler that fails is called again after
    a growing pause (1 second to 5 minutes). `poll`: seconds between looks for what other processes took in.
    `handler_timeout`: seconds that a handler has for one event, the router's (60) if nothing is said; then it has
    failed. A database work given to `in_transaction` has as long.

    Questions (4.6) are not stored: their handler is called at once, for PayCools waits for its answer.

    An inbox belongs to the event loop and the process in which it was started: from another one it answers 500, with
    the reason in the log, and its other methods raise InboxError. When that loop is closed it may be started in another
    one. A forked child that closes it does nothing to its parent's.
    """

    def __init__(
        self,
        router: CallbackRouter,
        store: InboxStore,
        *,
        concurrency: int = 8,
        poll: float = 1.0,
        handler_timeout: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError("concurrency must be at least 1")
        limit = router.handler_timeout if handler_timeout is None else checked_limit(handler_timeout)
        self._router = router
        self._store = store
        self._new_applier = functools.partial(Applier, router, store, concurrency, limit, clock)
        self._applier = self._new_applier()
        self._poll = poll
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._problem: str | None = None
        self._home: tuple[asyncio.AbstractEventLoop, int] | None = None

    @property
    def health(self) -> InboxHealth:
        """How it stands now."""
        return InboxHealth(
            applying=self._task is not None and not self._task.done() and not self._is_orphaned(),
            leads=self._applier.leads,
            in_progress=self._applier.active,
            problem=self._problem or self._router.problem,
        )

    async def gauges(self) -> InboxGauges:
        """How much waits, of all processes on this store. Raises InboxError."""
        rows = dict.fromkeys(("new", "applied", "superseded"), 0) | await self._store.counts()
        oldest = getattr(self._store, "oldest", None)  # a store of your own need not have it
        received = None if oldest is None else await oldest()
        return InboxGauges(
            rows=rows,
            backlog=rows["new"],
            oldest_age=None if received is None else max(0.0, self._clock() - received),
        )

    # -- intake -------------------------------------------------------------------------------------------------

    async def handle(self, raw: bytes) -> tuple[int, bytes]:
        """Verify, store durably, acknowledge. A callback that is there already is acknowledged, and that is all."""
        try:
            verified = self._router.verified(raw)
        except CallbackError as error:
            log.warning("callback refused: %s", error)
            return REFUSED.status, REFUSED.body
        if is_question(verified.event):
            answer = await self._router.answer(verified)
            return answer.status, answer.body
        abroad = self._abroad()
        if abroad is not None:
            log.error("%s: %s; PayCools is asked to send it again", reference_of(verified.event), abroad)
            return FAILED.status, FAILED.body
        if self._task is not None and self._task.done():
            log.error("%s: the inbox has ended, and PayCools is asked to send it again", reference_of(verified.event))
            return FAILED.status, FAILED.body
        try:
            async with asyncio.timeout(INTAKE_TIMEOUT):
                new = await self._store.add(item_of(verified, raw))
        except TimeoutError:
            self._problem = (
                f"the store has not answered for {INTAKE_TIMEOUT:g} seconds; perhaps work given to in_transaction "
                "hangs: then restart the process"
            )
            log.error("%s: %s. PayCools is asked to send it again", reference_of(verified.event), self._problem)
            return FAILED.status, FAILED.body
        except InboxError as error:
            reference = reference_of(verified.event)
            log.error("%s: it is not stored, and PayCools is asked to send it again: %s", reference, error)
            return FAILED.status, FAILED.body
        except Exception as error:  # noqa: BLE001 - whatever the database says: PayCools is to send again
            log_failure(verified.event, error, "it is not stored, and PayCools is asked to send it again")
            return FAILED.status, FAILED.body
        if new:
            self._applier.changed.set()
        ack = self._router.ack_of(verified)
        return ack.status, ack.body

    # -- applying -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Apply from now on, first what an earlier process left. It may be started again when its loop is closed."""
        if self._is_orphaned():
            self._task, self._home, self._problem, self._applier = None, None, None, self._new_applier()
        self._check_home()
        if self._task is None:
            self._home = asyncio.get_running_loop(), os.getpid()
            self._task = asyncio.create_task(self._run(), name="paycools-inbox")
            self._task.add_done_callback(self._ended)

    def _abroad(self) -> str | None:
        """Why it cannot be used from here, in words."""
        if self._home is None:
            return None
        loop, process = self._home
        if process != os.getpid():
            return "the inbox was started in another process: open store and inbox after the fork, in each process"
        if loop is not asyncio.get_running_loop():
            return "the inbox was started in another event loop: call it from that one, or open one in each"
        return None

    def _is_orphaned(self) -> bool:
        """Whether the event loop in which it was started is closed."""
        return self._home is not None and self._home[1] == os.getpid() and self._home[0].is_closed()

    def _check_home(self) -> None:
        abroad = self._abroad()
        if abroad is not None:
            raise InboxError(abroad)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:  # not by `aclose`
            self._problem = "it was ended from outside"
            log.critical("the inbox applies nothing any more, and answers callbacks with 500: %s", self._problem)

    async def aclose(self) -> None:
        """Stop applying. What is not applied stays for the next start. The store is closed too."""
        if self._home is not None and self._home[1] != os.getpid():
            return
        if self._is_orphaned():
            self._task, self._home, self._applier = None, None, self._new_applier()
        self._check_home()
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        await self._applier.stop()
        await self._store.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _run(self) -> None:
        applies = True
        while True:
            self._applier.changed.clear()
            try:
                await self._applier.fill()
                self._problem = None
                pause = await self._pause()
            except BaseException as error:
                if must_pass(error):
                    raise
                # it must go on, whatever the database says
                self._problem = str(error) if isinstance(error, InboxError) else type(error).__name__
                if applies:
                    log.error("the inbox cannot apply for now: %s", self._problem)
                applies = False
                await asyncio.sleep(self._poll)
            else:
                if not applies:
                    log.warning("the inbox applies again")
                applies = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):  # `wait_for` may swallow a cancellation before Python 3.12
                        await self._applier.changed.wait()

    async def _pause(self) -> float:
        if self._applier.active or not self._applier.leads:
            return self._poll  # the store counts as due what is being applied, here or elsewhere
        due = await self._store.next_due()
        return self._poll if due is None else min(max(due - self._clock(), 0.01), self._poll)

    async def drain(self) -> int:
        """Apply everything that is due now, if this process is the one that applies. Returns how many were handled."""
        self._check_home()
        return await self._applier.drain()
