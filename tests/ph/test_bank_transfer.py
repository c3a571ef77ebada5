"""Bank transfer: accounts made, paid into, listed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from paycools_async import (
    AlreadyExists,
    ChannelUnavailable,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayCoolsPH,
    Provenance,
    TransactionStatus,
    endpoints,
)
from paycools_async.converters import structure, unstructure
from paycools_async.ph.bank_transfer import (
    BankTransfers,
    CreateTransferAccounts,
    GetTransferPayments,
    TransferAccount,
    TransferAccountSet,
    TransferChannel,
    TransferReceived,
)
from paycools_async.ph.static_accounts import ReceivedPayment
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal

PHT = timezone(timedelta(hours=8))
TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}


def accounts(**changes: Any) -> CreateTransferAccounts:
    fields = {
        "mch_order_id": "MICHAELJORDAN0003",
        "channel_code": [TransferChannel.INSTA],
        "customer_name": "Juan Dela Cruz",
    }
    return CreateTransferAccounts(**{**fields, **changes})


async def test_an_account_is_paid_into_and_the_payments_agree(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    transfers = BankTransfers(paycools)
    made = await transfers.batch_create(
        mch_order_id="MICHAELJORDAN0003",
        channel_code=[TransferChannel.INSTA],
        customer_name="Juan Dela Cruz",
        min_amount=20000,
        max_amount=5000000,
        expire_time="2026-01-01",
    )
    (account,) = made.payment_account_list
    assert (account.receiving_bank, account.account_name) == ("AllBank", "PayCools")
    assert account.channel_code == TransferChannel.INSTA

    for amount in (19999, 5000001):
        with pytest.raises(Refusal) as refused:
            await fake.pay(account.account_number, amount)
        assert refused.value.code == 1007
    paid = await fake.pay(account.account_number, 50010)

    (body,) = fake.merchant.due_callbacks()
    event = structure(json.loads(body), TransferReceived)
    assert (event.event_name, event.mch_order_id) == ("transfer.payment.success", "MICHAELJORDAN0003")
    assert (event.amount, event.payment_account) == (50010, account.account_number)
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert event.create_time == datetime(2026, 1, 1, 8, 0, tzinfo=PHT)

    (payment,) = await transfers.payments(mch_order_id="MICHAELJORDAN0003", **TODAY)
    assert (payment.transaction_id, payment.transaction_amount) == (event.transaction_id, 50010)
    assert payment.raw == paid
    other = await transfers.payments(mch_order_id="MICHAELJORDAN0003", channel_code=["OTHER"], **TODAY)
    assert other == []

    clock.advance(86400)
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(account.account_number, 50010)


async def test_an_existing_account_is_1019_and_its_update_shows_it(paycools: PayCoolsPH) -> None:
    made = await paycools.send(accounts())
    with pytest.raises(AlreadyExists) as caught:
        await paycools.send(accounts())
    assert caught.value.code == 1019
    found = await BankTransfers(paycools).update(mch_order_id="MICHAELJORDAN0003", channel_code=[TransferChannel.INSTA])
    assert found == made


async def test_an_unclear_creation_is_sent_again_and_the_account_found(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    fake.faults.drop_before(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(accounts())
    made: TransferAccountSet = await paycools.send(caught.value.request)
    assert [account.channel_code for account in made.payment_account_list] == ["INSTA_TRANSFER_ACC"]


async def test_another_channel_is_1011(paycools: PayCoolsPH) -> None:
    with pytest.raises(ChannelUnavailable):
        await paycools.send(accounts(channel_code="INSTA_TRANSFER_ACC,OTHER"))


async def test_an_unknown_order_id_is_not_found(paycools: PayCoolsPH) -> None:
    transfers = BankTransfers(paycools)
    with pytest.raises(NotFound):
        await transfers.update(mch_order_id="NOBODY", channel_code=TransferChannel.INSTA)
    with pytest.raises(NotFound):
        await transfers.payments(mch_order_id="NOBODY", **TODAY)


async def test_nobody_pays_to_a_number_that_does_not_exist(fake: FakePayCools) -> None:
    with pytest.raises(LookupError):
        await fake.pay("999100000198", 50010)


# Traps


@pytest.mark.parametrize("given", ["INSTA_TRANSFER_ACC,OTHER", ["INSTA_TRANSFER_ACC", "OTHER"]])
def test_trap_several_channel_codes_travel_as_one_text_joined_by_commas(given: Any) -> None:
    assert unstructure(accounts(channel_code=given))["channelCode"] == "INSTA_TRANSFER_ACC,OTHER"
    listing = GetTransferPayments(mch_order_id="MICHAELJORDAN0003", channel_code=given, **TODAY)
    assert unstructure(listing)["channelCode"] == "INSTA_TRANSFER_ACC,OTHER"


def test_trap_empty_strings_in_callbacks_are_no_values() -> None:
    sent = {**RECEIVED, "remark": "", "failedCode": "", "failedMessage": "", "returnTime": ""}
    event = structure(sent, TransferReceived)
    assert (event.remark, event.failed_code, event.failed_message, event.return_time) == ("", None, "", None)
    assert event.raw == sent


# Rules


def test_the_email_is_optional_here_and_the_name_is_not() -> None:
    assert "email" not in unstructure(accounts())
    with pytest.raises(InvalidRequest, match="customer_name"):
        accounts(customer_name="")


def test_account_numbers_and_personal_data_are_hidden() -> None:
    shown = repr(accounts(email="juan@example.ph", mobile="09171234567"))
    assert "Juan" not in shown
    assert "juan@" not in shown
    assert "0917" not in shown
    assert "999100000199" not in repr(structure(UPDATED, TransferAccountSet))
    assert "999100000199" not in repr(structure(RECEIVED, TransferReceived))


def test_the_endpoints_are_those_of_the_navigation() -> None:
    found = {e.id: (e.nav, e.kind, e.provenance) for e in endpoints() if e.id.startswith("ph.bank_transfer.")}
    assert found == {
        "ph.bank_transfer.batch_create": ("6.1", "request", Provenance.DOCUMENTED),
        "ph.bank_transfer.batch_update": ("6.2", "request", Provenance.DOCUMENTED),
        "ph.bank_transfer.payments": ("6.3", "request", Provenance.DOCUMENTED),
        "ph.bank_transfer.callback": ("6.4", "callback", Provenance.DOCUMENTED),
    }


# Published and observed examples

CREATED: dict[str, Any] = {
    "paymentAccountList": [
        {
            "mchOrderId": "MICHAELJORDAN0002",  # a variable where it was observed
            "channelCode": "INSTA_TRANSFER_ACC",
            "guideUrl": "https://api-uat.paycools.com/transfer/static/guide/"
            "NzFhU1NWR3dIWkIyNklKTmlpRW1YdGg1d3ZIMG50dzVzaWxiYURmMXFsdz0=",
            "receivingBank": "AllBank",
            "accountName": "PayCools",
            "accountNumber": "999000010998",
        }
    ],
    "shortLink": "https://a.api-uat.paycools.com/1L9zPoV",
}

UPDATED: dict[str, Any] = {
    "paymentAccountList": [
        {
            "mchOrderId": "MICHAELJORDAN0003",
            "channelCode": "INSTA_TRANSFER_ACC",
            "guideUrl": "https://api-dev.paycools.com/transfer/static/guide/"
            "RkFoNjNnQ0NiZ25oaG5FcUt2Tzc4emNhcTlKczVWKzZLTGo1NEpnSnJOaz0=",
            "receivingBank": "AllBank",
            "accountName": "PayCools",
            "accountNumber": "999100000199",
        }
    ],
    "shortLink": "https://a.api-dev.paycools.com/1L9zOnG",
}

PAYMENTS: list[dict[str, Any]] = [
    {
        "transactionId": "C1012656903220387370",
        "transactionCreateTime": "2022-07-04 10:53:40",
        "transactionReturnTime": "2022-07-01 00:30:00",
        "transactionAmount": 1000,
        "channelCode": "INSTA_TRANSFER_ACC",
        "transactionStatus": "COMPLETE",
        "remark": None,
    },
    {
        "transactionId": "C1012656903288586511",
        "transactionCreateTime": "2022-07-04 10:54:49",
        "transactionReturnTime": "2022-07-04 10:30:00",
        "transactionAmount": 2000,
        "channelCode": "INSTA_TRANSFER_ACC",
        "transactionStatus": "COMPLETE",
        "remark": None,
    },
]

# observed, with variables for the amount, the order id, the account and the return time
RECEIVED: dict[str, Any] = {
    "amount": 50010,
    "channelCode": "INSTA_TRANSFER_ACC",
    "createTime": "2023-02-17 14:32:33",
    "eventName": "transfer.payment.success",
    "mchOrderId": "MICHAELJORDAN0003",
    "paymentAccount": "999100000199",
    "remark": "Allbank Virtual Payment",
    "returnTime": "2023-02-17 14:33:00",
    "sign": "7df9bfb39d9b3f155b4006ecb48d9ca03712c227",
    "transactionId": "C1184676615553454214",
    "transactionStatus": "COMPLETE",
}


@pytest.mark.parametrize(
    ("sent", "number"), [(CREATED, "999000010998"), (UPDATED, "999100000199")], ids=["create", "update"]
)
def test_the_examples_of_an_account_set(sent: dict[str, Any], number: str) -> None:
    found = structure(sent, TransferAccountSet)
    assert found.raw == sent
    assert found.short_link == sent["shortLink"]
    (account,) = found.payment_account_list
    assert isinstance(account, TransferAccount)
    assert account.raw == sent["paymentAccountList"][0]
    assert (account.account_number, account.receiving_bank) == (number, "AllBank")


def test_the_example_of_a_payments_list() -> None:
    found = structure(PAYMENTS, list[ReceivedPayment])
    assert [payment.raw for payment in found] == PAYMENTS
    assert [payment.transaction_amount for payment in found] == [1000, 2000]
    assert found[1].transaction_create_time == datetime(2022, 7, 4, 10, 54, 49, tzinfo=PHT)
    assert found[1].transaction_status is TransactionStatus.COMPLETE


def test_the_observed_callback() -> None:
    event = structure(RECEIVED, TransferReceived)
    assert event.raw == RECEIVED
    assert (event.amount, event.payment_account) == (50010, "999100000199")
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert event.create_time == datetime(2023, 2, 17, 14, 32, 33, tzinfo=PHT)
    assert event.return_time == datetime(2023, 2, 17, 14, 33, tzinfo=PHT)
    assert event.remark == "Allbank Virtual Payment"
