"""A worker or run that is stopped once finishes what is in flight; stopped twice it ends, whatever it waits for."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.killing import Paid, ledger_rows, start
from support.own_postgres import OwnPostgres
from support.ports import free_port
from support.sandbox import ask
from support.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.process

LEASE = ("--timeout", "300", "--lease-margin", "1")
NO_ANSWER = {"kind": "delay", "rate": 1.0, "seconds": 290.0, "only": "ph.payout.create"}
"""Within the time of any test, so whoever waits for it does not end."""
LEASES_END = "UPDATE paycools_payouts SET due = due - 400, sent = sent - 400 WHERE state = 'sending'"


class Sending:
    """A worker with five calls under way that PayCools does not answer, watched by somebody."""

    def __init__(self, env: dict[str, str], base_url: str, log: Path, dsn: str) -> None:
        self._log = log
        address = f"127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "paycools_async.cli", "payouts", "worker", "--ledger", dsn, *LEASE]
        with log.open("wb") as writing:
            self.process = subprocess.Popen(
                [*command, "--listen", address], env=env, stdout=writing, stderr=subprocess.STDOUT
            )
        wait_for(lambda: ask(f"{base_url}/_sandbox/books")["requests"].get("ph.payout.create") == 5)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
            assert b"paycools_payouts" in page.read()

    @property
    def written(self) -> str:
        return self._log.read_text()

    def stop(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        wait_for(lambda: "stopping: what is in flight is finished first; once more ends at once" in self.written)
        assert self.process.poll() is None, self.written

    def stop_again(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 4, self.written
        assert self.written.splitlines()[-1] == "error: interrupted; what was sent is in the ledger"
        assert not [word for word in ("Traceback", "never retrieved", "unexpected", "driven") if word in self.written]


@pytest.fixture
def sending(
    own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], tmp_path: Path, write_orders: WriteOrders
) -> Iterator[Sending]:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [NO_ANSWER])
    dsn = own_postgres.url()
    detached = start(env, "run", str(write_orders(5)), "--ledger", dsn, "--yes", "--detach", *LEASE)
    told, _ = detached.communicate(timeout=60)
    assert detached.returncode == 3, told
    worker = Sending(env, base_url, tmp_path / "log", dsn)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def test_a_second_signal_ends_a_worker_at_once_and_its_successor_pays_nobody_twice(
    own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], sending: Sending
) -> None:
    sending.stop(signal.SIGINT)
    sending.stop_again(signal.SIGINT)
    assert Counter(row[1] for row in ledger_rows(own_postgres.url())) == {"sending": 5}
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [])
    own_postgres.execute(LEASES_END)
    quick = ("--timeout", "2", "--lease-margin", "2", "--absent-after", "1")
    resumed = start(env, "resume", "--ledger", own_postgres.url(), "--yes", *quick)
    told, _ = resumed.communicate(timeout=120)
    assert {row[1] for row in ledger_rows(own_postgres.url())} == {"settled"}, told
    paid = Paid(base_url)
    assert paid.count() == 5
    assert paid.books["paid_more_than_once"] == []


@pytest.mark.parametrize("how", ["frozen", "away"])
def test_a_second_signal_ends_it_at_once_whatever_its_database_does(
    own_postgres: OwnPostgres, sending: Sending, how: str
) -> None:
    with contextlib.ExitStack() as stack:
        if how == "frozen":
            stack.enter_context(own_postgres.frozen())
        else:
            own_postgres.stop()
        sending.stop(signal.SIGTERM)
        sending.stop_again(signal.SIGINT)


@pytest.mark.parametrize("how", ["frozen", "away", "there"])
def test_a_second_signal_ends_a_run_at_once_as_well(
    own_postgres: OwnPostgres,
    sandbox: tuple[str, dict[str, str]],
    tmp_path: Path,
    write_orders: WriteOrders,
    how: str,
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [NO_ANSWER])
    log, file = tmp_path / "log", str(write_orders(5))
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", "run", file, "--yes", *LEASE]
    with log.open("wb") as writing:
        run = subprocess.Popen(
            [*command, "--ledger", own_postgres.url()], env=env, stdout=writing, stderr=subprocess.STDOUT
        )
    with contextlib.ExitStack() as stack:
        stack.callback(run.wait)
        stack.callback(run.kill)
        wait_for(lambda: ask(f"{base_url}/_sandbox/books")["requests"].get("ph.payout.create") == 5)
        if how == "frozen":
            stack.enter_context(own_postgres.frozen())
        elif how == "away":
            own_postgres.stop()
        run.send_signal(signal.SIGINT)
        wait_for(lambda: "once more ends at once" in log.read_text())
        assert run.poll() is None
        run.send_signal(signal.SIGINT)
        assert run.wait(PATIENCE) == 4, log.read_text()
    told = log.read_text()
    assert "goes on with: paycools payouts resume" in told
    assert told.splitlines()[-1] == "error: interrupted; what was sent is in the ledger"
    assert "Traceback" not in told
