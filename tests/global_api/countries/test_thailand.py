"""Thailand: payouts and payments in satang."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    DoubtfulAccountWarning,
    InvalidParameter,
    InvalidRequest,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.batch import OrderFile
from paycools_async.converters import unstructure
from paycools_async.global_api.base import ChannelType, FailedCode, GlobalPayoutReceipt
from paycools_async.global_api.countries.thailand import (
    CreateThaiPayment,
    CreateThaiPayout,
    QueryThaiPayment,
    QueryThaiPayout,
    ThaiPaymentSettled,
    ThaiPaymentStatus,
    ThaiPayoutSettled,
    ThaiPayoutStatus,
)
from paycools_async.testing import FakePayCools

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

ICT = timezone(timedelta(hours=7))
ORDER: dict[str, Any] = {"mch_order_id": "ORDER0000001", "amount": 50020, "account_no": "1234567890"}
BANK: dict[str, Any] = {
    **ORDER,
    "pay_method_code": "BANK",
    "transfer_code": "KBANK",
    "account_name": "สมชาย ใจดี",
    "account_type": "INDIVIDUAL",
    "account_tax_id": "1101700203451",
    "mobile": "0812345678",
}
EWALLET: dict[str, Any] = {
    **ORDER,
    "pay_method_code": "EWALLET",
    "transfer_code": "TRUEMONEY",
    "account_name": "Somchai Jaidee",
}
PROMPTPAY: dict[str, Any] = {
    **ORDER,
    "pay_method_code": "PROMPTPAY",
    "promptpay_account_type": "MSISDN",
    "account_no": "0812345678",
}
PAYMENT: dict[str, Any] = {
    "mch_order_id": "CART1",
    "amount": 50020,
    "customer_name": "Somchai Jaidee",
    "channel_code": "TRUEMONEY_URL",
    "notify_url": "https://shop.example/paid",
    "redirect_url": "https://shop.example/thanks",
    "email": "somchai@shop.example",
    "mobile": "0812345678",
}


@pytest.mark.parametrize(
    ("kind", "account", "told"),
    [
        ("MSISDN", "812345678", "is no Thai mobile number"),
        ("MSISDN", "1101700203451", "is no Thai mobile number"),
        ("NATID", "110170020345", "is no Thai national id"),
        ("NATID", "0812345678", "is no Thai national id"),
        ("MSISDN", "0812345678", None),
        ("MSISDN", "+66812345678", None),
        ("MSISDN", "66812345678", None),
        ("NATID", "1101700203451", None),
        ("NATID", "1-1017-00203-45-1", None),
    ],
)
async def test_a_promptpay_account_that_lost_a_zero_is_warned_of(
    paycools: PayCoolsGlobal, kind: str, account: str, told: str | None, tmp_path: Path
) -> None:
    order = {**PROMPTPAY, "promptpay_account_type": kind, "account_no": account}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await paycools.thailand.payouts.create(**order)
        await paycools.unified.payouts.create(**{**order, "mch_order_id": "ORDER0000099"}, country_code="TH")
    doubts = [str(each.message) for each in caught if each.category is DoubtfulAccountWarning]
    assert [told in doubt for doubt in doubts if told] == [True, True] if told else doubts == []
    assert account not in "".join(doubts)
    path = tmp_path / "o.csv"
    columns = {**order, "amount_minor": order["amount"]}
    del columns["amount"]
    path.write_text(",".join(columns) + "\n" + ",".join(map(str, columns.values())) + "\n")
    file = OrderFile(path, CreateThaiPayout, "THB")
    assert len(list(file)) == 1
    assert [f"account_no (line 2) {told}" in each for each in file.warnings] == ([True] if told else [])


@pytest.mark.parametrize("order", [BANK, EWALLET, PROMPTPAY], ids=lambda order: order["pay_method_code"])
async def test_a_payout_is_created_and_becomes_final(
    paycools: PayCoolsGlobal, fake: FakePayCools, order: dict[str, Any]
) -> None:
    payouts = paycools.thailand.payouts
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/thailand/disbursement/transfer is inferred"):
        receipt = await payouts.create(**order)
    assert receipt.transaction_time == datetime(2026, 1, 1, 7, tzinfo=ICT)
    final = await payouts.wait_until_final("ORDER0000001")
    assert (final.transaction_status, final.amount) == (TransactionStatus.COMPLETE, 50020)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, ThaiPayoutSettled)
    assert (settled.transaction_id, settled.amount) == (receipt.transaction_id, 50020)


async def test_an_unclear_payout_is_resolved(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.thailand.payouts
    fake.faults.drop_before(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await payouts.create(**BANK)
    assert isinstance(await payouts.resolve(caught.value.request, resend=True), GlobalPayoutReceipt)
    assert fake.requests["global.th.payout.query"] >= 2
    assert [payout.order_id for payout in fake.global_payouts.paid] == ["ORDER0000001"]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (BANK, ["transfer_code", "account_name", "account_type", "account_tax_id", "mobile"]),
        (EWALLET, ["transfer_code", "account_name"]),
        (PROMPTPAY, ["promptpay_account_type"]),
    ],
    ids=["BANK", "EWALLET", "PROMPTPAY"],
)
def test_each_method_requires_its_own_fields_all_at_once(order: dict[str, Any], names: list[str]) -> None:
    bare = {**ORDER, "pay_method_code": order["pay_method_code"]}
    assert samples.broken(CreateThaiPayout, **bare) == names
    assert samples.broken(CreateThaiPayout, **{**bare, **{name: order[name] for name in names}}) == []


def test_every_broken_rule_of_a_payout_is_named_at_once() -> None:
    wrong: dict[str, Any] = {
        "amount": 0,
        "account_no": "1" * 51,
        "account_type": "COMPANY",
        "account_tax_id": "",
        "mobile": "0712345678",
        "relationship": "x" * 51,
        "promptpay_account_type": "EMAIL",
        "transfer_code": None,
    }
    assert samples.broken(CreateThaiPayout, **{**BANK, **wrong}) == [
        "amount",
        "account_no",
        "promptpay_account_type",
        "account_type",
        "account_tax_id",
        "mobile",
        "relationship",
        "transfer_code",
    ]
    assert samples.broken(CreateThaiPayout, **{**BANK, "pay_method_code": "CASH"}) == ["pay_method_code"]


async def test_the_fake_refuses_what_a_method_lacks(paycools: PayCoolsGlobal) -> None:
    fields = {"mchOrderId": "ORDER0000001", "idempotencyId": "ORDER0000001", "amount": 50020, "accountNo": "1"}
    fields["payMethodCode"] = "PROMPTPAY"
    with pytest.raises(InvalidParameter) as caught:
        await paycools.call(
            "POST", "/open-api/thailand/disbursement/transfer", {**fields, "payMethodCode": "PROMPTPAY"}
        )
    assert (caught.value.code, caught.value.field) == (21002, "promptpayAccountType")


@pytest.mark.parametrize("given", ["0812345678", "66812345678", "+66812345678"])
def test_mobile_numbers_take_the_documented_form(given: str) -> None:
    assert CreateThaiPayout(**{**BANK, "mobile": given}).mobile == "0812345678"


@pytest.mark.parametrize("given", ["812345678", "081234567", "08123456789", "+63812345678", "0512345678"])
def test_mobile_numbers_are_never_padded_or_cut(given: str) -> None:
    with pytest.raises(InvalidRequest, match="mobile:"):
        CreateThaiPayout(**{**BANK, "mobile": given})


async def test_a_customer_pays_an_order(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payments = paycools.thailand.payments
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/thailand/payment/generate is inferred"):
        receipt = await payments.create(**PAYMENT)
    assert receipt.channel_type is ChannelType.URL
    await fake.pay("CART1", 50020)
    paid = await payments.query(mch_order_id="CART1")
    assert (paid.transaction_status, paid.amount) == (TransactionStatus.COMPLETE, 50020)
    assert paid.return_time == datetime(2026, 1, 1, 7, tzinfo=ICT)
    (sent,) = samples.events(fake)
    assert samples.parsed(sent, ThaiPaymentSettled).transaction_id == receipt.transaction_id


def test_wechat_fields_travel_under_the_names_of_the_thai_sites_or_any_other() -> None:
    wechat = CreateThaiPayment(
        **{**PAYMENT, "channel_code": "WECHAT_URL"}, payer_client_ip="2001:db8::1", extra={"wechatpay": {"a": "b"}}
    )
    travels = unstructure(wechat)
    assert (travels["payerClientIp"], travels["wechatpay"]) == ("2001:db8::1", {"a": "b"})
    js = unstructure(CreateThaiPayment(**{**PAYMENT, "channel_code": "WECHAT_JS_URL"}, wp_openid="o1", wp_appid="wx1"))
    assert (js["wpOpenid"], js["wpAppid"]) == ("o1", "wx1")
    assert "2001" not in repr(wechat)


def test_a_channel_of_the_kind_url_needs_a_redirect_url() -> None:
    assert samples.broken(CreateThaiPayment, **{**PAYMENT, "redirect_url": None}) == ["redirect_url"]


# Documented samples


def test_samples_of_payouts() -> None:
    samples.recreated(samples.PAYOUT_QUERY, QueryThaiPayout)
    status = samples.parsed(samples.PAYOUT_FAILED, ThaiPayoutStatus)
    assert (status.failed_code, status.failed_message) == (FailedCode(-10004), "Transaction Channel Rejected")
    assert status.return_time == datetime(2023, 5, 4, 11, 43, 47, tzinfo=ICT)
    event = samples.parsed(samples.PAYOUT_SETTLED, ThaiPayoutSettled)
    assert event.create_time == datetime(2023, 3, 2, 9, 25, 12, tzinfo=ICT)


def test_samples_of_payments() -> None:
    samples.recreated(samples.PAYMENT_QUERY, QueryThaiPayment)
    assert samples.parsed(samples.PAYMENT_PENDING, ThaiPaymentStatus).customer_name == "user01"
    sample = {
        "eventName": "order.payment.success",
        "mchOrderId": "mchOrderId123",
        "channelCode": "WECHAT_URL",
        "transactionId": "C123456789xx",
        "amount": 2300,
        "transactionStatus": "COMPLETED",
        "createTime": "2022-11-28 22:10:10",
        "returnTime": "2022-11-28 22:11:00",
        "remark": "example",
    }
    event = samples.parsed(sample, ThaiPaymentSettled)
    assert (event.amount, event.channel_code, event.remark) == (2300, "WECHAT_URL", "example")
    assert event.return_time == datetime(2022, 11, 28, 22, 11, tzinfo=ICT)
