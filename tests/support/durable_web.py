"""Web processes that take durable payouts (`durable_app.py`), who calls them, and both sides compared at the end."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from support.killing import Paid, ledger_rows

__all__ = ["Callers", "Web", "compare", "everything_told"]

APP = Path(__file__).with_name("durable_app.py")


class Web:
    """One web process, started again whenever it was killed; each process of it has a log of its own."""

    def __init__(self, place: str, base_url: str, key: str, port: int, log: Path) -> None:
        self._command = [sys.executable, str(APP), str(port), place, base_url, key]
        self._log = log
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.logs: list[Path] = []

    def start(self) -> None:
        self.logs.append(self._log.with_stem(f"{self._log.stem}-{len(self.logs)}"))
        with self.logs[-1].open("wb") as out:
            self.process = subprocess.Popen(self._command, stdout=out, stderr=out)

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def assert_alive(self) -> None:
        assert self.running.poll() is None, self.logs[-1].read_text()[-3000:]

    def kill(self) -> None:
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()

    async def ready(self, http: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(120):
            while True:
                try:
                    async with http.get(f"{self.url}/health") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    self.assert_alive()
                await asyncio.sleep(0.05)


class Callers:
    """Submit each payout until it is acknowledged, as a web application's clients do."""

    def __init__(self, http: aiohttp.ClientSession, webs: list[Web], rows: int) -> None:
        self._http, self._webs = http, webs
        self._left = list(range(rows, 0, -1))
        self.rows: int = rows
        self.refused: Counter[str] = Counter()
        """What was not acknowledged, by what was known of it."""
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
                assert answer.status == 503, await answer.text()  # a ledger that is closed, or away
                self.refused[(await answer.json())["detail"]] += 1
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


async def everything_told(http: aiohttp.ClientSession, web: Web, rows: int) -> None:
    health: Any = None
    async with asyncio.timeout(120 + rows / 5):
        while health is None or (health["backlog"], health["unacknowledged"]) != (0, 0):
            await asyncio.sleep(0.2)
            try:
                async with http.get(f"{web.url}/health") as answer:
                    health = await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                pass


def compare(what: str, place: str, base_url: str, callers: Callers, seconds: float) -> None:
    """Each that was acknowledged was paid once, and its final word is in the application's table once."""
    paid = Paid(base_url)
    paid.count()
    rows, told = ledger_rows(place), words(place)
    states = dict(sorted(Counter(row[1] for row in rows).items()))
    repeated = [key for key, number in Counter(order for order, _ in told).items() if number > 1]
    twice = paid.books["paid_more_than_once"]
    print(  # noqa: T201 - shown with -s
        f"\n{what}: {len(callers.acknowledged)} acknowledged, refused {dict(callers.refused)}, {states}, "
        f"paid twice: {len(twice)}, "
        f"told: {len(told)}, told twice: {len(repeated)}, faults {paid.books['struck']}, {seconds:.0f} s"
    )
    assert twice == []
    assert sorted(callers.acknowledged) == [f"PAY{number:09}" for number in range(1, callers.rows + 1)]
    assert sorted(row[0] for row in rows) == sorted(callers.acknowledged)
    assert repeated == []
    assert sorted(told) == sorted((row[0], row[1]) for row in rows), "each final word is in the application's table"
    booked = {(each["order_id"], {"COMPLETE": "settled", "FAILED": "failed"}[each["status"]]) for each in paid.payouts}
    assert booked == {(row[0], row[1]) for row in rows}
    assert states == {"failed": callers.rows // 40, "settled": callers.rows - callers.rows // 40}
