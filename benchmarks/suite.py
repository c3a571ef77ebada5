"""One run of everything. Cases take turns, round by round, so that a busy moment of the machine hits them alike."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import attrs

from paycools_async.testing import generate_private_key

from .alone import CallbackBodies, overhead
from .batch import by_turns, lag_beside_batch, lag_beside_calls, run_batch, run_calls, run_sending
from .cases import CASES, FAMILIES, Bench, Case, both_calls, sdk
from .imports import Loaded, import_once, when_aiohttp_is_loaded
from .measure import Budget, drive, warm, watching_lag
from .peers import PEERS, cost_of
from .processes import Child, child, on_one_core, serving
from .results import Collector, Figures
from .web import Page, page
from .workers import pay_in_shards, workers

__all__ = ["Plan", "Results", "run_suite"]


@attrs.frozen(kw_only=True)
class Plan:
    """How much is measured, in every round where nothing else is said.

    `budget`: of one case. `batch_rows`: of the batch, and of its calls without a ledger, in each of so many turns.
    `shard_payouts`: of the two workers together. `calls`: of the SDK alone. `callback_turns`: how often 200 callbacks
    are read. `web_seconds`: how long the handler is asked alone; `web_rows`: of the batch beside it. Once: `sizes` are
    the rows of the growth runs, `imports` the fresh interpreters. `peer_calls`: 0 leaves the peers out.
    """

    rounds: int
    budget: Budget
    batch_rows: int
    batch_turns: int
    shard_payouts: int
    calls: int
    callback_turns: int
    web_seconds: float
    web_rows: int
    sizes: tuple[int, ...]
    imports: int
    peer_calls: int = 0
    concurrency: int = 100
    uvloop: bool = True


@attrs.frozen
class Results:
    figures: Figures
    aiohttp_loaded: Loaded


SHARING = 16
"""Payouts at a time of a batch that shares its loop with a web application, as docs/payouts.md advises."""

Say = Callable[[str], None]
Step = Callable[[], Awaitable[None]]


async def run_suite(plan: Plan, say: Say) -> Results:
    """Measure everything against one stub. Progress goes to `say`."""
    pem = generate_private_key()
    found = Collector()
    async with AsyncExitStack() as stack:
        url = stack.enter_context(serving("benchmarks.stub", {"uvloop": plan.uvloop}))
        bench = Bench(url=url, pem=pem, concurrency=plan.concurrency)
        children = stack.enter_context(workers(bench, uvloop=plan.uvloop))
        asked = await stack.enter_async_context(page(uvloop=plan.uvloop))
        suite = _Rounds(plan, bench, found, children, asked)
        for number in range(1, plan.rounds + 1):
            say(f"round {number} of {plan.rounds}")
            # to and fro, so that no case always follows the same neighbour
            for step in suite.steps if number % 2 else reversed(suite.steps):
                gc.collect()
                await step()
        say("imports")
        loaded = await when_aiohttp_is_loaded(pem)
        for _ in range(plan.imports):
            once = await import_once()
            found.add("statement.import", "the import statement", once.statement)
            found.add("process.import", "the process, beyond one that does nothing", once.process)
        await _grow(plan, bench, found, say)
    return Results(found.figures(), loaded)


class _Rounds:
    """What is done in every round."""

    def __init__(self, plan: Plan, bench: Bench, found: Collector, children: Sequence[Child], asked: Page) -> None:
        self.plan = plan
        self.bench = bench
        self.sharing = Bench(url=bench.url, pem=bench.pem, concurrency=min(SHARING, bench.concurrency))
        self.found = found
        self.children = children
        self.page = asked
        self.bodies = CallbackBodies()
        self.steps: list[Step] = [
            *(self._case_step(case) for case in CASES),
            self.batch,
            self.shards,
            self.sdk_alone,
            self.web,
            self.idle,
        ]
        if plan.peer_calls:
            self.steps.append(self.peers)

    def _case_step(self, case: Case) -> Step:
        async def step() -> None:
            await self._drive(case, self.plan.budget, one_core=True)

        return step

    async def _drive(self, case: Case, budget: Budget, *, one_core: bool = False) -> None:
        async with warm(case.open(self.bench), self.bench.concurrency) as pay:
            self.found.add_round(case.id, case.what, await drive(pay, budget, self.bench.concurrency))
            with watching_lag() as lag:
                await drive(pay, budget.half(), self.bench.concurrency)
            self.found.add_lag(case.id, case.what, lag)
            if one_core:
                with on_one_core():
                    held = await drive(pay, budget.half(), self.bench.concurrency)
                self.found.add(f"{case.id}.cpu1", case.what, held.cpu_ms)

    async def batch(self) -> None:
        bench, rows, turns = self.bench, self.plan.batch_rows, self.plan.batch_turns
        sent, payouts = await by_turns(
            turns, lambda: run_sending(bench, rows), lambda: run_calls(bench, sdk(bench, "ph"), rows)
        )
        self.found.add_round("payouts", "PH: SDK, payout alone, no ledger", payouts)
        self.found.add_round("sending", "PH: batch until all is sent, two durable moves", sent)
        batch, calls = await by_turns(
            turns, lambda: run_batch(bench, rows), lambda: run_calls(bench, both_calls(bench), rows)
        )
        what = "PH: SDK, payout and inquiry, no ledger"
        self.found.add_round("calls", what, calls)
        self.found.add_lag("calls", what, await lag_beside_calls(bench, both_calls(bench), rows))
        what = "PH: batch with its durable ledger, three moves"
        self.found.add_round("batch", what, batch)
        self.found.add_lag("batch", what, await lag_beside_batch(bench, rows))
        what = f"PH: batch that shares its loop, {SHARING} at a time"
        self.found.add_round("sharing", what, await run_batch(self.sharing, rows))
        self.found.add_lag("sharing", what, await lag_beside_batch(self.sharing, rows))

    async def shards(self) -> None:
        for family, name in FAMILIES.items():
            rate = await pay_in_shards(self.children, family, self.plan.shard_payouts)
            self.found.add(f"{family}.two_processes.rate", f"{name}: SDK, cryptography, two processes", rate)

    async def sdk_alone(self) -> None:
        for family, name in FAMILIES.items():
            own = await overhead(self.bench, family, self.plan.calls)
            self.found.add(f"{family}.sdk.own", f"{name}: SDK alone, no signing, no network", own)
            parsed = self.bodies.parsed_per_second(family, self.plan.callback_turns)
            self.found.add(f"{family}.callbacks.parsed", f"{name}: callbacks verified and parsed", parsed)

    async def web(self) -> None:
        alone = await self.page.alone(self.plan.web_seconds)
        beside = await self.page.beside_a_batch(self.sharing, self.plan.web_rows)
        for id, what, times in (("alone", "alone", alone), ("beside", "beside a batch", beside)):
            for percent in (50, 99):
                self.found.add_all(f"web.{id}.p{percent}", f"web handler {what}", percent, times)

    async def idle(self) -> None:
        with watching_lag() as lag:
            await asyncio.sleep(self.plan.web_seconds / 4)
        self.found.add_lag("idle", "an idle loop", lag)

    async def peers(self) -> None:
        for peer in PEERS:
            cost = await cost_of(peer, self.bench, self.plan.peer_calls)
            self.found.add(f"peers.{peer.id}.sdk.own", f"{peer.what}: the SDK's call", cost.sdk)
            self.found.add(f"peers.{peer.id}.bare.own", f"{peer.what}: the bare client's", cost.bare)
            self.found.add(f"peers.{peer.id}.own", peer.what, cost.sdk - cost.bare)


async def _grow(plan: Plan, bench: Bench, found: Collector, say: Say) -> None:
    """Batches of each size in processes of their own; the smallest again after each larger one."""
    smallest, *larger = sorted(plan.sizes)
    for rows in (smallest, *(each for size in larger for each in (size, smallest))):
        say(f"a batch of {rows:,} rows in a process of its own")
        config = {"url": bench.url, "pem": bench.pem, "concurrency": bench.concurrency, "rows": rows}
        grown = await child("benchmarks.growth", {**config, "uvloop": plan.uvloop})
        what = f"PH: batch of {rows:,} rows"
        found.add(f"growth.{rows}.rate", what, grown["rate"])
        found.add(f"growth.{rows}.peak", what, grown["peak_mib"])
        found.add(f"growth.{rows}.start", what, grown["start_mib"])
