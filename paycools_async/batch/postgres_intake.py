"""A file's orders into the PostgreSQL ledger: copied into a temporary table, judged there, entered all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from .frozen import body_of, digest_of
from .orders import Order, RowError
from .protocol import Intake

__all__ = ["enter"]

_LOCK = 0x50_43_4C_49  # "PCLI": one intake at a time
_MOST_SHARDS = 64
_LEAST_ROWS, _MOST_ROWS = 50, 5000

Connection = psycopg.Connection[Any]

_INCOMING = """
CREATE TEMPORARY TABLE paycools_incoming (
    seq BIGINT, order_id TEXT, line INTEGER, amount BIGINT, body TEXT, digest TEXT
) ON COMMIT DROP"""

_ENTER = """
INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated)
SELECT order_id, %(batch)s, seq / %(size)s, line, amount, body, digest, 'planned', %(now)s
FROM paycools_incoming ORDER BY seq ON CONFLICT (order_id) DO NOTHING"""

_NOT_NEW = """
FROM paycools_incoming i JOIN paycools_payouts p USING (order_id)
WHERE (p.intake <> %(batch)s OR p.line <> i.line)"""


def enter(
    dsn: str,
    orders: Iterable[Order | RowError],
    text_of: Callable[[Any], str],
    release: bool,
    clock: Callable[[], float] | None,
) -> Intake:
    """Enter the orders as a batch. Runs in a thread: reading, signing texts and copying go on off the loop."""
    found = Intake()
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_INCOMING)
        rows = _copy(connection, orders, text_of, found)
        batch = _one(connection, "SELECT coalesce(max(id), 0) + 1 FROM paycools_batches")
        now = clock() if clock else _one(connection, "SELECT extract(epoch FROM now())::float8")
        size = min(max(-(-rows // _MOST_SHARDS), _LEAST_ROWS), _MOST_ROWS)
        values = {"batch": batch, "size": size, "now": now}
        found.new = connection.execute(_ENTER, values).rowcount
        _judge(connection, values, found)
        if found.errors:
            connection.rollback()
        elif found.new:
            shards = -(-rows // size)
            query = "INSERT INTO paycools_batches VALUES (%s, %s, %s, %s, %s)"
            connection.execute(query, (batch, found.new, shards, now, release))
    return found


def _copy(
    connection: Connection, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], found: Intake
) -> int:
    rows = 0
    with connection.cursor().copy("COPY paycools_incoming FROM STDIN") as copy:
        for order in orders:
            if isinstance(order, RowError):
                found.add(order)
                continue
            request = order.request
            body, digest = body_of(request), digest_of(text_of(request))
            copy.write_row((rows, request.mch_order_id, order.line, request.amount, body, digest))
            found.total += request.amount
            rows += 1
    return rows


def _judge(connection: Connection, values: dict[str, Any], found: Intake) -> None:
    """Tell the rows that are known from before from those that are faults."""
    query = f"SELECT count(*) {_NOT_NEW} AND p.intake <> %(batch)s AND p.digest = i.digest"
    found.known = _one(connection, query, values)
    query = f"""
        SELECT i.line, i.order_id, p.line, p.intake = %(batch)s {_NOT_NEW}
            AND (p.intake = %(batch)s OR p.digest <> i.digest) ORDER BY i.seq"""
    for line, order_id, other, same_file in connection.execute(query, values):
        if same_file:
            found.add_twice(line, order_id, other)
        else:
            found.add_changed(line, order_id)
    found.errors.sort(key=lambda error: error.line)


def _one(connection: Connection, query: str, values: dict[str, Any] | None = None) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    return None if row is None else row[0]
