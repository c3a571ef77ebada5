"""Direct debit: an agreement, its token, a payment by it, and the end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import support.global_samples as samples

from paycools_async import (
    EndpointUnpublishedError,
    InvalidParameter,
    InvalidRequest,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
)
from paycools_async.converters import structure
from paycools_async.global_api import (
    AuthorizeGlobalDebit,
    CancelGlobalAuthorization,
    CancelledGlobalAuthorization,
    GlobalAuthorization,
    GlobalAuthorizationChanged,
    GlobalAuthorizationLink,
    GlobalDebitSettled,
    InactiveType,
    QueryGlobalAuthorization,
    TokenStatus,
    UnifiedPaymentSettled,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.direct_debit import DirectDebitRecords, customer_authorizes, customer_cancels
from paycools_async.times import MANILA

CANCEL = {"global.directdebit.authorization_cancel": "/open-api/direct/debit/given"}
ASKED: dict[str, Any] = {
    "user_id": "u0009",
    "request_id": "Joey0ub5",
    "channel_code": "PH_GCASH_DIRECT_DEBIT",
    "country_code": "PH",
    "terminal_type": "WEB",
    "notify_url": "https://shop.example/agreed",
    "redirect_url": "https://shop.example/back",
}
DEBIT: dict[str, Any] = {
    "mch_order_id": "BILL1",
    "amount": 50_010,
    "country_code": "PH",
    "channel_code": "PH_GCASH_DIRECT_DEBIT",
    "notify_url": "https://shop.example/paid",
}


@pytest.fixture
async def token(paycools: PayCoolsGlobal, fake: FakePayCools) -> str:
    """A customer's token."""
    link = await paycools.direct_debit.authorize(**ASKED)
    assert link.auth_url.endswith("/Joey0ub5")
    return customer_authorizes(fake.global_merchant, "Joey0ub5")


async def test_a_customer_agrees_and_the_merchant_is_told(
    paycools: PayCoolsGlobal, fake: FakePayCools, token: str
) -> None:
    (told,) = samples.events(fake)
    event = samples.parsed(told, GlobalAuthorizationChanged)
    assert (event.event_name, event.pay_token) == ("token.create.success", token)
    assert (event.user_id, event.request_id, event.token_status) == ("u0009", "Joey0ub5", TokenStatus.ACTIVED)
    assert token not in repr(event)
    agreement = await paycools.direct_debit.authorization(user_id="u0009", country_code="PH")
    assert [each.pay_token for each in agreement.active] == [token]
    other = await paycools.direct_debit.authorization(user_id="u0009", country_code="TH")
    assert other.active == []


async def test_a_debit_is_a_unified_payment_and_ends_by_notification(
    paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock, token: str
) -> None:
    samples.events(fake)
    receipt = await paycools.direct_debit.pay(**DEBIT, pay_token=token, remark="June")
    final = await paycools.direct_debit.wait_until_final("BILL1", country_code="PH")
    assert (final.transaction_status, final.amount) == (TransactionStatus.COMPLETE, 50_010)
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedPaymentSettled)
    assert (event.transaction_id, event.currency, event.remark) == (receipt.transaction_id, "PHP", "June")
    assert fake.requests["global.unified.payment.create"] == 1


async def test_an_unclear_debit_is_found_and_not_taken_again(
    paycools: PayCoolsGlobal, fake: FakePayCools, token: str
) -> None:
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.direct_debit.pay(**DEBIT, pay_token=token)
    found = await paycools.direct_debit.resolve(caught.value.request)
    assert found.transaction_status is TransactionStatus.COMPLETE
    assert fake.requests["global.unified.payment.create"] == 1
    assert token not in repr(caught.value.request) + str(caught.value)


async def test_an_agreement_that_ended_pays_nothing(paycools: PayCoolsGlobal, fake: FakePayCools, token: str) -> None:
    customer_cancels(fake.global_merchant, token)
    event = samples.parsed(samples.events(fake)[-1], GlobalAuthorizationChanged)
    assert (event.event_name, event.inactive_type) == ("token.cancel.success", InactiveType.USER_CANCEL)
    with pytest.raises(InvalidParameter, match="21024 Invalid access token"):
        await paycools.direct_debit.pay(**DEBIT, pay_token=token)


async def test_the_merchant_ends_an_agreement_by_the_path_it_was_given(
    fake: FakePayCools, paycools: PayCoolsGlobal, token: str
) -> None:
    with pytest.raises(EndpointUnpublishedError, match=r"global.directdebit.authorization_cancel \(dd.3\)"):
        await paycools.direct_debit.cancel(user_id="u0009", pay_token=token, country_code="PH")
    fake.paths.update(CANCEL)
    options: dict[str, Any] = {"transport": fake.transport(), "clock": fake.clock, "paths": CANCEL}
    async with PayCoolsGlobal(fake.global_credentials, **options) as informed:
        await informed.direct_debit.cancel(user_id="u0009", pay_token=token, country_code="PH", extra={"reason": "x"})
    agreement = await paycools.direct_debit.authorization(user_id="u0009", country_code="PH")
    (ended,) = agreement.token_list
    assert (ended.token_status, ended.inactive_type) == (TokenStatus.INACTIVED, InactiveType.MCH_CANCEL)
    assert agreement.active == []


async def test_a_token_expires(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock, token: str) -> None:
    clock.advance(fake.global_merchant.of(DirectDebitRecords).valid_for)
    (expired,) = (await paycools.direct_debit.authorization(user_id="u0009", country_code="PH")).token_list
    assert (expired.token_status, expired.inactive_type) == (TokenStatus.INACTIVED, InactiveType.EXPIRED)


def test_a_phone_needs_its_system() -> None:
    with pytest.raises(InvalidRequest, match="os_type: is required when terminal_type is WAP"):
        AuthorizeGlobalDebit(**{**ASKED, "terminal_type": "WAP"})
    AuthorizeGlobalDebit(**{**ASKED, "terminal_type": "APP"})


# --- the documented samples -------------------------------------------------------------------------------------------


def test_the_documented_requests_are_made_again() -> None:
    samples.recreated(
        json.loads(
            '{"requestId":"Joey0ub5yxzecu4c866ub100","userId":"u0009","channelCode":"PH_GCASH_DIRECT_DEBIT",'
            '"countryCode":"PH","notifyUrl":"https://webhook.site/b89c5e5f-3056-438f-8329-b39ff5a181de",'
            '"redirectUrl":"https://kademo.intlalipay.cn/melitigo/Test_113.html","terminalType":"WAP",'
            '"osType":"ANDROID","timestamp":1726139239}'
        ),
        AuthorizeGlobalDebit,
    )
    samples.recreated(
        json.loads('{"userId":"u0009","countryCode":"PH","timestamp":1726137892}'), QueryGlobalAuthorization
    )


def test_the_documented_token_list_parses() -> None:
    token = {
        "channelCode": "BLUEPAY_DIRECT_DEBIT",
        "payToken": "TK1U2ODY9EPKRSOSU9",
        "tokenStatus": "INACTIVED",
        "expiresTime": "2034-09-18 18:10:35",
    }
    agreement = samples.parsed({"userId": "u00012", "tokenList": [token]}, GlobalAuthorization)
    (found,) = agreement.token_list
    assert found.raw == token
    assert (found.pay_token, found.token_status) == ("TK1U2ODY9EPKRSOSU9", TokenStatus.INACTIVED)
    assert found.expires_time == datetime(2034, 9, 18, 18, 10, 35, tzinfo=MANILA)
    assert agreement.active == []


def test_names_in_the_tables_spelling_are_read_too() -> None:
    raw = {"userID": "u1", "tokenList": [{"channelcode": "A", "paytoken": "T"}]}
    agreement = structure(raw, GlobalAuthorization)
    assert (agreement.user_id, agreement.token_list[0].channel_code) == ("u1", "A")
    assert agreement.token_list[0].pay_token == "T"


def test_the_twins_answer_parses() -> None:
    raw = {"userId": "u1", "requestId": "r1", "channelCode": "PH_GCASH_DIRECT_DEBIT", "authUrl": "https://a.example/1"}
    assert samples.parsed(raw, GlobalAuthorizationLink).auth_url == "https://a.example/1"


def test_the_documented_notification_parses() -> None:
    event = samples.parsed(
        json.loads(
            '{"channelCode":"PH_GCASH_DIRECT_DEBIT","countryCode":"PH","eventName":"token.create.success",'
            '"expiresTime":"2034-09-18 18:10:35","paytoken":"TK1U2ODY9EPKRSOSU9",'
            '"requestId":"Joeyi2qzl5pv1a4wpxxxv100","tokenStatus":"ACTIVED","userId":"u00012"}'
        ),
        GlobalAuthorizationChanged,
    )
    assert (event.pay_token, event.token_status) == ("TK1U2ODY9EPKRSOSU9", TokenStatus.ACTIVED)


@pytest.mark.parametrize("country", ["TH", "ID", "PH", "MY"])
def test_a_token_has_one_expiry_whoever_tells_it(country: str) -> None:
    """The inquiry's answer names no country, the notification does."""
    times = {"expiresTime": "2034-09-18 18:10:35", "inactiveTime": "2034-09-18 18:10:36"}
    token = {"channelCode": "BLUEPAY_DIRECT_DEBIT", "payToken": "T", **times}
    (listed,) = structure({"userId": "u1", "tokenList": [token]}, GlobalAuthorization).token_list
    names = {"eventName": "token.cancel.success", "userId": "u1", "requestId": "r1", "countryCode": country}
    told = structure({**names, **token}, GlobalAuthorizationChanged)
    ended = structure({"userId": "u1", "countryCode": country, **times}, CancelledGlobalAuthorization)
    assert told.expires_time == listed.expires_time == datetime(2034, 9, 18, 10, 10, 35, tzinfo=UTC)
    assert told.inactive_time == listed.inactive_time == ended.inactive_time


def test_a_debits_own_notification_has_the_fields_of_a_payment() -> None:
    raw = {
        "eventName": "direct.debit.failed",
        "mchOrderId": "BILL1",
        "transactionId": "C1",
        "amount": 100,
        "transactionStatus": "FAILED",
        "failedCode": -10003,
    }
    event = samples.parsed(raw, GlobalDebitSettled)
    assert (event.transaction_status, event.failed_code) == (TransactionStatus.FAILED, -10003)
    assert CancelGlobalAuthorization.__endpoint__.path is None
