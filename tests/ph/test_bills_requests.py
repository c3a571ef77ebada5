"""What requests of bills payment take, and refuse before they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from paycools_async import InvalidRequest
from paycools_async.converters import unstructure
from paycools_async.ph.bills import BatchCreateStaticVA, BillsChannel, CreateStaticVA, GetBillsPayments, UpdateStaticVA

TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}  # the manual clock starts at 08:00 Philippine time


def customer(**changes: Any) -> dict[str, Any]:
    fields = {"mch_order_id": "JUAN0001", "customer_name": "Juan Dela Cruz", "email": "juan@example.ph"}
    return {**fields, **changes}


def one_va(**changes: Any) -> CreateStaticVA:
    return CreateStaticVA(**customer(**{"channel_code": BillsChannel.SEVEN_ELEVEN, **changes}))


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
