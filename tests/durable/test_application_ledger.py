"""An application's payouts in the ledger itself, without the background: what is found, listed, counted and marked."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import attrs
import pytest
from durable.conftest import order
from support.batch import STORES, WriteOrders

from paycools_async import OrderConflict
from paycools_async.batch import Event, Ledger, Order, PHPayouts, State
from paycools_async.batch.ledger.application import (
    AlreadyAcknowledged,
    ApplicationLedger,
    NotWritten,
    StuckRule,
    submission_of,
)
from paycools_async.batch.ledger.base import LedgerError
from paycools_async.batch.ledger.sqlite.recovery import lose_everything
from paycools_async.testing import ManualClock

pytestmark = STORES

NOBODY = StuckRule(max_resends=9, sent_before=0.0)
ANYBODY = StuckRule(max_resends=0, sent_before=float("inf"), unanswered_before=float("inf"))


@pytest.fixture
async def application(ledger: Any) -> Any:
    found = await ledger.application("app")
    yield found
    await found.aclose()


def name(number: int) -> str:
    return f"APP{number:09}"


async def submit(application: ApplicationLedger, api: PHPayouts, number: int = 1, **changes: Any) -> Any:
    return await application.submit(submission_of(order(number, **changes), api.text_of))


async def take_back(application: ApplicationLedger, number: int = 1) -> None:
    assert (await application.ledger.withdraw(by="ana", order_id=name(number))).rows == 1


async def due(application: ApplicationLedger, limit: int = 9) -> list[str]:
    return [kept.row.order_id for kept in await application.due(limit, (), 0.0)]


async def told(application: ApplicationLedger, number: int = 1) -> str:
    kept = await application.get(name(number))
    assert kept is not None
    return kept.told


async def listed(application: ApplicationLedger, *args: Any, **options: Any) -> list[list[str]]:
    return [[kept.row.order_id for kept in page] async for page in application.pages(*args, **options)]


async def events(ledger: Ledger, number: int = 1) -> list[tuple[str, str]]:
    return [(move.event, move.state) for move in await ledger.history(name(number))]


async def test_each_application_has_a_batch_of_its_own_beside_the_files(
    ledger: Any, application: ApplicationLedger, plan: Any, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    batches = [application.batch]
    for each in ("two", "three", "app"):
        other = await ledger.application(each)
        batches.append(other.batch)
        await other.aclose()
    assert batches[3] == batches[0]
    assert len(set(batches)) == 3
    assert not {batch.id for batch in await ledger.batches()} & set(batches)


async def test_that_it_was_submitted_is_written_down_once(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts
) -> None:
    first = await submit(application, api)
    assert (first.row.state, first.row.line, first.row.inquiries, first.told) == (State.PLANNED, 0, 0, "")
    again = await submit(application, api)
    assert again.row.id == first.row.id
    await submit(application, api, 2)
    with pytest.raises(OrderConflict):
        await submit(application, api, 2, amount=1000)
    await submit(application, api)
    for number in (1, 2):
        assert await events(ledger, number) == [("release", "planned")]


async def test_of_an_order_that_was_taken_back_more_than_once_the_latest_is_shown(
    application: ApplicationLedger, api: PHPayouts
) -> None:
    for amount in (50010, 60000, 70000):
        kept = await submit(application, api, amount=amount)
        assert kept.row.amount == amount
        await take_back(application)
        found = await application.get(name(1))
        assert found is not None
        assert (found.row.amount, found.row.state) == (amount, State.WITHDRAWN)
    await submit(application, api, amount=80000)
    found = await application.get(name(1))
    assert found is not None
    assert (found.row.amount, found.row.state) == (80000, State.PLANNED)


async def test_an_earlier_payout_that_is_found_is_shown_before_a_later_one_that_was_taken_back(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts
) -> None:
    await submit(application, api)
    await take_back(application)
    earlier = await ledger.get(name(1))
    assert earlier is not None
    await submit(application, api, amount=60000)
    await take_back(application)
    await ledger.move(earlier, Event.FOUND_EARLIER)
    found = await application.get(name(1))
    assert found is not None
    assert (found.row.id, found.row.state) == (earlier.id, State.PREEXISTING)


async def test_the_ids_of_what_was_taken_back_are_free_again(application: ApplicationLedger, api: PHPayouts) -> None:
    one, two, three = (submission_of(order(number), api.text_of) for number in (1, 2, 3))
    await application.submit(attrs.evolve(one, idempotency_id="X1"))
    await application.submit(attrs.evolve(one, idempotency_id="X1"))
    await take_back(application)
    for submission, idempotency_id in ((two, "X1"), (three, name(1))):
        kept = await application.submit(attrs.evolve(submission, idempotency_id=idempotency_id))
        assert kept.row.state is State.PLANNED
    with pytest.raises(OrderConflict, match="would pay only one of them"):
        await application.submit(one)
    await take_back(application, 2)
    kept = await application.submit(attrs.evolve(two, order_id="X1", idempotency_id="X1"))
    assert kept.row.order_id == "X1"


async def test_what_was_lost_is_asked_about_first_and_a_new_yes_begins_it_anew(
    ledger: Any, application: ApplicationLedger, api: PHPayouts, store: str, clock: ManualClock
) -> None:
    if store == "postgres":
        await ledger._all("INSERT INTO paycools_ledger VALUES ('recovered', '1')")
    else:
        await ledger._do(lambda db: lose_everything(db, clock.time()))
    kept = await submit(application, api)
    assert (kept.row.state, kept.row.reason, kept.row.sent) == (State.UNKNOWN, Event.LOST, kept.row.entered)
    for _ in range(2):
        row = await ledger.get(name(1))
        await ledger.schedule_inquiry(row, due=clock.time() + 60, absent_since=clock.time())
    clock.advance(100)
    offered = await ledger.move(await ledger.get(name(1)), Event.ABSENT)
    assert offered.state is State.OFFERED
    await submit(application, api, 2)
    await ledger.move(await ledger.get(name(2)), Event.ABSENT)
    clock.advance(5)
    row = (await submit(application, api)).row
    assert (row.state, row.inquiries, row.absent_since, row.updated) == (State.PLANNED, 0, None, clock.time())
    assert (await submit(application, api)).row == row
    assert await events(ledger) == [("lost", "unknown"), ("absent", "offered"), ("release", "planned")]
    assert [each.order_id for each in await application.ledger.claim([State.PLANNED], 9, max_resends=9)] == [name(1)]
    assert (await ledger.get(name(2))).state is State.OFFERED, "it is the yes to one"


async def test_a_yes_within_the_applications_transaction_is_one_too_once_that_is_committed(
    ledger: Any, application: ApplicationLedger, api: PHPayouts, store: str, clock: ManualClock
) -> None:
    if store == "postgres":
        pytest.skip("PostgreSQL's connection is of another driver: tests/durable/test_own_transactions.py")
    await ledger._do(lambda db: lose_everything(db, clock.time()))
    await submit(application, api)
    await ledger.move(await ledger.get(name(1)), Event.ABSENT)
    one, two = (submission_of(order(number), api.text_of) for number in (1, 2))
    with closing(sqlite3.connect(application._store.file)) as connection, connection:  # type: ignore[attr-defined]
        assert (await application.submit_within(connection, two)).row.state is State.UNKNOWN
        assert (connection.in_transaction, connection.total_changes) == (True, 2), "a row and its line"
        assert (await application.submit_within(connection, one)).row.state is State.PLANNED
        assert (await ledger.get(name(1))).state is State.OFFERED
    assert await events(ledger) == [("lost", "unknown"), ("absent", "offered"), ("release", "planned")]
    assert await events(ledger, 2) == [("lost", "unknown")]


async def test_the_longest_due_is_told_first_and_at_its_moment(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, clock: ManualClock
) -> None:
    for number in (1, 2, 3):
        await submit(application, api, number)
        await ledger.apply_event(name(number), Event.FOUND_EARLIER)
    assert await due(application) == [name(1), name(2), name(3)]
    for kept, pause in zip(await application.due(9, (), 0.0), (30.0, 20.0, 10.0), strict=True):
        await application.postpone(kept, pause)
    clock.advance(9.999)
    assert await due(application) == []
    clock.advance(0.001)
    assert await due(application) == [name(3)]
    clock.advance(20)
    assert await due(application, 1) == [name(3)]
    assert sorted(await due(application)) == [name(1), name(2), name(3)]


async def test_a_mark_and_a_pause_are_those_of_the_word_that_was_told(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, clock: ManualClock
) -> None:
    """What was learned meanwhile is neither marked nor held up, and nor is any other payout."""
    for number in (1, 2):
        await submit(application, api, number)
        await ledger.apply_event(name(number), Event.FOUND_EARLIER)
    first, second = await application.due(9, (), 0.0)
    assert not await application.is_marked(first)
    await application.acknowledge(first)
    assert (await application.is_marked(first), await application.is_marked(second)) == (True, False)
    assert (await told(application), await told(application, 2)) == ("preexisting", "")
    with pytest.raises(AlreadyAcknowledged):
        await application.acknowledge(first)
    await application.postpone(first, 60.0)
    assert await application.ledger.adopt(by="ana") == 2
    for number in (1, 2):
        await ledger.apply_event(name(number), Event.FOUND_COMPLETE)
    assert await due(application) == [name(1), name(2)], "it is not held up by what came too late"


async def test_work_that_the_database_refuses_is_undone_with_its_mark_and_nothing_else_is(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, store: str
) -> None:
    if store == "postgres":
        pytest.skip("the work is sqlite3's; on PostgreSQL tests/durable/test_telling.py has it")
    await submit(application, api)
    await ledger.apply_event(name(1), Event.FOUND_EARLIER)
    [kept] = await application.due(9, (), 0.0)
    work = [lambda db: db.execute("CREATE TABLE loans (x)"), lambda db: db.execute("INSERT INTO nowhere VALUES (1)")]
    taking = asyncio.create_task(submit(application, api, 2))
    with pytest.raises(LedgerError) as spoilt:
        await application.acknowledge(kept, work)
    assert str(spoilt.value).endswith("the database refused the application's own work: OperationalError")
    assert (await taking).row.order_id == name(2)
    assert await told(application) == ""
    await application.acknowledge(kept, work[:1])
    assert await told(application) == "preexisting"


async def test_a_page_ends_where_it_is_full_and_nothing_comes_twice(
    ledger: Any, application: ApplicationLedger, api: PHPayouts
) -> None:
    other = await ledger.application("other")
    for number in range(1, 6):
        await submit(application, api, number)
        await submit(other, api, 100 + number)
    await other.aclose()
    await ledger.apply_event(name(2), Event.FOUND_EARLIER)
    await ledger.apply_event(name(4), Event.MISMATCH)
    assert await listed(application, size=2) == [[name(1), name(2)], [name(3), name(4)], [name(5)]]
    assert await listed(application, State.PLANNED, size=2) == [[name(1), name(3)], [name(5)]]
    assert await listed(application, stuck=NOBODY, size=1) == [[name(2)], [name(4)]]
    assert await listed(application, State.PREEXISTING, stuck=NOBODY) == [[name(2)]]
    assert await listed(application, State.SETTLED) == []


async def test_what_waits_for_a_person_is_counted_listed_and_told_once(
    ledger: Any, application: ApplicationLedger, api: PHPayouts, clock: ManualClock
) -> None:
    other = await ledger.application("other")
    await submit(other, api, 9)
    await ledger.intake([Order(2, order(50))], api.text_of)
    for number in (1, 2, 3, 4):
        await submit(application, api, number)
    for number in (1, 2, 9):
        view = other if number == 9 else application
        [row] = await view.ledger.claim([State.PLANNED], 1, max_resends=9)
        sent = await ledger.move(row, Event.SEND)
        await ledger.move(sent, Event.UNCLEAR)
    await ledger.apply_event(name(3), Event.FOUND_EARLIER)
    for view, standing in ((application, (3, 1, 2)), (other, (1, 0, 1))):
        found = await view.standing(ANYBODY)
        assert (found.backlog, found.untold, found.stuck) == standing
        assert (await view.standing(NOBODY)).stuck == 0
    assert await listed(application, stuck=ANYBODY) == [[name(1), name(2), name(3)]]
    stuck = await application.due_stuck(9, (), 0.0, ANYBODY)
    assert [kept.row.order_id for kept in stuck] == [name(1), name(2)]
    assert [kept.row.order_id for kept in await application.due_stuck(1, (), 0.0, ANYBODY)] == [name(1)]
    assert await application.due_stuck(9, [each.row.id for each in stuck], 0.0, ANYBODY) == []
    assert await application.due_stuck(9, (), 0.0, NOBODY) == []
    await application.acknowledge(stuck[0])
    assert [kept.row.order_id for kept in await application.due_stuck(9, (), 0.0, ANYBODY)] == [name(2)]
    assert await told(application) == "unknown"
    await other.aclose()


async def test_what_was_not_begun_is_certainly_not_written_and_all_else_may_be(
    application: Any, api: PHPayouts, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store == "postgres":
        pytest.skip("it breaks the SQLite file's own thread; PostgreSQL's answers are lost in test_database_away.py")
    do = application._store.do

    async def before(work: Any) -> Any:
        raise LedgerError("payouts.db is locked")

    async def after(work: Any) -> Any:
        await do(work)
        raise LedgerError("the commit failed")

    for fails, kind in ((before, NotWritten), (after, LedgerError)):
        monkeypatch.setattr(application._store, "do", fails)
        with pytest.raises(LedgerError) as caught:
            await submit(application, api)
        assert type(caught.value) is kind


async def test_another_applications_payout_is_not_shown(
    ledger: Any, application: ApplicationLedger, api: PHPayouts
) -> None:
    other = await ledger.application("other")
    await submit(other, api)
    assert await application.get(name(1)) is None
    assert await application.get("NOWHERE") is None
    with pytest.raises(OrderConflict, match=f"from elsewhere, in batch {other.batch}"):
        await submit(application, api)
    await other.aclose()
