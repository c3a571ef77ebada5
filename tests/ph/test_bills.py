"""Static virtual accounts: created, asked about, paid, listed, cancelled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

import paycools_async.testing.ph_collections  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    AlreadyExists,
    EndpointUnpublishedError,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    MemoryTransport,
    NotFound,
    OutcomeUnknown,
    PayCoolsPH,
    Provenance,
    TransactionStatus,
    endpoints,
)
from paycools_async.converters import structure, unstructure
from paycools_async.ph.bank_transfer import GetTransferPayments, UpdateTransferAccounts
from paycools_async.ph.bills import (
    BatchCreateStaticVA,
    Bills,
    BillsChannel,
    BillsPaymentReceived,
    BillsPaymentVerification,
    CreateStaticVA,
    GetBillsPayments,
    StaticVA,
    StaticVASet,
    UpdateStaticVA,
    VAStatus,
    VerificationCode,
)
from paycools_async.ph.qrcode import GetQRPayments
from paycools_async.ph.standing import ReceivedPayment
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.books import Refusal

PHT = timezone(timedelta(hours=8))
TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}  # the manual clock starts at 08:00 Philippine time


def customer(**changes: Any) -> dict[str, Any]:
    fields = {"mch_order_id": "JUAN0001", "customer_name": "Juan Dela Cruz", "email": "juan@example.ph"}
    return {**fields, **changes}


def one_va(**changes: Any) -> CreateStaticVA:
    return CreateStaticVA(**customer(**{"channel_code": BillsChannel.SEVEN_ELEVEN, **changes}))


def answering(answers: list[bytes], asked: list[dict[str, Any]]) -> Callable[[bytes], Awaitable[bytes]]:
    """A merchant's handler that notes each question and gives the next answer."""

    async def handler(body: bytes) -> bytes:
        asked.append(json.loads(body))
        return answers.pop(0)

    return handler


def verdict(code: VerificationCode) -> bytes:
    return json.dumps({"code": code, "msg": code.msg}).encode()


async def test_a_static_va_is_paid_with_the_merchants_consent_and_then_cancelled(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    bills = Bills(paycools)
    va = await bills.create(**customer(), channel_code=BillsChannel.SEVEN_ELEVEN, mobile="+639171234567")
    assert (va.mch_order_id, va.channel_code, va.status) == ("JUAN0001", "7ELEVEN_STATIC_VA", None)

    asked: list[dict[str, Any]] = []
    fake.books.ask_merchant = answering(
        [verdict(VerificationCode.ACCEPT), verdict(VerificationCode.REFUSE_AMOUNT)], asked
    )
    paid = await fake.pay(va.reference_number, 50010)
    clock.advance(60)
    with pytest.raises(Refusal) as refused:
        await fake.pay(va.reference_number, 99_999_00)
    assert refused.value.args == (1002, "The amount exceed limit")

    question = structure(asked[0], BillsPaymentVerification)
    assert (question.mch_order_id, question.reference_number) == ("JUAN0001", va.reference_number)
    assert (question.amount, question.mobile) == (50010, "09171234567")
    assert question.create_time == datetime(2026, 1, 1, 8, 0, tzinfo=PHT)

    (body,) = fake.books.due_callbacks()
    event = structure(json.loads(body), BillsPaymentReceived)
    assert (event.event_name, event.mch_order_id, event.amount) == ("payment.success", "JUAN0001", 50010)
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert (event.channel_code, event.payment_code) == ("7ELEVEN_STATIC_VA", va.reference_number)
    assert event.transaction_id == paid["transactionId"]

    (payment,) = await bills.payments(mch_order_id="JUAN0001", **TODAY)
    assert (payment.transaction_id, payment.transaction_amount) == (event.transaction_id, 50010)
    assert payment.raw == paid

    cancelled = await bills.cancel(mch_order_id="JUAN0001")
    assert [row.status for row in cancelled.payment_va_list] == [VAStatus.INACTIVE]
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(va.reference_number, 50010)
    assert len(asked) == 2, "a cancelled account does not ask"
    assert fake.books.due_callbacks() == []


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"code": "no"}', b'{"code": 1, "msg": "success"}', b'{"code": 1000}'])
async def test_the_merchant_accepts_with_2000_and_nothing_else(
    paycools: PayCoolsPH, fake: FakePayCools, answer: bytes
) -> None:
    va = await paycools.send(one_va())
    fake.books.ask_merchant = answering([answer], [])
    with pytest.raises(Refusal):
        await fake.pay(va.reference_number, 50010)
    assert await Bills(paycools).payments(mch_order_id="JUAN0001", **TODAY) == []
    assert fake.books.due_callbacks() == []


def test_the_verification_answers_are_the_documented_ones() -> None:
    assert {code.value: code.msg for code in VerificationCode} == {
        2000: "Success",
        1000: "Failed",
        1001: "The reference number do not exist",
        1002: "The amount exceed limit",
    }


async def test_limits_and_the_last_day_bind_the_customer(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    va = await paycools.send(one_va(min_amount=20000, max_amount=5000000, expire_time=date(2026, 1, 2)))
    for amount in (19999, 5000001):
        with pytest.raises(Refusal) as refused:
            await fake.pay(va.reference_number, amount)
        assert refused.value.code == 1007
    clock.advance(86400)
    await fake.pay(va.reference_number, 20000)
    clock.advance(86400)
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(va.reference_number, 20000)


async def test_payments_are_listed_by_day_and_channel(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    bills = Bills(paycools)
    made = await bills.batch_create(**customer(), channel_code=[BillsChannel.GCASH, BillsChannel.RDP])
    gcash, rdp = made.payment_va_list
    await fake.pay(gcash.reference_number, 100)
    clock.advance(86400)
    await fake.pay(rdp.reference_number, 200)

    async def amounts(**wanted: Any) -> list[int]:
        found = await bills.payments(mch_order_id="JUAN0001", **wanted)
        return [payment.transaction_amount for payment in found]

    assert await amounts(**TODAY) == [100]
    assert await amounts(start_date=date(2026, 1, 1), end_date=date(2026, 1, 2)) == [100, 200]
    assert await amounts(start_date="2026-01-01", end_date="2026-01-02", channel_code=[BillsChannel.RDP]) == [200]
    assert await amounts(start_date="2026-01-03", end_date="2026-01-03") == []


async def test_the_channels_of_a_set_are_replaced(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    bills = Bills(paycools)
    made = await bills.batch_create(**customer(), channel_code="GCASH_STATIC_VA,PAYMAYA_STATIC_VA")
    changed = await bills.update(mch_order_id="JUAN0001", channel_code=["PAYMAYA_STATIC_VA", "MLH_STATIC_VA"])
    assert [row.channel_code for row in changed.payment_va_list] == ["PAYMAYA_STATIC_VA", "MLH_STATIC_VA"]
    assert changed.payment_va_list[0].reference_number == made.payment_va_list[1].reference_number
    assert changed.short_link == made.short_link
    with pytest.raises(Refusal):
        await fake.pay(made.payment_va_list[0].reference_number, 50010)


async def test_an_existing_channel_is_1017_and_a_further_one_is_not(paycools: PayCoolsPH) -> None:
    await paycools.send(one_va())
    with pytest.raises(AlreadyExists) as caught:
        await paycools.send(one_va())
    assert caught.value.code == 1017
    await paycools.send(one_va(channel_code=BillsChannel.GCASH))


async def test_an_unclear_creation_is_sent_again_and_the_account_found(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    bills = Bills(paycools)
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(one_va())
    with pytest.raises(AlreadyExists):
        await paycools.send(caught.value.request)
    found = await bills.update(mch_order_id="JUAN0001", channel_code=BillsChannel.SEVEN_ELEVEN)
    assert [row.channel_code for row in found.payment_va_list] == ["7ELEVEN_STATIC_VA"]


async def test_an_unknown_order_id_is_not_found(paycools: PayCoolsPH) -> None:
    bills = Bills(paycools)
    with pytest.raises(NotFound):
        await bills.cancel(mch_order_id="NOBODY")
    with pytest.raises(NotFound):
        await bills.update(mch_order_id="NOBODY", channel_code=BillsChannel.GCASH)
    with pytest.raises(NotFound):
        await bills.payments(mch_order_id="NOBODY", **TODAY)


async def test_the_short_url_has_no_published_path(paycools: PayCoolsPH) -> None:
    with pytest.raises(EndpointUnpublishedError, match=r"ph\.bills\.cashier_short_url"):
        await Bills(paycools).cashier_short_url(mch_order_id="JUAN0001")


async def test_the_short_url_works_with_a_path_from_the_account_manager(key_pem: str, clock: ManualClock) -> None:
    paths = {"ph.bills.cashier_short_url": "/given/by/paycools"}
    fake = FakePayCools(clock=clock, private_key=key_pem, paths=paths)
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock, paths=paths) as paycools:
        bills = Bills(paycools)
        made = await bills.batch_create(**customer(), channel_code=[BillsChannel.GCASH])
        link = await bills.cashier_short_url(mch_order_id="JUAN0001", extra={"someField": "x"})
    assert link.short_link == made.short_link


# Traps


@pytest.mark.parametrize(
    "given",
    [
        "GCASH_STATIC_VA,PAYMAYA_STATIC_VA",
        ["GCASH_STATIC_VA", "PAYMAYA_STATIC_VA"],
        (BillsChannel.GCASH, BillsChannel.PAYMAYA),
    ],
)
def test_trap_several_channel_codes_travel_as_one_text_joined_by_commas(given: Any) -> None:
    joined = "GCASH_STATIC_VA,PAYMAYA_STATIC_VA"
    assert unstructure(BatchCreateStaticVA(**customer(), channel_code=given))["channelCode"] == joined
    assert unstructure(UpdateStaticVA(mch_order_id="JUAN0001", channel_code=given))["channelCode"] == joined
    listing = GetBillsPayments(mch_order_id="JUAN0001", channel_code=given, **TODAY)
    assert unstructure(listing)["channelCode"] == joined


def test_trap_a_single_creation_takes_one_channel_code_only() -> None:
    with pytest.raises(InvalidRequest, match="channel_code: one code only"):
        one_va(channel_code="GCASH_STATIC_VA,PAYMAYA_STATIC_VA")


class Recorder:
    """Signs nothing and keeps the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def sign(self, text: bytes) -> bytes:
        self.texts.append(text.decode())
        return b"signature"


IN_PATH = [
    (
        UpdateStaticVA(mch_order_id="JUAN0001", channel_code=BillsChannel.GCASH),
        "/api/v1/batch/paymentCode/JUAN0001/update",
        "channelCode=GCASH_STATIC_VA",
    ),
    (
        GetBillsPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/paymentCode/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
    (
        GetQRPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/qrcode/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
    (
        UpdateTransferAccounts(mch_order_id="JUAN0001", channel_code="INSTA_TRANSFER_ACC"),
        "/api/v1/batch/paymentAccount/JUAN0001/update",
        "channelCode=INSTA_TRANSFER_ACC",
    ),
    (
        GetTransferPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/paymentAccount/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
]


@pytest.mark.parametrize(("request_", "path", "part"), IN_PATH, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("signed", [False, True])
async def test_trap_path_parameters_stand_in_the_path_and_are_signed_only_on_demand(
    fake: FakePayCools, request_: Any, path: str, part: str, signed: bool
) -> None:
    seen: list[HttpRequest] = []
    is_list = request_.__endpoint__.method == "GET"
    data = [] if is_list else {"paymentVaList": [], "paymentAccountList": []}

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, {}, json.dumps({"code": 1000, "message": "success", "data": data}).encode())

    signer = Recorder()
    async with PayCoolsPH(
        fake.ph_credentials, transport=MemoryTransport(answer), signer=signer, sign_path_parameters=signed
    ) as paycools:
        await paycools.send(request_)
    (sent,), (text,) = seen, signer.texts
    url, _, query = sent.url.partition("?")
    assert url == "https://api-uat.paycools.com" + path
    assert "mchOrderId" not in (query if is_list else (sent.body or b"").decode())
    assert part in text.split("&")
    assert ("mchOrderId=JUAN0001" in text.split("&")) is signed


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"referenceNumber": "PC0000710000024"}, "PC0000710000024"),
        ({"referenceNumber2": "PC0005O10000165"}, "PC0005O10000165"),
        ({"referenceNumber": "PC1", "referenceNumber2": "PC2"}, "PC1"),
    ],
)
def test_trap_the_number_is_called_reference_number_or_reference_number_2(answer: dict[str, str], number: str) -> None:
    assert structure(answer, StaticVA).reference_number == number


def test_trap_empty_strings_in_callbacks_are_no_values() -> None:
    sent = {**VERIFICATION, "mobile": "", "createTime": ""}
    question = structure(sent, BillsPaymentVerification)
    assert (question.mobile, question.create_time) == ("", None)
    assert question.raw == sent


async def test_trap_the_empty_mobile_of_a_verification_is_not_signed(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    asked: list[dict[str, Any]] = []
    fake.books.ask_merchant = answering([verdict(VerificationCode.ACCEPT)], asked)
    va = await paycools.send(one_va())
    await fake.pay(va.reference_number, 50010)
    assert asked[0]["mobile"] == ""
    text = (
        "amount=50010&createTime=2026-01-01 08:00:00&eventName=payment.verification&mchOrderId=JUAN0001"
        f"&referenceNumber={va.reference_number}&secret={fake.books.secret}"
    )
    assert asked[0]["sign"] == hashlib.sha1(text.encode()).hexdigest()


# Rules


def test_every_broken_rule_of_a_creation_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        one_va(
            mch_order_id="JUAN-1",
            customer_name="J" * 101,
            email="juan",
            min_amount=2,
            max_amount=1,
            mobile="0912345678",
            expire_time="2026-02-30",
        )
    assert {error.field for error in caught.value.errors} == {
        "mch_order_id",
        "customer_name",
        "email",
        "mobile",
        "expire_time",
        "max_amount",
    }


def test_days_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="end_date: is before start_date"):
        GetBillsPayments(mch_order_id="JUAN0001", start_date="2026-01-02", end_date="2026-01-01")


def test_personal_data_is_hidden() -> None:
    shown = repr(one_va(mobile="09171234567"))
    assert "Juan" not in shown
    assert "juan@" not in shown
    assert "0917" not in shown
    assert "0912345678" not in repr(structure(VERIFICATION, BillsPaymentVerification))


def test_the_endpoints_are_those_of_the_navigation() -> None:
    bills = {e.id: (e.nav, e.kind, e.provenance) for e in endpoints() if e.id.startswith("ph.bills.")}
    assert bills == {
        "ph.bills.create": ("4.1", "request", Provenance.DOCUMENTED),
        "ph.bills.batch_create": ("4.2", "request", Provenance.DOCUMENTED),
        "ph.bills.update": ("4.3", "request", Provenance.DOCUMENTED),
        "ph.bills.cashier_short_url": ("4.4", "request", Provenance.UNPUBLISHED),
        "ph.bills.payments": ("4.5", "request", Provenance.OBSERVED),
        "ph.bills.verification": ("4.6", "callback", Provenance.DOCUMENTED),
        "ph.bills.cancel": ("4.7", "request", Provenance.DOCUMENTED),
        "ph.bills.callback": ("4.8", "callback", Provenance.OBSERVED),
    }


# Published and observed examples

GUIDE = (
    "https://api-dev.paycools.com/repayment/static/guide/R2VtMG5GejRtYmZFZkZlK0V2SnBzeXJjYTZUanZydHgyWXM4dUptakgrUT0="
)

UPDATED: dict[str, Any] = {
    "shortLink": "https://a.api-dev.paycools.com/1L9zOOL",
    "paymentVaList": [
        {
            "mchOrderId": "CCP2022111405068111",
            "channelCode": "GCASH_STATIC_VA",
            "guideUrl": GUIDE,
            "referenceNumber": "PC0000710000024",
            "biller": "PAYCOOLS LOAN",
        }
    ],
}

CANCELLED: dict[str, Any] = {
    "paymentVaList": [
        {
            "mchOrderId": "CCP2023020602068111",
            "channelCode": channel,
            "referenceNumber": number,
            "biller": biller,
            "status": "INACTIVE",
        }
        for channel, number, biller in [
            ("RDP_STATIC_VA", "PC00F571", "Dragon Loans"),
            ("MLH_STATIC_VA", "PC00F571", "Dragonpay"),
            ("7ELEVEN_STATIC_VA", "PC0000710000067", "PAYCOOLS LOAN"),
            ("PAYMAYA_STATIC_VA", "PC00F571", "Dragon Loans"),
        ]
    ]
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
    }
]

VERIFICATION: dict[str, Any] = {
    "eventName": "payment.verification",
    "mchOrderId": "CCVA1653350151938813",
    "referenceNumber": "PCLAC1000000001",
    "amount": 503700,
    "mobile": "0912345678",
    "createTime": "2022-05-31 09:38:06",
    "sign": "xxxxxxxxxxxxx",
}

# the two that were observed had variables where CCVA1653350151938813, 50010 and 17:13:05 stand here
VERIFICATION_SEEN: dict[str, Any] = {
    "amount": 50010,
    "createTime": "2023-02-14 17:13:05",
    "eventName": "payment.verification",
    "mchOrderId": "CCVA1653350151938813",
    "mobile": "",
    "referenceNumber": "PC0005O10000003",
    "sign": "62a002c4bbc2aeaf83448a03d87c834fa5937b82",
}

RECEIVED: dict[str, Any] = {
    "amount": 50010,
    "channelCode": "7ELEVEN_STATIC_VA",
    "codeMchOrderId": "PCP000000100000802",
    "createTime": "2023-02-14 17:12:33",
    "eventName": "payment.success",
    "mchOrderId": "CCVA1653350151938813",
    "paymentCode": "PC0005O10000165",
    "returnTime": "2023-02-14 17:13:05",
    "sign": "a8b934877cb12d3747baf406cda4d586d4b7fae1",
    "transactionId": "C1184676365953162412",
    "transactionStatus": "COMPLETE",
}


def test_the_example_of_an_update() -> None:
    found = structure(UPDATED, StaticVASet)
    assert found.raw == UPDATED
    (va,) = found.payment_va_list
    assert (va.reference_number, va.biller, va.guide_url) == ("PC0000710000024", "PAYCOOLS LOAN", GUIDE)


def test_the_example_of_a_cancellation() -> None:
    found = structure(CANCELLED, StaticVASet)
    assert found.raw == CANCELLED
    assert found.short_link is None
    assert {row.status for row in found.payment_va_list} == {VAStatus.INACTIVE}
    assert [row.reference_number for row in found.payment_va_list].count("PC00F571") == 3


def test_the_example_of_a_payments_list() -> None:
    (payment,) = structure(PAYMENTS, list[ReceivedPayment])
    assert payment.raw == PAYMENTS[0]
    assert payment.transaction_amount == 1000
    assert payment.transaction_status is TransactionStatus.COMPLETE
    assert payment.transaction_create_time == datetime(2022, 7, 4, 10, 53, 40, tzinfo=PHT)
    assert payment.transaction_return_time == datetime(2022, 7, 1, 0, 30, tzinfo=PHT)


@pytest.mark.parametrize("sent", [VERIFICATION, VERIFICATION_SEEN], ids=["documented", "observed"])
def test_the_examples_of_a_verification(sent: dict[str, Any]) -> None:
    event = structure(sent, BillsPaymentVerification)
    assert event.raw == sent
    assert (event.event_name, event.reference_number) == ("payment.verification", sent["referenceNumber"])
    assert (event.amount, event.mobile) == (sent["amount"], sent["mobile"])
    assert event.create_time is not None
    assert event.create_time.tzinfo is not None


def test_the_observed_payment_callback() -> None:
    event = structure(RECEIVED, BillsPaymentReceived)
    assert event.raw == RECEIVED
    assert (event.amount, event.transaction_id) == (50010, "C1184676365953162412")
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert (event.payment_code, event.code_mch_order_id) == ("PC0005O10000165", "PCP000000100000802")
    assert event.create_time == datetime(2023, 2, 14, 17, 12, 33, tzinfo=PHT)
    assert event.remark is None


def test_a_relatives_callback_calls_the_code_reference_number() -> None:
    sent = {**{name: value for name, value in RECEIVED.items() if name != "paymentCode"}, "referenceNumber": "PC1"}
    assert structure(sent, BillsPaymentReceived).payment_code == "PC1"
