"""The batch runner over a fresh SQLite ledger, its orders taken in before the clock starts."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from paycools_async.batch import Options, Order, PHPayouts, Runner, SQLiteLedger, State, Summary
from paycools_async.ph.payout import CreatePayout

from .cases import PH_FIELDS, Bench, ph_payout
from .measure import TICK, Budget, Lag, Pay, Round, drive, timed, warm, warm_up, watching_lag

__all__ = [
    "all_settled",
    "by_turns",
    "lag_beside_batch",
    "lag_beside_calls",
    "run_batch",
    "run_calls",
    "run_sending",
    "taken_in",
]

_AFTER_THE_RUN = 3600.0
"""Seconds to an inquiry that is not to come."""


def _orders(rows: int) -> Iterable[Order]:
    for line in range(2, rows + 2):
        yield Order(line, CreatePayout(mch_order_id=f"BATCH{line:010d}", **PH_FIELDS))


@contextlib.asynccontextmanager
async def taken_in(bench: Bench, rows: int, *, first_inquiry_after: float = 0.0) -> AsyncIterator[Runner]:
    """A runner over so many planned rows in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench.client() as client:
            await warm_up(ph_payout(client), bench.concurrency)
            api = PHPayouts(client)
            ledger = await SQLiteLedger.open(Path(folder, "ledger.db"), api.identity)
            try:
                intake = await ledger.intake(_orders(rows), api.text_of)
                await ledger.release(1, by="the benchmark", rows=rows, amount=intake.total)
                # the pause before the first inquiry would add its second to every batch, whatever the size
                options = Options(concurrency=bench.concurrency, first_inquiry_after=first_inquiry_after)
                yield Runner(api, ledger, options)
            finally:
                await ledger.aclose()


def all_settled(summary: Summary, rows: int) -> None:
    """Raises RuntimeError if a row is in any other state: then the figure would mean nothing."""
    _all_in(State.SETTLED, summary, rows)


def _all_in(state: State, summary: Summary, rows: int) -> None:
    if summary.rows(state) != rows:
        raise RuntimeError(f"only {summary.rows(state)} of {rows} rows are {state}: {summary.stopped}")


async def run_batch(bench: Bench, rows: int) -> Round:
    """Run a batch flat out, to its end: three durable moves and two calls a payout. The time is the run's."""
    async with taken_in(bench, rows) as runner:
        summary, found = await timed(rows, runner.run())
    all_settled(summary, rows)
    return found


async def run_sending(bench: Bench, rows: int) -> Round:
    """The same until all rows are accepted: two durable moves and one call a payout."""
    async with taken_in(bench, rows, first_inquiry_after=_AFTER_THE_RUN) as runner:
        run = asyncio.create_task(runner.run())

        async def all_sent() -> None:
            while runner.counts.get(State.ACCEPTED, (0, 0))[0] < rows and not run.done():
                await asyncio.sleep(TICK)

        _, found = await timed(rows, all_sent())
        runner.stop("all are sent")
        _all_in(State.ACCEPTED, await run, rows)
    return found


async def lag_beside_batch(bench: Bench, rows: int) -> Lag:
    """Run a batch flat out and watch the loop meanwhile."""
    async with taken_in(bench, rows) as runner:
        with watching_lag() as lag:
            summary = await runner.run()
    all_settled(summary, rows)
    return lag


async def run_calls(bench: Bench, opened: AbstractAsyncContextManager[Pay], payouts: int) -> Round:
    """The calls of a batch without its ledger."""
    async with warm(opened, bench.concurrency) as pay:
        return await drive(pay, Budget(payouts=payouts), bench.concurrency)


async def lag_beside_calls(bench: Bench, opened: AbstractAsyncContextManager[Pay], payouts: int) -> Lag:
    """Make those calls and watch the loop meanwhile."""
    async with warm(opened, bench.concurrency) as pay:
        with watching_lag() as lag:
            await drive(pay, Budget(payouts=payouts), bench.concurrency)
    return lag


async def by_turns(turns: int, *cases: Callable[[], Awaitable[Round]]) -> list[Round]:
    """What each case found in so many turns, to and fro, for the machine's speed changes within seconds."""
    found: list[list[Round]] = [[] for _ in cases]
    for turn in range(turns):
        order = list(zip(cases, found, strict=True))
        for case, rounds in order if turn % 2 else reversed(order):
            rounds.append(await case())
    return [Round.of(rounds) for rounds in found]
