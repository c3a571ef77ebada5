"""Russia: payments in kopecks, all inferred."""

from __future__ import annotations

from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import NotFound, PayCoolsGlobal, TransactionStatus, UnverifiedEndpointWarning
from paycools_async.global_api.base import GlobalPaymentReceipt
from paycools_async.global_api.countries.russia import CreateRussianPayment, RussianPaymentSettled
from paycools_async.testing import FakePayCools

PAYMENT: dict[str, Any] = {
    "mch_order_id": "CART1",
    "amount": 50010,
    "customer_name": "Иван Петров",
    "channel_code": "RU_CARD_URL",
    "notify_url": "https://shop.example/paid",
    "redirect_url": "https://shop.example/thanks",
    "email": "ivan@shop.example",
    "mobile": "+79161234567",
}


async def test_a_customer_pays_an_order(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payments = paycools.russia.payments
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/russia/payment/generate is inferred"):
        receipt = await payments.create(**PAYMENT)
    assert isinstance(receipt, GlobalPaymentReceipt)
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/russia/payment/query is inferred"):
        pending = await payments.query(mch_order_id="CART1")
    assert pending.transaction_status is TransactionStatus.PENDING
    await fake.pay("CART1", 50010)
    paid = await payments.query(mch_order_id="CART1")
    assert (paid.transaction_status, paid.amount) == (TransactionStatus.COMPLETE, 50010)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, RussianPaymentSettled)
    assert (settled.event_name, settled.transaction_id) == ("order.payment.success", receipt.transaction_id)
    with pytest.raises(NotFound):
        await payments.query(mch_order_id="NOBODY")


def test_every_broken_rule_is_named_at_once() -> None:
    wrong = {"mch_order_id": "A_1", "amount": 0, "email": "ivan", "mobile": "123456789", "redirect_url": None}
    assert samples.broken(CreateRussianPayment, **{**PAYMENT, **wrong}) == [
        "mch_order_id",
        "amount",
        "email",
        "mobile",
        "redirect_url",
    ]
    assert samples.broken(CreateRussianPayment, **{**PAYMENT, "mobile": "1" * 15}) == ["mobile"]


def test_the_sample_of_a_notification() -> None:
    event = samples.parsed(samples.PAYMENT_SETTLED, RussianPaymentSettled, unknown=("sign",))
    assert (event.amount, event.transaction_status) == (50000, TransactionStatus.COMPLETE)
