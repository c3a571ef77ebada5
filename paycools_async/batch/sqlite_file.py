"""The SQLite ledger's file: made, checked, opened by one run at a time, and filled with a file's orders."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .frozen import body_of, digest_of
from .orders import Order, RowError
from .protocol import Identity, Intake, LedgerError
from .schema import SCHEMA, VERSION
from .sqlite_moves import MOVING

__all__ = ["connect", "enter", "make", "take_lock"]


def take_lock(path: Path) -> sqlite3.Connection:
    """Keep other runs out until the lock is closed. Raises LedgerError where another run has it."""
    # a held SQLite transaction is a lock on every platform, and the system drops it when the process dies
    lock = sqlite3.connect(f"{path}.lock", isolation_level=None, check_same_thread=False, timeout=0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        lock.close()
        raise LedgerError(f"{path}: another run is using this ledger") from None
    return lock


def make(path: Path) -> None:
    """An empty file that its owner only can read."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise LedgerError(f"{path}: cannot be made: {error.strerror}") from None


def connect(path: Path, identity: Identity | None) -> sqlite3.Connection:
    """A connection to this merchant's ledger; an empty file becomes one. Raises LedgerError, and sqlite3.Error."""
    # the driver itself begins a transaction before a write, and waits for its turn there, not half-way
    connection = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False, timeout=10)
    try:
        _prepare(connection, path)
        if identity is not None:
            with connection:
                _own(connection, path, identity)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # what is in the log is on disk; carrying it over into the file each 40 MB instead of each 4 makes a batch faster
    connection.execute("PRAGMA wal_autocheckpoint=10000")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
    elif version != VERSION:
        raise LedgerError(f"{path}: is no ledger of this version")
    connection.executescript(MOVING)


def _own(connection: sqlite3.Connection, path: Path, identity: Identity) -> None:
    found = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if found is None:
        rows = [("identity", identity.text()), ("currency", identity.currency)]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    elif found[0] != identity.text():
        raise LedgerError(
            f"{path}: this ledger belongs to {found[0]!r}, these credentials are {identity.text()!r}; "
            "use another ledger file"
        )


def enter(
    connection: sqlite3.Connection, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], now: float
) -> Intake:
    """Enter the orders as `planned`, all or none, within the connection's transaction."""
    found = Intake()
    number = connection.execute("SELECT coalesce(max(intake), 0) + 1 FROM payouts").fetchone()[0]
    connection.execute("SAVEPOINT intake")
    try:
        for order in orders:
            if isinstance(order, RowError):
                found.add(order)
            else:
                _enter(connection, order, number, text_of, now, found)
    except BaseException:
        connection.execute("ROLLBACK TO intake")
        raise
    if found.errors:
        connection.execute("ROLLBACK TO intake")
    connection.execute("RELEASE intake")
    return found


def _enter(
    connection: sqlite3.Connection,
    order: Order,
    number: int,
    text_of: Callable[[Any], str],
    now: float,
    found: Intake,
) -> None:
    request = order.request
    digest = digest_of(text_of(request))
    done = connection.execute(
        "INSERT INTO payouts (order_id, intake, line, amount, body, digest, state, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, 'planned', ?) ON CONFLICT (order_id) DO NOTHING",
        (request.mch_order_id, number, order.line, request.amount, body_of(request), digest, now),
    )
    found.total += request.amount
    if done.rowcount:
        found.new += 1
        return
    intake, line, known = connection.execute(
        "SELECT intake, line, digest FROM payouts WHERE order_id = ?", (request.mch_order_id,)
    ).fetchone()
    if intake == number:
        found.add_twice(order.line, request.mch_order_id, line)
    elif known != digest:
        found.add_changed(order.line, request.mch_order_id)
    else:
        found.known += 1
