"""Events from outside the runs, such as a callback's: move an order's row from whatever state it is in now."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

import psycopg

from ...states import Event, IllegalMove
from ..row import EventSource, Row, apply_event, event_for
from .schema import COLUMNS, LeasedRow, leased_row_from
from .writer import Writer

__all__ = ["LATER_ROW", "apply_now", "apply_within"]

# of an order that was withdrawn and offered again the active row, else the latest
LATER_ROW = "ORDER BY p.withdrawn <> 0, p.id DESC LIMIT 1"
_LOCKED = f"""
SELECT {COLUMNS} FROM paycools_payouts p WHERE p.order_id = %s {LATER_ROW} FOR UPDATE"""  # noqa: S608 - all text is ours

# until the caller's transaction ends: it holds the row, and should it stop for good, nobody else could move it
_LIMIT = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"


class _Ledger(Protocol):
    async def get(self, order_id: str) -> LeasedRow | None: ...

    def move(self, row: Row, event: Event, **details: Any) -> Awaitable[Row]: ...


async def apply_now(ledger: _Ledger, order_id: str, source: EventSource, details: dict[str, Any]) -> Row | None:
    """As `Ledger.apply_event`, in a commit of its own."""
    while True:
        row = await ledger.get(order_id)
        event = event_for(row, source) if row else None
        if row is None or event is None:
            return row
        try:
            return await ledger.move(row, event, **details)
        except IllegalMove:
            continue  # somebody was faster: decided again by what is there now


async def apply_within(
    connection: psycopg.AsyncConnection[Any],
    writer: Writer,
    order_id: str,
    source: EventSource,
    details: dict[str, Any],
) -> Row | None:
    """As `Ledger.apply_event`, in the caller's transaction; the row is locked until its end."""
    await connection.execute(_LIMIT, (writer.idle_limit,))
    rows = await (await connection.execute(_LOCKED.encode(), (order_id,))).fetchall()
    row = leased_row_from(rows[0]) if rows else None
    event = event_for(row, source) if row else None
    if row is None or event is None:
        return row
    return await writer.move_within(connection, row, apply_event(row, event, details), event, details)
