"""What keeps a batch cheap and the loop free: indexes, one message an order, callers woken a few at a time."""

from __future__ import annotations

import asyncio
import functools
import math
import sqlite3
import threading
from collections import Counter

from support.batch import STORES, Plan, WriteOrders

from paycools_async.batch import Ledger, PHPayouts, SQLiteLedger, State
from paycools_async.batch.ledger.payload import body_of, digest_of, request_of
from paycools_async.batch.ledger.sqlite import queries
from paycools_async.storage.group_commit import _WOKEN_AT_ONCE
from paycools_async.testing import FakePayCools


async def test_what_is_due_and_what_moves_is_found_by_an_index_and_never_sorted(ledger: SQLiteLedger) -> None:
    def plan_of(connection: sqlite3.Connection, query: str) -> str:
        values = [1] * query.count("?")
        return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values))

    assert "withdrawn" not in queries.MOVE, "an index holds it, and would be written with every move"
    asked = (queries.CLAIM_TO_SEND, queries.CLAIM_TO_INQUIRE, queries.MOVE, queries.SCHEDULE_INQUIRY, queries.GET)
    plans = [await ledger._do(functools.partial(plan_of, query=query)) for query in asked]
    assert all("SEARCH payouts USING" in plan for plan in plans)
    assert not any("SCAN payouts" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans[:-1]), "but for the few rows of one order id"
    paged = await ledger._do(functools.partial(plan_of, query=queries.page("", [State.PLANNED, State.SENDING])))
    assert paged == "SEARCH payouts USING INTEGER PRIMARY KEY (rowid>?)", "all pages pass over the table once"


@STORES
async def test_rows_in_hand_are_passed_over_and_the_next_ones_come_in_file_order(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(10))
    first = await ledger.claim([State.PLANNED], 4, max_resends=9)
    held = {row.id for row in first}
    found = await ledger.claim([State.PLANNED, State.ACCEPTED], 3, max_resends=9, held=held)
    assert [row.line for row in first] == [2, 3, 4, 5]
    assert [row.line for row in found] == [6, 7, 8]


async def test_the_message_that_was_compared_is_the_one_that_is_sent(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    request = request_of(row.body, api.request_class)
    text, send = api.prepare(row.body)
    assert (text, digest_of(text), body_of(request)) == (api.text_of(request), row.digest, row.body)
    await send(not_after=math.inf)
    assert [(paid.order_id, paid.amount) for paid in fake.payouts.paid] == [(row.order_id, row.amount)]


async def test_a_large_commit_wakes_its_callers_a_few_at_a_time(ledger: SQLiteLedger) -> None:
    begin = threading.Event()
    woken: Counter[int] = Counter()
    turn = 0

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def write() -> None:
        await ledger._do(lambda _: None)
        woken[turn] += 1

    first = ledger._do(lambda _: begin.wait(60))
    await asyncio.sleep(0)
    writers = [asyncio.create_task(write()) for _ in range(100)]
    await asyncio.sleep(0)  # they all wait for one commit
    clock = asyncio.create_task(count_turns())
    begin.set()
    await asyncio.gather(first, *writers)
    clock.cancel()
    assert sum(woken.values()) == 100
    assert max(woken.values()) <= _WOKEN_AT_ONCE + 1
