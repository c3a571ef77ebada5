"""Files and applications in one ledger: neither releases, sends, withdraws or counts what is the other's."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from durable.conftest import order
from support.batch import STORES, WriteOrders, release_all

from paycools_async import OrderConflict
from paycools_async.batch import Event, Ledger, LedgerError, Options, Order, PHPayouts, Runner, State
from paycools_async.batch.ledger.application import AlreadyAcknowledged, ApplicationLedger, StuckRule, submission_of
from paycools_async.batch.ledger.base import Changed
from paycools_async.testing import ManualClock

pytestmark = STORES

NOBODY = StuckRule(max_resends=9, sent_before=0.0)


@pytest.fixture
async def application(ledger: Any) -> Any:
    found = await ledger.application("app")
    yield found
    await found.aclose()


async def submit(application: ApplicationLedger, api: PHPayouts, number: int = 1, **changes: Any) -> Any:
    return await application.submit(submission_of(order(number, **changes), api.text_of))


async def test_a_run_over_all_files_sends_nothing_of_an_application(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, plan: Any, write_orders: WriteOrders, fake: Any
) -> None:
    await submit(application, api)
    await plan(write_orders(2))
    batch = application.batch
    assert await ledger.of_batches([batch]).claim([State.PLANNED], 9, max_resends=9) == []
    assert [each.id for each in await ledger.batches()] == [batch + 1]
    for view in (ledger, ledger.of_batches([batch, batch + 1])):
        assert await view.counts() == {State.PLANNED: (2, 100020)}
    summary = await Runner(api, ledger, Options(), clock=fake.clock).run()
    assert summary.rows(State.SETTLED) == 2
    assert sorted(each.order_id for each in fake.payouts.paid) == ["PAY000000001", "PAY000000002"]
    assert await application.ledger.counts() == {State.PLANNED: (1, 50010)}


async def test_a_run_of_the_application_sends_nothing_that_a_file_offered_or_a_person_released(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, plan: Any, write_orders: WriteOrders, fake: Any
) -> None:
    await plan(write_orders(2))
    await submit(application, api)
    summary = await Runner(api, application.ledger, Options(), clock=fake.clock).run()
    assert summary.counts == {State.SETTLED: (1, 50010)}
    assert [each.order_id for each in fake.payouts.paid] == ["APP000000001"]
    assert await ledger.counts() == {State.PLANNED: (2, 100020)}


async def test_a_person_who_withdraws_releases_or_adopts_does_not_reach_an_application(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts
) -> None:
    await submit(application, api)
    await submit(application, api, 2)
    await ledger.apply_event("APP000000002", Event.FOUND_EARLIER)
    assert (await ledger.withdraw(by="ana")).rows == 0
    assert (await ledger.withdraw(by="ana", order_id="APP000000001")).rows == 0
    assert (await ledger.withdraw(by="ana", batch=application.batch)).rows == 0
    assert await ledger.adopt(by="ana") == 0
    with pytest.raises((Changed, LedgerError)):
        await ledger.release(application.batch, by="ana", rows=1, amount=50010)
    assert await application.ledger.counts() == {State.PLANNED: (1, 50010), State.PREEXISTING: (1, 50010)}


async def test_an_order_id_is_a_files_or_an_applications_and_never_both(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts
) -> None:
    await submit(application, api)
    same = await ledger.intake([Order(2, order(1)), Order(3, order(5))], api.text_of)
    assert same.batch is None
    assert [(each.line, each.column) for each in same.errors] == [(2, "mch_order_id")]
    assert "an application submitted" in str(same.errors[0])
    entered = await ledger.intake([Order(2, order(5))], api.text_of)
    assert entered.new == 1
    with pytest.raises(OrderConflict, match="from elsewhere, in batch"):
        await submit(application, api, 5)
    await release_all(ledger)
    assert await application.ledger.counts() == {State.PLANNED: (1, 50010)}


async def test_an_idempotency_id_that_another_payout_has_is_a_conflict(
    application: ApplicationLedger, api: PHPayouts
) -> None:
    first = submission_of(order(1), api.text_of)
    await application.submit(attrs.evolve(first, idempotency_id="X1"))
    for order_id, idempotency_id in (("APP000000002", "X1"), ("X1", None), ("APP000000003", "APP000000001")):
        with pytest.raises(OrderConflict, match="would pay only one of them"):
            await application.submit(attrs.evolve(first, order_id=order_id, idempotency_id=idempotency_id))
    await application.submit(attrs.evolve(first, order_id="APP000000004", idempotency_id="X2"))


async def test_where_a_part_of_the_ledger_is_lost_paycools_is_asked_first_and_the_application_says_yes_again(
    ledger: Any, application: ApplicationLedger, api: PHPayouts, store: str, clock: ManualClock
) -> None:
    await submit(application, api, 1)
    if store == "postgres":
        await ledger._all("INSERT INTO paycools_ledger VALUES ('recovered', '1')")
        await ledger._all("UPDATE paycools_payouts SET state = 'unknown', reason = 'lost', sent = 0")
    else:
        from paycools_async.batch.ledger.sqlite.recovery import lose_everything

        await ledger._do(lambda db: lose_everything(db, clock.time()))
    new = await submit(application, api, 2)
    assert (new.row.state, new.row.reason) == (State.UNKNOWN, Event.LOST)
    for number in (1, 2):
        row = await ledger.get(f"APP{number:09}")
        assert (await ledger.move(row, Event.ABSENT)).state is State.OFFERED
        assert (await submit(application, api, number)).row.state is State.PLANNED
        with pytest.raises(OrderConflict):
            await submit(application, api, number, amount=1000)
    assert len(await application.ledger.claim([State.PLANNED], 9, max_resends=9)) == 2


async def test_a_pause_of_the_application_ends_with_its_own_yes_alone(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, plan: Any, write_orders: WriteOrders, store: str
) -> None:
    if store == "sqlite":
        pytest.skip("a pause ends with its run")
    await plan(write_orders(1))
    await submit(application, api)
    await ledger.pause("the balance is short")
    assert await application.ledger.paused() == "the balance is short"
    await ledger.resume_sending()
    assert (await ledger.paused(), await application.ledger.paused()) == (None, "the balance is short")
    await ledger.pause("again")
    await application.ledger.resume_sending()
    assert (await ledger.paused(), await application.ledger.paused()) == ("again", None)


async def test_words_are_held_postponed_and_marked_once(
    ledger: Ledger, application: ApplicationLedger, api: PHPayouts, clock: ManualClock, store: str
) -> None:
    await submit(application, api)
    await submit(application, api, 2)
    for number in (1, 2):
        await ledger.apply_event(f"APP{number:09}", Event.FOUND_EARLIER)
    assert (await application.standing(NOBODY)).untold == 2
    [kept] = await application.due(1, (), 60.0)
    assert kept.row.order_id == "APP000000001"
    [other] = await application.due(9, (kept.row.id,), 60.0)
    assert other.row.order_id == "APP000000002"
    if store == "postgres":
        assert await application.due(9, (), 60.0) == []
    await application.postpone(kept, 5.0)
    await application.acknowledge(other)
    assert await application.due(9, (), 60.0) == []
    clock.advance(5.1)
    assert [each.row.id for each in await application.due(9, (), 60.0)] == [kept.row.id]
    await application.acknowledge(kept)
    with pytest.raises(AlreadyAcknowledged):
        await application.acknowledge(kept)
    assert (await application.standing(NOBODY)).untold == 0


async def test_what_is_to_be_told_is_found_by_its_own_index(ledger: Any, application: Any, store: str) -> None:
    if store == "sqlite":
        from paycools_async.batch.ledger.sqlite.application import _DUE

        values = {"batch": 1, "now": 0.0, "held": "[]", "limit": 9}
        plan = await ledger._do(lambda db: db.execute(f"EXPLAIN QUERY PLAN {_DUE}", values).fetchall())
        assert any("payouts_untold" in str(line) for line in plan)
        return
    from paycools_async.batch.ledger.application import UNTOLD

    async def explain(connection: Any) -> Any:
        await connection.execute("SET LOCAL enable_seqscan = off")
        query = f"EXPLAIN SELECT id FROM paycools_payouts WHERE intake = 1 AND tell_due <= 0 AND {UNTOLD}"
        return await (await connection.execute(query)).fetchall()

    assert any("paycools_payouts_untold" in line for (line,) in await ledger._session.run(explain))
