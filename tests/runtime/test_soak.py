"""Loops that end well or badly, threads, forks and cancellations at random: nothing is left of them."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.engine_stage import ORDER
from support.forked import in_child
from support.kept_server import KeptServer
from support.size import FULL

from paycools_async import CreatePayout, PayCoolsPH, PHCredentials
from paycools_async.signing import PrivateKey

pytestmark = [pytest.mark.process, pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")]

SECONDS = 60 if FULL else 5
FILES = Path("/proc/self/fd")


class Payer:
    """Pays again and again, with a client that is never closed meanwhile."""

    def __init__(self, client: PayCoolsPH, seed: int) -> None:
        self._client = client
        self._numbers: Iterator[int] = iter(range(10**6))
        self._random = random.Random(seed)

    async def one(self) -> str:
        order = f"ORDER{next(self._numbers):07}"
        return (await self._client.send(order_like(order))).transaction_id

    async def some(self) -> None:
        tasks = [asyncio.create_task(self.one()) for _ in range(self._random.randint(1, 6))]
        await asyncio.sleep(self._random.random() * 0.01)
        for task in tasks:
            if self._random.random() < 0.2:
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, str | asyncio.CancelledError) for each in done), done

    def step(self) -> None:
        kind = self._random.random()
        if kind < 0.6:
            asyncio.run(self.some())
        elif kind < 0.75:
            loop = asyncio.new_event_loop()
            loop.run_until_complete(self.some())
            loop.close()
        elif kind < 0.95:
            threads = [threading.Thread(target=lambda: asyncio.run(self.some())) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            assert in_child(lambda: asyncio.run(self.one())).startswith("DORDER")
        for entry in self._client.in_doubt:
            self._client.dismiss(entry)


def test_nothing_is_left_of_loops_threads_and_forks(key: PrivateKey) -> None:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    known = {*threading.enumerate()}  # idle ones of other tests end by themselves
    with KeptServer() as server:
        payer = Payer(client := PayCoolsPH(merchant, base_url=server.url), seed=7)
        for _ in range(30):
            payer.step()
        before = held()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            payer.step()
        threads, files, objects = held()
        assert threads <= before[0]
        assert files <= before[1] + 6, "at most the sockets of the last loop, which was not closed with care"
        assert objects < before[2] + 3000
        asyncio.run(client.aclose())
        assert server.all_closed()
    left = {*threading.enumerate()} - known
    assert [each.name for each in left if each.name.startswith("paycools")] == []


def order_like(order_id: str) -> CreatePayout:
    made: CreatePayout = attrs.evolve(ORDER, mch_order_id=order_id)  # type: ignore[misc]
    return made


def held() -> tuple[int, int, int]:
    """Threads, open files and objects."""
    gc.collect()
    files = len(list(FILES.iterdir())) if FILES.exists() else 0
    return threading.active_count(), files, len(gc.get_objects())
