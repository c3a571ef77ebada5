"""Callbacks settle refunds, in the commit of the inbox's mark; payouts' and refunds' events are never mixed up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from durable.conftest import QUICK, inside, order, refund
from support.batch import STORES
from support.callbacks import PAYOUT, SECRET, signed
from support.refund_house import RefundHouse

from paycools_async import (
    CallbackInbox,
    CallbackRouter,
    ConfigurationError,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCallbacks,
)
from paycools_async.batch import State
from paycools_async.callbacks import SQLiteStore
from paycools_async.callbacks.inbox import InboxStore
from paycools_async.callbacks.postgres import PostgresStore
from paycools_async.durable import DurablePayouts, DurableRefunds
from paycools_async.global_api import CreateGlobalRefund
from paycools_async.ph import RefundSettled
from paycools_async.testing import FakePayCools

pytestmark = STORES

ID = "REFUND000001"


@pytest.fixture
async def refunds(shop: PayCoolsPH, place: str, house: RefundHouse) -> Any:
    """Refunds that no inquiry brings to their end."""
    house.status = "PENDING"
    async with DurableRefunds(shop, place, options=QUICK, poll=0.05) as found:
        yield found


async def accepted(refunds: DurableRefunds, house: RefundHouse) -> str:
    """PayCools' id of a refund that is on its way."""
    await refunds.submit(refund())
    await reaches(refunds, State.ACCEPTED)
    return house.booked[0].number


async def reaches(refunds: DurableRefunds, state: State) -> None:
    async with asyncio.timeout(60):
        while (await refunds.wait(ID, within=0)).state is not state:
            await asyncio.sleep(0.01)


def event(number: str, **changes: Any) -> bytes:
    fields = {
        "eventName": "payment.refund.success",
        "mchRefundOrderId": ID,
        "originalTransactionId": "T0000000001",
        "refundTransactionId": number,
        "refundAmount": 5000,
        "refundStatus": "COMPLETE",
    }
    return signed({**fields, **changes})


def router_of(refunds: DurableRefunds) -> CallbackRouter:
    router = CallbackRouter(PHCallbacks(SECRET))
    router.on(RefundSettled)(refunds.feed)
    return router


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.SETTLED),
        ({"refundStatus": "FAILED", "failedCode": -10010, "failedMessage": "Channel Refund Failed"}, State.FAILED),
        ({"eventName": "payment.refund.cancel", "refundStatus": "CANCEL"}, State.FAILED),
        ({"refundStatus": "PROCESS"}, State.ACCEPTED),
        ({"refundAmount": 1}, State.CONFLICT),
        ({"originalTransactionId": "T99"}, State.CONFLICT),
        ({"refundTransactionId": "R99"}, State.CONFLICT),
        ({"mchRefundOrderId": "SOMEBODYELSES"}, State.ACCEPTED),
    ],
)
async def test_a_callback_moves_the_refund_that_it_is_about(
    refunds: DurableRefunds, house: RefundHouse, changes: dict[str, Any], state: State
) -> None:
    number = await accepted(refunds, house)
    assert (await router_of(refunds).handle(event(number, **changes)))[0] == 200
    assert (await refunds.wait(ID, within=0)).state is state


async def test_one_that_overtakes_everything_settles_what_is_in_doubt(shop: PayCoolsPH, place: str, house: Any) -> None:
    house.next.extend(["drop after"])
    house.lag = 3600
    async with DurableRefunds(shop, place, options=QUICK, poll=0.05) as refunds:
        await refunds.submit(refund())
        await reaches(refunds, State.UNKNOWN)
        assert (await router_of(refunds).handle(event(house.booked[0].number)))[0] == 200
        assert (await refunds.wait(ID, within=1)).settled
    assert house.asked == [ID]


async def test_the_move_and_the_inboxes_mark_are_one_commit(
    refunds: DurableRefunds, house: RefundHouse, place: str
) -> None:
    number = await accepted(refunds, house)
    location = inside(refunds).payouts.ledger.location
    store: InboxStore
    store = await (PostgresStore.open(place) if place.startswith("postgresql") else SQLiteStore.open(location))
    inbox = CallbackInbox(router_of(refunds), store)
    try:
        await inbox.handle(event(number))
        await inbox.drain()
        assert (await refunds.wait(ID, within=5)).settled
        assert await store.counts() == {"applied": 1}
    finally:
        await inbox.aclose()


async def test_an_event_of_a_payout_moves_no_refund_of_the_same_id(refunds: DurableRefunds, house: RefundHouse) -> None:
    await accepted(refunds, house)
    body = signed({**PAYOUT, "mchOrderId": ID, "amount": 5000})
    with pytest.raises(TypeError, match="PayoutSettled is no event of refunds, and the ledger is one of refunds"):
        await refunds.feed(_parsed(body))
    assert (await refunds.wait(ID, within=0)).state is State.ACCEPTED


async def test_an_event_of_a_refund_moves_no_payout_of_the_same_id(
    client: PayCoolsPH, live: FakePayCools, place: str
) -> None:
    live.payouts.settle_after = 3600
    async with DurablePayouts(client, place, options=QUICK, poll=0.05) as payouts:
        await payouts.submit(order(mch_order_id=ID, amount=5000))
        before = await payouts.wait(ID, within=0.5)
        with pytest.raises(TypeError, match="RefundSettled is no event of payouts"):
            await payouts.feed(_parsed(event("R1")))
        assert (await payouts.wait(ID, within=0)).state is before.state


def _parsed(body: bytes) -> Any:
    return PHCallbacks(SECRET).parse(body)


async def test_refunds_of_the_global_api_settle_and_fail(live: FakePayCools, place: str) -> None:
    live.global_refunds.settle_after = 0.02
    async with PayCoolsGlobal(live.global_credentials, transport=live.transport(), timeout=2.0) as paycools:
        created = await paycools.indonesia.payments.create(
            mch_order_id="CART1",
            amount=100_000,
            channel_code="ID_BCA_VA",
            customer_name="Budi",
            email="budi@shop.example",
            mobile="08123456789",
            notify_url="https://shop.example/paid",
        )
        await live.pay(created.transaction_id, 100_000)
        with pytest.raises(ConfigurationError, match="the Global API needs country=: one of PH, ID, MY, TH, RU"):
            DurableRefunds(paycools, place)
        async with DurableRefunds(paycools, place, country="ID", options=QUICK, poll=0.05) as refunds:
            for number, payment in enumerate((created.transaction_id, "NONE"), 1):
                await refunds.submit(
                    CreateGlobalRefund(
                        mch_refund_order_id=f"REFUND{number}",
                        original_transaction_id=payment,
                        refund_amount=40_000,
                        refund_callback_url="https://shop.example/notify",
                    )
                )
            settled = await refunds.wait("REFUND1", within=60)
            failed = await refunds.wait("REFUND2", within=60)
    assert (settled.state, settled.amount, settled.currency) == (State.SETTLED, 40_000, "IDR")
    assert (failed.state, failed.code) == (State.FAILED, 21006)
    assert [each.amount for each in live.global_refunds.by_id.values()] == [40_000]
