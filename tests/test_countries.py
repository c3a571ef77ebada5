"""One table of countries: what a country's money, times and numbers are like."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from paycools_async.countries import (
    COUNTRIES,
    ID_MOBILE,
    MY_MOBILE,
    PAYOUT_COUNTRIES,
    PAYOUT_CURRENCIES,
    PH_MOBILE,
    TH_MOBILE,
    MobileRule,
    currency_of,
    zone_of,
)

NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - a text without a zone, as PayCools writes it


def test_the_table() -> None:
    table = [
        (each.code, each.currency, each.exponent, each.zone.utcoffset(NOON), each.has_payouts)
        for each in COUNTRIES.values()
    ]
    seven, eight = timedelta(hours=7), timedelta(hours=8)
    assert table == [
        ("PH", "PHP", 2, eight, True),
        ("ID", "IDR", 0, seven, True),
        ("MY", "MYR", 2, eight, True),
        ("TH", "THB", 2, seven, True),
        ("RU", "RUB", 2, eight, False),
    ]
    assert list(COUNTRIES) == [each.code for each in COUNTRIES.values()]


def test_russia_has_no_payouts() -> None:
    assert PAYOUT_COUNTRIES == ("PH", "ID", "MY", "TH")
    assert {each.code: each.calling_code for each in COUNTRIES.values()} == {
        "PH": "63",
        "ID": "62",
        "MY": "60",
        "TH": "66",
        "RU": "7",
    }
    assert PAYOUT_CURRENCIES == ("PHP", "IDR", "MYR", "THB")


def test_an_unknown_country_has_no_currency_and_philippine_time() -> None:
    assert [currency_of(code) for code in ("XX", "id", None, 5, ["ID"])] == [None] * 5
    assert [zone_of(code).utcoffset(NOON) for code in ("XX", None)] == [timedelta(hours=8)] * 2


@pytest.mark.parametrize(
    ("rule", "national", "written"),
    [
        (PH_MOBILE, "09171234567", ("639171234567", "+639171234567")),
        (ID_MOBILE, "081234567890", ("6281234567890", "+6281234567890")),
        (MY_MOBILE, "0123456789", ("60123456789", "+60123456789")),
        (TH_MOBILE, "0812345678", ("66812345678", "+66812345678")),
    ],
)
def test_numbers_are_written_as_at_home(rule: MobileRule, national: str, written: tuple[str, ...]) -> None:
    assert [rule.national(each) for each in (national, *written)] == [national] * 3
    assert rule.form.fits(national)
    assert rule.shortest <= len(national) <= rule.longest


@pytest.mark.parametrize("rule", [PH_MOBILE, ID_MOBILE, MY_MOBILE, TH_MOBILE])
def test_a_number_is_never_padded_and_never_cut(rule: MobileRule) -> None:
    for value in ("", "9171234567", "+6391712345678", "0917 123 4567", " 09171234567", "+1 555 0100", None, 9171234567):
        assert rule.national(value) == value


@pytest.mark.parametrize(
    ("rule", "first", "digits"),
    [(PH_MOBILE, "9", {11}), (ID_MOBILE, "8", {10, 11, 12, 13}), (MY_MOBILE, "1", {10, 11}), (TH_MOBILE, "689", {10})],
)
def test_a_mobile_number_has_its_countrys_first_digit_and_length_and_nothing_else(
    rule: MobileRule, first: str, digits: set[int]
) -> None:
    fits = {
        (digit, size) for digit in "0123456789" for size in range(16) if rule.form.fits(f"0{digit}".ljust(size, "2"))
    }
    assert fits == {(digit, size) for digit in first for size in digits}
    whole = f"0{first[0]}".ljust(min(digits), "2")
    for spoiled in (f"{whole[:-1]}a", f"{whole[:-1]}\u0662", f"{whole}\n"):
        assert not rule.form.fits(spoiled)
        assert rule.national(rule.prefix + spoiled[1:]) == rule.prefix + spoiled[1:]
    assert not rule.form.fits(f"1{whole[1:]}")
    assert rule.national(f"++{rule.prefix}{whole[1:]}") == f"++{rule.prefix}{whole[1:]}"
