"""How far a run has come: payouts at their end, how fast, and how long it may still take."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import attrs

from ..states import FINAL, State
from .runner import Runner

__all__ = ["Meter", "OnProgress", "RunProgress", "telling_progress"]

log: logging.Logger = logging.getLogger("paycools_async.batch")

_LEFT_OUT = (State.OFFERED, State.WITHDRAWN)
"""What no run drives."""
_ENDS = (*FINAL, State.CONFLICT, State.PREEXISTING)


@attrs.frozen(kw_only=True)
class RunProgress:
    """How far a run has come. `done` of `total` payouts are at their end, or wait for a person to look."""

    done: int
    total: int
    rate: float
    """Payouts that came to their end a second, since the run began."""
    seconds_left: float | None
    """At that rate; None where there is none yet, or nothing is left."""
    counts: Mapping[State, int]
    """Payouts by state, those that the run does not drive left out."""


OnProgress = Callable[[RunProgress], Awaitable[object] | object]
"""Is told now and then how far a run is; may be async."""


class Meter:
    """Reads a runner's progress since it was made."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._started = time.monotonic()
        self._before: int | None = None

    def read(self) -> RunProgress:
        """How far it is now."""
        counts = {state: rows for state, (rows, _) in self._runner.counts.items() if rows and state not in _LEFT_OUT}
        total = sum(counts.values())
        done = sum(counts.get(state, 0) for state in _ENDS)
        if self._before is None and total:
            self._before = done
        rate = (done - (self._before or 0)) / max(time.monotonic() - self._started, 0.001)
        left = (total - done) / rate if rate > 0 and done < total else None
        return RunProgress(done=done, total=total, rate=rate, seconds_left=left, counts=counts)


@contextlib.asynccontextmanager
async def telling_progress(runner: Runner, tell: OnProgress | None, *, every: float = 1.0) -> AsyncIterator[None]:
    """Tell how far the runner is, every so many seconds and once at the end of the block.

    One that raises is told nothing more, and the log says so: it must not hold up payouts.
    """
    if tell is None:
        yield
        return
    teller = _Teller(Meter(runner), tell)
    telling = asyncio.create_task(teller.go_on(every))
    try:
        yield
        await teller.tell()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


class _Teller:
    def __init__(self, meter: Meter, tell: OnProgress) -> None:
        self._meter = meter
        self._tell: OnProgress | None = tell
        self._one_at_a_time = asyncio.Lock()

    async def go_on(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.tell()

    async def tell(self) -> None:
        async with self._one_at_a_time:
            if self._tell is None:
                return
            try:
                answer = self._tell(self._meter.read())
                if inspect.isawaitable(answer):
                    await answer
            except Exception:  # whatever it is, payouts do not wait for it
                log.exception("the progress callback failed; it is told nothing more, and the payouts go on")
                self._tell = None
