"""Whatever a handler does, and however long it takes: the others are applied, and nothing ends in silence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.callbacks import ACK, QUESTION, SECRET, OpenStore, payout, signed
from support.waiting import until

from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks, in_transaction, with_mark
from paycools_async.callbacks.inbox import SQLiteStore
from paycools_async.errors import ConfigurationError
from paycools_async.ph import BillsPaymentVerification, PayoutSettled
from paycools_async.testing import ManualClock

Make = Callable[..., Awaitable[CallbackInbox]]


class Panic(BaseException):
    """As pyo3's PanicException, which is no Exception."""


class Shop:
    """What its handler does with an order stands in `does`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.calls: list[str] = []
        self.does: dict[str, Callable[[], Awaitable[Any]]] = {}
        self.router = CallbackRouter(PHCallbacks(SECRET), handler_timeout=0.2)
        self.router.on(PayoutSettled)(self.take)

    async def take(self, event: PayoutSettled) -> None:
        self.calls.append(event.mch_order_id)
        await self.does.get(event.mch_order_id, self.nothing)()
        self.seen.append(event.mch_order_id)

    async def nothing(self) -> None: ...


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def make(open_store: OpenStore, shop: Shop, clock: ManualClock) -> AsyncIterator[Make]:
    made: list[CallbackInbox] = []

    async def makes(**options: Any) -> CallbackInbox:
        inbox = CallbackInbox(shop.router, await open_store(), clock=clock.time, poll=0.02, **options)
        made.append(inbox)
        return inbox

    yield makes
    for inbox in made:
        await inbox.aclose()


def raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def does() -> None:
        raise error

    return does


ODD = [SystemExit(1), GeneratorExit(), Panic("a Rust panic"), asyncio.CancelledError(), StopIteration()]


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
async def test_whatever_a_handler_raises_is_its_events_failure_and_comes_again_after_a_pause(
    make: Make, shop: Shop, clock: ManualClock, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    inbox = await make()
    await inbox.start()
    shop.does["PAY1"] = raises(error)
    for number in (1, 2, 3):
        assert await inbox.handle(payout(number)) == ACK
    await until(lambda: len(shop.seen) == 2)
    await asyncio.sleep(0.1)
    assert shop.calls.count("PAY1") == 1, "it waits for its pause"
    assert "it is applied again in 1 seconds" in caplog.text
    assert inbox.health.applying
    del shop.does["PAY1"]
    clock.advance(1)
    await until(lambda: len(shop.seen) == 3)


async def test_a_slow_handler_delays_nobody_else(make: Make, shop: Shop) -> None:
    inbox = await make(handler_timeout=60)
    go = asyncio.Event()
    shop.does["PAY0"] = go.wait
    await inbox.start()
    await inbox.handle(payout(0))
    await until(lambda: shop.calls == ["PAY0"])
    for number in range(1, 30):
        await inbox.handle(payout(number))
    await until(lambda: len(shop.seen) == 29)
    await until(lambda: inbox.health.in_progress == 1)
    go.set()
    await until(lambda: len(shop.seen) == 30)


async def test_a_slow_handler_of_a_full_page_delays_nobody_else(make: Make, shop: Shop, clock: ManualClock) -> None:
    """Two hundred rows that wait for one transaction do not hide those of others."""
    inbox = await make(handler_timeout=60, concurrency=2)
    go = asyncio.Event()
    shop.does["PAY0"] = go.wait
    for number in range(250):
        await inbox.handle(payout(0, remark=f"r{number}", amount=number + 1))
    await inbox.handle(payout(1))
    await inbox.start()
    await until(lambda: shop.seen == ["PAY1"])
    go.set()
    await until(lambda: len(shop.seen) == 251)


async def test_a_hung_handler_has_its_time_and_comes_again(
    make: Make, shop: Shop, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make(concurrency=1)
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    shop.does["PAY1"] = hangs
    await inbox.start()
    for number in (1, 2):
        await inbox.handle(payout(number))
    await until(lambda: shop.seen == ["PAY2"])
    assert ended == ["cancelled"]
    assert "the handler took longer than" in caplog.text
    del shop.does["PAY1"]
    clock.advance(1)
    await until(lambda: shop.seen == ["PAY2", "PAY1"])


async def test_no_more_are_applied_at_once_than_may_be(make: Make, shop: Shop) -> None:
    inbox = await make(concurrency=3, handler_timeout=60)
    now, most = 0, 0
    full = asyncio.Event()

    async def counts() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0.01)
        now -= 1

    for number in range(20):
        shop.does[f"PAY{number}"] = counts
        await inbox.handle(payout(number))
    async with asyncio.timeout(60):
        assert await inbox.drain() == 20
    assert most == 3


async def test_those_of_one_transaction_come_in_order_also_when_one_is_slow(make: Make, shop: Shop) -> None:
    inbox = await make(handler_timeout=60)
    words: list[str] = []
    router_take = shop.router._handlers[PayoutSettled]

    async def take(event: PayoutSettled) -> None:
        if event.transaction_status == "PENDING":
            await asyncio.sleep(0.05)
        words.append(str(event.transaction_status))
        await router_take(event)

    shop.router._handlers[PayoutSettled] = take
    await inbox.start()
    for status in ("PENDING", "FAILED", "COMPLETE"):
        await inbox.handle(payout(1, status))
    await until(lambda: len(words) == 3)
    assert words == ["PENDING", "FAILED", "COMPLETE"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_hung_thread_is_left_alone_and_not_joined_by_another(
    make: Make, shop: Shop, clock: ManualClock
) -> None:
    go = threading.Event()
    calls: list[str] = []

    def take(event: PayoutSettled) -> None:
        calls.append(event.mch_order_id)
        if event.mch_order_id == "PAY1":
            assert go.wait(60)

    shop.router._handlers[PayoutSettled] = take
    inbox = await make()
    for number in (1, 2):
        await inbox.handle(payout(number))

    async def both_are_called() -> bool:
        await inbox.drain()
        clock.advance(3600)
        return {*calls} == {"PAY1", "PAY2"}

    await until(both_are_called)
    for _ in range(4):
        await inbox.drain()
        clock.advance(3600)
    assert calls.count("PAY1") == 1
    go.set()

    async def called_again() -> bool:
        await inbox.drain()
        clock.advance(3600)
        return calls.count("PAY1") == 2

    await until(called_again)


async def test_an_own_cancellation_passes_at_once_and_ends_the_handler(make: Make, shop: Shop) -> None:
    inbox = await make(handler_timeout=60)
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    shop.does["PAY1"] = hangs
    await inbox.start()
    await inbox.handle(payout(1))
    await until(lambda: shop.calls == ["PAY1"])
    async with asyncio.timeout(60):
        await inbox.aclose()
    assert ended == ["cancelled"]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("paycools")]


async def test_an_inbox_whose_applying_was_ended_says_so_and_acknowledges_nothing(
    make: Make, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = await make()
    assert not inbox.health.applying
    assert await inbox.handle(payout(1)) == ACK, "one that was never started only takes in"
    await inbox.start()
    assert inbox.health.applying
    assert inbox._task is not None
    inbox._task.cancel()
    await until(lambda: not inbox.health.applying)
    assert "applies nothing any more" in caplog.text
    assert inbox.health.problem == "it was ended from outside"
    assert (await inbox.handle(payout(2)))[0] == 500


async def test_health_names_what_is_wrong_with_the_store_until_it_is_well(make: Make, shop: Shop) -> None:
    inbox = await make()
    due = inbox._store.due

    async def broken(limit: int) -> Any:
        raise Panic("no store")

    inbox._store.due = broken  # type: ignore[method-assign]
    await inbox.start()
    await inbox.handle(payout(1))
    await until(lambda: inbox.health.problem == "Panic")
    assert inbox.health.applying
    inbox._store.due = due  # type: ignore[method-assign]
    await until(lambda: shop.seen == ["PAY1"])
    await until(lambda: inbox.health.problem is None)
    assert inbox.health.leads


@pytest.mark.parametrize("error", [SystemExit(1), Panic("a Rust panic")], ids=lambda error: type(error).__name__)
async def test_work_that_ends_with_no_exception_fails_its_own_event_only(
    make: Make, shop: Shop, clock: ManualClock, error: BaseException
) -> None:
    inbox = await make(handler_timeout=60)
    left = [error]

    def work(connection: Any) -> None:
        if left:
            raise left.pop()

    async def asks() -> None:
        in_transaction(work)

    shop.does["PAY1"] = asks
    for number in (1, 2, 3):
        await inbox.handle(payout(number))
    await inbox.drain()
    assert await inbox._store.counts() == {"new": 1, "applied": 2}
    clock.advance(1)
    await inbox.drain()
    assert await inbox._store.counts() == {"applied": 3}


async def test_the_same_holds_without_an_inbox(caplog: pytest.LogCaptureFixture) -> None:
    router = CallbackRouter(PHCallbacks(SECRET), handler_timeout=0.05)
    ways: list[Callable[[], Awaitable[Any]]] = [*map(raises, ODD[:3]), lambda: asyncio.sleep(3600)]

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None:
        await ways[0]()

    while ways:
        assert await router.handle(payout(1)) == (500, b'{"code":0,"msg":"failed"}')
        del ways[0]
    assert "the handler took longer than" in caplog.text

    @router.on(BillsPaymentVerification)
    async def may_pay(event: BillsPaymentVerification) -> None:
        await asyncio.sleep(3600)

    assert (await router.handle(signed(QUESTION)))[0] == 500


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_is_one(limit: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="time limit"):
        CallbackRouter(PHCallbacks(SECRET), handler_timeout=limit)
    with pytest.raises(ConfigurationError, match="time limit"):
        CallbackInbox(CallbackRouter(PHCallbacks(SECRET)), SQLiteStore(tmp_path / "x"), handler_timeout=limit)


async def test_former_names_work_and_say_the_new_ones(open_store: OpenStore) -> None:
    store: Any = await open_store()
    with pytest.warns(DeprecationWarning, match="try_become_leader"):
        assert await store.lead()
    with pytest.warns(DeprecationWarning, match="applied_so_far"):
        assert await store.standing("x") == (-1, frozenset())
    with pytest.warns(DeprecationWarning, match="location"):
        assert store.home == store.location
    with pytest.warns(DeprecationWarning, match="in_transaction"), pytest.raises(RuntimeError):
        with_mark(print)
    await store.aclose()
