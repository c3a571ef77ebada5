"""A worker starts before its database, and stops without it: documented exit codes, two lines, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.killing import ledger_rows, start
from support.own_postgres import OwnPostgres
from support.waiting import wait_for

LEASE = ("--timeout", "2", "--lease-margin", "2")

pytestmark = pytest.mark.process


class Process:
    """A command, and what it has written so far."""

    def __init__(self, env: dict[str, str], log: Path, *arguments: str) -> None:
        self._log = log
        command = [sys.executable, "-m", "paycools_async.cli", "payouts", *arguments]
        with log.open("wb") as writing:
            self.process = subprocess.Popen(command, env=env, stdout=writing, stderr=subprocess.STDOUT)

    @property
    def written(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        wait_for(lambda: text in self.written or self.process.poll() is not None, 60)
        assert text in self.written, self.written

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert "Traceback" not in self.written
        assert "never retrieved" not in self.written
        return code


@pytest.fixture
def worker(own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[Process]:
    """A worker that was started while the database was away."""
    own_postgres.stop()
    found = Process(sandbox[1], tmp_path / "log", "worker", "--ledger", own_postgres.url(), *LEASE)
    try:
        found.wait_for("the database is away, and waited for")
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def pay(own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], file: Path) -> None:
    detached = start(sandbox[1], "run", str(file), "--ledger", own_postgres.url(), "--yes", "--detach", *LEASE)
    told, _ = detached.communicate(timeout=60)
    assert detached.returncode == 3, told


def test_a_worker_that_starts_first_waits_for_the_database_pays_and_stops_without_it(
    own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], worker: Process, write_orders: WriteOrders
) -> None:
    time.sleep(1)
    own_postgres.start()
    worker.wait_for("worker ")
    pay(own_postgres, sandbox, write_orders(5))
    wait_for(lambda: {row[1] for row in ledger_rows(own_postgres.url())} == {"settled"})
    own_postgres.stop(signal.SIGQUIT)
    wait_for(lambda: worker.written.count("the database is away") == 2)
    assert worker.end() == 0, worker.written
    assert worker.written.count("the database is back") == 1
    assert "stopped; what is not final stays in the ledger" in worker.written
    own_postgres.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_still_waits_for_its_first_connection_is_stopped_like_any(
    worker: Process, number: signal.Signals
) -> None:
    assert worker.end(number) == 0
    assert worker.written.splitlines()[-1].startswith("stopped; what is not final stays in the ledger")
    assert "error:" not in worker.written


def test_a_run_that_is_interrupted_while_the_database_is_away_ends_in_time(
    own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], tmp_path: Path, write_orders: WriteOrders
) -> None:
    file = str(write_orders(200))
    run = Process(
        sandbox[1], tmp_path / "log", "run", file, "--ledger", own_postgres.url(), "--yes", "--rate", "20", *LEASE
    )
    wait_for(lambda: any(row[1] == "settled" for row in ledger_rows(own_postgres.url())) if run.written else False)
    own_postgres.stop()
    run.wait_for("the database is away, and waited for")
    assert run.end(signal.SIGINT) == 3, run.written
    assert "Go on with: paycools payouts resume --ledger postgresql://postgres@127.0.0.1" in run.written
    own_postgres.start()
    resumed = start(sandbox[1], "resume", "--ledger", own_postgres.url(), "--yes", *LEASE, "--absent-after", "1")
    told, _ = resumed.communicate(timeout=120)
    assert {row[1] for row in ledger_rows(own_postgres.url())} == {"settled"}, told
    assert resumed.returncode in (0, 3), told
