"""The runner is killed, again and again, while PayCools loses connections: the books still agree in the end.

The sandbox runs in a process of its own and is careless: it pays an order id as often as it is asked to. So only the
runner's ledger stands between the merchant and a second payment. PAYCOOLS_KILLS=10 kills as often as it says.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest_batch import WriteOrders
from conftest_sandbox import FAULTS, ask

KILLS = int(os.environ.get("PAYCOOLS_KILLS", "2"))
ROWS = 60 * KILLS


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
    orders, ledger = write_orders(ROWS), tmp_path / "ledger.db"
    dice = random.Random(3)
    kills = 0
    for target in sorted(dice.sample(range(1, ROWS - 10), KILLS)):
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
    assert kills == KILLS
    last = runner(orders, ledger, env)
    told, _ = last.communicate(timeout=120)
    assert last.returncode == 0, told
    books = ask(f"{base_url}/_sandbox/books")
    assert books["paid_more_than_once"] == []
    paid = {payout["order_id"]: payout["transaction_id"] for payout in books["payouts"]}
    assert len(paid) == len(books["payouts"]) == ROWS
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
