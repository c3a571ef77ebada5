"""Tells the application of payouts that are at their end: at least once each, marked exactly once."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from ..batch.ledger.application import AlreadyAcknowledged, ApplicationLedger, Kept, StuckRule
from ..batch.ledger.base import LedgerError
from ..callbacks.calling import Caller, HandlerCrashed, must_pass
from ..callbacks.inbox import collected_for, collecting_work
from ..errors import ConfigurationError, PayCoolsError
from .background import end
from .order import DurableOrder

__all__ = ["Telling"]

P = TypeVar("P", bound=DurableOrder)

log: logging.Logger = logging.getLogger("paycools_async.durable")

_LONGEST_PAUSE = 300.0
_STUCK_EVERY = 10
"""Every so many polls it is looked for those that wait for a person: these are in no hurry."""
_MARGIN = 10.0
"""Seconds beyond the handler's own time for which no other process calls it for the same payout."""


_ONE_WAY = "a handler uses `in_transaction`, or `acknowledge` with a connection of its own, and not both"
_TOO_LATE = "the payout is acknowledged: give `in_transaction` its work before that, or write on your own connection"


class _NotCommitted(Exception):
    """The handler has acknowledged the payout, and that is not in the ledger."""


class Telling(Generic[P]):
    """Calls the handler, up to `concurrency` payouts at a time; one that fails is called again after 1 to 300 seconds.

    `changed` is set when there may be something to tell.
    """

    def __init__(
        self,
        payouts: ApplicationLedger,
        seen: Callable[[Kept, StuckRule], P],
        rule: Callable[[], StuckRule],
        *,
        concurrency: int,
        limit: float,
        poll: float,
    ) -> None:
        self._payouts = payouts
        self._seen = seen
        self._rule = rule
        self._stuck_at = 0.0
        self._concurrency = concurrency
        self._limit = limit
        self._poll = poll
        self._caller = Caller()
        self._active: dict[int, asyncio.Task[None]] = {}
        self._attempts: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.handler: Callable[[P], Any] | None = None
        self._by_handler: set[int] = set()
        """Payouts being told that were acknowledged meanwhile, by their handler as a rule; it may not be committed."""
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
                        payout = self._seen(kept, rule)
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
            log.warning("the application is told again of what became of its orders")
        if now >= self._stuck_at and len(found) < room:
            self._stuck_at = now + _STUCK_EVERY * self._poll
            found += await self._payouts.due_stuck(room - len(found), held, within, rule)
        return found

    async def _tell(self, handler: Callable[[P], Any], kept: Kept, payout: P) -> None:
        number, again = kept.row.id, False
        try:
            if kept.overtaken:
                await self._payouts.acknowledge(kept)
                log.info("order %s was submitted again: that it was withdrawn is not told", kept.row.order_id)
                return
            with collecting_work((self, number)) as work:
                await self._call(handler, kept, payout)
                if number in self._by_handler:
                    await self._check(kept, work)
                else:
                    async with asyncio.timeout(self._limit if work else None):
                        await self._payouts.acknowledge(kept, work)
            self.last_error = None
        except AlreadyAcknowledged:
            pass  # by another process, or by hand
        except BaseException as error:
            if must_pass(error):
                raise
            again = await self._postpone(kept, error)
        finally:
            if not again:
                self._attempts.pop(number, None)
            self._by_handler.discard(number)
            del self._active[number]
            self.changed.set()

    async def _call(self, handler: Callable[[P], Any], kept: Kept, payout: P) -> None:
        try:
            await self._caller.call(handler, payout, self._limit)
        except AlreadyAcknowledged as error:
            if await self._payouts.is_marked(kept):
                raise
            raise _NotCommitted(
                f"the handler raised AlreadyAcknowledged ({error}), and this is not acknowledged: acknowledge each "
                "payout once, and commit that"
            ) from error

    async def acknowledge(self, kept: Kept, connection: Any) -> None:
        """By the payout's handler, or by anybody: at once, or in the transaction of `connection`."""
        number = kept.row.id
        collected = collected_for((self, number))
        if connection is None:
            work = tuple(collected.work) if collected is not None else ()
            await self._payouts.acknowledge(kept, work)
            if collected is not None:
                del collected.work[: len(work)]  # it is done
        elif collected is not None and collected.work:
            raise ConfigurationError(_ONE_WAY)
        if number in self._active:
            self._by_handler.add(number)
        if connection is not None:
            await self._payouts.acknowledge_within(connection, kept)
        if collected is not None:
            collected.refused = _TOO_LATE

    async def _check(self, kept: Kept, left: Sequence[Any]) -> None:
        if not await self._payouts.is_marked(kept):
            raise _NotCommitted("the handler has acknowledged the payout and not committed that")
        if left:  # from where it was not seen that this is the handler
            raise ConfigurationError(f"what was given to in_transaction is not done: {_ONE_WAY}")

    async def _is_marked(self, kept: Kept) -> bool:
        """Where that cannot be seen, it is called again."""
        try:
            return kept.row.id in self._by_handler and await self._payouts.is_marked(kept)
        except Exception:  # noqa: BLE001 - it will be seen when it is postponed
            return False

    async def _postpone(self, kept: Kept, error: BaseException) -> bool:
        """Whether it is told again."""
        if await self._is_marked(kept):
            self._failed(error, f"order {kept.row.order_id} is {kept.row.state}, is acknowledged and not told again")
            return False
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
        return True

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
