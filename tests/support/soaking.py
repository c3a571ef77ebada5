"""`python -X dev -m support.soaking`: pays in loops, threads and forked children, and says what is left of them.

Reads its task from standard input, as JSON: `url`, `key`, `seconds` and `seed`. Prints a `Soaked` as JSON.
"""

from __future__ import annotations

import asyncio
import collections
import gc
import json
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
from support.engine_stage import ORDER
from support.forked import in_child

from paycools_async import CreatePayout, Outcome, PayCoolsPH, PHCredentials, Retry
from paycools_async.errors import PayCoolsError

__all__ = ["Held", "Soaked"]

FILES = Path("/proc/self/fd")
WARM = 150
"""Steps until all is loaded and every kind of step was taken."""


@attrs.frozen(kw_only=True)
class Held:
    """What a process holds when nothing is under way."""

    threads: int
    files: int
    objects: int
    mib: float


@attrs.frozen(kw_only=True)
class Soaked:
    """`ends`: how the calls ended. `left` are the threads of the SDK after its client was closed."""

    before: Held
    after: Held
    steps: int
    ends: dict[str, int]
    left: list[str]


class Payer:
    """Pays again and again, with a client that is never closed meanwhile."""

    def __init__(self, client: PayCoolsPH, seed: int) -> None:
        self._client = client
        self._random = random.Random(seed)
        self._orders = 0
        self._guard = threading.Lock()
        self.ends: collections.Counter[str] = collections.Counter()

    async def one(self) -> str:
        _let_it_be_slow()
        with self._guard:
            self._orders += 1
            order = f"P{os.getpid()}N{self._orders:07}"  # a forked child counts for itself
        request: CreatePayout = attrs.evolve(ORDER, mch_order_id=order)  # type: ignore[misc]
        try:
            receipt = await self._client.send(request)
        except PayCoolsError as error:
            if error.outcome is Outcome.UNKNOWN and self._random.random() < 0.5:
                return f"unclear, then {await self._found(order)}"
            return f"{type(error).__name__} {error.outcome}"
        assert receipt.transaction_id == f"D{order}", "an answer that is another's"
        return "taken"

    async def _found(self, order: str) -> str:
        try:
            return "found" if await self._client.payouts.find(order) else "not found"
        except PayCoolsError as error:
            return type(error).__name__

    async def some(self) -> None:
        """A few at once, of which some are cancelled."""
        _let_it_be_slow()
        tasks = [asyncio.create_task(self.one()) for _ in range(self._random.randint(1, 6))]
        await asyncio.sleep(self._random.random() * 0.01)
        for task in tasks:
            if self._random.random() < 0.2:
                task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            match end:
                case str():
                    self.ends[end] += 1
                case asyncio.CancelledError():
                    self.ends["cancelled"] += 1
                case _:
                    raise end
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            raise AssertionError(f"left running: {left}")

    def step(self) -> None:
        kind = self._random.random()
        if kind < 0.6:
            asyncio.run(self.some())
        elif kind < 0.75:
            loop = asyncio.new_event_loop()
            run_and_drop(loop, self.some())
        elif kind < 0.95:
            together(lambda: asyncio.run(self.some()))
        else:
            assert isinstance(in_child(lambda: asyncio.run(self.one())), str)
        for entry in self._client.in_doubt:
            self._client.dismiss(entry)

    def rest(self) -> Held:
        """What is held when nothing is under way: a loop that was dropped leaves its sockets to the next use."""
        asyncio.run(self.one())
        for entry in self._client.in_doubt:
            self._client.dismiss(entry)
        gc.collect()
        return Held(
            threads=threading.active_count(),
            files=len(list(FILES.iterdir())) if FILES.exists() else 0,
            objects=len(gc.get_objects()),
            mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def _let_it_be_slow() -> None:
    """How busy the machine is, is not the question."""
    asyncio.get_running_loop().slow_callback_duration = 30


async def closing(client: PayCoolsPH) -> None:
    _let_it_be_slow()
    await client.aclose()


def run_and_drop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    """Close the loop, and nothing of what was opened in it."""
    loop.run_until_complete(work)
    loop.close()


def together(work: Callable[[], None]) -> None:
    """The same in two threads."""
    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(work) for _ in range(2)]:
            each.result()


def soak(url: str, key: str, seconds: float, seed: int) -> Soaked:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    payer = Payer(client := PayCoolsPH(merchant, base_url=url, timeout=2, retry=Retry(attempts=2)), seed)
    for _ in range(WARM):
        payer.step()
    before = payer.rest()
    steps, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        payer.step()
        steps += 1
    after = payer.rest()
    asyncio.run(closing(client))
    left = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    return Soaked(before=before, after=after, steps=steps, ends=dict(payer.ends), left=left)


if __name__ == "__main__":
    found = soak(**json.load(sys.stdin))
    json.dump(attrs.asdict(found), sys.stdout)
