"""Workers on one PostgreSQL ledger, as processes: killed at random moments, they pay each order exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from support.batch import WriteOrders
from support.killing import ROWS, Paid, compare, ledger_rows, long, moments, orders_of, start
from support.sandbox import FAULTS, ask
from support.waiting import wait_for
from typer.testing import CliRunner

from paycools_async.cli.app import app

LEASE = ("--timeout", "2", "--lease-margin", "2")


def worker(env: dict[str, str], dsn: str) -> subprocess.Popen[str]:
    more = ("--concurrency", "8", "--shards", "2", "--absent-after", "1", "--resends", "5", "--wait", "3")
    return start(env, "worker", "--ledger", dsn, *LEASE, *more)


def busy_workers(dsn: str) -> set[int]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT DISTINCT worker FROM paycools_payouts WHERE worker IS NOT NULL").fetchall()
    return {int(name.split(":")[1]) for (name,) in found}


@pytest.mark.process
@long
def test_three_workers_killed_at_random_moments_pay_each_order_exactly_once(
    dsn: str, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    started = time.monotonic()
    planned = start(env, "run", str(orders_of(write_orders)), "--ledger", dsn, "--yes", "--detach", *LEASE)
    told, _ = planned.communicate(timeout=60)
    assert planned.returncode == 3, told
    assert "shards are handed to the workers" in told
    workers = [worker(env, dsn) for _ in range(3)]
    dice = random.Random(5)
    paid, killed = Paid(base_url), 0
    try:
        for target, seconds in moments(dice, ROWS):
            paid.wait_for(target)
            time.sleep(seconds)
            pids = busy_workers(dsn)
            victim = dice.choice([each for each in workers if each.pid in pids] or workers)
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            killed += victim.returncode == -signal.SIGKILL
            workers[workers.index(victim)] = worker(env, dsn)
        wait_for(lambda: {row[1] for row in ledger_rows(dsn)} <= {"settled", "failed"}, 120 + ROWS / 20, 0.3)
        for each in workers:
            each.send_signal(signal.SIGTERM)
        ends = [each.communicate(timeout=60)[0] for each in workers]
        assert [each.returncode for each in workers] == [0, 0, 0], "\n".join(ends)
    finally:
        for each in workers:
            each.kill()
            each.communicate()
    compare("postgres, three workers", ledger_rows(dsn), paid, killed, time.monotonic() - started)
    status = start(env, "status", "--ledger", dsn)
    told, _ = status.communicate(timeout=60)
    assert status.returncode == (3 if "payouts were sent again" in told else 1)
    assert f"settled: {ROWS - ROWS // 40:>8}" in told


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
        (("worker", "--ledger", "l.db"), "this needs a PostgreSQL database"),
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
