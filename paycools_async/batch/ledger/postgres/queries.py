"""What the PostgreSQL ledger asks of leases and of the merchant's pace. All text is ours; values come as parameters.

`scope` narrows a question to some batches, or to one shard: ` AND p.intake IN (..) AND p.shard = ..`.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection

from ...states import State
from .schema import COLUMNS

__all__ = [
    "LOST",
    "NOTE",
    "NOTE_FIRST",
    "NOTE_LAG",
    "NOW",
    "OVERDUE",
    "PAUSE",
    "PAUSE_LEFT",
    "RENEW_LEASES",
    "RESERVE_TURNS",
    "RETURN_LEASES",
    "SCHEDULE_INQUIRY",
    "SENT_LATER",
    "claim",
    "earliest",
    "end_pause",
    "pause",
    "paused",
]

# statement_timestamp, not clock_timestamp: it is stable, so `due <= now` can be read from the index
NOW = "coalesce(%(now)s::float8, extract(epoch FROM statement_timestamp())::float8)"
_PAUSED_BATCHES = "SELECT split_part(key, ':', 2)::int FROM paycools_ledger WHERE key LIKE 'paused:%%'"
_NOT_PAUSED = f" AND p.intake NOT IN ({_PAUSED_BATCHES})"


def _sendable(state: State) -> str:
    return _NOT_PAUSED if state is State.PLANNED else ""


def claim(state: State, scope: str) -> str:
    """Lease what is due. What is returned has the time, and when the row was due, at its end."""
    return f"""
        WITH free AS (
            SELECT p.id, p.due AS was_due FROM paycools_payouts p
            WHERE p.state = '{state.value}' AND p.due <= {NOW} AND p.resends <= %(most)s
                AND p.id <> ALL (%(held)s::bigint[]){_sendable(state)}{scope}
            ORDER BY p.due, p.id LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED
        )
        UPDATE paycools_payouts p SET due = {NOW} + %(lease)s, version = p.version + 1, worker = %(worker)s
        FROM free WHERE p.id = free.id RETURNING {COLUMNS}, {NOW}, free.was_due"""


def earliest(state: State, scope: str) -> str:
    """When the first row of a state is due."""
    return f"""(
        SELECT p.due FROM paycools_payouts p WHERE p.state = '{state.value}' AND p.resends <= %(most)s
        {_sendable(state)}{scope} ORDER BY p.due, p.id LIMIT 1
    )"""


def pause() -> str:
    """Hold every batch of which something may still be sent; one person's later yes to another one ends none of it."""
    return """
        INSERT INTO paycools_ledger SELECT 'paused:' || b.id, %(reason)s FROM paycools_batches b WHERE EXISTS (
            SELECT FROM paycools_payouts p WHERE p.intake = b.id AND p.state IN ('planned', 'sending', 'unknown')
        ) ON CONFLICT (key) DO NOTHING"""


def _of_pauses(batches: Collection[int] | None) -> str:
    if batches is None:
        return "key LIKE 'paused:%%'"
    keys = ", ".join(f"'paused:{int(number)}'" for number in batches)
    return f"key IN ({keys})" if keys else "false"


def end_pause(batches: Collection[int] | None) -> str:
    """Go on with these batches; None: with all."""
    return f"DELETE FROM paycools_ledger WHERE {_of_pauses(batches)}"


def paused(batches: Collection[int] | None) -> str:
    """Why nothing is sent of these batches."""
    return f"SELECT value FROM paycools_ledger WHERE {_of_pauses(batches)} ORDER BY length(key), key LIMIT 1"


# never a row that is sending: its lease is for one request, and ends even if this process forgot it
RENEW_LEASES = f"""
UPDATE paycools_payouts p SET due = {NOW} + %(lease)s
WHERE p.id = ANY (%(held)s::bigint[]) AND p.worker = %(worker)s AND p.state <> 'sending'"""

RETURN_LEASES = """
UPDATE paycools_payouts p SET due = 0, version = p.version + 1, worker = NULL
WHERE p.worker = %(worker)s AND p.state IN ('planned', 'unknown', 'accepted')"""

# by this process's idea of the time as well: see `DatabaseClock`
LOST = f"""
SELECT {COLUMNS} FROM paycools_payouts p
WHERE p.state = 'sending' AND p.due <= least({NOW}, %(believed)s::float8)"""

# the clock was set back meanwhile. What is not leased is looked at now. A lease on a row that is not being sent saves
# work, not money: who took the row cannot send it once another has taken it
OVERDUE = f"""
UPDATE paycools_payouts p SET due = CASE WHEN p.worker IS NULL THEN {NOW} ELSE {NOW} + %(lease)s END
WHERE p.state IN ('planned', 'unknown', 'accepted')
    AND p.due > {NOW} + %(overdue)s + CASE WHEN p.worker IS NULL THEN 0 ELSE 10 * %(lease)s END"""

# the same; what was sent left before now, and a lease on it begins anew, in its full length
SENT_LATER = f"""
UPDATE paycools_payouts p SET sent = {NOW},
    due = CASE p.state WHEN 'sending' THEN {NOW} + (p.due - p.sent) ELSE p.due END
WHERE p.state IN ('sending', 'unknown', 'accepted') AND p.sent > {NOW} + 1"""

SCHEDULE_INQUIRY = """
UPDATE paycools_payouts SET due = %(due)s, absent_since = %(absent)s, looks = looks + 1,
    version = version + 1, worker = NULL
WHERE id = %(id)s AND state = %(state)s AND version = %(version)s"""

RESERVE_TURNS = f"""
INSERT INTO paycools_pace AS pace (merchant, next, resume)
SELECT value, {NOW} + %(span)s, 0 FROM paycools_ledger WHERE key = 'identity'
ON CONFLICT (merchant) DO UPDATE SET
    -- a turn that is further away than any queue is long was reserved before the clock was set back
    next = greatest(least(pace.next, {NOW} + greatest(600, 100 * %(span)s)), {NOW}) + %(span)s
RETURNING next - %(span)s"""

PAUSE = f"""
INSERT INTO paycools_pace AS pace (merchant, next, resume)
SELECT value, 0, {NOW} + %(pause)s FROM paycools_ledger WHERE key = 'identity'
ON CONFLICT (merchant) DO UPDATE SET resume = greatest(pace.resume, {NOW} + %(pause)s)"""

# one merchant a ledger
PAUSE_LEFT = f"SELECT resume - {NOW} FROM paycools_pace"

NOTE = """
INSERT INTO paycools_ledger VALUES (%(key)s, %(value)s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"""

NOTE_FIRST = "INSERT INTO paycools_ledger VALUES (%(key)s, %(value)s) ON CONFLICT (key) DO NOTHING"

NOTE_LAG = """
INSERT INTO paycools_ledger AS l VALUES ('lag', %(value)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE l.value::float8 < excluded.value::float8"""
