"""`payouts status --watch`: how a ledger moves, until nothing is on its way any more, or waits for a yes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Collection, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ...batch import Ledger, LedgerError, State
from ...batch.ledger.base import Batch, Counts
from ..console import echo, on_signals, plain
from .showing import LEFT, chosen_batches, moment, states_of

__all__ = ["watch", "watch_until_stopped"]

EVERY = 2.0
"""Seconds between two looks."""


async def watch_until_stopped(ledger: Ledger, wanted: Collection[int]) -> bool:
    """`watch`, which Ctrl-C or SIGTERM ends; False: one of them did."""
    task, stopped = asyncio.current_task(), False

    def stop() -> None:
        nonlocal stopped
        if not stopped and task is not None:
            stopped = True
            task.cancel()

    with on_signals(stop):
        try:
            await watch(ledger, wanted)
        except asyncio.CancelledError:
            if not stopped or task is None:
                raise
            task.uncancel()
    return not stopped


async def watch(ledger: Ledger, wanted: Collection[int]) -> None:
    """Show it again and again: on a terminal in place, elsewhere a line each time that it is another than before.

    A ledger that cannot be read for a while is one line too, and is looked at again. Raises LedgerError where a wanted
    batch is not there.
    """
    currency, shown = await ledger.currency(), ""
    with _showing() as show:
        while True:
            try:
                batches = await ledger.batches()
            except LedgerError as error:
                text, is_open = plain(str(error)), True
            else:
                counts = _counts_of(chosen_batches(batches, wanted, states=LEFT)[0])
                is_open = any(counts[state][0] for state in LEFT)
                paused = await _paused(ledger) if is_open else None
                text = states_of(counts, currency) + (f"; sending is paused: {plain(paused)}" if paused else "")
            if not is_open:
                return
            if text != shown:
                show(f"{moment(ledger.time())}  {text}")
                shown = text
            await asyncio.sleep(EVERY)


async def _paused(ledger: Ledger) -> str | None:
    with contextlib.suppress(LedgerError):
        return await ledger.paused()
    return None


def _counts_of(batches: Collection[Batch]) -> Counts:
    found: Counts = {}
    for state in State:
        each = [batch.counts.get(state, (0, 0)) for batch in batches]
        found[state] = (sum(rows for rows, _ in each), sum(amount for _, amount in each))
    return found


@contextlib.contextmanager
def _showing() -> Iterator[Callable[[str], None]]:
    """A line that is written over on a terminal; elsewhere line after line."""
    if not sys.stdout.isatty():
        yield echo
        return
    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        yield lambda text: live.update(Text(text), refresh=True)
