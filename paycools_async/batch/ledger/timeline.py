"""When each payout was sent, accepted and final: what the log of moves says, one line a payout."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import attrs

from ..states import State

__all__ = ["PayoutTimeline", "sqlite_timelines", "timeline_from"]


@attrs.frozen(kw_only=True)
class PayoutTimeline:
    """One payout that was sent at least once. Times are seconds since the epoch; `amount` in minor units."""

    order_id: str
    amount: int
    state: State
    code: int | None
    message: str | None
    transaction_id: str | None
    sent: float
    last_sent: float
    accepted: float | None
    final: float | None


_NAMES = tuple(field.name for field in attrs.fields(PayoutTimeline))


def timeline_from(values: tuple[Any, ...]) -> PayoutTimeline:
    """A PayoutTimeline from the values of its fields, in their order."""
    found = dict(zip(_NAMES, values, strict=True))
    return PayoutTimeline(**{**found, "state": State(found["state"])})


# one pass over the log, sorted by SQLite in a file of its own where it is large; no index has to be kept for it
_QUERY = """
SELECT p.order_id, p.amount, p.state, p.code, p.message, p.transaction_id,
    min(CASE WHEN m.event = 'send' THEN m.at END) AS sent,
    max(CASE WHEN m.event = 'send' THEN m.at END),
    min(CASE WHEN m.state = 'accepted' OR (m.event IN ('rejected', 'found_complete', 'found_failed')) THEN m.at END),
    min(CASE WHEN m.state IN ('settled', 'failed') THEN m.at END)
FROM moves m JOIN payouts p ON p.id = m.payout WHERE true{scope} GROUP BY m.payout HAVING sent IS NOT NULL
"""


def sqlite_timelines(
    connect: Callable[[], sqlite3.Connection], scope: str = "", *, size: int = 1000
) -> Iterator[list[PayoutTimeline]]:
    """Every payout that was sent, in file order, a page at a time. Reads beside a run, on a connection of its own.

    `scope`: ` AND intake IN (..)`, for some batches only.
    """
    with closing(connect()) as connection:
        found = connection.execute(_QUERY.format(scope=scope))
        while page := found.fetchmany(size):
            yield [timeline_from(values) for values in page]
