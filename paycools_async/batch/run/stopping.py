"""What ends a run's sending: a stop, a pause, or so many refusals that the file as a whole must be wrong."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from .options import Options

__all__ = ["Brake", "Breaker"]


class Brake:
    """`stopped`: nothing is begun any more. `paused`: nothing is sent, and what was sent is still inquired about.

    `on_stop` is called when it stops.
    """

    def __init__(self, options: Options, on_stop: Callable[[], None]) -> None:
        self._breaker = Breaker(options)
        self._on_stop = on_stop
        self._waiting: set[asyncio.Task[None]] = set()
        self.stopped: bool = False
        self.paused: bool = False
        self.reason: str | None = None
        """Why it was paused or stopped first."""

    @property
    def is_on(self) -> bool:
        """Whether nothing is sent any more."""
        return self.paused or self.stopped

    def stop(self, reason: str) -> None:
        """Send nothing more, finish what is in flight, and end."""
        self.stopped = True
        self.reason = self.reason or reason
        for task in self._waiting:
            task.cancel()
        self._on_stop()

    def pause(self, reason: str) -> None:
        """Send nothing more, and go on finding out about what was sent."""
        self.paused = True
        self.reason = self.reason or reason

    def resume(self) -> None:
        """Send again after a pause. What was stopped stays so."""
        if not self.stopped:
            self.paused, self.reason = False, None

    def answered(self, *, refused: bool) -> bool:
        """Note an answer; whether it has just made this a pause."""
        reason = self._breaker.answered(refused=refused)
        if reason is None or self.paused:
            return False
        self.pause(reason)
        return True

    async def wait_for(self, turn: Awaitable[float]) -> float:
        """Wait until the next payout may leave; `stop` cancels the task that waits, and its payout stays planned."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - workers are tasks
        self._waiting.add(task)
        try:
            return await turn
        finally:
            self._waiting.discard(task)


class Breaker:
    """Sees when so much is refused that the file as a whole, or PayCools, must be wrong."""

    def __init__(self, options: Options) -> None:
        self._share, self._window = options.breaker, options.breaker_window
        self._last: deque[bool] = deque(maxlen=self._window)

    def answered(self, *, refused: bool) -> str | None:
        """Note an answer; why nothing more should be sent, if it is so."""
        self._last.append(refused)
        if not refused or self._share is None or len(self._last) < self._window:
            return None
        refusals = sum(self._last)
        if refusals < self._share * self._window:
            return None
        return (
            f"{refusals} of the last {self._window} payouts were refused; look at the reasons before the rest is sent"
        )
