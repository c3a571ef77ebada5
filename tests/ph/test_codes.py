"""Known codes explain themselves; unknown ones pass through."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

import paycools_async.ph
from paycools_async import PayoutStatus, Provenance, endpoints
from paycools_async.converters import structure
from paycools_async.enums import OpenEnum
from paycools_async.ph.codes import (
    CheckoutChannel,
    DirectDebitChannel,
    EventName,
    EWalletCode,
    FailedCode,
    WebPaymentChannel,
)

QUERIED = {"mchOrderId": "A1", "transactionId": "D1", "transactionStatus": "FAILED"}

KINDS: tuple[Any, ...] = (
    CheckoutChannel,
    DirectDebitChannel,
    EventName,
    EWalletCode,
    FailedCode,
    WebPaymentChannel,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_code_says_what_it_is_and_how_sure_that_is(kind: Any) -> None:
    for code in kind:
        assert code.about.label
        assert isinstance(code.about.provenance, Provenance)
        assert code.about.note or code.about.provenance is Provenance.DOCUMENTED


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not FailedCode])
def test_an_unknown_code_stays_as_it_is(kind: type[OpenEnum]) -> None:
    unknown = kind("Some_New")
    assert (str(unknown), unknown.known) == ("Some_New", False)
    assert getattr(unknown, "about") is None  # noqa: B009 - not on every open enum


@pytest.mark.parametrize("given", [-10005, "-10005", 10005, "10005"])
def test_a_failure_code_is_one_number_in_all_its_forms(given: int | str) -> None:
    status = structure({**QUERIED, "failedCode": given}, PayoutStatus)
    assert status.failed_code is FailedCode.DESTINATION_ACCOUNT_ERROR
    assert int(status.failed_code) == -10005
    assert FailedCode.DESTINATION_ACCOUNT_ERROR.description == "something is wrong with the destination account"


@pytest.mark.parametrize(("given", "number"), [(1001, 1001), ("-7", -7)])
def test_an_unknown_failure_code_is_kept(given: int | str, number: int) -> None:
    code = structure({**QUERIED, "failedCode": given}, PayoutStatus).failed_code
    assert (code, code.known) == (number, False)
    assert code.description == "a failure code that is not in PayCools' list"


@pytest.mark.parametrize("given", [None, "", "E7"])
def test_a_failure_code_that_is_no_number_costs_nothing_but_itself(given: str | None) -> None:
    status = structure({**QUERIED, "failedCode": given}, PayoutStatus)
    assert (status.failed_code, status.raw["failedCode"]) == (None, given)


def test_every_event_the_products_take_is_listed() -> None:
    for module in pkgutil.iter_modules(paycools_async.ph.__path__):
        importlib.import_module(f"paycools_async.ph.{module.name}")
    names = {
        name
        for entry in endpoints()
        if entry.family == "ph" and entry.kind == "callback" and entry.request.__module__.startswith("paycools_async.")
        for name in entry.request.__event_names__
    }
    assert names - {name.value for name in EventName} == set()
