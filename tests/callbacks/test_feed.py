"""Callbacks move a batch ledger's rows, also while a run is using it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callbacks.kit import PAYOUT, SECRET, signed
from conftest_batch import STORES

from paycools_async import PayCoolsPH
from paycools_async.batch import Event as Move
from paycools_async.batch import Options, PHPayouts, Runner, SQLiteLedger, State
from paycools_async.batch.ledger import Row
from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.feed import LedgerFeed
from paycools_async.callbacks.inbox import CallbackInbox
from paycools_async.callbacks.stores import SQLiteStore
from paycools_async.testing import FakePayCools, ManualClock


def payout(order_id: str, status: str = "COMPLETE", amount: int = 50010) -> bytes:
    fields = {**PAYOUT, "mchOrderId": order_id, "amount": amount, "transactionStatus": status}
    if status == "FAILED":
        fields |= {"eventName": "disbursement.failed", "failedCode": -10005, "failedMessage": "Account Error"}
    return signed(fields)


@pytest.fixture
def router(ledger: SQLiteLedger) -> CallbackRouter:
    from paycools_async.ph import PayoutSettled

    found = CallbackRouter(PHCallbacks(SECRET))
    found.on(PayoutSettled)(LedgerFeed(ledger))
    return found


async def rows(ledger: SQLiteLedger) -> dict[str, Row]:
    return {row.order_id: row async for page in ledger.pages() for row in page}


@pytest.fixture
async def sent(ledger: SQLiteLedger, plan: Any, write_orders: Callable[..., Path]) -> list[str]:
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
async def test_what_was_sent_settles_or_fails(ledger: SQLiteLedger, router: CallbackRouter, sent: list[str]) -> None:
    _, sending, unknown, accepted = sent
    for raw in (payout(sending), payout(unknown, "FAILED"), payout(accepted)):
        assert (await router.handle(raw))[0] == 200
    found = await rows(ledger)
    assert [found[order_id].state for order_id in sent[1:]] == [State.SETTLED, State.FAILED, State.SETTLED]
    assert found[unknown].transaction_id == PAYOUT["transactionId"]
    assert (found[unknown].code, found[unknown].message) == (-10005, "Account Error")


@STORES
async def test_a_repeated_callback_changes_nothing(
    ledger: SQLiteLedger, router: CallbackRouter, sent: list[str]
) -> None:
    await router.handle(payout(sent[3]))
    before = await rows(ledger)
    await router.handle(payout(sent[3]))
    await router.handle(payout(sent[3], "PENDING"))
    assert await rows(ledger) == before


@STORES
async def test_contradictions_are_for_a_human(
    ledger: SQLiteLedger, router: CallbackRouter, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    await router.handle(payout(sent[3]))
    await router.handle(payout(sent[3], "FAILED"))
    await router.handle(payout(sent[2], amount=99999))
    found = await rows(ledger)
    assert found[sent[3]].state is found[sent[2]].state is State.CONFLICT
    assert "a human has to look" in caplog.text


async def test_orders_of_others_are_left_alone(ledger: SQLiteLedger, router: CallbackRouter, sent: list[str]) -> None:
    before = await rows(ledger)
    assert (await router.handle(payout("SOMEBODYELSES")))[0] == 200
    assert await rows(ledger) == before


async def test_an_order_that_was_not_sent_is_not_sent_any_more(
    ledger: SQLiteLedger, router: CallbackRouter, sent: list[str]
) -> None:
    """PayCools says that it is paid: somebody else sent it."""
    assert (await router.handle(payout(sent[0])))[0] == 200
    assert (await rows(ledger))[sent[0]].state is State.SETTLED


async def test_an_inbox_in_the_ledgers_own_file_moves_and_marks_in_one_commit(
    ledger: SQLiteLedger, router: CallbackRouter, sent: list[str], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await SQLiteStore.open(ledger.path, clock=clock.time)
    inbox = CallbackInbox(router, store, clock=clock.time)
    await inbox.handle(payout(sent[3]))
    real = ledger.found_in

    def moved_and_then_broken(*args: Any) -> Any:
        real(*args)
        raise RuntimeError("killed between the two")

    monkeypatch.setattr(ledger, "found_in", moved_and_then_broken)
    await inbox.drain()
    assert (await rows(ledger))[sent[3]].state is State.ACCEPTED
    assert await store.counts() == {"new": 1}
    monkeypatch.undo()
    clock.advance(1)
    await inbox.drain()
    assert (await rows(ledger))[sent[3]].state is State.SETTLED
    assert await store.counts() == {"applied": 1}
    await inbox.aclose()
    reopened = await SQLiteLedger.open(ledger.path, None, exclusive=False)  # still a ledger
    await reopened.aclose()


async def test_a_callback_may_overtake_the_answer_of_the_call_itself(
    fake: FakePayCools, ledger: SQLiteLedger, plan: Any, write_orders: Callable[..., Path], clock: ManualClock
) -> None:
    """While the run waits for PayCools' answer, another process settles the row by callback; the run accepts that."""
    await plan(write_orders(3))
    other = await SQLiteLedger.open(ledger.path, None, exclusive=False, clock=clock.time)
    router = CallbackRouter(PHCallbacks(fake.ph_credentials.callback_secret or ""))
    from paycools_async.ph import PayoutSettled

    router.on(PayoutSettled)(LedgerFeed(other))
    handle = fake.handle

    async def deliver_first(request: Any) -> Any:
        answer = await handle(request)
        for body in fake.books.due_callbacks():
            assert (await router.handle(body))[0] == 200
        return answer

    fake.handle = deliver_first  # type: ignore[method-assign]
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock) as paycools:
        summary = await Runner(PHPayouts(paycools), ledger, Options(concurrency=2), clock=clock).run()
    assert summary.exit_code == 0
    assert summary.rows(State.SETTLED) == 3
    assert "ph.payout.query" not in fake.requests
    await other.aclose()
