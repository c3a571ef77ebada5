"""How the PostgreSQL ledger writes moves: those that wait together, those that fail, those from outside the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all
from support.unanswered import lose_next_answer

from paycools_async.batch import Event, LedgerError, PHPayouts, State, read_orders
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.states import IllegalMove
from paycools_async.testing import ManualClock

Open = Callable[..., Awaitable[PostgresLedger]]
Enter = Callable[[PostgresLedger, int], Awaitable[list[Any]]]


@pytest.fixture
def enter(api: PHPayouts, write_orders: WriteOrders) -> Enter:
    """`await enter(ledger, 3)`: so many rows, released and leased."""

    async def enters(ledger: PostgresLedger, count: int) -> list[Any]:
        await ledger.intake(read_orders(write_orders(count), api.request_class, api.currency), api.text_of)
        await release_all(ledger)
        return await take(ledger)

    return enters


async def take(ledger: PostgresLedger, state: State = State.PLANNED) -> list[Any]:
    return list(await ledger.claim([state], 999, max_resends=9))


async def states_of(ledger: PostgresLedger) -> list[State]:
    return [row.state async for page in ledger.pages() for row in page]


class Held:
    """The writer's next answers are held back until `go` is set; `asked` once the first question is answered."""

    def __init__(self, ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ask = ledger._writer._session.ask
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(ledger._writer._session, "ask", self._hold)

    async def _hold(self, *asked: Any) -> list[tuple[Any, ...]]:
        found = await self._ask(*asked)
        self.asked.set()
        await self.go.wait()
        return found


# -- moves that wait together -----------------------------------------------------------------------------------------


async def test_what_waits_is_one_commit_and_the_commits_are_counted(open_one: Open, enter: Enter) -> None:
    ledger = await open_one()
    first, *others = await enter(ledger, 9)
    assert ledger._writer.commits == 0
    await ledger.move(first, Event.SEND)
    assert ledger._writer.commits == 1
    await asyncio.gather(*(ledger.move(row, Event.SEND) for row in others))
    assert ledger._writer.commits == 2


async def test_a_move_whose_caller_is_gone_before_it_is_written_is_not_made_and_holds_up_no_other(
    open_one: Open, enter: Enter
) -> None:
    ledger = await open_one()
    first, left, last = await enter(ledger, 3)
    moves = [asyncio.create_task(ledger.move(row, Event.SEND)) for row in (first, left, last)]
    await asyncio.sleep(0)  # all of them wait, and nothing is written yet
    moves[1].cancel()
    async with asyncio.timeout(30):
        sent = await asyncio.gather(*moves, return_exceptions=True)
    assert isinstance(sent[1], asyncio.CancelledError)
    assert await states_of(ledger) == [State.SENDING, State.PLANNED, State.SENDING]


async def test_a_move_whose_caller_is_gone_while_it_is_written_stands_and_the_others_are_told(
    open_one: Open, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_one()
    rows = await enter(ledger, 3)
    held = Held(ledger, monkeypatch)
    first, second, third = (asyncio.create_task(ledger.move(row, Event.SEND)) for row in rows)
    await held.asked.wait()
    first.cancel()
    held.go.set()
    async with asyncio.timeout(30):
        assert [(await each).state for each in (second, third)] == [State.SENDING] * 2
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await states_of(ledger) == [State.SENDING] * 3


async def test_a_commit_that_fails_fails_its_own_moves_and_those_that_wait_meanwhile_are_made(
    open_one: Open, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_one()
    gone, told, later = await enter(ledger, 3)
    writer = ledger._writer
    asked, go = asyncio.Event(), asyncio.Event()

    async def fail_once(*_: Any) -> Any:
        monkeypatch.undo()
        asked.set()
        await go.wait()
        raise LedgerError("the disk is full")

    monkeypatch.setattr(writer._session, "ask", fail_once)
    moves: list[asyncio.Task[Any]] = [asyncio.create_task(ledger.move(row, Event.SEND)) for row in (gone, told)]
    await asked.wait()
    moves.append(asyncio.create_task(ledger.move(later, Event.SEND)))
    await asyncio.sleep(0)
    moves[0].cancel()
    go.set()
    async with asyncio.timeout(30):
        found: list[Any] = await asyncio.gather(*moves, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert repr(found[1]) == "LedgerError('the disk is full')"
    assert found[2].state is State.SENDING
    assert writer._task is not None
    await writer._task


async def test_whoever_waits_for_a_writer_that_is_stopped_hears_of_an_error_and_is_not_stopped_itself(
    open_one: Open, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_one()
    [row] = await enter(ledger, 1)
    held, writer = Held(ledger, monkeypatch), ledger._writer
    move = asyncio.create_task(ledger.move(row, Event.SEND))
    await held.asked.wait()
    assert writer._task is not None
    writer._task.cancel()
    with pytest.raises(LedgerError):
        await move
    with pytest.raises(asyncio.CancelledError):
        await writer._task


async def test_what_waits_is_written_before_the_ledger_is_closed_and_then_no_connection_is_left(
    open_one: Open, enter: Enter
) -> None:
    ledger, other = await open_one(), await open_one()
    [row] = await enter(ledger, 1)
    sending = await ledger.move(row, Event.SEND)
    move = asyncio.create_task(ledger.move(sending, Event.ACCEPTED, transaction_id="D1"))
    await asyncio.sleep(0)
    await ledger.aclose()
    assert [session.is_open for session in (ledger._writer._session, ledger._session)] == [False] * 2
    assert (await move).state is State.ACCEPTED
    assert await states_of(other) == [State.ACCEPTED]


# -- moves whose answer is lost ---------------------------------------------------------------------------------------


async def test_only_who_asked_for_the_sending_that_was_begun_is_told_that_it_has_begun(
    open_one: Open, enter: Enter, clock: ManualClock
) -> None:
    """Both rows are this worker's by now, one leased again, one being sent: neither as its caller saw it."""
    ledger = await open_one()
    seen = await enter(ledger, 2)
    await ledger.return_leases()
    first, second = await take(ledger)
    await lose_next_answer(ledger)
    with pytest.raises(LedgerError, match="the answer never came"):
        await ledger.move(second, Event.SEND)
    with pytest.raises(IllegalMove):
        await ledger.move(second, Event.SEND)  # asked once: whoever has begun it may be at it
    clock.advance(ledger.lease)
    [again] = await take(ledger)
    assert (again.id, again.version) == (first.id, first.version + 1)
    await ledger.begin_run()
    await lose_next_answer(ledger)
    told = await asyncio.gather(
        ledger.move(first, Event.SEND), ledger.move(seen[1], Event.SEND), return_exceptions=True
    )
    assert [type(each) for each in told] == [IllegalMove] * 2
    assert (await ledger.move(again, Event.SEND)).state is State.SENDING
    await ledger.end_run()


# -- events from outside the runs -------------------------------------------------------------------------------------


async def test_an_event_that_somebody_was_faster_than_is_decided_again_by_what_is_there_now(
    open_one: Open, enter: Enter
) -> None:
    ledger, other = await open_one(), await open_one()
    [row] = await enter(ledger, 1)
    sending = await ledger.move(row, Event.SEND)
    get, seen = ledger.get, list[State]()

    async def get_too_early(order_id: str) -> Any:
        found = await get(order_id)
        if not seen:
            await other.move(sending, Event.ACCEPTED, transaction_id="D1")
        return found

    def decide(row: Any) -> Event:
        seen.append(row.state)
        return Event.FOUND_COMPLETE

    ledger.get = get_too_early  # type: ignore[method-assign]
    moved = await ledger.apply_event(row.order_id, decide)
    assert seen == [State.SENDING, State.ACCEPTED]
    assert moved is not None
    assert (moved.state, moved.transaction_id) == (State.SETTLED, "D1")


async def test_in_the_callers_transaction_nobody_else_can_move_the_row_between_the_look_and_the_move(
    open_one: Open, enter: Enter, dsn: str
) -> None:
    ledger = await open_one()
    [row] = await enter(ledger, 1)

    def decide(row: Any) -> Event:
        with psycopg.connect(dsn) as another, pytest.raises(psycopg.errors.LockNotAvailable):
            another.execute("SELECT FROM paycools_payouts FOR UPDATE NOWAIT")
        return Event.FOUND_PENDING

    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        moved = await ledger.apply_event_in(connection, row.order_id, decide, {"transaction_id": "D1"})
    assert moved is not None
    assert (moved.state, moved.transaction_id) == (State.ACCEPTED, "D1")
    assert moved == await ledger.get(row.order_id)


async def test_in_the_callers_transaction_what_is_not_here_or_cannot_be_changes_nothing(
    open_one: Open, enter: Enter, dsn: str
) -> None:
    ledger = await open_one()
    [row] = await enter(ledger, 1)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        assert await ledger.apply_event_in(connection, "NOBODYS", Event.FOUND_COMPLETE, {}) is None
        found = await ledger.apply_event_in(connection, row.order_id, Event.ADOPT, {"message": "no"})
    assert found == await ledger.get(row.order_id) == row
