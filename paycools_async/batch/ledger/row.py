"""A ledger's row and what a move changes in it; and the SQLite ledger's tables.

`payouts` is the present, `moves` the past, append-only. `batches` says which rows were shown together, `batch_log` who
offered, released and withdrew them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from ...wire.answer import readable
from ..states import REASONS, Event, IllegalMove, Reason, State, after

__all__ = [
    "COLUMNS",
    "SCHEMA",
    "TO_VERSION_2",
    "VERSION",
    "WITHOUT_ORDER",
    "EventSource",
    "Row",
    "apply_event",
    "column_of",
    "counts_from",
    "event_for",
    "row_from",
    "row_of",
]

VERSION = 2

_PAYOUTS = """
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    -- 0, or the row's own id: an order that was taken back may be offered again, as a new row
    withdrawn INTEGER NOT NULL DEFAULT 0,
    idempotency_id TEXT,
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
    entered REAL NOT NULL,
    sent REAL,
    transaction_id TEXT,
    code INTEGER,
    message TEXT,
    updated REAL NOT NULL,
    UNIQUE (order_id, withdrawn)
);
"""

_BATCHES = """
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    offered_by TEXT NOT NULL,
    offered_at REAL NOT NULL
);
CREATE TABLE batch_log (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    by TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL
);
CREATE TRIGGER batch_log_stays BEFORE UPDATE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER batch_log_lasts BEFORE DELETE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""

_INDEXES = """
CREATE INDEX payouts_due ON payouts (state, intake, due);
CREATE INDEX payouts_intake ON payouts (intake);
CREATE INDEX payouts_idempotency ON payouts (idempotency_id) WHERE idempotency_id IS NOT NULL;
"""

SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', '0');
{_PAYOUTS}{_BATCHES}{_INDEXES}
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
"""  # noqa: S608 - all text is ours

TO_VERSION_2 = f"""
DROP VIEW IF EXISTS moving;
DROP INDEX payouts_due;
ALTER TABLE payouts RENAME TO payouts_1;
{_PAYOUTS}{_BATCHES}
-- what was planned and not sent waits for a yes; what PayCools has by its own word and did not show is looked for again
INSERT INTO payouts SELECT id, order_id, 0, NULL, intake, line, amount, body, digest,
    CASE state WHEN 'planned' THEN 'offered' ELSE state END, reason, due, resends, looks, absent_since,
    CASE WHEN state = 'planned' AND resends = 0 THEN updated ELSE 0 END,
    CASE WHEN state <> 'planned' THEN updated END, transaction_id, code, message, updated
FROM payouts_1;
DROP TABLE payouts_1;
UPDATE payouts SET state = 'unknown', reason = 'duplicate', due = 0 WHERE state = 'conflict' AND id IN (
    SELECT payout FROM (SELECT payout, event, max(id) FROM moves GROUP BY payout) WHERE event = 'absent');
{_INDEXES}
INSERT INTO batches SELECT intake, '', '', count(*), sum(amount), '', min(updated) FROM payouts GROUP BY intake;
INSERT OR IGNORE INTO meta VALUES ('epoch', '0');
PRAGMA user_version = 2;
"""  # noqa: S608 - all text is ours


@attrs.frozen(kw_only=True, slots=False)
class Row:
    """One payout in the ledger. `amount` in minor units; times are seconds since the epoch."""

    id: int
    order_id: str
    intake: int
    """The number of its batch."""
    line: int
    amount: int
    body: str = attrs.field(repr=False)
    """The request's fields, frozen at intake, as JSON. May be empty where the row was claimed for an inquiry."""
    digest: str = attrs.field(repr=False)
    """The fingerprint of the text that will be signed."""
    state: State
    reason: Reason | None
    resends: int
    inquiries: int
    """Inquiries since the last change, for the growing pause between them."""
    absent_since: float | None
    """When the first inquiry since the last change found nothing."""
    entered: float
    """When the order was offered. 0: before that was written down."""
    sent: float | None
    """When its last sending began or became unclear: its last byte left no later than the call's timeout after that."""
    transaction_id: str | None
    code: int | None
    message: str | None
    updated: float


_COLUMNS = {"inquiries": "looks"}
"""Fields that have another name in the tables."""


def column_of(name: str) -> str:
    """The column that a field of a row is kept in."""
    return _COLUMNS.get(name, name)


R = TypeVar("R", bound=Row)
_BITS = 63
_NAMES = tuple(field.name for field in attrs.fields(Row))
_STATES = {state.value: state for state in State}
_PLANNED, _UNKNOWN = State.PLANNED, State.UNKNOWN  # a name of its own is found five times as fast as an enum's member
_SEND, _NOT_SENT, _ADOPT, _MISMATCH = Event.SEND, Event.NOT_SENT, Event.ADOPT, Event.MISMATCH
COLUMNS = ", ".join(map(column_of, _NAMES))
WITHOUT_ORDER = ", ".join("''" if name in ("body", "digest") else column_of(name) for name in _NAMES)
"""COLUMNS for those who only inquire."""


def row_of(values: Iterable[Any]) -> Row:
    """A Row from the values of COLUMNS."""
    return row_from(Row, dict(zip(_NAMES, values, strict=True)))


def row_from(kind: type[R], values: dict[str, Any]) -> R:
    """A row from all its values by name, state and reason from their texts."""
    values["state"] = _STATES[values["state"]]
    values["reason"] = Event(values["reason"]) if values["reason"] else None
    return _with(kind, values)


def _with(kind: type[R], values: dict[str, Any]) -> R:
    # a batch comes here five times a payout; `__init__` and `attrs.evolve` look at each of the fields
    found = object.__new__(kind)
    object.__setattr__(found, "__dict__", values)
    return found


def counts_from(event: Event) -> bool:
    """Whether the time until an absence may be believed is counted from this event."""
    return event is _SEND or event in REASONS


def apply_event(row: R, event: Event, details: Mapping[str, Any], now: float | None = None) -> R:
    """The row after a move, the same in every store. Raises IllegalMove. `now` is None where the database says when."""
    before = row.state
    state = after(before, event, row.reason)
    values = row.__dict__.copy()
    values["state"] = state
    values["inquiries"] = row.inquiries + 1 if state is before else 0
    values["absent_since"] = None
    if now is not None:
        values["updated"] = now
        if counts_from(event):
            values["sent"] = now
    if event is _NOT_SENT and not row.resends:
        values["sent"] = None
    if event in REASONS or event is _ADOPT:
        values["reason"] = event
    elif before is _UNKNOWN and state is _PLANNED:
        values["resends"] += 1
    for name, value in details.items():
        values[name] = None if value is None else _storable(value)
    if event is _MISMATCH:
        values["transaction_id"] = row.transaction_id or values["transaction_id"]  # the message names the other one
        values["message"] = values["message"] or "PayCools knows this order with another amount or transaction id"
    return _with(type(row), values)


def _storable(value: Any) -> Any:
    """What a database can hold of what PayCools says."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, int) and value.bit_length() > _BITS:
        return None
    return value


EventSource = Event | Callable[[Row], Event]
"""What is learned of an order outside the run: an event, or a function of the row that gives it."""


def event_for(row: Row, source: EventSource) -> Event | None:
    """The event that moves this row; None where it changes nothing."""
    event = source if isinstance(source, Event) else source(row)
    try:
        return event if after(row.state, event, row.reason) is not row.state else None
    except IllegalMove:
        return None
