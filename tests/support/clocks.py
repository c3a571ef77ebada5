"""Clocks that tests set."""

from __future__ import annotations

from paycools_async.testing import ManualClock

__all__ = ["SetBackClock"]


class SetBackClock(ManualClock):
    """A manual clock that somebody sets back."""

    def set_back(self, seconds: float) -> None:
        self._elapsed -= seconds
