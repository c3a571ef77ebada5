"""The published samples of direct debit are understood, and kept whole in `.raw`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paycools_async import PayCoolsPH, TransactionStatus
from paycools_async.converters import structure
from paycools_async.ph.codes import FailedCode
from paycools_async.ph.direct_debit import (
    AuthorizationChanged,
    AuthorizationStatus,
    CreateDirectDebit,
    DirectDebitSettled,
    DirectDebitStatus,
    TokenStatus,
)
from paycools_async.testing import FakePayCools

PATHS = {"ph.directdebit.payment_create": "/given/pay"}

AUTHORIZED = {
    "channelCode": "ALIPAY_DIRECT_DEBIT",
    "countryCode": "PH",
    "eventName": "token.create.success",
    "expiresTime": "2036-03-11 18:13:15",
    "paytoken": "TKAAMXFFOOM0I17I0X",
    "requestId": "1773223973938",
    "sign": "75c87e24d829de928ffa0d64280383338109df31",
    "tokenStatus": "ACTIVED",
    "userId": "Penn09",
    "userLoginId": "userId_channel@paycools.com",
}


def test_the_documented_authorization_notification_is_understood() -> None:
    event = structure(AUTHORIZED, AuthorizationChanged)
    assert event.raw == AUTHORIZED
    assert (event.pay_token, event.token_status) == ("TKAAMXFFOOM0I17I0X", TokenStatus.ACTIVED)
    assert event.expires_time.isoformat() == "2036-03-11T18:13:15+08:00"
    assert event.user_login_id == "userId_channel@paycools.com"


PAID = {
    "amount": 150000,
    "channelCode": "ALIPAY_DIRECT_DEBIT",
    "createTime": "2026-03-11 18:04:03",
    "eventName": "directdebit.payment.success",
    "mchOrderId": "DirectDebitTest1773223440168",
    "remark": "test remark",
    "returnTime": "2026-03-11 18:04:10",
    "sign": "3ee436c252027183090c27a4cf6b7da8b90aea7f",
    "transactionId": "C5N1672490098425856",
    "transactionStatus": "COMPLETE",
}


def test_the_documented_payment_notification_is_understood() -> None:
    event = structure(PAID, DirectDebitSettled)
    assert event.raw == PAID
    assert (event.amount, event.transaction_status) == (150000, TransactionStatus.COMPLETE)
    assert (event.return_time - event.create_time).total_seconds() == 7
    assert event.failed_code is None


def test_the_documented_failure_is_understood() -> None:
    failed = {
        "eventName": "directdebit.payment.failed",
        "mchOrderId": "DD20240101120000",
        "transactionId": "TXN20240101120000123456",
        "amount": 10000,
        "transactionStatus": "FAILED",
        "createTime": "2024-01-01 12:00:00",
        "returnTime": "2024-01-01 12:01:30",
        "channelCode": "JTWALLET_DIRECT_DEBIT",
        "remark": "Monthly subscription payment",
        "failedCode": -10000,
        "failedMessage": "Transaction Service Error",
    }
    event = structure(failed, DirectDebitSettled)
    assert event.raw == failed
    assert (event.failed_code, event.failed_message) == (FailedCode.SERVICE_ERROR, "Transaction Service Error")


def test_the_documented_status_is_understood() -> None:
    sample = {
        "mchOrderId": "DD20240101120000",
        "transactionId": "TXN20240101120000123456",
        "amount": 10000,
        "transactionStatus": "SUCCESS",
        "createTime": "2024-01-01 12:00:00",
        "returnTime": "2024-01-01 12:01:30",
        "appName": "Merchant App",
        "customerName": "John Doe",
        "channelCode": "JTWALLET_DIRECT_DEBIT",
        "email": "johndoe@example.com",
        "mobile": "09123456789",
        "remark": "Monthly subscription payment",
        "callbackUrl": "https://merchant.com/notify/direct-debit",
    }
    status = structure(sample, DirectDebitStatus)
    assert status.raw == sample
    assert status.transaction_status is TransactionStatus.COMPLETE
    assert (status.amount, status.mobile) == (10000, "09123456789")


@pytest.mark.parametrize("spelling", [("paytoken", "channelcode"), ("payToken", "channelCode")])
def test_both_spellings_of_the_token_are_read(spelling: tuple[str, str]) -> None:
    token, channel = spelling
    listed = {token: "TK1U2ODY9EPKRSOSU9", channel: "ALIPAY_DIRECT_DEBIT", "tokenStatus": "INACTIVED"}
    sample = {"userId": "u00012", "tokenList": [{**listed, "expiresTime": "2034-09-18 18:10:35"}]}
    status = structure(sample, AuthorizationStatus)
    assert status.raw == sample
    (found,) = status.token_list
    assert (found.pay_token, found.channel_code) == ("TK1U2ODY9EPKRSOSU9", "ALIPAY_DIRECT_DEBIT")
    assert (found.token_status, status.active) == (TokenStatus.INACTIVED, [])


async def test_the_documented_request_is_built_field_by_field(fake: FakePayCools) -> None:
    sample = {
        "mchOrderId": "DD20240101120000",
        "amount": 10000,
        "channelCode": "JTWALLET_DIRECT_DEBIT",
        "payToken": "tok_abcdef1234567890",
        "customerName": "John Doe",
        "email": "johndoe@example.com",
        "mobile": "09123456789",
        "callbackUrl": "https://merchant.com/notify/direct-debit",
        "remark": "Monthly subscription payment",
    }
    request = CreateDirectDebit(
        mch_order_id="DD20240101120000",
        amount=10000,
        channel_code="JTWALLET_DIRECT_DEBIT",
        pay_token="tok_abcdef1234567890",
        customer_name="John Doe",
        email="johndoe@example.com",
        mobile="09123456789",
        callback_url="https://merchant.com/notify/direct-debit",
        remark="Monthly subscription payment",
    )
    filled = {"appId": fake.ph_credentials.app_id, "appName": "Sandbox Merchant", "timestamp": "1767225600000"}
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock, paths=PATHS) as client:
        text = client.signing_text(request)
    assert text == "&".join(f"{name}={value}" for name, value in sorted({**sample, **filled}.items()))


def test_an_amount_with_a_fraction_of_a_centavo_is_refused() -> None:
    with pytest.raises(ValueError, match="amount"):
        structure({**PAID, "amount": Decimal("1.5")}, DirectDebitSettled)
