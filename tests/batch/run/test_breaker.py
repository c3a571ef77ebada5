"""The stop rule: when too much of what is sent is refused, the rest waits for a human."""

from __future__ import annotations

from typing import Any

import pytest
from support.batch import Plan, WriteOrders

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.batch import Ledger, Options, PHPayouts, Runner, State, Summary
from paycools_async.testing import FakePayCools

CREATE = "ph.payout.create"
LIMIT = 1007


async def run(api: PHPayouts, ledger: Ledger, fake: FakePayCools, **options: Any) -> Summary:
    return await Runner(api, ledger, Options(**{"concurrency": 1, **options}), clock=fake.clock).run()


async def test_half_of_the_last_fifty_refused_holds_the_rest(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(80))
    fake.faults.busy(LIMIT, next=80, only=CREATE)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.FAILED), summary.rows(State.PLANNED), summary.exit_code) == (50, 30, 3)
    assert summary.stopped == "50 of the last 50 payouts were refused; look at the reasons before the rest is sent"
    assert fake.requests[CREATE] == 50


async def test_a_later_run_goes_on(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(60))
    fake.faults.busy(LIMIT, next=50, only=CREATE)
    await run(api, ledger, fake)
    await ledger.resume_sending()
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.FAILED), summary.rows(State.SETTLED), summary.stopped) == (50, 10, None)


async def test_bad_rows_in_a_small_file_hold_nothing(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(49))
    fake.faults.busy(LIMIT, next=40, only=CREATE)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.FAILED), summary.rows(State.SETTLED), summary.stopped) == (40, 9, None)


@pytest.mark.parametrize(("options", "failed"), [({"breaker": None}, 30), ({"breaker": 1.0, "breaker_window": 8}, 8)])
async def test_the_share_and_the_window_are_options_and_none_is_no_rule(
    api: PHPayouts,
    ledger: Ledger,
    fake: FakePayCools,
    plan: Plan,
    write_orders: WriteOrders,
    options: dict[str, Any],
    failed: int,
) -> None:
    await plan(write_orders(30))
    fake.faults.busy(LIMIT, next=30, only=CREATE)
    summary = await run(api, ledger, fake, **options)
    assert summary.rows(State.FAILED) == failed


async def test_answers_that_are_no_refusals_are_not_counted(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """Busy, cut and unclear: nothing is known to be wrong with the orders."""
    await plan(write_orders(12))
    fake.faults.busy(1013, next=30, only=CREATE)
    fake.faults.drop_before(next=10, only=CREATE)
    summary = await run(api, ledger, fake, breaker=0.1, breaker_window=5, wait=1e9)
    assert (summary.rows(State.SETTLED), summary.stopped) == (12, None)


async def test_what_was_sent_is_followed_to_its_end_after_the_rule_has_struck(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 5
    await plan(write_orders(20))
    answer = fake.transport().send

    async def refuse_after_two(request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and fake.requests.get(CREATE, 0) >= 2:
            fake.faults.busy(LIMIT, next=1, only=CREATE)
        return await answer(request)

    transport = MemoryTransport(refuse_after_two)
    async with PayCoolsPH(fake.ph_credentials, transport=transport, clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake, breaker=0.6, breaker_window=5)
    assert (summary.rows(State.SETTLED), summary.rows(State.FAILED), summary.rows(State.PLANNED)) == (2, 3, 15)
