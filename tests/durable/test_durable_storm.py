"""Web processes live through what processes and their PostgreSQL go through, all of it in one storm.

Whatever was acknowledged to its caller is paid once, and its final word is in the application's table exactly once.
PAYCOOLS_STORM=full is its real size: 5,000 submissions, 10 restarts, 5 times without writes, 20 times three ended
connections, 20 SIGKILLs and 20 SIGSTOPs. PAYCOOLS_STORM_ROWS: as many submissions.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from support.durable_web import Callers, Web, compare, everything_told
from support.own_postgres import OwnPostgres
from support.ports import free_port
from support.sandbox import FAULTS, ask
from support.storm import ENDED, KILLED, READ_ONLY, RESTARTS, STOPPED, Frozen, hits_on, storm_rows

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.process

ROWS = storm_rows(5000, 120)
CLIENTS = 10
"""Callers at a time."""


def replace(web: Web) -> None:
    """Kill it, and start another in its place."""
    web.kill()
    web.start()


async def storm(hits: list[Callable[[], object]], callers: Callers, webs: list[Web]) -> None:
    """What happens, at random moments while payouts are submitted."""
    for number, hit in enumerate(hits):
        while len(callers.acknowledged) < ROWS * 19 * number // (20 * len(hits)):
            await asyncio.sleep(0.01)
        for web in webs:
            web.assert_alive()
        await asyncio.to_thread(hit)


async def test_two_web_processes_live_through_a_storm_and_pay_what_they_took_once(
    own_postgres: OwnPostgres, tmp_path: Path, sandbox: tuple[str, dict[str, str]]
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    place, dice, began, frozen = own_postgres.url(), random.Random(9), time.monotonic(), Frozen()
    key = env["PAYCOOLS_PH_PRIVATE_KEY"]
    webs = [Web(place, base_url, key, free_port(), tmp_path / f"web{number}.log") for number in range(2)]
    hits: list[Callable[[], object]] = [
        *hits_on(own_postgres, dice),
        *[lambda: replace(dice.choice(webs))] * KILLED,
        *[lambda: frozen.freeze(dice.choice(webs).running)] * STOPPED,
    ]
    dice.shuffle(hits)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        try:
            for web in webs:
                web.start()
                await web.ready(http)
            callers = Callers(http, webs, ROWS)
            async with asyncio.TaskGroup() as calling:
                for number in range(CLIENTS):
                    calling.create_task(callers.one(number))
                await storm(hits, callers, webs)
            await asyncio.to_thread(frozen.join)
            await everything_told(http, webs[0], ROWS)
        finally:
            frozen.join()
            for web in webs:
                web.kill()
    what = (
        f"a storm, {RESTARTS} restarts, {READ_ONLY} times read-only, {3 * ENDED} ended back ends, {KILLED} kills, "
        f"{STOPPED} stops"
    )
    compare(what, place, base_url, callers, time.monotonic() - began)
    assert set(callers.refused) <= {"not_sent", "unknown"}
    assert sum(len(web.logs) for web in webs) == 2 + KILLED
    for web in webs:
        for log in web.logs:
            assert_told_plainly(log.read_text())


def assert_told_plainly(text: str) -> None:
    """One line when the database goes and one when it comes; no traceback, no password."""
    assert not [word for word in ("Traceback", "hush", "never retrieved") if word in text], text[-5000:]
    for about, first, then in (("the database is", "away", "back"), ("the application is told", "nothing", "again")):
        told = re.findall(rf"{about} ({first}|{then})", text)
        assert told == [first, then] * (len(told) // 2) + [first] * (len(told) % 2), text[-5000:]
