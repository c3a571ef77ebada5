"""The unified checkout: PayCools' cashier page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import support.global_samples as samples
from support.callbacks import enveloped

from paycools_async import DuplicateOrder, PayCoolsGlobal, TransactionStatus
from paycools_async.callbacks import GlobalCallbacks
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    ChannelType,
    CreateUnifiedCheckout,
    GetUnifiedChannels,
    UnifiedAddress,
    UnifiedChannels,
    UnifiedCheckoutFailed,
    UnifiedCheckoutPaid,
    UnifiedGoods,
)
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock

CHECKOUT: dict[str, Any] = {
    "mch_order_id": "CART2",
    "amount": 50_010,
    "country_code": "PH",
    "customer_name": "Juan",
    "email": "juan@shop.example",
    "mobile": "09171234567",
    "notify_url": "https://shop.example/paid",
    "redirect_url": "https://shop.example/back",
}


async def test_a_checkout_is_paid_and_told(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    link = await paycools.unified.checkout.create(**CHECKOUT, expire_seconds=600, channel_type_list=["QR"])
    assert link.checkout_url is not None
    assert link.expires_time == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    await fake.pay("CART2", 50_010)
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedCheckoutPaid)
    assert (event.checkout_id, event.mch_order_id, event.amount) == (link.checkout_id, "CART2", 50_010)
    assert (event.transaction_status, event.settlement_currency) == (TransactionStatus.COMPLETE, "PHP")
    with pytest.raises(Exception, match="already paid"):
        await fake.pay("CART2", 50_010)


def test_a_failed_checkout_is_told_and_never_taken_for_a_paid_one(key: PrivateKey, key_pem: str) -> None:
    """Inferred from the PH API: no page of this one names the event."""
    told = {
        "eventName": "checkout.payment.failed",
        "mchOrderId": "CART2",
        "transactionId": "C1",
        "amount": 50_010,
        "transactionStatus": "FAILED",
        "countryCode": "ID",
        "createTime": "2026-01-01 07:00:00",
        "failedCode": -10003,
    }
    event = GlobalCallbacks(key.public).parse(enveloped(json.dumps(told), key_pem))
    assert type(event) is UnifiedCheckoutFailed
    assert not isinstance(event, UnifiedCheckoutPaid)
    assert (event.mch_order_id, event.amount, event.failed_code) == ("CART2", 50_010, -10003)
    assert event.create_time == datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_checkout_closes_by_itself(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock) -> None:
    await paycools.unified.checkout.create(**CHECKOUT, expire_seconds=600)
    with pytest.raises(DuplicateOrder):
        await paycools.unified.checkout.create(**CHECKOUT)
    clock.advance(600)
    with pytest.raises(Exception, match="already paid or closed"):
        await fake.pay("CART2", 50_010)


async def test_a_checkouts_payment_can_be_refunded(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.unified.checkout.create(**CHECKOUT)
    paid = await fake.pay("CART2", 50_010)
    receipt = await paycools.refunds.create(
        mch_refund_order_id="R1",
        original_transaction_id=paid["transactionId"],
        refund_amount=50_010,
        refund_callback_url="https://shop.example/refunded",
    )
    assert receipt.refund_amount == 50_010


async def test_the_channels_of_a_country(paycools: PayCoolsGlobal) -> None:
    found = await paycools.unified.checkout.channels(country_code="PH")
    assert [(each.channel_code, each.channel_type) for each in found.channels] == [
        ("PH_GCASH_QR", ChannelType.QR),
        ("PH_QRPH_DYNAMIC", ChannelType.QR),
        ("PH_GCASH_URL", ChannelType.EWALLET),
    ]


def test_pay_later_needs_goods_and_an_address() -> None:
    assert samples.reasons(CreateUnifiedCheckout, **CHECKOUT, channel_type_list=["PAYLATER"]) == {
        "goods_details": "is required for PAYLATER",
        "billing_address": "is required for PAYLATER",
    }
    request = CreateUnifiedCheckout(
        **CHECKOUT,
        channel_type_list=["PAYLATER"],
        goods_details=[UnifiedGoods(name="Shoes")],
        billing_address=UnifiedAddress(city="Cebu", post_code="6000"),
    )
    sent = unstructure(request)
    assert sent["billingAddress"] == {"city": "Cebu", "postCode": "6000"}
    assert (sent["channelTypeList"], sent["settlementCurrency"]) == (["PAYLATER"], "PHP")
    assert "Cebu" not in repr(request)


def test_the_documented_request_is_made_again() -> None:
    samples.recreated(json.loads('{"timestamp":1715595802,"countryCode":"PH"}'), GetUnifiedChannels)


def test_the_documented_channels_parse() -> None:
    listed = [
        {"channelType": kind, "channelCode": code, "countryCode": "PH", "currency": "PHP"}
        for kind, code in (("QR", "PH_GCASH_QR"), ("QR", "PH_QRPH_DYNAMIC"), ("EWALLET", "PH_GCASH_URL"))
    ]
    found = samples.parsed({"list": listed}, UnifiedChannels)
    assert [each.raw for each in found.channels] == listed
