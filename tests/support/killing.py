"""What the tests that kill runs and workers share: the moments, the processes, and both sides held row by row."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders
from support.sandbox import ask
from support.waiting import wait_for

__all__ = [
    "KILLS",
    "ROWS",
    "LedgerRow",
    "Paid",
    "compare",
    "ledger_rows",
    "long",
    "moments",
    "orders_of",
    "start",
    "until_line",
]

KILLS = int(os.environ.get("PAYCOOLS_KILLS", "1"))
ROWS = int(os.environ.get("PAYCOOLS_KILL_ROWS", "0")) or 60 + 40 * KILLS
long = pytest.mark.skipif(
    "PAYCOOLS_KILLS" not in os.environ, reason="10 to 20 s of process starts: .ci/run sets PAYCOOLS_KILLS=2"
)
"""For the kills on PostgreSQL."""

LedgerRow = tuple[str, str, int, str | None]
"""Order id, state, amount, PayCools' id."""


def start(env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until_line(process: subprocess.Popen[str], start: str) -> str:
    """What a process says until it has said a line that starts so."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if line.startswith(start):
            return told
    raise AssertionError(told)


def orders_of(write_orders: WriteOrders, count: int = ROWS) -> Path:
    """A file in which every amount is another, and every fortieth payout will fail."""

    def line(n: int) -> list[str]:
        account = f"0917{n // 40:03}0000" if n % 40 == 0 else f"0917{n:06}1"
        return [f"PAY{n:09}", f"{500 + n / 100:.2f}", "EWALLET", "GCASH", account, "Juan Dela Cruz"]

    return write_orders(lines=[line(n) for n in range(1, count + 1)])


class Paid:
    """The sandbox's books, read as they grow."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/_sandbox/books"
        self.payouts: list[dict[str, Any]] = []
        self.books: dict[str, Any] = {}

    def count(self) -> int:
        self.books = ask(f"{self._url}?since={len(self.payouts)}")
        self.payouts += self.books["payouts"]
        return len(self.payouts)

    def wait_for(self, target: int, payer: subprocess.Popen[str] | None = None) -> None:
        """Until so many payouts are booked, or the payer has ended."""
        wait_for(lambda: self.count() >= target or (payer is not None and payer.poll() is not None), 120, 0.02)


def moments(dice: random.Random, rows: int) -> Iterator[tuple[int, float]]:
    """When to kill: once so many payouts are booked, and so many seconds later. A fifth of them right at the start."""
    for target in sorted(dice.sample(range(1, rows * 9 // 10), KILLS)):
        yield (0, dice.uniform(0.2, 1.5)) if dice.random() < 0.2 else (target, dice.uniform(0, 0.1))


def ledger_rows(ledger: str) -> list[LedgerRow]:
    if ledger.startswith("postgresql://"):
        with psycopg.connect(ledger) as postgres:
            return postgres.execute("SELECT order_id, state, amount, transaction_id FROM paycools_payouts").fetchall()
    connection = sqlite3.connect(ledger)
    try:
        return connection.execute("SELECT order_id, state, amount, transaction_id FROM payouts").fetchall()
    finally:
        connection.close()


def compare(
    what: str, rows: list[LedgerRow], paid: Paid, kills: int, seconds: float, count: int = ROWS, expected: int = KILLS
) -> None:
    """Print the figures; the ledger and the sandbox's books must be the same, row by row."""
    paid.count()
    theirs = Counter(_fate(payout) for payout in paid.payouts)
    ours = Counter((order_id, state, amount, str(known)) for order_id, state, amount, known in rows)
    differ = (ours - theirs) + (theirs - ours)
    states = dict(sorted(Counter(row[1] for row in rows).items()))
    twice = paid.books["paid_more_than_once"]
    print(  # noqa: T201 - shown with -s
        f"\n{what}: {len(rows)} rows, {kills} kills, {states}, paid twice: {len(twice)}, "
        f"rows that differ: {len(differ)}, faults {paid.books['struck']}, {seconds:.0f} s"
    )
    assert twice == []
    assert differ == {}
    assert len(rows) == count, "no row is lost"
    assert states == {"failed": count // 40, "settled": count - count // 40}
    assert kills == expected


def _fate(payout: dict[str, Any]) -> tuple[str, str, int, str]:
    state = {"COMPLETE": "settled", "FAILED": "failed"}[payout["status"]]
    return payout["order_id"], state, payout["amount"], payout["transaction_id"]
