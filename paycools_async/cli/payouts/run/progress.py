"""Progress of a batch: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from ....batch import Runner, State
from ....batch.run.meter import Meter, RunProgress
from ....errors import PayCoolsError
from ...console import echo, printing_above, speaks_json

__all__ = ["showing_progress"]


def _text(now: RunProgress) -> str:
    left = "" if now.seconds_left is None else f"{_duration(now.seconds_left)} left"
    states = ", ".join(f"{state.value} {now.counts[state]}" for state in State if state in now.counts)
    return "  ".join(part for part in (states, _rate(now.rate), left) if part)


def _rate(rate: float) -> str:
    return f"{rate:.0f}/s" if rate >= 10 or not rate else f"{rate:.1f}/s"


def _beside_bar(now: RunProgress) -> str:
    """What is known first, what may be cut off last: a narrow terminal has no room for all."""
    left = "" if now.seconds_left is None else f"{_duration(now.seconds_left)} left"
    states = ", ".join(f"{state.value} {now.counts[state]}" for state in State if state in now.counts)
    return "  ".join(part for part in (_rate(now.rate), left, states) if part)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextlib.asynccontextmanager
async def showing_progress(runner: Runner, *, every: float = 5.0, refresh_counts: bool = False) -> AsyncIterator[None]:
    """Show the runner's counts until the block ends. `refresh_counts`: other workers move rows too."""
    stream = sys.stderr if speaks_json() else sys.stdout
    on_terminal = stream.isatty()
    tasks = [asyncio.create_task(_bar(runner, Console(file=stream)) if on_terminal else _lines(runner, every))]
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


async def _bar(runner: Runner, console: Console) -> None:
    meter = Meter(runner)
    whole, rest = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        BarColumn(bar_width=20),
        MofNCompleteColumn(table_column=whole),
        TextColumn("{task.fields[states]}", table_column=rest),
    )
    with Progress(*columns, console=console, expand=True) as progress, printing_above(console):
        bar = progress.add_task("payouts", total=None, states="")
        try:
            while True:
                now = meter.read()
                progress.update(bar, completed=now.done, total=now.total or None, states=_beside_bar(now))
                await asyncio.sleep(0.2)
        finally:
            now = meter.read()
            progress.update(bar, completed=now.done, total=now.total or None, states=_beside_bar(now))


async def _lines(runner: Runner, every: float) -> None:
    meter = Meter(runner)
    while True:
        if not meter.read().total:  # what was done before is no work of this run: the rate is counted from there
            await asyncio.sleep(0.05)
            continue
        await asyncio.sleep(every)
        now = meter.read()
        echo(f"{now.done} of {now.total} done: {_text(now)}")
