"""A ledger's row and what a move changes in it; and the SQLite ledger's tables.

`payouts` is the present, `moves` the past, append-only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from ..wire.answer import readable
from .states import Event, IllegalMove, Reason, State, after

__all__ = ["COLUMNS", "SCHEMA", "VERSION", "WITHOUT_ORDER", "Judge", "Row", "judged", "made", "moved", "row_of"]

VERSION = 1

SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    intake INTEGER NOT NULL,
    line INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    due REAL NOT NULL DEFAULT 0,
    resends INTEGER NOT NULL DEFAULT 0,
    looks INTEGER NOT NULL DEFAULT 0,
    absent_since REAL,
    transaction_id TEXT,
    code INTEGER,
    message TEXT,
    updated REAL NOT NULL
);
CREATE INDEX payouts_due ON payouts (state, due);
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    payout INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    message TEXT
);
CREATE TRIGGER moves_stay BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
PRAGMA user_version = {VERSION};
"""


@attrs.frozen(kw_only=True, slots=False)
class Row:
    """One payout in the ledger. `amount` in minor units; times are seconds since the epoch."""

    id: int
    order_id: str
    line: int
    amount: int
    body: str = attrs.field(repr=False)
    """The request's fields, frozen at intake, as JSON. May be empty where the row was lent for an inquiry."""
    digest: str = attrs.field(repr=False)
    """The fingerprint of the text that will be signed."""
    state: State
    reason: Reason | None
    resends: int
    looks: int
    """Inquiries since the last change, for the growing pause between them."""
    absent_since: float | None
    transaction_id: str | None
    code: int | None
    message: str | None
    updated: float


R = TypeVar("R", bound=Row)
_BITS = 63
_NAMES = tuple(field.name for field in attrs.fields(Row))
_STATES = {state.value: state for state in State}
_PLANNED, _UNKNOWN = State.PLANNED, State.UNKNOWN  # a name of its own is found five times as fast as an enum's member
COLUMNS = ", ".join(_NAMES)
WITHOUT_ORDER = ", ".join("''" if name in ("body", "digest") else name for name in _NAMES)
"""COLUMNS for those who only inquire."""


def row_of(values: Iterable[Any]) -> Row:
    """A Row from the values of COLUMNS."""
    return made(Row, dict(zip(_NAMES, values, strict=True)))


def made(kind: type[R], values: dict[str, Any]) -> R:
    """A row from all its values by name, state and reason from their texts."""
    values["state"] = _STATES[values["state"]]
    values["reason"] = Event(values["reason"]) if values["reason"] else None
    return _with(kind, values)


def _with(kind: type[R], values: dict[str, Any]) -> R:
    # a batch comes here five times a payout; `__init__` and `attrs.evolve` look at each of the fields
    found = object.__new__(kind)
    object.__setattr__(found, "__dict__", values)
    return found


def moved(row: R, event: Event, facts: Mapping[str, Any], now: float | None = None) -> R:
    """The row after a move, the same in every store. Raises IllegalMove. `now` is None where the database says when."""
    before = row.state
    state = after(before, event, row.reason)
    values = row.__dict__.copy()
    values["state"] = state
    values["looks"] = row.looks + 1 if state is before else 0
    values["absent_since"] = None
    if now is not None:
        values["updated"] = now
    if state is _UNKNOWN:
        values["reason"] = event
    elif before is _UNKNOWN and state is _PLANNED:
        values["resends"] += 1
    for name, value in facts.items():
        values[name] = None if value is None else _storable(value)
    return _with(type(row), values)


def _storable(value: Any) -> Any:
    """What a database can hold of PayCools' word."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, int) and value.bit_length() > _BITS:
        return None
    return value


Judge = Event | Callable[[Row], Event]
"""Word about an order from outside the run: an event, or a function of the row that says it."""


def judged(row: Row, judge: Judge) -> Event | None:
    """The event that moves this row; None where nothing comes of the word."""
    event = judge if isinstance(judge, Event) else judge(row)
    try:
        return event if after(row.state, event, row.reason) is not row.state else None
    except IllegalMove:
        return None
