"""Applying what an inbox has stored: some events at a time, those of one transaction one after the other.

A slow handler holds up the events of its own transaction and one place of `concurrency`, nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import attrs

from ...endpoint import Event
from ...errors import ConfigurationError
from ..calling import must_pass
from ..event_table import UnknownEvent, reference_of
from ..router import CallbackRouter, log_failure
from .store import InboxError, InboxStore, Stored, Work

__all__ = ["Applier", "Applying", "applying_store", "collected_for", "collecting_work", "in_transaction", "with_mark"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")

_PAGE = 200
_LONGEST_PAUSE = 300.0


@attrs.define(eq=False)
class Applying:
    """A handler at work: what it asks of `in_transaction`. `refused`: why nothing more can be asked."""

    store: InboxStore | None
    of: object = None
    work: list[Work] = attrs.field(factory=list)
    refused: str | None = None


_APPLYING: ContextVar[Applying | None] = ContextVar("paycools_applying", default=None)


def in_transaction(work: Callable[[Any], Any]) -> None:
    """In a handler called by an inbox, or by `DurablePayouts`: do this in the very transaction that marks it as done.

    `work` gets the store's connection: a `sqlite3.Connection` (in the store's thread; a plain function), or a
    `psycopg.AsyncConnection` (plain or async function). It must not commit or roll back; a SQLite connection refuses
    that, and `with connection:` and executescript too. If it raises, nothing is marked, and the event is applied again
    later. Works are done one after the other, so a slow one holds up the others: do what takes time in the handler
    itself.
    """
    applying = _APPLYING.get()
    if applying is None:
        raise RuntimeError("in_transaction is for handlers that an inbox calls, or DurablePayouts")
    if applying.refused is not None:
        raise ConfigurationError(applying.refused)
    applying.work.append(work)


def with_mark(work: Callable[[Any], Any]) -> None:
    """The former name of `in_transaction`."""
    warnings.warn("with_mark is called in_transaction now", DeprecationWarning, stacklevel=2)
    in_transaction(work)


@contextlib.contextmanager
def collecting_work(of: object = None) -> Iterator[list[Work]]:
    """What a handler that is called within asks of `in_transaction`, for somebody else than an inbox to do.

    `of`: what it is called for, by which `collected_for` finds it.
    """
    applying = Applying(None, of)
    token = _APPLYING.set(applying)
    try:
        yield applying.work
    finally:
        _APPLYING.reset(token)


def collected_for(of: object) -> Applying | None:
    """Of the handler that is calling this, if it was called for just that."""
    applying = _APPLYING.get()
    return applying if applying is not None and applying.of == of else None


def applying_store() -> InboxStore | None:
    """The store of the inbox that is calling this handler, if one is."""
    applying = _APPLYING.get()
    return applying.store if applying is not None else None


class Applier:
    """Hands stored events to the router's handlers, up to `concurrency` transactions at a time.

    `changed` is set whenever there is room again.
    """

    def __init__(
        self, router: CallbackRouter, store: InboxStore, concurrency: int, limit: float, clock: Callable[[], float]
    ) -> None:
        self._router = router
        self._store = store
        self._concurrency = concurrency
        self._limit = limit
        self._clock = clock
        self._filling = asyncio.Lock()
        self._ready: deque[tuple[str, list[Stored]]] = deque()
        self._active: dict[str, asyncio.Task[None]] = {}
        self._failure: Exception | None = None
        self.changed: asyncio.Event = asyncio.Event()
        self.leads: bool = False
        self.handled: int = 0

    @property
    def active(self) -> int:
        """How many transactions' events are being applied."""
        return len(self._active)

    @property
    def is_full(self) -> bool:
        """Whether another event has to wait."""
        return len(self._active) >= self._concurrency

    async def fill(self) -> None:
        """Begin with what is due, as far as there is room, if this process is the one that applies.

        Raises what went wrong with the store since the last time; its events stay due.
        """
        async with self._filling:
            failure, self._failure = self._failure, None
            if failure is not None:
                self._ready.clear()
                raise failure
            while not self.is_full and (self._ready or await self._look()):
                if self._failure is not None:  # of an event just begun: the same one may be due again at once
                    break
                subject, events = self._ready.popleft()
                task = asyncio.create_task(self._apply_all(subject, events), name="paycools-inbox-event")
                self._active[subject] = task

    async def _look(self) -> bool:
        """Read what is due, but for transactions that are being applied."""
        self.leads = await self._store.try_become_leader()
        if not self.leads:
            return False
        size = _PAGE
        while True:
            busy = set(self._active)  # also of one that ends while the store is read the page is out of date
            page = await self._store.due(size)
            by_subject: dict[str, list[Stored]] = {}
            for stored in page:
                subject = stored.subject or stored.id
                if subject not in busy:
                    by_subject.setdefault(subject, []).append(stored)
            if by_subject or len(page) < size:
                self._ready.extend(by_subject.items())
                return bool(by_subject)
            size *= 2  # all of it waits for others

    async def wait(self) -> None:
        """Until one of those that are being applied has ended."""
        if self._active:
            await asyncio.wait(self._active.values(), return_when=asyncio.FIRST_COMPLETED)

    async def stop(self) -> None:
        """End what is being applied; it stays due."""
        self._ready.clear()
        tasks = list(self._active.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _apply_all(self, subject: str, events: list[Stored]) -> None:
        try:
            for stored in events:
                await self._apply(stored)
                self.handled += 1
        except BaseException as error:
            if must_pass(error):
                raise
            self._failure = error if isinstance(error, Exception) else InboxError(f"{type(error).__name__} came of it")
        finally:
            del self._active[subject]
            self.changed.set()

    async def _apply(self, stored: Stored) -> None:
        if stored.subject is not None:
            rank, verdicts = await self._store.applied_so_far(stored.subject)
            if stored.rank < rank or stored.verdict in verdicts:
                await self._store.mark(stored.seq, "superseded")
                return
        event: Event | None = None
        applying = Applying(self._store)
        token = _APPLYING.set(applying)
        try:
            # verified again: neither an edited row nor a secret that is no longer trusted is acted on
            event = self._router.verified(stored.body).event
            await self._router.dispatch(event, self._limit)
            async with asyncio.timeout(self._limit if applying.work else None):
                await self._store.mark(stored.seq, "applied", applying.work)
        except BaseException as error:
            if isinstance(error, InboxError) or must_pass(error):
                raise
            # a handler's error, or a cancellation that it made up, must not stop the others
            pause = min(2.0 ** min(stored.attempts, 20), _LONGEST_PAUSE)
            log_failure(event or UnknownEvent(), error, f"it is applied again in {pause:g} seconds")
            await self._store.postpone(stored.seq, self._clock() + pause, type(error).__name__)
        else:
            log.debug("%s applied", reference_of(event))
        finally:
            _APPLYING.reset(token)

    async def drain(self) -> int:
        """Apply everything that is due now. Returns how many were handled."""
        before = self.handled
        try:
            handled = -1
            while self._active or self._failure or self.handled != handled:
                handled = self.handled
                await self.wait()
                await self.fill()
        except InboxError:
            await self._finish()
            raise
        except BaseException:
            await self.stop()
            raise
        return self.handled - before

    async def _finish(self) -> None:
        self._ready.clear()
        while self._active:
            await self.wait()
        self._failure = None
