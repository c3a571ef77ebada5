"""The batch runner over a fresh SQLite ledger, its orders taken in before the clock starts."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from paycools_async.batch import Options, Order, PHPayouts, Runner, SQLiteLedger, State, Summary
from paycools_async.ph.payout import CreatePayout

from .cases import PH_FIELDS, Bench, both_calls, ph_payout
from .measure import Budget, Lag, Pay, Round, drive, watching_lag

__all__ = ["all_settled", "lag_beside_batch", "lag_beside_calls", "run_batch", "taken_in", "with_and_without_ledger"]


def _orders(rows: int) -> Iterable[Order]:
    for line in range(2, rows + 2):
        yield Order(line, CreatePayout(mch_order_id=f"BATCH{line:010d}", **PH_FIELDS))


@contextlib.asynccontextmanager
async def taken_in(bench: Bench, rows: int) -> AsyncIterator[Runner]:
    """A runner over so many planned rows in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench.client() as client:
            # as in every case, connections and threads are there before the clock starts
            await drive(ph_payout(client), Budget(payouts=bench.concurrency), bench.concurrency)
            api = PHPayouts(client)
            ledger = await SQLiteLedger.open(Path(folder, "ledger.db"), api.identity)
            try:
                await ledger.intake(_orders(rows), api.text_of)
                # the pause before the first inquiry would add its second to every batch, whatever the size
                yield Runner(api, ledger, Options(concurrency=bench.concurrency, first_look=0.0))
            finally:
                await ledger.aclose()


def all_settled(summary: Summary, rows: int) -> None:
    """Raises RuntimeError if a row is in any other state: then the figure would mean nothing."""
    settled = summary.rows(State.SETTLED)
    if settled != rows:
        raise RuntimeError(f"only {settled} of {rows} rows were settled: {summary.stopped}")


async def run_batch(bench: Bench, rows: int) -> Round:
    """Run a batch flat out. The time is the run's."""
    async with taken_in(bench, rows) as runner:
        cpu, started = time.process_time(), time.monotonic()
        summary = await runner.run()
        ended, cpu = time.monotonic(), time.process_time() - cpu
    all_settled(summary, rows)
    return Round(rows, started, ended, cpu)


async def lag_beside_batch(bench: Bench, rows: int) -> Lag:
    """Run a batch flat out and watch the loop meanwhile."""
    async with taken_in(bench, rows) as runner:
        with watching_lag() as lag:
            summary = await runner.run()
    all_settled(summary, rows)
    return lag


@contextlib.asynccontextmanager
async def _calls(bench: Bench) -> AsyncIterator[Pay]:
    async with both_calls(bench) as pay:
        await drive(pay, Budget(payouts=bench.concurrency), bench.concurrency)
        yield pay


async def run_calls(bench: Bench, payouts: int) -> Round:
    """The calls of such a batch, payout and inquiry, without a ledger."""
    async with _calls(bench) as pay:
        return await drive(pay, Budget(payouts=payouts), bench.concurrency)


async def lag_beside_calls(bench: Bench, payouts: int) -> Lag:
    """Make those calls and watch the loop meanwhile."""
    async with _calls(bench) as pay:
        with watching_lag() as lag:
            await drive(pay, Budget(payouts=payouts), bench.concurrency)
    return lag


async def with_and_without_ledger(bench: Bench, rows: int, turns: int) -> tuple[Round, Round]:
    """The batch and its calls alone, by turns, for the machine's speed changes within seconds."""
    batch, calls = [], []
    for turn in range(turns):
        if turn % 2:
            calls.append(await run_calls(bench, rows))
        batch.append(await run_batch(bench, rows))
        if not turn % 2:
            calls.append(await run_calls(bench, rows))
    return Round.of(batch), Round.of(calls)
