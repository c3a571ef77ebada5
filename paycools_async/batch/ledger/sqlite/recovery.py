"""A SQLite ledger of which a part is lost."""

from __future__ import annotations

import sqlite3

from . import queries

__all__ = ["lose_everything"]


def lose_everything(connection: sqlite3.Connection, now: float) -> None:
    """Whatever is not final may have been sent by the part that is lost. Within the connection's transaction.

    `apply_event` with LOST, for all rows at once. What is entered from now on may have been sent as well.
    """
    connection.execute(queries.LOG_LOST, {"now": now})
    connection.execute(queries.LOSE, {"now": now})
    connection.execute(queries.NOTE_LOST, {"now": repr(now)})
    connection.execute("DELETE FROM meta WHERE key = 'backup'")
