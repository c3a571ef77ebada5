"""A PayCools that loses answers and shows orders late, in a process of its own; and runs that are frozen or cut short.

Small by default. PAYCOOLS_LAG=20 takes that lag with the options as they are by default: half a minute, with 90 two.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders
from support.killing import start, until_line
from support.waiting import wait_for

LAG = float(os.environ.get("PAYCOOLS_LAG", "0"))


class StandIn:
    """`tests/cli/stand_in.py`, running."""

    def __init__(self, key: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("stand_in.py"))], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PAYCOOLS_")},
            "PAYCOOLS_PH_BASE_URL": self.url,
            "PAYCOOLS_PH_APP_ID": "f90addc4861540ef9312e87d8f360e08",
            "PAYCOOLS_PH_APP_NAME": "Stand In",
            "PAYCOOLS_PH_PRIVATE_KEY": str(key),
        }

    def behave(self, **settings: Any) -> None:
        self._ask("/set", settings)

    def times_paid(self) -> dict[str, int]:
        return Counter(entry["mchOrderId"] for entry in self._ask("/books")["books"])

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data, timeout=10) as answer:
            return json.load(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def stand_in(tmp_path: Path, key_pem: str) -> Iterator[StandIn]:
    key = tmp_path / "merchant.pem"
    key.write_text(key_pem)
    found = StandIn(key)
    yield found
    found.close()


def run(stand_in: StandIn, *arguments: object, within: float = 60) -> tuple[int, str]:
    process = start(stand_in.env, *(str(argument) for argument in arguments))
    said, _ = process.communicate(timeout=within)
    return process.returncode, said


@pytest.mark.process
def test_no_answer_and_orders_shown_late_pay_nobody_twice(
    stand_in: StandIn, write_orders: WriteOrders, tmp_path: Path
) -> None:
    lag = LAG or 3.0
    options = () if LAG else ("--timeout", "2", "--absent-after", "3")
    stand_in.behave(lag=lag, lose=True)
    code, said = run(
        stand_in, "run", write_orders(50), "--ledger", tmp_path / "l.db", "--yes", *options, within=lag * 2 + 120
    )
    assert Counter(stand_in.times_paid().values()) == {1: 50}, said
    assert code == 0, said


@pytest.mark.process
def test_what_is_sent_again_is_sent_again_once_and_said_everywhere(
    stand_in: StandIn, write_orders: WriteOrders, tmp_path: Path
) -> None:
    """Nothing is ever shown: one more sending each, then it is for a person, in this run and in the next."""
    stand_in.behave(lag=1000, lose=True)
    arguments = ("--ledger", tmp_path / "l.db", "--yes", "--timeout", "1", "--absent-after", "1", "--wait", "5")
    code, said = run(stand_in, "run", write_orders(5), *arguments, "--report", tmp_path / "out")
    assert Counter(stand_in.times_paid().values()) == {2: 5}
    assert code == 3
    assert "5 payouts were sent again" in said
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["sent_again"] == 5
    code, said = run(stand_in, "resume", *arguments)
    assert (Counter(stand_in.times_paid().values()), code) == ({2: 5}, 3)


@pytest.mark.process
def test_a_run_that_is_ended_at_once_leaves_nothing_that_the_next_one_pays_again(
    stand_in: StandIn, write_orders: WriteOrders, tmp_path: Path
) -> None:
    """PayCools takes its time: what was sent is booked only after the run that sent it is gone."""
    stand_in.behave(late=4.0)
    arguments = ("--ledger", tmp_path / "l.db", "--yes", "--timeout", "6", "--absent-after", "1", "--concurrency", "20")
    process = start(stand_in.env, "run", str(write_orders(20)), *map(str, arguments))
    ledger = tmp_path / "l.db"
    wait_for(lambda: ledger.exists() and _sending(stand_in) == 20)
    process.send_signal(signal.SIGINT)
    until_line(process, "stopping: ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 4
    code, said = run(stand_in, "resume", *arguments)
    assert Counter(stand_in.times_paid().values()) == {1: 20}, said
    assert code == 0, said


def _sending(stand_in: StandIn) -> int:
    return int(stand_in._ask("/books")["calls"]["payout"])
