"""Moves of a SQLite ledger: a row, and the line in its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import attrs

from ...states import Event, IllegalMove, State
from ..row import Row, apply_event
from . import queries

__all__ = ["Move", "move_from", "write"]


@attrs.frozen
class Move:
    """One move of one row, as it is written. `epoch`: of the run that makes it; "" for events from outside."""

    row: Row
    to: Row
    event: Event
    due: float
    epoch: str
    told: bool
    """Whether PayCools gave a code or a message with it, which the log then keeps too."""


def move_from(row: Row, event: Event, due: float, now: float, details: dict[str, Any], epoch: str) -> Move:
    """Raises IllegalMove where the event cannot happen in the row's state."""
    told = "code" in details or "message" in details
    return Move(row, apply_event(row, event, details, now), event, due, epoch, told)


def write(connection: sqlite3.Connection, moves: Sequence[Move]) -> list[Row | IllegalMove]:
    """Each row as it is now; IllegalMove where it was not as the move's caller saw it, or the ledger is lost to it.

    Inside a transaction: a row and its line in the log stand there together, or neither does.
    """
    results: list[Row | IllegalMove] = []
    lines: list[tuple[Any, ...]] = []
    for move in moves:
        row, to = move.row, move.to
        if connection.execute(queries.MOVE, _changes(move)).rowcount != 1:
            results.append(IllegalMove(f"order {row.order_id} is no longer {row.state}"))
            continue
        if row.state is State.WITHDRAWN:
            connection.execute(queries.TAKE_UP_AGAIN, (row.id,))
        words = (to.code, to.message) if move.told else (None, None)
        lines.append((row.id, to.updated, move.event.value, to.state.value, *words))
        results.append(to)
    connection.executemany(queries.LOG_MOVE, lines)
    return results


def _changes(move: Move) -> tuple[Any, ...]:
    # plain texts: for an enum's member the driver looks for an adapter
    row, to = move.row, move.to
    return (
        to.state.value,
        to.reason.value if to.reason else None,
        move.due,
        to.resends,
        to.inquiries,
        to.sent,
        to.transaction_id,
        to.code,
        to.message,
        to.updated,
        row.id,
        row.state.value,
        move.epoch,
        move.epoch,
    )
