"""`python -m benchmarks submit [postgresql://...]`: what a durable submission costs, one at a time and many at once.

Nothing is sent meanwhile: what is measured is the time until a payout is on disk.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from paycools_async import CreatePayout, HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.durable import DurablePayouts
from paycools_async.testing import FakePayCools

from .by_hand import FIELDS

ALONE, TOGETHER, CALLERS = 300, 6000, 200


async def submit(places: Sequence[str]) -> None:
    """Measure on a SQLite file, and on these databases, each in the schema that its URL names."""
    with tempfile.TemporaryDirectory() as folder:
        for place in (str(Path(folder, "payouts.db")), *places):
            print("PostgreSQL" if place.startswith("postgresql") else "SQLite")
            await _measure(place)


async def _never(_request: HttpRequest) -> HttpResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def _measure(place: str) -> None:
    credentials = FakePayCools().ph_credentials
    async with (
        PayCoolsPH(credentials, transport=MemoryTransport(_never)) as paycools,
        DurablePayouts(paycools, place, poll=5.0, stop_within=0.1) as payouts,
    ):
        assert payouts._opened is not None
        await payouts._opened.background.stop(0.1)
        for what, count, callers in (("one at a time", ALONE, 1), (f"{CALLERS} at a time", TOGETHER, CALLERS)):
            began = time.perf_counter()
            took = await _by_callers(payouts, count, callers)
            rate = count / (time.perf_counter() - began)
            p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
            print(f"{what}: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, {rate:,.0f} a second")


async def _by_callers(payouts: DurablePayouts, count: int, callers: int) -> list[float]:
    """Seconds that each submission took, with so many callers at once."""
    salt = time.time_ns() % 10**9
    left = [CreatePayout(mch_order_id=f"SUB{salt:09}{number:07}", **FIELDS["ph"]) for number in range(count)]
    took: list[float] = []

    async def caller() -> None:
        while left:
            order = left.pop()
            began = time.perf_counter()
            await payouts.submit(order)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return took
