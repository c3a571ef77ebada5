"""Money without floats, and times with a zone."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paycools_async.money import EXPONENTS, format_major, from_minor, to_minor
from paycools_async.testing import ManualClock
from paycools_async.times import MANILA, SystemClock, parse_time, wire_date

# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("500.10", "PHP", 50010),
        ("500.1", "PHP", 50010),
        ("500", "PHP", 50000),
        ("0.01", "PHP", 1),
        ("0", "PHP", 0),
        ("007", "PHP", 700),
        (500, "PHP", 50000),
        (Decimal("500.10"), "PHP", 50010),
        (Decimal("5E+2"), "PHP", 50000),
        ("999999999999999.99", "PHP", 99999999999999999),
        ("500", "IDR", 500),
        ("1.05", "MYR", 105),
        ("1.05", "THB", 105),
        ("1.05", "RUB", 105),
    ],
)
def test_major_units_become_minor_ones_exactly(amount: Any, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "+1",
        "1e3",
        "1,000",
        "1.000,00",
        "1_000",
        " 1",
        "1 ",
        "1.",
        ".5",
        "0x10",
        "NaN",
        "inf",
        "٣",
        "1.2.3",
        "1" * 16,
    ],
)
def test_only_plain_digits_are_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a plain decimal number such as 500\.10$"):
        to_minor(text, "PHP")


@pytest.mark.parametrize("amount", [-1, Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_numbers_below_nothing_or_beyond_all_are_refused(amount: Any) -> None:
    with pytest.raises(ValueError):
        to_minor(amount, "PHP")


@pytest.mark.parametrize("amount", [500.10, 1.0, float("nan"), True])
def test_floats_and_bools_are_no_money(amount: Any) -> None:
    with pytest.raises(TypeError):
        to_minor(amount, "PHP")
    with pytest.raises(TypeError):
        from_minor(amount, "PHP")


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("1.001", "PHP", "more than 2 decimals, which PHP does not have"),
        ("1.100", "PHP", "more than 2 decimals, which PHP does not have"),
        ("1.0", "IDR", "decimals, which IDR does not have"),
    ],
)
def test_decimals_are_never_rounded_away(text: str, currency: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        to_minor(text, currency)
    assert str(caught.value) == message


def test_a_currency_of_another_world_is_named() -> None:
    for use in (lambda: to_minor("1", "USD"), lambda: from_minor(1, "USD"), lambda: format_major(1, "USD")):
        with pytest.raises(ValueError, match="no currency 'USD'; it has PHP, IDR, MYR, THB, RUB"):
            use()


@pytest.mark.parametrize(
    ("minor", "currency", "major", "text"),
    [
        (50010, "PHP", "500.10", "PHP 500.10"),
        (5001000, "PHP", "50010.00", "PHP 50,010.00"),
        (1, "PHP", "0.01", "PHP 0.01"),
        (-5, "PHP", "-0.05", "PHP -0.05"),
        (0, "PHP", "0.00", "PHP 0.00"),
        (1500000, "IDR", "1500000", "IDR 1,500,000"),
    ],
)
def test_minor_units_become_major_ones(minor: int, currency: str, major: str, text: str) -> None:
    assert str(from_minor(minor, currency)) == major
    assert format_major(minor, currency) == text


@settings(max_examples=50, deadline=None, database=None)
@given(st.integers(0, 10**15 - 1), st.sampled_from(sorted(EXPONENTS)))
def test_there_and_back_is_the_same(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor
    assert to_minor(format(from_minor(minor, currency), "f"), currency) == minor


# --- times ------------------------------------------------------------------------------------------------------------


def test_a_time_without_a_zone_is_philippine() -> None:
    """Inferred: an order id that holds a millisecond count, and the createTime beside it, differ by 8 hours."""
    moment = parse_time("2026-03-11 18:04:03")
    assert moment == datetime(2026, 3, 11, 10, 4, 3, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(hours=8)
    assert moment.tzname() == "PHT"


@pytest.mark.parametrize(
    "text",
    ["2026-03-11T10:04:03Z", "2026-03-11T10:04:03+00:00", "2026-03-11T18:04:03.000+0800", " 2026-03-11 18:04:03\n"],
)
def test_a_time_with_an_offset_keeps_it(text: str) -> None:
    assert parse_time(text) == datetime(2026, 3, 11, 10, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "11/03/2026", "25:00", "1773223443"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize("day", ["2026-02-28", date(2026, 2, 28)])
def test_a_day_is_written_as_documented(day: date | str) -> None:
    assert wire_date(day) == "2026-02-28"


@pytest.mark.parametrize("day", ["2026-2-28", "20260228", "2026-02-30", "2026-W09-6", "28.02.2026", "", "2026-02-28 "])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(ValueError):
        wire_date(day)


def test_a_moment_is_no_day() -> None:
    with pytest.raises(ValueError, match="not a date and time"):
        wire_date(datetime(2026, 2, 28, tzinfo=MANILA))


def test_the_fixed_offset_is_exact() -> None:
    assert MANILA.utcoffset(None) == timedelta(hours=8)


async def test_the_clocks_go_forward() -> None:
    system, manual = SystemClock(), ManualClock()
    before = system.monotonic()
    await system.sleep(0)
    assert system.monotonic() >= before
    assert abs(system.time() - datetime.now(UTC).timestamp()) < 5
    await manual.sleep(2.5)
    manual.advance(1.5)
    assert (manual.monotonic(), manual.time()) == (4.0, datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 4)


@pytest.mark.parametrize(
    "amount", [Decimal("1e999999999"), Decimal("1e-999999999"), Decimal("NaN"), Decimal("-Infinity"), 10**40]
)
def test_an_amount_beyond_all_money_is_refused_before_it_is_written_out(amount: Decimal | int) -> None:
    began = time.thread_time()
    with pytest.raises(ValueError, match="not a number of money's size"):
        to_minor(amount, "PHP")
    assert time.thread_time() - began < 1


def test_many_digits_are_kept_exactly() -> None:
    assert format_major(10**39 + 7, "PHP").endswith(",000.07")
