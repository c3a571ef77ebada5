"""Hypothesis strategies from the field rules: valid requests of any class, and every way to break one field."""

from __future__ import annotations

import string
import types
import typing
from collections.abc import Iterator
from datetime import date
from typing import Any

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from paycools_async import InvalidRequest, countries, fields
from paycools_async.fields import Rule
from paycools_async.global_api.countries.philippines import ACCOUNT_NAME

ALPHABETS = {
    id(fields.ALPHANUMERIC): string.ascii_letters + string.digits,
    id(fields.PERSON_NAME): string.ascii_letters + " '.-",
    id(fields.APP_NAME): string.ascii_letters + " ",
    id(fields.CODE): string.ascii_letters + string.digits + "_",
    id(fields.ACCOUNT): string.digits,
    id(fields.PHONE): string.digits,
    id(fields._CODES): string.ascii_letters + string.digits + "_",
    id(ACCOUNT_NAME): string.ascii_letters + string.digits + "ñÑéÉ '.-",
}
MOBILES = st.text(string.digits, min_size=9, max_size=9).map(lambda rest: f"09{rest}")
CODES = st.text(string.ascii_uppercase + string.digits + "_", min_size=1, max_size=12)
DAYS = st.dates(date(2020, 1, 1), date(2039, 12, 31))
ANY_TEXT = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
EXTRAS = st.dictionaries(
    WORDS.map("x".__add__),
    st.text(ANY_TEXT, min_size=1, max_size=8).filter(fields.is_clean) | st.integers(),
    max_size=2,
)
NAMES = st.text(ALPHABETS[id(fields.PERSON_NAME)], min_size=1, max_size=30).filter(fields.is_clean)


def _texts(rule: Rule) -> st.SearchStrategy[Any]:
    shortest, longest = rule.minimum or 0, rule.maximum if rule.maximum is not None else 40
    if rule.values is not None:
        return st.sampled_from(rule.values)
    if rule.pattern is None:
        made: st.SearchStrategy[Any] = st.text(ANY_TEXT, min_size=shortest, max_size=longest)
    elif id(rule.pattern) in ALPHABETS:
        made = st.text(ALPHABETS[id(rule.pattern)], min_size=shortest, max_size=longest)
    elif rule.pattern is countries.PH_MOBILE.form:
        made = MOBILES
    elif rule.pattern is fields.EMAIL:
        made = st.builds(lambda name, host: f"{name}@{host}.example", WORDS, WORDS)
    elif rule.pattern is fields.URL:
        made = st.builds(lambda host, path: f"https://{host}.example/{path}", WORDS, WORDS)
    elif rule.is_a_day:
        return DAYS | DAYS.map(date.isoformat)
    else:
        made = st.from_regex(rule.pattern[0], fullmatch=True) | MOBILES
    return made.filter(lambda value: not list(rule.broken_by(value)))


def _parts(hint: Any) -> Iterator[Any]:
    """The classes named in a type hint."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType, list):
        for inner in typing.get_args(hint):
            yield from _parts(inner)
    elif hint is not type(None):
        yield hint


def values(cls: type, field: attrs.Attribute[Any]) -> st.SearchStrategy[Any]:
    """Valid values of one field."""
    rule: Rule | None = field.metadata.get("rule")
    if rule is not None and rule.type is int:
        if rule.values is not None:
            return st.sampled_from(rule.values)
        return st.integers(rule.minimum, rule.maximum if rule.maximum is not None else 10**12)
    if rule is not None and rule.type is str:
        made, converter = _texts(rule), typing.cast(Any, field.converter)
        return made | st.lists(CODES, min_size=1, max_size=3) if converter is fields._joined else made
    (part, *_) = _parts(typing.get_type_hints(cls)[field.name])
    if typing.get_origin(part) is dict:
        return EXTRAS
    inner = CODES if part is str else instances(part)
    return st.lists(inner, min_size=1, max_size=min(3, rule.maximum or 3)) if rule is not None else inner


def given_fields(cls: Any) -> list[attrs.Attribute[Any]]:
    return [field for field in attrs.fields(cls) if field.name != "extra"]


@st.composite
def instances(draw: st.DrawFn, cls: Any) -> Any:
    """Valid instances of a request class (or of an object inside one), extra fields included."""
    chosen = {
        field.name: draw(values(cls, field))
        for field in given_fields(cls)
        if field.default is attrs.NOTHING or draw(st.booleans())
    }
    if any(field.name == "extra" for field in attrs.fields(cls)):
        chosen["extra"] = draw(EXTRAS)
    for attempt in range(8):
        try:
            return cls(**chosen)
        except InvalidRequest as error:
            # rules between fields are not declared: draw what they complain about once more
            for name in {each.field for each in error.errors}:
                again = values(cls, getattr(attrs.fields(cls), name))
                plain = NAMES if name.endswith("name") else MOBILES
            chosen[name] = draw(plain if attempt % 2 and isinstance(chosen.get(name), str) else again)
    return reject()


def violations(cls: Any) -> Iterator[tuple[str, Any]]:
    """(field, value) for each single rule of each field, broken."""
    for field in given_fields(cls):
        rule: Rule | None = field.metadata.get("rule")
        if rule is None:
            continue
        bad: list[Any] = [1.5]
        if field.default is not None:
            bad.append(None)
        if rule.type is int:
            bad += ["1", True]
            bad += [rule.minimum - 1] if rule.minimum is not None else []
            bad += [rule.maximum + 1] if rule.maximum is not None else []
            bad += [-987_654_321] if rule.values is not None else []
        elif rule.type is str:
            bad += ["\ud800", " "]
            bad += [""] if rule.minimum else []
            bad += ["9" * (rule.maximum + 1)] if rule.maximum is not None else []
            bad += ["é !"] if rule.values is not None else []
            bad += ["é !"] if rule.pattern is not None and rule.pattern[0].fullmatch("é !") is None else []
        elif rule.type is list:
            bad += ["[]"]
            bad += [[]] if rule.minimum else []
            bad += [["x"] * (rule.maximum + 1)] if rule.maximum is not None else []
        for value in bad:
            yield field.name, value
