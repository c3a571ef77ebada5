"""Web processes live through what their PostgreSQL goes through: restarts, ended connections, a time without writes.

Whatever was acknowledged to its caller is paid once, and its final word is in the application's table exactly once.
PAYCOOLS_STORM=full is its real size: 2,000 submissions and 10 restarts. PAYCOOLS_STORM_ROWS: as many submissions.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from support.durable_web import Callers, Web, compare, everything_told
from support.own_postgres import OwnPostgres
from support.ports import free_port
from support.sandbox import FAULTS, ask

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.process

FULL_STORM = os.environ.get("PAYCOOLS_STORM") == "full"
ROWS = int(os.environ.get("PAYCOOLS_STORM_ROWS", "0")) or (2000 if FULL_STORM else 120)
RESTARTS, READ_ONLY, ENDED = (10, 5, 20) if FULL_STORM else (2, 1, 2)
CLIENTS = 10
"""Callers at a time."""
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3"
)


def refuse_writes(server: OwnPostgres, seconds: float) -> None:
    """As the former leader does, after a fail-over."""
    server.set("default_transaction_read_only", "on")
    time.sleep(seconds)
    server.set("default_transaction_read_only", "off")


def hits_on(server: OwnPostgres, dice: random.Random) -> list[Callable[[], object]]:
    hits: list[Callable[[], object]] = [
        *[lambda: server.restart(signal.SIGINT, dice.uniform(0, 3))] * (RESTARTS // 2),
        *[lambda: server.restart(signal.SIGQUIT, dice.uniform(0, 3))] * (RESTARTS - RESTARTS // 2),
        *[lambda: refuse_writes(server, dice.uniform(0.5, 2))] * READ_ONLY,
        *[lambda: server.execute(OTHERS)] * ENDED,
    ]
    dice.shuffle(hits)
    return hits


async def test_two_web_processes_live_through_a_storm_and_pay_what_they_took_once(
    own_postgres: OwnPostgres, tmp_path: Path, sandbox: tuple[str, dict[str, str]]
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", FAULTS)
    place, dice, began = own_postgres.url(), random.Random(9), time.monotonic()
    webs = [
        Web(place, base_url, env["PAYCOOLS_PH_PRIVATE_KEY"], free_port(), tmp_path / f"web{n}.log") for n in range(2)
    ]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        try:
            for web in webs:
                web.start()
                await web.ready(http)
            callers = Callers(http, webs, ROWS)
            async with asyncio.TaskGroup() as calling:
                for number in range(CLIENTS):
                    calling.create_task(callers.one(number))
                hits = hits_on(own_postgres, dice)
                for number, hit in enumerate(hits):
                    while len(callers.acknowledged) < ROWS * 19 * number // (20 * len(hits)):
                        await asyncio.sleep(0.01)
                    await asyncio.to_thread(hit)
            await everything_told(http, webs[0], ROWS)
        finally:
            for web in webs:
                web.kill()
    what = f"a storm, {RESTARTS} restarts, {READ_ONLY} times read-only, {3 * ENDED} ended back ends"
    compare(what, place, base_url, callers, time.monotonic() - began)
    assert set(callers.refused) <= {"not_sent", "unknown"}
    for web in webs:
        assert_told_plainly(web.written())


def assert_told_plainly(text: str) -> None:
    """One line when the database goes and one when it comes; no traceback, no password."""
    assert not [word for word in ("Traceback", "hush", "never retrieved") if word in text], text[-5000:]
    for about, first, then in (("the database is", "away", "back"), ("the application is told", "nothing", "again")):
        told = re.findall(rf"{about} ({first}|{then})", text)
        assert told == [first, then] * (len(told) // 2) + [first] * (len(told) % 2), text[-5000:]
