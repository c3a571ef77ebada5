"""Word that comes when the order is about to be sent, or sent again: it is believed, and nothing is sent."""

from __future__ import annotations

import pytest
from support.batch import Plan, WriteOrders

from paycools_async.batch import Event, Ledger, Options, PHPayouts, Runner, State
from paycools_async.testing import FakePayCools

CREATE = "ph.payout.create"


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (Event.FOUND_COMPLETE, State.SETTLED),
        (Event.FOUND_FAILED, State.FAILED),
        (Event.FOUND_PENDING, State.ACCEPTED),
        (Event.MISMATCH, State.CONFLICT),
    ],
)
async def test_an_order_that_paycools_reports_before_it_is_sent_is_not_sent(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, event: Event, state: State
) -> None:
    await plan(write_orders(1))
    row = await ledger.apply_event("PAY000000001", event, transaction_id="D1")
    assert row is not None
    assert row.state is state


async def test_a_callback_between_the_queue_and_the_sending_prevents_the_sending(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """The first attempt was thought absent; its callback comes when the second is about to leave."""
    await plan(write_orders(3))

    class Late:
        """A pace that lets a callback in just before each payout's turn."""

        async def wait_turn(self, deadline: object) -> float:
            await ledger.apply_event("PAY000000002", Event.FOUND_COMPLETE, transaction_id="D1")
            return fake.clock.monotonic()

        def busy(self, sent_at: float, retry_after: float | None = None) -> None: ...

        def calm(self, sent_at: float) -> None: ...

    summary = await Runner(api, ledger, Options(concurrency=1), clock=fake.clock, pace=Late()).run()
    assert (summary.rows(State.SETTLED), fake.requests[CREATE]) == (3, 2)
