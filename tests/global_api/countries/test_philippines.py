"""The Philippines over the Global API: payouts and payments."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    ChannelUnavailable,
    DuplicateOrder,
    InsufficientBalance,
    InvalidRequest,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsGlobal,
    StillPending,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.global_api.base import ChannelType, FailedCode, GlobalPayoutReceipt, GlobalPayoutStatus
from paycools_async.global_api.countries.indonesia import CreateIndonesianPayout
from paycools_async.global_api.countries.philippines import (
    CreatePhilippinePayment,
    CreatePhilippinePayout,
    PhilippineChannel,
    PhilippinePaymentSettled,
    PhilippinePayoutSettled,
    QueryPhilippinePayment,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

PHT = timezone(timedelta(hours=8))
PAYOUT: dict[str, Any] = {
    "mch_order_id": "ORDER0000001",
    "amount": 50010,
    "pay_method_code": "EWALLET",
    "transfer_code": "GCASH",
    "account_no": "09171234567",
    "account_name": "Juan Dela Cruz",
}
CUSTOMER: dict[str, Any] = {
    "mch_order_id": "CART1",
    "customer_name": "Juan Dela Cruz",
    "notify_url": "https://shop.example/paid",
    "email": "juan@shop.example",
    "mobile": "+639171234567",
}
PAYMENT: dict[str, Any] = {
    **CUSTOMER,
    "amount": 50010,
    "channel_code": PhilippineChannel.GCASH_URL,
    "redirect_url": "https://shop.example/thanks",
}


# 2.1 Payouts


async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.philippines.payouts
    fake.global_payouts.settle_after = 30
    receipt = await payouts.create(**PAYOUT, remark="wages")
    assert (receipt.transaction_status, receipt.mch_order_id) == (TransactionStatus.PENDING, "ORDER0000001")
    assert receipt.transaction_time == datetime(2026, 1, 1, 8, tzinfo=PHT)
    assert (await payouts.query(mch_order_id="ORDER0000001")).transaction_status is TransactionStatus.PENDING
    assert samples.events(fake) == []
    final = await payouts.wait_until_final("ORDER0000001")
    assert (final.transaction_status, final.transaction_id) == (TransactionStatus.COMPLETE, receipt.transaction_id)
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, PhilippinePayoutSettled)
    assert (settled.event_name, settled.transaction_id) == ("disbursement.success", receipt.transaction_id)
    assert (settled.amount, settled.remark, settled.transaction_status) == (50010, "wages", TransactionStatus.COMPLETE)


async def test_a_payout_fails_and_says_why(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = paycools.philippines.payouts
    await payouts.create(**{**PAYOUT, "account_no": "09170000000"})
    status = await payouts.wait_until_final("ORDER0000001")
    assert (status.transaction_status, status.failed_code) == (TransactionStatus.FAILED, -10005)
    (sent,) = samples.events(fake)
    assert samples.parsed(sent, PhilippinePayoutSettled).failed_code == -10005
    assert fake.global_payouts.spent == 0


async def test_the_path_of_the_inquiry_is_inferred_and_says_so(paycools: PayCoolsGlobal) -> None:
    await paycools.philippines.payouts.create(**PAYOUT)
    with pytest.warns(UnverifiedEndpointWarning, match="/open-api/philippines/disbursement/check is inferred"):
        await paycools.philippines.payouts.query(mch_order_id="ORDER0000001")


async def test_an_unclear_payout_that_got_through_is_found_and_not_sent_again(
    paycools: PayCoolsGlobal, fake: FakePayCools
) -> None:
    payouts = paycools.philippines.payouts
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await payouts.create(**PAYOUT)
    found = await payouts.resolve(caught.value.request)
    assert isinstance(found, GlobalPayoutStatus)
    assert fake.requests["global.ph.payout.create"] == 1


async def test_an_unclear_payout_that_did_not_get_through_is_sent_again_under_the_same_ids(
    paycools: PayCoolsGlobal, fake: FakePayCools
) -> None:
    payouts = paycools.philippines.payouts
    fake.faults.drop_before(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await payouts.create(**PAYOUT)
    found = await payouts.resolve(caught.value.request, resend=True)
    assert isinstance(found, GlobalPayoutReceipt)
    assert fake.requests["global.ph.payout.query"] >= 2, "absent only after two inquiries"
    assert [(p.order_id, p.idempotency_id) for p in fake.global_payouts.paid] == [("ORDER0000001", "ORDER0000001")]
    assert fake.global_payouts.paid_more_than_once() == []


async def test_resolving_a_conflict_or_another_countrys_payout_sends_nothing(
    paycools: PayCoolsGlobal, fake: FakePayCools
) -> None:
    payouts = paycools.philippines.payouts
    await payouts.create(**PAYOUT)
    with pytest.raises(OrderConflict):
        await payouts.resolve(CreatePhilippinePayout(**{**PAYOUT, "amount": 50011}))
    abroad = CreateIndonesianPayout(
        mch_order_id="ORDER0000002",
        amount=10000,
        account_no="1",
        account_name="Budi",
        mobile="0812345678",
        pay_method_code="BANK",
        transfer_code="CIMB",
    )
    with pytest.raises(TypeError, match="resolves CreatePhilippinePayout, not CreateIndonesianPayout"):
        await payouts.resolve(abroad)  # type: ignore[arg-type]  # as a caller without a type checker would
    assert len(fake.global_payouts.paid) == 1


async def test_a_payout_is_refused_twice_without_money_and_not_found(
    paycools: PayCoolsGlobal, fake: FakePayCools
) -> None:
    payouts = paycools.philippines.payouts
    await payouts.create(**PAYOUT)
    with pytest.raises(DuplicateOrder) as caught:
        await payouts.create(**PAYOUT)
    assert (caught.value.code, caught.value.outcome) == (21007, Outcome.DUPLICATE)
    with pytest.raises(DuplicateOrder) as caught:
        await payouts.create(**{**PAYOUT, "mch_order_id": "ORDER0000002"}, idempotency_id="ORDER0000001")
    assert caught.value.code == 21015
    fake.global_payouts.balances["PH"] = 50010
    with pytest.raises(InsufficientBalance):
        await payouts.create(**{**PAYOUT, "mch_order_id": "ORDER0000003"})
    assert await payouts.find("NOBODY") is None
    with pytest.raises(NotFound):
        await payouts.wait_until_final("NOBODY", within=5)


async def test_waiting_ends_with_still_pending(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.settle_after = 1000
    await paycools.philippines.payouts.create(**PAYOUT)
    with pytest.raises(StillPending):
        await paycools.philippines.payouts.wait_until_final("ORDER0000001", within=60)


def test_every_broken_rule_of_a_payout_is_named_at_once() -> None:
    wrong = {
        "mch_order_id": "A_1",
        "amount": 0,
        "account_no": "0917",
        "account_name": "J@an",
        "pay_method_code": "CASH",
    }
    assert samples.broken(CreatePhilippinePayout, **{**PAYOUT, **wrong}) == [
        "mch_order_id",
        "amount",
        "pay_method_code",
        "account_name",
    ]
    wrong = {"account_no": "0917", "transfer_code": "", "account_name": "J" * 129, "idempotency_id": "short"}
    assert samples.broken(CreatePhilippinePayout, **{**PAYOUT, **wrong}) == [
        "idempotency_id",
        "transfer_code",
        "account_name",
        "account_no",
    ]


@pytest.mark.parametrize("name", ["Juan Dela Cruz", "José Ñ. O'Neil-Reyes", "Juan Cruz 3rd"])
def test_names_may_hold_letters_digits_and_four_signs(name: str) -> None:
    assert CreatePhilippinePayout(**{**PAYOUT, "account_name": name}).account_name == name


@pytest.mark.parametrize("given", ["09171234567", "639171234567", "+639171234567"])
def test_a_wallets_mobile_number_takes_the_documented_form(given: str) -> None:
    assert CreatePhilippinePayout(**{**PAYOUT, "account_no": given}).account_no == "09171234567"
    bank = CreatePhilippinePayout(**{**PAYOUT, "account_no": given, "pay_method_code": "BANK"})
    assert bank.account_no == given, "a bank account is nobody's mobile number"


def test_personal_data_does_not_show() -> None:
    shown = repr(CreatePhilippinePayout(**PAYOUT)) + repr(CreatePhilippinePayment(**PAYMENT))
    for secret in ("0917", "Juan", "juan@"):
        assert secret not in shown


# 2.2 Payments


async def test_a_customer_pays_an_order(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock) -> None:
    payments = paycools.philippines.payments
    receipt = await payments.create(**PAYMENT)
    assert (receipt.mch_order_id, receipt.channel_type) == ("CART1", ChannelType.URL)
    assert receipt.pay_data is not None
    assert (await payments.query(mch_order_id="CART1")).transaction_status is TransactionStatus.PENDING
    with pytest.raises(Refusal, match="Amount Invalid"):
        await fake.pay(receipt.pay_data, 50000)
    clock.advance(60)
    await fake.pay(receipt.pay_data, 50010)
    paid = await payments.query(mch_order_id="CART1")
    assert (paid.transaction_status, paid.amount, paid.channel_code) == (
        TransactionStatus.COMPLETE,
        50010,
        "PH_GCASH_URL",
    )
    assert paid.return_time == datetime(2026, 1, 1, 8, 1, tzinfo=PHT)
    balance = fake.global_merchant.balance
    assert fake.global_payouts.left_in(fake.global_merchant, "PH") == balance + 50010
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, PhilippinePaymentSettled)
    assert (settled.event_name, settled.amount) == ("order.payment.success", 50010)
    assert settled.transaction_id == receipt.transaction_id
    with pytest.raises(Refusal, match="already paid"):
        await fake.pay(receipt.pay_data, 50010)


async def test_a_payment_fails(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payments = paycools.philippines.payments
    await payments.create(**{**PAYMENT, "mobile": "09170000000"})
    await fake.pay("CART1", 50010)
    assert (await payments.query(mch_order_id="CART1")).transaction_status is TransactionStatus.FAILED
    (sent,) = samples.events(fake)
    settled = samples.parsed(sent, PhilippinePaymentSettled)
    assert (settled.event_name, settled.failed_code) == ("order.payment.failed", FailedCode(-10004))


async def test_payments_are_refused(paycools: PayCoolsGlobal) -> None:
    payments = paycools.philippines.payments
    await payments.create(**PAYMENT)
    with pytest.raises(DuplicateOrder):
        await payments.create(**PAYMENT)
    with pytest.raises(ChannelUnavailable):
        await payments.create(**{**PAYMENT, "mch_order_id": "CART2", "channel_code": "ID_BCA_VA"})
    with pytest.raises(NotFound):
        await payments.query(mch_order_id="NOBODY")


# Documented samples


def test_samples_of_payouts_parse() -> None:
    event = samples.parsed(samples.PAYOUT_SETTLED, PhilippinePayoutSettled)
    assert (event.amount, event.remark) == (10000, "remark")
    assert event.return_time == datetime(2023, 3, 2, 9, 25, 12, tzinfo=PHT)


def test_samples_of_payments() -> None:
    example = json.loads(
        '{"mchOrderId":"Platform0000058","amount":56,"customerName":"user01","channelCode":"PH_GCASH_URL",'
        '"email":"Platform@gmail.com","redirectUrl":"https://www.google.com/","notifyUrl":"https://test.com",'
        '"mobile":"123456789","timestamp":"1679451632737"}'
    )
    with pytest.raises(InvalidRequest) as caught:
        samples.recreated(example, CreatePhilippinePayment)
    assert {error.field for error in caught.value.errors} == {"mobile"}
    samples.recreated(example, CreatePhilippinePayment, mobile="09123456789")
    samples.recreated(samples.PAYMENT_QUERY, QueryPhilippinePayment)
    status = samples.parsed(samples.PAYMENT_PENDING, QueryPhilippinePayment.__endpoint__.returns)
    assert (status.amount, status.customer_name, status.email) == (2000000, "user01", "Platform@gmail.com")
    assert status.create_time == datetime(2023, 2, 27, 15, 21, 35, tzinfo=PHT)
    event = samples.parsed(samples.PAYMENT_SETTLED, PhilippinePaymentSettled, unknown=("sign",))
    assert (event.amount, event.channel_code, event.remark) == (50000, "ID_BCA_VA", "test payment")
