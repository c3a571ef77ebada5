"""Codes of banks and wallets in a file: known ones, strange ones, and a list of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ...errors import ConfigurationError
from ...fields import Rule
from ...known_codes import doubt_of, nearest, shown_code
from ...storage.regular_file import read_small

__all__ = ["CODE_COLUMNS", "Codes", "read_codes"]

CODE_COLUMNS = ("bank_code", "ewallet_code", "transfer_code", "pay_method_code")
_LISTED = CODE_COLUMNS[:-1]
"""A list of one's own is one of banks and wallets."""
_MOST = 500
"""Codes of a column that are counted; more are no codes any more."""
_SHOWN = 20
_MOST_BYTES = 1 << 20


def read_codes(path: Path) -> frozenset[str]:
    """The codes of a list, one a line; empty lines and lines with # at their beginning are nothing.

    Raises ConfigurationError.
    """
    try:
        content = read_small(path.expanduser(), _MOST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise ConfigurationError(f"--codes {path}: cannot be read: {why}") from None
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(f"--codes {path}: has more than {_MOST_BYTES:,} bytes")
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise ConfigurationError(f"--codes {path}: is not UTF-8") from None
    found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise ConfigurationError(f"--codes {path}: there is no code in it")
    return found


@attrs.define
class _Seen:
    line: int
    count: int = 0


class Codes:
    """Watches the codes of a file go by. With a list of one's own, what is not in it is an error."""

    def __init__(self, rules: dict[str, Rule], listed: frozenset[str] | None = None, name: str = "") -> None:
        self._known = {column: rules[column].known for column in CODE_COLUMNS if _is_open(rules.get(column))}
        self._listed = listed
        self._name = name
        self._seen: dict[str, dict[str, _Seen]] = {column: {} for column in self._known}
        self._doubted: dict[str, _Seen] = {}

    @property
    def strict(self) -> bool:
        """Whether there is a list of one's own."""
        return self._listed is not None

    def fault(self, column: str, code: Any) -> str | None:
        """Why a code is refused; None where it is not, or where there is no list of one's own."""
        if self._listed is None or column not in _LISTED or code in self._listed or not isinstance(code, str):
            return None
        near = nearest(code, self._listed)
        return f"is not in {self._name}" + (f"; the nearest there is {near}" if near else "")

    def note(self, line: int, request: Any) -> None:
        """Count a request's codes, and what is doubtful in it."""
        for doubt in request._doubts():
            self._doubted.setdefault(f"{doubt.field} {{}} {doubt.reason}", _Seen(line)).count += 1
        for column, seen in self._seen.items():
            code = getattr(request, column)
            if code is None:
                continue
            found = seen.get(code)
            if found is None:
                if len(seen) >= _MOST:
                    continue
                found = seen[code] = _Seen(line)
            found.count += 1

    def warnings(self) -> Iterator[str]:
        """What a person should look at before saying yes."""
        for told, at in self._doubted.items():
            yield told.format(f"({_where(at)})")
        if self._listed is not None:
            return
        for column, seen in self._seen.items():
            known = self._known[column]
            strange = {code: at for code, at in seen.items() if code not in known}
            if known:
                for code, at in list(strange.items())[:_SHOWN]:
                    yield f"{column} {shown_code(code)} ({_where(at)}) {doubt_of(code, known)}"
                if len(strange) > _SHOWN:
                    yield f"{column}: and {len(strange) - _SHOWN} more codes that are not known"
            elif strange:
                yield _unchecked(column, strange)
                yield from _twins(column, strange)


def _is_open(rule: Rule | None) -> bool:
    return rule is not None and rule.values is None


def _unchecked(column: str, seen: dict[str, _Seen]) -> str:
    counted = sorted(seen.items(), key=lambda each: -each[1].count)
    shown = ", ".join(f"{shown_code(code)} ({at.count:,})" for code, at in counted[:_SHOWN])
    more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
    return f"{column}: no list of these is public, so none was checked (--codes FILE does): {shown}{more}"


def _twins(column: str, seen: dict[str, _Seen]) -> Iterator[str]:
    """Codes of the file that differ in case only: one of them is wrong."""
    first: dict[str, str] = {}
    for code, at in seen.items():
        other = first.setdefault(code.casefold(), code)
        if other != code:
            yield f"{column} {shown_code(code)} ({_where(at)}) differs from {shown_code(other)} in upper and lower case"


def _where(at: _Seen) -> str:
    return f"line {at.line}" + (f" and {at.count - 1:,} more" if at.count > 1 else "")
