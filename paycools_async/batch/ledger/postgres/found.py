"""Word from outside the runs, a callback's: move an order's row from whatever state it is in now."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

import psycopg

from ...states import Event, IllegalMove
from ..row import Judge, Row, judged, moved
from .schema import COLUMNS, LentRow, lent_row_of
from .writer import Writer

__all__ = ["LATER_ROW", "move_found", "move_found_within"]

# of an order that was withdrawn and offered again the active row, else the latest
LATER_ROW = "ORDER BY p.withdrawn <> 0, p.id DESC LIMIT 1"
_LOCKED = f"""
SELECT {COLUMNS} FROM paycools_payouts p WHERE p.order_id = %s {LATER_ROW} FOR UPDATE"""  # noqa: S608 - all text is ours

# until the caller's transaction ends: it holds the row, and should it stop for good, nobody else could move it
_LIMIT = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"


class _Ledger(Protocol):
    async def get(self, order_id: str) -> LentRow | None: ...

    def move(self, row: Row, event: Event, **facts: Any) -> Awaitable[Row]: ...


async def move_found(ledger: _Ledger, order_id: str, judge: Judge, facts: dict[str, Any]) -> Row | None:
    """As `Ledger.found`, in a commit of its own."""
    while True:
        row = await ledger.get(order_id)
        event = judged(row, judge) if row else None
        if row is None or event is None:
            return row
        try:
            return await ledger.move(row, event, **facts)
        except IllegalMove:
            continue  # somebody was faster: judge again by what is there now


async def move_found_within(
    connection: psycopg.AsyncConnection[Any], writer: Writer, order_id: str, judge: Judge, facts: dict[str, Any]
) -> Row | None:
    """As `Ledger.found`, in the caller's transaction; the row is locked until its end."""
    await connection.execute(_LIMIT, (writer.idle_limit,))
    rows = await (await connection.execute(_LOCKED.encode(), (order_id,))).fetchall()
    row = lent_row_of(rows[0]) if rows else None
    event = judged(row, judge) if row else None
    if row is None or event is None:
        return row
    return await writer.move_within(connection, row, moved(row, event, facts), event, facts)
