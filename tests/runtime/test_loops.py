"""One client and many event loops: one after the other, at the same time, closed with and without care."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
import uvloop
from support.authority import Authority
from support.engine_stage import HTML, ORDER
from support.kept_server import KeptServer

from paycools_async import (
    AiohttpTransport,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
)
from paycools_async.errors import TransportError, WrongEventLoop
from paycools_async.signing import PrivateKey

Loops = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture
def merchant(key: PrivateKey) -> PHCredentials:
    return PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[KeptServer]:
    tls = authority.serving("127.0.0.1") if request.param == "https" else None
    with KeptServer(tls=tls) as kept:
        yield kept


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> Loops:
    found: Loops = request.param
    return found


@pytest.fixture
def client(merchant: PHCredentials, server: KeptServer, authority: Authority) -> Iterator[PayCoolsPH]:
    before = {*threading.enumerate()}
    made = PayCoolsPH(merchant, base_url=server.url, transport=AiohttpTransport(ca_file=authority.file))
    yield made
    asyncio.run(made.aclose())
    gc.collect()
    left = {*threading.enumerate()} - before  # idle ones of other tests end by themselves
    assert [thread.name for thread in left if thread.name.startswith("paycools")] == []


async def pay(client: PayCoolsPH, order: str) -> str:
    receipt = await client.payouts.create(
        mch_order_id=order,
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    )
    return receipt.transaction_id


def run_in(new_loop: Loops, coroutine: Any, *, debug: bool = False) -> Any:
    """As `asyncio.run` does it."""
    with asyncio.Runner(loop_factory=new_loop, debug=debug) as runner:
        return runner.run(coroutine)


def run_carelessly(new_loop: Loops, coroutine: Any) -> Any:
    """A loop that is closed, and nothing else: the sockets in it are left as they are."""
    loop = new_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


@pytest.mark.parametrize("debug", [False, True])
def test_three_loops_one_after_the_other_each_pay_over_connections_of_their_own(
    client: PayCoolsPH, server: KeptServer, new_loop: Loops, debug: bool
) -> None:
    async def twice(order: str) -> list[str]:
        return [await pay(client, f"{order}A"), await pay(client, f"{order}B")]

    for number in (1, 2, 3):
        order = f"RUN{number:06}"
        assert run_in(new_loop, twice(order), debug=debug) == [f"D{order}A", f"D{order}B"]
        assert server.all_closed(), "the connections end with their loop"
        gc.collect()  # and nothing is left that warns
    assert server.connections == [1, 1, 2, 2, 3, 3]
    assert client.in_doubt == ()


def test_a_loop_that_is_just_closed_leaves_no_socket_and_no_warning(client: PayCoolsPH, server: KeptServer) -> None:
    for number in (1, 2, 3):
        run_carelessly(asyncio.new_event_loop, pay(client, f"RUN{number:06}"))
    run_in(asyncio.new_event_loop, client.aclose())
    gc.collect()
    assert server.all_closed()
    assert (server.connections, client.in_doubt) == ([1, 2, 3], ())


def test_two_loops_in_two_threads_never_mix_their_connections(
    client: PayCoolsPH, server: KeptServer, new_loop: Loops
) -> None:
    ready = threading.Barrier(2)

    def work(name: str) -> None:
        async def many() -> None:
            ready.wait(60)
            for begin in range(0, 20, 5):
                await asyncio.gather(*(pay(client, f"{name}{number:06}") for number in range(begin, begin + 5)))

        run_in(new_loop, many())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("LEFT", "RIGHT")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(server.orders) == [f"{name}{number:06}" for name in ("LEFT", "RIGHT") for number in range(20)]
    of_left = {connection for connection, order in server.paid if order.startswith("LEFT")}
    of_right = {connection for connection, order in server.paid if order.startswith("RIGHT")}
    assert of_left
    assert of_right
    assert not of_left & of_right
    assert client.in_doubt == ()


def test_two_loops_that_stand_still_by_turns_keep_their_own_connections(client: PayCoolsPH, server: KeptServer) -> None:
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    for number, loop in enumerate((first, second, first, second)):
        loop.run_until_complete(pay(client, f"TURN{number:06}"))
    assert server.connections == [1, 2, 1, 2]
    for loop in (first, second):
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    assert server.all_closed()


def test_closing_the_client_closes_the_connections_of_a_loop_in_another_thread(
    client: PayCoolsPH, server: KeptServer, new_loop: Loops
) -> None:
    paid, done = threading.Event(), threading.Event()

    def work() -> None:
        async def once() -> None:
            await pay(client, "OTHER000001")
            paid.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

        run_in(new_loop, once())

    thread = threading.Thread(target=work)
    thread.start()
    assert paid.wait(60)
    asyncio.run(client.aclose())
    assert server.all_closed()
    done.set()
    thread.join(60)
    with pytest.raises(TransportError, match="the client is closed; nothing was sent"):
        asyncio.run(pay(client, "LATE0000001"))


def test_a_session_that_was_lent_serves_no_other_loop(merchant: PHCredentials) -> None:
    with KeptServer() as server:
        loop = asyncio.new_event_loop()
        session = loop.run_until_complete(_session())
        client = PayCoolsPH(merchant, base_url=server.url, transport=AiohttpTransport(session=session))
        loop.run_until_complete(pay(client, "LENT0000001"))
        with pytest.raises(WrongEventLoop, match="nothing was sent: lend one that was made in this one") as caught:
            asyncio.run(pay(client, "LENT0000002"))
        assert (caught.value.outcome, caught.value.retryable) == (Outcome.NOT_SENT, False)
        loop.run_until_complete(pay(client, "LENT0000003"))
        assert server.paid == [(1, "LENT0000001"), (1, "LENT0000003")]
        loop.run_until_complete(client.aclose())
        loop.run_until_complete(session.close())
        loop.close()


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


def test_a_client_that_nobody_holds_any_more_leaves_no_thread(merchant: PHCredentials) -> None:
    def use() -> None:
        made = PayCoolsPH(merchant, transport=MemoryTransport(lambda request: HTML))
        with pytest.raises(OutcomeUnknown):
            asyncio.run(pay(made, "NOBODY00001"))

    before = {*threading.enumerate()}
    use()
    gc.collect()
    left = {*threading.enumerate()} - before
    for thread in [each for each in left if each.name.startswith("paycools-sign")]:
        thread.join(60)
        assert not thread.is_alive()


def test_an_order_is_resolved_in_one_loop_at_a_time(merchant: PHCredentials) -> None:
    """Two loops cannot wait for each other, so the second is told."""
    inside, out = threading.Event(), threading.Event()

    async def handle(request: Any) -> Any:
        inside.set()
        await asyncio.to_thread(out.wait, 60)
        return HTML

    client = PayCoolsPH(merchant, transport=MemoryTransport(handle))
    client._doubts.add("ph.payout.create", ORDER)

    def work() -> None:
        async def first() -> None:
            task = asyncio.create_task(client.payouts.resolve(ORDER))
            await asyncio.to_thread(inside.wait, 60)
            await asyncio.to_thread(out.wait, 60)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(first())

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(WrongEventLoop, match="is being resolved in another event loop; nothing was sent") as caught:
        asyncio.run(client.payouts.resolve(ORDER, resend=True))
    assert caught.value.outcome is Outcome.NOT_SENT
    out.set()
    thread.join(60)
    assert len(client.in_doubt) == 1
    asyncio.run(client.aclose())
