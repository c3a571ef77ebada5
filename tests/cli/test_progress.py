"""A run's progress: x of y is seen at any width, and the first line's rate is that of this run."""

from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from support.waiting import until

from paycools_async.batch import State
from paycools_async.cli.payouts.run import progress


def runner_with(**states: int) -> Any:
    return SimpleNamespace(counts={State(name): (rows, rows) for name, rows in states.items()})


@pytest.mark.parametrize("width", [40, 80, 120])
async def test_x_of_y_is_seen_on_a_narrow_terminal(width: int) -> None:
    shown = io.StringIO()

    console = Console(file=shown, width=width, force_terminal=True, color_system=None)
    states = {"planned": 412_000, "sending": 50, "accepted": 91_000, "unknown": 17, "settled": 496_000, "failed": 933}
    task = asyncio.create_task(progress._bar(runner_with(**states), console))
    await until(lambda: "496933/1000000" in shown.getvalue())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lines = [line for line in shown.getvalue().splitlines() if "496933/1000000" in line]
    assert lines
    assert all(len(line.rpartition("\r")[2]) <= width + 20 for line in lines), "with the codes that move the cursor"


async def test_the_first_line_has_a_rate_and_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(progress, "echo", said.append)
    seconds = [0.0]
    monkeypatch.setattr("paycools_async.batch.run.meter.time", SimpleNamespace(monotonic=lambda: seconds[0]))
    runner = runner_with(planned=900, settled=100)
    task = asyncio.create_task(progress._lines(runner, 0.2))
    await asyncio.sleep(0)  # it has looked, and waits
    seconds[0] = 0.25
    runner.counts = {State.PLANNED: (800, 800), State.SETTLED: (200, 200)}
    await until(lambda: said)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert said[0].startswith("200 of 1000 done: planned 800, settled 200  ")
    rate, left = said[0].split("  ")[1:]
    assert 100 < float(rate.removesuffix("/s")) < 600, "100 of this run, not the 200 that are done"
    assert left.endswith(" left")
