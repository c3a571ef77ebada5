"""Transactions side by side in PostgreSQL: what would be paid as one is taken once, and nobody waits for others."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from durable.conftest import Make, order

from paycools_async import OrderConflict
from paycools_async.testing import FakePayCools

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("store", ["postgres"])]


async def test_an_order_and_another_under_its_id_as_idempotency_id_are_not_both_taken_by_transactions_at_once(
    make: Make, place: str, live: FakePayCools
) -> None:
    """PayCools would pay only one of them."""
    async with (
        make() as payouts,
        await psycopg.AsyncConnection.connect(place) as first,
        await psycopg.AsyncConnection.connect(place) as second,
    ):
        await payouts.submit(order(1), connection=first)
        later = asyncio.create_task(payouts.submit(order(2, idempotency_id="APP000000001"), connection=second))
        await asyncio.sleep(0.2)
        assert not later.done()
        await first.commit()
        with pytest.raises(OrderConflict, match="would pay only one of them"):
            await later
        assert (await payouts.wait("APP000000001", within=60)).settled
    assert [each.order_id for each in live.payouts.paid] == ["APP000000001"]


async def test_nor_by_two_processes_at_once(make: Make) -> None:
    async with make() as one, make() as other:
        for number in range(1, 41):
            like_it = order(number + 100, idempotency_id=f"APP{number:09}")
            found = await asyncio.gather(one.submit(order(number)), other.submit(like_it), return_exceptions=True)
            assert sum(isinstance(each, OrderConflict) for each in found) == 1, found


async def test_a_transaction_that_stays_open_holds_up_its_own_payout_and_no_other(make: Make, place: str) -> None:
    async with make() as payouts, await psycopg.AsyncConnection.connect(place) as connection:
        await payouts.submit(order(1), connection=connection)
        again = asyncio.create_task(payouts.submit(order(1)))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(60):
            await asyncio.gather(*(payouts.submit(order(number)) for number in range(2, 40)))
        assert not again.done()
        await connection.commit()
        assert (await again).order_id == "APP000000001"
        assert (await payouts.wait("APP000000001", within=60)).settled


async def test_after_a_rollback_the_same_payout_is_taken(make: Make, place: str, live: FakePayCools) -> None:
    async with make() as payouts, await psycopg.AsyncConnection.connect(place) as connection:
        await payouts.submit(order(1, amount=70000), connection=connection)
        again = asyncio.create_task(payouts.submit(order(1)))
        await asyncio.sleep(0.2)
        assert not again.done()
        await connection.rollback()
        assert (await again).amount == 50010
        assert (await payouts.wait("APP000000001", within=60)).settled
    assert [each.amount for each in live.payouts.paid] == [50010]
