"""How a ledger stands, in numbers for a dashboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.batch import STORES, Plan, WriteOrders

from paycools_async.batch import Event, Ledger, Options, PHPayouts, Runner, State, ledger_gauges, read_orders
from paycools_async.testing import FakePayCools


@STORES
async def test_rows_backlog_and_the_age_of_the_oldest(
    ledger: Ledger, api: PHPayouts, plan: Plan, write_orders: WriteOrders, fake: FakePayCools
) -> None:
    empty = await ledger_gauges(ledger)
    assert (set(empty.rows), sum(empty.rows.values())) == (set(State), 0)
    assert (empty.backlog, empty.oldest_age) == (0, None)

    await plan(write_orders(3))
    await fake.clock.sleep(100)
    found = await ledger_gauges(ledger)
    assert (found.rows[State.PLANNED], found.rows[State.SETTLED], found.backlog) == (3, 0, 3)
    assert found.oldest_age is not None
    assert 99 <= found.oldest_age <= 101

    fake.payouts.settle_after = 0.0
    await Runner(api, ledger, Options(first_inquiry_after=0.0), clock=fake.clock).run()
    found = await ledger_gauges(ledger)
    assert (found.rows[State.SETTLED], found.backlog, found.oldest_age) == (3, 0, None)


@STORES
async def test_what_nobody_has_said_yes_to_is_no_backlog(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    await ledger.intake(read_orders(write_orders(2), api.request_class, api.currency), api.text_of)
    found = await ledger_gauges(ledger)
    assert (found.rows[State.OFFERED], found.backlog, found.oldest_age) == (2, 0, None)


@STORES
async def test_the_oldest_of_all_states_and_of_these_batches_alone(
    ledger: Ledger, plan: Plan, write_orders: Callable[..., Path], fake: FakePayCools
) -> None:
    first = await plan(write_orders(2))
    await fake.clock.sleep(50)
    second = await plan(write_orders(5))  # three of them are new
    assert (first.new, second.new) == (2, 3)
    [row] = (await ledger.claim([State.PLANNED], 1, max_resends=0))[:1]
    await ledger.move(row, Event.SEND)
    whole, later = await ledger_gauges(ledger), await ledger_gauges(ledger.of_batches([second.batch]))
    assert (whole.backlog, later.backlog) == (5, 3)
    assert whole.oldest_age is not None
    assert later.oldest_age is not None
    assert (round(whole.oldest_age), round(later.oldest_age)) == (50, 0)
