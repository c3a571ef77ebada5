"""What enters a PostgreSQL ledger and what a person decides of it. All text is ours; values come as parameters.

`scope` narrows a question to some batches, or to one shard: ` AND p.intake IN (..) AND p.shard = ..`.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable

from ...states import MAY_BE_SENT, UNSENT, State
from ..row import listed
from .queries import APPLICATIONS, NOW

__all__ = [
    "BATCH",
    "CLASHES",
    "COPY",
    "COUNTS_BY_BATCH",
    "ENTER",
    "FAULTS",
    "INCOMING",
    "KNOWN",
    "NUMBER",
    "RECOVERED",
    "RELEASE",
    "adopt",
    "batch_log",
    "batches",
    "staying",
    "withdraw",
]
_MAY_BE_SENT = f"state IN ({listed(MAY_BE_SENT)})"

# -- a file's rows, copied into a temporary table ---------------------------------------------------------------------

INCOMING = """
CREATE TEMPORARY TABLE paycools_incoming (
    seq BIGINT, order_id TEXT, idempotency_id TEXT, line INTEGER, amount BIGINT, body TEXT, digest TEXT,
    beside TEXT
) ON COMMIT DROP"""
COPY = "COPY paycools_incoming (seq, order_id, idempotency_id, line, amount, body, digest, beside) FROM STDIN"

# after what stands anywhere, also where somebody put rows into a batch that is not there
NUMBER = """
SELECT greatest((SELECT max(id) FROM paycools_batches), (SELECT max(intake) FROM paycools_payouts), 0) + 1"""

# a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
RECOVERED = "SELECT EXISTS (SELECT FROM paycools_ledger WHERE key = 'recovered')"

ENTER = """
INSERT INTO paycools_payouts
    (order_id, idempotency_id, intake, shard, line, amount, body, digest, beside, state, reason, entered, sent, updated)
SELECT order_id, idempotency_id, %(batch)s, seq / %(size)s, line, amount, body, digest, beside,
    CASE WHEN %(recovered)s THEN 'unknown' ELSE 'offered' END, CASE WHEN %(recovered)s THEN 'lost' END,
    %(now)s::float8, CASE WHEN %(recovered)s THEN %(now)s::float8 END, %(now)s::float8
FROM paycools_incoming ORDER BY seq ON CONFLICT (order_id, withdrawn) DO NOTHING"""

BATCH = """
WITH entered AS (
    SELECT count(*) AS rows, sum(amount)::bigint AS amount, max(shard) + 1 AS shards
    FROM paycools_payouts WHERE intake = %(batch)s
),
batch AS (
    INSERT INTO paycools_batches
        (id, payouts, shards, planned, released, file, sha256, amount, offered_by, offered_at, beside)
    SELECT %(batch)s, rows, shards, %(now)s, false, %(file)s, %(sha256)s, amount, %(by)s, %(now)s, %(beside)s
    FROM entered
)
INSERT INTO paycools_batch_log (batch, at, event, by, payouts, amount)
SELECT %(batch)s, %(now)s, 'offer', %(by)s, rows, amount FROM entered"""

_NOT_NEW = """
FROM paycools_incoming i JOIN paycools_payouts p ON p.order_id = i.order_id AND p.withdrawn = 0
WHERE (p.intake <> %(batch)s OR p.line <> i.line)"""
_APPLICATIONS_OWN = f"p.intake IN ({APPLICATIONS})"

FAULTS = f"""
SELECT i.line, i.order_id, p.line, p.intake, p.state, {_APPLICATIONS_OWN} {_NOT_NEW}
    AND (p.intake = %(batch)s OR p.digest <> i.digest OR {_APPLICATIONS_OWN}) ORDER BY i.seq"""

KNOWN = f"""
WITH known AS (
    SELECT p.intake, count(*) AS rows, count(*) FILTER (WHERE p.{_MAY_BE_SENT}) AS unsent {_NOT_NEW}
        AND p.intake <> %(batch)s AND p.digest = i.digest AND NOT {_APPLICATIONS_OWN} GROUP BY p.intake
)
SELECT k.intake, k.rows, k.unsent,
    (SELECT count(*) FROM paycools_payouts a WHERE a.intake = k.intake AND a.{_MAY_BE_SENT}) - k.unsent
FROM known k ORDER BY k.intake"""

# an idempotency id of its own that another row has too, as idempotency id or as order id; and the other way round
CLASHES = """
SELECT a.line, a.idempotency_id, b.order_id
FROM paycools_payouts a JOIN paycools_payouts b ON b.idempotency_id = a.idempotency_id
WHERE a.intake = %(batch)s AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, a.idempotency_id, b.order_id
FROM paycools_payouts a JOIN paycools_payouts b ON b.order_id = a.idempotency_id
WHERE a.intake = %(batch)s AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, b.idempotency_id, b.order_id
FROM paycools_payouts b JOIN paycools_payouts a ON a.order_id = b.idempotency_id
WHERE a.intake = %(batch)s AND b.intake <> %(batch)s AND b.idempotency_id IS NOT NULL AND b.state <> 'withdrawn'
ORDER BY 1"""

# -- what a person decides --------------------------------------------------------------------------------------------

_NEVER_SENT = f"p.withdrawn = 0 AND p.state IN ({listed(UNSENT)}) AND p.resends = 0"
_ASKED = """(%(batch)s::int IS NULL OR p.intake = %(batch)s::int)
    AND (%(order_id)s::text IS NULL OR p.order_id = %(order_id)s::text)"""


def _decide(event: str, state: State, where: str, more: str = "", *, every: bool = False) -> str:
    """Move many rows alike, in one statement: every row and its line in the log, every batch and its line, or nothing.

    Gives how many rows and minor units; `every`: log the batch even where nothing moved.
    """
    logged = "SELECT intake, count(*) AS rows, sum(amount) AS amount FROM moved GROUP BY intake"
    if every:
        logged = "SELECT %(batch)s::int AS intake, count(*) AS rows, coalesce(sum(amount), 0) AS amount FROM moved"
    return f"""
WITH clock AS (SELECT {NOW} AS now),
picked AS (SELECT p.id FROM paycools_payouts p WHERE {where} ORDER BY p.id FOR UPDATE),
moved AS (
    UPDATE paycools_payouts p SET state = '{state.value}', due = 0, looks = 0, absent_since = NULL,
        updated = clock.now, version = p.version + 1, worker = NULL{more}
    FROM picked, clock WHERE p.id = picked.id RETURNING p.id, p.intake, p.amount
),
logged AS (
    INSERT INTO paycools_moves (payout, at, event, state, worker, rules)
    SELECT m.id, clock.now, '{event}', '{state.value}', %(worker)s, 2 FROM moved m, clock ORDER BY m.id
),
noted AS (
    INSERT INTO paycools_batch_log (batch, at, event, by, payouts, amount)
    SELECT b.intake, clock.now, '{event}', %(by)s, b.rows, b.amount FROM ({logged}) b, clock ORDER BY b.intake
)
SELECT count(*), coalesce(sum(amount), 0)::bigint FROM moved"""


_RELEASED = f"p.intake = %(batch)s::int AND p.state = 'offered' AND NOT {_APPLICATIONS_OWN}"
RELEASE = _decide("release", State.PLANNED, _RELEASED, every=True)


def withdraw(scope: str) -> str:
    """Take back what was never sent."""
    return _decide("withdraw", State.WITHDRAWN, f"{_ASKED} AND {_NEVER_SENT}{scope}", ", withdrawn = p.id")


def staying(scope: str) -> str:
    """How many rows stay, for they were or may have been sent."""
    return f"""
SELECT count(*) FROM paycools_payouts p
WHERE {_ASKED} AND p.withdrawn = 0 AND NOT ({_NEVER_SENT}){scope}"""


def adopt(scope: str) -> str:
    """Take what PayCools had before for this ledger's payouts."""
    return _decide("adopt", State.ACCEPTED, f"p.state = 'preexisting'{scope}", ", reason = 'adopt'")


# -- every batch ------------------------------------------------------------------------------------------------------

COUNTS_BY_BATCH = f"""
SELECT p.intake, p.state, count(*), sum(p.amount)::bigint FROM paycools_payouts p
WHERE NOT {_APPLICATIONS_OWN} GROUP BY p.intake, p.state"""


def batches(columns: Iterable[str]) -> str:
    """Every batch, oldest first."""
    return f"SELECT {', '.join(columns)} FROM paycools_batches WHERE application IS NULL ORDER BY id"


def batch_log(columns: Iterable[str]) -> str:
    """Who decided what."""
    return f"SELECT {', '.join(columns)} FROM paycools_batch_log ORDER BY id"
