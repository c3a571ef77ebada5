"""A ledger's row and what a move changes in it; and the SQLite ledger's tables.

`payouts` is the present, `moves` the past, append-only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .states import Event, IllegalMove, Reason, State, after

__all__ = ["COLUMNS", "SCHEMA", "VERSION", "Judge", "Row", "changes_of", "judged", "row_of"]

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


@attrs.frozen(kw_only=True)
class Row:
    """One payout in the ledger. `amount` in minor units; times are seconds since the epoch."""

    id: int
    order_id: str
    line: int
    amount: int
    body: str = attrs.field(repr=False)
    """The request's fields, frozen at intake, as JSON."""
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


_NAMES = tuple(field.name for field in attrs.fields(Row))
COLUMNS = ", ".join(_NAMES)


def row_of(values: tuple[Any, ...]) -> Row:
    """A Row from the values of COLUMNS."""
    found = dict(zip(_NAMES, values, strict=True))
    found["state"] = State(found["state"])
    found["reason"] = Event(found["reason"]) if found["reason"] else None
    return Row(**found)


def changes_of(row: Row, event: Event) -> dict[str, Any]:
    """What a move changes in a row, the same in every store. Raises IllegalMove."""
    state = after(row.state, event, row.reason)
    becomes_unknown = state is State.UNKNOWN and row.state is State.SENDING
    return {
        "state": state,
        "reason": event if becomes_unknown else row.reason,
        "resends": row.resends + (row.state is State.UNKNOWN and state is State.PLANNED),
        "looks": row.looks + 1 if state is row.state else 0,
        "absent_since": None,
    }


Judge = Event | Callable[[Row], Event]
"""Word about an order from outside the run: an event, or a function of the row that says it."""


def judged(row: Row, judge: Judge) -> Event | None:
    """The event that moves this row; None where nothing comes of the word."""
    event = judge if isinstance(judge, Event) else judge(row)
    try:
        return event if after(row.state, event, row.reason) is not row.state else None
    except IllegalMove:
        return None
