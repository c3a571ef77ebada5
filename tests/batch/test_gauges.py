"""How a ledger stands, in numbers for a dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.batch import STORES, Plan, WriteOrders

from paycools_async.batch import (
    Event,
    Ledger,
    Options,
    PHPayouts,
    PostgresLedger,
    Runner,
    State,
    ledger_gauges,
    read_orders,
)
from paycools_async.batch.gauges import shared_gauges
from paycools_async.batch.ledger.postgres import queries
from paycools_async.testing import FakePayCools


@STORES
async def test_rows_backlog_and_the_age_of_the_oldest(
    ledger: Ledger, api: PHPayouts, plan: Plan, write_orders: WriteOrders, fake: FakePayCools
) -> None:
    empty = await ledger_gauges(ledger)
    assert (set(empty.rows), sum(empty.rows.values())) == (set(State), 0)
    assert (empty.backlog, empty.oldest_age) == (0, None)

    await plan(write_orders(3))
    await fake.clock.sleep(100)
    found = await ledger_gauges(ledger)
    assert (found.rows[State.PLANNED], found.rows[State.SETTLED], found.backlog) == (3, 0, 3)
    assert found.oldest_age is not None
    assert 99 <= found.oldest_age <= 101

    fake.payouts.settle_after = 0.0
    await Runner(api, ledger, Options(first_inquiry_after=0.0), clock=fake.clock).run()
    found = await ledger_gauges(ledger)
    assert (found.rows[State.SETTLED], found.backlog, found.oldest_age) == (3, 0, None)


@STORES
async def test_what_nobody_has_said_yes_to_is_no_backlog(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    await ledger.intake(read_orders(write_orders(2), api.request_class, api.currency), api.text_of)
    found = await ledger_gauges(ledger)
    assert (found.rows[State.OFFERED], found.backlog, found.oldest_age) == (2, 0, None)


@STORES
async def test_the_oldest_of_all_states_and_of_these_batches_alone(
    ledger: Ledger, plan: Plan, write_orders: Callable[..., Path], fake: FakePayCools
) -> None:
    first = await plan(write_orders(2))
    await fake.clock.sleep(50)
    second = await plan(write_orders(5))  # three of them are new
    assert (first.new, second.new) == (2, 3)
    [row] = (await ledger.claim([State.PLANNED], 1, max_resends=0))[:1]
    await ledger.move(row, Event.SEND)
    whole, later = await ledger_gauges(ledger), await ledger_gauges(ledger.of_batches([second.batch]))
    assert (whole.backlog, later.backlog) == (5, 3)
    assert whole.oldest_age is not None
    assert later.oldest_age is not None
    assert (round(whole.oldest_age), round(later.oldest_age)) == (50, 0)


# -- a ledger that workers share --------------------------------------------------------------------------------------

# what has waited longest of all is in a worker's hands, or in a paused batch
_ROWS = """
INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, due, updated, worker)
SELECT 'PAY' || n, 1 + n %% 7, n %% 3, n, 50000, '', '',
    (ARRAY['planned', 'accepted', 'unknown', 'settled'])[1 + n %% 4],
    now + (ARRAY[-now, 20, -50, 300])[1 + n %% 4] - n %% 13, now - 60 - (n * 7919) %% 10007 / 10.0
        - CASE WHEN n %% 11 = 0 OR (n %% 4 = 0 AND n %% 7 IN (1, 4)) THEN 5000 ELSE 0 END,
    CASE WHEN n %% 11 = 0 THEN 'w' || n %% 3 END
FROM generate_series(1, %(rows)s) AS n, (SELECT extract(epoch FROM now())::float8 AS now) AS clock
"""
# what is meant, by a look at every row
_MEANT = """
SELECT count(worker) FILTER (WHERE due > now), count(worker) FILTER (WHERE due <= now),
    count(DISTINCT worker) FILTER (WHERE due > now),
    max(now - greatest(due, updated)) FILTER (
        WHERE worker IS NULL AND due <= now AND (state <> 'planned' OR intake NOT IN (2, 5)))
FROM paycools_payouts, (SELECT extract(epoch FROM now())::float8 AS now) AS clock WHERE state <> 'settled'
"""


async def _fill(dsn: str, rows: int) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await (await PostgresLedger.open(dsn, None)).aclose()
        await connection.execute("SET session_replication_role = replica")  # rows in states that nobody enters
        await connection.execute(_ROWS, {"rows": rows})
        await connection.execute("INSERT INTO paycools_ledger VALUES ('paused:2', 'x'), ('paused:5', 'x')")
        await connection.execute("ANALYZE paycools_payouts")


@pytest.mark.postgres
async def test_leases_and_the_longest_wait_are_what_a_look_at_every_row_finds(dsn: str) -> None:
    await _fill(dsn, 600)
    ledger = await PostgresLedger.open(dsn, None)
    found = await shared_gauges(ledger)
    await ledger.aclose()
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        [(leased, lapsed, workers, overdue)] = await (await connection.execute(_MEANT)).fetchall()
    assert found is not None
    assert (found.leased, found.lapsed, found.workers) == (leased, lapsed, workers)
    assert min(leased, lapsed, workers) > 1
    assert found.overdue == pytest.approx(overdue, abs=5)


@pytest.mark.postgres
async def test_the_longest_wait_is_found_also_where_it_stands_behind_more_rows_than_are_looked_at(dsn: str) -> None:
    await (await PostgresLedger.open(dsn, None)).aclose()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, due, updated) "
            "SELECT 'PAY' || n, 1, 0, n, 1, '', '', 'unknown', extract(epoch FROM now()) - 10 * n, 0 "
            "FROM generate_series(1, 200) AS n"
        )
    ledger = await PostgresLedger.open(dsn, None)
    found = await shared_gauges(ledger)
    await ledger.aclose()
    assert found is not None
    assert found.overdue == pytest.approx(2000, abs=60)


@pytest.mark.postgres
@pytest.mark.parametrize("longest", [1, 2, 3])
async def test_the_longest_wait_is_found_in_whichever_batch_it_is(dsn: str, longest: int) -> None:
    await (await PostgresLedger.open(dsn, None)).aclose()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        for batch in (3, 2, 1):
            wait = 2000 if batch == longest else 100
            await connection.execute(
                "INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated) "
                "SELECT 'PAY' || %(n)s, %(n)s, 0, 1, 1, '', '', 'planned', extract(epoch FROM now()) - %(wait)s",
                {"n": batch, "wait": wait},
            )
        await connection.execute("ANALYZE paycools_payouts")
    ledger = await PostgresLedger.open(dsn, None)
    found = await shared_gauges(ledger)
    await ledger.aclose()
    assert found is not None
    assert found.overdue == pytest.approx(2000, abs=60)


@pytest.mark.postgres
@pytest.mark.parametrize("query", [queries.LEASES, queries.LONGEST_WAIT], ids=["leases", "overdue"])
async def test_no_look_at_a_ledger_goes_over_all_of_its_rows(dsn: str, query: str) -> None:
    await _fill(dsn, 20_000)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        explained = await (await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode())).fetchall()
    read = [
        int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * int(node["Actual Loops"])
        for node in _nodes(explained[0][0][0]["Plan"])
        if node.get("Relation Name") == "paycools_payouts"
    ]
    assert read
    assert sum(read) < 4000


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)
