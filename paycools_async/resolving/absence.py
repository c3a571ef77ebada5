"""From when on an order that PayCools does not show may be believed absent: the one rule of clients and batches."""

from __future__ import annotations

__all__ = ["ABSENT_AFTER", "SHORTEST_ABSENCE", "absent_from"]

ABSENT_AFTER = 60.0
SHORTEST_ABSENCE = 1.0
"""Seconds, the least of `absent_after`: sooner, an order that PayCools shows late could be paid twice."""
_LAGS = 3.0
"""An order is given so many times the longest lag that was ever seen to appear."""
_MOST_DOUBLINGS = 30


def absent_from(
    sent_at: float, *, call_timeout: float, absent_after: float, longest_lag: float = 0.0, resends: int = 0
) -> float:
    """The moment from which an inquiry that finds nothing is believed; all in seconds, on the clock of `sent_at`.

    The last byte left no later than `call_timeout` after `sent_at`. PayCools may show an order late, so `absent_after`
    follows, or three times the longest lag that was seen, doubled with each re-send.
    """
    shown_late: float = max(absent_after, _LAGS * longest_lag) * 2 ** min(resends, _MOST_DOUBLINGS)
    return sent_at + call_timeout + shown_late
