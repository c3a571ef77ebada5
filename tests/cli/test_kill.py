"""The runner is killed, again and again, while PayCools loses connections: the books still agree in the end.

The sandbox runs in a process of its own and is careless: it pays an order id as often as it is asked to. So only the
runner's ledger stands between the merchant and a second payment. PAYCOOLS_KILLS=20 PAYCOOLS_KILL_ROWS=5000 kills as
often, over as many payouts, as it says.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.killing import ROWS, Paid, compare, ledger_rows, long, moments, orders_of, start
from support.sandbox import FAULTS, ask

LEASE = ("--timeout", "2", "--lease-margin", "2")


def runner(orders: Path, ledger: str, env: dict[str, str]) -> subprocess.Popen[str]:
    # less than a lease: a run must not give up while a killed one's rows are still leased. Of thousands of payouts some
    # are lost four times in a row, and that is not believed so soon
    shared, wait = ledger.startswith("postgresql://"), "3" if ROWS < 1000 else "60"
    more = ("--wait", wait, *LEASE) if shared else ("--wait", "60", "--timeout", "2")
    paying = ("--yes", "--concurrency", "20", "--absent-after", "1", "--resends", "5")
    return start(env, "run", str(orders), "--ledger", ledger, *paying, *more)


@pytest.mark.process
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=long)])
def test_a_runner_killed_at_random_moments_pays_each_order_exactly_once(
    tmp_path: Path,
    sandbox: tuple[str, dict[str, str]],
    write_orders: WriteOrders,
    store: str,
    request: pytest.FixtureRequest,
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    orders = orders_of(write_orders)
    ledger = request.getfixturevalue("dsn") if store == "postgres" else str(tmp_path / "ledger.db")
    paid, kills, started = Paid(base_url), 0, time.monotonic()
    for target, seconds in moments(random.Random(3), ROWS):
        process = runner(orders, ledger, env)
        paid.wait_for(target, process)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    last = runner(orders, ledger, env)
    told, _ = last.communicate(timeout=120 + ROWS / 20)
    again = "payouts were sent again" in told
    assert last.returncode == (3 if again else 1), told  # 1: some failed, as they should; 3: and a person has to look
    assert again, "of so many requests that are lost, some have to be sent again"
    compare(f"{store}, one runner", ledger_rows(ledger), paid, kills, time.monotonic() - started)
    assert len(paid.books["struck"]) >= (5 if ROWS >= 500 else 3), "the faults that are meant did strike"


def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 0.5}])
    process = runner(write_orders(400), str(tmp_path / "ledger.db"), env)
    while len(ask(f"{base_url}/_sandbox/books")["payouts"]) < 30:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "stopped: interrupted" in told
    assert f"paycools payouts resume --ledger {tmp_path / 'ledger.db'}" in told
    connection = sqlite3.connect(tmp_path / "ledger.db")
    [(sending,)] = connection.execute("SELECT count(*) FROM payouts WHERE state = 'sending'").fetchall()
    connection.close()
    assert sending == 0
