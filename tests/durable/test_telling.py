"""Final words reach the application: each at least once, each marked exactly once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from durable.conftest import Make, inside, order, there
from support.batch import STORES
from support.waiting import until

from paycools_async import ConfigurationError
from paycools_async.batch import Event, State
from paycools_async.durable import AlreadyAcknowledged, DurablePayout, DurablePayouts, in_transaction
from paycools_async.durable.orders import DurableOrders
from paycools_async.testing import FakePayCools

pytestmark = STORES


async def acknowledged(payouts: DurableOrders[Any]) -> None:
    async def nothing_waits() -> bool:
        return (await payouts.health()).unacknowledged == 0

    await until(nothing_waits)


def ask(place: str, query: str) -> list[Any]:
    """Of the ledger's database, on a connection of its own."""
    if place.startswith("postgresql"):
        with psycopg.connect(place) as connection:
            done = connection.execute(query.encode())
            return done.fetchall() if done.description else []
    with closing(sqlite3.connect(place)) as found, found:
        return found.execute(query).fetchall()


async def test_each_final_payout_is_told_once_and_is_acknowledged_then(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    told: list[tuple[str, State]] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        assert not payout.acknowledged
        told.append((payout.order_id, payout.state))

    await asyncio.gather(*(payouts.submit(order(number)) for number in range(1, 31)))
    await payouts.submit(order(31, account_no="09170000000"))
    await until(lambda: len(told) == 31)
    await acknowledged(payouts)
    await asyncio.sleep(0.2)
    assert sorted(told) == [
        *((f"APP{number:09}", State.SETTLED) for number in range(1, 31)),
        ("APP000000031", State.FAILED),
    ]
    found = await there(payouts, "APP000000001")
    assert found.acknowledged


async def test_without_a_handler_nothing_is_marked_and_a_later_one_is_told(make: Make) -> None:
    async with make() as payouts:
        await payouts.submit(order())
        await payouts.wait("APP000000001", within=60)
        assert (await payouts.health()).unacknowledged == 1
    told: list[str] = []
    async with make() as payouts:
        payouts.on_final(lambda payout: told.append(payout.order_id))
        await acknowledged(payouts)
        with pytest.raises(ConfigurationError, match="has a handler already"):
            payouts.on_final(print)
    async with make() as payouts:
        payouts.on_final(lambda payout: told.append(payout.order_id))
        await asyncio.sleep(0.3)
    assert told == ["APP000000001"]


async def test_a_handler_that_fails_is_called_again_and_holds_up_no_other(
    opened: Any, caplog: pytest.LogCaptureFixture
) -> None:
    payouts: DurablePayouts = await opened()
    calls: Counter[str] = Counter()
    well = False

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls[payout.order_id] += 1
        if payout.order_id == "APP000000001" and not well:
            raise ValueError(f"account {order().account_no}")

    async def one_waits() -> bool:
        return (await payouts.health()).unacknowledged == 1

    await asyncio.gather(*(payouts.submit(order(number)) for number in range(1, 11)))
    await until(lambda: len(calls) == 10)
    await until(one_waits)
    await until(lambda: "told again in 2 seconds" in caplog.text)
    failed = calls["APP000000001"]
    well = True
    await acknowledged(payouts)
    assert calls == {"APP000000001": failed + 1, **{f"APP{number:09}": 1 for number in range(2, 11)}}
    assert "order APP000000001 is settled, and told again in 2 seconds: ValueError" in caplog.text
    assert "09171234567" not in caplog.text
    assert (await payouts.health()).last_error is None


async def test_a_handler_that_hangs_stops_no_other_and_is_called_again(opened: Any) -> None:
    payouts: DurablePayouts = await opened(handlers=2, handler_timeout=0.3)
    calls: Counter[str] = Counter()

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls[payout.order_id] += 1
        if payout.order_id == "APP000000001" and calls[payout.order_id] == 1:
            await asyncio.Event().wait()

    await asyncio.gather(*(payouts.submit(order(number)) for number in range(1, 11)))
    await until(lambda: calls["APP000000001"] >= 2)
    await acknowledged(payouts)
    assert len(calls) == 10


async def test_what_a_handler_gives_to_in_transaction_is_in_the_commit_of_the_mark(opened: Any, place: str) -> None:
    payouts: DurablePayouts = await opened()
    attempts: list[str] = []

    def insert(connection: Any) -> Any:
        return connection.execute("INSERT INTO loans VALUES (1)")

    def spoil(connection: Any) -> Any:
        return connection.execute("INSERT INTO nowhere VALUES (1)")

    ask(place, "CREATE TABLE loans (x INT)")

    @payouts.on_final
    def done(payout: DurablePayout) -> None:
        attempts.append(payout.order_id)
        in_transaction(insert)
        if len(attempts) == 1:
            in_transaction(spoil)

    await payouts.submit(order())
    await until(lambda: len(attempts) == 2)
    await acknowledged(payouts)
    assert ask(place, "SELECT count(*) FROM loans") == [(1,)]
    with pytest.raises(RuntimeError, match="for handlers"):
        in_transaction(insert)


async def test_a_settled_payout_that_becomes_a_conflict_is_told_again(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    told: list[tuple[State, bool]] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        told.append((payout.state, payout.needs_person))

    await payouts.submit(order())
    await until(lambda: told == [(State.SETTLED, False)])
    await acknowledged(payouts)
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_FAILED)
    await until(lambda: len(told) == 2)
    await acknowledged(payouts)
    assert told[1] == (State.CONFLICT, True)
    found = await payouts.wait("APP000000001", within=1)
    assert (found.final, found.needs_person, found.acknowledged) == (False, True, True)


async def test_what_paycools_had_before_is_told_and_followed_once_a_person_adopts_it(
    opened: Any, live: FakePayCools
) -> None:
    payouts: DurablePayouts = await opened()
    told: list[State] = []
    payouts.on_final(lambda payout: told.append(payout.state))
    await inside(payouts).background.stop(1.0)
    await payouts.submit(order())
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_EARLIER)
    inside(payouts).telling.changed.set()
    await until(lambda: told == [State.PREEXISTING])
    await acknowledged(payouts)
    assert (await payouts.wait("APP000000001", within=1)).needs_person
    assert (await payouts.adopt("APP000000001")).state is State.ACCEPTED
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_COMPLETE)
    inside(payouts).telling.changed.set()
    await until(lambda: told == [State.PREEXISTING, State.SETTLED])
    assert live.payouts.paid == []


async def test_what_is_taken_back_before_it_was_sent_is_told_and_may_be_submitted_anew(
    make: Make, live: FakePayCools
) -> None:
    told: list[tuple[State, int]] = []
    async with make() as payouts:
        payouts.on_final(lambda payout: told.append((payout.state, payout.amount)))
        await inside(payouts).background.stop(1.0)
        await payouts.submit(order())
        assert await payouts.withdraw("APP000000001", by="ana")
        assert not await payouts.withdraw("APP000000001", by="ana")
        await acknowledged(payouts)
        await payouts.submit(order(amount=60000))
    async with make() as payouts:
        payouts.on_final(lambda payout: told.append((payout.state, payout.amount)))
        assert (await payouts.wait("APP000000001", within=60)).amount == 60000
        await acknowledged(payouts)
    assert told == [(State.WITHDRAWN, 50010), (State.SETTLED, 60000)]
    assert [each.amount for each in live.payouts.paid] == [60000]


async def test_of_two_calls_for_one_word_only_one_can_acknowledge_it(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    found = await payouts.wait("APP000000001", within=60)
    await payouts.acknowledge(found)
    with pytest.raises(AlreadyAcknowledged):
        await payouts.acknowledge(found)
    assert (await there(payouts, "APP000000001")).acknowledged


async def test_processes_that_share_a_database_call_each_handler_once(make: Make, store: str) -> None:
    if store == "sqlite":
        pytest.skip("one process has the file")
    told: Counter[str] = Counter()

    async def done(payout: DurablePayout) -> None:
        told[payout.order_id] += 1
        await asyncio.sleep(0.01)

    async with make() as one, make() as other:
        one.on_final(done)
        other.on_final(done)
        await asyncio.gather(*((one, other)[number % 2].submit(order(number)) for number in range(60)))
        await until(lambda: len(told) == 60)
        await acknowledged(one)
    assert set(told.values()) == {1}


async def test_a_handler_at_work_when_it_closes_is_finished_or_called_again(make: Make, store: str) -> None:
    told: list[str] = []
    began = asyncio.Event()
    payouts = make(stop_within=0.3)

    @payouts.on_final
    async def hangs(payout: DurablePayout) -> None:
        began.set()
        await asyncio.Event().wait()

    async with payouts:
        await payouts.submit(order())
        await began.wait()
    async with make() as again:
        again.on_final(lambda payout: told.append(payout.order_id))
        if store == "postgres":
            # nobody else gets it while the lost handler may be at work; here that time is over
            await inside(again).payouts._ask("UPDATE paycools_payouts SET tell_due = 0")
        await until(lambda: told == ["APP000000001"])


async def _taken_back_and_submitted_again(payouts: DurablePayouts) -> None:
    await inside(payouts).background.stop(1.0)
    await payouts.submit(order())
    assert await payouts.withdraw("APP000000001", by="ana")


async def _settle(payouts: DurablePayouts) -> None:
    """As the background would, and the callbacks."""
    await payouts.submit(order())
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_EARLIER)
    await payouts.adopt("APP000000001")
    await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_COMPLETE)
    inside(payouts).telling.changed.set()


@pytest.mark.process
async def test_that_it_was_withdrawn_is_not_told_again_once_it_was_submitted_again(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    calls: list[State] = []
    await _taken_back_and_submitted_again(payouts)

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.state)
        if payout.state is State.WITHDRAWN:
            raise ConnectionError

    await until(lambda: calls == [State.WITHDRAWN])
    await _settle(payouts)
    await until(lambda: State.SETTLED in calls)
    await acknowledged(payouts)
    await asyncio.sleep(2.5)
    assert calls == [State.WITHDRAWN, State.SETTLED]


async def test_what_was_overtaken_before_anybody_was_told_is_marked_and_not_told(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    calls: list[State] = []
    await _taken_back_and_submitted_again(payouts)
    await _settle(payouts)
    payouts.on_final(lambda payout: calls.append(payout.state))
    await until(lambda: bool(calls))
    await acknowledged(payouts)
    assert calls == [State.SETTLED]


async def test_what_became_of_the_later_one_waits_for_a_handler_at_work_with_the_earlier(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    table: list[State] = []
    at_work, go_on = asyncio.Event(), asyncio.Event()
    await _taken_back_and_submitted_again(payouts)

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        if payout.state is State.WITHDRAWN:
            at_work.set()
            await go_on.wait()
        table.append(payout.state)

    await at_work.wait()
    await _settle(payouts)
    await asyncio.sleep(0.4)
    assert table == []
    go_on.set()
    await until(lambda: len(table) == 2)
    await acknowledged(payouts)
    assert table == [State.WITHDRAWN, State.SETTLED]


async def test_a_conflict_that_follows_while_a_handler_is_at_work_comes_after_it_and_last(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    table: list[State] = []
    calls: list[State] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.state)
        if len(calls) == 1:
            await inside(payouts).payouts.ledger.apply_event("APP000000001", Event.FOUND_FAILED)
            await asyncio.sleep(0.3)
            raise ConnectionError
        table.append(payout.state)

    await payouts.submit(order())
    await until(lambda: bool(table))
    await acknowledged(payouts)
    await asyncio.sleep(0.3)
    assert calls == [State.SETTLED, State.CONFLICT]
    assert table == [State.CONFLICT]


def _with(db: sqlite3.Connection) -> None:
    with db:
        db.execute("INSERT INTO loans VALUES (2)")


def _swallowed(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO loans VALUES (2)")
    with suppress(sqlite3.Error):
        db.rollback()


def _nested(db: sqlite3.Connection) -> None:
    db.execute("SAVEPOINT own")
    db.execute("INSERT INTO loans VALUES (2)")
    db.execute("ROLLBACK TO own")
    db.execute("RELEASE own")


ENDINGS: dict[str, Callable[[sqlite3.Connection], Any]] = {
    "commit": lambda db: db.commit(),
    "rollback": lambda db: db.rollback(),
    "with": _with,
    "executescript": lambda db: db.executescript("INSERT INTO loans VALUES (2)"),
    "statement": lambda db: db.execute("COMMIT"),
    "savepoint": lambda db: db.execute("RELEASE told"),
    "swallowed": _swallowed,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_work_that_would_end_the_transaction_is_an_error_of_its_own_handler_alone(
    opened: Any, place: str, store: str, ending: Callable[[sqlite3.Connection], Any]
) -> None:
    if store == "postgres":
        pytest.skip("a database has connections for each")
    payouts: DurablePayouts = await opened()
    ask(place, "CREATE TABLE loans (x INT)")
    await payouts.submit(order())
    settled = await payouts.wait("APP000000001", within=60)
    ledger = inside(payouts).payouts

    def insert(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO loans VALUES (1)")

    strangers = [payouts.submit(order(number)) for number in range(2, 6)]
    spoiling = ledger.acknowledge(settled._kept, [insert, ending])
    results = await asyncio.gather(*strangers[:2], spoiling, *strangers[2:], return_exceptions=True)
    spoilt = results.pop(2)
    assert "it may not commit or roll back" in str(spoilt)
    taken = [each.order_id if isinstance(each, DurablePayout) else each for each in results]
    assert taken == [f"APP{number:09}" for number in range(2, 6)]
    assert ask(place, "SELECT * FROM loans") == []
    await ledger.acknowledge(settled._kept, [insert, _nested])
    assert ask(place, "SELECT * FROM loans") == [(1,)]
    assert (await there(payouts, "APP000000001")).acknowledged
