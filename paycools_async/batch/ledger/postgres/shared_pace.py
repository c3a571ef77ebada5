"""One pace for every worker of a merchant: a token bucket in PostgreSQL, by the database's clock."""

from __future__ import annotations

import asyncio
import math
from collections import deque

from ....policy import Deadline, Pace
from ....times import Clock, SystemClock
from .ledger import PostgresLedger

__all__ = ["SharedPace"]

_SHARE_EVERY = 0.5
"""Seconds between looks at what the other workers were told."""
_AHEAD = 0.2
"""Seconds of turns that are reserved at a time, so that a fast batch does not ask the database for each."""


class SharedPace:
    """At most `rate` new payouts a second over all workers that give the same rate; PayCools' busy answers slow all.

    Turns that a worker reserved and did not use are lost: after its death the others wait a moment longer, never less.
    """

    def __init__(self, ledger: PostgresLedger, rate: float | None, *, clock: Clock | None = None) -> None:
        if rate is not None and not rate > 0:
            raise ValueError("rate must be more than 0 payouts a second")
        self._ledger = ledger
        self._rate = rate
        self._clock: Clock = clock or SystemClock()
        self._local = Pace(clock=self._clock)
        self._turns: deque[float] = deque()
        self._lock = asyncio.Lock()
        self._shared_at = -math.inf
        self._to_tell = 0.0

    async def wait_turn(self, deadline: Deadline) -> float:
        """Wait for this payout's turn; returns when it came (monotonic). Raises DeadlineExceeded."""
        async with self._lock:
            await self._share()
            turn = await self._next_turn()
        wait = deadline.spend(max(0.0, turn - self._ledger.time()))
        if wait > 0:
            await self._clock.sleep(wait)
        return await self._local.wait_turn(deadline)

    def busy(self, sent_at: float, retry_after: float | None = None) -> float:
        """PayCools asked to slow down; every worker will. Returns the seconds of a pause that begins, else 0."""
        pause = self._local.busy(sent_at, retry_after)
        self._to_tell = max(self._to_tell, self._local.resumes_at)
        return pause

    def calm(self, sent_at: float) -> None:
        """A payout sent after the last pause was answered normally."""
        self._local.calm(sent_at)

    async def _next_turn(self) -> float:
        if self._rate is None:
            return -math.inf
        if not self._turns:
            count = max(1, int(self._rate * _AHEAD))
            first = await self._ledger.reserve_turns(count, 1 / self._rate)
            self._turns.extend(first + number / self._rate for number in range(count))
        return self._turns.popleft()

    async def _share(self) -> None:
        now = self._clock.monotonic()
        if now - self._shared_at < _SHARE_EVERY and not self._to_tell:
            return
        self._shared_at = now
        told, self._to_tell = max(0.0, self._to_tell - now), 0.0
        pause = await self._ledger.share_pause(told)
        if pause > 0:
            # not an answer to one of ours: it holds us, and does not double our own pause
            self._local.busy(-math.inf, pause)
