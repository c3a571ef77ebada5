"""A PostgreSQL that is away, takes no writes or does not answer: submitting says what is known, it goes on later."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from durable.conftest import QUICK, order, there
from durable.test_telling import acknowledged
from support.callbacks import PAYOUT, SECRET, signed
from support.own_postgres import OwnPostgres
from support.waiting import until

from paycools_async import PayCoolsPH, PHCallbacks
from paycools_async.batch import LedgerError, State
from paycools_async.batch.ledger.postgres import application
from paycools_async.durable import DurablePayout, DurablePayouts
from paycools_async.durable import opened as durable_opened
from paycools_async.testing import FakePayCools

pytestmark = pytest.mark.process

Open = Callable[..., Any]


@pytest.fixture
def server(own_postgres: OwnPostgres) -> OwnPostgres:
    return own_postgres


@pytest.fixture
async def opened(client: PayCoolsPH, server: OwnPostgres) -> AsyncIterator[Open]:
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(**options: Any) -> DurablePayouts:
            values = {"options": QUICK, "poll": 0.05, "stop_within": 1.0, **options}
            return await stack.enter_async_context(DurablePayouts(client, server.url(), **values))

        yield open_one


async def refused(payouts: DurablePayouts, number: int = 1) -> LedgerError:
    began = time.monotonic()
    with pytest.raises(LedgerError) as caught:
        await payouts.submit(order(number))
    assert time.monotonic() - began < 40
    assert caught.value.order_id == f"APP{number:09}"
    assert "hush" not in str(caught.value)
    return caught.value


async def test_while_it_is_away_nothing_is_taken_and_everything_goes_on_when_it_is_back(
    opened: Open, server: OwnPostgres, live: FakePayCools, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live.payouts.settle_after = 1.0
    payouts: DurablePayouts = await opened()
    told: list[str] = []
    payouts.on_final(lambda payout: told.append(payout.order_id))
    await payouts.submit(order())
    async with asyncio.timeout(60):
        while (await there(payouts, "APP000000001")).state is not State.ACCEPTED:
            await asyncio.sleep(0.01)
    server.stop()
    error = await refused(payouts, 2)
    assert (error.outcome, "was not taken: " in str(error)) == ("not_sent", True)
    await asyncio.sleep(1.5)
    health = await payouts.health()
    assert (health.ok, health.running, health.backlog) == (False, True, None)
    server.start()
    await payouts.submit(order(2))
    for number in (1, 2):
        async with asyncio.timeout(60):
            while not (await there(payouts, f"APP{number:09}")).settled:
                await asyncio.sleep(0.05)
    await until(lambda: len(told) == 2)
    await acknowledged(payouts)
    assert sorted(told) == ["APP000000001", "APP000000002"]
    assert len(live.payouts.paid) == 2
    async with asyncio.timeout(60):
        while not (await payouts.health()).ok:
            await asyncio.sleep(0.05)
    for words in ("is away, and waited for", "database is back", "told nothing for now", "is told again of"):
        assert caplog.text.count(words) == 1, caplog.text
    assert "Traceback" not in caplog.text
    assert "hush" not in caplog.text


async def test_a_server_that_takes_no_writes_for_a_while_is_a_server_that_is_away(
    opened: Open, server: OwnPostgres, live: FakePayCools
) -> None:
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    assert (await payouts.wait("APP000000001", within=60)).settled
    server.set("default_transaction_read_only", "on")
    assert (await refused(payouts, 2)).outcome == "not_sent"
    server.set("default_transaction_read_only", "off")
    await payouts.submit(order(2))
    async with asyncio.timeout(60):
        while not (await there(payouts, "APP000000002")).settled:
            await asyncio.sleep(0.05)
    assert len(live.payouts.paid) == 2


async def test_a_commit_of_which_no_answer_came_is_unclear(
    opened: Open, server: OwnPostgres, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    enter = application.PostgresApplication._enter

    async def ended(self: Any, group: Any, writing: Any, connection: Any) -> Any:
        found = await enter(self, group, writing, connection)
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(application.PostgresApplication, "_enter", ended)
        assert (await refused(payouts, 2)).outcome == "unknown"
    server.start()
    await payouts.submit(order(2))
    async with asyncio.timeout(60):
        while not (await there(payouts, "APP000000002")).settled:
            await asyncio.sleep(0.05)
    assert len(live.payouts.paid) == 2


async def test_a_server_that_does_not_answer_is_given_up_in_time_and_what_it_was_given_is_paid_once(
    opened: Open, server: OwnPostgres, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_opened, "_PROBE", 0.5)
    payouts: DurablePayouts = await opened(submit_within=3.0)
    await payouts.submit(order())
    assert (await payouts.wait("APP000000001", within=60)).settled
    with server.frozen():
        first, second, health = await asyncio.gather(refused(payouts, 2), later(payouts, 3), payouts.health())
    assert (first.outcome, second.outcome) == ("unknown", "not_sent")
    assert (health.ok, health.backlog, health.last_error) == (
        False,
        None,
        "the ledger does not answer within 0.5 seconds",
    )
    for number in (2, 3):
        await payouts.submit(order(number))
        async with asyncio.timeout(60):
            while not (await there(payouts, f"APP{number:09}")).settled:
                await asyncio.sleep(0.05)
    assert len(live.payouts.paid) == 3


async def test_no_call_waits_for_ever_for_a_server_that_does_not_answer(
    opened: Open, server: OwnPostgres, live: FakePayCools
) -> None:
    live.payouts.settle_after = 3600
    payouts: DurablePayouts = await opened(submit_within=3.0)
    await payouts.submit(order())
    settled = _parsed(signed({**PAYOUT, "mchOrderId": "APP000000001", "amount": 50010}))
    with server.frozen():
        found = await asyncio.gather(
            payouts.get("APP000000001"),
            payouts.wait("APP000000001", within=60),
            anext(payouts.list()),
            payouts.withdraw("APP000000001", by="ana"),
            payouts.adopt("APP000000001"),
            payouts.resume(),
            payouts.feed(settled),
            return_exceptions=True,
        )
    assert [(str(each), getattr(each, "outcome", None)) for each in found] == [
        ("the ledger does not answer within 3 seconds", "unknown")
    ] * 7
    async with asyncio.timeout(60):
        while not (await there(payouts, "APP000000001")).needs_person:  # what was fed is done when it answers
            await asyncio.sleep(0.05)


def _parsed(body: bytes) -> Any:
    return PHCallbacks(SECRET).parse(body)


async def later(payouts: DurablePayouts, number: int) -> LedgerError:
    await asyncio.sleep(0.2)
    return await refused(payouts, number)


@pytest.mark.parametrize("how", ["away", "frozen"])
async def test_closing_stays_in_its_time_whatever_the_database_does(
    client: PayCoolsPH, server: OwnPostgres, live: FakePayCools, how: str
) -> None:
    live.payouts.settle_after = 3600
    told: list[DurablePayout] = []
    payouts = DurablePayouts(client, server.url(), options=QUICK, poll=0.05, stop_within=1.0, submit_within=3.0)
    payouts.on_final(told.append)
    await payouts.start()
    for number in range(1, 20):
        await payouts.submit(order(number))
    async with asyncio.timeout(60):
        while (await there(payouts, "APP000000001")).state is not State.ACCEPTED:
            await asyncio.sleep(0.01)
    with contextlib.ExitStack() as stack:
        if how == "frozen":
            stack.enter_context(server.frozen())
        else:
            server.stop()
        await asyncio.sleep(0.5)
        await refused(payouts, 20)
        probe = asyncio.create_task(payouts.health())
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await payouts.aclose()
        assert time.monotonic() - began < 20
        assert not (await probe).ok
    if how == "away":
        server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT count(*) FROM paycools_payouts").fetchone() in ((19,), (20,))
