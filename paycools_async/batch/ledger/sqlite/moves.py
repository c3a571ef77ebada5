"""Moves of a SQLite ledger, many in one statement: a row and the line in its log, or neither."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any

from ...states import Event, IllegalMove
from ..row import Row, apply_event

__all__ = ["MOVING", "Move", "write"]

MOVING = """
CREATE VIEW IF NOT EXISTS moving AS
SELECT id, state AS was, state, reason, due, resends, looks, sent, transaction_id, code, message, updated,
    NULL AS event, NULL AS told, NULL AS epoch
FROM payouts;
CREATE TRIGGER IF NOT EXISTS moving_row INSTEAD OF INSERT ON moving BEGIN
    UPDATE payouts SET state = NEW.state, reason = nullif(NEW.reason, ''), due = NEW.due, resends = NEW.resends,
        looks = NEW.looks, absent_since = NULL, sent = nullif(NEW.sent, ''),
        transaction_id = nullif(NEW.transaction_id, ''), code = nullif(NEW.code, ''),
        message = nullif(NEW.message, ''), updated = NEW.updated
    WHERE id = NEW.id AND state = NEW.was
        AND (NEW.epoch = '' OR NEW.epoch = (SELECT value FROM meta WHERE key = 'epoch'));
    INSERT INTO moves (payout, at, event, state, code, message)
    SELECT NEW.id, NEW.updated, NEW.event, NEW.state, CASE WHEN NEW.told THEN nullif(NEW.code, '') END,
        CASE WHEN NEW.told THEN nullif(NEW.message, '') END
    WHERE changes() = 1;
    UPDATE payouts SET withdrawn = 0 WHERE NEW.was = 'withdrawn' AND id = NEW.id AND state = NEW.state;
END;
"""
"""A move is inserted into this view. Its row changes if it is as the caller saw it, and only then it is logged.

A run's move changes it only while the ledger is still that run's. An empty text stands for null, which takes SQLite's
driver several times as long to bind.
"""

_WIDTH = 15
_MOST = 32
"""Moves in one statement: older SQLite binds 999 values at the most."""
_LOGGED = "SELECT payout, event, state FROM moves ORDER BY id DESC LIMIT ?"


class Move:
    """One move of one row, as it is written. `epoch`: of the run that makes it; "" for events from outside."""

    __slots__ = ("event", "row", "to", "values")

    def __init__(self, row: Row, event: Event, due: float, now: float, details: dict[str, Any], epoch: str) -> None:
        """Raises IllegalMove where the event cannot happen in the row's state."""
        self.row: Row = row
        self.event: Event = event
        self.to: Row = apply_event(row, event, details, now)
        to = self.to
        self.values: tuple[Any, ...] = (
            # plain texts and numbers: with anything else, an enum's member or a bool, the driver looks for an adapter
            row.id,
            row.state._value_,
            to.state._value_,
            to.reason._value_ if to.reason else "",
            due,
            to.resends,
            to.inquiries,
            "" if to.sent is None else to.sent,
            to.transaction_id or "",
            "" if to.code is None else to.code,
            to.message or "",
            now,
            event._value_,
            1 if "code" in details or "message" in details else 0,
            epoch,
        )


def write(connection: sqlite3.Connection, moves: Sequence[Move]) -> list[Row | IllegalMove]:
    """Each row as it is now; IllegalMove where it was not as the move's caller saw it, or the ledger is lost to it."""
    found: list[Row | IllegalMove] = []
    for start in range(0, len(moves), _MOST):
        found += _write(connection, moves[start : start + _MOST])
    return found


def _write(connection: sqlite3.Connection, moves: Sequence[Move]) -> list[Row | IllegalMove]:
    before = connection.total_changes
    # one statement for all: the driver lets go of the interpreter at each, and has to wait for it again
    connection.execute(_insert(len(moves)), tuple(itertools.chain.from_iterable(move.values for move in moves)))
    made = (connection.total_changes - before) // 2
    if made == len(moves):
        return [move.to for move in moves]
    logged = deque(reversed(connection.execute(_LOGGED, (made,)).fetchall()))
    found: list[Row | IllegalMove] = []
    for move in moves:
        if logged and logged[0] == (move.row.id, move.event, move.to.state):
            logged.popleft()
            found.append(move.to)
        else:
            found.append(IllegalMove(f"order {move.row.order_id} is no longer {move.row.state}"))
    return found


@functools.cache
def _insert(size: int) -> str:
    one = f"({', '.join('?' * _WIDTH)})"
    return f"INSERT INTO moving VALUES {', '.join([one] * size)}"  # noqa: S608 - of question marks
