"""Fixtures of the batch tests: files of orders, and a ledger in a temporary folder."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from paycools_async import PayCoolsPH
from paycools_async.batch import PHPayouts, SQLiteLedger, read_orders
from paycools_async.testing import FakePayCools

HEADER = ["mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name"]


def rows(count: int, *, amount: str = "500.10") -> list[list[str]]:
    return [[f"PAY{n:09}", amount, "EWALLET", "GCASH", f"0917{n:06}1", "Juan Dela Cruz"] for n in range(1, count + 1)]


WriteOrders = Callable[..., Path]


@pytest.fixture
def write_orders(tmp_path: Path) -> WriteOrders:
    """`write_orders(5)` or `write_orders(rows=[...])` makes a CSV and gives its path."""

    def write(count: int = 0, *, lines: list[list[str]] | None = None, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *(rows(count) if lines is None else lines)])
        return path

    return write


@pytest.fixture
def api(paycools: PayCoolsPH) -> PHPayouts:
    return PHPayouts(paycools)


@pytest.fixture
async def ledger(tmp_path: Path, api: PHPayouts, fake: FakePayCools) -> AsyncIterator[SQLiteLedger]:
    """A ledger on the fake's clock."""
    found = await SQLiteLedger.open(tmp_path / "ledger.db", api.identity, clock=fake.clock.time)
    yield found
    await found.aclose()


Plan = Callable[[Path], Any]


@pytest.fixture
def plan(ledger: SQLiteLedger, api: PHPayouts) -> Plan:
    """`await plan(path)` enters a file into the ledger."""

    async def enter(path: Path) -> Any:
        return await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)

    return enter
