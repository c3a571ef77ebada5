"""One payout's whole life, and what failed by reason: both stores tell them alike."""

from __future__ import annotations

from support.batch import STORES, WriteOrders, rows

from paycools_async.batch import Ledger, Options, PHPayouts, Runner, read_orders
from paycools_async.batch.ledger.timeline import FailureGroup
from paycools_async.testing import FakePayCools


@STORES
async def test_an_orders_moves_and_the_failures_of_a_batch(
    ledger: Ledger, api: PHPayouts, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    bad = [[f"BAD{n}", "1.00", "EWALLET", "GCASH", f"0917{n:03}0000", "Juan Dela Cruz"] for n in range(2)]
    orders = read_orders(write_orders(lines=[*rows(1), *bad]), api.request_class, api.currency)
    await ledger.intake(orders, api.text_of)
    await ledger.withdraw(by="ana", order_id="BAD1")
    again = write_orders(lines=[bad[1]], name="again.csv")
    await ledger.intake(read_orders(again, api.request_class, api.currency), api.text_of)
    for batch in await ledger.batches():
        [(count, amount)] = [sums for state, sums in batch.counts.items() if state == "offered"]
        await ledger.release(batch.id, by="bob", rows=count, amount=amount)
    await Runner(api, ledger, Options(concurrency=2), clock=fake.clock).run()
    moves = await ledger.history("BAD1")
    assert [(move.event, move.state, move.batch, move.line) for move in moves] == [
        ("withdraw", "withdrawn", 1, 4),
        ("release", "planned", 2, 2),
        ("send", "sending", 2, 2),
        ("accepted", "accepted", 2, 2),
        ("found_failed", "failed", 2, 2),
    ]
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert await ledger.history("NONE") == []
    message = "Transaction Destination Account Error"
    assert await ledger.failures() == [FailureGroup(-10005, True, message, 2, 200)]
    assert await ledger.of_batches([1]).failures() == [FailureGroup(-10005, True, message, 1, 100)]
