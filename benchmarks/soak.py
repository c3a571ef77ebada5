"""A large batch into a sandbox that keeps failing; afterwards its records and the ledger are compared row by row."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs

from paycools_async import PayCoolsPH
from paycools_async.batch import Options, SQLiteLedger, State, pay_file
from paycools_async.testing import FakePayCools, Sandbox, generate_private_key
from paycools_async.testing.faults import Fault

from .processes import alone, heard, peak_memory, run, running

SMALL = 1000
"""Rows of the run whose memory the large one is compared with."""
FAULTS = (
    Fault(kind="drop_after", rate=0.05, only="ph.payout.create"),
    Fault(kind="drop_before", rate=0.05, only="ph.payout.create"),
    Fault(kind="http_status", status=502, rate=0.05, only="ph.payout.create"),
    Fault(kind="busy", code=1018, rate=0.02, only="ph.payout.create"),
)
BURST = Fault(kind="busy", code=1013, rate=1.0, only="ph.payout.create")
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
    """What came of one run. `wrong` names the rows where ledger and sandbox differ; it must be empty."""

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
        credentials, connections = FakePayCools(private_key=pem).ph_credentials, options.concurrency
        async with PayCoolsPH(credentials, base_url=url, timeout=TIMEOUT, max_connections=connections) as client:
            started = time.perf_counter()
            summary = await pay_file(client, file, ledger=ledger, approve=lambda _: True, options=options)
            seconds, peak = time.perf_counter() - started, peak_memory()
        sandbox.send("what was paid?")
        payouts, told = await heard(sandbox)
        wrong, resends = await _compare(ledger, payouts)
    return Soaked(
        rows=rows,
        states={state.value: summary.rows(state) for state in State if summary.rows(state)},
        stopped=summary.stopped,
        resends=resends,
        seconds=seconds,
        start=start,
        peak=peak,
        orders_paid=len({payout.order_id for payout in payouts if payout.status != "FAILED"}),
        wrong=wrong,
        **told,
    )


def _write_orders(path: Path, rows: int) -> None:
    names = ("mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name", "remark")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for number in range(1, rows + 1):
            account = "09170000000" if number % FAILING == 0 else f"0917{number % 999_999:06d}1"
            amount = f"{100 + number % 900}.{number % 100:02d}"
            writer.writerow((f"SOAK{number:010d}", amount, "EWALLET", "GCASH", account, "Juan Dela Cruz", "soak"))


def _sandbox(pipe: Connection, pem: str, uvloop: bool) -> None:
    run(_serve(pipe, FakePayCools(private_key=pem)), uvloop=uvloop)


async def _serve(pipe: Connection, fake: FakePayCools) -> None:
    """The SDK's own sandbox, in a process of its own: it checks signatures, keeps records, and fails."""
    fake.merchant.enforce_unique = False
    async with Sandbox(fake) as box, asyncio.TaskGroup() as group:
        failing = group.create_task(_fail(fake))
        pipe.send(box.base_url)
        with contextlib.suppress(EOFError):
            await heard(pipe)
            twice = fake.payouts.paid_more_than_once()
            told = {"paid_more_than_once": twice, "struck": fake.faults.struck, "requests": fake.requests}
            pipe.send((fake.payouts.paid, told))
        failing.cancel()


async def _fail(fake: FakePayCools) -> None:
    """Payouts fail at fixed rates, and every few seconds all of them for a while: it is busy."""
    while True:
        for faults, lasts in ((FAULTS, BETWEEN_BURSTS), ((BURST, *FAULTS), BURST_LASTS)):
            fake.faults.clear()
            for fault in faults:
                fake.faults.add(fault)
            await asyncio.sleep(lasts)


async def _compare(path: Path, payouts: list[Any]) -> tuple[list[str], int]:
    """Rows whose state is not what the sandbox says, and how often orders were sent again.

    Settled: paid once, this amount, this transaction. Failed: once, as failed. Planned: not at all.
    """
    paid: dict[str, list[tuple[str, int, str]]] = {}
    for payout in payouts:
        paid.setdefault(payout.order_id, []).append((payout.status, payout.amount, payout.transaction_id))
    ended = {State.SETTLED: "COMPLETE", State.FAILED: "FAILED"}
    wrong: list[str] = []
    resends = 0
    async with contextlib.aclosing(await SQLiteLedger.open(path, None, read_only=True)) as ledger:
        async for page in ledger.pages():
            for row in page:
                resends += row.resends
                found = paid.pop(row.order_id, [])
                if row.state in ended:
                    right = found == [(ended[row.state], row.amount, row.transaction_id)]
                else:
                    right = not found if row.state is State.PLANNED else len(found) <= 1
                if not right:
                    wrong.append(f"{row.order_id}: {row.state.value}")
    return wrong + [f"{order_id}: not in the ledger" for order_id in paid], resends


def _told(small: Soaked, large: Soaked) -> str:
    def counted(counts: dict[str, int]) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"

    seconds = f"({large.seconds:.0f} s, retries and inquiries included)"
    lines = [
        f"states             {counted(large.states)}" + (f" (stopped: {large.stopped})" if large.stopped else ""),
        f"faults             {counted(large.struck)}",
        f"requests           {counted(large.requests)}",
        f"sent again         {large.resends:,} times, after inquiries that found nothing in time",
        f"paid twice         {len(large.paid_more_than_once)} (the sandbox's own count)",
        f"orders paid        {large.orders_paid:,}, settled rows {large.states.get('settled', 0):,}",
        f"rows that differ   {', '.join([*small.wrong, *large.wrong][:10]) or 'none'}",
        f"speed              {large.rows / large.seconds:,.0f} payouts/s {seconds}",
    ]
    for found in (small, large):
        peak, more = found.peak / 2**20, (found.peak - found.start) / 2**20
        lines.append(f"memory, {found.rows:>6,} rows  peak {peak:.1f} MiB, {more:.1f} MiB of it for the run")
    lines.append("every row is right" if small.right and large.right else "NOT EVERY ROW IS RIGHT")
    return "\n".join(lines)
