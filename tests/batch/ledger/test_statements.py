"""What a ledger answers and writes, question by question, in both stores: what is due, may be sent, and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, OpenLedger, Plan, WriteOrders, release_all, rows

from paycools_async.batch import Event, Identity, Ledger, PHPayouts, State, read_orders
from paycools_async.batch.ledger.base import Changed
from paycools_async.batch.ledger.timeline import FailureGroup
from paycools_async.batch.states import IllegalMove
from paycools_async.testing import ManualClock

pytestmark = STORES

AMOUNT = 50010


async def take(ledger: Ledger, *states: State, limit: int = 99, **options: Any) -> list[Any]:
    return list(await ledger.claim(states or (State.PLANNED,), limit, **{"max_resends": 9, **options}))


async def send(ledger: Ledger, row: Any, *events: Event, due: float = 0.0, **details: Any) -> Any:
    """Send a row, and whatever follows; the last move comes with details."""
    row = await ledger.move(row, Event.SEND)
    for event in events[:-1]:
        row = await ledger.move(row, event)
    return await ledger.move(row, events[-1], due=due, **details) if events else row


def ids(found: list[Any]) -> list[int]:
    """The numbers at the end of order ids."""
    return [int(row.order_id[-3:]) for row in found]


# -- what is due ------------------------------------------------------------------------------------------------


async def test_what_is_due_longest_comes_first_and_what_is_due_later_not_at_all(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(4))
    clock.advance(1000)
    now = ledger.time()
    for row, due in zip(await take(ledger), (now, now - 3, now + 0.5, now - 9), strict=True):
        await send(ledger, row, Event.UNCLEAR, due=due)
    assert await ledger.next_due([State.UNKNOWN], max_resends=9) == now - 9
    assert ids(await take(ledger, State.UNKNOWN, limit=2)) == [4, 2]


async def test_what_is_due_at_this_very_moment_is_due(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(3))
    now = ledger.time()
    first, second, accepted = await take(ledger)
    for row, due in ((first, now + 5), (second, now + 5.5)):
        await send(ledger, row, Event.UNCLEAR, due=due)
    assert await ledger.next_due([State.ACCEPTED], max_resends=9) is None
    await send(ledger, accepted, Event.ACCEPTED, due=now + 7, transaction_id="D3")
    assert await take(ledger, State.UNKNOWN) == []
    assert await ledger.next_due([State.UNKNOWN, State.ACCEPTED], max_resends=9) == now + 5
    clock.advance(5)
    assert ids(await take(ledger, State.UNKNOWN)) == [1]


async def test_rows_that_are_due_alike_come_in_file_order_whatever_their_state(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, store: str
) -> None:
    await plan(write_orders(3))
    due = ledger.time()
    for row, event in zip(await take(ledger), (Event.ACCEPTED, Event.UNCLEAR, Event.ACCEPTED), strict=True):
        await send(ledger, row, event, due=due, transaction_id=row.order_id)
    found = ids(await take(ledger, State.UNKNOWN, State.ACCEPTED))
    assert found == ([1, 2, 3] if store == "sqlite" else [2, 1, 3]), "PostgreSQL leases state by state"


async def test_rows_that_are_due_alike_come_in_file_order_whatever_their_names(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(lines=list(reversed(rows(5)))))
    assert ids(await take(ledger)) == [5, 4, 3, 2, 1]


async def test_only_rows_of_the_states_that_were_asked_for_come_and_no_more_than_were_asked_for(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(5))
    first, second, *_ = await take(ledger, limit=2)
    await send(ledger, first, Event.UNCLEAR)
    await send(ledger, second, Event.ACCEPTED, transaction_id="D2")
    assert ids(await take(ledger, State.UNKNOWN)) == [1]
    assert ids(await take(ledger, State.ACCEPTED)) == [2]
    assert ids(await take(ledger, State.SENDING)) == []
    assert ids(await take(ledger, limit=2)) == [3, 4]


async def test_no_more_are_taken_than_were_asked_for_over_all_states(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(5))
    first, *others = await take(ledger, limit=3)
    await send(ledger, first, Event.UNCLEAR)
    for row in others:
        await send(ledger, row, Event.ACCEPTED, transaction_id=row.order_id)
    assert len(await take(ledger, State.UNKNOWN, State.ACCEPTED, State.PLANNED, limit=2)) == 2


async def test_what_is_held_is_not_taken_again_also_where_its_lease_has_ended(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(3))
    first, *_ = await take(ledger, limit=1, held=())
    clock.advance(2e9)
    assert ids(await take(ledger, held=[first.id])) == [2, 3]


@pytest.mark.parametrize(("most", "found"), [(0, [2]), (1, [1, 2])])
async def test_what_was_sent_again_as_often_as_it_may_is_left_to_a_person(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, most: int, found: list[int]
) -> None:
    await plan(write_orders(2))
    first, second = await take(ledger)
    again = await send(ledger, first, Event.UNCLEAR, Event.ABSENT)
    assert (again.state, again.resends) == (State.PLANNED, 1)
    await send(ledger, second, Event.NOT_SENT)
    assert await ledger.resent() == 1
    assert ids(await take(ledger, max_resends=most)) == found
    assert (await ledger.next_due([State.PLANNED], max_resends=0)) is not None


async def test_what_may_not_be_sent_again_is_never_due(ledger: Ledger, plan: Plan, write_orders: WriteOrders) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    await send(ledger, row, Event.UNCLEAR, Event.ABSENT)
    assert await ledger.next_due([State.PLANNED], max_resends=0) is None
    assert await ledger.next_due([State.PLANNED], max_resends=1) is not None


async def test_only_what_is_to_be_sent_comes_with_its_order(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    assert '"mch_order_id": "PAY000000001"' in row.body
    assert row.digest
    assert (row.amount, row.line, row.intake, row.reason, row.transaction_id) == (AMOUNT, 2, 1, None, None)
    await send(ledger, row, Event.UNCLEAR)
    whole = await ledger.get("PAY000000001")
    assert whole is not None
    assert (whole.body, whole.digest) == (row.body, row.digest)


# -- moves ------------------------------------------------------------------------------------------------------


async def test_a_move_writes_all_that_is_known_and_forgets_the_inquiries(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    clock.advance(1)
    entered, sent = row.entered, ledger.time()
    unknown = await send(ledger, row, Event.UNCLEAR, code=1018, message="busy", transaction_id="D1")
    clock.advance(1)
    await ledger.schedule_inquiry(unknown, due=ledger.time(), absent_since=ledger.time())
    [asked] = await take(ledger, State.UNKNOWN)
    assert (asked.inquiries, asked.absent_since, asked.updated) == (1, ledger.time(), sent)
    await ledger.schedule_inquiry(asked, due=ledger.time(), absent_since=asked.absent_since)
    [asked] = await take(ledger, State.UNKNOWN)
    assert asked.inquiries == 2
    clock.advance(1)
    again = await ledger.move(asked, Event.ABSENT)
    stored = await ledger.get("PAY000000001")
    assert stored is not None
    assert (stored.state, stored.reason, stored.resends) == (State.PLANNED, Event.UNCLEAR, 1)
    assert (stored.inquiries, stored.absent_since) == (0, None)
    assert (stored.entered, stored.sent, stored.updated) == (entered, sent, ledger.time())
    assert (stored.code, stored.message) == (again.code, again.message)


async def test_the_log_keeps_what_was_said_with_a_move_and_repeats_it_with_no_other(
    ledger: Any, plan: Plan, write_orders: WriteOrders, store: str
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    row = await send(ledger, row, Event.UNCLEAR, code=1018)
    row = await ledger.move(row, Event.FOUND_PENDING, transaction_id="D1")
    await ledger.move(row, Event.FOUND_FAILED, code=-7, message="no")
    query = "SELECT event, code, message FROM {} ORDER BY id"
    if store == "sqlite":
        logged = await ledger._do(lambda db: db.execute(query.format("moves")).fetchall())
    else:
        logged = await ledger._all(query.format("paycools_moves"))
    assert logged == [
        ("release", None, None),
        ("send", None, None),
        ("unclear", 1018, None),
        ("found_pending", None, None),
        ("found_failed", -7, "no"),
    ]


async def test_an_order_that_never_left_is_as_if_it_had_not_been_sent(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    assert (await send(ledger, row, Event.NOT_SENT)).sent is None
    stored = await ledger.get(row.order_id)
    assert stored is not None
    assert (stored.state, stored.sent, stored.resends) == (State.PLANNED, None, 0)


async def test_an_order_that_did_not_leave_the_second_time_was_sent_the_first_time(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    row = await send(ledger, row, Event.UNCLEAR, Event.ABSENT)
    clock.advance(9)
    row = await ledger.move(row, Event.SEND)
    assert row.sent == ledger.time()
    await ledger.move(row, Event.NOT_SENT)
    stored = await found_of(ledger, "PAY000000001")
    assert (stored.state, stored.sent, stored.resends) == (State.PLANNED, ledger.time(), 1)


async def test_an_inquiry_of_a_row_that_has_moved_changes_nothing(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    first, second = await take(ledger)
    unknown = await send(ledger, first, Event.UNCLEAR)
    await ledger.apply_event(first.order_id, Event.FOUND_PENDING, transaction_id="D1")
    other = await send(ledger, second, Event.UNCLEAR)
    now = ledger.time()
    await ledger.schedule_inquiry(unknown, due=now + 99, absent_since=now)
    assert ids(await take(ledger, State.ACCEPTED, State.UNKNOWN)) == [1, 2]
    for order_id in (first.order_id, other.order_id):
        found = await ledger.get(order_id)
        assert found is not None
        assert (found.absent_since, found.inquiries) == (None, 0)


async def test_what_paycools_says_and_what_cannot_be_leaves_the_row_and_its_log_as_they_are(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await take(ledger)
    settled = await send(ledger, row, Event.ACCEPTED, Event.FOUND_COMPLETE, transaction_id="D1")
    for event in (Event.FOUND_COMPLETE, Event.ABSENT, Event.RELEASE):
        assert await ledger.apply_event(row.order_id, event, message="no") == settled
    assert [move.event for move in await ledger.history(row.order_id)] == [
        "release",
        "send",
        "accepted",
        "found_complete",
    ]


async def test_a_move_says_whose_row_it_was_and_moves_no_other(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(3))
    first, second, _ = await take(ledger)
    await send(ledger, second, Event.ACCEPTED, transaction_id="D2")
    with pytest.raises(IllegalMove, match="PAY000000002"):
        await ledger.move(second, Event.SEND)
    counts = await ledger.counts()
    assert counts == {State.PLANNED: (2, 2 * AMOUNT), State.ACCEPTED: (1, AMOUNT)}
    assert [move.event for move in await ledger.history(first.order_id)] == ["release"]
    assert [move.event for move in await ledger.history(second.order_id)] == ["release", "send", "accepted"]


async def test_what_was_taken_back_and_turns_out_to_have_been_paid_is_the_orders_row_again(
    ledger: Ledger, api: PHPayouts, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    await ledger.withdraw(by="ana", order_id="PAY000000001")
    await ledger.apply_event("PAY000000001", Event.FOUND_EARLIER, transaction_id="D1")
    found = await ledger.intake(read_orders(write_orders(2), api.request_class, api.currency), api.text_of)
    assert (found.new, found.known) == (0, 2)


async def test_an_earlier_row_that_turns_out_to_have_been_paid_is_the_orders_whatever_was_taken_back_since(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    await ledger.withdraw(by="ana", order_id="PAY000000002")
    earlier = await found_of(ledger, "PAY000000002")
    await plan(write_orders(2))
    await ledger.withdraw(by="ana", order_id="PAY000000002")
    await ledger.move(earlier, Event.FOUND_EARLIER, transaction_id="D1")
    found = await found_of(ledger, "PAY000000002")
    assert (found.id, found.state, found.transaction_id) == (earlier.id, State.PREEXISTING, "D1")
    moved = await ledger.apply_event("PAY000000002", Event.MISMATCH)
    assert moved is not None
    assert (moved.id, moved.state) == (earlier.id, State.CONFLICT)


async def test_of_an_order_that_was_offered_again_the_later_row_is_moved(
    ledger: Ledger, api: PHPayouts, plan: Plan, write_orders: WriteOrders
) -> None:
    for _ in range(3):
        await plan(write_orders(2))
        await ledger.withdraw(by="ana", order_id="PAY000000001")
    assert (await found_of(ledger, "PAY000000001")).intake == 3
    await plan(write_orders(2))
    moved = await ledger.apply_event("PAY000000001", Event.FOUND_EARLIER, transaction_id="D1")
    assert moved is not None
    assert (moved.intake, moved.state) == (4, State.PREEXISTING)
    assert (await found_of(ledger, "PAY000000002")).intake == 1


async def found_of(ledger: Ledger, order_id: str) -> Any:
    row = await ledger.get(order_id)
    assert row is not None
    return row


# -- what a person decides --------------------------------------------------------------------------------------


async def test_what_may_have_been_sent_once_is_never_taken_back(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    """Planned again after an absence: its first sending may arrive yet, so it is no order that was never sent."""
    await plan(write_orders(4))
    first, second, third, _ = await take(ledger)
    await send(ledger, first, Event.UNCLEAR, Event.ABSENT)
    await send(ledger, second)
    await send(ledger, third, Event.NOT_SENT)
    done = await ledger.withdraw(by="eva")
    assert (done.rows, done.amount, done.stay) == (2, 2 * AMOUNT, 2)
    assert await ledger.counts() == {
        State.PLANNED: (1, AMOUNT),
        State.SENDING: (1, AMOUNT),
        State.WITHDRAWN: (2, 2 * AMOUNT),
    }
    again = await ledger.withdraw(by="eva")
    assert (again.rows, again.amount, again.stay) == (0, 0, 2)


async def test_a_batch_is_taken_back_alone_and_so_is_an_order(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    for name in ("A", "B"):
        lines = [[f"{name}{n:09}", "1.00", *rows(1)[0][2:]] for n in range(3)]
        path = write_orders(lines=lines, name=f"{name}.csv")
        await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
    assert (await ledger.withdraw(by="ana", order_id="A000000001")).rows == 1
    assert (await ledger.withdraw(by="ana", batch=2, order_id="A000000002")).rows == 0
    assert (await ledger.of_batches([2]).withdraw(by="ana")).rows == 3
    assert await ledger.of_batches([1]).counts() == {State.OFFERED: (2, 200), State.WITHDRAWN: (1, 100)}
    assert (await ledger.withdraw(by="ana", batch=1)).rows == 2
    logs = [[(entry.event, entry.payouts, entry.amount) for entry in batch.log] for batch in await ledger.batches()]
    assert logs == [
        [("offer", 3, 300), ("withdraw", 1, 100), ("withdraw", 2, 200)],
        [("offer", 3, 300), ("withdraw", 3, 300)],
    ]


async def test_a_yes_moves_offered_rows_alone_and_makes_them_due_at_once(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders, clock: ManualClock
) -> None:
    for count in (2, 4):  # the second file holds the first one's rows too
        await ledger.intake(read_orders(write_orders(count), api.request_class, api.currency), api.text_of)
    await ledger.withdraw(by="ana", order_id="PAY000000003")
    clock.advance(7)
    with pytest.raises(Changed, match="batch 2 has 1 offered payouts now, 2 were shown"):
        await ledger.release(2, by="eva", rows=2, amount=2 * AMOUNT)
    await ledger.release(2, by="eva", rows=1, amount=AMOUNT)
    with pytest.raises(Changed):
        await ledger.release(2, by="eva", rows=1, amount=AMOUNT)
    [row] = await take(ledger)
    assert (ids([row]), row.updated, row.entered) == ([4], ledger.time(), ledger.time() - 7)
    assert row.inquiries == 0
    states = [batch.counts for batch in await ledger.batches()]
    assert states == [
        {State.OFFERED: (2, 2 * AMOUNT)},
        {State.PLANNED: (1, AMOUNT), State.WITHDRAWN: (1, AMOUNT)},
    ]
    assert [move.event for move in await ledger.history("PAY000000004")] == ["release"]
    assert [(move.event, move.at) for move in await ledger.history("PAY000000003")] == [("withdraw", ledger.time() - 7)]


async def test_a_file_that_cannot_be_read_to_its_end_enters_nothing(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders
) -> None:
    seen: list[Any] = []

    def text_of(request: Any) -> str:
        seen.append(request)
        if len(seen) == 2:
            raise ValueError("no text of this one")
        return api.text_of(request)

    with pytest.raises(ValueError, match="no text of this one"):
        await ledger.intake(read_orders(write_orders(3), api.request_class, api.currency), text_of)
    assert (await ledger.counts(), await ledger.batches()) == ({}, [])
    found = await ledger.intake(read_orders(write_orders(3), api.request_class, api.currency), api.text_of)
    assert (found.new, found.batch) == (3, 1)


async def test_an_id_of_an_order_that_was_taken_back_is_nobodys(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders, tmp_path: Path
) -> None:
    async def enter(name: str, order_id: str, own: str = "") -> Any:
        path = tmp_path / name
        header = "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name,idempotency_id"
        path.write_text(f"{header}\n{order_id},1.00,EWALLET,GCASH,09171234567,Juan,{own}\n")
        return await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)

    await enter("a.csv", "ORDER00001", "OWN0000001")
    await ledger.withdraw(by="ana")
    for number, (order_id, own) in enumerate((("ORDER00002", "OWN0000001"), ("ORDER00003", "ORDER00001"))):
        found = await enter(f"b{number}.csv", order_id, own)
        assert (found.errors, found.new) == ([], 1)
    await ledger.withdraw(by="ana", order_id="ORDER00002")
    found = await enter("c.csv", "OWN0000001")
    assert (found.errors, found.new) == ([], 1)
    found = await enter("d.csv", "ORDER00009")
    assert (found.errors, found.new) == ([], 1), "others' old ids are not this file's fault"
    [error] = (await enter("e.csv", "ORDER00010", "ORDER00009")).errors
    assert "ORDER00009" in error.reason


async def test_only_what_paycools_had_before_is_adopted(ledger: Ledger, plan: Plan, write_orders: WriteOrders) -> None:
    await plan(write_orders(3))
    _, second, _ = await take(ledger)
    later = ledger.time() + 99
    await send(ledger, second, Event.DUPLICATE, Event.FOUND_EARLIER, due=later, transaction_id="D2")
    assert await ledger.of_batches([9]).adopt(by="eva") == 0
    assert await ledger.adopt(by="eva") == 1
    [row] = await take(ledger, State.ACCEPTED)
    assert (ids([row]), row.reason, row.transaction_id) == ([2], Event.ADOPT, "D2")
    assert await ledger.adopt(by="eva") == 0
    [batch] = await ledger.batches()
    assert [(entry.event, entry.payouts, entry.amount) for entry in batch.log][-1] == ("adopt", 1, AMOUNT)


# -- what is told -----------------------------------------------------------------------------------------------


async def test_a_view_of_some_batches_sees_claims_and_counts_these_alone(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders, clock: ManualClock
) -> None:
    for name, count in (("A", 1), ("B", 2), ("C", 3)):
        lines = [[f"{name}{n:09}", "1.00", *rows(1)[0][2:]] for n in range(count)]
        path = write_orders(lines=lines, name=f"{name}.csv")
        await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of)
        clock.advance(10)
    await release_all(ledger)
    view = ledger.of_batches([2, 3])
    assert await view.counts() == {State.PLANNED: (5, 500)}
    assert await ledger.counts() == {State.PLANNED: (6, 600)}
    assert await ledger.oldest_open() == ledger.time() - 30
    assert await view.oldest_open() == ledger.time() - 20
    assert [[row.order_id for row in page] async for page in ledger.of_batches([2]).pages(size=9)] == [
        ["B000000000", "B000000001"]
    ]
    assert {row.intake for row in await take(view)} == {2, 3}
    [row] = await take(ledger.of_batches([1]))
    assert row.intake == 1
    assert await view.next_due([State.UNKNOWN], max_resends=9) is None
    await send(ledger, row, Event.UNCLEAR, Event.ABSENT)
    assert (await ledger.resent(), await view.resent()) == (1, 0)
    assert [timeline.order_id for page in ledger.timelines() for timeline in page] == ["A000000000"]
    assert list(view.timelines()) == []


async def test_pages_of_some_states_hold_rows_in_these_alone_and_each_once(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(4))
    for row in (await take(ledger))[1::2]:
        await send(ledger, row)
    found: list[list[int]] = []
    async for page in ledger.pages(states=[State.SENDING, State.UNKNOWN], size=1):
        found.append(ids(page))
        assert len(found) < 4, "it would go on for ever"
    assert found == [[2], [4]]


async def test_the_oldest_open_one_is_the_oldest_of_those_that_something_can_be_done_about(
    ledger: Ledger, api: PHPayouts, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    assert await ledger.oldest_open() is None
    times = []
    for count in (1, 2, 3):
        times.append(ledger.time())
        await plan(write_orders(count))
        clock.advance(10)
    first, second, _ = await take(ledger)
    await send(ledger, second, Event.UNCLEAR)
    assert await ledger.oldest_open() == times[0]
    await send(ledger, first, Event.REJECTED)
    assert await ledger.oldest_open() == times[1]


async def test_an_order_of_an_older_version_that_noted_no_time_is_not_the_oldest(
    ledger: Any, plan: Plan, write_orders: WriteOrders, store: str
) -> None:
    if store == "postgres":
        pytest.skip("there only the owner of the tables can write it: tests/batch/ledger/test_postgres_times.py")
    await plan(write_orders(2))
    entered = ledger.time()
    first, second = await take(ledger)
    await send(ledger, second, Event.UNCLEAR)
    await ledger._do(lambda db: db.execute("UPDATE payouts SET entered = 0 WHERE id = ?", (first.id,)))
    assert await ledger.oldest_open() == entered


async def test_a_ledger_says_its_currency_and_whose_it_is(open_ledger: OpenLedger) -> None:
    identity = Identity(family="global", app_id="A1", host="localhost", currency="IDR")
    ledger = await open_ledger(identity)
    assert (await ledger.currency(), await ledger.owner()) == ("IDR", identity.text())


async def test_a_payouts_times_are_those_of_its_first_and_last_sending_and_of_its_first_answer(
    ledger: Any, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(3))
    begun = ledger.time()
    first, second, _ = await take(ledger)
    for event in (Event.SEND, Event.UNCLEAR, Event.ABSENT, Event.SEND, Event.ACCEPTED, Event.FOUND_FAILED):
        clock.advance(1)
        first = await ledger.move(
            first, event, **({"code": -7, "message": "no"} if event is Event.FOUND_FAILED else {})
        )
    for event in (Event.SEND, Event.REJECTED):
        clock.advance(1)
        second = await ledger.move(second, event)
    [[one, two]] = list(ledger.timelines())
    assert [one.sent, one.last_sent, one.accepted, one.final] == [begun + n for n in (1, 4, 5, 6)]
    assert (one.order_id, one.amount, one.state, one.code, one.message) == (first.order_id, AMOUNT, "failed", -7, "no")
    assert [two.sent, two.last_sent, two.accepted, two.final] == [begun + n for n in (7, 7, 8, 8)]


async def test_failures_are_told_the_most_frequent_first_and_apart_by_who_refused(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(5))
    one, two, three, four, _ = await take(ledger)
    await send(ledger, one, Event.REJECTED, code=1009, message="b")
    for row, message in ((two, "z"), (three, "a")):
        await send(ledger, row, Event.ACCEPTED, Event.FOUND_FAILED, transaction_id="D", code=1009, message=message)
    await send(ledger, four, Event.REJECTED, code=1000, message="c")
    assert await ledger.failures() == [
        FailureGroup(1009, True, "a", 2, 2 * AMOUNT),
        FailureGroup(1000, False, "c", 1, AMOUNT),
        FailureGroup(1009, False, "b", 1, AMOUNT),
    ]


async def test_where_the_money_goes_is_remembered(ledger: Ledger, open_ledger: OpenLedger) -> None:
    assert await ledger.destination() == {}
    for host in ("old", "api.example"):
        await ledger.note_destination({"host": host})
    assert await (await open_ledger(None)).destination() == {"host": "api.example"}


async def test_a_longer_lag_is_remembered_and_a_shorter_one_is_not(ledger: Ledger, open_ledger: OpenLedger) -> None:
    assert await ledger.longest_lag() == 0.0
    for lag in (12.5, 300.25, 7.0):
        await ledger.note_lag(lag)
    assert await (await open_ledger(None)).longest_lag() == 300.25


async def test_a_crashed_sending_is_asked_for_when_its_call_must_be_over(
    ledger: Any, plan: Plan, write_orders: WriteOrders, clock: ManualClock, store: str
) -> None:
    await plan(write_orders(3))
    first, second, _ = await take(ledger)
    await send(ledger, first)
    clock.advance(20)
    await send(ledger, second)
    sent = ledger.time()
    if store == "postgres":
        clock.advance(2e9)  # past the lease of the one request
        assert await ledger.recover(call_timeout=30.0) == 2
        assert ids(await take(ledger, State.UNKNOWN)) == [1, 2]
        return
    assert await ledger.recover(call_timeout=30.0) == 2
    assert await ledger.next_due([State.UNKNOWN], max_resends=9) == sent + 10
    clock.advance(10)
    [row] = await take(ledger, State.UNKNOWN)
    assert (ids([row]), row.reason, row.sent) == ([1], Event.CRASHED, sent)
    clock.advance(20)
    assert ids(await take(ledger, State.UNKNOWN)) == [1, 2]
    assert await ledger.recover(call_timeout=30.0) == 0


async def test_after_a_clock_was_set_back_nothing_that_may_still_move_waits_for_longer_than_it_would(
    ledger: Any, plan: Plan, write_orders: WriteOrders, store: str
) -> None:
    if store == "postgres":
        pytest.skip("the database's clock has tests of its own")
    await plan(write_orders(4))
    now = ledger.time()
    first, second, third, fourth = await take(ledger)
    await send(ledger, first, Event.UNCLEAR, due=now + 20)
    await send(ledger, second, Event.UNCLEAR, due=now + 3600)
    await send(ledger, third, Event.ACCEPTED, due=now + 3600, transaction_id="D3")
    await send(ledger, fourth, Event.NOT_SENT, due=now + 3600)
    await ledger.recover(call_timeout=30.0)
    assert ids(await take(ledger, State.UNKNOWN, State.ACCEPTED, State.PLANNED)) == [2, 3, 4]
    assert await ledger.next_due([State.UNKNOWN], max_resends=9) == now
