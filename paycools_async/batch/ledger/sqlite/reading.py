"""What is read of a SQLite ledger, each on a connection to its file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from typing import Any

from ...states import State
from ..application import ApplicationBatch, Seen
from ..base import Counts
from ..row import Row, row_of
from ..timeline import FailureGroup, PayoutMove, PayoutTimeline, timeline_from
from . import queries

__all__ = [
    "claim",
    "counts",
    "failures",
    "get",
    "history",
    "meta",
    "next_due",
    "page",
    "resent",
    "set_meta",
    "timelines",
]

Connection = sqlite3.Connection


def _seen(connection: Connection, batches: Seen) -> Collection[int]:
    if isinstance(batches, ApplicationBatch):
        return (batches.number,)
    files = [number for (number,) in connection.execute(queries.FILES_BATCHES)]
    return files if batches is None else [number for number in files if number in batches]


def claim(
    connection: Connection,
    states: Iterable[State],
    limit: int,
    *,
    batches: Seen,
    now: float,
    max_resends: int,
    held: Collection[int],
) -> list[Row]:
    """Rows in these states whose time has come, the longest due first, without those in `held`."""
    without = json.dumps(list(held))
    found: list[tuple[Any, ...]] = []
    for state in states:  # one by one, so that each walks the index in order
        query = queries.CLAIM_TO_SEND if state is State.PLANNED else queries.CLAIM_TO_INQUIRE
        for batch in _seen(connection, batches):
            found += connection.execute(query, (state.value, batch, now, max_resends, without, limit))
    found.sort(key=lambda values: values[:2])  # the longest due first, then in file order
    return [row_of(values[1:]) for values in found[:limit]]


def next_due(connection: Connection, states: Iterable[State], *, batches: Seen, max_resends: int) -> float | None:
    """The earliest moment any row in these states is due."""
    seen = _seen(connection, batches)
    asked = ((state.value, batch, max_resends) for state in states for batch in seen)
    found = [connection.execute(queries.NEXT_DUE, values).fetchone() for values in asked]
    return min((row[0] for row in found if row), default=None)


def get(connection: Connection, order_id: str) -> Row | None:
    """An order's row as it stands."""
    values = connection.execute(queries.GET, (order_id,)).fetchone()
    return None if values is None else row_of(values)


def counts(connection: Connection, batches: Seen) -> Counts:
    """Rows and minor units in each state."""
    found = connection.execute(queries.counts(queries.scope_of(batches)))
    return {State(state): (rows, amount) for state, rows, amount in found}


def oldest_open(connection: Connection, batches: Seen) -> float | None:
    """When the oldest row was entered that the runner can still do something about."""
    found: float | None = connection.execute(queries.oldest_open(queries.scope_of(batches))).fetchone()[0]
    return found


def failures(connection: Connection, batches: Seen) -> list[FailureGroup]:
    """What failed, by code."""
    found = connection.execute(queries.failures(queries.scope_of(batches)))
    return [FailureGroup(code, bool(taken), *values) for code, taken, *values in found]


def history(connection: Connection, order_id: str) -> list[PayoutMove]:
    """Every move of an order."""
    return [PayoutMove(*values) for values in connection.execute(queries.HISTORY, (order_id,))]


def resent(connection: Connection, batches: Seen) -> int:
    """Rows that were sent again after PayCools did not show them for long."""
    return int(connection.execute(queries.resent(queries.scope_of(batches))).fetchone()[0])


def page(
    connection: Connection, batches: Seen, after: int, size: int, states: Collection[State] | None = None
) -> list[Row]:
    """The next rows, in file order."""
    query = queries.page(queries.scope_of(batches), states)
    return [row_of(values) for values in connection.execute(query, (after, size))]


def timelines(connect: Callable[[], Connection], batches: Seen, *, size: int = 1000) -> Iterator[list[PayoutTimeline]]:
    """Every payout that was sent, in file order, a page at a time. Reads beside a run, on a connection of its own."""
    with closing(connect()) as connection:
        found = connection.execute(queries.timelines(queries.scope_of(batches)))
        while values := found.fetchmany(size):
            yield [timeline_from(each) for each in values]


def meta(connection: Connection, key: str) -> str | None:
    """What the ledger has noted of itself."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Note it."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
