"""Ledgers and inboxes when their event loop ends, or another one wants them too."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from support.callbacks import Shop, payout

from paycools_async.batch import LedgerError, SQLiteLedger
from paycools_async.callbacks import CallbackInbox, InboxError, SQLiteStore


def test_a_ledger_goes_on_in_the_next_loop(tmp_path: Path) -> None:
    ledger = asyncio.run(SQLiteLedger.open(tmp_path / "l.db", None))
    for _ in range(3):
        assert asyncio.run(ledger.batches()) == []
    asyncio.run(ledger.aclose())


def test_what_a_loop_left_behind_does_not_reach_the_next_one(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    ledger = loop.run_until_complete(SQLiteLedger.open(tmp_path / "l.db", None))

    async def leave() -> None:
        ledger._store.read(lambda db: db.execute("SELECT 1").fetchone())
        await asyncio.sleep(0)

    loop.run_until_complete(leave())
    loop.close()
    assert asyncio.run(ledger.batches()) == []
    asyncio.run(ledger.aclose())


def test_a_ledger_of_a_loop_that_is_not_closed_says_so(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    ledger = loop.run_until_complete(SQLiteLedger.open(tmp_path / "l.db", None))
    with pytest.raises(LedgerError, match="it was opened in another event loop: open it in the one that uses it"):
        asyncio.run(ledger.batches())
    assert loop.run_until_complete(ledger.batches()) == []
    loop.run_until_complete(ledger.aclose())
    loop.close()


def test_an_inbox_is_started_again_in_the_next_loop_and_applies_what_was_stored(tmp_path: Path) -> None:
    shop = Shop()

    async def first() -> tuple[CallbackInbox, int]:
        inbox = CallbackInbox(shop.router, await SQLiteStore.open(tmp_path / "i.db"))
        await inbox.start()
        return inbox, (await inbox.handle(payout(1)))[0]

    inbox, status = asyncio.run(first())  # which cancels what still runs
    assert (status, inbox.health.applying) == (200, False)
    assert asyncio.run(inbox.handle(payout(2)))[0] == 500, "nobody would apply it"

    async def second() -> int:
        await inbox.start()
        assert inbox.health.applying
        status, _ = await inbox.handle(payout(2))
        await inbox.drain()
        await inbox.aclose()
        return status

    assert asyncio.run(second()) == 200
    assert sorted(shop.seen) == ["PAY1 COMPLETE", "PAY2 COMPLETE"]


def test_an_inbox_of_another_loop_stores_nothing_and_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shop, loop = Shop(), asyncio.new_event_loop()
    store = loop.run_until_complete(SQLiteStore.open(tmp_path / "i.db"))
    inbox = CallbackInbox(shop.router, store)
    loop.run_until_complete(inbox.start())
    with caplog.at_level(logging.ERROR, "paycools_async"):
        status, _ = asyncio.run(inbox.handle(payout(1)))
    assert status == 500
    assert "the inbox was started in another event loop" in caplog.text
    with pytest.raises(InboxError, match="another event loop"):
        asyncio.run(inbox.start())
    with pytest.raises(InboxError, match="another event loop"):
        asyncio.run(inbox.aclose())
    assert loop.run_until_complete(store.counts()) == {}
    loop.run_until_complete(inbox.aclose())
    loop.close()
