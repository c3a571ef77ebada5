"""One run of everything. Cases take turns, round by round, so that a busy moment of the machine hits them alike."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable

import attrs

from paycools_async.testing import generate_private_key

from .cases import CASES, Bench, Case, both_calls, overhead, run_batch
from .measure import Budget, Round, drive, percentile, watching_lag
from .processes import child, serving

__all__ = ["Figure", "Growth", "Plan", "Results", "run_suite"]


@attrs.frozen(kw_only=True)
class Plan:
    """How much is measured. `budget` is that of one case in one round; `sizes` are the rows of the growth runs."""

    rounds: int
    budget: Budget
    batch_rows: int
    overhead_calls: int
    sizes: tuple[int, ...]
    concurrency: int = 100
    uvloop: bool = True


@attrs.frozen(kw_only=True)
class Figure:
    """One line of the table. `value` is the median of `runs`, `cpu_ms` that of the milliseconds a payout costs.

    `lag_p99_ms` is over the ticks of all rounds.
    """

    id: str
    what: str
    unit: str
    value: float
    runs: list[float]
    cpu_ms: float | None = None
    lag_p99_ms: float | None = None


@attrs.frozen(kw_only=True)
class Growth:
    """A batch in a process of its own. `start_mib` is what the process held before the batch."""

    rows: int
    rate: float
    peak_mib: float
    start_mib: float


@attrs.frozen(kw_only=True)
class Results:
    figures: list[Figure]
    growth: list[Growth]

    def value(self, id: str) -> float:
        return next(figure.value for figure in self.figures if figure.id == id)


Say = Callable[[str], None]


async def run_suite(plan: Plan, say: Say) -> Results:
    """Measure everything against one stub. Progress goes to `say`."""
    pem = generate_private_key()
    with serving("benchmarks.stub", {"uvloop": plan.uvloop}) as url:
        bench = Bench.to(url, pem, plan.concurrency)
        rounds: dict[str, list[Round]] = {}
        own: list[float] = []
        idle = await _idle(min(plan.budget.seconds or 0.1, 1.0))
        for number in range(1, plan.rounds + 1):
            say(f"round {number} of {plan.rounds}")
            for case in CASES:
                rounds.setdefault(case.id, []).append(await _one(case, bench, plan.budget))
            calls = await _one(Case("calls", "", both_calls), bench, Budget(payouts=plan.batch_rows))
            rounds.setdefault("calls", []).append(calls)
            rounds.setdefault("batch", []).append(await run_batch(bench, plan.batch_rows))
            own.append(await overhead(bench, plan.overhead_calls))
        growth = []
        for rows in plan.sizes:
            say(f"a batch of {rows} rows in a process of its own")
            growth.append(await _grow(bench, rows, plan))
    figures = [_speed(case.id, case.what, rounds[case.id]) for case in CASES]
    figures += [
        _speed("calls", "SDK, payout and inquiry, no ledger", rounds["calls"]),
        _speed("batch", "batch: payout, inquiry, durable ledger", rounds["batch"]),
        Figure(
            id="overhead",
            what="SDK alone: no signing, no network",
            unit="microseconds/call",
            value=statistics.median(own),
            runs=own,
        ),
        Figure(id="idle", what="an idle loop", unit="", value=0.0, runs=[], lag_p99_ms=idle),
    ]
    return Results(figures=figures, growth=growth)


async def _one(case: Case, bench: Bench, budget: Budget) -> Round:
    async with case.open(bench) as pay:
        # connections and threads are there before the clock starts
        warm_up = min(bench.concurrency, budget.payouts or bench.concurrency)
        await drive(pay, Budget(payouts=warm_up), bench.concurrency)
        return await drive(pay, budget, bench.concurrency)


async def _idle(seconds: float) -> float:
    async with watching_lag() as lag:
        await asyncio.sleep(seconds)
    return percentile(lag.ticks, 99)


async def _grow(bench: Bench, rows: int, plan: Plan) -> Growth:
    config = {
        "url": bench.url,
        "pem": bench.pem,
        "concurrency": bench.concurrency,
        "rows": rows,
        "uvloop": plan.uvloop,
    }
    return Growth(**await child("benchmarks.growth", config))


def _speed(id: str, what: str, rounds: list[Round]) -> Figure:
    rates = [found.rate for found in rounds]
    lag = [tick for found in rounds for tick in found.lag]
    return Figure(
        id=id,
        what=what,
        unit="payouts/s",
        value=statistics.median(rates),
        runs=rates,
        cpu_ms=statistics.median(found.cpu / found.payouts * 1000 for found in rounds),
        lag_p99_ms=percentile(lag, 99),
    )
