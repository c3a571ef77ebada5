"""Many calls at a time, counted; and a timer that sees how long the loop lets others wait. All in seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import attrs

T = TypeVar("T")
Pay = Callable[[str], Awaitable[object]]
"""One payout, given its order id."""

TICK = 0.005
_SOON = 0.001
"""A timer's own fineness: uvloop counts whole milliseconds. So little before its time a tick is on time."""
_SERIAL = itertools.count(1)


@attrs.frozen
class Round:
    """What one round did: by the clock, and in processor time of this process, all threads; its ticks' lag, if seen."""

    payouts: int
    seconds: float
    cpu: float
    lag: Sequence[float] = ()

    @classmethod
    def of(cls, parts: Sequence[Round]) -> Round:
        """Several as one, whatever was done between them."""
        return cls(sum(each.payouts for each in parts), sum(each.seconds for each in parts), sum(p.cpu for p in parts))

    @property
    def time_each(self) -> float:
        return self.seconds / self.payouts

    @property
    def cpu_each(self) -> float:
        return self.cpu / self.payouts


class Lag:
    """Seconds by which ticks came late, one tick every 5 ms.

    A tick is a bare timer that asks for the next one: no task, no future. One that was missed while the loop was busy
    counts too, with the wait it had. Ticks wake a loop that waits, so rates and processor times are taken without them.
    """

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._due = time.perf_counter() + TICK
        self._timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._count(now + _SOON, now)
        self._timer = self._loop.call_later(self._due - now, self._tick)

    def _count(self, until: float, now: float) -> None:
        while self._due <= until:
            self.ticks.append(max(0.0, now - self._due))
            self._due += TICK

    def stop(self) -> None:
        """Count what is due by now, and tick no more."""
        self._timer.cancel()
        now = time.perf_counter()
        self._count(now, now)


@contextlib.contextmanager
def watching_lag() -> Iterator[list[float]]:
    """Watch the running loop while the body runs."""
    lag = Lag()
    try:
        yield lag.ticks
    finally:
        lag.stop()


async def timed(payouts: int, work: Awaitable[T], *, watch: bool = False) -> tuple[T, Round]:
    """What the work gives, and the round it was: so many payouts."""
    with watching_lag() if watch else contextlib.nullcontext(()) as lag:
        cpu, started = time.process_time(), time.perf_counter()
        found = await work
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return found, Round(payouts, seconds, cpu, lag)


@contextlib.asynccontextmanager
async def warm(opened: AbstractAsyncContextManager[Pay], concurrency: int) -> AsyncIterator[Pay]:
    """A way to pay; it has made so many payouts that do not count: connections and threads are there."""
    async with opened as pay:
        await drive(pay, concurrency, payouts=concurrency)
        yield pay


async def drive(
    pay: Pay, concurrency: int, *, payouts: float = math.inf, seconds: float = math.inf, watch: bool = False
) -> Round:
    """Pay so many at a time until so much is paid or over, once at least. The time runs until the last is answered."""
    end = time.perf_counter() + seconds
    begun = done = 0

    async def work() -> None:
        nonlocal begun, done
        while begun < payouts and (not begun or time.perf_counter() < end):
            begun += 1
            await pay(f"BENCH{next(_SERIAL):010d}")
            done += 1

    async def all_work() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())

    _, found = await timed(0, all_work(), watch=watch)
    return attrs.evolve(found, payouts=done)


async def by_turns(turns: int, *cases: Callable[[], Awaitable[Round]]) -> list[Round]:
    """What each case found in so many turns, to and fro, for the machine's speed changes within seconds."""
    found: list[list[Round]] = [[] for _ in cases]
    for turn in range(turns):
        order = list(zip(cases, found, strict=True))
        for case, rounds in order if turn % 2 else reversed(order):
            rounds.append(await case())
    return [Round.of(rounds) for rounds in found]
