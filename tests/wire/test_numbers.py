"""Answers are bounded in size, digits and levels before they are parsed, and the bound is told."""

from __future__ import annotations

import pytest

from paycools_async import UnexpectedAnswer
from paycools_async.wire.answer import read_answer
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


def test_a_text_that_never_ends_hides_no_levels() -> None:
    assert not is_nested_too_deep('"' + "[" * 100)
    with pytest.raises(ValueError):
        parse_json('"' + "[" * 100)
