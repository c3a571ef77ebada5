"""Direct debit: a customer authorizes, is debited, and ends it; every path is supplied by the merchant."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.engine_stage import Stage

from paycools_async import (
    DuplicateOrder,
    EndpointUnpublishedError,
    HttpResponse,
    InvalidParameter,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayCoolsPH,
    TransactionStatus,
)
from paycools_async.converters import structure
from paycools_async.ph.codes import FailedCode
from paycools_async.ph.direct_debit import (
    AuthorizationChanged,
    AuthorizationToken,
    AuthorizeDirectDebit,
    CancelAuthorization,
    CreateDirectDebit,
    DirectDebit,
    DirectDebitSettled,
    InactiveType,
    QueryAuthorization,
    QueryDirectDebit,
    TokenStatus,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.direct_debit import (
    DirectDebitRecords,
    customer_authorizes,
    customer_cancels,
    customer_refuses,
)

PATHS = {
    "ph.directdebit.authorize": "/given/apply",
    "ph.directdebit.authorization_query": "/given/tokens",
    "ph.directdebit.authorization_cancel": "/given/cancel",
    "ph.directdebit.payment_create": "/given/pay",
    "ph.directdebit.payment_query": "/given/query",
}


@pytest.fixture
def fake(key_pem: str, clock: ManualClock) -> FakePayCools:
    return FakePayCools(clock=clock, private_key=key_pem, paths=PATHS)


@pytest.fixture
async def debits(fake: FakePayCools) -> AsyncIterator[DirectDebit]:
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock, paths=PATHS) as client:
        yield DirectDebit(client)


def asking(**changes: Any) -> AuthorizeDirectDebit:
    fields: dict[str, Any] = {
        "user_id": "Penn09",
        "request_id": "REQUEST1",
        "channel_code": "ALIPAY_DIRECT_DEBIT",
        "terminal_type": "WEB",
        "redirect_url": "https://shop.example/back",
        "notify_url": "https://shop.example/notify",
    }
    return AuthorizeDirectDebit(**{**fields, **changes})


async def test_either_number_of_success_is_taken_by_every_call(key_pem: str) -> None:
    """The pages of the siblings print 10000, where the rest of this API prints 1000."""
    data = {"userId": "Penn09", "tokenList": [], "transactionId": "C1", "mchOrderId": "DEBIT1"}
    data["transactionStatus"] = "PENDING"
    requests: list[Any] = [asking(), QueryAuthorization(user_id="Penn09")]
    requests += [CancelAuthorization(user_id="Penn09", pay_token="T1"), QueryDirectDebit(transaction_id="C1")]
    for number in (1000, 10000):
        answer = HttpResponse(200, {}, json.dumps({"code": number, "data": data}).encode())
        for request in requests:
            async with Stage(key_pem, answer, paths=PATHS) as stage:
                assert await stage.client.send(request) is not None
    assert {each.__endpoint__.nav for each in requests} == {"10.1", "10.2", "10.3", "10.6"}


async def test_the_time_in_a_body_is_a_number(key_pem: str) -> None:
    async with Stage(key_pem, HttpResponse(200, {}, b'{"code":1000,"data":{}}'), paths=PATHS) as stage:
        await stage.client.send(asking())
    assert type(json.loads(stage.sent[0].body or b"")["timestamp"]) is int


async def authorized(debits: DirectDebit, fake: FakePayCools) -> str:
    """The token of a customer who said yes."""
    await debits._client.send(asking())
    token = customer_authorizes(fake.merchant, "REQUEST1")
    fake.merchant.due_callbacks()
    return token


def order(token: str, **changes: Any) -> CreateDirectDebit:
    fields: dict[str, Any] = {
        "mch_order_id": "DEBIT1",
        "amount": 150000,
        "channel_code": "ALIPAY_DIRECT_DEBIT",
        "pay_token": token,
        "callback_url": "https://shop.example/notify",
        "customer_name": "Juan Dela Cruz",
        "mobile": "+639171234567",
        "remark": "monthly",
    }
    return CreateDirectDebit(**{**fields, **changes})


def events(fake: FakePayCools, kind: Any) -> list[Any]:
    return [structure(json.loads(body), kind) for body in fake.merchant.due_callbacks()]


async def test_a_customer_authorizes_and_the_notification_brings_the_token(
    debits: DirectDebit, fake: FakePayCools
) -> None:
    link = await debits._client.send(asking())
    assert link.auth_url == "https://sandbox.invalid/authorize/REQUEST1"
    assert (await debits.authorization_query(user_id="Penn09")).token_list == []
    token = customer_authorizes(fake.merchant, "REQUEST1")
    (event,) = events(fake, AuthorizationChanged)
    assert (event.event_name, event.user_id, event.request_id) == ("token.create.success", "Penn09", "REQUEST1")
    assert event.pay_token == token
    assert event.raw["paytoken"] == token
    assert event.token_status is TokenStatus.ACTIVED
    assert [found.pay_token for found in (await debits.authorization_query(user_id="Penn09")).active] == [token]


async def test_a_customer_who_refuses_gets_no_token(debits: DirectDebit, fake: FakePayCools) -> None:
    await debits._client.send(asking())
    customer_refuses(fake.merchant, "REQUEST1")
    (event,) = events(fake, AuthorizationChanged)
    assert (event.event_name, event.pay_token, event.token_status) == ("token.create.failed", None, None)


async def test_a_debit_is_taken_and_becomes_final(debits: DirectDebit, fake: FakePayCools, clock: ManualClock) -> None:
    token = await authorized(debits, fake)
    fake.merchant.of(DirectDebitRecords).settle_after = 30
    receipt = await debits._client.send(order(token))
    assert (receipt.transaction_status, receipt.channel_type) == (TransactionStatus.PENDING, "DIRECT_DEBIT")
    assert events(fake, DirectDebitSettled) == []
    clock.advance(30)
    status = await debits.payment_query(transaction_id=receipt.transaction_id)
    assert status.raw["transactionStatus"] == "SUCCESS"
    assert status.transaction_status is TransactionStatus.COMPLETE
    assert (status.mch_order_id, status.amount, status.mobile) == ("DEBIT1", 150000, "09171234567")
    assert (status.email, status.app_name) == (None, "Sandbox Merchant")
    (event,) = events(fake, DirectDebitSettled)
    assert (event.event_name, event.amount) == ("directdebit.payment.success", 150000)
    assert event.transaction_id == receipt.transaction_id


async def test_a_failed_debit_says_why(debits: DirectDebit, fake: FakePayCools) -> None:
    token = await authorized(debits, fake)
    fake.merchant.of(DirectDebitRecords).decide = lambda fields: ("FAILED", -10003, "Transaction Insufficient Balance")
    receipt = await debits._client.send(order(token))
    (event,) = events(fake, DirectDebitSettled)
    assert event.event_name == "directdebit.payment.failed"
    assert event.failed_code is FailedCode.INSUFFICIENT_BALANCE
    status = await debits.payment_query(transaction_id=receipt.transaction_id)
    assert status.transaction_status is TransactionStatus.FAILED


async def test_the_merchant_cancels_and_the_token_is_dead(debits: DirectDebit, fake: FakePayCools) -> None:
    """The answer of 10.3 is in no document: success without data is taken, too."""
    token = await authorized(debits, fake)
    cancelled = await debits.authorization_cancel(user_id="Penn09", pay_token=token)
    assert cancelled.token_status is None
    (event,) = events(fake, AuthorizationChanged)
    assert (event.event_name, event.inactive_type) == ("token.cancel.success", InactiveType.MCH_CANCEL)
    found = await debits.authorization_query(user_id="Penn09", pay_token=token)
    assert found.active == []
    with pytest.raises(InvalidParameter, match="payToken"):
        await debits._client.send(order(token))


async def test_the_customer_cancels(debits: DirectDebit, fake: FakePayCools) -> None:
    customer_cancels(fake.merchant, await authorized(debits, fake))
    (event,) = events(fake, AuthorizationChanged)
    assert (event.token_status, event.inactive_type) == (TokenStatus.INACTIVED, InactiveType.USER_CANCEL)


async def test_a_token_expires(debits: DirectDebit, fake: FakePayCools, clock: ManualClock) -> None:
    fake.merchant.of(DirectDebitRecords).valid_for = 3600
    token = await authorized(debits, fake)
    clock.advance(3600)
    status = await debits.authorization_query(user_id="Penn09", pay_token=token)
    (found,) = status.token_list or []
    assert (found.token_status, found.inactive_type) == (TokenStatus.INACTIVED, InactiveType.EXPIRED)
    assert status.active == []


async def test_an_order_is_debited_once(debits: DirectDebit, fake: FakePayCools) -> None:
    token = await authorized(debits, fake)
    await debits._client.send(order(token))
    with pytest.raises(DuplicateOrder):
        await debits._client.send(order(token))
    assert len(fake.merchant.of(DirectDebitRecords).debits) == 1


async def test_an_unclear_debit_is_not_sent_again(debits: DirectDebit, fake: FakePayCools) -> None:
    token = await authorized(debits, fake)
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown):
        await debits._client.send(order(token))
    assert fake.requests["ph.directdebit.payment_create"] == 1
    assert len(fake.merchant.of(DirectDebitRecords).debits) == 1


async def test_an_unknown_debit_is_not_found(debits: DirectDebit) -> None:
    with pytest.raises(NotFound):
        await debits.payment_query(transaction_id="C1")


async def test_extra_fields_are_signed_and_sent(debits: DirectDebit, fake: FakePayCools) -> None:
    token = await authorized(debits, fake)
    await debits._client.send(order(token, extra={"businessType": 2}))
    (debit,) = fake.merchant.of(DirectDebitRecords).debits.values()
    assert debit.fields["businessType"] == 2


async def test_without_a_path_nothing_is_sent(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    with pytest.raises(EndpointUnpublishedError, match=r"paths=\{\"ph\.directdebit\.payment_query\""):
        await DirectDebit(paycools).payment_query(transaction_id="C1")
    assert fake.requests == {}


def test_a_wap_terminal_needs_its_system() -> None:
    with pytest.raises(InvalidRequest, match="os_type: is required when terminal_type is WAP"):
        asking(terminal_type="WAP")
    assert asking(terminal_type="WAP", os_type="IOS").os_type == "IOS"


def test_the_notification_address_may_travel_under_its_other_name() -> None:
    with pytest.raises(InvalidRequest, match="notify_url"):
        asking(notify_url=None)
    assert asking(notify_url=None, extra={"callbackUrl": "https://shop.example/n"}).notify_url is None


def test_personal_data_is_not_shown() -> None:
    shown = repr(order("TKSECRET", email="juan@shop.example"))
    for secret in ("TKSECRET", "Juan", "9171234567", "juan@"):
        assert secret not in shown
    assert "TKSECRET" not in repr(structure({"paytoken": "TKSECRET"}, AuthorizationToken))
