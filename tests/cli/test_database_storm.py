"""Workers and runs live through what a database goes through: each payout is paid once, and no log has a traceback.

PAYCOOLS_STORM=full is its real size: 5,000 payouts, 10 restarts, 20 ended connections, 20 SIGKILLs and 20 SIGSTOPs.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.killing import Paid, compare, ledger_rows, orders_of
from support.own_postgres import OwnPostgres
from support.sandbox import FAULTS, ask
from support.storm import FULL_STORM, KILLED, STOPPED, Frozen, hits_on, storm_rows
from support.waiting import wait_for

ROWS = storm_rows(5000, 100)

PAYOUTS = (sys.executable, "-m", "paycools_async.cli", "payouts")
LEASE = ("--timeout", "2", "--lease-margin", "2")
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

    def written(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)

    def end(self) -> None:
        for each in self.running:
            each.kill()
            each.wait()


def storm(server: OwnPostgres, payers: Payers, paid: Paid, dice: random.Random) -> None:
    """What happens, at random moments of the run."""
    frozen = Frozen()
    hits: list[Callable[[], object]] = [
        *hits_on(server, dice),
        *[lambda: payers.kill(dice)] * KILLED,
        *[lambda: frozen.freeze(dice.choice(payers.running))] * STOPPED,
    ]
    dice.shuffle(hits)
    try:
        for number, hit in enumerate(hits):
            target = ROWS * 19 * number // (20 * len(hits))
            wait_for(lambda: paid.count() >= target, 300, 0.05)  # noqa: B023 - awaited here
            hit()
    finally:
        frozen.join()


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
