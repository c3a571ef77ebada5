"""Indonesia: payouts and payments in whole rupiah."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.global_api.base import ChannelType, FailedCode
from paycools_async.global_api.countries.indonesia import (
    CreateIndonesianPayment,
    CreateIndonesianPayout,
    IndonesianChannel,
    IndonesianPaymentSettled,
    IndonesianPaymentStatus,
    IndonesianPayoutSettled,
    IndonesianPayoutStatus,
    QueryIndonesianPayment,
    QueryIndonesianPayout,
)
from paycools_async.testing import FakePayCools, ManualClock

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

WIB = timezone(timedelta(hours=7))
PAYOUT: dict[str, Any] = {
    "mch_order_id": "ORDER0000001",
    "amount": 20000,
    "account_no": "109594480004",
    "account_name": "Budi Santoso",
    "mobile": "0812345678",
    "pay_method_code": "BANK",
    "transfer_code": "CIMB",
}
PAYMENT: dict[str, Any] = {
    "mch_order_id": "CART1",
    "amount": 20000,
    "channel_code": IndonesianChannel.BCA_VA,
    "customer_name": "Budi Santoso",
    "email": "budi@shop.example",
    "mobile": "08123456789",
    "notify_url": "https://shop.example/paid",
}


async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.indonesia.payouts
    fake.global_payouts.settle_after = 30
    receipt = await payouts.create(**PAYOUT)
    assert receipt.transaction_status is TransactionStatus.PENDING
    assert receipt.transaction_time == datetime(2026, 1, 1, 7, tzinfo=WIB)
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/indonesia/disbursement/check is inferred") as warned:
        final = await payouts.wait_until_final("ORDER0000001")
    assert warned[0].filename == __file__, "the line that called the SDK"
    assert (final.transaction_status, final.amount) == (TransactionStatus.COMPLETE, 20000)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, IndonesianPayoutSettled)
    assert (settled.transaction_id, settled.amount) == (receipt.transaction_id, 20000)
    assert settled.create_time == datetime(2026, 1, 1, 7, tzinfo=WIB)


async def test_an_unclear_payout_is_resolved(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.indonesia.payouts
    fake.faults.garbage(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await payouts.create(**PAYOUT)
    found = await payouts.resolve(caught.value.request)
    assert found.transaction_id == fake.global_payouts.paid[0].transaction_id
    assert fake.requests["global.id.payout.create"] == 1
    with pytest.raises(NotFound):
        await payouts.resolve(CreateIndonesianPayout(**{**PAYOUT, "mch_order_id": "ORDER2"}), resend=False)


def test_every_broken_rule_of_a_payout_is_named_at_once() -> None:
    wrong: dict[str, Any] = {
        "mch_order_id": "A" * 33,
        "amount": 9999,
        "account_no": "1" * 51,
        "account_name": "",
        "mobile": "0712345678",
        "transfer_code": "",
    }
    assert samples.broken(CreateIndonesianPayout, **{**PAYOUT, **wrong}) == [
        "mch_order_id",
        "amount",
        "account_no",
        "account_name",
        "mobile",
        "transfer_code",
    ]


@pytest.mark.parametrize("given", ["0812345678", "62812345678", "+62812345678"])
def test_mobile_numbers_take_the_documented_form(given: str) -> None:
    assert CreateIndonesianPayout(**{**PAYOUT, "mobile": given}).mobile == "0812345678"


@pytest.mark.parametrize("given", ["812345678", "081234567", "08123456789012", "+63812345678", "0812 345 678"])
def test_mobile_numbers_are_never_padded_or_cut(given: str) -> None:
    with pytest.raises(InvalidRequest, match="mobile:"):
        CreateIndonesianPayout(**{**PAYOUT, "mobile": given})


async def test_a_customer_pays_an_order(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock) -> None:
    payments = paycools.indonesia.payments
    receipt = await payments.create(**PAYMENT)
    assert receipt.channel_type is ChannelType.VA
    assert receipt.pay_data is not None
    assert receipt.pay_data.isdecimal()
    clock.advance(60)
    await fake.pay(receipt.pay_data, 20000)
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/indonesia/payment/query is inferred"):
        paid = await payments.query(mch_order_id="CART1")
    assert (paid.transaction_status, paid.amount) == (TransactionStatus.COMPLETE, 20000)
    assert paid.return_time == datetime(2026, 1, 1, 7, 1, tzinfo=WIB)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, IndonesianPaymentSettled)
    assert (settled.event_name, settled.channel_code, settled.amount) == ("order.payment.success", "ID_BCA_VA", 20000)


def test_a_channel_of_the_kind_url_needs_a_redirect_url() -> None:
    link = {**PAYMENT, "channel_code": "ID_WALLET_URL"}
    assert samples.broken(CreateIndonesianPayment, **link) == ["redirect_url"]
    assert samples.broken(CreateIndonesianPayment, **link, redirect_url="https://shop.example/thanks") == []


# Documented samples


def test_samples_of_payouts() -> None:
    example = json.loads(
        '{"mchOrderId":"8af3859431540122100","idempotencyId":"8af3859431540122100","amount":10000,'
        '"accountNo":"109594480004","accountName":"test","mobile":"0822111111","payMethodCode":"BANK",'
        '"transferCode":"CIMB","timestamp":1683859432}'
    )
    samples.recreated(example, CreateIndonesianPayout)
    del example["idempotencyId"]
    made = samples.recreated(example, CreateIndonesianPayout)
    assert made.idempotency_id == "8af3859431540122100", "the sample's is the order id, and so is ours"
    samples.recreated(samples.PAYOUT_QUERY, QueryIndonesianPayout)
    status = samples.parsed(samples.PAYOUT_FAILED, IndonesianPayoutStatus)
    assert (status.transaction_status, status.failed_code) == (TransactionStatus.FAILED, FailedCode.CHANNEL_REJECTED)
    assert status.return_time == datetime(2023, 5, 4, 11, 43, 47, tzinfo=WIB)
    event = samples.parsed(samples.PAYOUT_SETTLED, IndonesianPayoutSettled)
    assert (event.amount, event.return_time) == (10000, datetime(2023, 3, 2, 9, 25, 12, tzinfo=WIB))


def test_samples_of_payments() -> None:
    example = json.loads(
        '{"mchOrderId":"Platform0000001","amount":20000,"customerName":"user01","channelCode":"ID_BCA_VA",'
        '"email":"Platform@gmail.com","mobile":"08123456789","notifyUrl":"https://test.com",'
        '"timestamp":"1677482490058"}'
    )
    samples.recreated(example, CreateIndonesianPayment)
    samples.recreated(samples.PAYMENT_QUERY, QueryIndonesianPayment)
    assert samples.parsed(samples.PAYMENT_PENDING, IndonesianPaymentStatus).amount == 2000000
    event = samples.parsed(samples.PAYMENT_SETTLED, IndonesianPaymentSettled, unknown=("sign",))
    assert (event.amount, event.return_time) == (50000, datetime(2023, 1, 1, 9, 40, 6, tzinfo=WIB))
