"""What a run has entered: a yes that is cut off half-way is in the ledger or it is not, and the run knows which."""

from __future__ import annotations

import asyncio

import pytest
from support.batch import STORES, WriteOrders

from paycools_async.batch import Ledger, PHPayouts, State
from paycools_async.batch.ledger.base import Changed
from paycools_async.batch.pending import PendingBatch, Waiting, waiting_in

SUM = (3, 150_030)


async def cut_off(pending: PendingBatch, shown: Waiting) -> None:
    """Cancel the release while its write is under way, and let the write go on a moment later."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write(waiting: Waiting) -> None:
        begun.set()
        await go_on.wait()
        await pending.ledger.release(waiting.batch, by="ana", rows=waiting.rows, amount=waiting.amount)

    releasing = asyncio.create_task(pending.release(shown, write))
    await begun.wait()
    releasing.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not releasing.done(), "it ends when it is known what became of the yes"
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await releasing


@STORES
async def test_a_yes_that_was_cut_off_and_is_in_the_ledger_stays(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    pending = PendingBatch(ledger=ledger, by="ana")
    await pending.enter(api, write_orders(3))
    [shown] = waiting_in(await ledger.batches())
    await cut_off(pending, shown)
    assert (pending.released, pending.entered) == (1, None)
    assert await pending.take_back() is None
    assert await ledger.counts() == {State.PLANNED: SUM}


@STORES
async def test_a_yes_that_was_cut_off_and_refused_is_taken_back(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    pending = PendingBatch(ledger=ledger, by="ana")
    await pending.enter(api, write_orders(3))
    await cut_off(pending, Waiting(batch=1, rows=2, amount=100_020))
    assert (pending.released, pending.entered) == (None, 1)
    taken = await pending.take_back()
    assert taken is not None
    assert (taken.rows, taken.amount, taken.released_by) == (*SUM, None)
    assert await ledger.counts() == {State.WITHDRAWN: SUM}
    assert await pending.take_back() is None, "once"


async def test_a_yes_to_what_was_not_shown_releases_nothing(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    pending = PendingBatch(ledger=ledger, by="ana")
    await pending.enter(api, write_orders(3))
    with pytest.raises(Changed):
        await pending.release(Waiting(batch=1, rows=3, amount=150_031))
    assert (pending.released, pending.entered) == (None, 1)
