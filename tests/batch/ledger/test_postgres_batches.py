"""Several persons, several machines, one PostgreSQL ledger: what a yes releases, and what a no takes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, rows

from paycools_async.batch import Event, Options, PHPayouts, Runner, State, read_orders
from paycools_async.batch.ledger.base import Changed, Source
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.run.worker import prepare_jobs, release_batch_to_workers, release_to_workers
from paycools_async.batch.states import IllegalMove
from paycools_async.testing import FakePayCools, ManualClock

Open = Callable[[], Awaitable[PostgresLedger]]


@pytest.fixture
def offer(api: PHPayouts, write_orders: WriteOrders) -> Callable[..., Awaitable[Any]]:
    async def offers(ledger: PostgresLedger, count: int, *, prefix: str = "PAY", amount: str = "500.10") -> Any:
        lines = [[prefix + line[0][3:], *line[1:]] for line in rows(count, amount=amount)]
        path = write_orders(lines=lines, name=f"{prefix}.csv")
        source = Source(file=path.name, sha256="ab" * 32, by=prefix.lower())
        return await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of, source)

    return offers


async def counts_by_batch(ledger: PostgresLedger) -> list[dict[State, int]]:
    return [{state: rows for state, (rows, _) in batch.counts.items()} for batch in await ledger.batches()]


async def test_one_persons_yes_never_releases_anothers_batch_and_gives_workers_no_job_of_it(
    open_one: Open, offer: Any, dsn: str, api: PHPayouts, fake: FakePayCools
) -> None:
    ana, ben, machine = await open_one(), await open_one(), await open_one()
    await prepare_jobs(ana)
    await offer(ana, 60, prefix="ANA")
    await offer(ben, 70, prefix="BEN")
    assert await release_batch_to_workers(ben, 2, by="ben", rows=70, amount=70 * 50010) == 2
    assert await release_to_workers(machine, [1]) == 0
    assert await counts_by_batch(ana) == [{State.OFFERED: 60}, {State.PLANNED: 70}]
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        jobs = await (await connection.execute("SELECT args FROM procrastinate_jobs ORDER BY id")).fetchall()
    assert jobs == [({"batch": 2, "shard": number},) for number in range(2)]
    await Runner(api, machine, Options(), clock=fake.clock).run()
    assert {payout.order_id[:3] for payout in fake.payouts.paid} == {"BEN"}


async def test_a_refused_batch_stays_withdrawn_whatever_others_release_resume_and_run(
    open_one: Open, offer: Any, api: PHPayouts, fake: FakePayCools
) -> None:
    ana, ben = await open_one(), await open_one()
    await offer(ana, 3, prefix="ANA")
    await offer(ben, 2, prefix="BEN")
    found = await ana.withdraw(by="ana", batch=1)
    assert (found.rows, found.amount, found.stay) == (3, 150030, 0)
    await ben.release(2, by="ben", rows=2, amount=100020)
    with pytest.raises(Changed, match="0 offered payouts now, 3 were shown"):
        await ben.release(1, by="ben", rows=3, amount=150030)
    await ben.resume_sending()
    await Runner(api, ben, Options(), clock=fake.clock).run()
    assert await counts_by_batch(ana) == [{State.WITHDRAWN: 3}, {State.SETTLED: 2}]
    assert len(fake.payouts.paid) == 2


async def test_what_was_withdrawn_between_showing_and_yes_makes_the_yes_void(open_one: Open, offer: Any) -> None:
    ana, ben = await open_one(), await open_one()
    await offer(ana, 3)
    await ben.withdraw(by="ben", order_id="PAY000000002")
    with pytest.raises(Changed):
        await ana.release(1, by="ana", rows=3, amount=150030)
    assert await counts_by_batch(ana) == [{State.OFFERED: 2, State.WITHDRAWN: 1}]
    [batch] = await ana.batches()
    assert [(entry.event, entry.payouts) for entry in batch.log] == [("offer", 3), ("withdraw", 1)]


@pytest.mark.parametrize("number", range(5))
async def test_of_a_yes_and_a_no_at_the_same_time_one_holds_for_the_whole_batch(
    open_one: Open, offer: Any, number: int
) -> None:
    persons = [await open_one() for _ in range(4)]
    await offer(persons[0], 200)
    yes = [person.release(1, by="eva", rows=200, amount=200 * 50010) for person in persons[:3]]
    no = persons[3].withdraw(by="ben", batch=1)
    found = await asyncio.gather(*yes[:number], no, *yes[number:], return_exceptions=True)
    assert sum(isinstance(each, Changed) for each in found) >= 2
    # a no that comes after the yes takes back what was not sent yet; a yes after the no is void
    assert await counts_by_batch(persons[0]) == [{State.WITHDRAWN: 200}]
    [batch] = await persons[0].batches()
    told = Counter(entry.event for entry in batch.log)
    assert told["withdraw"] == told["offer"] == 1
    assert told["release"] <= 1


async def test_a_machine_that_has_taken_a_row_cannot_send_it_once_it_is_withdrawn(open_one: Open, offer: Any) -> None:
    machine, ana = await open_one(), await open_one()
    await offer(ana, 2)
    await ana.release(1, by="ana", rows=2, amount=100020)
    sent, waiting = await machine.claim([State.PLANNED], 2, max_resends=1)
    await machine.move(sent, Event.SEND)
    found = await ana.withdraw(by="ana", batch=1)
    assert (found.rows, found.stay) == (1, 1)
    with pytest.raises(IllegalMove):
        await machine.move(waiting, Event.SEND)
    await machine.renew_leases([waiting.id])
    assert await counts_by_batch(ana) == [{State.SENDING: 1, State.WITHDRAWN: 1}]


async def test_word_of_an_order_that_was_withdrawn_and_offered_again_moves_the_later_row(
    open_one: Open, offer: Any, dsn: str
) -> None:
    ledger = await open_one()
    order_id = "PAY000000001"
    await offer(ledger, 1)
    await ledger.withdraw(by="ana")
    await offer(ledger, 1, amount="7.00")
    await ledger.release(2, by="ana", rows=1, amount=700)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection, connection.transaction():
        row = await ledger.apply_event_in(connection, order_id, Event.FOUND_PENDING, {})
    assert row is not None
    assert (row.amount, row.state, row.intake) == (700, State.ACCEPTED, 2)
    row = await ledger.apply_event(order_id, Event.FOUND_COMPLETE)
    assert row is not None
    assert row.state is State.SETTLED
    assert await counts_by_batch(ledger) == [{State.WITHDRAWN: 1}, {State.SETTLED: 1}]


async def test_what_is_learned_of_a_row_while_its_order_is_offered_again_moves_that_row_and_leaves_the_new_one(
    open_one: Open, offer: Any
) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    await ledger.withdraw(by="ana")
    withdrawn = await ledger.get("PAY000000001")
    assert withdrawn is not None
    await offer(ledger, 1)
    assert (await ledger.move(withdrawn, Event.FOUND_EARLIER)).state is State.PREEXISTING
    assert await counts_by_batch(ledger) == [{State.PREEXISTING: 1}, {State.OFFERED: 1}]
    current = await ledger.get("PAY000000001")
    assert current is not None
    assert current.intake == 2


async def test_an_order_that_was_withdrawn_and_turns_out_to_be_known_is_not_offered_again(
    open_one: Open, offer: Any
) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    await ledger.withdraw(by="ana")
    row = await ledger.apply_event("PAY000000001", Event.FOUND_EARLIER)
    assert row is not None
    assert row.state is State.PREEXISTING
    assert await ledger._all("SELECT withdrawn FROM paycools_payouts") == [(0,)]
    again = await offer(ledger, 1)
    assert (again.new, again.known) == (0, 1)
    changed = await offer(ledger, 1, amount="7.00")
    assert "it is preexisting there, so money may have moved" in str(changed.errors[0])


async def test_a_withdrawn_row_of_which_something_was_learned_later_does_not_stay(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    await ledger.withdraw(by="ana")
    withdrawn = await ledger.get("PAY000000001")
    assert withdrawn is not None
    await offer(ledger, 1)
    await ledger.move(withdrawn, Event.FOUND_EARLIER)
    done = await ledger.withdraw(by="ana")
    assert (done.rows, done.stay) == (1, 0)


async def test_a_file_gets_a_number_that_nothing_in_the_ledger_has(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    for name in ("shop", "app"):
        await ledger.application(name)
    assert (await offer(ledger, 2, prefix="ANA")).batch == 3, "an application's batch may be empty"
    await ledger._all("UPDATE paycools_payouts SET intake = 7 WHERE line = 3")
    assert (await offer(ledger, 1, prefix="BEN")).batch == 8
    [_, batch] = await ledger.batches()
    assert (batch.id, batch.payouts) == (8, 1)


async def test_what_older_versions_read_of_a_batch_lets_their_workers_send_nothing(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    await offer(ledger, 120)
    await ledger.release(1, by="ana", rows=120, amount=120 * 50010)
    assert await ledger._all("SELECT payouts, shards, released FROM paycools_batches") == [(120, 3, False)]


async def test_a_yes_to_nothing_is_noted_as_one_to_nothing(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    await ledger.withdraw(by="ben")
    await ledger.release(1, by="ana", rows=0, amount=0)
    [batch] = await ledger.batches()
    assert [(entry.event, entry.by, entry.payouts, entry.amount) for entry in batch.log] == [
        ("offer", "pay", 1, 50010),
        ("withdraw", "ben", 1, 50010),
        ("release", "ana", 0, 0),
    ]


async def test_batches_and_their_logs_come_in_their_order_however_they_stand_on_disk(
    open_one: Open, offer: Any, dsn: str
) -> None:
    ledger = await open_one()
    for prefix in ("ANA", "BEN", "EVA"):
        await offer(ledger, 1, prefix=prefix)
    await ledger.withdraw(by="ana")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")  # the tables keep everybody else from it
        await connection.execute("UPDATE paycools_batches SET file = 'x' WHERE id = 1")
        await connection.execute("UPDATE paycools_batch_log SET by = 'x' WHERE event = 'offer'")
    batches = await ledger.batches()
    assert [batch.id for batch in batches] == [1, 2, 3]
    assert [[entry.event for entry in batch.log] for batch in batches] == [["offer", "withdraw"]] * 3


async def test_of_why_nothing_is_sent_the_beginning_is_kept(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    await ledger.release(1, by="ana", rows=1, amount=50010)
    await ledger.pause("0123456789" * 31)
    assert await ledger.paused() == "0123456789" * 30


async def test_two_persons_who_offer_files_with_the_same_orders_at_once_enter_each_once(
    open_one: Open, offer: Any
) -> None:
    persons = [await open_one() for _ in range(3)]
    found = await asyncio.gather(*(offer(person, 40) for person in persons))
    assert sorted((each.new, each.known) for each in found) == [(0, 40), (0, 40), (40, 0)]
    assert await counts_by_batch(persons[0]) == [{State.OFFERED: 40}]


async def test_a_release_whose_second_half_fails_releases_nothing(open_one: Open, offer: Any) -> None:
    ledger = await open_one()
    await offer(ledger, 1)

    async def fails(connection: Any, shards: Any) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await ledger.release(1, by="ana", rows=1, amount=50010, also=fails)
    assert await counts_by_batch(ledger) == [{State.OFFERED: 1}]


async def test_views_of_some_batches_see_count_claim_and_free_only_those(
    open_one: Open, offer: Any, clock: ManualClock
) -> None:
    ledger = await open_one()
    for number, prefix in enumerate(("ANA", "BEN", "EVA"), 1):
        await offer(ledger, number, prefix=prefix)
        await ledger.release(number, by="ana", rows=number, amount=number * 50010)
    view, nothing = ledger.of_batches([1, 3]), ledger.of_batches([])
    assert (await view.counts(), await nothing.counts()) == ({State.PLANNED: (4, 4 * 50010)}, {})
    assert {row.intake async for page in view.pages(size=1) for row in page} == {1, 3}
    taken = await view.claim([State.PLANNED], 9, max_resends=1)
    assert [row.intake for row in taken] == [1, 3, 3, 3]
    assert await nothing.claim([State.PLANNED], 9, max_resends=1) == []
    assert await nothing.next_due([State.PLANNED], max_resends=1) is None
    sending = await view.move(taken[0], Event.SEND)
    assert [timeline.order_id for page in view.timelines() for timeline in page] == [sending.order_id]
    assert list(ledger.of_batches([2]).timelines()) == []
    await ledger.of_batches([2]).return_leases()
    assert await view.claim([State.PLANNED], 9, max_resends=1) == []
    await view.return_leases()
    assert len(await view.claim([State.PLANNED], 9, max_resends=1)) == 3
    clock.advance(ledger.lease)
    assert await ledger.of_batches([2, 3]).recover(call_timeout=30.0) == 0
    assert await view.recover(call_timeout=30.0) == 1


async def test_what_is_new_where_a_part_of_the_ledger_is_lost_is_asked_for_first(
    open_one: Open, offer: Any, clock: ManualClock
) -> None:
    ledger = await open_one()
    await ledger._all("INSERT INTO paycools_ledger VALUES ('recovered', '1')")
    await offer(ledger, 1)
    row = await ledger.get("PAY000000001")
    assert row is not None
    assert (row.state, row.reason, row.sent) == (State.UNKNOWN, Event.LOST, clock.time())
    assert (await ledger.move(row, Event.ABSENT)).state is State.OFFERED


async def test_where_the_money_goes_and_the_longest_lag_are_remembered(open_one: Open) -> None:
    one, other = await open_one(), await open_one()
    assert (await one.destination(), await one.longest_lag()) == ({}, 0.0)
    await one.note_destination({"host": "old"})
    await one.note_destination({"host": "api.example", "environment": "PRODUCTION"})
    for lag in (2.5, 11.0, 9.0):
        await one.note_lag(lag)
    assert await other.destination() == {"host": "api.example", "environment": "PRODUCTION"}
    assert await other.longest_lag() == 11.0
