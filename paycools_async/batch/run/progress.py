"""Where a run stands: rows by state, and when anything last came nearer to its end."""

from __future__ import annotations

from collections.abc import Callable

from ...times import Clock
from ..ledger.base import Counts
from ..ledger.row import Row
from ..states import State

__all__ = ["Progress"]

_FORWARD = frozenset({State.ACCEPTED, State.SETTLED, State.FAILED, State.PREEXISTING, State.CONFLICT})
"""States that a payout is in only when something has come of it."""

_SLOW = 1.0
"""Seconds. So long no ledger takes that is there."""


class Progress:
    """`counts`: rows and minor units by state. `forward_at`: when something last came of a payout, monotonic.

    `is_behind`: a row has moved from a state in which none was counted, as one does that another run has lost: the
    ledger is to be asked again. `on_move` is called with each row that this run has moved.
    """

    def __init__(self, clock: Clock, on_move: Callable[[Row], None] | None = None) -> None:
        self._clock = clock
        self._on_move = on_move
        self.counts: Counts = {}
        self.forward_at: float = clock.monotonic()
        self.is_behind: bool = False

    def start(self, counts: Counts) -> None:
        """A run begins."""
        self.counts = counts
        self.forward_at = self._clock.monotonic()

    def moved(self, before: Row, row: Row) -> None:
        """A row has moved."""
        if row.state is before.state:
            return
        if self._on_move is not None:
            self._on_move(row)
        if self.counts.get(before.state, (0, 0))[0] < 1:
            self.is_behind = True
        else:
            self._count(before.state, -1, -row.amount)
            self._count(row.state, 1, row.amount)
        if row.state in _FORWARD or before.state is State.UNKNOWN:
            self.forward_at = self._clock.monotonic()

    def recounted(self, counts: Counts) -> bool:
        """Whether others, workers or callbacks, moved something forward since it was counted."""
        forward = any(counts.get(state, (0, 0)) != self.counts.get(state, (0, 0)) for state in _FORWARD)
        self.counts = counts
        self.is_behind = False
        if forward:
            self.forward_at = self._clock.monotonic()
        return forward

    def held_up(self, seconds: float) -> None:
        """The ledger's answer was so long in coming: meanwhile nothing could move forward."""
        if seconds > _SLOW:
            self.forward_at += seconds

    def _count(self, state: State, rows: int, amount: int) -> None:
        counted = self.counts.get(state, (0, 0))
        self.counts[state] = (counted[0] + rows, counted[1] + amount)
