"""What there is of payouts or refunds while they are open: the background, the telling, who waits and who asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from ..batch.callback_feed import LedgerFeed
from ..batch.ledger.application import FINAL_WORDS, ApplicationLedger, Kept, Standing, StuckRule
from ..batch.ledger.base import Ledger, LedgerError
from ..batch.ledger.row import Row
from ..batch.run.options import Options
from ..batch.run.payout_api import PayoutApi
from ..errors import Outcome
from ..policy import Pacing
from ..times import Clock
from .background import Background, end
from .order import DurableOrder
from .telling import Telling

__all__ = ["Opened"]

P = TypeVar("P", bound=DurableOrder)
T = TypeVar("T")

_UNANSWERED = 3600.0
"""Seconds after which a person is told of one that no inquiry has said anything of."""
_PROBE = 5.0
"""Seconds that a probe waits for the ledger."""


class Opened(Generic[P]):
    """What is there between `start` and `aclose`."""

    def __init__(
        self,
        payouts: ApplicationLedger,
        ledger: Ledger,
        api: PayoutApi,
        options: Options,
        seen: Callable[[Kept, StuckRule], P],
        *,
        clock: Clock,
        pace: Pacing | None,
        noun: str,
        poll: float,
        handlers: int,
        handler_timeout: float,
    ) -> None:
        self.payouts = payouts
        self.ledger = ledger
        self._since = payouts.ledger.time()
        self._options, self._call_timeout = options, api.call_timeout
        self.telling = Telling(payouts, seen, self.stuck_rule, concurrency=handlers, limit=handler_timeout, poll=poll)
        self.background = Background(
            api, payouts.ledger, options, clock=clock, pace=pace, poll=poll, on_move=self._moved, noun=noun
        )
        self.feed = LedgerFeed(payouts.ledger)
        self._asking: asyncio.Task[Standing] | None = None
        self._unanswered: set[asyncio.Task[Any]] = set()
        self._watched: dict[str, list[asyncio.Event]] = {}

    def _moved(self, row: Row) -> None:
        if row.state in FINAL_WORDS:
            self.telling.changed.set()
            for moved in self._watched.get(row.order_id, ()):
                moved.set()

    def stuck_rule(self) -> StuckRule:
        """What needs a person now: what was not shown for as long as the last absence would take to be believed."""
        most = self._options.max_resends
        patience = self._options.absence(most, self._call_timeout, self.background.longest_lag)
        now = self.payouts.ledger.time()
        # one that was down for long has not asked yet
        unanswered = now - _UNANSWERED if now - self._since > _UNANSWERED else 0.0
        return StuckRule(max_resends=most, sent_before=now - patience, unanswered_before=unanswered)

    async def standing(self) -> Standing:
        """How the payouts stand; probes that come meanwhile share the answer. Raises LedgerError."""
        asking = self._asking
        if asking is None:
            asking = asyncio.create_task(self.payouts.standing(self.stuck_rule()), name="paycools-durable-health")
            self._asking = asking
        done, _ = await asyncio.wait({asking}, timeout=_PROBE)
        if not done:
            raise LedgerError(f"the ledger does not answer within {_PROBE:g} seconds")
        if self._asking is asking:
            self._asking = None
        return asking.result()

    async def answered(self, work: Coroutine[Any, Any, T], within: float) -> T:
        """What it gives. Raises LedgerError, UNKNOWN, where the ledger does not answer within so many seconds.

        It is not cancelled then: psycopg would wait for a server that stands still. It may still be done.
        """
        task = asyncio.create_task(work, name="paycools-durable-asking")
        self._unanswered.add(task)
        task.add_done_callback(self._answer_came)
        try:
            done, _ = await asyncio.wait({task}, timeout=within)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            raise LedgerError(f"the ledger does not answer within {within:g} seconds", outcome=Outcome.UNKNOWN)
        return task.result()

    def _answer_came(self, task: asyncio.Task[Any]) -> None:
        self._unanswered.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more

    async def aclose(self) -> None:
        """Close the ledger."""
        try:
            await self.payouts.aclose()
            await self.ledger.aclose()
        finally:
            await end(*self._unanswered, *([] if self._asking is None else [self._asking]))

    def expect_words(self) -> None:
        """A callback moves a payout now, or when its inbox commits."""
        self.telling.changed.set()

    @contextlib.contextmanager
    def watching(self, order_id: str) -> Any:
        """An event that is set when the payout is moved by this process."""
        moved = asyncio.Event()
        self._watched.setdefault(order_id, []).append(moved)
        try:
            yield moved
        finally:
            self._watched[order_id].remove(moved)
            if not self._watched[order_id]:
                del self._watched[order_id]
