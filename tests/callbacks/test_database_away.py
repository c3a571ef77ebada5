"""An inbox on PostgreSQL lives through a database that is away: nothing acknowledged is lost, and two lines say it."""

from __future__ import annotations

import asyncio
import logging
import signal

import pytest
from support.callbacks import ACK, Shop, counts, payout
from support.own_postgres import OwnPostgres
from support.waiting import until

from paycools_async.callbacks.inbox import CallbackInbox
from paycools_async.callbacks.postgres import PostgresStore


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_what_was_acknowledged_is_applied_after_a_restart(
    own_postgres: OwnPostgres, caplog: pytest.LogCaptureFixture, how: signal.Signals
) -> None:
    shop = Shop()
    inbox = CallbackInbox(shop.router, await PostgresStore.open(own_postgres.url()), poll=0.1)

    async def applied(number: int) -> bool:
        return await counts(inbox) == {"applied": number}

    async with inbox:
        assert await inbox.handle(payout(1)) == ACK
        await until(lambda: applied(1))
        await asyncio.to_thread(own_postgres.stop, how)
        status, _ = await inbox.handle(payout(2))
        assert status == 500, "PayCools sends it again"
        await until(lambda: inbox.health.problem is not None)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: inbox.health.problem is None)
        assert await inbox.handle(payout(2)) == ACK
        assert await inbox.handle(payout(3)) == ACK
        await until(lambda: applied(3))
    assert shop.seen == ["PAY1 COMPLETE", "PAY2 COMPLETE", "PAY3 COMPLETE"]
    assert "hush" not in caplog.text
    told = [each.getMessage() for each in caplog.records if "the inbox" in each.getMessage()]
    assert [each.partition(":")[0] for each in told if "cannot apply" in each or "applies" in each] == [
        "the inbox cannot apply for now",
        "the inbox applies again",
    ]
    assert not [each for each in caplog.records if each.exc_info and each.levelno >= logging.WARNING]
