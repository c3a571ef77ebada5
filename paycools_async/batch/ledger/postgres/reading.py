"""What is read of a PostgreSQL ledger as a whole: its batches, and when each payout was sent and final."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import psycopg

from ....storage.postgres_connections import ConnectionString, connect_sync
from ...states import State
from ..base import Batch, BatchEntry
from ..payload import names_from
from ..timeline import PayoutTimeline, timeline_from
from . import batch_queries, queries
from .session import ledger_errors

__all__ = ["postgres_timelines", "read_batches"]

Connection = psycopg.AsyncConnection[Any]
_ENTRY = tuple(field.name for field in attrs.fields(BatchEntry))
_BATCH = ("id", "file", "sha256", "payouts", "amount", "offered_by", "offered_at", "beside")


async def read_batches(connection: Connection) -> list[Batch]:
    """Every batch, oldest first, as they stand at one moment; within the connection's transaction."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    asked = (batch_queries.batches(_BATCH), batch_queries.COUNTS_BY_BATCH, batch_queries.batch_log(_ENTRY))
    return _batches_of(*[await (await connection.execute(query.encode())).fetchall() for query in asked])


def _batches_of(
    batches: list[tuple[Any, ...]], counts: list[tuple[Any, ...]], log: list[tuple[Any, ...]]
) -> list[Batch]:
    counted: dict[int, dict[State, tuple[int, int]]] = {}
    for number, state, rows, amount in counts:
        counted.setdefault(number, {})[State(state)] = (rows, amount)
    logged: dict[int, list[BatchEntry]] = {}
    for values in log:
        entry = BatchEntry(**dict(zip(_ENTRY, values, strict=True)))
        logged.setdefault(entry.batch, []).append(entry)
    return [
        Batch(
            **dict(zip(_BATCH[:-1], values[:-1], strict=True)),
            counts=counted.get(values[0], {}),
            log=tuple(logged.get(values[0], ())),
            beside=names_from(values[-1]),
        )
        for values in batches
    ]


def postgres_timelines(
    place: ConnectionString, lease: float, scope: str = "", *, size: int = 1000
) -> Iterator[list[PayoutTimeline]]:
    """Every payout that was sent, in file order, a page at a time; on a connection of its own, beside any run.

    `scope`: ` AND p.intake IN (..)`, for some batches only.
    """
    with (
        ledger_errors(),
        connect_sync(place, lease, read_only=True) as connection,
        connection.transaction(),
        connection.cursor("timelines") as found,
    ):
        found.execute(queries.timelines(scope).encode())
        while page := found.fetchmany(size):
            yield [timeline_from(values) for values in page]
