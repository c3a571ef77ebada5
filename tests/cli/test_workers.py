"""Workers on one PostgreSQL ledger, as processes: killed at random moments, they pay each order exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest_batch import WriteOrders
from conftest_sandbox import FAULTS, ask
from typer.testing import CliRunner

from paycools_async.cli.app import app

LENT = ("--timeout", "2", "--lease-margin", "2")


def start(env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def worker(env: dict[str, str], dsn: str) -> subprocess.Popen[str]:
    more = ("--concurrency", "8", "--shards", "2", "--absent-after", "0.4", "--wait", "3")
    return start(env, "worker", "--ledger", dsn, *LENT, *more)


def rows_of(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


KILLS = int(os.environ.get("PAYCOOLS_KILLS", "2"))


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif("PAYCOOLS_KILLS" not in os.environ, reason="20 s of process starts: .ci/run sets PAYCOOLS_KILLS=2")
def test_three_workers_killed_at_random_moments_pay_each_order_exactly_once(
    dsn: str, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    orders = 25 * KILLS + 50
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    planned = start(env, "run", str(write_orders(orders)), "--ledger", dsn, "--yes", "--detach", *LENT)
    told, _ = planned.communicate(timeout=30)
    assert planned.returncode == 3, told
    assert "shards are handed to the workers" in told
    workers = [worker(env, dsn) for _ in range(3)]
    dice = random.Random(5)
    killed = 0
    try:
        for target in sorted(dice.sample(range(1, orders - 45), KILLS)):
            wait_for(lambda target=target: len(ask(f"{base_url}/_sandbox/books")["payouts"]) >= target)
            busy = rows_of(dsn, "SELECT DISTINCT worker FROM paycools_payouts WHERE worker IS NOT NULL")
            pids = {int(name.split(":")[1]) for (name,) in busy}
            victim = next((each for each in workers if each.pid in pids), workers[0])
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            killed += victim.returncode == -signal.SIGKILL
            workers[workers.index(victim)] = worker(env, dsn)
        left = "SELECT count(*) FROM paycools_payouts WHERE state NOT IN ('settled', 'failed')"
        wait_for(lambda: rows_of(dsn, left) == [(0,)])
        for each in workers:
            each.send_signal(signal.SIGTERM)
        ends = [each.communicate(timeout=30)[0] for each in workers]
        assert [each.returncode for each in workers] == [0, 0, 0], ends
    finally:
        for each in workers:
            each.kill()
            each.communicate()
    assert killed == KILLS
    books = ask(f"{base_url}/_sandbox/books")
    assert books["paid_more_than_once"] == []
    paid = {payout["order_id"]: payout["transaction_id"] for payout in books["payouts"]}
    assert len(paid) == len(books["payouts"]) == orders
    found = rows_of(dsn, "SELECT order_id, transaction_id, state FROM paycools_payouts")
    assert {row[2] for row in found} == {"settled"}
    assert {row[0]: row[1] for row in found} == paid
    status = start(env, "status", "--ledger", dsn)
    told, _ = status.communicate(timeout=30)
    assert (status.returncode, told.split()[:2]) == (0, ["settled:", str(orders)])


def test_a_run_on_postgres_needs_no_worker_and_never_shows_the_password(
    tmp_path: Path, dsn: str, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    _, env = sandbox
    secret = dsn.replace("postgres:@", "postgres:hush@")
    run = start(env, "run", str(write_orders(60)), "--ledger", secret, "--yes", "--report", str(tmp_path / "out"))
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 0, told
    assert "settled:       60" in told
    assert "hush" not in told
    assert len((tmp_path / "out" / "payouts.csv").read_text().splitlines()) == 61


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "FILE", "--ledger", "postgresql://x", "--sandbox"), "start `paycools sandbox` in another shell"),
        (("run", "FILE", "--ledger", "l.db", "--detach"), "it needs --ledger postgresql://"),
        (("run", "FILE", "--ledger", "mysql://x"), "takes a file or postgresql://"),
        (("worker", "--ledger", "l.db"), "this needs a PostgreSQL ledger"),
        (("status", "--ledger", "postgresql://u:hush@127.0.0.1:1/x"), "cannot be read or written"),
    ],
)
def test_what_does_not_go_with_the_ledger_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, key_pem: str, write_orders: WriteOrders, arguments: tuple[str, ...], told: str
) -> None:
    settings = {"BASE_URL": "http://127.0.0.1:9", "APP_ID": "APP1", "APP_NAME": "Sari Sari", "PRIVATE_KEY": key_pem}
    for name, value in settings.items():
        monkeypatch.setenv(f"PAYCOOLS_PH_{name}", value)
    file = str(write_orders(1))
    result = CliRunner().invoke(app, ["payouts", *(file if each == "FILE" else each for each in arguments)])
    assert (result.exit_code, "hush" in result.output) == (2, False)
    assert told in result.output
    assert isinstance(result.exception, SystemExit)
