"""Web processes are killed, again and again, while they take payouts and PayCools loses connections.

Whatever was acknowledged to its caller is paid once, and its final word is in the application's table exactly once.
PAYCOOLS_KILLS=20 PAYCOOLS_KILL_ROWS=2000 kills as often, over as many submissions, as it says.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from support.killing import Paid, ledger_rows
from support.sandbox import FAULTS, ask

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.process

KILLS = int(os.environ.get("PAYCOOLS_KILLS", "2"))
ROWS = int(os.environ.get("PAYCOOLS_KILL_ROWS", "0")) or 60 + 40 * KILLS
APP = Path(__file__).parents[1] / "support" / "durable_app.py"
CLIENTS = 10
"""Callers at a time."""


class Web:
    """One web process, started again whenever it was killed."""

    def __init__(self, place: str, base_url: str, key: str, port: int, log: Path) -> None:
        self._command = [sys.executable, str(APP), str(port), place, base_url, key]
        self._log = log
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(self._command, stdout=out, stderr=out)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def ready(self, http: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(120):
            while True:
                try:
                    async with http.get(f"{self.url}/health") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    assert self.process is not None
                    assert self.process.poll() is None, self._log.read_text()[-3000:]
                await asyncio.sleep(0.05)


class Callers:
    """Submit each payout until it is acknowledged, as a web application's clients do."""

    def __init__(self, http: aiohttp.ClientSession, webs: list[Web]) -> None:
        self._http, self._webs = http, webs
        self._left = list(range(ROWS, 0, -1))
        self.acknowledged: list[str] = []

    async def one(self, number: int) -> None:
        while self._left:
            order = self._left.pop()
            name, account = f"PAY{order:09}", "09170000000" if order % 40 == 0 else f"0917{order:06}1"
            turn = number
            while not await self._submit(self._webs[turn % len(self._webs)], name, 50000 + order, account):
                turn += 1
                await asyncio.sleep(0.05)
            self.acknowledged.append(name)

    async def _submit(self, web: Web, name: str, amount: int, account: str) -> bool:
        try:
            parameters = {"amount": str(amount), "account": account}
            async with self._http.post(f"{web.url}/pay/{name}", params=parameters) as answer:
                if answer.status == 200:
                    return True
                assert answer.status == 500, await answer.text()  # a ledger that is being closed
                return False
        except (aiohttp.ClientError, TimeoutError):
            return False


def words(place: str) -> list[tuple[str, str]]:
    query = "SELECT order_id, state FROM words"
    if place.startswith("postgresql"):
        with psycopg.connect(place) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(place)) as found:
        return found.execute(query).fetchall()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_web_processes_killed_at_random_moments_pay_what_they_took_once_and_tell_of_it_once(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], store: str, request: pytest.FixtureRequest
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    place = request.getfixturevalue("dsn") if store == "postgres" else str(tmp_path / "payouts.db")
    key, dice, began = env["PAYCOOLS_PH_PRIVATE_KEY"], random.Random(7), time.monotonic()
    first = 20000 + os.getpid() % 20000
    count = 2 if store == "postgres" else 1
    webs = [Web(place, base_url, key, first + n, tmp_path / f"web{n}.log") for n in range(count)]
    kills, moments = 0, sorted(dice.sample(range(1, ROWS * 9 // 10), KILLS))
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for web in webs:
            web.start()
            await web.ready(http)
        callers = Callers(http, webs)
        calling = [asyncio.create_task(callers.one(number)) for number in range(CLIENTS)]
        try:
            for moment in moments:
                while len(callers.acknowledged) < moment:
                    assert not any(task.done() and task.exception() for task in calling), calling
                    await asyncio.sleep(0.002)
                await asyncio.sleep(dice.uniform(0, 0.3))
                web = dice.choice(webs)
                web.kill()
                kills += 1
                web.start()
                await web.ready(http)
            await asyncio.gather(*calling)
            await everything_told(http, webs[0], began)
        finally:
            for task in calling:
                task.cancel()
            for web in webs:
                web.kill()
    compare(store, place, base_url, callers, kills, time.monotonic() - began)


async def everything_told(http: aiohttp.ClientSession, web: Web, began: float) -> None:
    health: Any = None
    async with asyncio.timeout(120 + ROWS / 5):
        while health is None or health["backlog"] or health["unacknowledged"]:
            await asyncio.sleep(0.2)
            try:
                async with http.get(f"{web.url}/health") as answer:
                    health = await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                pass


def compare(store: str, place: str, base_url: str, callers: Callers, kills: int, seconds: float) -> None:
    paid = Paid(base_url)
    paid.count()
    rows, told = ledger_rows(place), words(place)
    states = dict(sorted(Counter(row[1] for row in rows).items()))
    repeated = [key for key, number in Counter(order for order, _ in told).items() if number > 1]
    twice = paid.books["paid_more_than_once"]
    print(  # noqa: T201 - shown with -s
        f"\n{store}: {len(callers.acknowledged)} acknowledged, {kills} kills, {states}, paid twice: {len(twice)}, "
        f"told: {len(told)}, told twice: {len(repeated)}, faults {paid.books['struck']}, {seconds:.0f} s"
    )
    assert kills == KILLS
    assert twice == []
    assert sorted(callers.acknowledged) == [f"PAY{number:09}" for number in range(1, ROWS + 1)]
    assert sorted(row[0] for row in rows) == sorted(callers.acknowledged)
    assert repeated == []
    assert sorted(told) == sorted((row[0], row[1]) for row in rows), "each final word is in the application's table"
    booked = {(each["order_id"], {"COMPLETE": "settled", "FAILED": "failed"}[each["status"]]) for each in paid.payouts}
    assert booked == {(row[0], row[1]) for row in rows}
    assert states == {"failed": ROWS // 40, "settled": ROWS - ROWS // 40}
