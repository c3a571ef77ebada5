"""Handlers and database works that never return: the others go on, and the operator is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.callbacks import SECRET, payout
from support.waiting import until, wait_for

from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks
from paycools_async.callbacks.inbox import SQLiteStore, in_transaction, inbox, sqlite
from paycools_async.callbacks.threads import MOST_WORKING, HandlerThreads
from paycools_async.ph import PayoutSettled


async def until_counted(store: SQLiteStore, state: str, number: int) -> None:
    async def counted() -> bool:
        return (await store.counts()).get(state, 0) >= number

    await until(counted)


async def test_as_many_hung_handlers_as_there_are_threads_stop_nobody(tmp_path: Path) -> None:
    router = CallbackRouter(PHCallbacks(SECRET), handler_timeout=0.2)
    released = threading.Event()

    @router.on(PayoutSettled)
    def take(event: PayoutSettled) -> None:
        if event.mch_order_id.startswith("PAY1"):
            released.wait(120)

    store = await SQLiteStore.open(tmp_path / "inbox.db")
    async with CallbackInbox(router, store, poll=0.02, concurrency=MOST_WORKING) as box:
        for number in range(MOST_WORKING + 8):
            await box.handle(payout(100 + number))
        await until(lambda: str(box.health.problem).startswith(f"{MOST_WORKING + 8} calls"))
        for number in range(5):
            await box.handle(payout(900 + number))
        await until_counted(store, "applied", 5)
        released.set()
        await until(lambda: box.health.problem is None)


def test_threads_are_bounded_and_end_when_they_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paycools_async.callbacks.threads.MOST_WORKING", 2)
    monkeypatch.setattr("paycools_async.callbacks.threads.MOST_HUNG", 1)
    monkeypatch.setattr("paycools_async.callbacks.threads._IDLE", 0.05)
    threads, released = HandlerThreads(), threading.Event()
    hung = [threads.submit(released.wait) for _ in range(2)]
    wait_for(lambda: all(call.running() for call in hung), every=0.01)
    threads.give_up(hung[0])
    assert threads.submit(lambda: "done").result(60) == ("done", None)  # in the thread that replaces it
    threads.give_up(hung[1])
    hung.append(threads.submit(released.wait))  # in the same one, or in another if that has ended
    wait_for(hung[2].running, every=0.01)
    threads.give_up(hung[2])
    never = threads.submit(lambda: "done")
    released.wait(0.2)
    assert not never.running()
    assert threads._threads == 3
    assert threads.problem is not None
    assert "start the process anew" in threads.problem
    released.set()
    assert never.result(60) == ("done", None)
    wait_for(lambda: not threads._threads, every=0.01)
    assert threads.problem is None


@pytest.mark.process
def test_a_process_ends_although_a_handler_hangs() -> None:
    code = (
        "import asyncio, time\n"
        "from paycools_async.callbacks.threads import HandlerThreads\n"
        "async def main():\n"
        "    HandlerThreads().submit(lambda: time.sleep(60))\n"
        "asyncio.run(main())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=50, check=False).returncode == 0


async def test_a_hung_work_does_not_keep_callbacks_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.1)
    released, begun = threading.Event(), threading.Event()
    router = CallbackRouter(PHCallbacks(SECRET), handler_timeout=0.2)

    def work(_: object) -> None:
        begun.set()
        released.wait(120)

    @router.on(PayoutSettled)
    async def take(event: PayoutSettled) -> None:
        if event.mch_order_id == "PAY1":
            in_transaction(work)

    store = await SQLiteStore.open(tmp_path / "inbox.db")
    async with CallbackInbox(router, store, poll=0.02) as box:
        await box.handle(payout(1))
        assert await asyncio.to_thread(begun.wait, 60)
        with monkeypatch.context() as quick:
            quick.setattr(inbox, "INTAKE_TIMEOUT", 0.2)
            async with asyncio.timeout(60):
                assert (await box.handle(payout(2)))[0] == 500
        assert str(box.health.problem).startswith("the store has not answered for 0.2 seconds; perhaps work given to")
        released.set()
        await until_counted(store, "applied", 1)
        assert (await box.handle(payout(2)))[0] == 200
        await until_counted(store, "applied", 2)
        await until(lambda: box.health.problem is None)
        begun.clear()
        released.clear()
        await box.handle(payout(1, status="FAILED"))
        assert await asyncio.to_thread(begun.wait, 60)
    released.set()
