"""The runner over real ledgers, in both stores, and the fake PayCools: at most once, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest
from support.batch import STORES, OpenLedger, Plan, WriteOrders

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH, PHCredentials
from paycools_async.batch import (
    Ledger,
    Options,
    PHPayouts,
    Runner,
    State,
    Summary,
)
from paycools_async.testing import FakePayCools, ManualClock

pytestmark = STORES

CREATE = "ph.payout.create"


def settled(summary: Summary) -> int:
    return summary.rows(State.SETTLED)


async def run(api: PHPayouts, ledger: Ledger, fake: FakePayCools, **options: Any) -> Summary:
    await ledger.resume_sending()
    return await Runner(api, ledger, Options(**{"concurrency": 10, **options}), clock=fake.clock).run()


@pytest.fixture(autouse=True)
def careless_books(fake: FakePayCools) -> None:
    """The fake pays whatever it is asked to pay: only the runner's care prevents paying twice."""
    fake.merchant.enforce_unique = False
    fake.payouts.settle_after = 2


async def test_everything_settles_and_a_second_run_sends_nothing(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(25))
    summary = await run(api, ledger, fake)
    assert (settled(summary), summary.exit_code, summary.stopped) == (25, 0, None)
    assert fake.requests[CREATE] == 25
    assert settled(await run(api, ledger, fake)) == 25
    assert fake.requests[CREATE] == 25


async def test_with_every_fault_each_order_is_paid_exactly_once(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(200))
    for fault in ("drop_before", "drop_after", "garbage", "http_status", "busy"):
        getattr(fake.faults, fault)(rate=0.06)
    fake.faults.busy(1013, next=40, only=CREATE)
    fake.faults.busy(1018, rate=0.02, processed=True, only=CREATE)
    # on a clock that every sleeper pushes forward, time is no measure of standing still
    summary = await run(api, ledger, fake, concurrency=20, wait=1e9, max_resends=20)
    assert settled(summary) == 200
    assert (summary.resent > 5, summary.exit_code) == (True, 3), "what was sent again is for a person to look at"
    assert fake.payouts.paid_more_than_once() == []
    assert len({payout.order_id for payout in fake.payouts.paid}) == len(fake.payouts.paid) == 200
    assert min(fake.faults.struck.values()) > 5, "every fault struck"


async def test_failed_payouts_are_failed_with_paycools_reason(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    line = ["BAD1", "500.10", "EWALLET", "GCASH", "09171230000", "Juan"]
    await plan(write_orders(lines=[line, ["GOOD1", *line[1:4], "09171230001", "Juan"]]))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.FAILED), settled(summary), summary.exit_code) == (1, 1, 1)
    [failed] = [row async for page in ledger.pages() for row in page if row.state is State.FAILED]
    assert (failed.code, failed.message) == (-10005, "Transaction Destination Account Error")


async def test_sending_is_on_disk_before_the_request_leaves(
    ledger: Ledger,
    open_ledger: OpenLedger,
    fake: FakePayCools,
    plan: Plan,
    write_orders: WriteOrders,
) -> None:
    await plan(write_orders(5))
    onlooker = await open_ledger(None)
    seen: list[str] = []

    async def look_then_answer(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            row = await onlooker.get(json.loads(request.body or b"")["mchOrderId"])
            seen.append(f"{row.order_id} {row.state}")
        return await answer(request)

    answer = fake.transport().send
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(look_then_answer), clock=fake.clock) as client:
        await run(PHPayouts(client), ledger, fake)
    assert sorted(seen) == [f"PAY{n:09} sending" for n in range(1, 6)]


async def test_a_wrong_key_stops_the_batch_at_once_and_leaves_the_orders_planned(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, other_key_pem: str
) -> None:
    await plan(write_orders(50))
    right = fake.ph_credentials
    wrong = PHCredentials(app_id=right.app_id, app_name=right.app_name, private_key=other_key_pem)
    async with PayCoolsPH(wrong, transport=fake.transport(), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake, concurrency=5)
    assert summary.rows(State.PLANNED) == 50
    assert "request sign is invalid" in (summary.stopped or "")
    assert fake.requests[CREATE] <= 10
    assert fake.payouts.paid == []


async def test_an_empty_balance_holds_the_rest_and_settles_what_was_sent(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(20))
    fake.merchant.balance = 7 * 50010
    summary = await run(api, ledger, fake, concurrency=1)
    assert (settled(summary), summary.rows(State.PLANNED), summary.exit_code) == (7, 13, 3)
    assert "balance insufficient" in (summary.stopped or "")
    fake.merchant.balance = 20 * 50010
    assert settled(await run(api, ledger, fake)) == 20
    assert fake.payouts.paid_more_than_once() == []


async def test_another_amount_under_our_order_id_is_a_conflict_and_not_paid_again(
    api: PHPayouts,
    ledger: Ledger,
    fake: FakePayCools,
    plan: Plan,
    write_orders: WriteOrders,
    paycools: PayCoolsPH,
) -> None:
    fake.merchant.enforce_unique = True
    await plan(write_orders(1))
    await paycools.payouts.create(
        mch_order_id="PAY000000001",
        amount=99999,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Somebody Else",
    )
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.CONFLICT), summary.exit_code) == (1, 3)
    assert len(fake.payouts.paid) == 1


async def test_an_answer_about_another_order_moves_nothing(
    ledger: Ledger, open_ledger: OpenLedger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    onlooker = await open_ledger(None)
    answer = fake.transport().send
    states: list[State] = []

    async def mistake_once(request: HttpRequest) -> HttpResponse:
        told = await answer(request)
        if request.method == "POST":
            return told
        states.append((await onlooker.get("PAY000000001")).state)
        if len(states) > 1:
            return told
        said = json.loads(told.body)
        said["data"] |= {"mchOrderId": "OTHER1", "transactionStatus": "COMPLETE"}
        return attrs.evolve(told, body=json.dumps(said).encode())

    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(mistake_once), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake)
    assert states[:2] == [State.ACCEPTED, State.ACCEPTED]
    assert (settled(summary), len(fake.payouts.paid)) == (1, 1)


async def test_an_order_sent_before_by_other_means_is_not_called_settled_unless_a_person_adopts_it(
    api: PHPayouts,
    ledger: Ledger,
    fake: FakePayCools,
    plan: Plan,
    write_orders: WriteOrders,
    paycools: PayCoolsPH,
) -> None:
    fake.merchant.enforce_unique = True
    await plan(write_orders(1))
    await paycools.payouts.create(
        mch_order_id="PAY000000001",
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09170000011",
        account_name="Juan Dela Cruz",
    )
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.PREEXISTING), summary.exit_code, len(fake.payouts.paid)) == (1, 3, 1)
    assert await ledger.adopt(by="tests") == 1
    summary = await run(api, ledger, fake)
    assert (settled(summary), summary.exit_code, len(fake.payouts.paid)) == (1, 0, 1)


async def test_a_refusal_with_an_unlisted_code_settles_when_it_was_booked_and_else_waits_for_a_person(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    fake.faults.busy(7777, next=1, only=CREATE)
    fake.faults.busy(7777, next=1, only=CREATE, processed=True)
    summary = await run(api, ledger, fake, concurrency=1)
    assert (summary.rows(State.UNKNOWN), settled(summary), summary.exit_code) == (1, 1, 3)
    assert (len(fake.payouts.paid), fake.requests[CREATE]) == (1, 2)


async def test_a_run_ends_when_nothing_moves_forward_and_says_so(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 10_000
    await plan(write_orders(3))
    summary = await run(api, ledger, fake, wait=60)
    assert (summary.rows(State.ACCEPTED), summary.exit_code) == (3, 3)
    assert summary.stopped == "nothing moved forward for 60 seconds"


async def test_stopping_finishes_what_is_in_flight(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(100))
    runner = Runner(api, ledger, Options(concurrency=5), clock=fake.clock)
    task = asyncio.create_task(runner.run())
    while not fake.payouts.paid:
        await asyncio.sleep(0)
    runner.stop("interrupted")
    summary = await task
    assert summary.stopped == "interrupted"
    assert summary.rows(State.SENDING) == 0
    assert 0 < len(fake.payouts.paid) < 100
    assert settled(await run(api, ledger, fake)) == 100
    assert fake.payouts.paid_more_than_once() == []


async def test_cancelling_leaves_a_ledger_that_a_later_run_finishes(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, clock: ManualClock, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(60))
    for _ in range(3):
        task = asyncio.create_task(run(api, ledger, fake, concurrency=7, max_resends=9))
        target = len(fake.payouts.paid) + 5
        while len(fake.payouts.paid) < target:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        clock.advance(getattr(ledger, "lease", 0.0))  # what the run had leased is free again then
    for _ in range(3):  # one that was cut off twice takes longer to be believed absent than a run waits
        finished = settled(await run(api, ledger, fake, max_resends=9))
        if finished == 60:
            break
    assert finished == 60
    assert fake.payouts.paid_more_than_once() == []


async def test_content_that_is_not_what_was_planned_is_never_sent(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, key_pem: str
) -> None:
    await plan(write_orders(1))
    renamed = PHCredentials(app_id=fake.ph_credentials.app_id, app_name="Another Name", private_key=key_pem)
    async with PayCoolsPH(renamed, transport=fake.transport(), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake)
    assert "not what was planned" in (summary.stopped or "")
    assert (summary.rows(State.PLANNED), fake.payouts.paid) == (1, [])


async def test_a_dead_host_leaves_everything_planned(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    from paycools_async import Outcome, TransportError

    def dead(_: HttpRequest) -> HttpResponse:
        raise TransportError("connection refused; nothing was sent", outcome=Outcome.NOT_SENT)

    await plan(write_orders(4))
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(dead), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake, wait=30)
    assert (summary.rows(State.PLANNED), summary.exit_code) == (4, 3)


async def test_a_long_retry_after_does_not_keep_a_stopped_run_waiting(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    def busy(_: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"Retry-After": "250"}, b'{"code": 1013, "message": "frequency limit"}')

    await plan(write_orders(9))
    await ledger.resume_sending()
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(busy)) as client:
        async with asyncio.timeout(60):  # real seconds, of the 250
            summary = await Runner(PHPayouts(client), ledger, Options(concurrency=3, wait=0.2)).run()
    assert (summary.rows(State.PLANNED), summary.stopped) == (9, "nothing moved forward for 0.2 seconds")
