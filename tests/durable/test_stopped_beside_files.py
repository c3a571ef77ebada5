"""Files and an application in one PostgreSQL ledger, and processes of both that stand still for longer than a lease.

Whoever takes over what they were sending is one of their own kind, and nobody is paid twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from support.batch import WriteOrders
from support.durable_web import Web, words
from support.killing import Paid, ledger_rows
from support.own_postgres import OwnPostgres
from support.ports import free_port
from support.sandbox import ask
from support.waiting import until, wait_for

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.process

LEASE = ("--timeout", "2", "--lease-margin", "2")
OPTIONS = ("--concurrency", "8", "--absent-after", "1", "--resends", "5")
LATE = {"kind": "delay", "rate": 1.0, "seconds": 1.0, "only": "ph.payout.create"}
"""Long enough to be stopped meanwhile, and within the time of a call."""
OF_FILES = 120


class Ledger:
    """Who sends, and who has moved what."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def ask(self, query: str) -> list[Any]:
        with psycopg.connect(self._dsn) as connection:
            return connection.execute(query.encode()).fetchall()

    def sending(self, pid: int) -> bool:
        return bool(self.ask(f"SELECT FROM paycools_payouts WHERE state = 'sending' AND worker LIKE '%:{pid}:%'"))

    def movers(self, rows: str) -> set[int]:
        found = self.ask(
            "SELECT DISTINCT m.worker FROM paycools_moves m JOIN paycools_payouts p ON p.id = m.payout "
            f"WHERE {rows} AND m.worker IS NOT NULL"
        )
        return {int(name.split(":")[1]) for (name,) in found}

    def crashed(self, rows: str) -> int:
        [(count,)] = self.ask(
            "SELECT count(*) FROM paycools_moves m JOIN paycools_payouts p ON p.id = m.payout "
            f"WHERE {rows} AND m.event = 'crashed'"
        )
        return int(count)

    def stop_while_sending(self, victim: subprocess.Popen[Any]) -> None:
        """SIGSTOP, at a moment at which rows are being sent."""

        def stopped() -> bool:
            if not self.sending(victim.pid):
                return False
            victim.send_signal(signal.SIGSTOP)
            if self.sending(victim.pid):
                return True
            victim.send_signal(signal.SIGCONT)
            return False

        wait_for(stopped)


@pytest.fixture
def webs(own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[list[Web]]:
    base_url, env = sandbox
    key = env["PAYCOOLS_PH_PRIVATE_KEY"]
    found = [Web(own_postgres.url(), base_url, key, free_port(), tmp_path / f"web{n}.log") for n in range(2)]
    for web in found:
        web.start()
    for web in found:
        wait_for(partial(answers, web))
    yield found
    for web in found:
        web.kill()


def answers(web: Web) -> bool:
    web.assert_alive()
    try:
        return ask(f"{web.url}/health")["last_error"] is None
    except OSError:
        return False


@pytest.fixture
def payers(
    own_postgres: OwnPostgres,
    sandbox: tuple[str, dict[str, str]],
    webs: list[Web],
    tmp_path: Path,
    write_orders: WriteOrders,
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A run of a file, and a worker that takes part, once the web processes are there."""
    ask(f"{sandbox[0]}/_sandbox/faults", [LATE])
    file = write_orders(
        lines=[
            [f"FILE{n:09}", f"{500 + n / 100:.2f}", "EWALLET", "GCASH", f"0918{n:06}1", "Juan Dela Cruz"]
            for n in range(1, OF_FILES + 1)
        ]
    )
    rest = ("--ledger", own_postgres.url(), *LEASE, *OPTIONS)
    commands = {"run": ("run", str(file), "--yes", *rest), "worker": ("worker", *rest)}
    found = {}
    for name, arguments in commands.items():
        command = [sys.executable, "-m", "paycools_async.cli", "payouts", *arguments]
        with (tmp_path / f"{name}.log").open("wb") as log:
            found[name] = subprocess.Popen(command, env=sandbox[1], stdout=log, stderr=subprocess.STDOUT)
    yield found
    for each in found.values():
        each.kill()
        each.wait()


@pytest.mark.parametrize("victim", ["run", "worker"])
async def test_processes_that_stand_still_are_taken_over_by_their_own_kind_alone(
    own_postgres: OwnPostgres,
    sandbox: tuple[str, dict[str, str]],
    tmp_path: Path,
    webs: list[Web],
    payers: dict[str, subprocess.Popen[bytes]],
    victim: str,
) -> None:
    base_url, _ = sandbox
    ledger, application = Ledger(own_postgres.url()), "p.told IS NOT NULL"
    async with aiohttp.ClientSession() as http:

        async def submit(number: int) -> None:
            values = {"amount": str(60000 + number), "account": f"0917{number:06}1"}
            url = f"{webs[number % 2].url}/pay/APP{number:09}"
            for _ in range(10):  # a server that stood still drops its idle connections as it goes on
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with http.post(url, params=values) as answer:
                        told = await answer.text()
                    if answer.status == 200:
                        return
                    assert "not_sent" in told  # of one that stood still for too long while it was written
                    await asyncio.sleep(0.2)
            raise AssertionError(f"{url} takes nothing")

        frozen = [payers[victim], webs[0].running]
        stopping = [asyncio.create_task(asyncio.to_thread(ledger.stop_while_sending, each)) for each in frozen]
        submitting: list[asyncio.Task[None]] = []
        while not all(task.done() for task in stopping):  # one of them may be quick, and the other not have begun
            submitting.append(asyncio.create_task(submit(len(submitting) + 1)))
            await asyncio.sleep(0.1)
        await asyncio.gather(*stopping)
        await until(lambda: not any(ledger.sending(each.pid) for each in frozen), every=0.2)
        for each in frozen:
            each.send_signal(signal.SIGCONT)
        await asyncio.gather(*submitting)  # those that the stopped one had not answered
        every_row = {"settled": OF_FILES + len(submitting)}
        await until(lambda: Counter(row[1] for row in ledger_rows(own_postgres.url())) == every_row, 120, 0.5)
        await until(lambda: len(words(own_postgres.url())) >= len(submitting), every=0.2)
    paid = Paid(base_url)
    assert paid.count() == OF_FILES + len(submitting)
    assert paid.books["paid_more_than_once"] == []
    assert Counter(words(own_postgres.url())) == {
        (f"APP{number:09}", "settled"): 1 for number in range(1, len(submitting) + 1)
    }
    assert min(ledger.crashed(application), ledger.crashed("p.told IS NULL")) > 0
    assert ledger.movers(application) == {web.running.pid for web in webs}
    assert ledger.movers("p.told IS NULL") == {each.pid for each in payers.values()}
    for log in tmp_path.glob("*.log"):
        assert "Traceback" not in log.read_text(), log.read_text()
