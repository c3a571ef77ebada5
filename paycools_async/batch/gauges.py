"""How a ledger stands, in numbers for a dashboard."""

from __future__ import annotations

import attrs

from .ledger.base import Ledger
from .states import OPEN, State

__all__ = ["LedgerGauges", "ledger_gauges"]


@attrs.frozen(kw_only=True)
class LedgerGauges:
    """Rows in every state (0 where there are none), the backlog, and how old the oldest of it is."""

    rows: dict[State, int]
    backlog: int
    """Rows that were released and are not at their end: planned, sending, unknown or accepted."""
    oldest_age: float | None
    """Seconds since the oldest of these was entered; None where there is none."""


async def ledger_gauges(ledger: Ledger) -> LedgerGauges:
    """Two questions to the ledger: not to be asked every second of one with millions of rows. Raises LedgerError."""
    counts, entered = await ledger.counts(), await ledger.oldest_open()
    rows = {state: counts.get(state, (0, 0))[0] for state in State}
    return LedgerGauges(
        rows=rows,
        backlog=sum(rows[state] for state in OPEN),
        oldest_age=None if entered is None else max(0.0, ledger.time() - entered),
    )
