"""Workers: shards as procrastinate jobs, released in one transaction, and a pace that all workers share."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders
from support.clocks import SetBackClock

from paycools_async import PayCoolsPH
from paycools_async.batch import Event, Options, PHPayouts, State, read_orders
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.ledger.postgres.session import grant
from paycools_async.batch.ledger.postgres.shared_pace import SharedPace
from paycools_async.batch.run.worker import Worker, prepare_jobs, release_batch_to_workers, release_to_workers
from paycools_async.policy import Deadline
from paycools_async.testing import FakePayCools, ManualClock

FAST = Options(concurrency=20, wait=2.0, first_inquiry_after=0.05, longest_inquiry_pause=0.1, absent_after=1.0)

Open = Callable[[], Awaitable[PostgresLedger]]


@pytest.fixture
def real_fake(key_pem: str) -> FakePayCools:
    """A careless PayCools on the machine's clock, as the database is."""
    fake = FakePayCools(private_key=key_pem)
    fake.merchant.enforce_unique = False
    fake.payouts.settle_after = 0.1
    return fake


@pytest.fixture
async def payouts(real_fake: FakePayCools) -> AsyncIterator[PHPayouts]:
    async with PayCoolsPH(real_fake.ph_credentials, transport=real_fake.transport()) as client:
        yield PHPayouts(client)


@pytest.fixture
async def open_one(dsn: str, payouts: PHPayouts) -> AsyncIterator[Open]:
    """`await open_one()`: another worker's ledger, with leases of a second and a half."""
    opened: list[PostgresLedger] = []

    async def opens() -> PostgresLedger:
        opened.append(await PostgresLedger.open(dsn, payouts.identity, call_timeout=0.5, margin=1.0))
        return opened[-1]

    yield opens
    for each in opened:
        await each.aclose()


@pytest.fixture
async def offered(open_one: Open, payouts: PHPayouts, write_orders: WriteOrders) -> PostgresLedger:
    """A ledger with a batch of 120 payouts that is not released."""
    ledger = await open_one()
    await prepare_jobs(ledger)
    await ledger.intake(read_orders(write_orders(120), payouts.request_class, "PHP"), payouts.text_of)
    return ledger


async def say_yes(ledger: PostgresLedger) -> int:
    return await release_batch_to_workers(ledger, 1, by="tests", rows=120, amount=120 * 50010)


async def ask(dsn: str, query: str) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def until_settled(ledger: PostgresLedger, rows: int) -> None:
    async with asyncio.timeout(90):
        while (await ledger.counts()).get(State.SETTLED, (0, 0))[0] < rows:
            await asyncio.sleep(0.05)


async def test_releasing_and_deferring_are_one_transaction(dsn: str, offered: PostgresLedger) -> None:
    await prepare_jobs(offered)  # a second time changes nothing
    assert await release_to_workers(offered, [1]) == 0, "nothing of it is released"
    assert await say_yes(offered) == 3
    assert await release_to_workers(offered, [1]) == 0, "every shard has its job waiting"
    jobs = await ask(dsn, "SELECT args, status::text FROM procrastinate_jobs ORDER BY id")
    assert jobs == [({"batch": 1, "shard": number}, "todo") for number in range(3)]


async def test_a_release_that_fails_releases_nothing(dsn: str, offered: PostgresLedger) -> None:
    await offered.within(lambda connection: _drop_jobs(connection))
    with pytest.raises(Exception, match="procrastinate_jobs"):
        await say_yes(offered)
    assert await offered.counts() == {State.OFFERED: (120, 120 * 50010)}
    [batch] = await offered.batches()
    assert [entry.event for entry in batch.log] == ["offer"]


async def _drop_jobs(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute("DROP TABLE procrastinate_jobs CASCADE")


async def test_two_workers_share_a_batch_and_leave_no_job_behind(
    dsn: str, offered: PostgresLedger, open_one: Open, payouts: PHPayouts, real_fake: FakePayCools
) -> None:
    await say_yes(offered)
    workers = [Worker(payouts, await open_one(), FAST, shards_at_once=1) for _ in range(2)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    await until_settled(offered, 120)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*tasks)
    assert len(real_fake.payouts.paid) == 120
    assert real_fake.payouts.paid_more_than_once() == []
    assert len(await ask(dsn, "SELECT DISTINCT worker FROM paycools_moves WHERE event = 'send'")) == 2


async def test_a_worker_needs_no_more_than_a_role_that_may_run(
    dsn: str, offered: PostgresLedger, payouts: PHPayouts, real_fake: FakePayCools
) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as owner:
        await owner.execute("CREATE ROLE paycools_payer LOGIN")
        await grant(dsn, "paycools_payer", ["run"])
        assert await say_yes(offered) == 3
        as_role = dsn.replace("postgresql://postgres:@", "postgresql://paycools_payer@")
        ledger = await PostgresLedger.open(as_role, payouts.identity)
        await prepare_jobs(ledger)
        worker = Worker(payouts, ledger, FAST, pace=SharedPace(ledger, 10_000.0))
        task = asyncio.create_task(worker.run())
        await until_settled(offered, 120)
        worker.stop()
        await task
        await ledger.aclose()
        await owner.execute("DROP OWNED BY paycools_payer; DROP ROLE paycools_payer")
    assert real_fake.payouts.paid_more_than_once() == []


async def test_a_lost_workers_shard_is_taken_up_and_its_sending_row_is_not_sent_blindly(
    dsn: str, offered: PostgresLedger, open_one: Open, payouts: PHPayouts, real_fake: FakePayCools
) -> None:
    await say_yes(offered)
    lost = await open_one()
    row = (await lost.claim([State.PLANNED], 9, max_resends=9))[0]
    await lost.move(row, Event.SEND)
    _, send = payouts.prepare(row.body)
    await send(not_after=math.inf)  # it got through; the worker dies before it hears so
    # and its job is as a killed worker leaves it
    await offered.within(_mark_as_lost)
    worker = Worker(payouts, await open_one(), FAST)
    task = asyncio.create_task(worker.run())
    await until_settled(offered, 120)
    worker.stop()
    await task
    assert len(real_fake.payouts.paid) == 120
    assert real_fake.payouts.paid_more_than_once() == []
    moves = await ask(
        dsn, f"SELECT event FROM paycools_moves WHERE payout = {row.id} AND event <> 'release' ORDER BY id"
    )
    assert [event for (event,) in moves] in (
        ["send", "crashed", "found_complete"],
        ["send", "crashed", "found_pending", "found_complete"],
    )


async def _mark_as_lost(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(
        "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
        " RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = gone.id FROM gone"
    )


async def test_all_workers_together_keep_to_one_rate(dsn: str, payouts: PHPayouts) -> None:
    clock = ManualClock()
    ledgers = [await PostgresLedger.open(dsn, payouts.identity, clock=clock.time) for _ in range(3)]
    paces = [SharedPace(ledger, 20.0, clock=clock) for ledger in ledgers]
    turns = []
    for number in range(30):
        await paces[number % 3].wait_turn(Deadline(clock, math.inf))
        turns.append(clock.time())
    assert turns[-1] - turns[0] >= 27 / 20, "no worker's turns come on top of the others'"
    first = [await ledger.reserve_turns(4, 0.05) for ledger in ledgers]
    assert [round(b - a, 6) for a, b in itertools.pairwise(first)] == [0.2, 0.2]
    for ledger in ledgers:
        await ledger.aclose()


async def test_when_paycools_is_busy_for_one_worker_all_of_them_wait(dsn: str, payouts: PHPayouts) -> None:
    clock = SetBackClock()
    ledgers = [await PostgresLedger.open(dsn, payouts.identity, clock=clock.time) for _ in range(2)]
    one, two = (SharedPace(ledger, None, clock=clock) for ledger in ledgers)
    sent_at = await one.wait_turn(Deadline(clock, math.inf))
    one.busy(sent_at, 7.0)
    started = clock.time()
    told = asyncio.create_task(one.wait_turn(Deadline(clock, math.inf)))
    await asyncio.sleep(0.05)
    await told
    clock.set_back(7.0)  # back to where the pause has only begun, for the other worker
    await two.wait_turn(Deadline(clock, math.inf))
    assert clock.time() - started >= 7.0
    for ledger in ledgers:
        await ledger.aclose()
