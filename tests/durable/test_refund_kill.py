"""An application that refunds is killed while PayCools loses connections and lists refunds late: each is made once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.refund_house import RefundHouse
from support.waiting import until

pytestmark = pytest.mark.process

COUNT = 60
SCRIPT = Path(__file__).parent.parent / "support" / "durable_refunds.py"


async def test_an_application_killed_at_random_moments_refunds_once_and_tells_once(
    house: RefundHouse, tmp_path: Path, key_pem: str
) -> None:
    dice = random.Random(11)
    (key := tmp_path / "key.pem").write_text(key_pem)
    place = tmp_path / "refunds.db"
    house.lag = 0.3
    house.next.extend(dice.choices(["drop before", "drop after", None], [1, 2, 7], k=3 * COUNT))
    async with house.server() as server:
        command = [sys.executable, str(SCRIPT), str(place), str(server.make_url("")).rstrip("/"), str(key), str(COUNT)]
        for moment in (1, COUNT // 3, COUNT // 2):
            process = await asyncio.create_subprocess_exec(*command)
            await until(lambda least=moment: len(house.booked) >= least)  # type: ignore[misc]
            await asyncio.sleep(dice.uniform(0, 0.02))
            process.kill()
            await process.wait()
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
    assert house.paid() == [(f"REFUND{number:06}", 1000 + number) for number in range(COUNT)]
    with closing(sqlite3.connect(place)) as db:
        ends = sorted(db.execute("SELECT refund_id, state FROM ends"))
    assert ends == [(f"REFUND{number:06}", "settled") for number in range(COUNT)]
