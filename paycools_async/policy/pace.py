"""How fast a client may go. One pace is shared by all its calls."""

from __future__ import annotations

from typing import Protocol

from ..errors import ApiError, PayCoolsError, RateLimited, TransientError, UnexpectedAnswer
from ..runtime import Guard
from ..times import Clock, SystemClock
from .deadline import Deadline

__all__ = ["Pace", "Pacing", "note_answer"]

LONGEST_RETRY_AFTER = 300.0
"""Seconds. A longer Retry-After is asked for again by the next answer; nobody sleeps for a day on one header."""


class Pace:
    """At most `rate` requests a second (no limit by default), and a pause for everybody when PayCools is busy.

    Busy answers double the pause from `first_pause` to `longest_pause` seconds; an answer that is not busy
    ends the doubling. Answers to requests sent before the pause began do not double it again.

    Event loops in several threads may share one. A forked child goes at a pace of its own from then on.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        first_pause: float = 0.05,
        longest_pause: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ValueError("rate must be more than 0 requests a second")
        self._interval = 1 / rate if rate else 0.0
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._clock: Clock = clock or SystemClock()
        self._guard = Guard()
        self._next = 0.0
        self._resume = 0.0
        self._pause = 0.0

    @property
    def resumes_at(self) -> float:
        """When the pause ends, or the last one ended (monotonic)."""
        return self._resume

    async def wait_turn(self, deadline: Deadline) -> float:
        """Wait for this request's turn; returns when it came (monotonic). Raises DeadlineExceeded."""
        while True:
            with self._guard.lock:
                now = self._clock.monotonic()
                turn = max(now, self._next)
                wait = deadline.spend(turn - now)
                ends_pause = turn == self._resume
                self._next = turn + self._interval
            if wait > 0:
                await self._clock.sleep(wait)
            # those whom a pause held go on together; a pause that began meanwhile holds the others
            if ends_pause or self._resume <= turn:
                return self._clock.monotonic()

    def busy(self, sent_at: float, retry_after: float | None = None) -> float:
        """PayCools asked to slow down in answer to a request sent at `sent_at`.

        Returns the seconds of the pause that begins; 0 where it has begun before.
        """
        with self._guard.lock:
            now = self._clock.monotonic()
            begins = sent_at >= self._resume
            if begins:
                self._pause = min(self._longest_pause, self._pause * 2 or self._first_pause)
            wait = self._pause if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
            self._resume = max(self._resume, now + wait)
            self._next = max(self._next, self._resume)
            return wait if begins else 0.0

    def calm(self, sent_at: float) -> None:
        """A request sent after the last pause was answered normally."""
        if self._pause and sent_at >= self._resume:
            self._pause = 0.0


class Pacing(Protocol):
    """When the next request may leave: `Pace`, or one that several processes share."""

    async def wait_turn(self, deadline: Deadline) -> float: ...

    def busy(self, sent_at: float, retry_after: float | None = None) -> float | None: ...

    def calm(self, sent_at: float) -> None: ...


def note_answer(pace: Pacing, sent_at: float, error: PayCoolsError | None) -> float:
    """Tell a pace what came of a request sent at `sent_at`. What means "slow down" is decided here and nowhere else.

    Trouble on the way, or an answer that cannot be trusted, says nothing of how busy PayCools is. Returns the seconds
    of a pause that begins with it, else 0.
    """
    if error is None:
        pace.calm(sent_at)
    elif isinstance(error, RateLimited | TransientError):
        return pace.busy(sent_at, error.retry_after) or 0.0
    elif isinstance(error, UnexpectedAnswer):
        if error.status in (429, 503):
            return pace.busy(sent_at, error.retry_after) or 0.0
    elif isinstance(error, ApiError):
        pace.calm(sent_at)
    return 0.0
