"""A ledger's row as a decision about it sees it, without a ledger."""

from __future__ import annotations

from typing import Any

from paycools_async.batch.ledger.row import Row
from paycools_async.batch.states import Event, State

__all__ = ["NOON", "row"]

NOON = 1_767_268_800.0


def row(**changes: Any) -> Row:
    """One that was entered at noon, sent a minute later, and is unclear."""
    whole: dict[str, Any] = {
        "id": 1,
        "order_id": "PAY1",
        "intake": 1,
        "line": 2,
        "amount": 500_00,
        "body": "",
        "digest": "",
        "state": State.UNKNOWN,
        "reason": Event.UNCLEAR,
        "resends": 0,
        "inquiries": 0,
        "absent_since": None,
        "entered": NOON,
        "sent": NOON + 60,
        "transaction_id": None,
        "code": None,
        "message": None,
        "updated": NOON + 60,
    }
    return Row(**{**whole, **changes})
