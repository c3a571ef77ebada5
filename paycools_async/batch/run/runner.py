"""Drives a ledger's payouts until they are settled: sends, inquires, and stops where a rule says so.

Workers take rows from a short queue. The ledger decides what is due; the runner keeps nothing that a crash could lose.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...errors import PayCoolsError, first_of
from ...policy import Pace, Pacing
from ...renamed import old_names
from ...times import Clock, SystemClock
from ..ledger.base import Counts, Ledger
from ..ledger.row import Row
from ..states import State
from .absence_clock import AbsenceClock
from .driver import Driver
from .options import Options, Summary
from .payout_api import PayoutApi
from .progress import Progress
from .stopping import Brake

__all__ = ["Options", "Pacing", "Runner", "Summary", "run_with_one_error", "with_one_error"]

T = TypeVar("T")

_TO_INQUIRE = (State.UNKNOWN, State.ACCEPTED)
_AT_ONCE = 16
"""Rows that begin in one turn of the loop; others get their turn between."""
_ASK_AFTER = 0.5
"""Seconds after which the ledger is asked for less than a page too: at a slow rate, inquiries would wait for one."""

_WAIT = 60.0


@old_names(look_around="refresh_counts")
class Runner:
    """One run over one ledger. `counts` may be read while it runs.

    `lasting`: it goes on where nothing is to be done, until `stop`; it looks for more every `poll` seconds, and at once
    after `wake`. It does not count: a ledger that grows for years is not read whole. `on_move` is called with each row
    that it has moved.
    """

    def __init__(
        self,
        api: PayoutApi,
        ledger: Ledger,
        options: Options | None = None,
        *,
        clock: Clock | None = None,
        pace: Pacing | None = None,
        lasting: bool = False,
        poll: float = 1.0,
        on_move: Callable[[Row], None] | None = None,
    ) -> None:
        self._lasting = lasting
        self._poll = poll
        self._api = api
        self._ledger = ledger
        self._options = options or Options()
        self._clock: Clock = clock or SystemClock()
        self._wake = asyncio.Event()
        self._brake = Brake(self._options, on_stop=self._wake.set)
        self._progress = Progress(self._clock, on_move)
        self._absence = AbsenceClock(ledger, self._options, self._clock, api.call_timeout)
        self._driver = Driver(
            api,
            ledger,
            self._options,
            clock=self._clock,
            pace=pace or Pace(self._options.rate, clock=self._clock),
            brake=self._brake,
            progress=self._progress,
            absence=self._absence,
        )
        # inquiries first: where a rate holds the sending, they must not wait behind it
        self._queue: asyncio.PriorityQueue[tuple[bool, int, Row | None]] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._in_flight: set[int] = set()
        self._renewed_at = self._asked_at = self._clock.monotonic()

    @property
    def counts(self) -> Counts:
        """Rows and minor units by state, kept up to date."""
        return self._progress.counts

    @property
    def longest_lag(self) -> float:
        """Seconds, the most that PayCools was seen to take to show an order."""
        return self._absence.longest_lag

    @property
    def renewed_ago(self) -> float:
        """Seconds since it last renewed the leases of what is in flight, or began."""
        return self._clock.monotonic() - self._renewed_at

    async def run(self) -> Summary:
        """Run until everything is final, nothing moves any more, or a rule stops it. May be cancelled at any time.

        Raises LedgerInUse where the ledger is not this run's alone, or somebody took it over.
        """
        await self.drive()
        return Summary(
            counts=await self._ledger.counts(),
            stopped=self._brake.reason or await self._ledger.paused(),
            resent=await self._ledger.resent(),
        )

    async def drive(self) -> None:
        """The same, without counting what came of it."""
        await self._ledger.begin_run()
        try:
            await self.prepare()
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.concurrency):
                    group.create_task(self._work())
                await self._feed()
                self._dismiss()
            await self._ledger.return_leases()
        finally:
            await self._ledger.end_run()

    async def prepare(self) -> None:
        """Take up what an earlier run left, and what it had learned."""
        await self._ledger.recover(call_timeout=self._api.call_timeout)
        self._absence.longest_lag = await self._ledger.longest_lag()
        self._absence.start()
        self._progress.start({} if self._lasting else await self._ledger.counts())
        self._renewed_at = self._asked_at = self._clock.monotonic()

    def stop(self, reason: str) -> None:
        """Send nothing more, finish what is in flight, and end."""
        self._brake.stop(reason)

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    @property
    def stopped(self) -> str | None:
        """Why it sends nothing, if it was paused or stopped."""
        return self._brake.reason if self._brake.is_on else None

    def resume(self) -> None:
        """End a pause of this run's own; the ledger's is ended by `Ledger.resume_sending`."""
        self._brake.resume()
        self.wake()

    # -- what is due ------------------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while not self._brake.stopped:
            self._wake.clear()
            asked_at = self._clock.monotonic()
            await self._renew_leases()
            fed = await self._feed_page()
            if self._progress.is_behind:
                await self.refresh_counts()
            self._progress.held_up(self._clock.monotonic() - asked_at)
            if not self._lasting and await self._stands_still():
                return
            if fed:
                continue
            if self._in_flight:
                with contextlib.suppress(TimeoutError):  # others may fall due while these are on their way
                    async with asyncio.timeout(_ASK_AFTER):
                        await self._wake.wait()
                continue
            due = await self._next_due()
            if self._lasting:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._rest(due, self._poll)):
                        await self._wake.wait()
            elif due is None:
                return
            else:
                await self._clock.sleep(self._rest(due, 1.0))

    def _rest(self, due: float | None, longest: float) -> float:
        return longest if due is None else min(max(due - self._ledger.time(), 0.01), longest)

    async def _stands_still(self) -> bool:
        wait = self._wait()
        if self._clock.monotonic() - self._progress.forward_at <= wait or await self.refresh_counts():
            return False
        if await self._next_due() is not None:
            self.stop(f"nothing moved forward for {wait:g} seconds")
        return True

    def _wait(self) -> float:
        """How long nothing may move forward. An unclear payout gets the time until its absence may be believed."""
        if self._options.wait is not None:
            return self._options.wait
        if not self.counts.get(State.UNKNOWN, (0, 0))[0]:
            return _WAIT
        return self._options.absence(0, self._api.call_timeout, self._absence.longest_lag) + _WAIT

    async def _renew_leases(self) -> None:
        if self._clock.monotonic() - self._renewed_at >= self._ledger.renew_every:
            await self._ledger.renew_leases(self._in_flight)
            self._renewed_at = self._clock.monotonic()

    async def refresh_counts(self) -> bool:
        """Count again. Whether other workers, or callbacks, moved something forward: then it is not standing still."""
        return self._progress.recounted(await self._ledger.counts())

    async def _next_due(self) -> float | None:
        states = _TO_INQUIRE if self._brake.paused else (State.PLANNED, *_TO_INQUIRE)
        return await self._ledger.next_due(states, max_resends=self._options.max_resends)

    @property
    def _room(self) -> int:
        """How many more rows may be queued."""
        return 3 * self._options.concurrency - len(self._in_flight)

    async def _feed_page(self) -> int:
        """Queue rows whose time has come. While there is something to send, a quarter of the room is for inquiries."""
        room = self._room
        now = self._clock.monotonic()
        if room < (self._options.concurrency if now - self._asked_at < _ASK_AFTER else 1):
            return 0
        self._asked_at = now
        share = room if self._brake.paused else max(1, room // 4)
        inquiries = await self._take(_TO_INQUIRE, share)
        sends = 0 if self._brake.paused else await self._take((State.PLANNED,), room - inquiries)
        if inquiries == share and not sends and share < room:
            inquiries += await self._take(_TO_INQUIRE, room - inquiries)
        return inquiries + sends

    async def _take(self, states: tuple[State, ...], limit: int) -> int:
        """Queue rows that are due; what is taken is in flight, for other runs cannot have it meanwhile."""
        if limit < 1:
            return 0
        most = self._options.max_resends
        rows = await self._ledger.claim(states, limit, max_resends=most, held=self._in_flight)
        self._in_flight.update(row.id for row in rows)
        for number, row in enumerate(rows, 1):
            self._queue.put_nowait((row.state is State.PLANNED, next(self._numbers), row))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return len(rows)

    def _dismiss(self) -> None:
        """Let the workers go, once nothing is queued any more."""
        for _ in range(self._options.concurrency):
            self._queue.put_nowait((True, next(self._numbers), None))

    async def _work(self) -> None:
        while True:
            _, _, row = await self._queue.get()
            if row is None:
                return
            try:
                if self._brake.stopped:
                    continue
                if row.state is State.PLANNED:
                    await self._driver.send(row)
                else:
                    await self._driver.inquire(row)
            finally:
                self._in_flight.discard(row.id)
                if self._room >= self._options.concurrency:
                    self._wake.set()


async def run_with_one_error(runner: Runner) -> Summary:
    """`runner.run()`; where all that went wrong is PayCools' or the ledger's, the first of it is raised alone."""
    return await with_one_error(runner.run())


async def with_one_error(work: Awaitable[T]) -> T:
    """What it gives; where all that went wrong is PayCools' or the ledger's, the first of it is raised alone."""
    try:
        return await work
    except BaseExceptionGroup as group:  # not `except*`: Python 3.11.2 would hand on a group
        if group.split(PayCoolsError)[1] is not None:
            raise
        raise first_of(group) from None
