"""A clock that moves only when told to, or when somebody sleeps on it."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
from collections.abc import Callable, Iterator

__all__ = ["ManualClock"]


class ManualClock:
    """Starts at 2026-01-01 00:00 UTC. `sleep` moves it forward at once; `advance` does the same by hand."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = itertools.count()

    def time(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for a time that is negative, infinite or no number."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"advance({seconds!r}): give seconds from 0 up")
        self._elapsed += seconds
        while self._alarms and self._alarms[0][0] <= self._elapsed:
            heapq.heappop(self._alarms)[2]()

    @contextlib.contextmanager
    def alarm(self, moment: float, ring: Callable[[], None]) -> Iterator[None]:
        """Inside the block, call `ring` once others have moved the clock to this moment of `monotonic`."""
        alarm = (moment, next(self._serial), ring)
        heapq.heappush(self._alarms, alarm)
        try:
            yield
        finally:
            if alarm in self._alarms:
                self._alarms.remove(alarm)
                heapq.heapify(self._alarms)

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)
