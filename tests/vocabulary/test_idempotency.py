"""An idempotency id that was made from the order id is made anew when the order id changes; a given one stays."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

from paycools_async import CreatePayout, InvalidRequest
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    CreateIndonesianPayout,
    CreateMalaysianPayout,
    CreatePhilippinePayout,
    CreateThaiPayout,
    CreateUnifiedPayout,
)
from paycools_async.ph.payout import idempotency_id_for

PAYOUT: dict[str, Any] = {"amount": 50_000, "account_no": "0098765432", "account_name": "Ana Reyes"}
TEMPLATES: list[tuple[Any, dict[str, Any]]] = [
    (CreatePayout, {"pay_method_code": "BANK", "bank_code": "BPI"}),
    (CreatePhilippinePayout, {"pay_method_code": "BANK", "transfer_code": "BPI"}),
    (CreateIndonesianPayout, {"pay_method_code": "BANK", "transfer_code": "CIMB", "mobile": "081211112222"}),
    (
        CreateMalaysianPayout,
        {"pay_method_code": "BANK", "transfer_code": "RHBB", "account_type": "BANK_ACCOUNT"},
    ),
    (CreateThaiPayout, {"pay_method_code": "PROMPTPAY", "promptpay_account_type": "NATID"}),
    (CreateUnifiedPayout, {"pay_method_code": "BANK", "country_code": "PH"}),
]
every_payout = pytest.mark.parametrize(("cls", "more"), TEMPLATES, ids=lambda each: getattr(each, "__name__", ""))


@every_payout
def test_payees_paid_from_a_template_have_ids_of_their_own(cls: Any, more: dict[str, Any]) -> None:
    template = cls(mch_order_id="WAGES0000001", **PAYOUT, **more)
    payouts = [attrs.evolve(template, mch_order_id=f"WAGES000000{n}") for n in (2, 3)]
    assert [each.idempotency_id for each in payouts] == ["WAGES0000002", "WAGES0000003"]
    again = attrs.evolve(payouts[0], mch_order_id="S")
    assert again.idempotency_id == idempotency_id_for("S")
    assert unstructure(again)["idempotencyId"] == idempotency_id_for("S")
    assert attrs.evolve(template, amount=60_000).idempotency_id == "WAGES0000001"


@every_payout
def test_one_that_was_given_stays(cls: Any, more: dict[str, Any]) -> None:
    template = cls(mch_order_id="WAGES0000001", idempotency_id="MINE0000000001", **PAYOUT, **more)
    assert attrs.evolve(template, mch_order_id="WAGES0000002").idempotency_id == "MINE0000000001"
    made = cls(mch_order_id="WAGES0000001", **PAYOUT, **more)
    assert attrs.evolve(made, mch_order_id="B", idempotency_id="MINE0000000001").idempotency_id == "MINE0000000001"


def test_one_that_is_given_as_another_orders_text_stays_so_that_only_one_of_them_is_paid() -> None:
    first = CreatePayout(mch_order_id="WAGES0000001", **PAYOUT, pay_method_code="BANK", bank_code="BPI")
    second = CreatePayout(
        mch_order_id="OTHER0000001",
        idempotency_id=str(first.idempotency_id),
        **PAYOUT,
        pay_method_code="BANK",
        bank_code="BPI",
    )
    assert second.idempotency_id == "WAGES0000001"


def test_copies_by_other_means_are_the_same_request() -> None:
    first: Any = CreatePayout(mch_order_id="WAGES0000001", **PAYOUT, pay_method_code="BANK", bank_code="BPI")
    for other in (copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert other == first
        assert attrs.evolve(other, mch_order_id="WAGES0000002").idempotency_id == "WAGES0000002"
    from_a_dict = CreatePayout(**{**attrs.asdict(first), "mch_order_id": "WAGES0000002"})
    assert from_a_dict.idempotency_id == "WAGES0000002"


@pytest.mark.parametrize("order_id", ["PAY-2026-0001", "", None, "X" * 40])
def test_what_is_wrong_with_an_order_id_is_told_once(order_id: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CreatePayout(mch_order_id=order_id, **PAYOUT, pay_method_code="BANK", bank_code="BPI")
    assert {error.field for error in caught.value.errors} == {"mch_order_id"}
