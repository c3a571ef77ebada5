"""No text field of any request takes a character outside the rule: drawn from whole categories of Unicode."""

from __future__ import annotations

import random
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support import strategies
from support.checker import account_is_right, code_is_right, text_is_right
from support.size import size, some
from test_requests_property import REQUESTS

from paycools_async import Endpoint, InvalidRequest
from paycools_async.fields import ACCOUNT, CODE, PHONE, Rule, is_clean
from paycools_async.global_api.countries.philippines import CreatePhilippinePayout
from paycools_async.global_api.unified.parts import UnifiedAddress, UnifiedGoods
from paycools_async.ph.payout import CreatePayout, QueryPayout
from paycools_async.texts import account_fault, code_fault, name_fault, shown_text, text_fault
from paycools_async.vocabulary.parts import CheckoutAddress, CheckoutGoods

OUTSIDE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
FEW = settings(
    max_examples=size(1, 3),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@cache
def category(name: str) -> str:
    """Every character of a category; of the two largest, private use and unassigned, a wide selection."""
    found = [chr(point) for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) == name]
    return "".join(found if len(found) < 10_000 else random.Random(18).sample(found, size(300, 3_000))).replace(" ", "")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("around", ["{}", "a{}b", "{}ab", "ab{}", "{}{}"])
def test_no_character_of_these_categories_passes_wherever_it_stands(name: str, around: str) -> None:
    for char in category(name):
        text = around.replace("{}", char)
        assert not is_clean(text), ascii(char)
        assert text_fault(text) is not None
        assert account_fault(text) is not None
        assert code_fault(text) is not None


def test_the_rule_takes_just_what_the_second_checker_takes() -> None:
    for point in range(0, sys.maxunicode + 1, size(13, 1)):
        char = chr(point)
        assert is_clean(char) is text_is_right(char), hex(point)
        assert (text_fault(char) is None) is text_is_right(char), hex(point)


def test_digits_of_other_scripts_are_none() -> None:
    for name in ("Nd", "No", "Nl"):
        for char in category(name):
            if not char.isascii():
                for text in (char * 9, "12345678" + char, char + "12345678"):
                    assert not ACCOUNT.fits(text)
                    assert not PHONE.fits(text)
                    assert not CODE.fits(text)


@settings(max_examples=size(200, 1500), deadline=None, database=None, derandomize=True)
@given(st.text(st.characters(), max_size=12) | st.text("0123456789 ,.'-+()=#eE_/aN", max_size=14))
def test_no_account_or_code_passes_that_the_second_checker_refuses(text: str) -> None:
    assert not (is_clean(text) and ACCOUNT.fits(text)) or account_is_right(text)
    assert not (text and is_clean(text) and CODE.fits(text)) or code_is_right(text)


RULES = list({
    field.metadata["rule"]: None
    for entry in REQUESTS
    for field in attrs.fields(entry.request)
    if field.metadata.get("rule") is not None and field.metadata["rule"]._quick is not None
})  # fmt: skip


BOUNDED = list({
    rule: None
    for entry in REQUESTS
    for field in attrs.fields(entry.request)
    if (rule := field.metadata.get("rule")) is not None and (rule.type is int or rule.values)
})  # fmt: skip


@pytest.mark.parametrize("rule", BOUNDED, ids=lambda rule: f"rule {BOUNDED.index(rule)}")
def test_the_quick_look_at_a_number_or_a_choice_says_what_the_rule_says(rule: Rule) -> None:
    ends = [end for end in (rule.minimum, rule.maximum) if end is not None]
    near: list[Any] = [end + step for end in (*ends, 0) for step in (-1, 0, 1)]
    values = [*(rule.values or ()), *(near if rule.type is int else ("", "no such choice"))]
    for value in values:
        assert bool(rule.quick(value)) is (rule.broken_by(value) == []), value


@pytest.mark.parametrize("rule", some(RULES, 8), ids=lambda rule: f"rule {RULES.index(rule)}")
def test_the_quick_look_takes_nothing_that_the_rule_refuses(rule: Rule) -> None:
    quick: Any = rule.quick
    pattern: Any = rule._quick

    @settings(FEW, max_examples=size(10, 60))
    @given(st.from_regex(pattern, fullmatch=True) | st.text(max_size=12))
    def holds(text: str) -> None:
        assert not quick(text) or rule.broken_by(text) == []

    holds()
    for word in ("nan", "NULL", "None", "Nil", "nat", "inf", "undefined", "1E5", "000", "1-Mar", " a", "a ", "a\n", ""):
        assert not quick(word) or rule.broken_by(word) == [], word


# -- every field of every request --------------------------------------------------------------------------------------

PARTS = [CheckoutGoods, CheckoutAddress, UnifiedGoods, UnifiedAddress]


def text_fields(cls: Any) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(cls):
        rule: Rule | None = field.metadata.get("rule")
        if rule is not None and rule.type is str:
            yield field.name, lambda text: text
        elif rule is not None and rule.type is list:
            yield field.name, lambda text: [text]
        elif field.name in ("extra", "wechatpay"):
            yield field.name, lambda text: {"note": text}
            yield field.name, lambda text: {text: "note"}
            yield field.name, lambda text: {"deep": [{"note": [text]}]}


def strange(chance: random.Random, valid: Any) -> Iterator[str]:
    """Texts with a character of each category in a place of each kind."""
    base = valid if isinstance(valid, str) and valid else "0912345678"
    for name in OUTSIDE:
        char = chance.choice(category(name))
        at = chance.randrange(1, len(base)) if len(base) > 1 else 1
        yield base[:at] + char + base[at:]
        yield chance.choice([char + base, base + char, char])
        if len(base) > 1:
            yield base[: at - 1] + char + base[at:]  # of the same length
    yield from (" " + base, base + " ", " ")


def refuses(cls: Any, valid: Any) -> None:
    chance = random.Random(cls.__name__)
    for name, wrapped in text_fields(cls):
        for text in strange(chance, getattr(valid, name)):
            with pytest.raises(InvalidRequest) as caught:
                attrs.evolve(valid, **{name: wrapped(text)})
            assert name in {error.field for error in caught.value.errors}, (name, ascii(text))
            for error in caught.value.errors:
                told = error.reason.partition("must be one of")[0]
                assert len(text) < 6 or text not in told, "never the value"


@pytest.mark.parametrize("entry", some(REQUESTS, 15), ids=lambda entry: entry.id)
def test_no_text_field_of_a_request_takes_a_character_outside_the_rule(entry: Endpoint) -> None:
    @FEW
    @given(strategies.instances(entry.request))
    def holds(request: Any) -> None:
        refuses(entry.request, request)

    holds()


@pytest.mark.parametrize("part", PARTS)
def test_nor_does_an_object_inside_one(part: Any) -> None:
    @FEW
    @given(strategies.instances(part))
    def holds(value: Any) -> None:
        refuses(part, value)

    holds()


PAYOUTS = [entry for entry in REQUESTS if "account_no" in {field.name for field in attrs.fields(entry.request)}]


@pytest.mark.parametrize("entry", some(PAYOUTS, 2), ids=lambda entry: entry.id)
@pytest.mark.parametrize(
    "account",
    ["nan", "NULL", "None", "#N/A", "=0012345678", "'0012345678", "1,23E+11", "1.23E+11", "1E11", "0012345678.0",
     "12,345,678", "12.345.678", "12 345 678", "-12345678", "12345678-", "(12345678)", "0000000000", "2026-02-01",
     "Mar-45", "Jan-26", "Sep-02", "Mrz-26", "1 Mar", "Mar 1", "1 Feb 2026", "Feb 1 2026", "2026-Feb-01", "Feb-1-2026",
     "1. Mai 2026", "Agu-26", "17 Agustus 2026", "Ogos 2026", "Dis-26", "31-Dis-2026", "12 Hun 2026", "Peb-14", "Ene 5",
     "12-2026", "1 ม.ค. 2569", "PHP 1234567", "Rp 1234567", "Rp1234567", "RM 12345678", "12345678 CR", "12345678 usd",
     "๐๐๑๒๓๔๕๖๗๘", "００１２３４５６７８", "Juan Dela Cruz", "0012\n345678", "0012\u200b345678"],
)  # fmt: skip
def test_what_a_spreadsheet_made_of_an_account_number_is_refused_everywhere(entry: Endpoint, account: str) -> None:
    @settings(FEW, max_examples=1)
    @given(strategies.instances(entry.request))
    def holds(request: Any) -> None:
        with pytest.raises(InvalidRequest) as caught:
            attrs.evolve(request, account_no=account, pay_method_code="BANK")
        [reason] = [error.reason for error in caught.value.errors if error.field == "account_no"]
        assert len(account) < 5 or account not in reason

    holds()


@pytest.mark.parametrize(
    "account",
    ["0012345678", "1234-5678-90", "12-345-6789", "JM0123456-X", "RM12345678", "P1234567A", "1A2B-3C", "A123 4567",
     "123456-01-7890", "SET-1234", "DIS-123", "MAR1234", "1234MAY", "0123 4567 8901", "PHP1234567"],
)  # fmt: skip
def test_what_a_real_account_number_may_look_like_is_taken(account: str) -> None:
    assert account_fault(account) is None


@pytest.mark.parametrize(
    "code", ["BDO", "MAYA", "MAYBANK", "SEPT2", "014", "MAR", "SETB", "BPI/BanKo", "DBS 12", "PNB 1", "BANK-01",
             "Bank of the Philippine Islands (BPI)", "MARIPHM1", "CENAIDJA", "BKKBTHBK", "PH_BDO", "NOVA 123"],
)  # fmt: skip
def test_what_a_real_code_may_look_like_is_taken(code: str) -> None:
    assert code_fault(code) is None


@pytest.mark.parametrize("code", ["Mar-45", "Sep-02", "1/Mar/26", "2.Mai.26", "Okt 26", "PHP 014", "12345678 CR"])
def test_what_a_spreadsheet_made_of_a_code_is_refused(code: str) -> None:
    assert code_fault(code) is not None


NO_NAMES = ["nan", "NaN", "None", "null", "NULL", "#N/A", "#REF!", "#DIV/0!", "#WERT!", "#####", "=A1", "=VLOOKUP(A1)",
            "1.2E+11", "1,2E+11", "-", ".", "'", "Err:502", "(null)", "N/A"]  # fmt: skip


@pytest.mark.parametrize("entry", some(PAYOUTS, 2), ids=lambda entry: entry.id)
@pytest.mark.parametrize("name", NO_NAMES)
def test_what_programs_write_where_no_name_stood_is_refused_once(entry: Endpoint, name: str) -> None:
    @settings(FEW, max_examples=1)
    @given(strategies.instances(entry.request))
    def holds(request: Any) -> None:
        with pytest.raises(InvalidRequest) as caught:
            attrs.evolve(request, account_name=name)
        assert [error.field for error in caught.value.errors] == ["account_name"]

    holds()


@pytest.mark.parametrize("name", ["Null", "Nan", "None Reyes", "Ana Nan", "Nullah", "Jo", "Err"])
def test_people_have_such_names(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize("order_id", ["nan", "NaN", "None", "null", "NULL", "undefined"])
def test_a_new_order_is_not_named_after_nothing_and_an_old_one_can_be_asked_about(order_id: str) -> None:
    for entry in PAYOUTS:

        @settings(FEW, max_examples=1)
        @given(strategies.instances(entry.request))
        def holds(request: Any) -> None:
            with pytest.raises(InvalidRequest) as caught:
                attrs.evolve(request, mch_order_id=order_id)
            assert {error.field for error in caught.value.errors} == {"mch_order_id"}

        holds()
    assert QueryPayout(mch_order_id=order_id).mch_order_id == order_id


def test_what_two_rules_see_is_told_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CreatePhilippinePayout(
            mch_order_id="A1",
            amount=100,
            pay_method_code="EWALLET",
            transfer_code="GCASH",
            account_no="1.2E+11",
            account_name="Ana Reyes",
        )
    assert len(caught.value.errors) == 1


def test_a_merchants_name_goes_with_a_qr_code_only() -> None:
    payout: dict[str, Any] = {
        "mch_order_id": "A1",
        "amount": 100,
        "account_no": "00020101021127ABC6304",
        "account_name": "Ana & Co. 24",
    }
    assert CreatePayout(**payout, pay_method_code="SCANQR").account_name == "Ana & Co. 24"
    with pytest.raises(InvalidRequest, match="account_name: letters, spaces"):
        CreatePayout(**payout, pay_method_code="BANK", bank_code="BPI")
    with pytest.raises(InvalidRequest, match="account_name: has 31 characters, must be at most 30"):
        CreatePayout(**{**payout, "account_name": "&" * 31}, pay_method_code="SCANQR")


@given(st.text(max_size=400), st.integers(min_value=4, max_value=300))
def test_words_of_others_are_one_printable_line_of_a_bounded_length(text: str, most: int) -> None:
    shown = shown_text(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
    assert text_fault(shown.strip() or "x") is None
