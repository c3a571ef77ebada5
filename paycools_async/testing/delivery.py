"""The fake's callbacks over HTTP to a merchant's URL, as PayCools delivers them: again until they are acknowledged.

How often and how long PayCools tries is in no document; these pauses are the fake's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Iterable
from typing import Any

import aiohttp
import attrs

from .server.merchant import Merchant

__all__ = ["Delivery", "acknowledges"]


def acknowledges(sent: bytes, status: int, answer: bytes) -> bool:
    """Whether this is the documented answer to a callback of this family: code 1 (PH), code 10000 (Global)."""
    try:
        found = json.loads(answer)
        wanted = 10000 if "param" in json.loads(sent) else 1
    except ValueError:
        return False
    return status == 200 and isinstance(found, dict) and found.get("code") == wanted


@attrs.define(kw_only=True)
class Delivery:
    """Delivers what is due to `url`, and tries again until the documented acknowledgement comes.

    Faults, each a probability: `duplicates` (delivered once more, though acknowledged), `reordered` (held back behind
    later ones, by up to `longest_hold` seconds). `delay`: seconds before every delivery. `pauses`: seconds between
    attempts, the last one for ever; `attempts`: how many before it gives up.
    """

    url: str
    duplicates: float = 0.0
    reordered: float = 0.0
    longest_hold: float = 0.5
    delay: float = 0.0
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0)
    attempts: int = 50
    timeout: float = 10.0
    connections: int = 20
    seed: int = 0
    sent: int = 0
    """Requests made, repetitions included."""
    acknowledged: int = 0
    given_up: int = 0
    _dice: random.Random = attrs.field(init=False)
    _room: asyncio.Semaphore = attrs.field(init=False)
    _http: aiohttp.ClientSession | None = attrs.field(default=None, init=False)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _pump: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - repeatable, no secret
        self._room = asyncio.Semaphore(self.connections)

    def start(self, merchants: dict[str, Merchant], *, every: float = 0.02) -> None:
        """Deliver the merchants' callbacks as they fall due, and let the questions (4.6) go to the same URL."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout))
        self._pump = asyncio.create_task(self._run(merchants, every), name="sandbox-callbacks")

    async def aclose(self) -> None:
        """Stop; what was not acknowledged is lost."""
        tasks = [*self._tasks, *([self._pump] if self._pump else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def idle(self) -> None:
        """Wait until everything that was taken up is acknowledged or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, merchants: dict[str, Merchant], every: float) -> None:
        while True:
            for merchant in list(merchants.values()):
                if merchant.ask_merchant is None:
                    merchant.ask_merchant = self.ask
                self.take(merchant.due_callbacks())
            await asyncio.sleep(every)

    def take(self, bodies: Iterable[bytes]) -> None:
        """Deliver these, in the background."""
        for body in bodies:
            for copy in range(1 + (self._dice.random() < self.duplicates)):
                hold = self._dice.random() * self.longest_hold if copy or self._dice.random() < self.reordered else 0.0
                task = asyncio.create_task(self._deliver(body, hold + self.delay))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, body: bytes, hold: float) -> None:
        await asyncio.sleep(hold)
        for attempt in range(self.attempts):
            async with self._room:
                status, answer = await self._post(body)
            if acknowledges(body, status, answer):
                self.acknowledged += 1
                return
            await asyncio.sleep(self.pauses[min(attempt, len(self.pauses) - 1)])
        self.given_up += 1

    async def ask(self, body: bytes) -> bytes:
        """Ask the merchant a question: the answer's body, or nothing where no answer comes."""
        return (await self._post(body))[1]

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        assert self._http is not None  # noqa: S101 - start() made it
        self.sent += 1
        headers: dict[str, Any] = {"Content-Type": "application/json"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._http.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        return 0, b""
