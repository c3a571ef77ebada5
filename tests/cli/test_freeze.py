"""Workers that are stopped in the middle of what they do, for longer than their leases last, and wake again.

The stand-in books what it is asked as often as it is asked. PAYCOOLS_KILLS says how often somebody is frozen.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from cli.test_slow_paycools import StandIn
from support.batch import WriteOrders
from support.killing import KILLS, long, start
from support.waiting import wait_for

__all__ = ["stand_in"]

from cli.test_slow_paycools import stand_in

TIMES = ("--timeout", "2", "--lease-margin", "2", "--absent-after", "1")
LONGER_THAN_A_LEASE = 2 + 2 + 2 + 1 + 1.5


@long
@pytest.mark.process
def test_workers_frozen_at_random_moments_pay_nobody_twice(
    stand_in: StandIn, write_orders: WriteOrders, dsn: str
) -> None:
    """While one is frozen the other takes over what it had; awake again, it sends nothing that is not its own."""
    stand_in.behave(delay=0.02, lag=0.3)
    rows = 100 + 60 * KILLS
    offered = start(stand_in.env, "run", str(write_orders(rows)), "--ledger", dsn, "--yes", "--detach")
    said, _ = offered.communicate(timeout=60)
    assert offered.returncode == 3, said
    dice = random.Random(7)
    workers = [start(stand_in.env, "worker", "--ledger", dsn, "--rate", "15", *TIMES) for _ in range(2)]
    try:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.3, 2.0))
            frozen = dice.choice(workers)
            frozen.send_signal(signal.SIGSTOP)
            time.sleep(LONGER_THAN_A_LEASE)
            frozen.send_signal(signal.SIGCONT)
        _wait_until_final(dsn, seconds=120 + rows)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
            worker.communicate(timeout=60)
    paid = Counter(stand_in.times_paid().values())
    print(f"\n{KILLS} times frozen, {rows} payouts: times paid {dict(paid)}")  # noqa: T201 - shown with -s
    assert paid == {1: rows}


def _wait_until_final(dsn: str, seconds: float) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = "SELECT count(*) FROM paycools_payouts WHERE state <> 'settled'"
        wait_for(lambda: connection.execute(query).fetchall() == [(0,)], seconds, 0.5)


@pytest.mark.process
def test_a_frozen_run_keeps_its_ledger_and_sends_nothing_twice_when_it_wakes(
    stand_in: StandIn, write_orders: WriteOrders, tmp_path: Path
) -> None:
    stand_in.behave(delay=0.05)
    arguments = ("--ledger", str(tmp_path / "l.db"), "--yes", *TIMES[:2], *TIMES[4:], "--concurrency", "5")
    process = start(stand_in.env, "run", str(write_orders(60)), *arguments)
    while len(stand_in.times_paid()) < 10:
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    second = start(stand_in.env, "resume", *arguments)
    said, _ = second.communicate(timeout=60)
    assert second.returncode in (2, 4), said
    assert "another run is using this ledger" in said
    time.sleep(4)
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=60)
    assert Counter(stand_in.times_paid().values()) == {1: 60}, said
    assert process.returncode == 0, said
