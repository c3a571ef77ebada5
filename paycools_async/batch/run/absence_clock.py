"""Whether an order that PayCools does not show is absent by now: by time, and on clocks that may have been set."""

from __future__ import annotations

from ...times import Clock
from ..ledger.base import Ledger
from ..ledger.row import Row
from ..states import NEVER_SENT_AGAIN, Event, State
from .options import Options

__all__ = ["AbsenceClock"]

_CLOCK_WAS_SET = 1.0
"""Seconds by which the ledger's clock and the monotonic one may drift apart in a run before the first was set."""


class AbsenceClock:
    """Says when absences may be believed, on this process's clock as well as on the row's.

    `longest_lag`: the longest that PayCools was seen to take to show an order, in seconds.
    """

    def __init__(self, ledger: Ledger, options: Options, clock: Clock, call_timeout: float) -> None:
        self._ledger = ledger
        self._options = options
        self._clock = clock
        self._call_timeout = call_timeout
        self.longest_lag: float = 0.0
        self.start()

    def start(self) -> None:
        """A run begins: what was sent before is waited for from when this process opened the ledger."""
        self._started = self._ledger.steady_since
        self._skew = self._ledger.time() - self._clock.monotonic()

    def decides(self, row: Row) -> bool:
        """Whether an inquiry that finds nothing now is the end of a payout's waiting: it may be sent again then.

        An earlier inquiry must have found nothing, and all that was sent must have arrived and be shown by now.
        """
        return self.may_come(row) and row.absent_since is not None and self._ledger.time() >= self.comes_at(row)

    def may_come(self, row: Row) -> bool:
        """Where PayCools says that it has the order, or refused it oddly, nothing is gained by sending it again."""
        if row.state is not State.UNKNOWN or row.reason in NEVER_SENT_AGAIN:
            return False
        return row.reason is Event.LOST or row.resends < self._options.max_resends

    def comes_at(self, row: Row) -> float:
        """From when on the order's absence may be believed.

        What an earlier process sent is waited for from when this one opened the ledger: clocks may have been set.
        """
        now = self._ledger.time()
        skew = now - self._clock.monotonic()
        if abs(skew - self._skew) > _CLOCK_WAS_SET:
            self._skew, self._started = skew, now
        sent = row.sent if row.sent is not None else row.updated
        # what lies in the future was written before a clock was set back: it counts as left before this run
        since = max(sent, self._started) if sent <= now + _CLOCK_WAS_SET else self._started
        return since + self._options.absence(row.resends, self._call_timeout, self.longest_lag)

    def shown(self, row: Row) -> bool:
        """Learn from an order that PayCools shows; whether it was not shown before, and for longer than any."""
        since = row.updated if row.state is State.ACCEPTED else row.sent
        if row.absent_since is None or since is None:
            return False
        lag = self._ledger.time() - since
        if lag <= self.longest_lag:
            return False
        self.longest_lag = lag
        return True
