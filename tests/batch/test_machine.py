"""The real ledgers, the runner's workers and the fake PayCools, driven step by step through whatever may happen.

See rules.py for what may happen, machine.py for what must hold, world.py for PayCools, the network and time, stores.py
for the ledgers. A killed run
leaves what was durable at that moment; the next one goes on from there. PAYCOOLS_STEPS=20000 takes about as many steps
over each kind of ledger.
"""

from __future__ import annotations

from typing import Any

import pytest
from batch.rules import PayoutMachine
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.size import full_only, size
from support.stores import PostgresStore, SQLiteStore
from support.world import TIMEOUT

from paycools_async import load_private_key
from paycools_async.batch import Event, Options, SQLiteLedger, State
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

LEAST = {"sqlite": size(150, 1500), "postgres": size(100, 500)}
"""Steps that each ledger must get."""
WANTED = size(0, 0, "PAYCOOLS_STEPS")


def explore(machine: type[PayoutMachine], key_pem: str, **options: Any) -> int:
    """Run the machine, always in the same ways; returns how many steps it took."""
    machine.steps = machine.sendings = 0
    machine.key = load_private_key(key_pem)
    run_state_machine_as_test(
        machine,
        settings=settings(
            stateful_step_count=options.pop("length", 100),
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )
    return machine.steps


def explore_steps(machine: type[PayoutMachine], key_pem: str, name: str, examples: int) -> None:
    steps = 0
    for more in (1, 2, 4):  # how many steps an example takes changes with the rules
        if steps < LEAST[name]:
            steps = explore(machine, key_pem, max_examples=max(examples, WANTED // 70) * more)
    print(f"\n{name}: {steps} steps, {machine.sendings} requests to pay")  # noqa: T201 - shown with -s
    assert steps >= LEAST[name]
    assert machine.sendings >= steps / 20


def test_whatever_happens_in_whatever_order_nobody_is_paid_twice_and_everybody_is_accounted_for(key_pem: str) -> None:
    explore_steps(PayoutMachine, key_pem, "sqlite", size(4, 24))


class PostgresMachine(PayoutMachine):
    """Two runs share the ledger, and take over from each other when one is lost or frozen."""

    store_class = PostgresStore


def test_two_runs_on_postgres_pay_nobody_twice_whatever_happens_to_either(key_pem: str, postgres_url: str) -> None:
    PostgresStore.url, PostgresStore.call_timeout = postgres_url, TIMEOUT
    explore_steps(PostgresMachine, key_pem, "postgres", size(3, 9))


class Rash(PostgresLedger):
    """Takes what another run is sending for what was not sent, and does not ask PayCools."""

    async def recover(self, *, call_timeout: float) -> int:
        lost = [row async for page in self.pages() for row in page if row.state is State.SENDING]
        for row in lost:
            await self.move(row, Event.NOT_SENT)
        return len(lost)


class RashStore(PostgresStore):
    ledger_class = Rash


class RashMachine(PostgresMachine):
    store_class = RashStore


def test_the_machine_finds_runs_that_take_over_without_asking(key_pem: str, postgres_url: str) -> None:
    PostgresStore.url, PostgresStore.call_timeout = postgres_url, TIMEOUT
    with pytest.raises(AssertionError, match="paid twice"):
        explore(RashMachine, key_pem, length=40, max_examples=60, phases=[Phase.generate], report_multiple_bugs=False)


class Impatient(Options):
    """Believes an absence sooner than PayCools shows what it has."""

    def absence(self, resends: int, call_timeout: float, longest_lag: float) -> float:
        return 2.0


class ImpatientMachine(PayoutMachine):
    options_class = Impatient


class ReleasesAll(SQLiteLedger):
    """A yes to one batch reaches whatever is offered."""

    async def release(self, batch: int, *, by: str, rows: int, amount: int) -> None:
        for each in await self.batches():
            rows, amount = each.counts.get(State.OFFERED, (0, 0))
            await super().release(each.id, by=by, rows=rows, amount=amount)


class ReleasesAllStore(SQLiteStore):
    ledger_class = ReleasesAll


class ReleasesAllMachine(PayoutMachine):
    store_class = ReleasesAllStore


def test_the_machine_finds_a_yes_that_reaches_further_than_what_was_shown(key_pem: str) -> None:
    with pytest.raises(AssertionError, match="without a yes"):
        explore(
            ReleasesAllMachine, key_pem, length=60, max_examples=60, phases=[Phase.generate], report_multiple_bugs=False
        )


@full_only
def test_the_machine_finds_a_run_that_is_too_impatient(key_pem: str) -> None:
    with pytest.raises(AssertionError):
        explore(
            ImpatientMachine, key_pem, length=40, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False
        )
