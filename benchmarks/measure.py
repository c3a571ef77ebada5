"""Many calls at a time, counted; and a ticker that sees how long the loop lets others wait."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs

__all__ = ["Budget", "Lag", "Round", "drive", "percentile", "watching_lag"]

Pay = Callable[[str], Awaitable[object]]
"""One payout, given its order id."""

TICK = 0.005
_SERIAL = itertools.count(1)


@attrs.frozen
class Budget:
    """A round ends after so many payouts or seconds, whichever is first."""

    payouts: int | None = None
    seconds: float | None = None


@attrs.frozen
class Round:
    """What one round did. `cpu` is seconds of this process, all threads; `lag` is milliseconds, one figure per tick."""

    payouts: int
    seconds: float
    cpu: float
    lag: list[float]

    @property
    def rate(self) -> float:
        return self.payouts / self.seconds


class Lag:
    """Milliseconds by which the ticks came late."""

    def __init__(self) -> None:
        self.ticks: list[float] = []

    async def watch(self) -> None:
        """Tick every 5 ms. A tick that was missed while the loop was busy counts too, with the wait it had."""
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            while due <= now:
                self.ticks.append((now - due) * 1000)
                due += TICK


@contextlib.asynccontextmanager
async def watching_lag() -> AsyncIterator[Lag]:
    """Watch the loop while the body runs."""
    lag = Lag()
    task = asyncio.create_task(lag.watch())
    try:
        yield lag
    finally:
        await asyncio.sleep(0)  # a tick that is due by now counts
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def drive(pay: Pay, budget: Budget, concurrency: int) -> Round:
    """Pay with so many at a time until the budget is spent. The time runs until the last one is answered."""
    started, cpu = time.perf_counter(), time.process_time()
    end = started + budget.seconds if budget.seconds is not None else float("inf")
    left = budget.payouts if budget.payouts is not None else float("inf")
    done = 0

    async def work() -> None:
        nonlocal left, done
        while left > 0 and time.perf_counter() < end:
            left -= 1
            await pay(f"BENCH{next(_SERIAL):010d}")
            done += 1

    async with watching_lag() as lag:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Round(done, seconds, cpu, lag.ticks)


def percentile(values: list[float], percent: float) -> float:
    """The value below which `percent` of all lie (the nearest rank); 0 of nothing."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
