"""Payouts that PayCools never shows and that are not sent again: a person is told of each once."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from durable.conftest import QUICK, inside, order, there
from durable.test_telling import acknowledged
from support.batch import STORES
from support.waiting import until

from paycools_async.batch import Event, State
from paycools_async.batch.ledger.application import StuckRule
from paycools_async.durable import DurablePayout, DurablePayouts, Options
from paycools_async.testing import FakePayCools

pytestmark = STORES

NEVER = Options(first_inquiry_after=0.02, longest_inquiry_pause=0.1, absent_after=1.0, max_resends=0, breaker=None)
CREATE = "ph.payout.create"


async def in_doubt(payouts: DurablePayouts) -> DurablePayout:
    """The payout, when PayCools has not shown it for as long as that takes: the timeout and `absent_after`."""
    await payouts.submit(order())
    began = asyncio.get_running_loop().time()
    found = await payouts.wait("APP000000001", within=60)
    assert asyncio.get_running_loop().time() - began > 2.9
    return found


@pytest.mark.process
async def test_one_that_may_not_be_sent_again_is_told_once_and_again_when_paycools_shows_it(
    opened: Any, live: FakePayCools
) -> None:
    live.faults.drop_before(next=1, only=CREATE)
    payouts: DurablePayouts = await opened(options=NEVER)
    told: list[tuple[State, bool, str]] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        told.append((payout.state, payout.needs_person, payout.reason or ""))

    found = await in_doubt(payouts)
    assert (found.state, found.final, found.needs_person) == (State.UNKNOWN, False, True)
    await until(lambda: len(told) == 1)
    await asyncio.sleep(1.0)
    assert [word[:2] for word in told] == [(State.UNKNOWN, True)]
    assert "PayCools has not shown it for long, and it is not sent again by itself" in told[0][2]
    health = await payouts.health()
    assert (health.ok, health.backlog, health.stuck, health.unacknowledged) == (True, 1, 1, 0)
    assert live.requests[CREATE] == 1
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_COMPLETE)
    inside(payouts).telling.changed.set()
    await until(lambda: len(told) == 2)
    await acknowledged(payouts)
    assert told[1][:2] == (State.SETTLED, False)
    assert (await payouts.health()).stuck == 0


@pytest.mark.process
async def test_one_that_was_sent_again_as_often_as_it_may_needs_a_person(opened: Any, live: FakePayCools) -> None:
    live.faults.drop_before(rate=1.0, only=CREATE)
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    found = await payouts.wait("APP000000001", within=60)
    assert (found.state, found.needs_person) == (State.UNKNOWN, True)
    assert QUICK.max_resends == 1
    assert live.requests[CREATE] == 2


async def test_a_refusal_that_nobody_knows_needs_a_person_and_is_not_sent_again(
    opened: Any, live: FakePayCools
) -> None:
    live.faults.busy(7777, next=1, only=CREATE)
    payouts: DurablePayouts = await opened(options=attrs.evolve(QUICK, max_resends=9, absent_after=3600.0))
    await payouts.submit(order())
    await until_unknown(payouts)
    assert not (await there(payouts, "APP000000001")).needs_person
    await inside(payouts).background.stop(1.0)
    # as if it had been sent long ago
    inside(payouts).stuck_rule = lambda: StuckRule(max_resends=9, sent_before=float("inf"))
    assert [payout.order_id async for payout in payouts.list(needs_person=True)] == ["APP000000001"]
    assert (await there(payouts, "APP000000001")).needs_person
    assert live.requests[CREATE] == 1


async def until_unknown(payouts: DurablePayouts) -> None:
    """And asked about, in vain."""
    async with asyncio.timeout(60):
        while (kept := await inside(payouts).payouts.get("APP000000001")) is None or kept.row.absent_since is None:
            await asyncio.sleep(0.01)


async def test_only_what_needs_a_person_is_listed(opened: Any, live: FakePayCools) -> None:
    live.payouts.settle_after = 3600
    payouts: DurablePayouts = await opened()
    for number in range(1, 6):
        await payouts.submit(order(number))
    await inside(payouts).payouts.ledger.apply_event("APP000000002", Event.FOUND_EARLIER)
    await inside(payouts).payouts.ledger.apply_event("APP000000004", Event.MISMATCH)
    listed = [(payout.order_id, payout.state) async for payout in payouts.list(needs_person=True)]
    assert listed == [("APP000000002", State.PREEXISTING), ("APP000000004", State.CONFLICT)]
    assert [payout.state async for payout in payouts.list(state="conflict", needs_person=True)] == [State.CONFLICT]


@pytest.mark.parametrize("reason", [Event.LOST, None])
async def test_what_goes_on_by_itself_needs_nobody(opened: Any, live: FakePayCools, reason: Event | None) -> None:
    live.faults.drop_before(next=1, only=CREATE)
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    await until_unknown(payouts)
    kept = await inside(payouts).payouts.get("APP000000001")
    row = kept.row if reason is None else attrs.evolve(kept.row, reason=reason)
    assert not StuckRule(max_resends=1, sent_before=float("inf")).holds(row)
    assert (await payouts.health()).stuck == 0


@pytest.mark.process
async def test_one_that_no_inquiry_says_anything_of_needs_a_person_after_long(
    opened: Any, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.faults.drop_before(next=1, only=CREATE)
    live.faults.garbage(rate=1.0, only="ph.payout.query")
    payouts: DurablePayouts = await opened()
    told: list[tuple[State, bool, str]] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        told.append((payout.state, payout.needs_person, payout.reason or ""))

    await payouts.submit(order())
    await until(lambda: live.requests.get("ph.payout.query", 0) > 3)
    assert not (await there(payouts, "APP000000001")).needs_person
    monkeypatch.setattr("paycools_async.durable.opened._UNANSWERED", 0.5)
    found = await payouts.wait("APP000000001", within=60)
    assert (found.state, found.needs_person) == (State.UNKNOWN, True)
    await until(lambda: told)
    assert (await payouts.health()).stuck == 1
    assert told[0][:2] == (State.UNKNOWN, True)
    assert "no inquiry about it has come to anything" in told[0][2]
    assert live.payouts.paid == []
