"""The runner is killed, again and again, while PayCools loses connections: the books still agree in the end.

The sandbox runs in a process of its own and is careless: it pays an order id as often as it is asked to. So only the
runner's ledger stands between the merchant and a second payment.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_batch import WriteOrders

SANDBOX = """
import asyncio, sys
from pathlib import Path
from paycools_async.testing import FakePayCools, Sandbox

async def main():
    fake = FakePayCools(private_key=Path(sys.argv[1]).read_text(), seed=int(sys.argv[2]))
    fake.books.enforce_unique = False
    fake.payouts.settle_after = 0.3
    async with Sandbox(fake) as sandbox:
        print(sandbox.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

FAULTS = [
    {"kind": "drop_after", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "drop_before", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "http_status", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "garbage", "rate": 0.03},
    {"kind": "delay", "rate": 1.0, "seconds": 0.02},
]


@pytest.fixture
def sandbox(tmp_path: Path, key_pem: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A careless sandbox in its own process: its address, and the environment that points the runner at it."""
    key = tmp_path / "merchant.pem"
    key.write_text(key_pem)
    process = subprocess.Popen(
        [sys.executable, "-c", SANDBOX, str(key), "11"], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    env = {
        **os.environ,
        "PAYCOOLS_PH_BASE_URL": base_url,
        "PAYCOOLS_PH_APP_ID": "f90addc4861540ef9312e87d8f360e08",
        "PAYCOOLS_PH_APP_NAME": "Sandbox Merchant",
        "PAYCOOLS_PH_PRIVATE_KEY": str(key),
    }
    yield base_url, env
    process.kill()
    process.wait()
    process.stdout.close()


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=10) as answer:
        return json.load(answer)


def runner(orders: Path, ledger: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    arguments = ["payouts", "run", str(orders), "--ledger", str(ledger), "--yes", "--concurrency", "20"]
    return subprocess.Popen(
        [sys.executable, "-m", "paycools_async.cli", *arguments, "--absent-after", "0.4", "--wait", "20"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_runner_killed_at_random_moments_pays_each_order_exactly_once(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    orders, ledger = write_orders(300), tmp_path / "ledger.db"
    dice = random.Random(3)
    kills = 0
    for target in sorted(dice.sample(range(1, 290), 5)):
        process = runner(orders, ledger, env)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if len(ask(f"{base_url}/_sandbox/books")["payouts"]) >= target:
                time.sleep(dice.uniform(0, 0.1))
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.01)
        kills += process.wait() == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()
    assert kills == 5
    last = runner(orders, ledger, env)
    told, _ = last.communicate(timeout=60)
    assert last.returncode == 0, told
    books = ask(f"{base_url}/_sandbox/books")
    assert books["paid_more_than_once"] == []
    paid = {payout["order_id"]: payout["transaction_id"] for payout in books["payouts"]}
    assert len(paid) == len(books["payouts"]) == 300
    connection = sqlite3.connect(ledger)
    rows = connection.execute("SELECT order_id, transaction_id, state FROM payouts").fetchall()
    connection.close()
    assert {row[2] for row in rows} == {"settled"}
    assert {row[0]: row[1] for row in rows} == paid
    assert books["struck"].keys() == {"drop_after", "drop_before", "http_status", "garbage", "delay"}


def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 0.05}])
    process = runner(write_orders(400), tmp_path / "ledger.db", env)
    while len(ask(f"{base_url}/_sandbox/books")["payouts"]) < 30:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "stopped: interrupted" in told
    assert f"paycools payouts resume --ledger {tmp_path / 'ledger.db'}" in told
    connection = sqlite3.connect(tmp_path / "ledger.db")
    [(sending,)] = connection.execute("SELECT count(*) FROM payouts WHERE state = 'sending'").fetchall()
    connection.close()
    assert sending == 0
