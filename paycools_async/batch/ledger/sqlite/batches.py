"""What a person decides, in a SQLite ledger: a file's rows are offered as a batch, released, or taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...files import Order, RowError
from ...states import MAY_BE_SENT, State
from ..application import Seen
from ..base import Batch, BatchEntry, Changed, Intake, LedgerError, Offer, Source, Withdrawal
from ..payload import BesideNames, beside_text, body_of, digest_of, names_from, own_idempotency_id
from . import queries

__all__ = ["adopt", "batches", "enter", "release", "withdraw"]


def enter(
    connection: sqlite3.Connection,
    orders: Iterable[Order | RowError],
    text_of: Callable[[Any], str],
    source: Source,
    now: float,
) -> Intake:
    """Enter the orders as `offered`, all or none, within the connection's transaction."""
    connection.execute("SAVEPOINT intake")
    try:
        intake = _Entering(connection, text_of, now).enter(orders, source)
    except BaseException:
        connection.execute("ROLLBACK TO intake")
        connection.execute("RELEASE intake")
        raise
    if intake.errors:
        connection.execute("ROLLBACK TO intake")
        intake.batch = None
    connection.execute("RELEASE intake")
    return intake


class _Entering:
    """One file on its way into the ledger."""

    def __init__(self, connection: sqlite3.Connection, text_of: Callable[[Any], str], now: float) -> None:
        self._connection = connection
        self._text_of = text_of
        self._now = now
        self._number: int = connection.execute(queries.NEXT_NUMBER).fetchone()[0]
        recovered = connection.execute("SELECT 1 FROM meta WHERE key = 'recovered'").fetchone()
        # a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
        self._begins = ("unknown", "lost", now, now) if recovered else ("offered", None, now, None)
        self._intake = Intake()
        self._entered_amount = 0
        self._known: dict[int, list[int]] = {}
        self._names = BesideNames()

    def enter(self, orders: Iterable[Order | RowError], source: Source) -> Intake:
        intake = self._intake
        for order in orders:
            if isinstance(order, RowError):
                intake.add(order)
            else:
                self._enter(order)
        for line, idempotency_id, other in self._connection.execute(queries.CLASHES, {"batch": self._number}):
            intake.add_idempotency(line, idempotency_id, other)
        if intake.new:
            intake.batch = self._number
            values = (self._number, source.file, source.sha256, intake.new, self._entered_amount, source.by, self._now)
            self._connection.execute(queries.ENTER_BATCH, (*values, self._names.text()))
            _log(self._connection, self._number, self._now, "offer", source.by, intake.new, self._entered_amount)
        intake.known_in = [self._offer(batch, *tally) for batch, tally in sorted(self._known.items())]
        return intake

    def _enter(self, order: Order) -> None:
        intake, request = self._intake, order.request
        digest = digest_of(self._text_of(request))
        values = (request.mch_order_id, own_idempotency_id(request), self._number, order.line, request.amount)
        if not self._names.add(order.beside):
            intake.add_too_many(order.line, self._names.most)
            return
        done = self._connection.execute(
            queries.ENTER, (*values, body_of(request), digest, beside_text(order.beside), *self._begins, self._now)
        )
        intake.total += request.amount
        if done.rowcount:
            intake.new += 1
            self._entered_amount += request.amount
            return
        found = self._connection.execute(queries.KNOWN, (request.mch_order_id,)).fetchone()
        batch, line, known, state, application = found
        if application:
            intake.add_application(order.line, request.mch_order_id)
        elif batch == self._number:
            intake.add_twice(order.line, request.mch_order_id, line)
        elif known != digest:
            intake.add_changed(order.line, request.mch_order_id, batch, state)
        else:
            intake.known += 1
            tally = self._known.setdefault(batch, [0, 0])
            tally[0] += 1
            tally[1] += state in MAY_BE_SENT

    def _offer(self, batch: int, in_file: int, unsent: int) -> Offer:
        [(all_unsent,)] = self._connection.execute(queries.MAY_BE_SENT_OF, (batch,))
        return Offer(batch=batch, in_file=in_file, unsent_in_file=unsent, unsent_elsewhere=all_unsent - unsent)


def release(connection: sqlite3.Connection, batch: int, by: str, rows: int, amount: int, now: float) -> None:
    """A person's yes to just what the person was shown."""
    if connection.execute(queries.IS_APPLICATION, (batch,)).fetchone():
        raise LedgerError(f"batch {batch} is an application's: it alone says what is sent of it")
    [offered] = connection.execute(queries.OFFERED_OF, (batch,)).fetchall()
    if offered != (rows, amount):
        raise Changed(
            f"batch {batch} has {offered[0]} offered payouts now, {rows} were shown; "
            "nothing was released: show it and ask again"
        )
    _move(connection, "release", "planned", "intake = ? AND state = 'offered'", (batch,), now)
    _log(connection, batch, now, "release", by, rows, amount)


def withdraw(
    connection: sqlite3.Connection,
    by: str,
    batch: int | None,
    order_id: str | None,
    seen: Seen,
    now: float,
) -> Withdrawal:
    """Take back what was never sent, and log it for each batch."""
    where = f"withdrawn = 0{queries.scope_of(seen)}"
    values: tuple[Any, ...] = ()
    if batch is not None:
        where, values = f"{where} AND intake = ?", (*values, batch)
    if order_id is not None:
        where, values = f"{where} AND order_id = ?", (*values, order_id)
    never_sent = f"{where} AND {queries.NEVER_SENT}"
    by_batch = connection.execute(queries.by_batch(never_sent), values).fetchall()
    [(staying,)] = connection.execute(queries.staying(where), values)
    _move(connection, "withdraw", "withdrawn", never_sent, values, now, ", withdrawn = id")
    for number, rows, amount in by_batch:
        _log(connection, number, now, "withdraw", by, rows, amount)
    return Withdrawal(
        rows=sum(rows for _, rows, _ in by_batch), amount=sum(amount for _, _, amount in by_batch), stay=staying
    )


def adopt(connection: sqlite3.Connection, by: str, seen: Seen, now: float) -> int:
    """Take what PayCools had before for this ledger's payouts."""
    where = f"state = 'preexisting'{queries.scope_of(seen)}"
    by_batch = connection.execute(queries.by_batch(where)).fetchall()
    _move(connection, "adopt", "accepted", where, (), now, ", reason = 'adopt'")
    for number, rows, amount in by_batch:
        _log(connection, number, now, "adopt", by, rows, amount)
    return sum(rows for _, rows, _ in by_batch)


def _move(
    connection: sqlite3.Connection,
    event: str,
    state: str,
    where: str,
    values: tuple[Any, ...],
    now: float,
    more: str = "",
) -> None:
    """Move many rows alike, each with its line in the log. All text is ours."""
    connection.execute(queries.log_moves(where), (now, event, state, *values))
    connection.execute(queries.move_rows(where, more), (state, now, *values))


def _log(connection: sqlite3.Connection, batch: int, now: float, event: str, by: str, rows: int, amount: int) -> None:
    connection.execute(queries.LOG_BATCH, (batch, now, event, by, rows, amount))


def batches(connection: sqlite3.Connection) -> list[Batch]:
    """Every batch, oldest first."""
    counts: dict[int, dict[State, tuple[int, int]]] = {}
    for number, state, rows, amount in connection.execute(queries.COUNTS_BY_BATCH):
        counts.setdefault(number, {})[State(state)] = (rows, amount)
    log: dict[int, list[BatchEntry]] = {}
    names = [field.name for field in attrs.fields(BatchEntry)]
    for values in connection.execute(f"SELECT {', '.join(names)} FROM batch_log ORDER BY id"):  # noqa: S608
        entry = BatchEntry(**dict(zip(names, values, strict=True)))
        log.setdefault(entry.batch, []).append(entry)
    names = ["id", "file", "sha256", "payouts", "amount", "offered_by", "offered_at"]
    rows = connection.execute(f"SELECT beside, {', '.join(names)} FROM batches WHERE application IS NULL ORDER BY id")  # noqa: S608
    return [
        Batch(
            **dict(zip(names, values, strict=True)),
            counts=counts.get(values[0], {}),
            log=tuple(log.get(values[0], ())),
            beside=names_from(beside),
        )
        for beside, *values in rows
    ]
