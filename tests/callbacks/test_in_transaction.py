"""Work given to `in_transaction` is done in the commit of the inbox's mark: both or neither. Both stores."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from support.callbacks import SECRET, MakeInbox, counts, payout, signed

from paycools_async.callbacks import CallbackRouter, PHCallbacks, UnknownEvent
from paycools_async.callbacks.inbox import in_transaction
from paycools_async.ph import PayoutSettled
from paycools_async.testing import ManualClock


class TestInTransaction:
    """Work given to `in_transaction` is done in the commit of the mark: both or neither."""

    async def test_both_or_neither(self, make_inbox: MakeInbox, clock: ManualClock) -> None:
        router = CallbackRouter(PHCallbacks(SECRET))
        broken = [True]

        @router.on(PayoutSettled)
        async def settled(event: PayoutSettled) -> None:
            in_transaction(lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS paid (n INTEGER)"))
            in_transaction(lambda connection: connection.execute("INSERT INTO paid VALUES (1)"))
            if broken[0]:
                in_transaction(lambda connection: 1 / 0)

        inbox = await make_inbox(router)
        await inbox.handle(payout(1))
        await inbox.drain()
        assert await counts(inbox) == {"new": 1}
        broken[0] = False
        clock.advance(1)
        await inbox.drain()
        assert await counts(inbox) == {"applied": 1}
        found: list[Any] = []
        shop_table = "SELECT count(*) FROM paid"
        router.on(UnknownEvent)(
            lambda event: in_transaction(lambda connection: found.append(connection.execute(shop_table)))
        )
        await inbox.handle(signed({"eventName": "news"}))
        await inbox.drain()
        (cursor,) = found
        if isinstance(cursor, sqlite3.Cursor):
            assert cursor.fetchone() == (1,)
        else:
            assert await (await cursor).fetchone() == (1,)

    async def test_work_that_the_database_refuses_does_not_hold_up_the_others(self, make_inbox: MakeInbox) -> None:
        router = CallbackRouter(PHCallbacks(SECRET))
        seen: list[str] = []

        @router.on(PayoutSettled)
        async def settled(event: PayoutSettled) -> None:
            seen.append(event.mch_order_id)
            if event.mch_order_id == "PAY1":
                in_transaction(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))

        inbox = await make_inbox(router)
        for number in (1, 2, 3):
            await inbox.handle(payout(number))
        await inbox.drain()
        assert sorted(seen) == ["PAY1", "PAY2", "PAY3"]
        assert await counts(inbox) == {"new": 1, "applied": 2}

    async def test_work_that_would_end_sqlites_transaction_is_an_error_of_its_own_handler_alone(
        self, make_inbox: MakeInbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        router = CallbackRouter(PHCallbacks(SECRET))
        store: list[Any] = []

        def spoil(connection: Any) -> Any:
            store.append(connection)
            return connection.commit() if isinstance(connection, sqlite3.Connection) else 1 / 0

        @router.on(PayoutSettled)
        async def settled(event: PayoutSettled) -> None:
            if event.mch_order_id == "PAY1":
                in_transaction(spoil)

        inbox = await make_inbox(router)
        for number in (1, 2, 3):
            await inbox.handle(payout(number))
        await inbox.drain()
        assert await counts(inbox) == {"new": 1, "applied": 2}
        assert not isinstance(store[0], sqlite3.Connection) or "raised CommitRefused" in caplog.text

    def test_it_is_for_handlers_of_an_inbox_only(self) -> None:
        with pytest.raises(RuntimeError, match="in_transaction"):
            in_transaction(print)
