"""The SQLite ledger's file: made, checked, and opened by one run at a time."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from .protocol import Identity, LedgerError
from .schema import SCHEMA, TO_VERSION_2, VERSION
from .sqlite_moves import MOVING

__all__ = ["connect", "make", "next_epoch", "take_lock"]


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
    elif version == 1:
        connection.executescript(f"BEGIN IMMEDIATE; {TO_VERSION_2} COMMIT;")
    elif version > VERSION:
        raise LedgerError(f"{path}: was made by a newer version of this package")
    elif version != VERSION:
        raise LedgerError(f"{path}: is no ledger")
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


def next_epoch(connection: sqlite3.Connection) -> str:
    """Take the ledger over: from now on nobody who had it before can move what is to be sent."""
    with connection:
        connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'epoch'")
        return str(connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0])
