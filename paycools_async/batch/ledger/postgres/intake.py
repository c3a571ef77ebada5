"""A file's orders into the PostgreSQL ledger: copied into a temporary table, compared there, entered all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg

from ....storage.postgres_connections import ConnectionString, connect_sync
from ...files import Order, RowError
from ..base import Intake, Offer, Source
from ..payload import BesideNames, beside_text, body_of, digest_of, own_idempotency_id
from . import batch_queries as queries

__all__ = ["enter"]

_LOCK = 0x50_43_4C_49  # "PCLI": one intake at a time a ledger
_MOST_SHARDS = 64
_LEAST_ROWS, _MOST_ROWS = 50, 5000

Connection = psycopg.Connection[Any]


def enter(
    place: ConnectionString,
    lease: float,
    orders: Iterable[Order | RowError],
    text_of: Callable[[Any], str],
    source: Source,
    clock: Callable[[], float] | None,
) -> Intake:
    """Enter the orders as a batch. Runs in a thread: reading, signing texts and copying go on off the loop."""
    intake = Intake()
    # a large file, slowly read, is one long statement
    with connect_sync(place, lease, statement=0) as connection, connection.transaction():
        connection.execute(queries.INCOMING)
        # nobody waits while the file is read: up to here nothing is locked that others want
        names = BesideNames()
        rows = _copy(connection, orders, text_of, intake, names)
        connection.execute("ANALYZE paycools_incoming")
        _lock(connection)
        _enter(connection, rows, names, source, clock, intake)
        if intake.errors:
            intake.batch = None
            raise psycopg.Rollback
    return intake


def _lock(connection: Connection) -> None:
    """Wait for other intakes. They are at work, or lose their transaction: there is no need for a limit."""
    connection.execute("SELECT set_config('lock_timeout', '0', true)")
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (_LOCK,))


def _copy(
    connection: Connection,
    orders: Iterable[Order | RowError],
    text_of: Callable[[Any], str],
    intake: Intake,
    names: BesideNames,
) -> int:
    """How many rows were copied; `names` becomes those of their columns that are not sent."""
    rows = 0
    with connection.cursor().copy(queries.COPY) as copy:
        for order in orders:
            if isinstance(order, RowError):
                intake.add(order)
                continue
            if not names.add(order.beside):
                intake.add_too_many(order.line, names.most)
                continue
            request = order.request
            kept = (body_of(request), digest_of(text_of(request)), beside_text(order.beside))
            own = own_idempotency_id(request)
            copy.write_row((rows, request.mch_order_id, own, order.line, request.amount, *kept))
            intake.total += request.amount
            rows += 1
    return rows


def _enter(
    connection: Connection,
    rows: int,
    names: BesideNames,
    source: Source,
    clock: Callable[[], float] | None,
    intake: Intake,
) -> None:
    values = {
        "batch": _one(connection, queries.NUMBER),
        "size": min(max(-(-rows // _MOST_SHARDS), _LEAST_ROWS), _MOST_ROWS),
        "now": clock() if clock else _one(connection, "SELECT extract(epoch FROM statement_timestamp())::float8"),
        "recovered": _one(connection, queries.RECOVERED),
        "file": source.file,
        "sha256": source.sha256,
        "by": source.by,
        "beside": names.text(),
    }
    intake.new = connection.execute(queries.ENTER, values).rowcount
    _classify(connection, values, intake)
    if intake.new and not intake.errors:
        connection.execute(queries.BATCH, values)
        intake.batch = values["batch"]


def _classify(connection: Connection, values: dict[str, Any], intake: Intake) -> None:
    """Tell the rows that are known from before from those that are faults."""
    for batch, rows, unsent, elsewhere in connection.execute(queries.KNOWN.encode(), values):
        intake.known += rows
        offer = Offer(batch=batch, in_file=rows, unsent_in_file=unsent, unsent_elsewhere=elsewhere)
        intake.known_in.append(offer)
    for line, order_id, other, batch, state, application in _each(connection, queries.FAULTS, values):
        if application:
            intake.add_application(line, order_id)
        elif batch == values["batch"]:
            intake.add_twice(line, order_id, other)
        else:
            intake.add_changed(line, order_id, batch, state)
    for line, idempotency_id, other in _each(connection, queries.CLASHES, values):
        intake.add_idempotency(line, idempotency_id, other)
    intake.errors.sort(key=lambda error: error.line)


def _each(connection: Connection, query: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """A page at a time: there may be as many faults as lines."""
    with connection.cursor("faults") as cursor:
        cursor.execute(query.encode(), values)
        yield from cursor


def _one(connection: Connection, query: str) -> Any:
    [(value,)] = connection.execute(query.encode()).fetchall()
    return value
