"""Codes of banks, wallets and channels. No list is complete, so one that is not known is sent, with a warning."""

from __future__ import annotations

import difflib
import functools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from .errors import DoubtfulAccountWarning, UnknownCodeWarning, level_outside

__all__ = ["doubt_of", "nearest", "shown_code", "strange_codes", "warn_of_codes"]

_MOST = 500
"""Codes of a client that are warned of; more are no codes any more."""


def strange_codes(request: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The request's codes that are not among those known: field, code, and the known ones."""
    kind: Any = type(request)
    for name, known, listed in _watched(kind):
        code = getattr(request, name)
        if code is not None and code not in known:
            yield name, code, listed


def warn_of_codes(request: Any, warned: set[tuple[str, str]]) -> None:
    """Warn of each code that is not known, once; `warned` remembers. And of each account that is doubtful."""
    for doubt in request._doubts():
        text = f"order {request.mch_order_id}: {doubt.field} {doubt.reason}"
        warnings.warn(text, DoubtfulAccountWarning, stacklevel=level_outside())
    for name, code, known in strange_codes(request):
        if (name, code) not in warned and len(warned) < _MOST:
            warned.add((name, code))
            text = f"{name} {shown_code(code)} {doubt_of(code, known)}"
            warnings.warn(text, UnknownCodeWarning, stacklevel=level_outside())


@functools.cache
def _watched(request_class: Any) -> tuple[tuple[str, frozenset[str], tuple[str, ...]], ...]:
    rules = ((field.name, field.metadata.get("rule")) for field in attrs.fields(request_class))
    return tuple((name, frozenset(rule.known), rule.known) for name, rule in rules if rule is not None and rule.known)


def doubt_of(code: str, known: tuple[str, ...]) -> str:
    """What to say of a code that is not among those known, after its name."""
    for each in known:
        if each.casefold() == code.casefold():
            return f"differs from the known code {each} in upper and lower case"
    near = nearest(code, known)
    return "is no code known here; PayCools publishes no list" + (f"; the nearest is {near}" if near else "")


def nearest(code: str, known: Iterable[str]) -> str | None:
    """The known code that was perhaps meant."""
    by_fold = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(code.casefold(), by_fold, 1)
    return by_fold[close[0]] if close else None


def shown_code(code: str) -> str:
    """The code, unless it may be an account's number in the wrong place."""
    return code if len(code) <= 12 and sum(char.isdigit() for char in code) < 7 else f"(of {len(code)} characters)"
