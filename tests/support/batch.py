"""Fixtures of the batch tests: files of orders, and a ledger in a temporary folder."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from paycools_async import PayCoolsPH
from paycools_async.batch import Identity, Ledger, PHPayouts, SQLiteLedger, State, read_orders
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


STORES = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
"""Runs a test over every store that a ledger can stand on."""


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """What the ledger stands on: a SQLite file, unless the test is marked with STORES."""
    return str(getattr(request, "param", "sqlite"))


OpenLedger = Callable[[Identity | None], Awaitable[Any]]


@pytest.fixture
async def open_ledger(
    store: str, tmp_path: Path, fake: FakePayCools, request: pytest.FixtureRequest
) -> AsyncIterator[OpenLedger]:
    """`await open_ledger(identity)` opens the test's ledger on the fake's clock; again, to look from outside."""
    opened: list[Any] = []
    dsn = request.getfixturevalue("dsn") if store == "postgres" else ""

    async def opens(identity: Identity | None) -> Any:
        found: Any
        if store == "postgres":
            from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

            # time flies on the fake's clock; leases that end meanwhile have tests of their own
            found = await PostgresLedger.open(dsn, identity, margin=1e9, clock=fake.clock.time)
        else:
            path = tmp_path / "ledger.db"
            found = await SQLiteLedger.open(path, identity, exclusive=not opened, clock=fake.clock.time)
        opened.append(found)
        return found

    yield opens
    for each in opened:
        await each.aclose()


@pytest.fixture
async def ledger(open_ledger: OpenLedger, api: PHPayouts) -> Any:
    """A ledger on the fake's clock."""
    return await open_ledger(api.identity)


async def release_all(ledger: Ledger) -> None:
    """Say yes to whatever is offered."""
    for batch in await ledger.batches():
        rows, amount = batch.counts.get(State.OFFERED, (0, 0))
        if rows:
            await ledger.release(batch.id, by="tests", rows=rows, amount=amount)


Plan = Callable[[Path], Any]


@pytest.fixture
def plan(ledger: Ledger, api: PHPayouts) -> Plan:
    """`await plan(path)` enters a file into the ledger, and says yes to it."""

    async def enter(path: Path) -> Any:
        found = await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
        await release_all(ledger)
        return found

    return enter
