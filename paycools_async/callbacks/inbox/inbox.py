"""Durable, idempotent intake: a callback is stored before it is acknowledged, and applied once, forward only.

    store = await SQLiteStore.open("callbacks.db")
    async with CallbackInbox(router, store) as inbox:
        app.router.add_route("*", "/paycools", aiohttp_handler(inbox))

What is guaranteed is in docs/callbacks.md: a handler is called at least once for each event, and the mark that ends it
is made exactly once; database work given to `with_mark` is in the commit of that mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import attrs

from ...endpoint import Event
from ..answers import FAILED, REFUSED
from ..errors import CallbackError
from ..event_table import UnknownEvent, is_question, reference_of
from ..router import CallbackRouter, log_failure
from ..verify import Verified
from .store import InboxError, InboxStore, Item, Stored, Work

__all__ = ["CallbackInbox", "applying_store", "item_of", "with_mark"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")

_PAGE = 200
_LONGEST_PAUSE = 300.0


@attrs.frozen
class _Applying:
    store: InboxStore
    work: list[Work] = attrs.field(factory=list)


_APPLYING: ContextVar[_Applying | None] = ContextVar("paycools_applying", default=None)


def with_mark(work: Callable[[Any], Any]) -> None:
    """In a handler called by an inbox: do this in the very commit that marks the event as applied.

    `work` gets the store's connection: a `sqlite3.Connection` (in the store's thread; a plain function), or a
    `psycopg.AsyncConnection` (plain or async function). It must not commit. If it raises, nothing is marked, and the
    event is applied again later.
    """
    applying = _APPLYING.get()
    if applying is None:
        raise RuntimeError("with_mark is for handlers that an inbox calls")
    applying.work.append(work)


def applying_store() -> InboxStore | None:
    """The store of the inbox that is calling this handler, if one is."""
    applying = _APPLYING.get()
    return applying.store if applying is not None else None


def item_of(found: Verified, raw: bytes) -> Item:
    """What the inbox keeps of a verified callback."""
    event = found.event
    subject = verdict = None
    rank = 1
    if not isinstance(event, UnknownEvent):
        if event.subject:
            subject = f"{found.family} {type(event).__name__} {event.subject}"
        rank = event.rank
        amount = getattr(event, "amount", getattr(event, "refund_amount", None))
        verdict = json.dumps([getattr(event, "event_name", None), event.status or "", amount])
    return Item(id=found.id, subject=subject, rank=rank, verdict=verdict or "", family=found.family, body=raw)


class CallbackInbox:
    """Stands before a router: stores what is verified, acknowledges it, and lets the router's handlers work on it.

    Of several processes on one store one applies; the others take in. Events of one transaction are applied one after
    the other, those of different transactions up to `concurrency` at a time. A handler that fails is called again after
    a growing pause (1 second to 5 minutes). `poll`: seconds between looks for what other processes took in.

    Questions (4.6) are not stored: their handler is called at once, for PayCools waits for its answer.
    """

    def __init__(
        self,
        router: CallbackRouter,
        store: InboxStore,
        *,
        concurrency: int = 8,
        poll: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._router = router
        self._store = store
        self._room = asyncio.Semaphore(concurrency)
        self._poll = poll
        self._clock = clock
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- intake -------------------------------------------------------------------------------------------------

    async def handle(self, raw: bytes) -> tuple[int, bytes]:
        """Verify, store durably, acknowledge. A callback that is there already is acknowledged, and that is all."""
        try:
            found = self._router.verified(raw)
        except CallbackError as error:
            log.warning("callback refused: %s", error)
            return REFUSED.status, REFUSED.body
        if is_question(found.event):
            answer = await self._router.answer(found)
            return answer.status, answer.body
        try:
            new = await self._store.add(item_of(found, raw))
        except Exception as error:  # noqa: BLE001 - whatever the database says: PayCools is to send again
            log_failure(found.event, error, "it is not stored, and PayCools is asked to send it again")
            return FAILED.status, FAILED.body
        if new:
            self._wake.set()
        ack = self._router.ack_of(found)
        return ack.status, ack.body

    # -- applying -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Apply from now on, first what an earlier process left."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="paycools-inbox")

    async def aclose(self) -> None:
        """Stop applying. What is not applied stays for the next start. The store is closed too."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
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
        while True:
            self._wake.clear()
            try:
                if not await self.drain():
                    pause = await self._pause()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), pause)
            except Exception as error:  # noqa: BLE001 - it must go on, whatever the database says
                log.error("the inbox cannot apply for now: %s", error if isinstance(error, InboxError) else type(error))
                await asyncio.sleep(self._poll)

    async def _pause(self) -> float:
        due = await self._store.next_due()
        return self._poll if due is None else min(max(due - self._clock(), 0.01), self._poll)

    async def drain(self) -> int:
        """Apply everything that is due now, if this process is the one that applies. Returns how many were handled."""
        handled = 0
        while await self._store.lead():
            found = await self._store.due(_PAGE)
            if not found:
                break
            by_subject: dict[str, list[Stored]] = {}
            for stored in found:
                by_subject.setdefault(stored.subject or stored.id, []).append(stored)
            try:
                async with asyncio.TaskGroup() as group:
                    for events in by_subject.values():
                        group.create_task(self._in_order(events))
            except* InboxError as group_of_errors:
                raise InboxError(str(group_of_errors.exceptions[0])) from None
            handled += len(found)
        return handled

    async def _in_order(self, events: list[Stored]) -> None:
        async with self._room:
            for stored in events:
                await self._apply(stored)

    async def _apply(self, stored: Stored) -> None:
        if stored.subject is not None:
            rank, verdicts = await self._store.standing(stored.subject)
            if stored.rank < rank or stored.verdict in verdicts:
                await self._store.mark(stored.seq, "superseded")
                return
        event: Event | None = None
        applying = _Applying(self._store)
        token = _APPLYING.set(applying)
        try:
            # verified again: neither an edited row nor a secret that is no longer trusted is acted on
            event = self._router.verified(stored.body).event
            await self._router.dispatch(event)
            await self._store.mark(stored.seq, "applied", applying.work)
        except InboxError:
            raise
        except Exception as error:  # noqa: BLE001 - a handler's error must not stop the others
            pause = min(2.0 ** min(stored.attempts, 20), _LONGEST_PAUSE)
            log_failure(event or UnknownEvent(), error, f"it is applied again in {pause:g} seconds")
            await self._store.postpone(stored.seq, self._clock() + pause, type(error).__name__)
        else:
            log.debug("%s applied", reference_of(event))
        finally:
            _APPLYING.reset(token)
