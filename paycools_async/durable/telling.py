"""Tells the application of payouts that are at their end: at least once each, marked exactly once."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

from ..batch.ledger.application import AlreadyAcknowledged, ApplicationLedger, Kept, StuckRule
from ..batch.ledger.base import LedgerError
from ..callbacks.calling import Caller, HandlerCrashed, must_pass
from ..callbacks.inbox import collecting_work
from ..errors import PayCoolsError
from .background import end
from .payout import DurablePayout, payout_of

__all__ = ["Telling"]

log: logging.Logger = logging.getLogger("paycools_async.durable")

_LONGEST_PAUSE = 300.0
_STUCK_EVERY = 10
"""Every so many polls it is looked for those that wait for a person: these are in no hurry."""
_MARGIN = 10.0
"""Seconds beyond the handler's own time for which no other process calls it for the same payout."""


class _NotCommitted(Exception):
    """The handler called `acknowledge` with a connection of its own, and did not commit that."""


class Telling:
    """Calls the handler, up to `concurrency` payouts at a time; one that fails is called again after 1 to 300 seconds.

    `changed` is set when there may be something to tell.
    """

    def __init__(
        self,
        payouts: ApplicationLedger,
        currency: str,
        rule: Callable[[], StuckRule],
        *,
        concurrency: int,
        limit: float,
        poll: float,
    ) -> None:
        self._payouts = payouts
        self._currency = currency
        self._rule = rule
        self._stuck_at = 0.0
        self._concurrency = concurrency
        self._limit = limit
        self._poll = poll
        self._caller = Caller()
        self._active: dict[int, asyncio.Task[None]] = {}
        self._attempts: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.handler: Callable[[DurablePayout], Any] | None = None
        self.by_handler: set[int] = set()
        """Payouts that their handler acknowledges in a transaction of its own."""
        self.changed: asyncio.Event = asyncio.Event()
        self.last_error: str | None = None
        self._is_away = False

    @property
    def problem(self) -> str | None:
        """What went wrong the last time, or that handlers hang."""
        return self.last_error or self._caller.problem

    def start(self) -> None:
        """Begin, first with what an earlier process left."""
        self._task = asyncio.create_task(self._run(), name="paycools-durable-tell")

    async def stop(self, within: float) -> None:
        """Begin with no other; handlers at work have so many seconds to end, and are called again later."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()  # and begin with no other
        if self._active:
            await asyncio.wait(self._active.values(), timeout=within)
        await end(task, *self._active.values())

    async def _run(self) -> None:
        while True:
            self.changed.clear()
            room = self._concurrency - len(self._active)
            try:
                if self.handler is not None and room > 0:
                    rule = self._rule()
                    for kept in await self._due(room, rule):
                        payout = payout_of(kept, self._currency, rule)
                        task = asyncio.create_task(
                            self._tell(self.handler, kept, payout), name="paycools-durable-handler"
                        )
                        self._active[kept.row.id] = task
            except Exception as error:  # noqa: BLE001 - it must go on, whatever the database says
                self._ledger_failed(error)
                self.changed.clear()
            try:
                async with asyncio.timeout(self._poll):
                    await self.changed.wait()
            except TimeoutError:
                pass

    async def _due(self, room: int, rule: StuckRule) -> list[Kept]:
        held, within, now = tuple(self._active), self._limit + _MARGIN, asyncio.get_running_loop().time()
        found = await self._payouts.due(room, held, within)
        if self._is_away:
            self._is_away, self.last_error = False, None
            log.warning("the application is told again of what became of its payouts")
        if now >= self._stuck_at and len(found) < room:
            self._stuck_at = now + _STUCK_EVERY * self._poll
            found += await self._payouts.due_stuck(room - len(found), held, within, rule)
        return found

    async def _tell(self, handler: Callable[[DurablePayout], Any], kept: Kept, payout: DurablePayout) -> None:
        number, again = kept.row.id, False
        try:
            if kept.overtaken:
                await self._payouts.acknowledge(kept)
                log.info("order %s was submitted again: that it was withdrawn is not told", kept.row.order_id)
                return
            with collecting_work() as work:
                await self._caller.call(handler, payout, self._limit)
                if number in self.by_handler:
                    await self._check(kept)
                else:
                    async with asyncio.timeout(self._limit if work else None):
                        await self._payouts.acknowledge(kept, work)
            self.last_error = None
        except AlreadyAcknowledged:
            pass  # by another process, or by hand
        except BaseException as error:
            if must_pass(error):
                raise
            again = True
            await self._postpone(kept, error)
        finally:
            if not again:
                self._attempts.pop(number, None)
            self.by_handler.discard(number)
            del self._active[number]
            self.changed.set()

    async def _check(self, kept: Kept) -> None:
        now = await self._payouts.get(kept.row.order_id)
        if now is not None and now.row.id == kept.row.id and now.told == kept.told:
            raise _NotCommitted("the handler has acknowledged the payout and not committed that")

    async def _postpone(self, kept: Kept, error: BaseException) -> None:
        attempts = self._attempts.get(kept.row.id, 0)
        self._attempts[kept.row.id] = attempts + 1
        pause = min(2.0 ** min(attempts, 20), _LONGEST_PAUSE)
        consequence = f"order {kept.row.order_id} is {kept.row.state}, and told again in {pause:g} seconds"
        is_of_the_ledger = isinstance(error, LedgerError)
        if not is_of_the_ledger:
            self._failed(error, consequence)
        while True:
            try:
                await self._payouts.postpone(kept, pause)
            except Exception as trouble:  # noqa: BLE001 - it must go on, whatever the database says
                is_of_the_ledger = False
                self._ledger_failed(trouble)
                await asyncio.sleep(1.0)
            else:
                break
        if is_of_the_ledger:
            self.last_error = str(error)
            log.warning("%s: %s", consequence, error)

    def _ledger_failed(self, error: Exception) -> None:
        """One log entry when the ledger goes, and one when it is back."""
        problem = str(error) if isinstance(error, PayCoolsError) else type(error).__name__
        self.last_error = problem
        if not self._is_away:
            self._is_away = True
            log.warning("the application is told nothing for now: %s", problem)

    def _failed(self, error: BaseException, consequence: str) -> None:
        """One log entry, without the text of an error that may say anything."""
        if isinstance(error, HandlerCrashed) and error.__cause__ is not None:
            error = error.__cause__
        what = str(error) if isinstance(error, PayCoolsError | _NotCommitted) else type(error).__name__
        self.last_error = what
        where = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
        log.error("%s: %s\n%s", consequence, what, where)
