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
from . import queries

__all__ = ["Move", "write"]

_WIDTH = 15
_MOST = 32
"""Moves in one statement: older SQLite binds 999 values at the most."""


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
    results: list[Row | IllegalMove] = []
    for start in range(0, len(moves), _MOST):
        results += _write(connection, moves[start : start + _MOST])
    return results


def _write(connection: sqlite3.Connection, moves: Sequence[Move]) -> list[Row | IllegalMove]:
    before = connection.total_changes
    # one statement for all: the driver lets go of the interpreter at each, and has to wait for it again
    connection.execute(_insert(len(moves)), tuple(itertools.chain.from_iterable(move.values for move in moves)))
    made = (connection.total_changes - before) // 2
    if made == len(moves):
        return [move.to for move in moves]
    logged = deque(reversed(connection.execute(queries.LAST_MOVES, (made,)).fetchall()))
    results: list[Row | IllegalMove] = []
    for move in moves:
        if logged and logged[0] == (move.row.id, move.event, move.to.state):
            logged.popleft()
            results.append(move.to)
        else:
            results.append(IllegalMove(f"order {move.row.order_id} is no longer {move.row.state}"))
    return results


@functools.cache
def _insert(size: int) -> str:
    one = f"({', '.join('?' * _WIDTH)})"
    return f"INSERT INTO moving VALUES {', '.join([one] * size)}"  # noqa: S608 - of question marks
