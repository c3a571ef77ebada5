"""What the PostgreSQL ledger asks of loans and of the merchant's pace. All text is ours; values come as parameters.

`scope` narrows a question to one shard: ` AND p.intake = .. AND p.shard = ..`.
"""

# ruff: noqa: S608

from __future__ import annotations

from .postgres_schema import COLUMNS
from .states import State

__all__ = [
    "GIVE_BACK",
    "LOOK_AGAIN",
    "LOST",
    "PAUSE",
    "PAUSE_LEFT",
    "RESERVE_TURNS",
    "TEND",
    "claim",
    "earliest",
]

# statement_timestamp, not clock_timestamp: it is stable, so `due <= now` can be read from the index
_NOW = "coalesce(%(now)s::float8, extract(epoch FROM statement_timestamp())::float8)"
_SENDABLE = (
    " AND (p.state <> 'planned' OR (p.intake IN (SELECT id FROM paycools_batches WHERE released)"
    " AND NOT EXISTS (SELECT FROM paycools_ledger WHERE key = 'paused')))"
)


def _sendable(state: State) -> str:
    return _SENDABLE if state is State.PLANNED else ""


def claim(state: State, scope: str) -> str:
    """Borrow what is due."""
    return f"""
        WITH free AS (
            SELECT p.id, p.due AS was_due FROM paycools_payouts p
            WHERE p.state = '{state.value}' AND p.due <= {_NOW} AND p.resends <= %(most)s
                AND p.id <> ALL (%(held)s::bigint[]){_sendable(state)}{scope}
            ORDER BY p.due, p.id LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED
        )
        UPDATE paycools_payouts p SET due = {_NOW} + %(lease)s, version = p.version + 1, worker = %(worker)s
        FROM free WHERE p.id = free.id RETURNING {COLUMNS}, free.was_due"""


def earliest(state: State, scope: str) -> str:
    """When the first row of a state is due."""
    return f"""(
        SELECT p.due FROM paycools_payouts p WHERE p.state = '{state.value}' AND p.resends <= %(most)s
        {_sendable(state)}{scope} ORDER BY p.due, p.id LIMIT 1
    )"""


# never a row that is sending: its loan is for one request, and ends even if this process forgot it
TEND = f"""
UPDATE paycools_payouts p SET due = {_NOW} + %(lease)s
WHERE p.id = ANY (%(held)s::bigint[]) AND p.worker = %(worker)s AND p.state <> 'sending'"""

GIVE_BACK = """
UPDATE paycools_payouts p SET due = 0, version = p.version + 1, worker = NULL
WHERE p.worker = %(worker)s AND p.state IN ('planned', 'unknown', 'accepted')"""

LOST = f"SELECT {COLUMNS} FROM paycools_payouts p WHERE p.state = 'sending' AND p.due <= {_NOW}"

LOOK_AGAIN = """
UPDATE paycools_payouts SET due = %(due)s, absent_since = %(absent)s, looks = looks + 1,
    version = version + 1, worker = NULL
WHERE id = %(id)s AND state = %(state)s AND version = %(version)s"""

RESERVE_TURNS = f"""
INSERT INTO paycools_pace AS pace (merchant, next, resume)
SELECT value, {_NOW} + %(span)s, 0 FROM paycools_ledger WHERE key = 'identity'
ON CONFLICT (merchant) DO UPDATE SET next = greatest(pace.next, {_NOW}) + %(span)s
RETURNING next - %(span)s"""

PAUSE = f"""
INSERT INTO paycools_pace AS pace (merchant, next, resume)
SELECT value, 0, {_NOW} + %(pause)s FROM paycools_ledger WHERE key = 'identity'
ON CONFLICT (merchant) DO UPDATE SET resume = greatest(pace.resume, {_NOW} + %(pause)s)"""

# one merchant a ledger
PAUSE_LEFT = f"SELECT resume - {_NOW} FROM paycools_pace"
