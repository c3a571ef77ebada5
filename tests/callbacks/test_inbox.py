"""Intake: stored before it is acknowledged, applied once, forward only, taken up again after a crash. Both stores."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support.callbacks import ACK, PAYOUT, QUESTION, SECRET, MakeInbox, Shop, counts, payout, signed

from paycools_async.callbacks import CallbackRouter, PHCallbacks, UnknownEvent, accept
from paycools_async.callbacks.inbox import CallbackInbox, InboxError, SQLiteStore
from paycools_async.endpoint import Event
from paycools_async.ph import AuthorizationChanged, BillsPaymentVerification
from paycools_async.testing import ManualClock

T = TypeVar("T")


async def test_it_is_stored_acknowledged_and_applied_once(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    assert await inbox.handle(payout(1)) == ACK
    assert shop.seen == []
    assert await inbox.handle(payout(1)) == ACK
    assert await inbox.drain() == 1
    assert await inbox.handle(payout(1)) == ACK
    assert await inbox.drain() == 0
    assert shop.seen == ["PAY1 COMPLETE"]
    assert await counts(inbox) == {"applied": 1}


async def test_the_same_event_written_otherwise_is_the_same_event(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    await inbox.handle(payout(1))
    await inbox.handle(json.dumps(dict(reversed(json.loads(payout(1)).items()))).encode())
    assert await counts(inbox) == {"new": 1}


async def test_a_repetition_with_another_time_is_applied_once(make_inbox: MakeInbox, shop: Shop) -> None:
    """Should PayCools write a new time into what it sends again: transaction, event, status and amount are the same."""
    inbox = await make_inbox()
    for minute in (10, 11):
        await inbox.handle(payout(1, returnTime=f"2026-01-05 09:{minute}:00"))
    await inbox.drain()
    assert shop.seen == ["PAY1 COMPLETE"]
    assert await counts(inbox) == {"applied": 1, "superseded": 1}


async def test_a_late_pending_never_undoes_a_complete(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    for status in ("COMPLETE", "PENDING"):
        await inbox.handle(payout(1, status))
    for status in ("PENDING", "COMPLETE"):
        await inbox.handle(payout(2, status))
    await inbox.drain()
    assert sorted(shop.seen) == ["PAY1 COMPLETE", "PAY2 COMPLETE", "PAY2 PENDING"]
    assert shop.seen.index("PAY2 PENDING") < shop.seen.index("PAY2 COMPLETE")


async def test_word_to_the_contrary_is_not_hidden(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    for status in ("FAILED", "COMPLETE"):
        await inbox.handle(payout(1, status))
    await inbox.drain()
    assert shop.seen == ["PAY1 FAILED", "PAY1 COMPLETE"]


async def test_an_ended_authorization_is_not_revived_by_a_late_creation(make_inbox: MakeInbox) -> None:
    seen: list[str] = []
    router = CallbackRouter(PHCallbacks(SECRET))
    router.on(AuthorizationChanged)(lambda event: seen.append(event.event_name))
    inbox = await make_inbox(router)
    common = {"userId": "u1", "requestId": "r1"}
    await inbox.handle(signed({**common, "eventName": "token.cancel.success", "tokenStatus": "INACTIVED"}))
    await inbox.handle(signed({**common, "eventName": "token.create.success", "tokenStatus": "ACTIVED"}))
    await inbox.drain()
    assert seen == ["token.cancel.success"]


async def test_a_failing_handler_is_called_again_after_a_growing_pause(
    make_inbox: MakeInbox, shop: Shop, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make_inbox()
    shop.failures = 2
    assert await inbox.handle(payout(1)) == ACK
    await inbox.drain()
    assert "RuntimeError; it is applied again in 1 seconds" in caplog.text
    assert await inbox.drain() == 0
    clock.advance(1)
    assert await inbox.drain() == 1
    clock.advance(1)
    assert await inbox.drain() == 0
    clock.advance(1)
    await inbox.drain()
    assert shop.seen == ["PAY1 COMPLETE"]


async def test_one_that_fails_does_not_hold_up_the_others(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    shop.failures = 1
    for number in (1, 2, 3):
        await inbox.handle(payout(number))
    await inbox.drain()
    assert len(shop.seen) == 2


async def test_what_a_process_left_is_applied_by_the_next(make_inbox: MakeInbox, shop: Shop) -> None:
    first = await make_inbox()
    await first.handle(payout(1))
    await first.aclose()
    second = await make_inbox()
    assert await second.drain() == 1
    assert shop.seen == ["PAY1 COMPLETE"]


async def test_one_of_several_processes_applies_and_another_takes_over(
    make_inbox: MakeInbox, shop: Shop, clock: ManualClock
) -> None:
    first, second = await make_inbox(), await make_inbox()
    await first.handle(payout(1))
    assert await first.drain() == 1
    await second.handle(payout(2))
    assert await second.drain() == 0
    await first.aclose()
    assert await second.drain() == 1
    assert shop.seen == ["PAY1 COMPLETE", "PAY2 COMPLETE"]


async def test_it_applies_by_itself(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    await inbox.start()
    await inbox.handle(payout(1))
    async with asyncio.timeout(60):
        while not shop.seen:
            await asyncio.sleep(0.01)


async def test_a_question_is_answered_at_once_and_not_stored(make_inbox: MakeInbox, shop: Shop) -> None:
    shop.router.on(BillsPaymentVerification)(lambda event: accept())
    inbox = await make_inbox()
    assert await inbox.handle(signed(QUESTION)) == (200, b'{"code":2000,"msg":"Success"}')
    assert await counts(inbox) == {}


async def test_what_is_not_verified_is_not_stored(make_inbox: MakeInbox) -> None:
    inbox = await make_inbox()
    assert (await inbox.handle(signed(PAYOUT, "another")))[0] == 400
    assert await counts(inbox) == {}


async def test_a_database_that_fails_is_one_error_and_is_tried_again(make_inbox: MakeInbox, shop: Shop) -> None:
    inbox = await make_inbox()
    await inbox.handle(payout(1))
    mark = inbox._store.mark

    async def broken(*args: Any) -> None:
        raise InboxError("disk full")

    inbox._store.mark = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(InboxError, match="disk full"):
        await inbox.drain()
    inbox._store.mark = mark  # type: ignore[method-assign]
    assert await inbox.drain() == 1
    assert shop.seen == ["PAY1 COMPLETE", "PAY1 COMPLETE"]  # at least once


async def test_what_cannot_be_stored_is_not_acknowledged(
    make_inbox: MakeInbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make_inbox()

    async def broken(item: Any) -> bool:
        raise InboxError("disk full")

    inbox._store.add = broken  # type: ignore[method-assign]
    assert (await inbox.handle(payout(1)))[0] == 500
    assert "it is not stored" in caplog.text


async def test_an_unknown_event_is_kept_until_somebody_handles_it(
    make_inbox: MakeInbox, shop: Shop, clock: ManualClock
) -> None:
    inbox = await make_inbox()
    assert await inbox.handle(payout(1, amount="a lot")) == ACK
    await inbox.drain()
    assert await counts(inbox) == {"new": 1}
    seen: list[Event] = []
    shop.router.on(UnknownEvent)(seen.append)
    clock.advance(2)
    await inbox.drain()
    assert len(seen) == 1
    assert await counts(inbox) == {"applied": 1}


async def test_an_edited_row_is_not_acted_on(tmp_path: Path, shop: Shop, clock: ManualClock) -> None:
    """The stored body is verified again before it is applied."""
    inbox = CallbackInbox(shop.router, await SQLiteStore.open(tmp_path / "i.db", clock=clock.time), clock=clock.time)
    await inbox.handle(payout(1))
    with sqlite3.connect(tmp_path / "i.db") as other:
        other.execute("UPDATE paycools_callbacks SET body = replace(body, '150000', '950000')")
    other.close()
    await inbox.drain()
    assert shop.seen == []
    assert await counts(inbox) == {"new": 1}
    await inbox.aclose()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database, but a text that is long enough to look at\n" * 99)
    with pytest.raises(InboxError, match="cannot be used"):
        await SQLiteStore.open(tmp_path / "x")


async def test_many_callbacks_in_any_order_with_repetitions(make_inbox: MakeInbox, shop: Shop) -> None:
    dice = random.Random(7)
    bodies = [payout(number, status) for number in range(60) for status in ("PENDING", "COMPLETE")]
    bodies += dice.sample(bodies, 40)
    dice.shuffle(bodies)
    inbox = await make_inbox()
    await inbox.start()
    answers = await asyncio.gather(*map(inbox.handle, bodies))
    assert set(answers) == {ACK}
    async with asyncio.timeout(60):
        while (await counts(inbox)).get("new"):
            await asyncio.sleep(0.01)
    assert len(shop.seen) == len(set(shop.seen))
    assert {f"PAY{number} COMPLETE" for number in range(60)} <= set(shop.seen)
    last = {line.split()[0]: line.split()[1] for line in shop.seen}
    assert set(last.values()) == {"COMPLETE"}


# --- another loop -----------------------------------------------------------------------------------------------------


def elsewhere(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine in a thread and an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(make())).result()


async def test_an_inbox_that_was_started_says_so_in_another_loop(
    make_inbox: MakeInbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make_inbox()
    await inbox.start()
    status, _ = await asyncio.to_thread(elsewhere, lambda: inbox.handle(payout(1)))
    assert status == 500
    assert "PAY1" in caplog.text
    assert "the inbox was started in another event loop: call it from that one" in caplog.text
    for method in (inbox.start, inbox.drain, inbox.aclose):
        with pytest.raises(InboxError, match="another event loop"):
            await asyncio.to_thread(elsewhere, method)
    assert await inbox.handle(payout(1)) == ACK


def test_an_inbox_whose_loop_is_gone_can_be_closed(tmp_path: Path, shop: Shop) -> None:
    async def begin() -> CallbackInbox:
        inbox = CallbackInbox(shop.router, await SQLiteStore.open(tmp_path / "inbox.db"))
        await inbox.start()
        return inbox

    inbox = asyncio.run(begin())
    assert asyncio.run(inbox.handle(payout(1)))[0] == 500
    asyncio.run(inbox.aclose())


async def test_a_store_of_another_loop_says_so(tmp_path: Path, shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    store = await SQLiteStore.open(tmp_path / "inbox.db")
    inbox = CallbackInbox(shop.router, store)
    status, _ = await asyncio.to_thread(elsewhere, lambda: inbox.handle(payout(1)))
    assert status == 500
    assert "inbox.db: it was opened in another event loop: open it in the one that uses it" in caplog.text
    assert await inbox.handle(payout(1)) == ACK
    await inbox.aclose()


async def test_an_inbox_of_another_process_says_so(
    make_inbox: MakeInbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make_inbox()
    await inbox.start()
    with monkeypatch.context() as patch:
        patch.setattr("os.getpid", lambda: -1)
        assert (await inbox.handle(payout(1)))[0] == 500
    assert "the inbox was started in another process: open store and inbox after the fork" in caplog.text


async def test_its_gauges_say_how_much_waits_and_for_how_long(
    make_inbox: MakeInbox, shop: Shop, clock: ManualClock
) -> None:
    inbox = await make_inbox()
    gauges = await inbox.gauges()
    assert (gauges.rows, gauges.backlog) == ({"new": 0, "applied": 0, "superseded": 0}, 0)
    assert gauges.oldest_age is None
    for number in (1, 2):
        await inbox.handle(payout(number))
        await clock.sleep(10)
    gauges = await inbox.gauges()
    assert (gauges.rows["new"], gauges.backlog) == (2, 2)
    assert gauges.oldest_age == pytest.approx(20)
    shop.failures = 1
    await inbox.drain()
    gauges = await inbox.gauges()
    assert gauges.rows == {"new": 1, "applied": 1, "superseded": 0}
    await clock.sleep(5)
    await inbox.drain()
    gauges = await inbox.gauges()
    assert (gauges.rows["applied"], gauges.backlog, gauges.oldest_age) == (2, 0, None)
