"""The batch runner over a fresh SQLite ledger, its orders taken in before the clock starts."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import attrs

from paycools_async import PayCoolsPH
from paycools_async.batch import Options, Order, PHPayouts, Runner, SQLiteLedger, State, Summary
from paycools_async.ph.payout import CreatePayout

from .by_hand import FIELDS
from .cases import Bench, ph_payout
from .measure import TICK, Pay, Round, drive, timed, warm
from .processes import peak_memory, run

_AFTER_THE_RUN = 3600.0
"""Seconds to an inquiry that is not to come."""


@contextlib.asynccontextmanager
async def opened_ledger(client: PayCoolsPH, rows: int) -> AsyncIterator[tuple[PHPayouts, SQLiteLedger]]:
    """A ledger of so many planned rows in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        api = PHPayouts(client)
        ledger = await SQLiteLedger.open(Path(folder, "ledger.db"), api.identity)
        lines = range(2, rows + 2)
        orders = (Order(line, CreatePayout(mch_order_id=f"BATCH{line:010d}", **FIELDS["ph"])) for line in lines)
        try:
            intake = await ledger.intake(orders, api.text_of)
            await ledger.release(1, by="the benchmark", rows=rows, amount=intake.total)
            yield api, ledger
        finally:
            await ledger.aclose()


@contextlib.asynccontextmanager
async def taken_in(bench: Bench, rows: int, *, first_inquiry_after: float = 0.0) -> AsyncIterator[Runner]:
    """A runner over so many planned rows."""
    async with bench.client() as client, opened_ledger(client, rows) as (api, ledger):
        await drive(ph_payout(client), bench.concurrency, payouts=bench.concurrency)  # connections are there
        # the pause before the first inquiry would add its second to every batch, whatever the size
        yield Runner(api, ledger, Options(concurrency=bench.concurrency, first_inquiry_after=first_inquiry_after))


def all_settled(summary: Summary, rows: int, state: State = State.SETTLED) -> None:
    """Raises RuntimeError if a row is in any other state: then the figure would mean nothing."""
    if summary.rows(state) != rows:
        raise RuntimeError(f"only {summary.rows(state)} of {rows} rows are {state}: {summary.stopped}")


async def run_batch(bench: Bench, rows: int, *, watch: bool = False) -> Round:
    """Run a batch flat out, to its end: three durable moves and two calls a payout. The time is the run's."""
    async with taken_in(bench, rows) as runner:
        summary, found = await timed(rows, runner.run(), watch=watch)
    all_settled(summary, rows)
    return found


async def run_sending(bench: Bench, rows: int) -> Round:
    """The same until all rows are accepted: two durable moves and one call a payout."""
    async with taken_in(bench, rows, first_inquiry_after=_AFTER_THE_RUN) as runner:
        sending = asyncio.create_task(runner.run())

        async def all_sent() -> None:
            while runner.counts.get(State.ACCEPTED, (0, 0))[0] < rows and not sending.done():
                await asyncio.sleep(TICK)

        _, found = await timed(rows, all_sent())
        runner.stop("all are sent")
        all_settled(await sending, rows, State.ACCEPTED)
    return found


async def run_calls(
    bench: Bench, opened: AbstractAsyncContextManager[Pay], payouts: int, *, watch: bool = False
) -> Round:
    """The calls of a batch without its ledger."""
    async with warm(opened, bench.concurrency) as pay:
        return await drive(pay, bench.concurrency, payouts=payouts, watch=watch)


@attrs.frozen
class Grown:
    """One batch in a fresh process. Memory in bytes: before it, and the most that was held."""

    time_each: float
    start: int
    peak: int


def grow(bench: Bench, rows: int, uvloop: bool) -> Grown:
    start = peak_memory()
    found = run(run_batch(bench, rows), uvloop=uvloop)
    return Grown(found.time_each, start, peak_memory())
