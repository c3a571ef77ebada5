"""The PostgreSQL ledger's times, to the second: clocks set back, leases, turns; and its order, whatever the disk's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all, rows
from support.clocks import SetBackClock

from paycools_async.batch import Event, PHPayouts, State, read_orders
from paycools_async.batch.ledger.postgres import queries
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger, open_shards

LEASE = 50.0
"""What `open_one` leases for: 30 seconds of a call and 20 of margin."""
LONGEST = 60.0
"""Seconds that anything is put off."""

Open = Callable[..., Awaitable[PostgresLedger]]
Enter = Callable[[PostgresLedger, int], Awaitable[None]]


@pytest.fixture
def clock() -> SetBackClock:
    return SetBackClock()


@pytest.fixture
def enter(api: PHPayouts, write_orders: WriteOrders) -> Enter:
    """`await enter(ledger, 3)`: so many rows, released."""

    async def enters(ledger: PostgresLedger, count: int) -> None:
        await ledger.intake(read_orders(write_orders(count), api.request_class, api.currency), api.text_of)
        await release_all(ledger)

    return enters


async def take(ledger: PostgresLedger, limit: int = 99, state: State = State.PLANNED) -> list[Any]:
    return list(await ledger.claim([state], limit, max_resends=9))


async def column(ledger: PostgresLedger, name: str) -> list[Any]:
    return [value for (value,) in await ledger._all(f"SELECT {name} FROM paycools_payouts ORDER BY id")]


# -- a clock that was set back ----------------------------------------------------------------------------------------


async def test_what_is_due_later_than_anything_is_put_off_is_looked_at_now_and_nothing_else(
    open_one: Open, enter: Enter
) -> None:
    ledger = await open_one()
    await enter(ledger, 3)
    now = ledger.time()
    dues = [now + 5, now + LONGEST, now + LONGEST + 0.5]
    for row, due in zip(await take(ledger), dues, strict=True):
        await ledger.move(await ledger.move(row, Event.SEND), Event.UNCLEAR, due=due)
    await ledger.recover(call_timeout=30.0)
    assert await column(ledger, "due") == [*dues[:2], now]


async def test_a_lease_may_be_ten_times_as_long_as_ones_own_before_it_is_shortened(
    open_one: Open, enter: Enter
) -> None:
    longest = LONGEST + 10 * LEASE
    ledger = await open_one()
    await enter(ledger, 3)
    now = ledger.time()
    for lease in (3 * LEASE, longest, longest + 0.5):
        await take(await open_one(call_timeout=lease - 20.0), 1)
    await ledger.recover(call_timeout=30.0)
    assert await column(ledger, "due") == [now + 3 * LEASE, now + longest, now + LEASE]


async def test_what_was_sent_later_than_now_was_sent_now_and_its_lease_begins_anew(
    open_one: Open, enter: Enter, clock: SetBackClock
) -> None:
    ledger = await open_one()
    await enter(ledger, 4)
    sent = ledger.time()
    sending, unknown, accepted, settled = [await ledger.move(row, Event.SEND) for row in await take(ledger)]
    await ledger.move(unknown, Event.UNCLEAR)
    await ledger.move(accepted, Event.ACCEPTED, transaction_id="D3")
    await ledger.move(settled, Event.FOUND_COMPLETE, transaction_id="D4")
    clock.set_back(1.0)
    await ledger.recover(call_timeout=30.0)
    assert await column(ledger, "sent") == [sent] * 4, "that clocks may differ by"
    assert (await column(ledger, "due"))[0] == sent + LEASE
    clock.set_back(2.0)
    now = ledger.time()
    await ledger.recover(call_timeout=30.0)
    assert await column(ledger, "sent") == [now, now, now, sent], "what is final stays as it is"
    assert (await column(ledger, "due"))[0] == now + LEASE
    assert (await ledger.get(sending.order_id)).state is State.SENDING  # type: ignore[union-attr]


# -- leases and turns -------------------------------------------------------------------------------------------------


async def test_what_another_has_recovered_meanwhile_is_no_failure_and_is_not_counted(
    open_one: Open, enter: Enter, clock: SetBackClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, one, other = await open_one(), await open_one(), await open_one()
    await enter(lost, 3)
    for row in await take(lost, 2):
        await lost.move(row, Event.SEND)
    clock.advance(LEASE)
    ask, recovered = one._database.ask, []

    async def ask_too_early(query: str, **values: Any) -> Any:
        found = await ask(query, **values)
        if query.startswith(queries.LOST):
            recovered.append(await other.recover(call_timeout=30.0))
        return found

    monkeypatch.setattr(one._database, "ask", ask_too_early)
    assert (await one.recover(call_timeout=30.0), recovered) == (0, [2])


async def test_turns_follow_one_another_and_a_turn_that_is_past_is_gone(open_one: Open, clock: SetBackClock) -> None:
    ledger = await open_one()
    now = ledger.time()
    assert [await ledger.reserve_turns(10, 0.5) - now for _ in range(3)] == [0.0, 5.0, 10.0]
    clock.advance(100.0)
    assert [await ledger.reserve_turns(1, 0.5) - now for _ in range(2)] == [100.0, 100.5]


@pytest.mark.parametrize(("span", "longest"), [(5.0, 600.0), (10.0, 1000.0)])
async def test_a_turn_that_was_reserved_before_the_clock_was_set_back_is_no_further_away_than_a_queue_is_long(
    open_one: Open, clock: SetBackClock, span: float, longest: float
) -> None:
    ledger = await open_one()
    await ledger.reserve_turns(10, span / 10)
    clock.set_back(longest)
    assert await ledger.reserve_turns(10, span / 10) - ledger.time() == longest
    clock.set_back(7200.0)
    assert await ledger.reserve_turns(10, span / 10) - ledger.time() == longest


async def test_of_two_pauses_that_workers_ask_for_the_one_that_ends_last_counts(
    open_one: Open, clock: SetBackClock
) -> None:
    one, other = await open_one(), await open_one()
    assert await one.share_pause(0.0) == 0.0
    for seconds in (30.0, 5.0):
        assert await one.share_pause(seconds) == 0.0, "its own it knows"
    assert await other.share_pause(0.0) == 30.0
    assert await other.reserve_turns(1, 0.5) == other.time(), "turns are apart from it"
    clock.advance(31.0)
    assert await other.share_pause(0.0) == 0.0
    await one.share_pause(0.5)
    assert await other.share_pause(0.0) == 0.5


async def test_the_shards_of_several_batches_are_told_in_order_and_only_where_something_is_open(
    open_one: Open, api: PHPayouts, write_orders: WriteOrders
) -> None:
    ledger = await open_one()
    for number, count in enumerate((60, 120, 1, 1), 1):
        lines = [[f"{number}{line[0]}", *line[1:]] for line in rows(count)]
        path = write_orders(lines=lines, name=f"{number}.csv")
        await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
        if number != 3:
            await ledger.release(number, by="ana", rows=count, amount=count * 50010)
    found: list[Any] = []

    async def ask(connection: Any) -> None:
        found.extend(await open_shards(connection, [2, 1, 3]))

    await ledger.within(ask)
    assert found == [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


# -- whatever the order on disk ---------------------------------------------------------------------------------------


async def rewrite(dsn: str, change: str) -> None:
    """As a database's owner might: the tables keep everybody else from it. What was changed stands last on disk."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(change.encode())


async def test_rows_pages_and_moves_come_in_their_order_however_they_stand_on_disk(
    open_one: Open, enter: Enter, dsn: str
) -> None:
    ledger = await open_one()
    await enter(ledger, 9)
    for row in await take(ledger):
        await ledger.move(await ledger.move(row, Event.SEND), Event.ACCEPTED, transaction_id="D")
    for table in ("paycools_payouts", "paycools_moves"):
        for number in (5, 1, 12):
            await rewrite(dsn, f"UPDATE {table} SET worker = 'x' WHERE id = {number}")
    await rewrite(dsn, "ANALYZE paycools_payouts")
    assert [row.id for row in await take(ledger, state=State.ACCEPTED)] == list(range(1, 10))
    pages = [[row.id for row in page] async for page in ledger.pages(size=4)]
    assert pages == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]
    order_ids = [order_id for (order_id,) in await ledger._all("SELECT order_id FROM paycools_payouts ORDER BY id")]
    assert [timeline.order_id for page in ledger.timelines() for timeline in page] == order_ids
    for order_id in order_ids:
        assert [move.event for move in await ledger.history(order_id)] == ["release", "send", "accepted"]


async def test_an_order_of_an_older_version_that_noted_no_time_is_not_the_oldest(
    open_one: Open, enter: Enter, dsn: str
) -> None:
    ledger = await open_one()
    await enter(ledger, 2)
    first, second = await take(ledger)
    await ledger.move(await ledger.move(second, Event.SEND), Event.UNCLEAR)
    await rewrite(dsn, f"UPDATE paycools_payouts SET entered = 0 WHERE id = {first.id}")
    assert await ledger.oldest_open() == second.entered
