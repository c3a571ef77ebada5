"""Workers and runs live through what a database goes through: each payout is paid once, and no log has a traceback.

PAYCOOLS_STORM=full is its real size: 5,000 payouts, 10 restarts, 20 ended connections, 20 SIGKILLs and 20 SIGSTOPs.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.killing import Paid, compare, ledger_rows, orders_of
from support.own_postgres import OwnPostgres
from support.sandbox import FAULTS, ask
from support.waiting import wait_for

FULL_STORM = os.environ.get("PAYCOOLS_STORM") == "full"
ROWS = int(os.environ.get("PAYCOOLS_STORM_ROWS", "0")) or (5000 if FULL_STORM else 100)
RESTARTS, READ_ONLY, ENDED, KILLED, STOPPED = (10, 5, 20, 20, 20) if FULL_STORM else (2, 1, 2, 1, 1)

PAYOUTS = (sys.executable, "-m", "paycools_async.cli", "payouts")
LEASE = ("--timeout", "2", "--lease-margin", "2")
LONGER_THAN_A_LEASE = 6.0
OPTIONS = ("--concurrency", "8", "--absent-after", "1", "--resends", "5")


class Payers:
    """Processes that pay, and what each has written."""

    def __init__(self, env: dict[str, str], folder: Path, arguments: Callable[[int], tuple[str, ...]]) -> None:
        self._env = env
        self._folder = folder
        self._arguments = arguments
        self.running: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []

    def start(self) -> None:
        number = len(self.logs)
        self.logs.append(self._folder / f"payer-{number}.log")
        command = [*PAYOUTS, *self._arguments(number)]
        with self.logs[-1].open("wb") as log:
            self.running.append(subprocess.Popen(command, env=self._env, stdout=log, stderr=subprocess.STDOUT))

    def kill(self, dice: random.Random) -> None:
        victim = self.running.pop(dice.randrange(len(self.running)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.start()

    def freeze(self, dice: random.Random) -> threading.Thread:
        """Stop one for longer than a lease, and let it go on."""
        victim = dice.choice(self.running)
        victim.send_signal(signal.SIGSTOP)

        def thaw() -> None:
            time.sleep(LONGER_THAN_A_LEASE)
            victim.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=thaw)
        thread.start()
        return thread

    def written(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)

    def end(self) -> None:
        for each in self.running:
            each.kill()
            each.wait()


def storm(server: OwnPostgres, payers: Payers, paid: Paid, dice: random.Random) -> None:
    """What happens, at random moments of the run."""
    frozen: list[threading.Thread] = []
    last_ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    others = f"{last_ends} AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3"
    hits: list[Callable[[], object]] = [
        *[lambda: server.restart(signal.SIGINT, dice.uniform(0, 3))] * (RESTARTS // 2),
        *[lambda: server.restart(signal.SIGQUIT, dice.uniform(0, 3))] * (RESTARTS - RESTARTS // 2),
        *[lambda: refuse_writes(server, dice.uniform(0.5, 2))] * READ_ONLY,
        *[lambda: server.execute(others)] * ENDED,
        *[lambda: payers.kill(dice)] * KILLED,
        *[lambda: frozen.append(payers.freeze(dice))] * STOPPED,
    ]
    dice.shuffle(hits)
    for number, hit in enumerate(hits):
        target = ROWS * 19 * number // (20 * len(hits))
        wait_for(lambda: paid.count() >= target, 300, 0.05)  # noqa: B023 - awaited here
        hit()
    for each in frozen:
        each.join()


def refuse_writes(server: OwnPostgres, seconds: float) -> None:
    """As the former leader does, after a fail-over."""
    server.set("default_transaction_read_only", "on")
    time.sleep(seconds)
    server.set("default_transaction_read_only", "off")


@pytest.fixture
def dsn(own_postgres: OwnPostgres) -> str:
    return own_postgres.url()


def left(dsn: str) -> int:
    return sum(row[1] not in ("settled", "failed") for row in ledger_rows(dsn))


@pytest.mark.process
def test_workers_live_through_a_storm(
    own_postgres: OwnPostgres,
    dsn: str,
    tmp_path: Path,
    sandbox: tuple[str, dict[str, str]],
    write_orders: WriteOrders,
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    began, paid, dice = time.monotonic(), Paid(base_url), random.Random(7)
    offered = subprocess.run(
        [*PAYOUTS, "run", str(orders_of(write_orders, ROWS)), "--ledger", dsn, "--yes", "--detach", *LEASE],
        env=env,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert offered.returncode == 3, offered.stderr
    rate = "40" if FULL_STORM else "20"
    worker = ("worker", "--ledger", dsn, *LEASE, *OPTIONS, "--shards", "2", "--wait", "3", "--rate", rate)
    payers = Payers(env, tmp_path, lambda number: worker)
    try:
        for _ in range(3):
            payers.start()
        storm(own_postgres, payers, paid, dice)
        wait_for(lambda: left(dsn) == 0, 180 + ROWS / 20, 0.5)
        for each in payers.running:
            each.send_signal(signal.SIGTERM)
        codes = [each.wait(60) for each in payers.running]
    finally:
        payers.end()
    written = payers.written()
    assert codes == [0, 0, 0], written[-3000:]
    assert_told_plainly(payers)
    count = {"count": ROWS, "expected": KILLED}
    compare("a storm, three workers", ledger_rows(dsn), paid, KILLED, time.monotonic() - began, **count)


@pytest.mark.process
def test_a_run_and_its_successors_live_through_a_storm(
    own_postgres: OwnPostgres,
    dsn: str,
    tmp_path: Path,
    sandbox: tuple[str, dict[str, str]],
    write_orders: WriteOrders,
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    began, paid, dice = time.monotonic(), Paid(base_url), random.Random(8)
    rate = "40" if FULL_STORM else "20"
    rest = ("--ledger", dsn, "--yes", *LEASE, *OPTIONS, "--rate", rate)
    file = str(orders_of(write_orders, ROWS))
    payers = Payers(env, tmp_path, lambda number: ("resume", *rest) if number else ("run", file, *rest))
    try:
        payers.start()
        wait_for(lambda: paid.count() > 0, 60)
        storm(own_postgres, payers, paid, dice)
        code = payers.running[-1].wait(180 + ROWS // 20)
    finally:
        payers.end()
    written = payers.logs[-1].read_text()
    assert code == (3 if "payouts were sent again" in written else 1), written[-3000:]
    assert_told_plainly(payers)
    count = {"count": ROWS, "expected": KILLED}
    compare("a storm, runs", ledger_rows(dsn), paid, KILLED, time.monotonic() - began, **count)


def assert_told_plainly(payers: Payers) -> None:
    """One line when the database goes and one when it comes; no traceback, no password, no count below nothing."""
    for log in payers.logs:
        text = log.read_text()
        assert not [
            word for word in ("Traceback", "hush", "unexpected ", "never retrieved", "ignored") if word in text
        ], text
        assert not re.search(r" -\d", text), text
        told = re.findall(r"the database is (away|back)", text)
        assert told == ["away", "back"] * (len(told) // 2) + ["away"] * (len(told) % 2), text
    assert "the database is away" in payers.written()
