"""Refunds are taken, sent once, found among their payment's refunds, and told of, as payouts are."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest
from durable.conftest import QUICK, inside, order, refund
from durable.test_telling import acknowledged, ask
from psycopg.conninfo import make_conninfo
from support.batch import STORES
from support.refund_house import RefundHouse
from support.waiting import until

from paycools_async import ConfigurationError, OrderConflict, Outcome, PayCoolsPH
from paycools_async.batch import Event, LedgerError, State
from paycools_async.durable import (
    DurablePayouts,
    DurableRefund,
    DurableRefunds,
    UnknownRefund,
    in_transaction,
)
from paycools_async.testing import FakePayCools

pytestmark = STORES

ID = "REFUND000001"
PAYMENT = "T0000000001"


@pytest.fixture
def place(place: str, store: str) -> str:  # older pytest does not see that the other one asks for it
    return place.replace("payouts.db", "refunds.db")


@pytest.fixture
def make(shop: PayCoolsPH, place: str) -> Any:
    def build(**options: Any) -> DurableRefunds:
        return DurableRefunds(shop, place, **{"options": QUICK, "poll": 0.05, **options})

    return build


async def row_of(refunds: DurableRefunds, refund_id: str = ID) -> Any:
    kept = await inside(refunds).payouts.get(refund_id)
    assert kept is not None
    return kept.row


async def in_doubt(refunds: DurableRefunds) -> Any:
    """The row, once it is in doubt for good."""
    async with asyncio.timeout(60):
        while (row := await row_of(refunds)).reason != "doubted" or row.absent_since is None:
            await asyncio.sleep(0.02)
    return row


async def test_a_refund_is_planned_when_submit_returns_and_settled_by_the_background(
    opened: Any, house: RefundHouse
) -> None:
    refunds: DurableRefunds = await opened()
    planned = await refunds.submit(refund())
    assert isinstance(planned, DurableRefund)
    assert (planned.order_id, planned.state, planned.original_transaction_id) == (ID, State.PLANNED, PAYMENT)
    assert (planned.amount, planned.currency) == (5000, "PHP")
    settled = await refunds.wait(ID, within=60)
    assert (settled.state, settled.settled, settled.transaction_id) == (State.SETTLED, True, house.booked[0].number)
    assert (await refunds.submit(refund())) == settled
    assert [each.order_id async for each in refunds.list(state="settled")] == [ID]
    assert house.paid() == [(ID, 5000)]


async def test_an_unknown_refund_and_one_with_other_content_are_refused(opened: Any, house: RefundHouse) -> None:
    refunds: DurableRefunds = await opened()
    with pytest.raises(UnknownRefund, match="no refund 'NONE'"):
        await refunds.wait("NONE", within=1)
    await refunds.submit(refund())
    for changes in ({"refund_amount": 5001}, {"original_transaction_id": "T2"}):
        with pytest.raises(OrderConflict, match="other content") as caught:
            await refunds.submit(refund(**changes))
        assert (caught.value.outcome, caught.value.order_id) == (Outcome.NOT_SENT, ID)
    await refunds.wait(ID, within=60)
    assert house.paid() == [(ID, 5000)]


async def test_each_end_is_told_once(opened: Any, house: RefundHouse, place: str) -> None:
    house.next.extend([(1509, "Transactions 60 days ago cannot initiate refunds")])
    refunds: DurableRefunds = await opened()
    mark = "%s" if place.startswith("postgresql") else "?"
    ask(place, "CREATE TABLE ends (refund_id TEXT, state TEXT)")

    @refunds.on_final
    async def done(found: DurableRefund) -> None:
        assert found.original_transaction_id.startswith("T")
        values = (found.order_id, found.state.value)
        in_transaction(lambda db: db.execute(f"INSERT INTO ends VALUES ({mark}, {mark})", values))

    await refunds.submit(refund(1))
    await refunds.wait(ID, within=60)
    for number in range(2, 12):
        await refunds.submit(refund(number))
    for number in range(2, 12):
        await refunds.wait(f"REFUND{number:06}", within=60)
    await acknowledged(refunds)
    ends = sorted(tuple(row) for row in ask(place, "SELECT refund_id, state FROM ends"))
    assert ends == [(ID, "failed"), *((f"REFUND{number:06}", "settled") for number in range(2, 12))]


async def test_a_lost_answer_is_found_in_the_list_and_nothing_is_sent_again(opened: Any, house: RefundHouse) -> None:
    house.next.extend(["drop after"])
    house.lag = 0.5
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    assert (await refunds.wait(ID, within=60)).settled
    assert house.asked == [ID]


@pytest.mark.parametrize("none", ["empty", "null", "not found"])
async def test_what_never_arrived_is_absent_by_time_and_sent_again_once(
    opened: Any, house: RefundHouse, none: Any
) -> None:
    house.next.extend(["drop before"])
    house.none = none
    refunds: DurableRefunds = await opened()
    began = asyncio.get_running_loop().time()
    await refunds.submit(refund())
    assert (await refunds.wait(ID, within=60)).settled
    assert asyncio.get_running_loop().time() - began > 2.0  # the call's timeout, and `absent_after`
    assert (house.asked, house.paid()) == ([ID, ID], [(ID, 5000)])


async def test_a_refusal_at_the_first_sending_is_the_last_word(opened: Any, house: RefundHouse) -> None:
    house.next.extend([(1506, "The refund amount is greater than the amount that can be refunded")])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    failed = await refunds.wait(ID, within=60)
    assert (failed.state, failed.code, failed.needs_person) == (State.FAILED, 1506, False)
    assert (house.asked, house.booked) == ([ID], [])


async def test_a_refusal_at_a_later_sending_may_be_because_of_the_first(opened: Any, house: RefundHouse) -> None:
    """The channel allows one refund: the first one, which PayCools does not list yet."""
    house.next.extend(["drop after"])
    house.lag, house.once = 3600, True
    refunds: DurableRefunds = await opened()
    told: list[tuple[State, bool]] = []
    refunds.on_final(lambda found: told.append((found.state, found.needs_person)))
    await refunds.submit(refund())
    row = await in_doubt(refunds)
    assert (row.state, row.resends, house.asked) == (State.UNKNOWN, 1, [ID, ID])
    found = await refunds.wait(ID, within=60)
    assert (found.state, found.needs_person) == (State.UNKNOWN, True)
    await until(lambda: told == [(State.UNKNOWN, True)])
    assert (await refunds.health()).stuck == 1
    house.lag = 0
    await until(lambda: told == [(State.UNKNOWN, True), (State.SETTLED, False)])
    assert (house.asked, house.paid()) == ([ID, ID], [(ID, 5000)])


@pytest.mark.parametrize("of", ["ours", "another's"])
async def test_one_listed_without_its_id_is_neither_presence_nor_absence(
    opened: Any, house: RefundHouse, of: str
) -> None:
    """Ours is in doubt, and stays so: it is not sent again, nor believed to be there; a person is told."""
    house.without_ids = True
    if of == "another's":
        house.book("ANOTHER", PAYMENT, 5000)
    house.next.extend(["drop after" if of == "ours" else "drop before"])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    found = await refunds.wait(ID, within=60)
    assert (found.state, found.needs_person, found.final) == (State.UNKNOWN, True, False)
    assert "without its id" in str(found.reason)
    assert [each.order_id async for each in refunds.list(needs_person=True)] == [ID]
    listed = house.listed
    await until(lambda: house.listed > listed + 2)  # it is asked all the same
    assert house.asked == [ID]
    if of == "ours":
        house.without_ids = False
        async with asyncio.timeout(60):
            while not (await refunds.wait(ID, within=1)).settled:
                await asyncio.sleep(0.02)
    assert house.asked == [ID]


async def test_one_listed_without_its_id_that_comes_before_a_second_sending_stops_it(
    opened: Any, house: RefundHouse
) -> None:
    house.next.extend([(1006, "merchant balance insufficient")])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    async with asyncio.timeout(60):
        while (await refunds.health()).paused is None:
            await asyncio.sleep(0.01)
    assert (await row_of(refunds)).state is State.PLANNED
    house.without_ids = True
    house.book("ANOTHER", PAYMENT, 5000)
    await refunds.resume()
    await in_doubt(refunds)
    assert house.asked == [ID]


async def test_another_amount_without_an_id_is_not_ours(opened: Any, house: RefundHouse) -> None:
    house.without_ids = True
    house.book("ANOTHER", PAYMENT, 1000)
    house.next.extend(["drop before"])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    async with asyncio.timeout(60):
        while (await refunds.wait(ID, within=1)).state is not State.SETTLED:
            await asyncio.sleep(0.02)
    assert house.asked == [ID, ID]  # and by our receipt's id it settles, though it is listed without ours


@pytest.mark.parametrize("changes", [{"originalTransactionId": "T99"}, {"refundAmount": 1}])
async def test_ours_with_another_payment_or_amount_is_a_conflict(opened: Any, house: RefundHouse, changes: Any) -> None:
    house.change = lambda row: {**row, **changes}
    house.next.extend(["drop after"])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    found = await refunds.wait(ID, within=60)
    assert (found.state, found.needs_person) == (State.CONFLICT, True)
    assert "T99" in str(found.reason) or "amount 1" in str(found.reason)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING", State.ACCEPTED),
        ("PROCESS", State.ACCEPTED),
        ("CLOSED", State.ACCEPTED),  # no word for a refund, so it is not final
        ("COMPLETE", State.SETTLED),
        ("FAILED", State.FAILED),
        ("CANCEL", State.FAILED),
    ],
)
async def test_every_status_of_a_refund(opened: Any, house: RefundHouse, status: str, state: State) -> None:
    house.status = status
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    await until(lambda: house.listed > 2 or state is not State.ACCEPTED)
    assert (await refunds.wait(ID, within=10 if state is not State.ACCEPTED else 0.1)).state is state


@pytest.mark.parametrize("statuses", [("COMPLETE", "COMPLETE"), ("FAILED", "COMPLETE"), ("COMPLETE", "FAILED")])
async def test_several_under_one_id_are_a_conflict_in_any_order(
    opened: Any, house: RefundHouse, statuses: tuple[str, str]
) -> None:
    house.next.extend(["drop after"])
    house.status = statuses[0]
    refunds: DurableRefunds = await opened()
    house.change = lambda row: row if len(house.booked) > 1 else {**row, "refundStatus": "PENDING"}
    await refunds.submit(refund())
    await until(lambda: house.booked)
    house.status = statuses[1]
    house.book(ID, PAYMENT, 5000)
    found = await refunds.wait(ID, within=60)
    assert (found.state, found.needs_person) == (State.CONFLICT, True)
    assert all(each.number in str(found.reason) for each in house.booked)


@pytest.mark.parametrize("written", [ID.lower(), f" {ID} "])
async def test_an_id_that_is_written_otherwise_may_be_ours(opened: Any, house: RefundHouse, written: str) -> None:
    house.next.extend(["drop after"])
    house.change = lambda row: {**row, "mchRefundOrderId": written}
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    await in_doubt(refunds)
    assert house.paid() == [(ID, 5000)]


async def test_one_that_paycools_had_before_needs_a_person_who_may_adopt_it(opened: Any, house: RefundHouse) -> None:
    house.book(ID, PAYMENT, 5000).at -= 3600
    house.next.extend([(1515, "Merchant refund order id is repeat")])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    found = await refunds.wait(ID, within=60)
    assert (found.state, found.needs_person) == (State.PREEXISTING, True)
    assert (await refunds.adopt(ID)).state is State.ACCEPTED
    assert (await refunds.wait(ID, within=60)).settled
    assert house.paid() == [(ID, 5000)]


async def test_a_short_balance_pauses_and_nothing_is_lost(opened: Any, house: RefundHouse) -> None:
    house.next.extend([(1006, "merchant balance insufficient")])
    refunds: DurableRefunds = await opened()
    await refunds.submit(refund())
    async with asyncio.timeout(60):
        while "insufficient" not in str((health := await refunds.health()).paused):
            await asyncio.sleep(0.01)
    assert (health.ok, health.backlog) == (False, 1)
    assert not await refunds.withdraw("NONE", by="ana")
    await refunds.resume()
    assert (await refunds.wait(ID, within=60)).settled
    assert house.paid() == [(ID, 5000)]


async def test_what_was_never_sent_can_be_taken_back(opened: Any, house: RefundHouse) -> None:
    refunds: DurableRefunds = await opened()
    await inside(refunds).background.stop(1.0)
    await refunds.submit(refund())
    assert await refunds.withdraw(ID, by="ana")
    assert (await refunds.wait(ID, within=1)).state is State.WITHDRAWN
    assert house.asked == []


async def test_one_that_is_rolled_back_is_never_sent(opened: Any, house: RefundHouse, place: str) -> None:
    if place.startswith("postgresql"):
        pytest.skip("tests/durable/test_own_transactions.py tries that on PostgreSQL")
    refunds: DurableRefunds = await opened()
    with closing(sqlite3.connect(place)) as db:
        db.execute("CREATE TABLE returns (id TEXT)")
        for number in (1, 2):
            db.execute("INSERT INTO returns VALUES (?)", (str(number),))
            await refunds.submit(refund(number), connection=db)
            if number == 1:
                db.rollback()
            else:
                db.commit()
    assert (await refunds.wait("REFUND000002", within=60)).settled
    assert await refunds.get(ID) is None
    assert house.asked == ["REFUND000002"]


@pytest.mark.parametrize("ends", ["commit", "rollback"])
async def test_one_transaction_on_postgresql_takes_a_payout_and_a_refund_or_neither(
    client: PayCoolsPH, live: FakePayCools, place: str, ends: str
) -> None:
    if not place.startswith("postgresql"):
        pytest.skip("a SQLite file is one ledger")
    [(schema,)] = ask(place, "SELECT current_schema()")
    ask(place, f"CREATE SCHEMA {schema}_refunds")
    payment = await client.web_payments.create(
        mch_order_id="ORDER1001",
        amount=5000,
        channel_code="GCASH_URL",
        email="maria@example.com",
        mobile="09171234567",
        callback_url="https://shop.example/notify",
        redirect_url="https://shop.example/thanks",
    )
    await live.pay(payment.transaction_id, 5000)
    elsewhere = make_conninfo(place, options=f"-csearch_path={schema}_refunds")
    async with (
        DurablePayouts(client, place, options=QUICK, poll=0.05) as payouts,
        DurableRefunds(client, elsewhere, options=QUICK, poll=0.05) as refunds,
        await psycopg.AsyncConnection.connect(place) as connection,
    ):
        await payouts.submit(order(mch_order_id=ID), connection=connection)  # the same id, for they are two things
        await refunds.submit(refund(original_transaction_id=payment.transaction_id), connection=connection)
        if ends == "commit":
            await connection.commit()
            assert (await payouts.wait(ID, within=60)).settled
            assert (await refunds.wait(ID, within=60)).settled
        else:
            await connection.rollback()
            assert (await payouts.get(ID), await refunds.get(ID)) == (None, None)
    made = 1 if ends == "commit" else 0
    assert (len(live.payouts.paid), len(live.refunds.by_id)) == (made, made)


async def test_what_an_earlier_process_left_is_found_and_not_sent_again(make: Any, house: RefundHouse) -> None:
    """It ended between the sending and the answer."""
    async with make() as refunds:
        await inside(refunds).background.stop(1.0)
        await refunds.submit(refund())
        ledger = inside(refunds).payouts.ledger
        [row] = await ledger.claim((State.PLANNED,), 1, max_resends=1)
        await ledger.move(row, Event.SEND)
        house.book(ID, PAYMENT, 5000)
    async with make(margin=0.5) as refunds:
        assert (await refunds.wait(ID, within=40)).settled
    assert house.asked == []


async def test_wrong_kinds_are_refused_both_ways(make: Any, place: str, shop: PayCoolsPH, house: RefundHouse) -> None:
    async with make() as refunds:
        with pytest.raises(TypeError, match="takes CreateRefund, not CreatePayout"):
            await refunds.submit(order())
    payouts = DurablePayouts(shop, place, options=QUICK)
    with pytest.raises(LedgerError, match="is a ledger of refunds, and payouts need one of their own"):
        await payouts.start()
    with pytest.raises(ConfigurationError, match="only, not ID"):
        DurableRefunds(shop, place, country="ID")
    assert house.asked == []


async def test_a_ledger_of_payouts_takes_no_refunds(
    make: Any, place: str, shop: PayCoolsPH, house: RefundHouse
) -> None:
    async with DurablePayouts(shop, place, options=QUICK, poll=0.05) as payouts:
        with pytest.raises(TypeError, match="not CreateRefund: refunds are submitted to DurableRefunds"):
            await payouts.submit(refund())
    with pytest.raises(LedgerError, match="is a ledger of payouts, and refunds need one of their own"):
        await make().start()
    assert house.asked == []
