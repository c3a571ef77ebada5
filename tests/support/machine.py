"""A batch under `test_machine.py`: how an example begins, what must hold after each step, and how it ends."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from support.stores import SQLiteStore
from support.world import World

from paycools_async import CreatePayout
from paycools_async.batch import Event, Options, Order, State
from paycools_async.batch.states import FINAL, REASONS, after
from paycools_async.signing import PrivateKey

__all__ = ["Machine", "request_for"]

T = TypeVar("T")

_MEMORY = Path("/dev/shm")  # killing a process loses nothing the kernel has; what a disk would lose is not asked here
ORDERS = 4
_RANK = {State.OFFERED: -1, State.PLANNED: 0, State.SENDING: 1, State.UNKNOWN: 2, State.ACCEPTED: 3, State.CONFLICT: 9}


class Machine(RuleBasedStateMachine):
    """How it begins, what must hold after each step, and the end. The invariants are about money."""

    store_class: Any = SQLiteStore
    options_class: type[Options] = Options
    key: PrivateKey
    steps = 0
    sendings = 0
    """Requests to pay that the rules let leave: what the steps are worth."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
        self.world = World(Path(self.folder.name), self.key, self.store_class, self.options_class)
        self.entered = 0
        self.waited = False
        self.told: Counter[str] = Counter()
        self.yes: set[tuple[str, int]] = set()
        """Orders and amounts that a person said yes to, as they were shown."""
        self.before: dict[str, tuple[State, int]] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        self.waited = False
        return self.loop.run_until_complete(work)

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        async def begin() -> None:
            self.world.dice = random.Random(seed)
            ledger = await self.world.store.open()
            await ledger.aclose()
            await self.enter()
            await self.say_yes(0)
            await self.world.start()

        self.do(begin())

    async def enter(self) -> None:
        """A file of a few orders; PayCools will fail some of them. Nobody has said yes to it yet."""
        numbers = range(self.entered, self.entered + ORDERS)
        await self.offer([request_for(n, fails=self.world.dice.random() < 0.25) for n in numbers])
        self.entered += ORDERS

    async def offer(self, requests: list[CreatePayout]) -> None:
        orders = [Order(n + 2, request) for n, request in enumerate(requests)]
        async with self.world.store.outside() as ledger:
            found = await ledger.intake(orders, self.world.api.text_of)
        assert (found.new, found.errors) == (len(orders), [])

    async def say_yes(self, n: int) -> None:
        """To one of the batches that wait for it."""
        async with self.world.store.outside() as ledger:
            offered = [batch for batch in await ledger.batches() if State.OFFERED in batch.counts]
            batch = offered[n % len(offered)]
            ours = ledger.of_batches([batch.id])
            shown = [row async for page in ours.pages() for row in page if row.state is State.OFFERED]
            rows, amount = batch.counts[State.OFFERED]
            await ledger.release(batch.id, by="the operator", rows=rows, amount=amount)
        self.yes |= {(row.order_id, row.amount) for row in shown}

    def any_in(self, *states: State) -> int:
        return sum(state in states for state, _ in self.before.values())

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def money_moved_at_most_once_and_the_ledger_knows(self) -> None:
        if not self.before and not self.world.runs:
            return  # nothing was entered yet
        type(self).steps += bool(self.before)  # not the start
        paid = self.world.payouts.paid
        assert self.world.payouts.paid_more_than_once() == [], "nobody is paid twice"
        assert {(payout.order_id, payout.amount) for payout in paid} <= self.yes, "nobody is paid without a yes"
        rows = self.world.store.rows()
        assert len(rows) == self.entered, "no row is lost"
        for order, (state, amount) in rows.items():
            was = self.before.get(order, (State.OFFERED, amount))[0]
            ended = was in FINAL and was is not State.WITHDRAWN
            assert state is was or not ended, f"{order} was {was} and is {state}"
            assert state is not State.CONFLICT
            fates = [payout for payout in paid if payout.order_id == order]
            if state is State.SETTLED:
                assert [(fate.status, fate.amount) for fate in fates if fate.status != "FAILED"] == [
                    ("COMPLETE", amount)
                ]
            if state is State.FAILED:
                assert all(fate.status == "FAILED" for fate in fates)
            if state in (State.OFFERED, State.PLANNED, State.WITHDRAWN):
                assert fates == [], "what may be sent is not there"
                assert not self.world.may_still_arrive(order), "what may be sent is not on its way"
        self.before = rows

    def teardown(self) -> None:
        try:
            if self.before:
                type(self).sendings += self.world.sendings
                self.do(self.world.to_the_end())
                self.money_moved_at_most_once_and_the_ledger_knows()
                self.compare_books()
        finally:
            self.do(self.world.aclose())
            self.loop.close()
            self.folder.cleanup()

    def compare_books(self) -> None:
        """Row by row: what the ledger says, what PayCools did, and that the log tells how it came about."""
        moves = self.world.store.history()
        for order, (state, amount) in self.world.store.rows().items():
            paid = [payout for payout in self.world.payouts.paid if payout.order_id == order]
            kept = [payout.amount for payout in paid if payout.status != "FAILED"]
            if state is not State.UNKNOWN:  # that is for a person, and may be either
                assert kept == ([amount] if state is State.SETTLED else [])
            at, reason = State.OFFERED, None
            for event, reached in moves.get(order, []):
                assert reached is after(at, event, reason)
                back = reached is State.PLANNED and at in (State.SENDING, State.UNKNOWN)
                adopted = event is Event.ADOPT
                assert back or adopted or _RANK.get(reached, 4) > _RANK.get(at, 4), f"{order}: {at} to {reached}"
                reason = event if event in REASONS else reason
                at = reached
            assert at is state


def request_for(n: int, *, fails: bool, more: int = 0) -> CreatePayout:
    return CreatePayout(
        mch_order_id=f"PAY{n:09}",
        amount=10_000 + n + more,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=f"0917{n:03}{'0000' if fails else '1111'}",
        account_name="Juan Dela Cruz",
    )
