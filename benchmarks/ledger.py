"""`python -m benchmarks ledger postgresql://...`: real workers that share a ledger, 1, 2 and 4 of them.

Every answer of PayCools takes 200 ms, and a payout is a call to send and one to inquire: a worker with 20 in flight can
do 50 a second at best.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs
import psycopg
from psycopg import sql

from paycools_async import PayCoolsPH
from paycools_async.batch import Order, PHPayouts, PostgresLedger
from paycools_async.batch.ledger.row import listed
from paycools_async.batch.run.worker import prepare_jobs, release_batch_to_workers
from paycools_async.batch.states import OPEN
from paycools_async.ph.payout import CreatePayout
from paycools_async.testing import FakePayCools, Sandbox, generate_private_key

from .by_hand import FIELDS
from .processes import heard, run, running, until_told

IN_FLIGHT = 20
ANSWER = 0.2
"""Seconds that PayCools takes."""
_SPAN = "SELECT min(at) FILTER (WHERE event = 'send'), max(at) FILTER (WHERE state = 'accepted') FROM paycools_moves"
_OPEN = f"SELECT count(*) FROM paycools_payouts WHERE state IN ({listed(OPEN)})"
_STATES = "SELECT DISTINCT state FROM paycools_payouts"


@attrs.frozen(kw_only=True)
class Shared:
    """What so many workers did together."""

    workers: int
    rate: float
    """Payouts a second, from the first byte to the last acceptance."""
    load: float
    """How many processes wanted a core just before."""


async def measure(place: str, numbers: Sequence[int], payouts: int) -> None:
    """Each number of workers on a ledger of its own, in a schema of this database that is dropped again."""
    found: list[Shared] = []
    for workers in numbers:
        found.append(await share(place, workers, payouts))
        rate, times = found[-1].rate, found[-1].rate / found[0].rate
        print(f"{workers} workers: {rate:.0f} payouts a second, {times:.1f} times; load before {found[-1].load:.1f}")


async def share(place: str, workers: int, payouts: int) -> Shared:
    """Pay so many. Raises RuntimeError where one of them is not settled then: the figure would mean nothing."""
    pem, load = generate_private_key(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, running(_sandbox, pem) as sandbox:
        key = Path(folder, "merchant.pem")
        key.write_text(pem)
        url: str = await heard(sandbox)
        async with _schema(place) as ledger:
            await _release(ledger, url, pem, payouts)
            with _processes(workers, ledger, url, key):
                while (await _ask(ledger, _OPEN))[0][0]:
                    await asyncio.sleep(0.5)
            states, [(first, last)] = await _ask(ledger, _STATES), await _ask(ledger, _SPAN)
    if states != [("settled",)]:
        raise RuntimeError(f"not everything is settled: {states}")
    return Shared(workers=workers, rate=payouts / (last - first), load=load)


def _sandbox(pipe: Connection, pem: str) -> None:
    async def serve() -> None:
        fake = FakePayCools(private_key=pem)
        fake.payouts.settle_after = 0.0
        fake.faults.delay(ANSWER, rate=1.0)
        async with Sandbox(fake) as box:
            pipe.send(box.base_url)
            await until_told(pipe)

    run(serve(), uvloop=True)


@contextlib.asynccontextmanager
async def _schema(place: str) -> AsyncIterator[str]:
    """A connection string to a schema of its own while the body runs."""
    name = f"benchmark_{secrets.token_hex(4)}"
    await _do(place, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    try:
        yield f"{place}{'&' if '?' in place else '?'}options=-csearch_path%3D{name}"
    finally:
        await _do(place, sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


async def _release(place: str, url: str, pem: str, payouts: int) -> None:
    """Offer them in one batch, and leave them to the workers."""
    orders = [
        Order(line, CreatePayout(mch_order_id=f"SHARED{line:010d}", **FIELDS["ph"])) for line in range(2, payouts + 2)
    ]
    async with PayCoolsPH(FakePayCools(private_key=pem).ph_credentials, base_url=url) as client:
        api = PHPayouts(client)
        ledger = await PostgresLedger.open(place, api.identity)
        async with contextlib.aclosing(ledger):
            await prepare_jobs(ledger)
            intake = await ledger.intake(orders, api.text_of)
            assert intake.batch is not None
            await release_batch_to_workers(ledger, intake.batch, by="benchmark", rows=payouts, amount=intake.total)


@contextlib.contextmanager
def _processes(workers: int, ledger: str, url: str, key: Path) -> Iterator[None]:
    credentials = FakePayCools().ph_credentials
    env = {
        **os.environ,
        "PAYCOOLS_PH_BASE_URL": url,
        "PAYCOOLS_PH_APP_ID": credentials.app_id,
        "PAYCOOLS_PH_APP_NAME": credentials.app_name,
        "PAYCOOLS_PH_PRIVATE_KEY": str(key),
        "PAYCOOLS_LEDGER": ledger,
    }
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", "worker", "--concurrency", str(IN_FLIGHT)]
    started = [subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) for _ in range(workers)]
    try:
        yield
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait()


async def _ask(place: str, query: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(place) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def _do(place: str, statement: sql.Composed) -> None:
    async with await psycopg.AsyncConnection.connect(place) as connection:
        await connection.execute(statement)
