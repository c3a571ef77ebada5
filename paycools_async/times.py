"""PayCools' clocks: texts without a zone are Philippine time, UTC+8 (inferred from published samples)."""

from __future__ import annotations

import asyncio
import time as machine
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Protocol, runtime_checkable

__all__ = ["BANGKOK", "JAKARTA", "MANILA", "AlarmClock", "Clock", "SystemClock", "parse_time", "wire_date"]

MANILA = timezone(timedelta(hours=8), "PHT")
"""The Philippines have no daylight saving time, so a fixed offset is exact and needs no zone database."""
JAKARTA = timezone(timedelta(hours=7), "WIB")
BANGKOK = timezone(timedelta(hours=7), "ICT")


class Clock(Protocol):
    """Where time comes from. Tests pass their own."""

    def time(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        ...


@runtime_checkable
class AlarmClock(Clock, Protocol):
    """A clock that others move, and that tells who waits for a moment when it has come."""

    def alarm(self, moment: float, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside the block, call `ring` once `monotonic` has come to this moment."""
        ...


class SystemClock:
    """The machine's clock."""

    time = staticmethod(machine.time)
    monotonic = staticmethod(machine.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def parse_time(text: str, zone: tzinfo = MANILA) -> datetime:
    """An aware datetime from "yyyy-MM-dd HH:mm:ss" (in `zone`) or ISO 8601 with its own offset.

    Raises ValueError on anything else.
    """
    moment = datetime.fromisoformat(text.strip())
    # a fourth of the time that moment.replace(tzinfo=zone) takes
    return moment if moment.tzinfo is not None else datetime.combine(moment, moment.time(), zone)


def wire_date(day: date | str) -> str:
    """A day as "yyyy-MM-dd". Raises ValueError if it is no real day in that form."""
    if isinstance(day, datetime):
        raise ValueError("a date is wanted, not a date and time")
    if isinstance(day, date):
        return day.isoformat()
    if len(day) != 10 or date.fromisoformat(day).isoformat() != day:
        raise ValueError("not a day as yyyy-MM-dd")
    return day
