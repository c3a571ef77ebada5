"""What a person decides, in a PostgreSQL ledger: batches are released, taken back, adopted. One statement each.

Every row that a statement moves stands in its log of moves, and every batch in the log of batches, or nothing does.
"""

# ruff: noqa: S608 - all text is ours; values come as parameters

from __future__ import annotations

from typing import Any

import attrs

from ...states import State
from ..base import Batch, BatchEntry
from .queries import NOW

__all__ = ["BATCHES", "BATCH_COUNTS", "BATCH_LOG", "RELEASE", "adopt", "batches_of", "stay", "withdraw"]

_UNSENT = "p.state IN ('offered', 'planned')"
_NEVER_SENT = f"p.withdrawn = 0 AND {_UNSENT} AND p.resends = 0"
_ASKED = """(%(batch)s::int IS NULL OR p.intake = %(batch)s::int)
    AND (%(order_id)s::text IS NULL OR p.order_id = %(order_id)s::text)"""


def _decide(event: str, state: State, where: str, more: str = "", *, every: bool = False) -> str:
    """Move many rows alike. Returns how many rows and minor units; `every`: log the batch even where nothing moved."""
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


RELEASE = _decide("release", State.PLANNED, "p.intake = %(batch)s::int AND p.state = 'offered'", every=True)


def withdraw(scope: str) -> str:
    """Take back what was never sent."""
    return _decide("withdraw", State.WITHDRAWN, f"{_ASKED} AND {_NEVER_SENT}{scope}", ", withdrawn = p.id")


def stay(scope: str) -> str:
    """How many rows stay, for they were or may have been sent."""
    return f"""
SELECT count(*) FROM paycools_payouts p
WHERE {_ASKED} AND p.withdrawn = 0 AND p.state <> 'withdrawn' AND NOT ({_NEVER_SENT}){scope}"""


def adopt(scope: str) -> str:
    """Take what PayCools had before for this ledger's payouts."""
    return _decide("adopt", State.ACCEPTED, f"p.state = 'preexisting'{scope}", ", reason = 'adopt'")


_ENTRY = tuple(field.name for field in attrs.fields(BatchEntry))
_BATCH = ("id", "file", "sha256", "payouts", "amount", "offered_by", "offered_at")

BATCHES = f"SELECT {', '.join(_BATCH)} FROM paycools_batches ORDER BY id"
BATCH_COUNTS = "SELECT intake, state, count(*), sum(amount)::bigint FROM paycools_payouts GROUP BY intake, state"
BATCH_LOG = f"SELECT {', '.join(_ENTRY)} FROM paycools_batch_log ORDER BY id"


def batches_of(
    batches: list[tuple[Any, ...]], counts: list[tuple[Any, ...]], log: list[tuple[Any, ...]]
) -> list[Batch]:
    """Every batch with its rows by state and its log, from what the three questions brought."""
    counted: dict[int, dict[State, tuple[int, int]]] = {}
    for number, state, rows, amount in counts:
        counted.setdefault(number, {})[State(state)] = (rows, amount)
    logged: dict[int, list[BatchEntry]] = {}
    for values in log:
        entry = BatchEntry(**dict(zip(_ENTRY, values, strict=True)))
        logged.setdefault(entry.batch, []).append(entry)
    return [
        Batch(
            **dict(zip(_BATCH, values, strict=True)),
            counts=counted.get(values[0], {}),
            log=tuple(logged.get(values[0], ())),
        )
        for values in batches
    ]
