"""What a test may ask of the fake: refusals, magic accounts, customers of every product, callbacks of any kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from paycools_async import (
    CreatePayout,
    InsufficientBalance,
    NotFound,
    OutcomeUnknown,
    PayCoolsGlobal,
    PayCoolsPH,
    RateLimited,
    Retry,
    endpoints,
)
from paycools_async.callbacks import GlobalCallbacks, PHCallbacks
from paycools_async.errors import ApiError, Outcome
from paycools_async.ph import PayoutSettled
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.magic import MAGIC_ACCOUNTS
from paycools_async.testing.server.merchant import HANDLERS

ONCE = Retry(attempts=1)
OURS = [each for each in endpoints() if each.request.__module__.startswith("paycools_async.")]
"""Other tests make endpoints of their own."""


@pytest.fixture
def fake(key: Any, clock: ManualClock, key_pem: str, other_key_pem: str) -> FakePayCools:
    return FakePayCools(clock=clock, private_key=key, global_private_key=key_pem, platform_private_key=other_key_pem)


@pytest.fixture
def ph(fake: FakePayCools) -> PayCoolsPH:
    return PayCoolsPH(
        fake.ph_credentials, transport=fake.transport(), clock=fake.clock, paths=fake.ph_paths, retry=ONCE
    )


@pytest.fixture
def world(fake: FakePayCools) -> PayCoolsGlobal:
    return PayCoolsGlobal(
        fake.global_credentials, transport=fake.transport(), clock=fake.clock, paths=fake.global_paths, retry=ONCE
    )


def payout(account: str, order: str = "PAY1") -> CreatePayout:
    return CreatePayout(
        mch_order_id=order,
        amount=500_00,
        pay_method_code="BANK",
        bank_code="PH_BPI",
        account_no=account,
        account_name="Juan Cruz",
    )


def test_the_fake_answers_every_endpoint_there_is() -> None:
    assert {each.id for each in OURS if each.kind == "request"} == set(HANDLERS)


def test_every_endpoint_has_a_path_where_no_document_gives_one(fake: FakePayCools) -> None:
    without = {each.id for each in OURS if each.kind == "request" and each.path is None}
    assert {name for name in (*fake.ph_paths, *fake.global_paths) if not name.startswith("test.")} == without


def test_paths_of_ones_own_go_before_the_fakes() -> None:
    assert FakePayCools(paths={"ph.ekyc.init": "/mine"}).paths["ph.ekyc.init"] == "/mine"


async def test_the_next_request_is_refused_and_no_other(ph: PayCoolsPH, fake: FakePayCools) -> None:
    fake.refuse(1006)
    with pytest.raises(InsufficientBalance) as refused:
        await ph.send(payout("001234567891"))
    assert (refused.value.code, refused.value.outcome) == (1006, Outcome.REJECTED)
    assert fake.payouts.paid == []
    await ph.send(payout("001234567891"))
    assert len(fake.payouts.paid) == 1


async def test_a_refusal_is_for_one_api_or_one_endpoint_and_as_often_as_it_says(
    ph: PayCoolsPH, world: PayCoolsGlobal, fake: FakePayCools
) -> None:
    fake.refuse(21014, 2, message="Merchant balance insufficient")
    await ph.account.balance()
    for _ in range(2):
        with pytest.raises(ApiError, match="Merchant balance insufficient"):
            await world.account.balance(country_code="ID")
    await world.account.balance(country_code="ID")
    fake.refuse(1006, only="ph.payout.create")
    await ph.account.balance()
    with pytest.raises(InsufficientBalance):
        await ph.send(payout("001234567891"))


@pytest.mark.parametrize("magic", MAGIC_ACCOUNTS)
async def test_a_magic_account_does_what_its_line_says(
    ph: PayCoolsPH, fake: FakePayCools, clock: ManualClock, magic: str
) -> None:
    error: type[Exception] | None = {
        "99990001": InsufficientBalance,
        "99990003": OutcomeUnknown,
        "99990004": OutcomeUnknown,
        "99990005": OutcomeUnknown,
        "99990006": RateLimited,
    }.get(magic)
    booked = magic in ("0000", "99990002", "99990003")
    if error is None:
        await ph.send(payout(f"0012{magic}"))
    else:
        with pytest.raises(error):
            await ph.send(payout(f"0012{magic}"))
    assert [each.order_id for each in fake.payouts.paid] == ["PAY1"] * booked
    clock.advance(86_400)
    if not booked:
        with pytest.raises(NotFound):
            await ph.payouts.query(mch_order_id="PAY1")
        assert fake.due_callbacks() == []
        return
    status = {"0000": "FAILED", "99990002": "PENDING", "99990003": "COMPLETE"}[magic]
    found = await ph.payouts.query(mch_order_id="PAY1")
    assert found.transaction_status == status
    assert (found.return_time is None) == (status == "PENDING")
    assert len(fake.due_callbacks()) == (status != "PENDING")


@pytest.mark.parametrize(
    ("magic", "error"), [("99990001", InsufficientBalance), ("99990003", OutcomeUnknown), ("99990006", RateLimited)]
)
async def test_the_global_api_knows_them_too(
    world: PayCoolsGlobal, fake: FakePayCools, magic: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.philippines.payouts.create(
            mch_order_id="PAY1",
            amount=500_00,
            pay_method_code="BANK",
            transfer_code="BDO",
            account_no=f"0012{magic}",
            account_name="Juan Cruz",
        )
    assert len(fake.global_payouts.paid) == (magic == "99990003")


async def test_a_customer_agrees_is_debited_and_ends_it(ph: PayCoolsPH, fake: FakePayCools) -> None:
    asking = {
        "user_id": "Penn09",
        "channel_code": "ALIPAY_DIRECT_DEBIT",
        "terminal_type": "WEB",
        "redirect_url": "https://shop.example/back",
        "notify_url": "https://shop.example/notify",
    }
    await ph.direct_debit.authorize(request_id="ASK1", **asking)  # type: ignore[arg-type]
    await ph.direct_debit.authorize(request_id="ASK2", **asking)  # type: ignore[arg-type]
    token = fake.authorize("ASK1")
    fake.decline("ASK2")
    await ph.direct_debit.payment_create(
        mch_order_id="DEBIT1",
        amount=1500_00,
        channel_code="ALIPAY_DIRECT_DEBIT",
        pay_token=token,
        callback_url="https://shop.example/callbacks",
    )
    fake.revoke(token)
    assert next(iter(fake.debits.debits.values())).fields["amount"] == 1500_00
    [debit] = [each async for each in ph.account.payments(create_date="2026-01-01")]
    assert (debit.merchant_order_id, debit.amount) == ("DEBIT1", Decimal(1500))
    assert debit.status == "COMPLETE"
    parse = PHCallbacks(fake.ph_credentials.callback_secret or "").parse
    assert [parse(body).raw["eventName"] for body in fake.due_callbacks()] == [
        "token.create.success",
        "token.create.failed",
        "directdebit.payment.success",
        "token.cancel.success",
    ]
    for act in (fake.authorize, fake.decline, fake.revoke):
        with pytest.raises(LookupError):
            act("nobody was asked")


async def test_a_customer_of_the_global_api_agrees_too(world: PayCoolsGlobal, fake: FakePayCools) -> None:
    await world.direct_debit.authorize(
        user_id="Penn09",
        request_id="ASK1",
        channel_code="PH_GCASH_DD",
        country_code="PH",
        terminal_type="WEB",
        redirect_url="https://shop.example/back",
        notify_url="https://shop.example/notify",
    )
    token = fake.authorize("ASK1")
    assert list(fake.global_authorizations.tokens) == [token]


@pytest.mark.parametrize(("fails", "status"), [(False, "SUCCESS"), (True, "FAILED")])
async def test_a_customer_shows_a_code(ph: PayCoolsPH, fake: FakePayCools, fails: bool, status: str) -> None:
    code = fake.show_code(fails=fails)
    assert code != fake.show_code(fails=fails)
    charge = await ph.cpm.create(
        mch_order_id="CPM1", amount=100_00, auth_code=code, callback_url="https://shop.example/callbacks"
    )
    assert charge.raw["status"] == status
    assert [payment.order_id for payment in fake.payments.by_id.values()] == ["CPM1"]
    [row] = [each async for each in ph.account.payments(create_date="2026-01-01")]
    assert (row.merchant_order_id, row.status) == ("CPM1", "FAILED" if fails else "COMPLETE")


async def test_a_customer_proves_who_he_is(fake: FakePayCools) -> None:
    fake.verify_identity(eventName="ekyc.result", result="PASS")
    [body] = fake.due_callbacks()
    assert b'"result": "PASS"' in body


async def test_channels_of_web_payments_are_listed(ph: PayCoolsPH) -> None:
    listed = await ph.web_payments.channels()
    assert [each["channelCode"] for each in listed["list"]] == ["GCASH_URL", "QRPH_DYNAMIC_QR"]


def test_any_callback_can_be_had_signed(fake: FakePayCools) -> None:
    event = PHCallbacks(fake.ph_credentials.callback_secret or "").parse(
        fake.signed_callback("disbursement.failed", mch_order_id="A1", amount=700, failedMessage="no", remark=None)
    )
    assert isinstance(event, PayoutSettled)
    assert (event.mch_order_id, event.amount, event.failed_message, event.remark) == ("A1", 700, "no", None)
    known = GlobalCallbacks(fake.global_credentials.platform_public_key or "", country="ID")
    indonesian = known.parse(fake.signed_callback("global.id.payment.notification", mch_order_id="B1"))
    assert indonesian.raw["mchOrderId"] == "B1"
    with pytest.raises(LookupError):
        fake.signed_callback("nothing.of.that.name")


@pytest.mark.parametrize("callback", [each for each in OURS if each.kind == "callback"], ids=lambda each: each.id)
def test_every_callback_there_is_can_be_had(fake: FakePayCools, callback: Any) -> None:
    body = fake.signed_callback(callback.id)
    if callback.family == "ph":
        PHCallbacks(fake.ph_credentials.callback_secret or "").parse(body)
    else:
        GlobalCallbacks(fake.global_credentials.platform_public_key or "").parse(body)


async def test_an_answer_later_than_the_calls_time_is_unknown_by_the_fakes_clock(
    ph: PayCoolsPH, fake: FakePayCools
) -> None:
    fake.faults.delay(3600, next=1)
    with pytest.raises(OutcomeUnknown):
        await ph.send(payout("001234567891"))
    assert fake.payouts.paid == []
