"""The unified payouts: four countries by one path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import support.global_samples as samples

from paycools_async import (
    DuplicateOrder,
    InsufficientBalance,
    InvalidRequest,
    NotFound,
    OrderConflict,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    CreateUnifiedPayment,
    CreateUnifiedPayout,
    FailedCode,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    QueryUnifiedPayout,
    UnifiedPayoutSettled,
)
from paycools_async.testing import FakePayCools
from paycools_async.testing.global_api.payouts import GlobalPayoutRecords

inferred = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")


START = datetime(2026, 1, 1, tzinfo=UTC)
PAYOUT: dict[str, Any] = {
    "mch_order_id": "ORDER0000001",
    "amount": 20_000,
    "country_code": "ID",
    "pay_method_code": "BANK",
    "transfer_code": "CIMB",
    "account_no": "109594480004",
    "account_name": "Budi",
    "mobile": "0822111111",
}


@inferred
async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.settle_after = 30
    receipt = await paycools.unified.payouts.create(**PAYOUT, remark="June")
    assert receipt.transaction_status is TransactionStatus.PENDING
    assert receipt.transaction_time == START
    final = await paycools.unified.payouts.wait_until_final("ORDER0000001", country_code="ID")
    assert (final.transaction_status, final.amount, final.currency) == (TransactionStatus.COMPLETE, 20_000, "IDR")
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedPayoutSettled)
    assert (event.event_name, event.amount, event.remark) == ("disbursement.success", 20_000, "June")
    assert (event.country_code, event.raw["returnTime"]) == ("ID", "2026-01-01T08:00:30+08:00")


async def test_the_inferred_path_says_so_once(paycools: PayCoolsGlobal) -> None:
    with pytest.warns(UnverifiedEndpointWarning, match="global.unified.payout.create: the path .* is inferred"):
        await paycools.unified.payouts.create(**PAYOUT)


@inferred
async def test_a_payout_that_fails_says_why(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.unified.payouts.create(**{**PAYOUT, "account_no": "10000"})
    status = await paycools.unified.payouts.query(mch_order_id="ORDER0000001", country_code="ID")
    assert status.transaction_status is TransactionStatus.FAILED
    assert status.failed_code is FailedCode.DESTINATION_ACCOUNT_ERROR
    (told,) = samples.events(fake)
    assert samples.parsed(told, UnifiedPayoutSettled).event_name == "disbursement.failed"


@inferred
async def test_country_and_unified_payouts_share_ids_and_balances(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payouts = fake.global_payouts
    payouts.balances["ID"] = 30_000
    await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.indonesia.payouts.create(
            **{name: value for name, value in PAYOUT.items() if name != "country_code"}
        )
    assert caught.value.code == 21007
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.unified.payouts.create(
            **{**PAYOUT, "mch_order_id": "ORDER0000002", "idempotency_id": "ORDER0000001"}
        )
    assert caught.value.code == 21015
    with pytest.raises(InsufficientBalance):
        await paycools.unified.payouts.create(**{**PAYOUT, "mch_order_id": "ORDER0000002"})
    assert [payout.order_id for payout in payouts.paid] == ["ORDER0000001"]
    assert payouts.paid_more_than_once() == []


@inferred
@pytest.mark.parametrize(("fault", "sent"), [("garbage", 1), ("http_status", 2)])
async def test_an_unclear_payout_is_resolved(
    paycools: PayCoolsGlobal, fake: FakePayCools, fault: str, sent: int
) -> None:
    fake.global_merchant.enforce_unique = False  # only the sender's care counts
    getattr(fake.faults, fault)(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.unified.payouts.create(**PAYOUT)
    found = await paycools.unified.payouts.resolve(caught.value.request, resend=True)
    assert isinstance(found, GlobalPayoutStatus if sent == 1 else GlobalPayoutReceipt)
    assert fake.requests["global.unified.payout.create"] == sent
    assert len(fake.global_payouts.paid) == 1


@inferred
async def test_a_lagging_inquiry_does_not_pay_twice(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    """PayCools has the order but does not show it: the same ids are refused, and it is inquired once more."""
    fake.global_payouts.inquiry_lag = 91
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(DuplicateOrder):
        await paycools.unified.payouts.resolve(caught.value.request, resend=True)
    fake.clock.advance(1)  # type: ignore[attr-defined]
    found = await paycools.unified.payouts.resolve(caught.value.request)
    assert isinstance(found, GlobalPayoutStatus)
    assert fake.global_payouts.paid_more_than_once() == []


@inferred
async def test_another_amount_under_the_same_id_is_a_conflict(paycools: PayCoolsGlobal) -> None:
    await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(OrderConflict, match="amount 20000, ours is 20001"):
        await paycools.unified.payouts.resolve(CreateUnifiedPayout(**{**PAYOUT, "amount": 20_001}))
    with pytest.raises(NotFound, match="21006 absent in two inquiries"):
        await paycools.unified.payouts.resolve(
            CreateUnifiedPayout(**{**PAYOUT, "mch_order_id": "ORDER0000009"}), resend=False
        )
    with pytest.raises(NotFound):
        await paycools.unified.payouts.wait_until_final("ORDER0000009", country_code="ID", within=3)


@inferred
async def test_the_books_survive_a_restart(paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path) -> None:
    fake.global_payouts.open_journal(tmp_path / "journal")
    await paycools.unified.payouts.create(**PAYOUT)
    again = GlobalPayoutRecords()
    again.open_journal(tmp_path / "journal")
    assert again.paid == fake.global_payouts.paid
    assert (again.spent_in, again.by_order) == ({"ID": 20_000}, fake.global_payouts.by_order)


@inferred
async def test_a_line_of_the_books_that_was_cut_off_is_no_payout_and_spoils_none(
    paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    fake.global_payouts.open_journal(journal)
    await paycools.unified.payouts.create(**PAYOUT)
    whole = journal.read_text()
    journal.write_text(whole + whole[:40])
    fake.global_payouts.paid.clear()
    fake.global_payouts.by_order.clear()
    fake.global_payouts.by_idempotency.clear()
    fake.global_payouts.open_journal(journal)
    await paycools.unified.payouts.create(**{**PAYOUT, "mch_order_id": "ORDER0000002"})
    again = GlobalPayoutRecords()
    again.open_journal(journal)
    assert [payout.order_id for payout in again.paid] == [PAYOUT["mch_order_id"], "ORDER0000002"]
    journal.write_text(f"{whole}a text\n")
    with pytest.raises(ValueError, match="no payout"):
        GlobalPayoutRecords().open_journal(journal)


def test_the_currency_is_the_countrys() -> None:
    assert CreateUnifiedPayout(**PAYOUT).currency == "IDR"
    assert samples.reasons(CreateUnifiedPayout, **PAYOUT, currency="PHP") == {
        "currency": "is IDR when country_code is ID"
    }
    assert "country_code" in samples.reasons(CreateUnifiedPayout, **{**PAYOUT, "country_code": "RU"})


async def test_resolving_an_order_of_another_kind_sends_nothing(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    payment: Any = CreateUnifiedPayment(
        mch_order_id="CART1",
        amount=50_010,
        country_code="PH",
        channel_type="DIRECT_DEBIT",
        channel_code="PH_GCASH_DIRECT_DEBIT",
        pay_token="TK1",
        notify_url="https://shop.example/paid",
    )
    with pytest.raises(TypeError, match="resolves CreateUnifiedPayout, not CreateUnifiedPayment"):
        await paycools.unified.payouts.resolve(payment)
    assert fake.requests == {}


def test_the_documented_inquiry_is_made_again() -> None:
    param = '{"mchOrderId":"Platform0001","countryCode":"PH","timestamp":"1677133173758"}'
    samples.recreated(json.loads(param), QueryUnifiedPayout)


def test_the_documented_payout_parses() -> None:
    status = samples.parsed(samples.PAYOUT_FAILED, GlobalPayoutStatus)
    assert (status.amount, status.failed_code) == (3000, FailedCode.CHANNEL_REJECTED)


def test_the_documented_payout_notification_parses() -> None:
    event = samples.parsed(
        json.loads(
            '{"amount":100,"countryCode":"PH","createTime":"2024-07-19T14:14:47+08:00","currency":"PHP",'
            '"eventName":"disbursement.failed","failedCode":-10004,"failedMessage":"Transaction Channel Rejected",'
            '"mchOrderId":"10e1369686110330100","returnTime":"2024-07-19T14:15:01+08:00",'
            '"transactionId":"DU514182073259261952","transactionStatus":"FAILED"}'
        ),
        UnifiedPayoutSettled,
    )
    assert (event.transaction_status, event.failed_code) == (TransactionStatus.FAILED, FailedCode.CHANNEL_REJECTED)
    assert event.return_time == datetime(2024, 7, 19, 6, 15, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"accountNo": "99999"}, "sets accountNo, which the request or the client sets itself"),
        ({"amount": 7}, "sets amount, which the request or the client sets itself"),
        ({"currency": "USD"}, "sets currency"),
        ({"account_no": "99999"}, "sets account_no"),
        ({"AccountNo": "99999"}, "sets AccountNo"),
        ({"remark": "x"}, "sets remark"),
        ({"appId": "x"}, "sets appId"),
        ({"appName": "x"}, "sets appName"),
        ({"sign": "x"}, "sets sign"),
        ({"param": "x"}, "sets param"),
        ({"timestamp": 1}, "sets timestamp"),
        ({"": "x"}, "has a field without a name"),
        ({1: "x"}, "holds an object with a name that is no text"),
        ({"x": float("nan")}, "holds a float"),
        ({"x": {"y": [1.5]}}, "holds a float"),
        ({"x": Decimal("NaN")}, "holds a Decimal that is no number"),
        ({"x": Decimal("1e5000")}, "holds a number of more than 40 digits"),
        ({"x": 10**5000}, "holds a number of more than 40 digits"),
        ({"x": b"a"}, "holds a value of the type bytes"),
        ({"x": [{1, 2}]}, "holds a value of the type set"),
        ({"x": "a\u200bb"}, "holds a text that cannot travel"),
        ({"x": " a"}, "holds a text that begins with a blank"),
        (["x"], "must be an object, not list"),
    ],
)
def test_extra_fields_add_to_a_request_and_change_nothing_of_it(extra: Any, told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CreateUnifiedPayout(**PAYOUT, extra=extra)
    assert [error.field for error in caught.value.errors] == ["extra"]
    assert caught.value.errors[0].reason.startswith(told)


def test_what_is_put_into_extra_later_changes_no_field() -> None:
    request = CreateUnifiedPayout(**PAYOUT, extra={"purpose": "WAGES"})
    request.extra["accountNo"] = "99999"
    sent = unstructure(request)
    assert (sent["accountNo"], sent["purpose"]) == (PAYOUT["account_no"], "WAGES")


def test_extra_fields_may_be_any_json() -> None:
    extra = {"purpose": "WAGES", "more": {"a": [1, None, True, Decimal("1.50"), "\u0e2a\u0e21"]}}
    assert CreateUnifiedPayout(**PAYOUT, extra=extra).extra == extra
