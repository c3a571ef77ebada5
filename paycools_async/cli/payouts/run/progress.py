"""Progress of a batch: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ....batch import Runner, State
from ....batch.states import FINAL
from ....errors import PayCoolsError
from ...console import echo

__all__ = ["showing_progress"]

_LEFT_OUT = (State.OFFERED, State.WITHDRAWN)
"""What no run drives."""
_SHOWN = tuple(state for state in State if state not in _LEFT_OUT)
_ENDS = (*FINAL, State.CONFLICT, State.PREEXISTING)


class _Meter:
    """Rows done, the rate since the start, and the time left at that rate."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._started = time.monotonic()
        self._before: int | None = None

    def read(self) -> tuple[int, int, str]:
        counts = {state: rows for state, (rows, _) in self._runner.counts.items() if rows and state not in _LEFT_OUT}
        total = sum(counts.values())
        done = sum(counts.get(state, 0) for state in _ENDS)
        if self._before is None and total:
            self._before = done
        rate = (done - (self._before or 0)) / max(time.monotonic() - self._started, 0.001)
        left = f"{_duration((total - done) / rate)} left" if rate > 0 and done < total else ""
        states = ", ".join(f"{state.value} {counts[state]}" for state in _SHOWN if state in counts)
        return done, total, "  ".join(part for part in (states, f"{rate:.0f}/s", left) if part)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextlib.asynccontextmanager
async def showing_progress(runner: Runner, *, every: float = 5.0, refresh_counts: bool = False) -> AsyncIterator[None]:
    """Show the runner's counts until the block ends. `refresh_counts`: other workers move rows too."""
    on_terminal = sys.stdout.isatty()
    tasks = [asyncio.create_task(_bar(runner) if on_terminal else _lines(runner, every))]
    if refresh_counts:
        tasks.append(asyncio.create_task(_refreshing_counts(runner)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _refreshing_counts(runner: Runner) -> None:
    while True:
        await asyncio.sleep(2.0)
        with contextlib.suppress(PayCoolsError):  # a ledger out of reach: the run itself will tell
            await runner.refresh_counts()


async def _bar(runner: Runner) -> None:
    meter = _Meter(runner)
    columns = (TextColumn("payouts"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[states]}"))
    with Progress(*columns, console=Console()) as progress:
        bar = progress.add_task("payouts", total=None, states="")
        try:
            while True:
                done, total, states = meter.read()
                progress.update(bar, completed=done, total=total or None, states=states)
                await asyncio.sleep(0.2)
        finally:
            done, total, states = meter.read()
            progress.update(bar, completed=done, total=total or None, states=states)


async def _lines(runner: Runner, every: float) -> None:
    meter = _Meter(runner)
    while True:
        await asyncio.sleep(every)
        done, total, states = meter.read()
        echo(f"{done} of {total} done: {states}")
