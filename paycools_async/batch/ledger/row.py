"""A ledger's row, how it stands in a store, and what a move changes in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from ...privacy.redaction import redacted
from ...wire.answer import sanitize
from ..states import REASONS, Event, IllegalMove, Reason, State, after
from .payload import personal_texts_of

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "WITHOUT_ORDER",
    "EventSource",
    "Row",
    "apply_event",
    "column_of",
    "counts_from",
    "event_for",
    "listed",
    "row_from",
    "row_of",
]


@attrs.frozen(kw_only=True)
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
    beside: str | None = attrs.field(default=None, eq=False, repr=False)
    """The cells that are kept and not sent, as JSON. Only `pages` reads them."""


_COLUMNS = {"inquiries": "looks"}
"""Fields that have another name in the tables."""


def column_of(name: str) -> str:
    """The column that a field of a row is kept in."""
    return _COLUMNS.get(name, name)


def listed(states: Collection[State]) -> str:
    """States as they stand in SQL, between brackets; NULL, which no row is in, where there are none."""
    return ", ".join(f"'{state.value}'" for state in State if state in states) or "NULL"


R = TypeVar("R", bound=Row)
_BITS = 63
_NAMES = tuple(field.name for field in attrs.fields(Row))
_STATES = {state.value: state for state in State}
_PLANNED, _UNKNOWN = State.PLANNED, State.UNKNOWN  # a name of its own is found five times as fast as an enum's member
_SEND, _NOT_SENT, _ADOPT, _MISMATCH = Event.SEND, Event.NOT_SENT, Event.ADOPT, Event.MISMATCH
ALL_COLUMNS = ", ".join(map(column_of, _NAMES))
COLUMNS = ", ".join("NULL" if name == "beside" else column_of(name) for name in _NAMES)
"""Those that a run needs."""
WITHOUT_ORDER = COLUMNS.replace(" body, digest,", " '', '',")
"""COLUMNS for those who only inquire."""


def row_of(values: Iterable[Any]) -> Row:
    """A Row from the values of COLUMNS."""
    return row_from(Row, dict(zip(_NAMES, values, strict=True)))


def row_from(kind: type[R], values: dict[str, Any]) -> R:
    """A row from all its values by name, state and reason from their texts."""
    values["state"] = _STATES[values["state"]]
    values["reason"] = Event(values["reason"]) if values["reason"] else None
    return kind(**values)


def counts_from(event: Event) -> bool:
    """Whether the time until an absence may be believed is counted from this event."""
    return event is _SEND or event in REASONS


def apply_event(row: R, event: Event, details: Mapping[str, Any], now: float | None = None) -> R:
    """The row after a move, the same in every store. Raises IllegalMove. `now` is None where the database says when."""
    before = row.state
    state = after(before, event, row.reason)
    changes: dict[str, Any] = {
        "state": state,
        "inquiries": row.inquiries + 1 if state is before else 0,
        "absent_since": None,
    }
    if now is not None:
        changes["updated"] = now
        if counts_from(event):
            changes["sent"] = now
    if event is _NOT_SENT and not row.resends:
        changes["sent"] = None
    if event in REASONS or event is _ADOPT:
        changes["reason"] = event
    elif before is _UNKNOWN and state is _PLANNED:
        changes["resends"] = row.resends + 1
    for name, value in details.items():
        changes[name] = None if value is None else _storable(value)
    if row.body and details.get("message"):
        changes["message"] = redacted(changes["message"], personal_texts_of(row.body))
    if event is _MISMATCH:
        # the message names the other transaction
        changes["transaction_id"] = row.transaction_id or changes.get("transaction_id", row.transaction_id)
        changes["message"] = (
            changes.get("message", row.message) or "PayCools knows this order with another amount or transaction id"
        )
    return attrs.evolve(row, **changes)


def _storable(value: Any) -> Any:
    """What a database can hold of what PayCools says."""
    if isinstance(value, str):
        return sanitize(value)
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
