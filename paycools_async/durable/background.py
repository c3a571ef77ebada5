"""Sends what was submitted, and finds out what became of it, as long as the application runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import attrs

from ..batch.ledger.base import Ledger
from ..batch.ledger.row import Row
from ..batch.run.options import Options
from ..batch.run.payout_api import PayoutApi
from ..batch.run.runner import Runner, with_one_error
from ..errors import PayCoolsError
from ..policy import Pacing
from ..times import Clock

__all__ = ["Background", "end"]

log: logging.Logger = logging.getLogger("paycools_async.durable")

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
"""Seconds after which sending is tried again where PayCools refused the merchant; doubled each time."""
_FIRST_RETRY, _LONGEST_RETRY = 0.5, 10.0
"""The same where the ledger failed."""
_EXPECTING = 5.0
"""Seconds for which a transaction of the caller's is looked for often: nobody says when it commits."""
_OFTEN = 0.05


class Background:
    """One run after the other, until `stop`; each goes on for as long as nothing goes wrong.

    What PayCools refuses the merchant (balance short, key or address refused, channel closed) pauses the sending. It is
    tried again by itself: these payouts were approved, nobody may be there to press a button, and a refused call moves
    no money.
    """

    def __init__(
        self,
        api: PayoutApi,
        ledger: Ledger,
        options: Options,
        *,
        clock: Clock,
        pace: Pacing | None,
        poll: float,
        on_move: Callable[[Row], None],
        noun: str = "payout",
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._options = attrs.evolve(options, wait=float("inf"))
        self._clock = clock
        self._pace = pace
        self._poll = poll
        self._on_move = on_move
        self._noun = noun
        self._runner: Runner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._go = asyncio.Event()
        self._looked = asyncio.Event()
        self._often_until = 0.0
        self._pause = _FIRST_PAUSE
        self._resumes_at = 0.0
        self._resumed_at = 0.0
        self.paused: str | None = None
        self.last_error: str | None = None
        self._failed_at = 0.0

    async def start(self) -> None:
        """Begin. Raises LedgerError."""
        await self._ledger.resume_sending()  # whoever starts it has looked into what paused the last one
        self._tasks = [
            asyncio.create_task(self._run(), name="paycools-durable-run"),
            asyncio.create_task(self._keep(), name="paycools-durable-keep"),
        ]

    @property
    def running(self) -> bool:
        """Whether it sends, or is about to."""
        return bool(self._tasks) and not self._stopping and not any(task.done() for task in self._tasks)

    @property
    def longest_lag(self) -> float:
        """Seconds, the most that PayCools was seen to take to show an order."""
        return 0.0 if self._runner is None else self._runner.longest_lag

    @property
    def resumes_in(self) -> float | None:
        """Seconds until a pause ends."""
        return None if self.paused is None else max(0.0, self._resumes_at - _now())

    def wake(self) -> None:
        """Something was submitted."""
        if self._runner is not None:
            self._runner.wake()

    def expect(self) -> None:
        """Something will be there when a transaction of the caller's commits."""
        self._often_until = _now() + _EXPECTING
        self._looked.set()

    async def resume(self) -> None:
        """Send again after a pause. Raises LedgerError."""
        await self._ledger.resume_sending()
        if self._runner is not None:
            self._runner.resume()
        self.paused = None
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._resumed_at = _now()
        self._go.set()

    async def stop(self, within: float) -> None:
        """Send nothing more; what is in flight has so many seconds to end, and is else found by a later recovery."""
        self._stopping = True
        self._go.set()
        if self._runner is not None:
            self._runner.stop("the application is stopping")
        if not self._tasks:
            return
        running, keeping = self._tasks
        keeping.cancel()
        try:
            await asyncio.wait([running], timeout=within)
        finally:
            await end(running, keeping)

    # -- runs -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        retry = _FIRST_RETRY
        while not self._stopping:
            self._go.clear()
            self._runner = Runner(
                self._api,
                self._ledger,
                self._options,
                clock=self._clock,
                pace=self._pace,
                lasting=True,
                poll=self._poll,
                on_move=self._moved,
            )
            began = _now()
            try:
                await with_one_error(self._runner.drive())
            except Exception as error:  # noqa: BLE001 - it must go on, whatever the database says
                self._failed(error)
                retry = _FIRST_RETRY if _now() - began > _LONGEST_RETRY else min(retry * 2, _LONGEST_RETRY)
                await self._wait_for(self._go, retry)
            else:
                if not self._stopping:  # it stopped: every further call would fail the same way
                    self._go.clear()
                    await self._go.wait()

    def _moved(self, row: Row) -> None:
        self.last_error = None  # what is written is no longer away
        self._on_move(row)

    def _failed(self, error: Exception) -> None:
        problem = str(error) if isinstance(error, PayCoolsError) else type(error).__name__
        if problem != self.last_error:
            log.error("%ss are not sent for now: %s", self._noun, problem)
        self.last_error, self._failed_at = problem, _now()

    # -- pauses ---------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - as above
                self._failed(error)
            else:
                if _now() - self._failed_at > 2 * _LONGEST_RETRY:  # and the run goes on since
                    self.last_error = None
            often = _now() < self._often_until
            if often:
                self.wake()
            await self._wait_for(self._looked, _OFTEN if often else self._poll)
            self._looked.clear()

    async def _look(self) -> None:
        now = _now()
        reason = self._runner.stopped if self._runner is not None else None
        reason = reason or await self._ledger.paused()
        if reason is None:
            self.paused = None
            if now - self._resumed_at > max(self._pause, 4 * _FIRST_PAUSE):
                self._pause = _FIRST_PAUSE
        elif self.paused is None:
            self.paused, self._resumes_at = reason, now + self._pause
            log.warning("sending of %ss is paused, and tried again in %g seconds: %s", self._noun, self._pause, reason)
        elif now >= self._resumes_at:
            await self.resume()

    async def _wait_for(self, event: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them until they have ended: psycopg takes a first cancelling for a wish, and waits for the server."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: nobody is left who would do something about it


def _now() -> float:
    return asyncio.get_running_loop().time()
