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

_LONGEST_CALL = 10.0
"""Seconds that the callback may take."""
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

    One that raises, or takes longer than 10 seconds, is told nothing more, and the log says so: it must not hold up
    payouts. What ends the program (SystemExit, KeyboardInterrupt) ends the block, and is raised from it.
    """
    if tell is None:
        yield
        return
    owner = asyncio.current_task()
    assert owner is not None  # noqa: S101 - whoever awaits is in a task
    teller = _Teller(Meter(runner), tell, owner.cancel)
    telling = asyncio.create_task(teller.go_on(every))
    try:
        yield
        await teller.tell()
        if teller.ends is not None:
            await asyncio.sleep(0)  # here the cancelling arrives, if it was asked for last of all
    except asyncio.CancelledError:
        if teller.ends is None or owner.uncancel() > 0:
            raise
        raise teller.ends from None
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


class _Teller:
    """`end`: ends the block, because of `ends`."""

    def __init__(self, meter: Meter, tell: OnProgress, end: Callable[[], object]) -> None:
        self._meter = meter
        self._tell: OnProgress | None = tell
        self._end = end
        self._one_at_a_time = asyncio.Lock()
        self.ends: BaseException | None = None

    async def go_on(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.tell()

    async def tell(self) -> None:
        async with self._one_at_a_time:
            if self._tell is None:
                return
            task = asyncio.create_task(self._call(self._tell))
            try:
                done, _ = await asyncio.wait({task}, timeout=_LONGEST_CALL)
            except asyncio.CancelledError:
                task.cancel()
                raise
            if not done:
                log.error(
                    "the progress callback takes more than %g seconds; it is told nothing more, and the payouts go on",
                    _LONGEST_CALL,
                )
                self._tell = None
                task.cancel()

    async def _call(self, tell: OnProgress) -> None:
        try:
            answer = tell(self._meter.read())
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # whatever it is, payouts do not wait for it
            log.exception("the progress callback failed; it is told nothing more, and the payouts go on")
            self._tell = None
        except (SystemExit, KeyboardInterrupt) as error:  # left to its task, it would leave the loop beside the block
            self._tell, self.ends = None, error
            self._end()
