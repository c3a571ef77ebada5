"""One deadline covers a whole call: signing, waiting its turn, every attempt and the pauses between."""

from __future__ import annotations

import math

from ..errors import ConfigurationError, DeadlineExceeded, Outcome
from ..times import Clock

__all__ = ["Deadline", "checked_timeout"]


def checked_timeout(seconds: float) -> float:
    """The seconds for a call, if they are some. Raises ConfigurationError."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise ConfigurationError("timeout: seconds for the whole call, more than 0")
    return seconds


class Deadline:
    """Counts down from `seconds`. After `not_after`, a moment of the monotonic clock, nothing may be sent any more."""

    def __init__(self, clock: Clock, seconds: float, *, not_after: float | None = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end = clock.monotonic() + seconds
        self.not_after = not_after

    @property
    def remaining(self) -> float:
        """Seconds left for the call."""
        return self._end - self._clock.monotonic()

    @property
    def to_send(self) -> float:
        """Seconds left in which it may be sent."""
        if self.not_after is None:
            return self.remaining
        return min(self.remaining, self.not_after - self._clock.monotonic())

    def expired(self) -> bool:
        """Whether the moment has passed after which nothing may be sent."""
        return self.not_after is not None and self._clock.monotonic() > self.not_after

    def check(self) -> None:
        """Raises DeadlineExceeded where nothing may be sent any more."""
        if self.expired():
            raise DeadlineExceeded(
                "nothing was sent: the moment after which it must not be sent has passed", outcome=Outcome.NOT_SENT
            )

    def spend(self, wait: float) -> float:
        """`wait`, if it ends in time; else raises DeadlineExceeded: there is no use in starting to wait."""
        self.check()
        if wait >= self.to_send:
            raise DeadlineExceeded(
                f"nothing was sent: the {self._seconds:g} seconds allowed for the call are used up",
                outcome=Outcome.NOT_SENT,
            )
        return wait
