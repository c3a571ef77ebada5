"""The moves of a run's rows in the ledger, also where a callback or another run was faster."""

from __future__ import annotations

import attrs

from ..ledger.base import Ledger
from ..ledger.row import Row
from ..states import Event, IllegalMove
from .progress import Progress

__all__ = ["RowMoves"]

_ABOUT_THE_ORDER = frozenset(
    {Event.FOUND_PENDING, Event.FOUND_COMPLETE, Event.FOUND_FAILED, Event.FOUND_EARLIER, Event.MISMATCH}
)


class RowMoves:
    """Moves the rows of one run, and counts them."""

    def __init__(self, ledger: Ledger, progress: Progress) -> None:
        self._ledger = ledger
        self._progress = progress

    async def make(self, row: Row, event: Event, **details: object) -> Row:
        """Make a move, durably; the row as it is now. Raises IllegalMove where a SEND finds that the row has moved."""
        try:
            moved = await self._ledger.move(row, event, **details)  # type: ignore[arg-type]
        except IllegalMove:
            if event is Event.SEND:
                raise
            moved = await self._overtaken(row, event, details)
        self._progress.moved(row, moved)
        return moved

    async def _overtaken(self, row: Row, event: Event, details: dict[str, object]) -> Row:
        """The row moved meanwhile: a callback was faster, or its lease ended and another run has it.

        What PayCools says of the order holds in any state. What became of this run's own request, or that PayCools did
        not know the order, is about a past that the row has left: it moves nothing.
        """
        current = await self._ledger.get(row.order_id)
        # a row claimed for an inquiry comes without its order
        if current is None or attrs.evolve(current, body=row.body, digest=row.digest) == row:
            raise IllegalMove(f"{event} cannot happen to a payout that is {row.state}")
        if event in _ABOUT_THE_ORDER:
            current = await self._ledger.apply_event(row.order_id, event, **details)
        elif event is Event.ACCEPTED and current.transaction_id not in (None, details["transaction_id"]):
            # our own receipt names another payment than the one by which the row has moved
            message = f"our receipt says {details['transaction_id']}, PayCools says {current.transaction_id} elsewhere"
            current = await self._ledger.apply_event(row.order_id, Event.MISMATCH, message=message)
        return current or row
