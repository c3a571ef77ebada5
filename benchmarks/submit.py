"""`python -m benchmarks.submit [postgresql://...]`: what a durable submission costs, one at a time and many at once.

Nothing is sent meanwhile: what is measured is the time until a payout is on disk.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from paycools_async import CreatePayout, HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.durable import DurablePayouts
from paycools_async.testing import FakePayCools

__all__ = ["main"]

ALONE, TOGETHER, CALLERS = 300, 6000, 200


def _order(number: int) -> CreatePayout:
    return CreatePayout(
        mch_order_id=f"SUB{time.time_ns() % 10**9:09}{number:07}",
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Cruz",
    )


async def _measure(place: str) -> None:
    async def never(request: HttpRequest) -> HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError

    credentials = FakePayCools().ph_credentials
    async with (
        PayCoolsPH(credentials, transport=MemoryTransport(never)) as paycools,
        DurablePayouts(paycools, place, poll=5.0, stop_within=0.1) as payouts,
    ):
        assert payouts._opened is not None
        await payouts._opened.background.stop(0.1)
        for what, count, callers in (("one at a time", ALONE, 1), (f"{CALLERS} at a time", TOGETHER, CALLERS)):
            left = [_order(number) for number in range(count)]
            took: list[float] = []

            async def caller(left: list[CreatePayout] = left, took: list[float] = took) -> None:
                while left:
                    order = left.pop()
                    began = time.perf_counter()
                    await payouts.submit(order)
                    took.append(time.perf_counter() - began)

            began = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(callers)))
            seconds = time.perf_counter() - began
            p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
            print(f"{what}: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, {count / seconds:,.0f} a second")


def main(places: list[str]) -> None:
    """Measure on a SQLite file, and on these databases, each in the schema that its URL names."""
    with tempfile.TemporaryDirectory() as folder:
        for place in (str(Path(folder, "payouts.db")), *places):
            print("PostgreSQL" if place.startswith("postgresql") else "SQLite")
            asyncio.run(_measure(place))


if __name__ == "__main__":
    main(sys.argv[1:])
