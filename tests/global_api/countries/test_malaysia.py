"""Malaysia: payouts and payments in sen."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    MemoryTransport,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.global_api.base import ChannelType, GlobalPayoutReceipt, GlobalPayoutStatus
from paycools_async.global_api.countries.malaysia import (
    CreateMalaysianPayment,
    CreateMalaysianPayout,
    MalaysianChannel,
    MalaysianPaymentSettled,
    MalaysianPayoutSettled,
    QueryMalaysianPayment,
    QueryMalaysianPayout,
)
from paycools_async.testing import FakePayCools

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

MYT = timezone(timedelta(hours=8))
PAYOUT: dict[str, Any] = {
    "mch_order_id": "ORDER0000001",
    "amount": 50010,
    "pay_method_code": "BANK",
    "transfer_code": "RHBB",
    "account_type": "BANK_ACCOUNT",
    "account_no": "1234",
    "account_name": "Aminah binti Ali",
}
PAYMENT: dict[str, Any] = {
    "mch_order_id": "CART1",
    "amount": 50010,
    "customer_name": "Aminah binti Ali",
    "channel_code": MalaysianChannel.TNG_URL,
    "notify_url": "https://shop.example/paid",
    "redirect_url": "https://shop.example/thanks",
    "email": "aminah@shop.example",
    "mobile": "0123456789",
}


async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.malaysia.payouts
    fake.global_payouts.settle_after = 30
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/malaysia/disbursement/transfer is inferred"):
        receipt = await payouts.create(**PAYOUT)
    assert receipt.transaction_time == datetime(2026, 1, 1, 8, tzinfo=MYT)
    final = await payouts.wait_until_final("ORDER0000001")
    assert (final.transaction_status, final.amount) == (TransactionStatus.COMPLETE, 50010)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, MalaysianPayoutSettled)
    assert (settled.transaction_id, settled.amount) == (receipt.transaction_id, 50010)


async def test_an_unclear_payout_is_resolved(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.malaysia.payouts
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await payouts.create(**PAYOUT)
    assert isinstance(await payouts.resolve(caught.value.request), GlobalPayoutStatus)
    assert fake.requests["global.my.payout.create"] == 1


@pytest.mark.parametrize("code", [1000, 10000])
async def test_both_printed_codes_mean_that_a_payout_was_taken(fake: FakePayCools, code: int) -> None:
    def answer(_: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, json.dumps({"code": code, "message": "success", "data": RECEIPT}).encode())

    async with PayCoolsGlobal(fake.global_credentials, transport=MemoryTransport(answer)) as client:
        receipt = await client.malaysia.payouts.create(**PAYOUT)
    assert receipt.transaction_id == "D1036653581161279102"


def test_every_broken_rule_of_a_payout_is_named_at_once() -> None:
    wrong: dict[str, Any] = {"amount": 0, "account_type": "WALLET", "account_name": "", "idempotency_id": "a" * 33}
    assert samples.broken(CreateMalaysianPayout, **{**PAYOUT, **wrong}) == [
        "idempotency_id",
        "amount",
        "account_type",
        "account_name",
    ]
    assert samples.broken(CreateMalaysianPayout, **{**PAYOUT, "account_type": "MOBILE_NUMBER"}) == ["account_no"]


@pytest.mark.parametrize("given", ["0123456789", "60123456789", "+60123456789"])
def test_mobile_numbers_take_the_documented_form(given: str) -> None:
    payout = CreateMalaysianPayout(**{**PAYOUT, "account_type": "MOBILE_NUMBER", "account_no": given})
    assert payout.account_no == "0123456789"
    assert CreateMalaysianPayment(**{**PAYMENT, "mobile": given}).mobile == "0123456789"
    assert CreateMalaysianPayout(**{**PAYOUT, "account_no": given}).account_no == given


@pytest.mark.parametrize("given", ["123456789", "012345678", "012345678901", "+63123456789", "0912345678"])
def test_mobile_numbers_are_never_padded_or_cut(given: str) -> None:
    with pytest.raises(InvalidRequest, match="mobile:"):
        CreateMalaysianPayment(**{**PAYMENT, "mobile": given})


async def test_a_customer_pays_an_order(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payments = paycools.malaysia.payments
    receipt = await payments.create(**PAYMENT)
    assert receipt.channel_type is ChannelType.URL
    await fake.pay(receipt.transaction_id, 50010)
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/malaysia/payment/query is inferred"):
        paid = await payments.query(mch_order_id="CART1")
    assert (paid.transaction_status, paid.amount) == (TransactionStatus.COMPLETE, 50010)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, MalaysianPaymentSettled)
    assert (settled.event_name, settled.amount) == ("order.payment.success", 50010)


def test_a_channel_of_the_kind_url_needs_a_redirect_url() -> None:
    assert samples.broken(CreateMalaysianPayment, **{**PAYMENT, "redirect_url": None}) == ["redirect_url"]
    qr = {**PAYMENT, "channel_code": "DUITNOW_DYNAMIC_QR", "redirect_url": None}
    assert samples.broken(CreateMalaysianPayment, **qr) == []


# Documented samples

RECEIPT = {
    "transactionId": "D1036653581161279102",
    "transactionStatus": "PENDING",
    "transactionTime": "2022-05-24 12:51:07",
}


def test_samples_of_payouts() -> None:
    example = json.loads(
        '{"mchOrderId":"TestMchOrderIdD0001","idempotencyId":"TestMchOrderIdD0001","amount":100,'
        '"payMethodCode":"BANK","transferCode":"RHBB","accountNo":"1234","accountName":"account",'
        '"remark":"remark","timestamp":1678356680000}'
    )
    samples.recreated(example, CreateMalaysianPayout, account_type="BANK_ACCOUNT")  # required, and not in the sample
    receipt = samples.parsed(RECEIPT, GlobalPayoutReceipt)
    assert receipt.transaction_time == datetime(2022, 5, 24, 12, 51, 7, tzinfo=MYT)
    samples.recreated({"mchOrderId": "TestMchOrderIdD0001", "timestamp": 1678356680000}, QueryMalaysianPayout)
    answer = {
        "mchOrderId": "TestMchOrderIdD0001",
        "transactionId": "D1036653581161279102",
        "amount": 10000,
        "transactionStatus": "COMPLETED",
        "createTime": "2022-05-23 19:59:05",
        "returnTime": "2022-05-23 20:04:14",
        "remark": "cash credit",
        "failedCode": None,
        "failedMessage": None,
    }
    status = samples.parsed(answer, QueryMalaysianPayout.__endpoint__.returns)
    assert (status.transaction_status, status.remark) == (TransactionStatus.COMPLETE, "cash credit")
    assert status.return_time == datetime(2022, 5, 23, 20, 4, 14, tzinfo=MYT)
    assert samples.parsed(samples.PAYOUT_SETTLED, MalaysianPayoutSettled).amount == 10000


def test_samples_of_payments() -> None:
    example = json.loads(
        '{"mchOrderId":"Platform0000057","amount":56,"customerName":"user01","channelCode":"MY_TNG_URL",'
        '"email":"Platform@gmail.com","redirectUrl":"https://www.google.com/","notifyUrl":"https://test.com",'
        '"mobile":"123456789","timestamp":"1679450660108"}'
    )
    with pytest.raises(InvalidRequest) as caught:
        samples.recreated(example, CreateMalaysianPayment)
    assert {error.field for error in caught.value.errors} == {"mobile"}
    samples.recreated(example, CreateMalaysianPayment, mobile="0123456789")
    samples.recreated(samples.PAYMENT_QUERY, QueryMalaysianPayment)
    assert samples.parsed(samples.PAYMENT_PENDING, QueryMalaysianPayment.__endpoint__.returns).amount == 2000000
    event = samples.parsed(samples.PAYMENT_SETTLED, MalaysianPaymentSettled, unknown=("sign",))
    assert event.return_time == datetime(2023, 1, 1, 9, 40, 6, tzinfo=MYT)
