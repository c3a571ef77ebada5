"""A run of another process: it has a SQLite ledger open, sends some of its payouts, and lives until it is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paycools_async import CreatePayout
from paycools_async.batch import Identity, Order

__all__ = ["OWNER", "ROWS", "SENDING", "order", "owner", "script"]

OWNER = Identity(family="ph", app_id="owner", host="localhost")
ROWS, SENDING = 5, 2

_SCRIPT = """
import asyncio, sys
from pathlib import Path
from support.owners import OWNER, ROWS, SENDING, order
from paycools_async.batch import Event, SQLiteLedger, State

async def main(path, close):
    ledger = await SQLiteLedger.open(path, OWNER)
    found = await ledger.intake([order(n) for n in range(ROWS)], repr)
    if found.batch is not None:
        await ledger.release(found.batch, by="owner", rows=found.new, amount=found.total)
    await ledger.begin_run()
    for row in await ledger.claim([State.PLANNED], SENDING, max_resends=9):
        await ledger.move(row, Event.SEND)
    if close:
        await ledger.end_run()
        await ledger.aclose()
    print("ready", flush=True)
    sys.stdin.read()

asyncio.run(main(Path(sys.argv[1]), "close" in sys.argv))
"""


def order(n: int) -> Order:
    """The n-th payout of the run."""
    request = CreatePayout(
        mch_order_id=f"PAY{n}",
        amount=10_000 + n,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=f"0917{n:03}1111",
        account_name="Juan Dela Cruz",
    )
    return Order(n + 2, request)


def script(text: str, *values: str | Path) -> subprocess.Popen[str]:
    """Runs the text in a Python of its own, from the tests' folder."""
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, values)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )


@contextmanager
def owner(path: Path, *, close: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A run that has sent SENDING of ROWS payouts. It is killed at the end, at the latest."""
    process = script(_SCRIPT, path, *(["close"] if close else []))
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()
