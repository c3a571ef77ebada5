"""Callbacks in random order, repeated, into a merchant's process that is killed twice: each is applied exactly once.

PAYCOOLS_CALLBACKS=10000 takes as many as it says.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.callbacks import PAYOUT, signed
from support.ports import free_port

from paycools_async.testing.delivery import Delivery

pytestmark = pytest.mark.process

COUNT = int(os.environ.get("PAYCOOLS_CALLBACKS", "200"))
SERVER = Path(__file__).with_name("inbox_server.py")


class Process:
    """The merchant's process."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = [sys.executable, str(SERVER), *arguments]
        self._process = subprocess.Popen(self._arguments)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        self._process = subprocess.Popen(self._arguments)


def asked(database: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("adapter", ["aiohttp", "asgi"])
async def test_each_is_applied_exactly_once_over_two_kills(adapter: str, tmp_path: Path) -> None:
    if adapter == "asgi":
        pytest.importorskip("uvicorn", reason="needs the extra `examples`")
    dice = random.Random(COUNT)
    orders = {f"PAY{number}": dice.choice(["COMPLETE", "COMPLETE", "FAILED"]) for number in range(COUNT * 4 // 5)}
    waiting = dice.sample(sorted(orders), COUNT - len(orders))
    words = [(order, "PENDING") for order in waiting] + list(orders.items())
    names = {"FAILED": "disbursement.failed"}
    bodies = [
        signed(
            {
                **PAYOUT,
                "eventName": names.get(status, "disbursement.success"),
                "mchOrderId": order,
                "transactionId": "D" + order,
                "transactionStatus": status,
            }
        )
        for order, status in words
    ]
    dice.shuffle(bodies)

    database, port = tmp_path / "shop.db", free_port()
    delivery = Delivery(
        url=f"http://127.0.0.1:{port}/",
        duplicates=0.3,
        reordered=0.5,
        longest_hold=COUNT / 1000,
        pauses=(0.1,),
        attempts=900,
    )
    process = Process(str(database), str(port), adapter)
    try:
        delivery.start({})
        delivery.take(bodies)
        for share in (0.3, 0.6):
            while delivery.acknowledged < share * COUNT:
                await asyncio.sleep(0.005)
            process.kill()
            process.start_again()
        await delivery.idle()
        async with asyncio.timeout(60):
            while asked(database, "SELECT count(*) FROM paycools_callbacks WHERE state = 'new'") != [(0,)]:
                await asyncio.sleep(0.05)
    finally:
        process.kill()
        await delivery.aclose()

    assert delivery.given_up == 0
    assert delivery.acknowledged > 1.2 * COUNT
    assert asked(database, "SELECT count(*) FROM paycools_callbacks") == [(COUNT,)]
    assert dict(asked(database, "SELECT id, status FROM orders")) == orders
    effects = asked(database, "SELECT id, status FROM effects")
    assert len(effects) == len(set(effects))
    applied = asked(database, "SELECT count(*) FROM paycools_callbacks WHERE state = 'applied'")
    assert applied == [(len(effects),)]
    assert {effect for effect in effects if effect[1] != "PENDING"} == set(orders.items())
