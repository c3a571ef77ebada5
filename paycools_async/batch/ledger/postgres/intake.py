"""A file's orders into the PostgreSQL ledger: copied into a temporary table, compared there, entered all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg

from ...orders import Order, RowError
from ..base import Intake, Offer, Source
from ..payload import body_of, digest_of, own_idempotency_id
from .session import connect_options, limits

__all__ = ["enter"]

_LOCK = 0x50_43_4C_49  # "PCLI": one intake at a time a ledger
_MOST_SHARDS = 64
_LEAST_ROWS, _MOST_ROWS = 50, 5000

Connection = psycopg.Connection[Any]

_INCOMING = """
CREATE TEMPORARY TABLE paycools_incoming (
    seq BIGINT, order_id TEXT, idempotency_id TEXT, line INTEGER, amount BIGINT, body TEXT, digest TEXT
) ON COMMIT DROP"""
_COPY = "COPY paycools_incoming (seq, order_id, idempotency_id, line, amount, body, digest) FROM STDIN"

# after what stands anywhere, also where somebody put rows into a batch that is not there
_NUMBER = """
SELECT greatest((SELECT max(id) FROM paycools_batches), (SELECT max(intake) FROM paycools_payouts), 0) + 1"""

# a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
_RECOVERED = "SELECT EXISTS (SELECT FROM paycools_ledger WHERE key = 'recovered')"

_ENTER = """
INSERT INTO paycools_payouts
    (order_id, idempotency_id, intake, shard, line, amount, body, digest, state, reason, entered, sent, updated)
SELECT order_id, idempotency_id, %(batch)s, seq / %(size)s, line, amount, body, digest,
    CASE WHEN %(recovered)s THEN 'unknown' ELSE 'offered' END, CASE WHEN %(recovered)s THEN 'lost' END,
    %(now)s::float8, CASE WHEN %(recovered)s THEN %(now)s::float8 END, %(now)s::float8
FROM paycools_incoming ORDER BY seq ON CONFLICT (order_id, withdrawn) DO NOTHING"""

_BATCH = """
WITH entered AS (
    SELECT count(*) AS rows, coalesce(sum(amount), 0)::bigint AS amount, max(shard) + 1 AS shards
    FROM paycools_payouts WHERE intake = %(batch)s
),
batch AS (
    INSERT INTO paycools_batches (id, payouts, shards, planned, released, file, sha256, amount, offered_by, offered_at)
    SELECT %(batch)s, rows, shards, %(now)s, false, %(file)s, %(sha256)s, amount, %(by)s, %(now)s FROM entered
)
INSERT INTO paycools_batch_log (batch, at, event, by, payouts, amount)
SELECT %(batch)s, %(now)s, 'offer', %(by)s, rows, amount FROM entered"""

_NOT_NEW = """
FROM paycools_incoming i JOIN paycools_payouts p ON p.order_id = i.order_id AND p.withdrawn = 0
WHERE (p.intake <> %(batch)s OR p.line <> i.line)"""

_FAULTS = f"""
SELECT i.line, i.order_id, p.line, p.intake, p.state {_NOT_NEW}
    AND (p.intake = %(batch)s OR p.digest <> i.digest) ORDER BY i.seq"""

_MAY_BE_SENT = "state IN ('offered', 'planned', 'sending', 'unknown')"
_KNOWN = f"""
WITH known AS (
    SELECT p.intake, count(*) AS rows, count(*) FILTER (WHERE p.{_MAY_BE_SENT}) AS unsent {_NOT_NEW}
        AND p.intake <> %(batch)s AND p.digest = i.digest GROUP BY p.intake
)
SELECT k.intake, k.rows, k.unsent,
    (SELECT count(*) FROM paycools_payouts a WHERE a.intake = k.intake AND a.{_MAY_BE_SENT}) - k.unsent
FROM known k ORDER BY k.intake"""  # noqa: S608 - all text is ours

# an idempotency id of its own that another row has too, as idempotency id or as order id; and the other way round
_CLASHES = """
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


def enter(
    dsn: str,
    lease: float,
    orders: Iterable[Order | RowError],
    text_of: Callable[[Any], str],
    source: Source,
    clock: Callable[[], float] | None,
) -> Intake:
    """Enter the orders as a batch. Runs in a thread: reading, signing texts and copying go on off the loop."""
    found = Intake()
    with psycopg.connect(**connect_options(dsn, lease)) as connection:
        # a large file, slowly read, is one long statement
        setting, settings = limits(lease, statement=0)
        connection.execute(setting.encode(), settings)
        with connection.transaction():
            connection.execute(_INCOMING)
            # nobody waits while the file is read: up to here nothing is locked that others want
            rows = _copy(connection, orders, text_of, found)
            connection.execute("ANALYZE paycools_incoming")
            _lock(connection)
            _enter(connection, rows, source, clock, found)
            if found.errors:
                found.batch = None
                raise psycopg.Rollback
    return found


def _lock(connection: Connection) -> None:
    """Wait for other intakes. They are at work, or lose their transaction: there is no need for a limit."""
    connection.execute("SELECT set_config('lock_timeout', '0', true)")
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (_LOCK,))


def _copy(
    connection: Connection, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], found: Intake
) -> int:
    rows = 0
    with connection.cursor().copy(_COPY) as copy:
        for order in orders:
            if isinstance(order, RowError):
                found.add(order)
                continue
            request = order.request
            frozen = (body_of(request), digest_of(text_of(request)))
            own = own_idempotency_id(request)
            copy.write_row((rows, request.mch_order_id, own, order.line, request.amount, *frozen))
            found.total += request.amount
            rows += 1
    return rows


def _enter(connection: Connection, rows: int, source: Source, clock: Callable[[], float] | None, found: Intake) -> None:
    values = {
        "batch": _one(connection, _NUMBER),
        "size": min(max(-(-rows // _MOST_SHARDS), _LEAST_ROWS), _MOST_ROWS),
        "now": clock() if clock else _one(connection, "SELECT extract(epoch FROM statement_timestamp())::float8"),
        "recovered": _one(connection, _RECOVERED),
        "file": source.file,
        "sha256": source.sha256,
        "by": source.by,
    }
    found.new = connection.execute(_ENTER, values).rowcount
    _classify(connection, values, found)
    if found.new and not found.errors:
        connection.execute(_BATCH, values)
        found.batch = values["batch"]


def _classify(connection: Connection, values: dict[str, Any], found: Intake) -> None:
    """Tell the rows that are known from before from those that are faults."""
    for batch, rows, unsent, elsewhere in connection.execute(_KNOWN.encode(), values):
        found.known += rows
        offer = Offer(batch=batch, in_file=rows, unsent_in_file=unsent, unsent_elsewhere=elsewhere)
        found.known_in.append(offer)
    for line, order_id, other, batch, state in _each(connection, _FAULTS, values):
        if batch == values["batch"]:
            found.add_twice(line, order_id, other)
        else:
            found.add_changed(line, order_id, batch, state)
    for line, idempotency_id, other in _each(connection, _CLASHES, values):
        found.add_idempotency(line, idempotency_id, other)
    found.errors.sort(key=lambda error: error.line)


def _each(connection: Connection, query: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """A page at a time: there may be as many faults as lines."""
    with connection.cursor("faults") as cursor:
        cursor.execute(query.encode(), values)
        yield from cursor


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
