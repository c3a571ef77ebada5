"""One deadline covers a whole call: signing, waiting its turn, every attempt and the pauses between."""

from __future__ import annotations

from ..errors import DeadlineExceeded, Outcome
from ..times import Clock

__all__ = ["Deadline"]


class Deadline:
    """Counts down from `seconds`."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end = clock.monotonic() + seconds

    @property
    def remaining(self) -> float:
        return self._end - self._clock.monotonic()

    def spend(self, wait: float) -> float:
        """`wait`, if it ends in time; else raises DeadlineExceeded: there is no use in starting to wait."""
        if wait >= self.remaining:
            raise DeadlineExceeded(
                f"nothing was sent: the {self._seconds:g} seconds allowed for the call are used up",
                outcome=Outcome.NOT_SENT,
            )
        return wait
