"""The Global API's form on the wire, and the two families apart."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from Crypto.PublicKey import RSA
from support.global_wiretap import Wiretap, credentials, valid

from paycools_async import (
    ConfigurationError,
    CreatePayout,
    Effect,
    GetBalance,
    GlobalCredentials,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCredentials,
    Retry,
    UnexpectedAnswer,
    WrongFamilyError,
    errors,
)
from paycools_async.endpoint import Endpoint, Wire
from paycools_async.global_api import (
    CreateGlobalRefund,
    CreateUnifiedPayout,
    GetCountryBalance,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.wire.enveloped import EnvelopedMessage

NOW = 1_767_225_600_000
"""The manual clock's start, in milliseconds."""
REFUND = CreateGlobalRefund(
    mch_refund_order_id="REFUND1",
    original_transaction_id="CU1",
    refund_amount=10000,
    refund_callback_url="https://shop.example/refunded",
    refund_reason='wrong "size" – 50 % & <ñ>',
)
PAYOUT = CreateUnifiedPayout(
    mch_order_id="ORDER0000001",
    amount=10000,
    country_code="ID",
    pay_method_code="BANK",
    transfer_code="CIMB",
    account_no="109594480004",
    account_name="Budi",
    mobile="0822111111",
)


# --- the wire ---------------------------------------------------------------------------------------------------------


async def test_the_text_of_param_alone_is_signed_and_that_very_text_is_sent(key_pem: str) -> None:
    tap = Wiretap(key_pem, {"code": 10000, "data": {"refundTransactionId": "R1"}})
    async with tap.client as paycools:
        expected = paycools.signing_text(REFUND)
        await paycools.send(REFUND)
    (sent,) = tap.sent
    assert (sent.method, sent.url) == ("POST", "https://globalapi-dev.paycools.com:8902/open-api/payment/refund")
    assert sent.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(tap.body) == ["appId", "param", "sign"]
    assert tap.body["appId"] == "APP1"
    assert tap.body["param"] == expected
    assert expected == (
        '{"mchRefundOrderId":"REFUND1","originalTransactionId":"CU1","refundAmount":10000,'
        '"refundCallbackUrl":"https://shop.example/refunded",'
        '"refundReason":"wrong \\"size\\" – 50 % & <ñ>","timestamp":1767225600000}'
    )
    assert valid(key_pem, expected, tap.body["sign"])
    assert not valid(key_pem, expected + " ", tap.body["sign"])
    assert not valid(key_pem, f"appId=APP1&param={expected}", tap.body["sign"]), "that is the PH checkout's rule"


REFUNDED = {
    "refundTransactionId": "R1",
    "mchRefundOrderId": "REFUND1",
    "refundAmount": 10000,
    "refundStatus": "PENDING",
    "originalTransactionId": "CU1",
}


async def test_data_may_be_json_in_a_text(key_pem: str) -> None:
    """developer.paycools.com prints it so, every other page an object."""
    tap = Wiretap(key_pem, {"code": 10000, "data": json.dumps(REFUNDED)})
    async with tap.client as paycools:
        exchange = await paycools.exchange(REFUND)
        assert exchange.result.refund_transaction_id == "R1"
        assert exchange.raw["data"] == json.dumps(REFUNDED), "as it came"
        assert await paycools.call("POST", "/open-api/x", {}, effect=Effect.READS) == REFUNDED
    tap = Wiretap(key_pem, {"code": 10000, "data": f" [{json.dumps(REFUNDED)}]"})
    async with tap.client as paycools:
        (found,) = await paycools.refunds.payments(refund_transaction_id="R1")
        assert found.refund_transaction_id == "R1"


async def test_numbers_in_a_text_are_exact_and_bounded_too(key_pem: str) -> None:
    async with Wiretap(key_pem, {"code": 10000, "data": '{"balance": 10000.10}'}).client as paycools:
        assert (await paycools.account.balance(country_code="PH")).balance == Decimal("10000.10")
    for data in (
        '{"balance": 1e99999}',
        '{"balance": 1',
        "[" * 99 + "]" * 99,
        '{"balance": NaN}',
        "10000",
        "words",
        "",
    ):
        async with Wiretap(key_pem, {"code": 10000, "data": data}, retry=Retry(attempts=1)).client as paycools:
            with pytest.raises(UnexpectedAnswer):
                await paycools.account.balance(country_code="PH")


async def test_an_order_told_in_a_text_is_compared_with_ours(key_pem: str) -> None:
    tap = Wiretap(key_pem, {"code": 10000, "data": json.dumps({**REFUNDED, "refundAmount": 20000})})
    async with tap.client as paycools:
        with pytest.raises(OutcomeUnknown, match="the answer is about amount 20000, ours is 10000"):
            await paycools.send(REFUND)


async def test_every_attempt_sends_the_same_bytes(key_pem: str) -> None:
    clock = ManualClock()
    tap = Wiretap(key_pem, {"code": 21020, "message": "Too many requests"}, clock=clock, retry=Retry(attempts=3))
    async with tap.client as paycools:
        with pytest.raises(errors.RateLimited):
            await paycools.send(GetCountryBalance(country_code="PH"))
    assert len(tap.sent) == 3
    assert clock.monotonic() > 0
    assert len({request.body for request in tap.sent}) == 1


def test_a_message_is_pure() -> None:
    message = EnvelopedMessage("POST", "/a", "APP1", '{"a":"\\u00e9 \\"x\\""}')
    assert message.text == b'{"a":"\\u00e9 \\"x\\""}'
    signed = message.signed(b"\x00\xff")
    assert (signed.method, signed.target) == ("POST", "/a")
    assert signed.body == b'{"appId":"APP1","param":"{\\"a\\":\\"\\\\u00e9 \\\\\\"x\\\\\\"\\"}","sign":"AP8="}'


@pytest.mark.parametrize(("unit", "stamp"), [("ms", NOW), ("s", NOW // 1000)])
async def test_the_time_is_a_whole_number_in_the_unit_that_was_chosen(key_pem: str, unit: Any, stamp: int) -> None:
    tap = Wiretap(key_pem, {"code": 10000, "data": {"balance": "1.00"}}, timestamp_unit=unit)
    async with tap.client as paycools:
        await paycools.send(GetCountryBalance(country_code="PH"))
        assert tap.body["param"] == f'{{"countryCode":"PH","timestamp":{stamp}}}'
        await paycools.call("POST", "/open-api/new", {"a": 1}, effect=Effect.READS)
        assert tap.body["param"] == f'{{"a":1,"timestamp":{stamp}}}'


def test_another_unit_is_refused(key_pem: str) -> None:
    with pytest.raises(ConfigurationError, match=r'^timestamp_unit: "ms" or "s"$'):
        PayCoolsGlobal(credentials(key_pem), timestamp_unit="us")  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", ["ms", "s"])
async def test_the_fake_takes_both_units(fake: FakePayCools, unit: Any) -> None:
    options: dict[str, Any] = {"transport": fake.transport(), "clock": fake.clock, "timestamp_unit": unit}
    async with PayCoolsGlobal(fake.global_credentials, **options) as paycools:
        await paycools.account.balance(country_code="PH")


async def test_a_clock_that_is_wrong_is_said_to_be(fake: FakePayCools) -> None:
    clock = ManualClock(NOW / 1000 - 3600)
    async with PayCoolsGlobal(fake.global_credentials, transport=fake.transport(), clock=clock) as paycools:
        with pytest.raises(errors.ClockError, match="21009 Request timestamp error"):
            await paycools.account.balance(country_code="PH")


async def test_any_path_can_be_called(key_pem: str) -> None:
    tap = Wiretap(key_pem, {"code": 10000, "message": "Success", "data": {"x": 1}})
    async with tap.client as paycools:
        data = await paycools.call("POST", "/open-api/split", {"b": [1, "é"], "timestamp": 5}, effect=Effect.READS)
        assert data == {"x": 1}
        assert tap.body["param"] == '{"b":[1,"é"],"timestamp":5}', "a time of the caller's own stays"
        with pytest.raises(ConfigurationError, match="every call of the Global API is a POST"):
            await paycools.call("GET", "/open-api/split")
        with pytest.raises(InvalidRequest, match="a float has no certain text"):
            await paycools.call("POST", "/open-api/split", {"amount": 1.5})
    assert len(tap.sent) == 1


async def test_a_call_counts_as_moving_money_unless_said_otherwise(key_pem: str) -> None:
    tap = Wiretap(key_pem, b"<html>", retry=Retry(attempts=3), clock=ManualClock())
    async with tap.client as paycools:
        with pytest.raises(OutcomeUnknown):
            await paycools.call("POST", "/open-api/new", {})
        assert len(tap.sent) == 1
        with pytest.raises(UnexpectedAnswer):
            await paycools.call("POST", "/open-api/new", {}, effect=Effect.READS)
        assert len(tap.sent) == 4


def test_each_family_has_its_form_and_its_word_for_success() -> None:
    def entry(family: Any) -> Endpoint:
        return Endpoint(
            id="x",
            nav="",
            kind="request",
            method="POST",
            path="/x",
            provenance=PAYOUT.__endpoint__.provenance,
            family=family,
            request=dict,
            returns=dict,
        )

    assert (entry("ph").wire, entry("ph").success_codes) == (Wire.FLAT, frozenset({1000}))
    assert (entry("global").wire, entry("global").success_codes) == (Wire.ENVELOPED, frozenset({10000}))
    assert PAYOUT.__endpoint__.family == "global"
    assert PAYOUT.__endpoint__.wire is Wire.ENVELOPED


# --- families ---------------------------------------------------------------------------------------------------------


async def test_a_request_of_the_ph_api_is_refused_with_nothing_sent(key_pem: str) -> None:
    tap = Wiretap(key_pem)
    async with tap.client as paycools:
        with pytest.raises(WrongFamilyError, match="GetBalance is no request of the global API; nothing was sent"):
            await paycools.send(GetBalance())  # type: ignore[arg-type]
        with pytest.raises(WrongFamilyError):
            await paycools.exchange(GetBalance())  # type: ignore[arg-type]
    assert tap.sent == []


async def test_a_global_request_is_refused_by_the_ph_client(key_pem: str) -> None:
    ph = PHCredentials(app_id="APP1", app_name="Shop", private_key=key_pem)
    sent: list[HttpRequest] = []
    transport = MemoryTransport(lambda request: sent.append(request) or HttpResponse(200, {}, b""))  # type: ignore[func-returns-value]
    async with PayCoolsPH(ph, transport=transport) as paycools:
        with pytest.raises(WrongFamilyError, match="GetCountryBalance is no request of the ph API") as caught:
            await paycools.send(GetCountryBalance(country_code="PH"))  # type: ignore[arg-type]
    assert caught.value.outcome is Outcome.NOT_SENT
    assert sent == []


async def test_one_fake_plays_both_apis_with_separate_merchants(
    fake: FakePayCools, paycools: PayCoolsGlobal, clock: ManualClock
) -> None:
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock) as ph:
        await ph.ping()
        await paycools.ping("PH")
    assert fake.ph_credentials.app_id != fake.global_credentials.app_id
    assert fake.requests == {"ph.account.balance": 1, "global.account.balance": 1}
    assert (fake.merchant.family, fake.global_merchant.family) == ("ph", "global")


def test_a_path_of_the_other_family_is_refused(key_pem: str) -> None:
    with pytest.raises(ConfigurationError, match=r"paths: there is no endpoint 'ph.payout.create'"):
        PayCoolsGlobal(credentials(key_pem), paths={"ph.payout.create": "/a"})
    assert CreatePayout.__endpoint__.id == "ph.payout.create"


async def test_the_fake_refuses_what_is_not_signed_by_the_merchant(fake: FakePayCools, other_key_pem: str) -> None:
    forged = GlobalCredentials(app_id=fake.global_credentials.app_id, private_key=other_key_pem)
    unknown = GlobalCredentials(app_id="nobody", private_key=other_key_pem)
    for theirs, code in ((forged, 21001), (unknown, 21003)):
        async with PayCoolsGlobal(theirs, transport=fake.transport(), clock=fake.clock) as paycools:
            with pytest.raises(errors.AuthenticationError) as caught:
                await paycools.account.balance(country_code="PH")
        assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"appId":"a","param":{"a":1},"sign":"s"}',
        b'{"appId":"a","param":"{}"}',
        b'{"appId":"a","param":"{}","sign":"s","x":"1"}',
        b'{"appId":"a","param":"{}","param":"{}","sign":"s"}',
    ],
)
async def test_the_fake_refuses_any_other_form(fake: FakePayCools, body: bytes) -> None:
    fake.global_merchant.verify = lambda text, sign: True
    answer = await fake.handle(HttpRequest("POST", "https://x/open-api/account/balance", {}, body))
    assert json.loads(answer.body)["code"] == 21002


def test_the_fake_signs_notifications_with_the_platform_key(fake: FakePayCools, platform_key_pem: str) -> None:
    fake.global_merchant.notify({"eventName": "disbursement.success", "amount": 100, "remark": "é"})
    (body,) = fake.global_merchant.due_callbacks()
    told = json.loads(body)
    assert list(told) == ["param", "sign"]
    assert json.loads(told["param"]) == {"amount": 100, "eventName": "disbursement.success", "remark": "é"}
    assert valid(platform_key_pem, told["param"], told["sign"])
    key = fake.global_credentials.platform_public_key
    assert key is not None
    assert key.der == RSA.import_key(platform_key_pem).public_key().export_key("DER")
