"""The background: pauses that end by themselves, faults of the ledger, stopping in bounded time, health."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest
from durable.conftest import QUICK, Make, inside, order, there
from support.batch import STORES
from support.callbacks import signed
from support.waiting import until

from paycools_async import CallbackRouter, PayCoolsPH, PHCallbacks
from paycools_async.batch import LedgerError, State
from paycools_async.callbacks import CallbackInbox, SQLiteStore
from paycools_async.durable import DurablePayouts, Options, background
from paycools_async.ph import PayoutSettled
from paycools_async.testing import FakePayCools

pytestmark = STORES


async def until_paused(payouts: DurablePayouts) -> Any:
    async with asyncio.timeout(60):
        while (health := await payouts.health()).paused is None:
            await asyncio.sleep(0.02)
    return health


async def test_a_balance_that_is_short_pauses_and_it_goes_on_by_itself_when_it_is_filled(
    opened: Any, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 1.5)
    live.merchant.balance = 0
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    health = await until_paused(payouts)
    assert "balance" in health.paused.lower()
    assert 0 <= health.resumes_in <= 1.5
    live.merchant.balance = 10**9
    assert (await payouts.wait("APP000000001", within=60)).settled
    async with asyncio.timeout(60):
        while not (await payouts.health()).ok:
            await asyncio.sleep(0.05)


async def test_resume_ends_a_pause_at_once(opened: Any, live: FakePayCools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 3600.0)
    live.merchant.balance = 0
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    health = await until_paused(payouts)
    assert health.resumes_in > 1000
    assert (health.ok, health.running, health.backlog) == (False, True, 1)
    assert (await there(payouts, "APP000000001")).state is State.PLANNED
    live.merchant.balance = 10**9
    await payouts.resume()
    assert (await payouts.wait("APP000000001", within=60)).settled


async def test_a_key_that_is_refused_stops_it_and_a_later_attempt_goes_on(
    opened: Any, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 0.3)
    merchant = live.merchant
    verify, merchant.verify = merchant.verify, lambda text, sign: False
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    await until_paused(payouts)
    merchant.verify = verify
    assert (await payouts.wait("APP000000001", within=60)).settled
    assert len(live.payouts.paid) == 1


async def test_a_pause_is_longer_each_time(
    make: Make, live: FakePayCools, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 100.0)
    live.merchant.balance = 0
    pauses: list[str] = []
    async with make() as payouts:
        await payouts.submit(order())
        for number in (1, 2, 3):
            await until_paused(payouts)
            pauses = re.findall(r"is paused, and tried again in ([\d.]+) seconds", caplog.text)
            assert len(pauses) == number
            await payouts.resume()
    assert pauses == ["100", "200", "300"]


async def test_closing_takes_no_longer_than_it_may_and_what_was_in_flight_is_recovered(
    make: Make, live: FakePayCools, store: str, place: str
) -> None:
    live.faults.delay(600.0, rate=1.0, only="ph.payout.create")
    async with (
        PayCoolsPH(live.ph_credentials, transport=live.transport(), timeout=600.0) as patient,
        DurablePayouts(patient, place, options=QUICK, poll=0.05, stop_within=0.3) as payouts,
    ):
        await payouts.submit(order())
        await until(lambda: live.requests.get("ph.payout.create"))
        began = time.monotonic()
    assert time.monotonic() - began < 30
    live.faults.clear()
    async with make() as payouts:
        if store == "postgres":  # as if the lease of the process that was ended were over
            await inside(payouts).payouts._ask("UPDATE paycools_payouts SET due = 0 WHERE state = 'sending'")
        assert (await payouts.wait("APP000000001", within=60)).settled
    assert len(live.payouts.paid) == 1


async def test_the_ledger_fails_for_a_while_and_it_goes_on(
    opened: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "_FIRST_RETRY", 0.05)
    payouts: DurablePayouts = await opened()
    ledger = inside(payouts).payouts.ledger
    claim = type(ledger).claim
    faults = iter([True] * 3)

    async def failing(self: Any, *args: Any, **more: Any) -> Any:
        if next(faults, False):
            raise LedgerError("the disk is full")
        return await claim(self, *args, **more)

    monkeypatch.setattr(type(ledger), "claim", failing)
    await payouts.submit(order())
    assert (await payouts.wait("APP000000001", within=60)).settled
    assert caplog.text.count("payouts are not sent for now: the disk is full") == 1
    assert (await payouts.health()).last_error is None


async def test_a_submission_that_the_ledger_could_not_take_is_unclear_and_can_be_made_again(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    payouts: DurablePayouts = await opened()
    submit = type(inside(payouts).payouts).submit

    async def failing(self: Any, submission: Any, **more: Any) -> Any:
        await submit(self, submission, **more)
        raise LedgerError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(type(inside(payouts).payouts), "submit", failing)
        with pytest.raises(LedgerError, match="submit the same payout again") as caught:
            await payouts.submit(order())
    assert (caught.value.outcome, caught.value.order_id) == ("unknown", "APP000000001")
    await payouts.submit(order())
    assert (await payouts.wait("APP000000001", within=60)).settled


async def test_a_callback_settles_it_without_an_inquiry(
    client: PayCoolsPH, live: FakePayCools, place: str, store: str
) -> None:
    slow = Options(first_inquiry_after=3600.0, longest_inquiry_pause=3600.0, breaker=None)
    secret = str(live.ph_credentials.callback_secret)
    inbox_store: Any
    if store == "postgres":
        from paycools_async.callbacks.postgres import PostgresStore

        inbox_store = await PostgresStore.open(place)
    else:
        inbox_store = await SQLiteStore.open(place)
    payouts = DurablePayouts(client, place, options=slow, poll=0.05)
    router = CallbackRouter(PHCallbacks(secret))
    router.on(PayoutSettled)(payouts.feed)
    told: list[str] = []
    payouts.on_final(lambda payout: told.append(payout.order_id))
    async with payouts, CallbackInbox(router, inbox_store) as inbox:
        await payouts.submit(order())
        async with asyncio.timeout(60):
            while (await there(payouts, "APP000000001")).state is not State.ACCEPTED:
                await asyncio.sleep(0.01)
            while not (due := live.merchant.due_callbacks()):
                await asyncio.sleep(0.01)
        [body] = due
        assert json.loads(body)["mchOrderId"] == "APP000000001"
        assert (await inbox.handle(body))[0] == 200
        assert (await payouts.wait("APP000000001", within=60)).settled
        async with asyncio.timeout(60):
            while told != ["APP000000001"]:
                await asyncio.sleep(0.01)
        fields = {name: value for name, value in json.loads(body).items() if name != "sign"}
        assert (await inbox.handle(signed({**fields, "mchOrderId": "SOMEBODYS"}, secret)))[0] == 200


async def test_a_probe_hears_how_it_stands_and_never_an_error(
    opened: Any, live: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.payouts.settle_after = 3600
    payouts: DurablePayouts = await opened()
    assert await payouts.health() == await payouts.health()
    assert (await payouts.health()).oldest is None
    await payouts.submit(order())
    health = await payouts.health()
    assert (health.ok, health.backlog, health.unacknowledged) == (True, 1, 0)
    assert 0 <= (health.oldest or 0) < 30

    async def fails(self: Any, rule: Any) -> Any:
        raise LedgerError("it is away")

    monkeypatch.setattr(type(inside(payouts).payouts), "standing", fails)
    health = await payouts.health()
    assert (health.ok, health.backlog, health.last_error) == (False, None, "it is away")
