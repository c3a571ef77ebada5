"""Callbacks move a batch ledger's rows, also while a run is using it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, OpenLedger
from support.callbacks import PAYOUT, SECRET, signed

from paycools_async import PayCoolsPH
from paycools_async.batch import Event as Move
from paycools_async.batch import Ledger, Options, PHPayouts, Runner, State
from paycools_async.batch.callback_feed import LedgerFeed
from paycools_async.batch.ledger.sqlite.ledger import Row
from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.inbox import CallbackInbox, SQLiteStore
from paycools_async.callbacks.postgres import PostgresStore
from paycools_async.testing import FakePayCools, ManualClock


def payout(order_id: str, status: str = "COMPLETE", amount: int = 50010) -> bytes:
    fields = {**PAYOUT, "mchOrderId": order_id, "amount": amount, "transactionStatus": status}
    if status == "FAILED":
        fields |= {"eventName": "disbursement.failed", "failedCode": -10005, "failedMessage": "Account Error"}
    return signed(fields)


@pytest.fixture
def router(ledger: Ledger) -> CallbackRouter:
    from paycools_async.ph import PayoutSettled

    found = CallbackRouter(PHCallbacks(SECRET))
    found.on(PayoutSettled)(LedgerFeed(ledger))
    return found


async def rows(ledger: Ledger) -> dict[str, Row]:
    return {row.order_id: row async for page in ledger.pages() for row in page}


@pytest.fixture
async def sent(ledger: Ledger, plan: Any, write_orders: Callable[..., Path]) -> list[str]:
    """Order ids of rows that are planned, sending, unknown and accepted."""
    await plan(write_orders(4))
    found = list((await rows(ledger)).values())
    ways: tuple[list[Move], ...] = ([], [Move.SEND], [Move.SEND, Move.UNCLEAR], [Move.SEND, Move.ACCEPTED])
    for start, moves in zip(found, ways, strict=True):
        row = start
        for move in moves:
            row = await ledger.move(row, move)
    states = [row.state for row in (await rows(ledger)).values()]
    assert states == [State.PLANNED, State.SENDING, State.UNKNOWN, State.ACCEPTED]
    return [row.order_id for row in found]


@STORES
async def test_what_was_sent_settles_or_fails(ledger: Ledger, router: CallbackRouter, sent: list[str]) -> None:
    _, sending, unknown, accepted = sent
    for raw in (payout(sending), payout(unknown, "FAILED"), payout(accepted)):
        assert (await router.handle(raw))[0] == 200
    found = await rows(ledger)
    assert [found[order_id].state for order_id in sent[1:]] == [State.SETTLED, State.FAILED, State.SETTLED]
    assert found[unknown].transaction_id == PAYOUT["transactionId"]
    assert (found[unknown].code, found[unknown].message) == (-10005, "Account Error")


@STORES
async def test_a_repeated_callback_changes_nothing(ledger: Ledger, router: CallbackRouter, sent: list[str]) -> None:
    await router.handle(payout(sent[3]))
    before = await rows(ledger)
    await router.handle(payout(sent[3]))
    await router.handle(payout(sent[3], "PENDING"))
    assert await rows(ledger) == before


@STORES
async def test_contradictions_are_for_a_human(
    ledger: Ledger, router: CallbackRouter, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    await router.handle(payout(sent[3]))
    await router.handle(payout(sent[3], "FAILED"))
    await router.handle(payout(sent[2], amount=99999))
    found = await rows(ledger)
    assert found[sent[3]].state is found[sent[2]].state is State.CONFLICT
    assert "a human has to look" in caplog.text


@STORES
async def test_orders_of_others_are_left_alone(ledger: Ledger, router: CallbackRouter, sent: list[str]) -> None:
    before = await rows(ledger)
    assert (await router.handle(payout("SOMEBODYELSES")))[0] == 200
    assert await rows(ledger) == before


@STORES
async def test_an_order_that_was_not_sent_is_not_sent_any_more(
    ledger: Ledger, router: CallbackRouter, sent: list[str]
) -> None:
    """PayCools says that it is paid: somebody else sent it, or it is an old callback played again."""
    assert (await router.handle(payout(sent[0])))[0] == 200
    assert (await rows(ledger))[sent[0]].state is State.PREEXISTING


async def inbox_store(home: str, clock: ManualClock) -> SQLiteStore | PostgresStore:
    if home.startswith("postgresql://"):
        return await PostgresStore.open(home, clock=clock.time)
    return await SQLiteStore.open(home, clock=clock.time)


@STORES
async def test_an_inbox_where_the_ledger_stands_moves_and_marks_in_one_commit(
    ledger: Ledger, router: CallbackRouter, sent: list[str], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await inbox_store(ledger.location, clock)
    inbox = CallbackInbox(router, store, clock=clock.time)
    await inbox.handle(payout(sent[3]))
    real = ledger.apply_event_in

    def moved_and_then_broken(connection: Any, *args: Any) -> Any:
        moved = real(connection, *args)

        async def break_later() -> None:
            await moved
            raise RuntimeError("killed between the two")

        if inspect.isawaitable(moved):
            return break_later()
        raise RuntimeError("killed between the two")

    monkeypatch.setattr(ledger, "apply_event_in", moved_and_then_broken)
    await inbox.drain()
    assert (await rows(ledger))[sent[3]].state is State.ACCEPTED
    assert await store.counts() == {"new": 1}
    monkeypatch.undo()
    clock.advance(1)
    await inbox.drain()
    assert (await rows(ledger))[sent[3]].state is State.SETTLED
    assert await store.counts() == {"applied": 1}
    await inbox.aclose()


@STORES
async def test_an_inbox_elsewhere_moves_first_and_marks_then(
    ledger: Ledger, router: CallbackRouter, sent: list[str], clock: ManualClock, tmp_path: Path
) -> None:
    """Two commits: killed between them, the event is applied twice, which changes nothing."""
    store = await SQLiteStore.open(tmp_path / "elsewhere.db", clock=clock.time)
    inbox = CallbackInbox(router, store, clock=clock.time)
    await inbox.handle(payout(sent[3]))
    await router.handle(payout(sent[3]))  # as if the move had been made, and the mark had not
    before = await rows(ledger)
    assert before[sent[3]].state is State.SETTLED
    await inbox.drain()
    assert await rows(ledger) == before
    assert await store.counts() == {"applied": 1}
    await inbox.aclose()


@STORES
async def test_a_move_in_the_inboxes_commit_keeps_to_the_rules(
    ledger: Ledger, router: CallbackRouter, sent: list[str], clock: ManualClock
) -> None:
    store = await inbox_store(ledger.location, clock)
    inbox = CallbackInbox(router, store, clock=clock.time)
    told = (payout("SOMEBODYELSES"), payout(sent[2], amount=99999), payout(sent[1], "FAILED"), payout(sent[0]))
    for number, raw in enumerate(told):
        fields = {**json.loads(raw), "transactionId": f"D{number:019}"}
        await inbox.handle(signed({name: value for name, value in fields.items() if name != "sign"}))
    await inbox.drain()
    found = await rows(ledger)
    states = [found[order_id].state for order_id in sent]
    assert states == [State.PREEXISTING, State.FAILED, State.CONFLICT, State.ACCEPTED]
    assert (found[sent[1]].code, found[sent[1]].message) == (-10005, "Account Error")
    [log] = [found for page in ledger.timelines() for found in page if found.order_id == sent[1]]
    assert log.final is not None, "the log of moves tells it too"
    assert await store.counts() == {"applied": 4}
    await inbox.aclose()


@STORES
async def test_a_callback_may_overtake_the_answer_of_the_call_itself(
    fake: FakePayCools,
    ledger: Ledger,
    plan: Any,
    write_orders: Callable[..., Path],
    clock: ManualClock,
    open_ledger: OpenLedger,
) -> None:
    """While the run waits for PayCools' answer, another process settles the row by callback; the run accepts that."""
    await plan(write_orders(3))
    other = await open_ledger(None)
    router = CallbackRouter(PHCallbacks(fake.ph_credentials.callback_secret or ""))
    from paycools_async.ph import PayoutSettled

    router.on(PayoutSettled)(LedgerFeed(other))
    handle = fake.handle

    async def deliver_first(request: Any) -> Any:
        answer = await handle(request)
        for body in fake.merchant.due_callbacks():
            assert (await router.handle(body))[0] == 200
        return answer

    fake.handle = deliver_first  # type: ignore[method-assign]
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock) as paycools:
        summary = await Runner(PHPayouts(paycools), ledger, Options(concurrency=2), clock=clock).run()
    assert summary.exit_code == 0
    assert summary.rows(State.SETTLED) == 3
    assert "ph.payout.query" not in fake.requests
