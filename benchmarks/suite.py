"""One run of everything. Cases take turns, round by round, so that a busy moment of the machine hits them alike.

That is why pyperf keeps and compares the figures and does not run them: it measures one benchmark after the other.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection

import attrs

from paycools_async.testing import generate_private_key

from . import alone, instructions
from .batch import grow, run_batch, run_calls, run_sending
from .cases import CASES, FAMILIES, Bench, Case, both_calls, sdk
from .measure import Round, by_turns, drive, warm, watching_lag
from .peers import PEERS, time_each
from .processes import alone as in_fresh_process
from .processes import on_one_core
from .results import Figures
from .stub import serving
from .web import Page, page
from .workers import pay_in_shards, workers


@attrs.frozen(kw_only=True)
class Plan:
    """How much is measured: `scale` is of all that a round does; 1 is a whole run's.

    Once: `sizes` are the rows of the growth runs, `counted` the parts whose instructions are counted. `peer_calls`: 0
    leaves the peers out.
    """

    rounds: int
    scale: float
    sizes: tuple[int, ...]
    counted: tuple[str, ...] = ()
    peer_calls: int = 0
    concurrency: int = 100
    uvloop: bool = True
    bits: int = 2048
    """Of the RSA key."""

    def of(self, number: int) -> int:
        """So many of something, in a whole run."""
        return max(1, round(number * self.scale))


COUNTED = ("ph.sdk", "ph.hand", "global.sdk", "global.hand", "ledger", "ph.callback", "global.callback")
FULL = Plan(rounds=7, scale=1, sizes=(1000, 20_000), counted=COUNTED)
QUICK = Plan(rounds=2, scale=0.3, sizes=(200, 1000))

SHARING = 16
"""Payouts at a time of a batch that shares its loop with a web application, as docs/payouts.md advises."""

Say = Callable[[str], None]
Step = Callable[[], Awaitable[None]]


async def run_suite(plan: Plan, say: Say, keep: Callable[[Figures], object] = lambda _: None) -> Figures:
    """Measure everything against one stub. Progress goes to `say`; what was timed to `keep`, before the long count."""
    pem = generate_private_key(plan.bits)
    found = Figures()
    found.note_machine()
    found.metadata["key_bits"] = plan.bits
    async with AsyncExitStack() as stack:
        url = stack.enter_context(serving(uvloop=plan.uvloop))
        bench = Bench(url=url, pem=pem, concurrency=plan.concurrency)
        pipes = stack.enter_context(workers(bench, uvloop=plan.uvloop))
        asked = await stack.enter_async_context(page(uvloop=plan.uvloop))
        suite = _Rounds(plan, bench, found, pipes, asked)
        for number in range(1, plan.rounds + 1):
            say(f"round {number} of {plan.rounds}")
            # to and fro, so that no case always follows the same neighbour
            for step in suite.steps if number % 2 else reversed(suite.steps):
                gc.collect()
                await step()
        say("imports")
        found.metadata["aiohttp_loaded"] = await asyncio.to_thread(alone.when_aiohttp_is_loaded, pem)
        for _ in range(plan.of(15)):
            found.add("statement.import", "import paycools_async", await asyncio.to_thread(alone.import_once))
        await _grow(plan, bench, found, say)
    found.note_end()
    keep(found)
    if plan.counted:
        say("machine instructions, by valgrind: minutes")
        counts = await asyncio.to_thread(instructions.count, plan.counted)
        for id, count in counts.items():
            found.add(f"instructions.{id}", f"instructions, {instructions.PARTS[id]}", count, unit="integer")
    return found


class _Rounds:
    """What is done in every round."""

    def __init__(self, plan: Plan, bench: Bench, found: Figures, pipes: Sequence[Connection], asked: Page) -> None:
        self.plan = plan
        self.bench = bench
        self.sharing = attrs.evolve(bench, concurrency=min(SHARING, bench.concurrency))
        self.found = found
        self.pipes = pipes
        self.page = asked
        own = [self.batch, self.shards, self.sdk_alone, self.web, self.idle, *([self.peers] if plan.peer_calls else [])]
        self.steps: list[Step] = [*(self._case_step(case) for case in CASES), *own]

    def _add(self, id: str, what: str, found: Round, watched: Round | None = None) -> None:
        self.found.add(f"{id}.time", what, found.time_each)
        self.found.add(f"{id}.cpu", what, found.cpu_each)
        if watched is not None:
            self.found.add(f"{id}.lag", what, *watched.lag)

    def _case_step(self, case: Case) -> Step:
        async def step() -> None:
            seconds, concurrency = 0.6 * self.plan.scale, self.bench.concurrency
            async with warm(case.open(self.bench), concurrency) as pay:
                found = await drive(pay, concurrency, seconds=seconds)
                watched = await drive(pay, concurrency, seconds=seconds / 2, watch=True)
                self._add(case.id, case.what, found, watched)
                with on_one_core():
                    held = await drive(pay, concurrency, seconds=seconds / 2)
                self.found.add(f"{case.id}.cpu1", case.what, held.cpu_each)

        return step

    async def batch(self) -> None:
        bench, rows, turns = self.bench, self.plan.of(600), self.plan.of(4)
        sent, payouts = await by_turns(
            turns, lambda: run_sending(bench, rows), lambda: run_calls(bench, sdk(bench, "ph"), rows)
        )
        self._add("payouts", "PH: SDK, payout alone, no ledger", payouts)
        self._add("sending", "PH: batch until all is sent, two durable moves", sent)
        batch, calls = await by_turns(
            turns, lambda: run_batch(bench, rows), lambda: run_calls(bench, both_calls(bench), rows)
        )
        watched = await run_calls(bench, both_calls(bench), rows, watch=True)
        self._add("calls", "PH: SDK, payout and inquiry, no ledger", calls, watched)
        watched = await run_batch(bench, rows, watch=True)
        self._add("batch", "PH: batch with its durable ledger, three moves", batch, watched)
        shared, watched = await run_batch(self.sharing, rows), await run_batch(self.sharing, rows, watch=True)
        self._add("sharing", f"PH: batch that shares its loop, {SHARING} at a time", shared, watched)

    async def shards(self) -> None:
        for family, name in FAMILIES.items():
            each = await pay_in_shards(self.pipes, family, self.plan.of(1200))
            self.found.add(f"{family}.two_processes.time", f"{name}: SDK, cryptography, two processes", each)

    async def sdk_alone(self) -> None:
        for family, name in FAMILIES.items():
            own = await alone.overhead(self.bench, family, self.plan.of(2000))
            self.found.add(f"{family}.sdk.own", f"{name}: SDK alone, no signing, no network, CPU a call", own)
            parsed = alone.callback_time(family, self.bench.pem, self.plan.of(20))
            self.found.add(f"{family}.callbacks", f"{name}: callback verified and parsed, CPU each", parsed)

    async def web(self) -> None:
        asked = await self.page.alone(2 * self.plan.scale)
        self.found.add("web.alone", "web handler alone", *(each / 1000 for each in asked))
        asked = await self.page.beside_a_batch(self.sharing, self.plan.of(800))
        self.found.add("web.beside", "web handler beside a batch", *(each / 1000 for each in asked))

    async def idle(self) -> None:
        with watching_lag() as lag:
            await asyncio.sleep(self.plan.scale / 2)
        self.found.add("idle.lag", "an idle loop, lag", *lag)

    async def peers(self) -> None:
        for peer in PEERS:
            own, bare = [await time_each(way, self.bench, self.plan.peer_calls) for way in (peer.sdk, peer.bare)]
            for id, what, each in (("sdk", "through the SDK", own), ("bare", "bare client", bare)):
                self.found.add(f"peers.{peer.id}.{id}", f"{peer.what}: {what}, CPU a call", each)
            self.found.add(f"peers.{peer.id}.own", f"{peer.what}: the SDK's own", own - bare)


async def _grow(plan: Plan, bench: Bench, found: Figures, say: Say) -> None:
    """Batches of each size in processes of their own; the smallest again after each larger one."""
    smallest, *larger = sorted(plan.sizes)
    for rows in (smallest, *(each for size in larger for each in (size, smallest))):
        say(f"a batch of {rows:,} rows in a process of its own")
        grown = await in_fresh_process(grow, bench, rows, plan.uvloop)
        what = f"PH: batch of {rows:,} rows"
        found.add(f"growth.{rows}.time", f"{what}, each", grown.time_each)
        found.add(f"growth.{rows}.start", f"{what}, memory before", grown.start, unit="byte")
        found.add(f"growth.{rows}.peak", f"{what}, the most memory held", grown.peak, unit="byte")
