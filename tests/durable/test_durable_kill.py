"""Web processes are killed, again and again, while they take payouts and PayCools loses connections.

Whatever was acknowledged to its caller is paid once, and its final word is in the application's table exactly once.
PAYCOOLS_KILLS=20 PAYCOOLS_KILL_ROWS=2000 kills as often, over as many submissions, as it says.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import aiohttp
import pytest
from support.durable_web import Callers, Web, compare, everything_told
from support.sandbox import FAULTS, ask

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.process

KILLS = int(os.environ.get("PAYCOOLS_KILLS", "2"))
ROWS = int(os.environ.get("PAYCOOLS_KILL_ROWS", "0")) or 60 + 40 * KILLS
CLIENTS = 10
"""Callers at a time."""


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
        callers = Callers(http, webs, ROWS)
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
            await everything_told(http, webs[0], ROWS)
        finally:
            for task in calling:
                task.cancel()
            for web in webs:
                web.kill()
    assert kills == KILLS
    compare(f"{store}, {kills} kills", place, base_url, callers, time.monotonic() - began)
