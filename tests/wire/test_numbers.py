"""Answers are bounded in size, digits and levels before they are parsed, and the bound is told."""

from __future__ import annotations

import pytest

from paycools_async import UnexpectedAnswer
from paycools_async.wire.answer import _unpacked, read_answer
from paycools_async.wire.numbers import MOST_NESTED, OutOfBounds, is_nested_too_deep, parse_json


def refused(body: bytes) -> str:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_answer(200, {}, body)
    return str(caught.value)


def test_the_bound_is_in_the_message() -> None:
    assert "more than 16777216" in refused(b" " * (16 * 1024**2 + 1))
    assert "out of bounds: a number of more than 40 digits" in refused(b'{"code": ' + b"9" * 5000 + b"}")
    assert "beyond an exponent of 30" in refused(b'{"code": 1e99999}')
    assert "out of bounds: nested deeper than 32 levels" in refused(b'{"data": ' * 100_000)


@pytest.mark.parametrize("levels", [1, MOST_NESTED - 1, MOST_NESTED])
def test_as_many_levels_as_allowed_are_read(levels: int) -> None:
    assert parse_json("[" * levels + "]" * levels) is not None


def test_brackets_in_texts_are_no_levels() -> None:
    assert parse_json('["' + "[{" * 500 + '", "\\"[[["]') == ["[{" * 500, '"[[[']
    assert parse_json("[" + "{}," * 500 + "1]")
    with pytest.raises(OutOfBounds):
        parse_json("[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1))


@pytest.mark.parametrize("blanks", ["", " ", "\t\r\n "])
def test_blanks_may_stand_around_a_text_and_nothing_else(blanks: str) -> None:
    assert parse_json(f'{blanks}{{"a": 1}}{blanks}') == {"a": 1}
    for more in ("x", "{}", "\u00a0", "\f"):
        with pytest.raises(ValueError):
            parse_json(f'{{"a": 1}}{blanks}{more}')
        with pytest.raises(ValueError):
            parse_json(f'{more}{blanks}{{"a": 1}}')


def test_a_text_that_never_ends_hides_no_levels() -> None:
    assert not is_nested_too_deep('"' + "[" * 100)
    with pytest.raises(ValueError):
        parse_json('"' + "[" * 100)


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":1000,"code":1008}',
        b'{"code":1000,"message":"","c\\u006fde":1008}',
        b'{"code":1000,"data":{"a":1},"d\\u0061ta":{"a":2}}',
        b'{"code":1000,"message":"paid","message":"not paid"}',
        b'{"code":1000,"msg":"paid","ms\\u0067":"not paid"}',
        b'{"code":1000,"data":{"mchOrderId":"A1","mchOrder\\u0049d":"A2"}}',
        b'{"code":1000,"data":[{"amount":1,"amount":2}]}',
    ],
)
def test_an_answer_in_which_a_name_stands_twice_is_not_believed(body: bytes) -> None:
    """However it is spelled, and even if both say the same: which of them counts is a guess."""
    assert refused(body) == "HTTP 200: the answer is ambiguous: it has two members of one name"


def test_nor_is_data_that_travels_as_a_text() -> None:
    with pytest.raises(UnexpectedAnswer, match="the answer's data is ambiguous"):
        _unpacked('{"mchOrderId":"A1","mchOrder\\u0049d":"A2"}', 200)
