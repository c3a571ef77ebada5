"""What a person decides, in a SQLite ledger: a file's rows are offered as a batch, released, or taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...orders import Order, RowError
from ...states import State
from ..base import Batch, BatchEntry, Changed, Intake, Offer, Source, Withdrawal
from ..payload import body_of, digest_of, own_idempotency_id

__all__ = ["adopt", "batches", "enter", "release", "withdraw"]

_INSERT = """
INSERT INTO payouts
    (order_id, idempotency_id, intake, line, amount, body, digest, state, reason, entered, sent, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, withdrawn) DO NOTHING"""

_UNSENT = "state IN ('offered', 'planned')"
_NEVER_SENT = f"{_UNSENT} AND resends = 0"
_MAY_BE_SENT = "state IN ('offered', 'planned', 'sending', 'unknown')"

# an idempotency id of its own that another row has too, as idempotency id or as order id; and the other way round
_CLASHES = """
SELECT a.line, a.idempotency_id, b.order_id FROM payouts a JOIN payouts b ON b.idempotency_id = a.idempotency_id
WHERE a.intake = :batch AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, a.idempotency_id, b.order_id FROM payouts a JOIN payouts b ON b.order_id = a.idempotency_id
WHERE a.intake = :batch AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, b.idempotency_id, b.order_id FROM payouts b JOIN payouts a ON a.order_id = b.idempotency_id
WHERE a.intake = :batch AND b.intake <> :batch AND b.idempotency_id IS NOT NULL AND b.state <> 'withdrawn'
ORDER BY 1"""


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
        found = _Entering(connection, text_of, now).enter(orders, source)
    except BaseException:
        connection.execute("ROLLBACK TO intake")
        connection.execute("RELEASE intake")
        raise
    if found.errors:
        connection.execute("ROLLBACK TO intake")
        found.batch = None
    connection.execute("RELEASE intake")
    return found


class _Entering:
    """One file on its way into the ledger."""

    def __init__(self, connection: sqlite3.Connection, text_of: Callable[[Any], str], now: float) -> None:
        self._connection = connection
        self._text_of = text_of
        self._now = now
        self._number: int = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM batches").fetchone()[0]
        recovered = connection.execute("SELECT 1 FROM meta WHERE key = 'recovered'").fetchone()
        # a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
        self._begins = ("unknown", "lost", now, now) if recovered else ("offered", None, now, None)
        self._found = Intake()
        self._entered_amount = 0
        self._known: dict[int, list[int]] = {}

    def enter(self, orders: Iterable[Order | RowError], source: Source) -> Intake:
        found = self._found
        for order in orders:
            if isinstance(order, RowError):
                found.add(order)
            else:
                self._enter(order)
        for line, idempotency_id, other in self._connection.execute(_CLASHES, {"batch": self._number}):
            found.add_idempotency(line, idempotency_id, other)
        if found.new:
            found.batch = self._number
            values = (self._number, source.file, source.sha256, found.new, self._entered_amount, source.by, self._now)
            self._connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            _log(self._connection, self._number, self._now, "offer", source.by, found.new, self._entered_amount)
        found.known_in = [self._offer(batch, *tally) for batch, tally in sorted(self._known.items())]
        return found

    def _enter(self, order: Order) -> None:
        found, request = self._found, order.request
        digest = digest_of(self._text_of(request))
        values = (request.mch_order_id, own_idempotency_id(request), self._number, order.line, request.amount)
        done = self._connection.execute(_INSERT, (*values, body_of(request), digest, *self._begins, self._now))
        found.total += request.amount
        if done.rowcount:
            found.new += 1
            self._entered_amount += request.amount
            return
        intake, line, known, state = self._connection.execute(
            "SELECT intake, line, digest, state FROM payouts WHERE order_id = ? AND withdrawn = 0",
            (request.mch_order_id,),
        ).fetchone()
        if intake == self._number:
            found.add_twice(order.line, request.mch_order_id, line)
        elif known != digest:
            found.add_changed(order.line, request.mch_order_id, intake, state)
        else:
            found.known += 1
            tally = self._known.setdefault(intake, [0, 0])
            tally[0] += 1
            tally[1] += state in (State.OFFERED, State.PLANNED, State.SENDING, State.UNKNOWN)

    def _offer(self, batch: int, in_file: int, unsent: int) -> Offer:
        query = f"SELECT count(*) FROM payouts WHERE intake = ? AND {_MAY_BE_SENT}"  # noqa: S608
        [(all_unsent,)] = self._connection.execute(query, (batch,))
        return Offer(batch=batch, in_file=in_file, unsent_in_file=unsent, unsent_elsewhere=all_unsent - unsent)


def release(connection: sqlite3.Connection, batch: int, by: str, rows: int, amount: int, now: float) -> None:
    """A person's yes to just what the person was shown."""
    query = "SELECT count(*), coalesce(sum(amount), 0) FROM payouts WHERE intake = ? AND state = 'offered'"
    [offered] = connection.execute(query, (batch,)).fetchall()
    if offered != (rows, amount):
        raise Changed(
            f"batch {batch} has {offered[0]} offered payouts now, {rows} were shown; nothing was released: look again"
        )
    _move(connection, "release", "planned", "intake = ? AND state = 'offered'", (batch,), now)
    _log(connection, batch, now, "release", by, rows, amount)


def withdraw(
    connection: sqlite3.Connection, by: str, batch: int | None, order_id: str | None, scope: str, now: float
) -> Withdrawal:
    """Take back what was never sent, and log it for each batch."""
    where = f"withdrawn = 0{scope}"
    values: tuple[Any, ...] = ()
    if batch is not None:
        where, values = f"{where} AND intake = ?", (*values, batch)
    if order_id is not None:
        where, values = f"{where} AND order_id = ?", (*values, order_id)
    by_batch = connection.execute(
        f"SELECT intake, count(*), sum(amount) FROM payouts WHERE {where} AND {_NEVER_SENT} GROUP BY intake",  # noqa: S608
        values,
    ).fetchall()
    stay = f"SELECT count(*) FROM payouts WHERE {where} AND state <> 'withdrawn' AND NOT ({_NEVER_SENT})"  # noqa: S608
    [(staying,)] = connection.execute(stay, values)
    _move(connection, "withdraw", "withdrawn", f"{where} AND {_NEVER_SENT}", values, now, ", withdrawn = id")
    for number, rows, amount in by_batch:
        _log(connection, number, now, "withdraw", by, rows, amount)
    return Withdrawal(
        rows=sum(rows for _, rows, _ in by_batch), amount=sum(amount for _, _, amount in by_batch), stay=staying
    )


def adopt(connection: sqlite3.Connection, by: str, scope: str, now: float) -> int:
    """Take what PayCools had before for this ledger's payouts."""
    where = f"state = 'preexisting'{scope}"
    by_batch = connection.execute(
        f"SELECT intake, count(*), sum(amount) FROM payouts WHERE {where} GROUP BY intake"  # noqa: S608
    ).fetchall()
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
    connection.execute(
        f"INSERT INTO moves (payout, at, event, state) SELECT id, ?, ?, ? FROM payouts WHERE {where} ORDER BY id",  # noqa: S608
        (now, event, state, *values),
    )
    connection.execute(
        f"UPDATE payouts SET state = ?, due = 0, looks = 0, absent_since = NULL, updated = ?{more} WHERE {where}",  # noqa: S608
        (state, now, *values),
    )


def _log(connection: sqlite3.Connection, batch: int, now: float, event: str, by: str, rows: int, amount: int) -> None:
    connection.execute(
        "INSERT INTO batch_log (batch, at, event, by, payouts, amount) VALUES (?, ?, ?, ?, ?, ?)",
        (batch, now, event, by, rows, amount),
    )


def batches(connection: sqlite3.Connection) -> list[Batch]:
    """Every batch, oldest first."""
    counts: dict[int, dict[State, tuple[int, int]]] = {}
    query = "SELECT intake, state, count(*), sum(amount) FROM payouts GROUP BY intake, state"
    for number, state, rows, amount in connection.execute(query):
        counts.setdefault(number, {})[State(state)] = (rows, amount)
    log: dict[int, list[BatchEntry]] = {}
    names = [field.name for field in attrs.fields(BatchEntry)]
    for values in connection.execute(f"SELECT {', '.join(names)} FROM batch_log ORDER BY id"):  # noqa: S608
        entry = BatchEntry(**dict(zip(names, values, strict=True)))
        log.setdefault(entry.batch, []).append(entry)
    names = ["id", "file", "sha256", "payouts", "amount", "offered_by", "offered_at"]
    return [
        Batch(
            **dict(zip(names, values, strict=True)), counts=counts.get(values[0], {}), log=tuple(log.get(values[0], ()))
        )
        for values in connection.execute(f"SELECT {', '.join(names)} FROM batches ORDER BY id")  # noqa: S608
    ]
