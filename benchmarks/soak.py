"""A large batch into a sandbox that keeps failing; afterwards its books and the ledger are compared row by row."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import tempfile
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import attrs

from paycools_async import PayCoolsPH
from paycools_async.batch import Options, SQLiteLedger, State, pay_file
from paycools_async.batch.ledger.sqlite.ledger import Row
from paycools_async.testing import FakePayCools, Sandbox, generate_private_key

from .processes import alone, heard, peak_memory, run, running, until_told

SMALL = 1000
"""Rows of the run whose memory the large one is compared with."""
MIB = 1024 * 1024

FAULTS: list[dict[str, Any]] = [
    {"kind": "drop_after", "rate": 0.05},
    {"kind": "drop_before", "rate": 0.05},
    {"kind": "http_status", "status": 502, "rate": 0.05},
    {"kind": "busy", "code": 1018, "rate": 0.02},
]
BURST: dict[str, Any] = {"kind": "busy", "code": 1013, "rate": 1.0}
BURST_LASTS, BETWEEN_BURSTS = 0.3, 3.0
TIMEOUT = 2.0
"""Seconds for a call. An unclear payout waits for so long, and ABSENT_AFTER more, before it is sent again."""
ABSENT_AFTER = 1.0
MAX_RESENDS = 20
"""Of the sendings one in eight is lost, and every payout is to come to its end here without a person."""
FAILING = 500
"""Every so many rows one goes to an account that the sandbox lets fail."""


@attrs.frozen(kw_only=True)
class Soaked:
    """What came of one run. `wrong` names the first rows where ledger and books differ; it must be empty."""

    rows: int
    states: dict[str, int]
    stopped: str | None
    resends: int
    seconds: float
    start: int
    peak: int
    orders_paid: int
    paid_more_than_once: list[str]
    wrong: list[str]
    struck: dict[str, int]
    requests: dict[str, int]

    @property
    def right(self) -> bool:
        final = self.states.get("settled", 0) + self.states.get("failed", 0)
        paid_as_settled = self.orders_paid == self.states.get("settled", 0)
        return final == self.rows and paid_as_settled and not self.wrong and not self.paid_more_than_once


async def soak(rows: int, concurrency: int, *, uvloop: bool) -> int:
    """A small run and the large one, each in a fresh process, and what they show. 0 if every row is right."""
    options = Options(concurrency=concurrency, absent_after=ABSENT_AFTER, max_resends=MAX_RESENDS)
    found = []
    for each in (min(SMALL, rows), rows):
        print(f"{each:,} rows in a process of their own", flush=True)
        found.append(await alone(_in_process, each, options, uvloop))
    print(_told(*found))
    return 0 if all(each.right for each in found) else 1


def _in_process(rows: int, options: Options, uvloop: bool) -> Soaked:
    return run(soak_once(rows, options, uvloop=uvloop), uvloop=uvloop)


async def soak_once(rows: int, options: Options, *, uvloop: bool) -> Soaked:
    """Pay `rows` orders of a CSV file into a sandbox of its own process, and check every one."""
    pem = generate_private_key()
    start = peak_memory()
    with tempfile.TemporaryDirectory() as folder, running(_sandbox, pem, uvloop) as sandbox:
        url: str = await heard(sandbox)
        file, ledger = Path(folder, "orders.csv"), Path(folder, "ledger.db")
        await asyncio.to_thread(_write_orders, file, rows)
        credentials = FakePayCools(private_key=pem).ph_credentials
        async with (
            PayCoolsPH(credentials, base_url=url, timeout=TIMEOUT, max_connections=options.concurrency) as client,
            aiohttp.ClientSession(url) as session,
        ):
            started = time.perf_counter()
            async with _failing(session):
                summary = await pay_file(client, file, ledger=ledger, approve=lambda _: True, options=options)
            seconds, peak = time.perf_counter() - started, peak_memory()
            async with session.get("/_sandbox/books") as answer:
                books = await answer.json()
        wrong, resends = await _compare(ledger, books["payouts"])
    return Soaked(
        rows=rows,
        states={state.value: summary.rows(state) for state in State if summary.rows(state)},
        stopped=summary.stopped,
        resends=resends,
        seconds=seconds,
        start=start,
        peak=peak,
        orders_paid=len({payout["order_id"] for payout in books["payouts"] if payout["status"] != "FAILED"}),
        paid_more_than_once=books["paid_more_than_once"],
        wrong=wrong[:10],
        struck=books["struck"],
        requests=books["requests"],
    )


def _sandbox(pipe: Connection, pem: str, uvloop: bool) -> None:
    """The SDK's own sandbox, in a process of its own: a PayCools that checks signatures and keeps books."""

    async def serve() -> None:
        fake = FakePayCools(private_key=pem)
        fake.merchant.enforce_unique = False
        async with Sandbox(fake) as box:
            pipe.send(box.base_url)
            await until_told(pipe)

    run(serve(), uvloop=uvloop)


def _write_orders(path: Path, rows: int) -> None:
    names = ("mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name", "remark")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for number in range(1, rows + 1):
            account = "09170000000" if number % FAILING == 0 else f"0917{number % 999_999:06d}1"
            amount = f"{100 + number % 900}.{number % 100:02d}"
            writer.writerow((f"SOAK{number:010d}", amount, "EWALLET", "GCASH", account, "Juan Dela Cruz", "soak"))


@contextlib.asynccontextmanager
async def _failing(session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """While the body runs, payouts fail at fixed rates, and every few seconds the sandbox is busy for a while."""

    async def set_up(*faults: dict[str, Any]) -> None:
        only = [{**fault, "only": "ph.payout.create"} for fault in faults]
        async with session.post("/_sandbox/faults", json=only) as answer:
            answer.raise_for_status()

    async def bursts() -> None:
        while True:
            await set_up(*FAULTS)
            await asyncio.sleep(BETWEEN_BURSTS)
            await set_up(BURST, *FAULTS)
            await asyncio.sleep(BURST_LASTS)

    await set_up(*FAULTS)
    task = asyncio.create_task(bursts())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _compare(path: Path, payouts: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Rows whose state is not what the sandbox's books say, and how often orders were sent again."""
    booked: dict[str, list[dict[str, Any]]] = {}
    for payout in payouts:
        booked.setdefault(payout["order_id"], []).append(payout)
    wrong: list[str] = []
    resends = 0
    ledger = await SQLiteLedger.open(path, None, read_only=True)
    async with contextlib.aclosing(ledger):
        async for page in ledger.pages():
            for row in page:
                resends += row.resends
                if not _agree(row, booked.pop(row.order_id, [])):
                    wrong.append(f"{row.order_id}: {row.state.value}")
    wrong += [f"{order_id}: not in the ledger" for order_id in booked]
    return wrong, resends


def _agree(row: Row, payouts: list[dict[str, Any]]) -> bool:
    """Settled: paid once, this amount, this transaction. Failed: booked once, as failed. Planned: not booked."""
    found = [(payout["status"], payout["amount"], payout["transaction_id"]) for payout in payouts]
    ended = {State.SETTLED: "COMPLETE", State.FAILED: "FAILED"}
    if row.state in ended:
        return found == [(ended[row.state], row.amount, row.transaction_id)]
    return not found if row.state is State.PLANNED else len(found) <= 1


def _told(small: Soaked, large: Soaked) -> str:
    states = ", ".join(f"{state} {rows:,}" for state, rows in large.states.items())
    seconds = f"({large.seconds:.0f} s, retries and inquiries included)"
    lines = [
        f"states             {states}" + (f" (stopped: {large.stopped})" if large.stopped else ""),
        f"faults             {_counted(large.struck)}",
        f"requests           {_counted(large.requests)}",
        f"sent again         {large.resends:,} times, after inquiries that found nothing in time",
        f"paid twice         {len(large.paid_more_than_once)} (the sandbox's own count)",
        f"orders paid        {large.orders_paid:,}, settled rows {large.states.get('settled', 0):,}",
        f"rows that differ   {', '.join([*small.wrong, *large.wrong]) or 'none'}",
        f"speed              {large.rows / large.seconds:,.0f} payouts/s {seconds}",
    ]
    for found in (small, large):
        peak, more = found.peak / MIB, (found.peak - found.start) / MIB
        lines.append(f"memory, {found.rows:>6,} rows  peak {peak:.1f} MiB, {more:.1f} MiB of it for the run")
    lines.append("every row is right" if small.right and large.right else "NOT EVERY ROW IS RIGHT")
    return "\n".join(lines)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
