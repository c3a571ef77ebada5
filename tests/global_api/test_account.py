"""1. Account: a balance in major units, and the link to a report."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import support.global_samples as samples

from paycools_async import InvalidRequest, PayCoolsGlobal
from paycools_async.converters import structure
from paycools_async.global_api import CountryBalance, GetCountryBalance, GetReportLink, ReportLink
from paycools_async.testing import FakePayCools


async def test_a_balance_is_a_decimal_of_major_units(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.balances.update(PH=1_000_050, ID=10_000)
    assert (await paycools.account.balance(country_code="PH")).balance == Decimal("10000.50")
    assert (await paycools.account.balance(country_code="ID")).balance == Decimal("10000.00"), "whole rupiah"


async def test_a_payout_lowers_the_balance_of_its_country_alone(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.balances.update(PH=100_000, MY=100_000)
    await paycools.philippines.payouts.create(
        mch_order_id="ORDER1",
        amount=50_010,
        pay_method_code="BANK",
        transfer_code="BDO",
        account_no="1",
        account_name="Juan",
    )
    assert (await paycools.account.balance(country_code="PH")).balance == Decimal("499.90")
    assert (await paycools.account.balance(country_code="MY")).balance == Decimal("1000.00")


def test_the_documented_balance_parses() -> None:
    balance = samples.parsed({"balance": "10000.00"}, CountryBalance)
    assert balance.balance == Decimal("10000.00")
    assert str(balance.balance) == "10000.00"


@pytest.mark.parametrize("other", [{"balance": 439369947}, {"balance": "3688"}])
def test_a_white_labels_integer_is_not_converted(other: dict[str, Any]) -> None:
    assert structure(other, CountryBalance).balance == Decimal(other["balance"])


def test_the_documented_requests_are_made_again() -> None:
    samples.recreated(json.loads('{"countryCode":"PH","timestamp":"1682264649"}'), GetCountryBalance)
    request = samples.recreated(
        json.loads('{"countryCode":"TH","transDate":"2023-12-25","transType":2}'), GetReportLink
    )
    assert request == GetReportLink(country_code="TH", trans_date=date(2023, 12, 25), trans_type=2)  # type: ignore[arg-type]


def test_what_a_report_needs() -> None:
    with pytest.raises(InvalidRequest) as caught:
        GetReportLink(country_code="SG", trans_date="2023-13-01", trans_type=3)  # type: ignore[arg-type]
    assert [error.field for error in caught.value.errors] == ["country_code", "trans_date", "trans_type"]


def test_a_link_is_not_shown() -> None:
    link = samples.parsed({"downloadUrl": "https://calf.oss.example/a.xlsx?Expires=1&Signature=x"}, ReportLink)
    assert "Signature" not in repr(link)
