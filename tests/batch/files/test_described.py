"""The columns of a file and the row of a template are what the class of the request says, in every country."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from paycools_async import CreatePayout
from paycools_async.batch import Order, OrderFile
from paycools_async.batch.files.described import SAMPLE_ID, FileColumns
from paycools_async.batch.run.payout_api import payout_request
from paycools_async.countries import COUNTRIES, PAYOUT_COUNTRIES
from paycools_async.endpoint import PHRequest, endpoint
from paycools_async.errors import FieldError, InvalidRequest
from paycools_async.fields import choice, code, minor_units, order_id, payee, text
from paycools_async.ph.payout import PayoutReceipt
from paycools_async.traits import DOCUMENTED, PAYOUT

APIS: tuple[str | None, ...] = (None, *PAYOUT_COUNTRIES)


def described(country: str | None) -> FileColumns:
    return FileColumns(payout_request(country), COUNTRIES[country or "PH"].currency)


METHODS = [(country, method) for country in APIS for method in described(country).methods]


@pytest.mark.parametrize(("country", "method"), METHODS)
@pytest.mark.parametrize("optional", [False, True])
def test_a_templates_row_is_a_payout(country: str | None, method: str, optional: bool, tmp_path: Path) -> None:
    found = described(country)
    names = [column.name for column in found.named(method, optional=optional)]
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerow(found.sample(method))
    orders = OrderFile(path, payout_request(country), COUNTRIES[country or "PH"].currency)
    [order] = list(orders)
    assert isinstance(order, Order), order
    assert order.request.pay_method_code == method
    assert orders.sample == 2
    assert any(SAMPLE_ID in warning for warning in orders.warnings)


@pytest.mark.parametrize(("country", "method"), METHODS)
def test_each_column_that_a_way_of_paying_needs_is_missed(country: str | None, method: str) -> None:
    found = described(country)
    sample = found.sample(method)
    assert {column.name for column in found.named(method)} == set(sample)
    currency = COUNTRIES[country or "PH"].currency
    for left_out in set(sample) - {"amount"}:
        rest = {name: value for name, value in sample.items() if name not in (left_out, "amount")}
        with pytest.raises((TypeError, InvalidRequest)):
            payout_request(country)(**rest, amount=50_010)
    assert currency in {column.unit for column in found.columns}


@pytest.mark.parametrize("country", APIS)
def test_there_is_a_column_for_each_field_and_no_other(country: str | None) -> None:
    fields = {field.name for field in attrs.fields(payout_request(country)) if "rule" in field.metadata}
    assert {column.name for column in described(country).columns} == fields


@pytest.mark.parametrize("country", APIS)
def test_every_example_is_one_that_the_rule_takes(country: str | None) -> None:
    rules = {field.name: field.metadata.get("rule") for field in attrs.fields(payout_request(country))}
    for column in described(country).columns:
        rule = rules[column.name]
        if column.example and rule.type is str:
            assert rule.holds(column.example), column.name
        assert column.example or column.name == "idempotency_id", "each column has an example"


def test_the_philippine_columns_are_told_as_the_page_has_them() -> None:
    found = {column.name: column for column in described(None).columns}
    assert (found["bank_code"].required, found["bank_code"].required_for) == (False, ("BANK",))
    assert found["ewallet_code"].required_for == ("EWALLET",)
    assert found["amount"].length == "PHP 1.00 to PHP 5,000,000.00"
    assert found["mch_order_id"].length == "1 to 32 characters"
    assert found["mch_order_id"].alphabet == "letters and digits only"
    assert found["pay_method_code"].values == ("BANK", "EWALLET", "SCANQR")
    assert found["account_no"].about.startswith("for EWALLET a mobile number")
    assert (found["account_no"].personal, found["remark"].personal) == (True, False)
    assert found["gender"].about == "0 female, 1 male, 2 other"


def test_a_thai_row_needs_what_its_method_needs() -> None:
    found = {column.name: column.required_for for column in described("TH").columns if column.required_for}
    assert found == {
        "transfer_code": ("BANK", "EWALLET"),
        "promptpay_account_type": ("PROMPTPAY",),
        "account_name": ("BANK", "EWALLET"),
        "account_type": ("BANK",),
        "account_tax_id": ("BANK",),
        "mobile": ("BANK",),
    }


def test_what_a_new_class_says_is_told_without_another_list() -> None:
    @endpoint("test.described", "POST", "/x", nav="0", purpose=PAYOUT, provenance=DOCUMENTED)
    class Another(PHRequest[PayoutReceipt]):
        """Another.

        `town`: where the payee lives. `bank`: which.
        """

        mch_order_id: str = order_id()
        amount: int = minor_units(1)
        pay_method_code: Literal["BARTER"] = choice("BARTER")
        town: str = text(1, 7, example="Cebu")
        account_name: str = payee(1, 30)
        bank: str | None = code(default=None)

        def _cross_checks(self) -> Any:
            if self.bank is None:
                yield FieldError("bank", "is required when pay_method_code is BARTER")

    found = FileColumns(Another, "PHP")
    assert found.sample("BARTER")["town"] == "Cebu"
    [town] = [column for column in found.columns if column.name == "town"]
    assert (town.length, town.about) == ("1 to 7 characters", "where the payee lives")
    assert [column.required_for for column in found.columns if column.name == "bank"] == [("BARTER",)]
    assert CreatePayout is payout_request(None)
