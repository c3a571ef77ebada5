"""What a run, and whoever reads, asks of the PostgreSQL ledger. All text is ours; values come as parameters.

`scope` narrows a question to some batches, or to one shard: ` AND p.intake IN (..) AND p.shard = ..`.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection

from ...states import MAY_BE_SENT, OPEN, State
from ..application import ApplicationBatch, Seen
from ..row import listed
from .schema import ALL_COLUMNS, COLUMNS

__all__ = [
    "APPLICATIONS",
    "BEGUN",
    "GET",
    "GET_LOCKED",
    "HISTORY",
    "LEASES",
    "LONGEST_WAIT",
    "LOST",
    "MAY_NOTE",
    "MOVE",
    "NOTE",
    "NOTED",
    "NOTE_FIRST",
    "NOTE_LAG",
    "NOW",
    "OPEN_SHARDS",
    "OVERDUE",
    "PAUSE",
    "PAUSE_LEFT",
    "RENEW_LEASES",
    "RESERVE_TURNS",
    "RETURN_LEASES",
    "SCHEDULE_INQUIRY",
    "SENT_LATER",
    "claim",
    "counts",
    "earliest",
    "end_pause",
    "failures",
    "oldest_open",
    "page",
    "pause",
    "paused",
    "resent",
    "timelines",
]

# statement_timestamp, not clock_timestamp: it is stable, so `due <= now` can be read from the index
NOW = "coalesce(%(now)s::float8, extract(epoch FROM statement_timestamp())::float8)"
_MAY_BE_SENT = listed(MAY_BE_SENT - {State.OFFERED})
_LEASED = listed(OPEN - {State.SENDING})
"""In these a row is leased to work on it; in `sending` for its one request."""

# -- what is due, and leases ------------------------------------------------------------------------------------------

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


# never a row that is sending: its lease is for one request, and ends even if this process forgot it
RENEW_LEASES = f"""
UPDATE paycools_payouts p SET due = {NOW} + %(lease)s
WHERE p.id = ANY (%(held)s::bigint[]) AND p.worker = %(worker)s AND p.state <> 'sending'"""

RETURN_LEASES = f"""
UPDATE paycools_payouts p SET due = 0, version = p.version + 1, worker = NULL
WHERE p.worker = %(worker)s AND p.state IN ({_LEASED})"""

# by this process's idea of the time as well: see `DatabaseClock`
LOST = f"""
SELECT {COLUMNS} FROM paycools_payouts p
WHERE p.state = 'sending' AND p.due <= least({NOW}, %(believed)s::float8)"""

# the clock was set back meanwhile. What is not leased is looked at now. A lease on a row that is not being sent saves
# work, not money: who took the row cannot send it once another has taken it
OVERDUE = f"""
UPDATE paycools_payouts p SET due = CASE WHEN p.worker IS NULL THEN {NOW} ELSE {NOW} + %(lease)s END
WHERE p.state IN ({_LEASED})
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

# -- a pause that PayCools refused, and one pace for all --------------------------------------------------------------


APPLICATIONS = "SELECT id FROM paycools_batches WHERE application IS NOT NULL"


def pause() -> str:
    """Hold every batch of which something may still be sent; one person's later yes to another one ends none of it."""
    return f"""
        INSERT INTO paycools_ledger SELECT 'paused:' || b.id, %(reason)s FROM paycools_batches b WHERE EXISTS (
            SELECT FROM paycools_payouts p WHERE p.intake = b.id AND p.state IN ({_MAY_BE_SENT})
        ) ON CONFLICT (key) DO NOTHING"""


def _of_pauses(batches: Seen) -> str:
    if isinstance(batches, ApplicationBatch):
        return f"key = 'paused:{batches.number}'"
    if batches is None:
        return f"key LIKE 'paused:%%' AND key NOT IN (SELECT 'paused:' || id FROM ({APPLICATIONS}) a)"
    keys = ", ".join(f"'paused:{int(number)}'" for number in batches)
    return f"key IN ({keys})" if keys else "false"


def end_pause(batches: Seen) -> str:
    """Go on with these batches; None: with all of files."""
    return f"DELETE FROM paycools_ledger WHERE {_of_pauses(batches)}"


def paused(batches: Seen) -> str:
    """Why nothing is sent of these batches."""
    return f"SELECT value FROM paycools_ledger WHERE {_of_pauses(batches)} ORDER BY length(key), key LIMIT 1"


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

# -- moves ------------------------------------------------------------------------------------------------------------

_MOVE_COLUMNS = (
    ("id", "bigint"),
    ("was", "text"),
    ("version", "bigint"),
    ("state", "text"),
    ("reason", "text"),
    ("due", "float8"),
    ("resends", "int"),
    ("looks", "int"),
    ("absent", "float8"),
    ("counts", "bool"),
    ("transaction_id", "text"),
    ("code", "bigint"),
    ("message", "text"),
    ("event", "text"),
    ("told_code", "bigint"),
    ("told_message", "text"),
)

_MOVE_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _MOVE_COLUMNS)
_MOVE_NAMES = ", ".join(name for name, _ in _MOVE_COLUMNS)

# the row, its past, and nothing without the other: one statement is one transaction. What was withdrawn and turns out
# to have been sent is the order's row again, unless it was offered anew meanwhile
MOVE = f"""
WITH clock AS (SELECT coalesce(%s::float8, extract(epoch FROM statement_timestamp())::float8) AS now),
asked AS (SELECT * FROM unnest({_MOVE_ARRAYS}) AS a ({_MOVE_NAMES})),
moved AS (
    UPDATE paycools_payouts p SET state = a.state, reason = a.reason, resends = a.resends, looks = a.looks,
        absent_since = a.absent, transaction_id = a.transaction_id, code = a.code, message = a.message,
        due = CASE WHEN a.state = 'sending' THEN clock.now + %s ELSE a.due END,
        worker = CASE WHEN a.state = 'sending' THEN %s END, version = p.version + 1, updated = clock.now,
        sent = CASE WHEN a.counts THEN clock.now WHEN a.event = 'not_sent' AND a.resends = 0 THEN NULL
            ELSE p.sent END,
        withdrawn = CASE WHEN a.was = 'withdrawn' AND NOT EXISTS (
            SELECT FROM paycools_payouts o WHERE o.order_id = p.order_id AND o.withdrawn = 0
        ) THEN 0 ELSE p.withdrawn END
    FROM asked a, clock WHERE p.id = a.id AND p.state = a.was AND p.version = a.version
    RETURNING p.id, p.version, p.updated, p.sent
),
logged AS (
    INSERT INTO paycools_moves (payout, at, event, state, code, message, worker, rules)
    SELECT a.id, m.updated, a.event, a.state, a.told_code, a.told_message, %s, 2 FROM asked a JOIN moved m USING (id)
)
SELECT id, version, updated, sent FROM moved
"""

# a worker's name is never used twice, so what is being sent under it, at just that version, it has begun itself
BEGUN = """
SELECT p.id, p.version, p.updated, p.sent FROM paycools_payouts p
JOIN unnest(%s::bigint[], %s::bigint[]) AS a (id, version) ON p.id = a.id AND p.version = a.version
WHERE p.state = 'sending' AND p.worker = %s"""

# of an order that was withdrawn and offered again the active row, else the latest
_LATER_ROW = "ORDER BY p.withdrawn <> 0, p.id DESC LIMIT 1"
GET = f"SELECT {COLUMNS} FROM paycools_payouts p WHERE p.order_id = %(order_id)s {_LATER_ROW}"
GET_LOCKED = f"SELECT {COLUMNS} FROM paycools_payouts p WHERE p.order_id = %s {_LATER_ROW} FOR UPDATE"

# -- what the ledger has noted ----------------------------------------------------------------------------------------

NOTED = "SELECT value FROM paycools_ledger WHERE key = %(key)s"
MAY_NOTE = "SELECT has_table_privilege('paycools_ledger', 'UPDATE')"

NOTE = """
INSERT INTO paycools_ledger VALUES (%(key)s, %(value)s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"""

NOTE_FIRST = "INSERT INTO paycools_ledger VALUES (%(key)s, %(value)s) ON CONFLICT (key) DO NOTHING"

NOTE_LAG = """
INSERT INTO paycools_ledger AS l VALUES ('lag', %(value)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE l.value::float8 < excluded.value::float8"""

# -- reading ----------------------------------------------------------------------------------------------------------

OPEN_SHARDS = f"""
SELECT DISTINCT intake, shard FROM paycools_payouts
WHERE intake = ANY (%s::int[]) AND state IN ({listed(OPEN)}) ORDER BY 1, 2"""


def counts(scope: str) -> str:
    """Rows and minor units in each state."""
    return f"""
        SELECT p.state, count(*), sum(p.amount)::bigint FROM paycools_payouts p
        WHERE true{scope} GROUP BY p.state"""


def oldest_open(scope: str) -> str:
    """When the oldest open row was entered; 0 where an older version did not note it."""
    return f"""
        SELECT min(entered) FROM paycools_payouts WHERE entered > 0 AND id IN (
            SELECT min(p.id) FROM paycools_payouts p WHERE p.state IN ({listed(OPEN)}){scope} GROUP BY p.state)"""


def resent(scope: str) -> str:
    """How many rows were sent again after an absence."""
    return f"SELECT count(*) FROM paycools_payouts p WHERE p.resends > 0{scope}"


def failures(scope: str) -> str:
    """What failed, by code, and by whether PayCools had taken the order."""
    return f"""
        SELECT p.code, coalesce(p.transaction_id, '') <> '', min(p.message), count(*), sum(p.amount)::bigint
        FROM paycools_payouts p WHERE p.state = 'failed'{scope} GROUP BY 1, 2 ORDER BY 4 DESC, 1"""


HISTORY = """
SELECT m.at, m.event, m.state, p.intake, p.line FROM paycools_moves m JOIN paycools_payouts p ON p.id = m.payout
WHERE p.order_id = %(order_id)s ORDER BY m.id"""


def page(scope: str, states: Collection[State] | None = None) -> str:
    """The next rows in file order."""
    chosen = "" if states is None else f" AND p.state IN ({listed(states)})"
    return f"""
        SELECT {ALL_COLUMNS} FROM paycools_payouts p
        WHERE p.id > %(last)s{scope}{chosen} ORDER BY p.id LIMIT %(size)s"""


def timelines(scope: str) -> str:
    """When each payout was sent, accepted and final."""
    narrowed = f"WHERE payout IN (SELECT p.id FROM paycools_payouts p WHERE true{scope})" if scope else ""
    return f"""
SELECT p.order_id, p.amount, p.state, p.code, p.message, p.transaction_id, m.sent, m.last_sent, m.accepted, m.final
FROM (
    SELECT payout, min(at) FILTER (WHERE event = 'send') AS sent, max(at) FILTER (WHERE event = 'send') AS last_sent,
        min(at) FILTER (WHERE state = 'accepted' OR event IN ('rejected', 'found_complete', 'found_failed'))
            AS accepted,
        min(at) FILTER (WHERE state IN ('settled', 'failed')) AS final
    FROM paycools_moves {narrowed} GROUP BY payout
) m JOIN paycools_payouts p ON p.id = m.payout WHERE m.sent IS NOT NULL ORDER BY p.id"""


# -- who works, and what waits: asked for every few seconds, so never a look at all that is open -----------------------

_SERVER_NOW = "extract(epoch FROM statement_timestamp())::float8"
_OPEN = f"state IN ({listed(OPEN)})"

LEASES = f"""
SELECT count(*) FILTER (WHERE due > {_SERVER_NOW}), count(*) FILTER (WHERE due <= {_SERVER_NOW}),
    count(DISTINCT worker) FILTER (WHERE due > {_SERVER_NOW})
FROM paycools_payouts WHERE worker IS NOT NULL AND {_OPEN}"""


def _waiting(state: State, also: str = "") -> str:
    # rows are taken up in this order, so what waits longest is among the first
    return f"""(
        SELECT greatest(due, updated) AS since FROM paycools_payouts
        WHERE state = '{state.value}' AND due <= {_SERVER_NOW} AND worker IS NULL{also} ORDER BY due, id LIMIT 100
    )"""


LONGEST_WAIT = f"""
WITH RECURSIVE batches AS (
    (SELECT intake FROM paycools_payouts WHERE {_OPEN} ORDER BY intake LIMIT 1)
    UNION ALL
    SELECT (
        SELECT p.intake FROM paycools_payouts p WHERE p.{_OPEN} AND p.intake > b.intake ORDER BY p.intake LIMIT 1
    ) FROM batches b WHERE b.intake IS NOT NULL
),
not_paused AS (
    SELECT intake FROM batches WHERE NOT EXISTS (SELECT FROM paycools_ledger WHERE key = 'paused:' || intake)
)
SELECT {_SERVER_NOW} - min(since) FROM (
    {_waiting(State.ACCEPTED)} UNION ALL {_waiting(State.UNKNOWN)} UNION ALL
    SELECT planned.since FROM not_paused b, LATERAL {_waiting(State.PLANNED, " AND intake = b.intake")} planned
) waiting"""
