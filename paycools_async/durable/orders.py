"""What durable payouts and refunds have in common: opened, submitted, looked at, waited for, told of, closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from ..batch.ledger.application import Kept, NotWritten, StuckRule, submission_of
from ..batch.ledger.base import Ledger, LedgerError
from ..batch.ledger.opening import open_ledger
from ..batch.run.options import Options
from ..batch.run.payout_api import PayoutApi
from ..batch.states import Event, State
from ..callbacks.calling import HANDLER_TIMEOUT, checked_limit
from ..client import PayCoolsGlobal, PayCoolsPH
from ..endpoint import Event as CallbackEvent
from ..errors import ConfigurationError, Outcome
from ..policy import Pacing
from ..runtime import FORKED, OTHER_LOOP
from ..storage.location import is_postgres
from ..times import Clock, SystemClock
from .opened import Opened
from .order import DurableOrder, Health

__all__ = ["DurableOrders"]

P = TypeVar("P", bound=DurableOrder)
T = TypeVar("T")

log: logging.Logger = logging.getLogger("paycools_async.durable")

_LAST_SECOND = 1.0
"""Seconds that closing may take beyond `stop_within`, to write what came of what was in flight."""
_FIRST_LOOK, _LONGEST_LOOK = 0.02, 0.5
"""Seconds between looks at a payout that somebody waits for, and that another process may settle."""


class DurableOrders(Generic[P]):
    """Base of `DurablePayouts` and `DurableRefunds`, which say what the options are."""

    noun: ClassVar[str]
    """What one of them is called."""
    _order: type[P]
    _unknown: ClassVar[type[LedgerError]]

    def __init__(
        self,
        paycools: PayCoolsPH | PayCoolsGlobal | PayoutApi,
        where: str | os.PathLike[str],
        *,
        name: str = "app",
        country: str | None = None,
        options: Options | None = None,
        pace: Pacing | None = None,
        poll: float = 0.5,
        handlers: int = 8,
        handler_timeout: float = HANDLER_TIMEOUT,
        stop_within: float = 10.0,
        submit_within: float = 15.0,
        margin: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not name:
            raise ConfigurationError(f"name the application: its {self.noun}s are known by that")
        if handlers < 1 or not poll > 0:
            raise ConfigurationError("handlers must be at least 1, and poll more than 0 seconds")
        self._api: PayoutApi = self._api_of(paycools, country)
        is_postgres(where)  # what is neither a file nor a database is refused before anything begins
        self._where = where
        self._name = name
        self._options = options or Options(breaker=None)
        self._pace = pace
        self._poll = poll
        self._handlers = handlers
        self._limit = checked_limit(handler_timeout)
        self._stop_within = stop_within
        self._submit_within = submit_within
        self._margin = margin
        self._clock: Clock = clock or SystemClock()
        self._handler: Callable[[P], Any] | None = None
        self._opened: Opened[P] | None = None
        self._home: tuple[asyncio.AbstractEventLoop, int] | None = None

    def _api_of(self, paycools: PayCoolsPH | PayCoolsGlobal | PayoutApi, country: str | None) -> PayoutApi:
        """What they go through. Raises ConfigurationError where that is of another kind."""
        raise NotImplementedError

    def _api_over(self, ledger: Ledger) -> PayoutApi:
        """The same, where an inquiry needs what the ledger knows."""
        return self._api

    @property
    def currency(self) -> str:
        """The currency that amounts are in."""
        return self._api.currency

    # -- opening and closing --------------------------------------------------------------------------------------

    async def start(self, *, recover: bool = False) -> None:
        """Open the ledger, take up what an earlier process left, and send from now on. Raises LedgerError.

        A SQLite file that has your own tables alone becomes a ledger beside them. `recover`, once, where a part of the
        file is lost for good: PayCools is asked about whatever may have been sent, before anything is sent.
        """
        if self._opened is not None:
            raise LedgerError(f"these {self.noun}s are open already")
        ledger: Any = await open_ledger(
            self._where,
            self._api.identity,
            recover=recover,
            join=True,
            call_timeout=self._api.call_timeout,
            margin=self._margin,
        )
        try:
            payouts = await ledger.application(self._name)
            self._opened = opened = Opened(
                payouts,
                ledger,
                self._api_over(payouts.ledger),
                self._options,
                self._seen,
                clock=self._clock,
                pace=self._pace or self._shared_pace(ledger),
                noun=self.noun,
                poll=self._poll,
                handlers=self._handlers,
                handler_timeout=self._limit,
            )
            self._home = asyncio.get_running_loop(), os.getpid()
            opened.telling.handler = self._handler
            await opened.background.start()
            opened.telling.start()
        except BaseException:
            self._opened = None
            await ledger.aclose()
            raise

    async def aclose(self) -> None:
        """Stop sending and telling, and close the ledger, in `stop_within` seconds and one more.

        What was submitted is durable. What is in flight and does not end in time is recovered by the next process. In a
        forked child it does nothing.
        """
        if self._opened is None or (self._home is not None and self._home[1] != os.getpid()):
            return
        opened, self._opened = self._opened, None
        opened.payouts.stop_waiting(self._stop_within)
        # a database that neither answers nor goes away holds up nobody
        loop = asyncio.get_running_loop()
        aborting = loop.call_later(self._stop_within + _LAST_SECOND, opened.payouts.abort)
        try:
            try:
                await asyncio.gather(opened.background.stop(self._stop_within), opened.telling.stop(self._stop_within))
            finally:
                await opened.aclose()
        finally:
            aborting.cancel()

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

    def _shared_pace(self, ledger: Any) -> Pacing | None:
        """What the processes on one database share; a file has one process, and needs none."""
        if not is_postgres(self._where):
            return None
        from ..batch.ledger.postgres.shared_pace import SharedPace

        return SharedPace(ledger, self._options.rate)

    def _here(self) -> Opened[P]:
        if self._home is not None and self._home[1] != os.getpid():
            raise LedgerError(FORKED)
        if self._opened is None:
            raise LedgerError(f"these {self.noun}s are not open: use `async with`")
        if self._home is not None and self._home[0] is not asyncio.get_running_loop():
            raise LedgerError(OTHER_LOOP)
        return self._opened

    # -- submitting -----------------------------------------------------------------------------------------------

    async def _submit(self, order: Any, connection: Any) -> P:
        opened = self._here()
        if not isinstance(order, self._api.request_class):
            raise TypeError(f"this takes {self._api.request_class.__name__}, not {type(order).__name__}{_where(order)}")
        submission = submission_of(order, self._api.text_of)
        if connection is not None:
            kept = await opened.payouts.submit_within(connection, submission)
            opened.background.expect()
            return self._seen(kept)
        try:
            kept = await opened.payouts.submit(submission, within=self._submit_within)
        except LedgerError as error:
            raise _not_taken(submission.order_id, error) from error
        opened.background.wake()
        return self._seen(kept)

    # -- reading --------------------------------------------------------------------------------------------------

    async def get(self, order_id: str) -> P | None:
        """One as it stands; None: this application has not submitted it. Raises LedgerError."""
        kept = await self._get(order_id)
        return None if kept is None else self._seen(kept)

    async def _get(self, order_id: str) -> Kept | None:
        return await self._answered(self._here().payouts.get(order_id))

    async def _answered(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._here().answered(work, self._submit_within)

    async def list(self, *, state: State | str | None = None, needs_person: bool = False) -> AsyncIterator[P]:
        """All of them, in the order in which they were submitted.

        `state`: those in that state alone; `needs_person`: those alone that need one.
        """
        wanted = None if state is None else State(state)
        opened = self._here()
        pages = opened.payouts.pages(wanted, stuck=opened.stuck_rule() if needs_person else None)
        while (page := await self._answered(_next(pages))) is not None:
            for kept in page:
                yield self._seen(kept)

    async def wait(self, order_id: str, *, within: float) -> P:
        """One when it is final or needs a person, else as it stands after `within` seconds: look at `.final`.

        Raises UnknownPayout, or UnknownRefund, where there is none of that order id.
        """
        opened = self._here()
        clock = asyncio.get_running_loop().time
        end, pause = clock() + within, _FIRST_LOOK
        with opened.watching(order_id) as moved:
            while True:
                moved.clear()
                kept = await self._get(order_id)
                if kept is None:
                    raise self._none_of(order_id)
                left, found = end - clock(), self._seen(kept)
                if found.final or found.needs_person or left <= 0:
                    return found
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(pause, left)):
                        await moved.wait()
                pause = min(pause * 2, _LONGEST_LOOK)

    async def health(self) -> Health:
        """How it stands, for a probe, within 5 seconds. It raises nothing: what is wrong is in `last_error`."""
        opened = self._opened
        if opened is None:
            return Health(
                running=False,
                backlog=None,
                oldest=None,
                unacknowledged=None,
                stuck=None,
                paused=None,
                resumes_in=None,
                last_error=f"these {self.noun}s are not open",
            )
        error = opened.background.last_error or opened.telling.problem
        try:
            standing = await self._here().standing()
        except Exception as trouble:  # noqa: BLE001 - a probe wants to know, whatever it is
            standing, error = None, str(trouble) if isinstance(trouble, LedgerError) else type(trouble).__name__
        oldest = None if standing is None else standing.oldest
        return Health(
            running=opened.background.running,
            backlog=None if standing is None else standing.backlog,
            oldest=None if oldest is None else max(0.0, opened.payouts.ledger.time() - oldest),
            unacknowledged=None if standing is None else standing.untold,
            stuck=None if standing is None else standing.stuck,
            paused=opened.background.paused,
            resumes_in=opened.background.resumes_in,
            last_error=error,
        )

    def _seen(self, kept: Kept, rule: StuckRule | None = None) -> P:
        return self._order.of(kept, self.currency, rule or self._here().stuck_rule())

    def _none_of(self, order_id: str) -> LedgerError:
        return self._unknown(f"there is no {self.noun} {order_id!r} of application {self._name!r}")

    # -- what a person, or the application, decides ---------------------------------------------------------------

    async def resume(self) -> None:
        """End a pause now, for one who has filled the balance or changed the key. Raises LedgerError."""
        await self._answered(self._here().background.resume())

    async def withdraw(self, order_id: str, *, by: str) -> bool:
        """Take one back that was never sent; False: it was, or may have been. `by`: who says so, for the log."""
        return bool((await self._answered(self._here().payouts.ledger.withdraw(by=by, order_id=order_id))).rows)

    async def adopt(self, order_id: str) -> P:
        """A person says that what PayCools had before ("preexisting") is this one: it is followed to its end.

        Raises UnknownPayout, or UnknownRefund. One in another state is left as it is.
        """
        opened = self._here()
        kept = await self._get(order_id)
        if kept is None:
            raise self._none_of(order_id)
        if kept.row.state is State.PREEXISTING:
            await self._answered(opened.payouts.ledger.apply_event(order_id, Event.ADOPT))
            opened.background.wake()
            kept = await self._get(order_id) or kept
        return self._seen(kept)

    # -- what became of it ----------------------------------------------------------------------------------------

    def _handle(self, handler: Callable[[P], Any]) -> None:
        if self._handler is not None:
            raise ConfigurationError("on_final has a handler already")
        self._handler = handler
        if self._opened is not None:
            self._opened.telling.handler = handler
            self._opened.telling.changed.set()

    async def acknowledge(self, payout: P, *, connection: Any = None) -> None:
        """Mark that the application knows of this state: in the transaction of `connection`, or at once.

        For handlers that write with a connection of their own, to the ledger's database: what they write and the mark
        are one commit, so it is done exactly once. Raises AlreadyAcknowledged where it was marked before: let it pass,
        so that your transaction is rolled back.

        Work that the handler has given to `in_transaction` before is done in the commit of a mark made at
        once. After any mark `in_transaction` raises ConfigurationError, for no commit is left that the work could be
        in; so does this, with a `connection`, where work was given before.
        """
        await self._here().telling.acknowledge(payout._kept, connection)

    async def feed(self, event: CallbackEvent) -> None:
        """A handler of their events, for a router or an inbox: `router.on(PayoutSettled)(payouts.feed)`.

        What PayCools says by callback settles them without an inquiry. Orders of others are left alone; an event of the
        other kind, payouts' or refunds', raises TypeError. Called by an inbox that stands where the ledger stands, the
        move and the inbox's mark are one commit.
        """
        opened = self._here()
        await self._answered(opened.feed(event))
        opened.expect_words()


async def _next(pages: AsyncIterator[T]) -> T | None:
    return await anext(pages, None)


def _not_taken(order_id: str, error: LedgerError) -> LedgerError:
    if isinstance(error, NotWritten):
        found = LedgerError(f"order {order_id} was not taken: {error}", outcome=Outcome.NOT_SENT)
    else:
        text = f"whether order {order_id} was taken is not known; submit the same payout again: {error}"
        found = LedgerError(text, outcome=Outcome.UNKNOWN)
    found.order_id = order_id
    return found


def _where(order: Any) -> str:
    """Where a request of the other kind is taken."""
    if hasattr(order, "mch_refund_order_id"):
        return ": refunds are submitted to DurableRefunds"
    return ""
