"""The PostgreSQL ledger among many: leases, lost workers, clocks, and a log that stays."""

from __future__ import annotations

import asyncio
import math
import os
import platform
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all, rows
from support.unanswered import lose_next_answer

from paycools_async import ConfigurationError
from paycools_async.batch import Event, Identity, LedgerError, Options, PHPayouts, Runner, State, read_orders
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.states import IllegalMove
from paycools_async.testing import FakePayCools, ManualClock

LEASE = 50.0
"""What `open_one` leases for: 30 seconds of a call and 20 of margin."""

Open = Callable[..., Awaitable[PostgresLedger]]


@pytest.fixture
def enter(api: PHPayouts, write_orders: WriteOrders) -> Callable[..., Awaitable[Any]]:
    async def enters(ledger: PostgresLedger, count: int, *, release: bool = True) -> Any:
        orders = read_orders(write_orders(count), api.request_class, api.currency)
        found = await ledger.intake(orders, api.text_of)
        if release:
            await release_all(ledger)
        return found

    return enters


async def take(ledger: PostgresLedger, limit: int = 99, state: State = State.PLANNED) -> list[Any]:
    return list(await ledger.claim([state], limit, max_resends=9))


async def test_two_workers_never_hold_the_same_row(open_one: Open, enter: Any) -> None:
    one, two = await open_one(), await open_one()
    await enter(one, 60)
    parts = await asyncio.gather(*(take(ledger, 10) for ledger in (one, two) * 3))
    taken = [row.order_id for part in parts for row in part]
    assert len(taken) == len(set(taken)) == 60
    assert await take(one) == await take(two) == []


async def test_a_row_that_somebody_is_just_writing_is_passed_over_and_nobody_waits_for_it(
    open_one: Open, enter: Any, dsn: str
) -> None:
    ledger = await open_one(call_timeout=1.0, margin=1.0)
    await enter(ledger, 3)
    async with await psycopg.AsyncConnection.connect(dsn) as another:
        await another.execute("UPDATE paycools_payouts SET worker = 'another' WHERE line = 2")
        assert [row.line for row in await take(ledger)] == [3, 4]


async def test_a_lost_workers_planned_rows_are_free_when_the_lease_ends(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    lost, other = await open_one(), await open_one()
    await enter(lost, 1)
    [row] = await take(lost)
    clock.advance(LEASE - 1)
    assert await take(other) == []
    assert await other.next_due([State.PLANNED], max_resends=9) == pytest.approx(clock.time() + 1)
    clock.advance(1)
    [again] = await take(other)
    assert again.order_id == row.order_id
    with pytest.raises(IllegalMove, match="in other hands"):
        await lost.move(row, Event.SEND)


async def test_a_lost_workers_sending_rows_become_unknown_and_its_late_answer_moves_nothing(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    lost, other = await open_one(), await open_one()
    await enter(lost, 1)
    [row] = await take(lost)
    sending = await lost.move(row, Event.SEND)
    clock.advance(LEASE - 1)
    assert await other.recover(call_timeout=30.0) == 0, "its request may still be under way"
    clock.advance(1)
    assert await other.recover(call_timeout=30.0) == 1
    [unknown] = await take(other, state=State.UNKNOWN)
    assert unknown.reason is Event.CRASHED
    with pytest.raises(IllegalMove):
        await lost.move(sending, Event.NOT_SENT)


async def test_a_lease_outlasts_the_clients_deadline_and_a_late_sender_does_not_send(
    open_one: Open, enter: Any, api: PHPayouts, fake: FakePayCools
) -> None:
    ledger = await open_one(call_timeout=12.0, margin=6.0)
    assert (ledger.lease, ledger.send_within, ledger.renew_every) == (18.0, 3.0, 6.0)
    await enter(ledger, 1)
    move, slow = ledger.move, [True]

    async def move_slowly(row: Any, event: Event, **facts: Any) -> Any:
        moved = await move(row, event, **facts)
        if event is Event.SEND and slow.pop() if slow else False:
            fake.clock.advance(3.1)  # type: ignore[attr-defined]
        return moved

    ledger.move = move_slowly  # type: ignore[method-assign]
    await Runner(api, ledger, Options(concurrency=1), clock=fake.clock).run()
    async with await psycopg.AsyncConnection.connect(ledger.dsn) as connection:
        query = "SELECT event FROM paycools_moves WHERE event <> 'release' ORDER BY id"
        found = await (await connection.execute(query)).fetchall()
    assert [event for (event,) in found][:4] == ["send", "not_sent", "send", "accepted"]
    assert len(fake.payouts.paid) == 1


async def test_waiting_for_a_turn_keeps_the_lease_but_sending_never_lengthens_it(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    mine, other = await open_one(), await open_one()
    await enter(mine, 2)
    waiting, sent = await take(mine)
    await mine.move(sent, Event.SEND)
    clock.advance(LEASE - 1)
    await mine.renew_leases({waiting.id, sent.id})
    clock.advance(2)
    assert await take(other) == []
    assert await other.recover(call_timeout=30.0) == 1


async def test_an_inquiry_of_a_row_that_another_worker_has_by_now_changes_nothing(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    """It may be days old: what it found is no second absence, and its pause would hold up the other's."""
    late, other = await open_one(), await open_one()
    await enter(late, 1)
    [row] = await take(late)
    await late.move(await late.move(row, Event.SEND), Event.UNCLEAR)
    [stale] = await take(late, state=State.UNKNOWN)
    clock.advance(LEASE)
    [row] = await take(other, state=State.UNKNOWN)
    await late.schedule_inquiry(stale, due=late.time(), absent_since=late.time())
    await late.schedule_inquiry(stale, due=late.time(), absent_since=late.time())
    assert await take(late, state=State.UNKNOWN) == []
    found = await late.get(row.order_id)
    assert found is not None
    assert (found.absent_since, found.inquiries) == (None, 0)
    for _ in range(2):  # the second time it is no longer as it was taken
        await other.schedule_inquiry(row, due=other.time(), absent_since=other.time())
    [again] = await take(late, state=State.UNKNOWN)
    assert (again.absent_since, again.inquiries) == (other.time(), 1)


async def test_what_is_given_back_is_free_at_once(open_one: Open, enter: Any) -> None:
    one, two = await open_one(), await open_one()
    await enter(one, 3)
    await take(one)
    await one.aclose()
    assert len(await take(two)) == 3


async def test_whoever_has_returned_its_rows_sends_none_of_them_and_ends_nobody_elses_lease(
    open_one: Open, enter: Any
) -> None:
    one, two = await open_one(), await open_one()
    await enter(one, 3)
    mine, begun = await take(one, 2)
    [theirs] = await take(two)
    await one.move(begun, Event.SEND)
    await one.return_leases()
    with pytest.raises(IllegalMove, match="in other hands"):
        await one.move(mine, Event.SEND)
    assert (await one.counts())[State.SENDING][0] == 1
    assert [row.id for row in await take(two)] == [mine.id]
    assert (await two.move(theirs, Event.SEND)).state is State.SENDING


async def test_only_what_a_worker_still_holds_is_renewed(open_one: Open, enter: Any, clock: ManualClock) -> None:
    one, two, three = await open_one(), await open_one(), await open_one()
    await enter(one, 3)
    kept, forgotten, _ = await take(one)
    clock.advance(LEASE - 1)
    await one.renew_leases({kept.id})
    clock.advance(1)
    taken = await take(two)
    assert [row.id for row in taken] == [forgotten.id, forgotten.id + 1]
    clock.advance(LEASE - 2)
    await one.renew_leases({kept.id, forgotten.id})  # it is another's by now
    clock.advance(2)
    assert [row.id for row in await take(three)] == [row.id for row in taken]


async def test_a_lost_sending_is_asked_for_when_its_call_must_be_over(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    lost, other = await open_one(), await open_one()
    await enter(lost, 1)
    [row] = await take(lost)
    await lost.move(row, Event.SEND)
    sent = clock.time()
    clock.advance(LEASE)
    assert await other.recover(call_timeout=80.0) == 1
    assert await other.next_due([State.UNKNOWN], max_resends=9) == sent + 80
    assert [move.event for move in await other.history(row.order_id)] == ["release", "send", "crashed"]


async def test_a_pause_holds_only_the_batches_of_which_something_may_still_be_sent(
    open_one: Open, api: PHPayouts, write_orders: WriteOrders
) -> None:
    ledger = await open_one()
    for count in (1, 2, 3):  # each file holds the rows of the one before, and one more
        await ledger.intake(read_orders(write_orders(count), api.request_class, api.currency), api.text_of)
    await ledger.release(1, by="tests", rows=1, amount=50010)
    await ledger.release(2, by="tests", rows=1, amount=50010)
    [first] = await take(ledger.of_batches([1]))
    await ledger.move(await ledger.move(first, Event.SEND), Event.ACCEPTED, transaction_id="D1")
    await ledger.pause("balance insufficient")
    paused = [await ledger.of_batches([number]).paused() for number in (1, 2, 3)]
    assert paused == [None, "balance insufficient", None]
    assert await ledger.of_batches([]).paused() is None
    await ledger.of_batches([1]).resume_sending()
    assert await take(ledger) == []
    await ledger.of_batches([2]).resume_sending()
    assert len(await take(ledger)) == 1


async def test_nobody_sends_what_is_not_released_and_a_pause_holds_every_worker(
    open_one: Open, enter: Any, clock: ManualClock
) -> None:
    one, two = await open_one(), await open_one()
    await enter(one, 4, release=False)
    assert await take(two) == []
    assert await two.next_due([State.PLANNED], max_resends=9) is None
    await release_all(one)
    assert len(await take(two, 1)) == 1
    await one.pause("balance insufficient")
    await one.pause("another word")
    assert (await take(two), await two.paused()) == ([], "balance insufficient")
    await two.resume_sending()
    assert (len(await take(two)), await one.paused()) == (3, None)
    assert await one.owner(), "no other note is lost with it"


async def test_the_database_tells_the_time(dsn: str, api: PHPayouts, enter: Any) -> None:
    ledger = await PostgresLedger.open(dsn, api.identity)
    await enter(ledger, 1)
    [row] = await take(ledger)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        query = "SELECT extract(epoch FROM clock_timestamp())::float8, due FROM paycools_payouts"
        [(now, due)] = await (await connection.execute(query)).fetchall()
    assert ledger.time() == pytest.approx(now, abs=0.5)
    assert due == pytest.approx(now + ledger.lease, abs=5)
    assert row.version == 2, "released, then leased"
    await ledger.aclose()


async def test_a_shard_sees_and_leases_its_own_rows_only(open_one: Open, enter: Any) -> None:
    ledger = await open_one()
    await enter(ledger, 120, release=False)
    found: list[tuple[int, int]] = []

    async def note(_: Any, shards: list[tuple[int, int]]) -> None:
        found.extend(shards)

    await ledger.release(1, by="tests", rows=120, amount=120 * 50010, also=note)
    assert found == [(1, 0), (1, 1), (1, 2)]
    parts = [ledger.shard(batch, number) for batch, number in found]
    assert await take(parts[0].of_batches([2])) == [], "both narrow what is seen"
    assert [len(await take(part.of_batches([1]))) for part in parts] == [50, 50, 20]
    assert (await parts[2].counts())[State.PLANNED] == (20, 20 * 50010)
    await ledger.pause("balance insufficient")
    assert [await part.paused() for part in parts] == ["balance insufficient"] * 3
    await parts[0].resume_sending()
    assert [await part.paused() for part in parts] == [None] * 3, "it is the batch's"


async def test_many_waiting_moves_share_a_commit(open_one: Open, enter: Any) -> None:
    ledger = await open_one()
    await enter(ledger, 200)
    rows = await take(ledger, 200)
    await asyncio.gather(*(ledger.move(row, Event.SEND) for row in rows))
    assert (await ledger.counts())[State.SENDING] == (200, 200 * 50010)
    assert ledger._writer.commits <= 3


async def test_moves_of_one_row_that_wait_together_are_judged_one_by_one(open_one: Open, enter: Any) -> None:
    ledger = await open_one()
    await enter(ledger, 1)
    [row] = await take(ledger)
    twice = await asyncio.gather(*(ledger.move(row, Event.SEND) for _ in range(2)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in twice) == ["IllegalMove", "LeasedRow"]


async def test_a_move_whose_answer_was_lost_is_made_once_and_its_caller_goes_on(open_one: Open, enter: Any) -> None:
    ledger, other = await open_one(), await open_one()
    await enter(ledger, 2)
    first, second = await take(ledger)
    await ledger.begin_run()
    sent = []
    for row in (first, second):
        await lose_next_answer(ledger)
        sent.append(await ledger.move(row, Event.SEND))
    assert [row.state for row in sent] == [State.SENDING] * 2
    with pytest.raises(IllegalMove):
        await ledger.move(second, Event.SEND)  # its caller knows already
    for row in (first, second):
        await lose_next_answer(ledger)
        with pytest.raises(IllegalMove):
            await ledger.move(row, Event.SEND)  # also where that answer is lost: else it would be sent twice
    await lose_next_answer(ledger)
    with pytest.raises(IllegalMove):  # made, and by whom does not matter: the row is read again
        await ledger.move(sent[0], Event.ACCEPTED, transaction_id="T1")
    found = await other.get(first.order_id)
    assert found is not None
    assert (found.state, found.transaction_id) == (State.ACCEPTED, "T1")
    moves = await ledger._all("SELECT event FROM paycools_moves WHERE event IN ('send', 'accepted') ORDER BY event")
    assert moves == [("accepted",), ("send",), ("send",)]
    await ledger.end_run()


async def test_a_row_that_another_worker_sends_is_never_taken_for_ones_own(open_one: Open, enter: Any) -> None:
    ledger, other = await open_one(), await open_one()
    await enter(ledger, 1)
    [row] = await take(ledger)
    await ledger.begin_run()
    await other.move(row, Event.SEND)
    await lose_next_answer(ledger)
    with pytest.raises(IllegalMove):
        await ledger.move(row, Event.SEND)
    await ledger.end_run()


async def test_a_lost_connection_fails_what_waits_and_the_next_call_connects_again(open_one: Open, enter: Any) -> None:
    ledger = await open_one()
    await enter(ledger, 1)
    [row] = await take(ledger)
    await ledger.move(row, Event.SEND)
    async with await psycopg.AsyncConnection.connect(ledger.dsn, autocommit=True) as connection:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(LedgerError, match="cannot be read or written"):
        await ledger.counts()
    assert (await ledger.counts())[State.SENDING][0] == 1


async def test_batches_that_hold_what_is_known_are_told_in_their_order_however_postgresql_groups_them(
    open_one: Open, api: PHPayouts, write_orders: WriteOrders, dsn: str
) -> None:
    ledger = await open_one(f"{dsn}%20-cenable_sort%3Doff")
    lines = [[f"{number}{line[0]}", *line[1:]] for number, line in enumerate(rows(9), 1)]
    for number, line in enumerate(lines, 1):
        path = write_orders(lines=[line], name=f"{number}.csv")
        await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
    path = write_orders(lines=lines[::-1])
    found = await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
    assert [offer.batch for offer in found.known_in] == list(range(1, 10))


async def test_a_ledger_whose_connection_is_lost_can_be_closed(open_one: Open, enter: Any) -> None:
    ledger = await open_one()
    await enter(ledger, 1)
    await take(ledger)
    async with await psycopg.AsyncConnection.connect(ledger.dsn, autocommit=True) as connection:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await ledger.aclose()
    with pytest.raises(LedgerError, match="it is closed"):
        await ledger.counts()


@pytest.mark.parametrize("margin", [0.0, -0.5, math.nan])
async def test_a_lease_that_does_not_outlast_its_call_is_refused(dsn: str, api: PHPayouts, margin: float) -> None:
    with pytest.raises(ConfigurationError, match="margin must be more than 0 seconds"):
        await PostgresLedger.open(dsn, api.identity, margin=margin)
    await (await PostgresLedger.open(dsn, api.identity, margin=0.5)).aclose()


async def test_a_worker_says_on_which_machine_it_is_and_in_which_process(open_one: Open) -> None:
    one, other = await open_one(), await open_one()
    machine, process, _ = one.worker.rsplit(":", 2)
    assert (machine, process) == (platform.node() or "worker", str(os.getpid()))
    assert one.worker != other.worker


@pytest.mark.parametrize("setting", ["off", "on"])
async def test_a_commit_is_on_disk_whatever_the_database_prefers(open_one: Open, dsn: str, setting: str) -> None:
    ledger = await open_one(f"{dsn}%20-csynchronous_commit%3D{setting}")
    assert await ledger._all("SHOW synchronous_commit") == [("on",)]


async def test_what_is_no_ledger_or_cannot_be_reached_is_refused(dsn: str, api: PHPayouts) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        await PostgresLedger.open(dsn, None, create=False)
    secret = "postgresql://user:hush@127.0.0.1:1/none"
    with pytest.raises(LedgerError) as caught:
        await PostgresLedger.open(secret, api.identity)
    assert "hush" not in str(caught.value)
    ledger = await PostgresLedger.open(dsn, api.identity)
    await ledger._all("INSERT INTO paycools_schema VALUES (99)")
    await ledger.aclose()
    with pytest.raises(LedgerError, match="newer version"):
        await PostgresLedger.open(dsn, api.identity)


async def test_two_runs_that_open_a_new_ledger_at_once_make_it_once(dsn: str, api: PHPayouts) -> None:
    ledgers = await asyncio.gather(*(PostgresLedger.open(dsn, api.identity) for _ in range(4)))
    assert [await ledger.counts() for ledger in ledgers] == [{}] * 4
    for ledger in ledgers:
        await ledger.aclose()


async def test_three_runners_on_one_ledger_pay_each_order_once(
    open_one: Open, enter: Any, api: PHPayouts, fake: FakePayCools
) -> None:
    fake.merchant.enforce_unique = False
    fake.payouts.settle_after = 2
    ledgers = [await open_one(margin=1e9) for _ in range(3)]
    await enter(ledgers[0], 150)
    for fault in ("drop_before", "drop_after", "garbage", "http_status"):
        getattr(fake.faults, fault)(rate=0.05)
    options = Options(concurrency=8, wait=math.inf, max_resends=20)
    runs = [Runner(api, ledger, options, clock=fake.clock).run() for ledger in ledgers]
    summaries = await asyncio.gather(*runs)
    assert [summary.rows(State.SETTLED) for summary in summaries] == [150, 150, 150]
    assert fake.payouts.paid_more_than_once() == []
    assert len(fake.payouts.paid) == 150


async def test_another_merchant_is_refused(open_one: Open, dsn: str) -> None:
    await open_one()
    with pytest.raises(LedgerError, match="belongs to"):
        await PostgresLedger.open(dsn, Identity(family="ph", app_id="nobody", host="localhost"))
