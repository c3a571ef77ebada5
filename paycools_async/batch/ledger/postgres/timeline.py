"""When each payout of a PostgreSQL ledger was sent, accepted and final: what the log of moves says."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from ..timeline import PayoutTimeline, timeline_from
from .session import connect_options, ledger_errors, limits

__all__ = ["postgres_timelines"]

_QUERY = """
SELECT p.order_id, p.amount, p.state, p.code, p.message, p.transaction_id, m.sent, m.last_sent, m.accepted, m.final
FROM (
    SELECT payout, min(at) FILTER (WHERE event = 'send') AS sent, max(at) FILTER (WHERE event = 'send') AS last_sent,
        min(at) FILTER (WHERE state = 'accepted' OR event IN ('rejected', 'found_complete', 'found_failed'))
            AS accepted,
        min(at) FILTER (WHERE state IN ('settled', 'failed')) AS final
    FROM paycools_moves {narrowed} GROUP BY payout
) m JOIN paycools_payouts p ON p.id = m.payout WHERE m.sent IS NOT NULL ORDER BY p.id
"""
_NARROWED = "WHERE payout IN (SELECT p.id FROM paycools_payouts p WHERE true{scope})"


def postgres_timelines(dsn: str, lease: float, scope: str = "", *, size: int = 1000) -> Iterator[list[PayoutTimeline]]:
    """Every payout that was sent, in file order, a page at a time; on a connection of its own, beside any run.

    `scope`: ` AND p.intake IN (..)`, for some batches only.
    """
    query = _QUERY.format(narrowed=_NARROWED.format(scope=scope) if scope else "")
    with ledger_errors(), psycopg.connect(**connect_options(dsn, lease)) as connection:
        setting, values = limits(lease)
        connection.execute(setting.encode(), values)
        with connection.transaction(), connection.cursor("timelines") as found:
            found.execute(query.encode())
            while page := found.fetchmany(size):
                yield [timeline_from(values) for values in page]
