"""What was made before a fork, in the child and in the parent: nothing is shared by both, nobody waits for ever."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
import uvloop
from support.authority import Authority
from support.callbacks import SECRET, payout
from support.forked import in_child
from support.kept_server import KeptServer

from paycools_async import AiohttpTransport, Pace, PayCoolsPH, PHCredentials
from paycools_async.batch import Event, SQLiteLedger, State
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.ledger.postgres.schema import LeasedRow
from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks, SQLiteStore
from paycools_async.callbacks.postgres import PostgresStore
from paycools_async.ph import PayoutSettled
from paycools_async.signing import PrivateKey
from paycools_async.signing.pool import SigningPool

Loops = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here"),
]


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[KeptServer]:
    tls = authority.serving("127.0.0.1") if request.param == "https" else None
    with KeptServer(tls=tls) as kept:
        yield kept


@pytest.fixture
def client(key: PrivateKey, server: KeptServer, authority: Authority) -> Iterator[PayCoolsPH]:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    made = PayCoolsPH(merchant, base_url=server.url, transport=AiohttpTransport(ca_file=authority.file))
    yield made
    asyncio.run(made.aclose())


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


def paid_in_child(client: PayCoolsPH, *orders: str) -> Any:
    async def all_of_them() -> list[str]:
        async with client:
            return [await pay(client, order) for order in orders]

    return in_child(lambda: asyncio.run(all_of_them()))


def test_a_client_made_before_the_fork_pays_in_child_and_parent(client: PayCoolsPH, server: KeptServer) -> None:
    """As a web server does that loads the application first and forks then."""
    assert paid_in_child(client, "CHILD000001", "CHILD000002") == ["DCHILD000001", "DCHILD000002"]
    assert paid_in_child(client, "CHILD000003") == ["DCHILD000003"]
    assert asyncio.run(pay(client, "PARENT00001")) == "DPARENT00001"
    assert server.connections == [1, 1, 2, 3]


def test_a_connection_that_the_parent_keeps_is_not_touched_by_the_child(client: PayCoolsPH, server: KeptServer) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(pay(client, "PARENT00001"))
    assert paid_in_child(client, "CHILD000001") == ["DCHILD000001"]
    assert loop.run_until_complete(pay(client, "PARENT00002")) == "DPARENT00002"
    assert server.paid == [(1, "PARENT00001"), (2, "CHILD000001"), (1, "PARENT00002")]
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_the_child_holds_no_socket_of_the_parent(client: PayCoolsPH, server: KeptServer) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(pay(client, "PARENT00001"))

    def sockets_to_server() -> int:
        port = int(server.url.rpartition(":")[2])
        found = 0
        for entry in Path("/proc/self/fd").iterdir():
            number = int(entry.name)
            try:
                inode = os.readlink(entry)
            except OSError:
                continue
            if inode.startswith("socket:"):
                with socket.socket(fileno=os.dup(number)) as copy:
                    try:
                        found += copy.getpeername()[1] == port
                    except (OSError, IndexError):
                        continue
        return found

    if Path("/proc/self/fd").exists():
        assert (sockets_to_server(), in_child(sockets_to_server)) == (1, 0), "let go of before anything is done there"
    assert loop.run_until_complete(pay(client, "PARENT00002")) == "DPARENT00002"
    assert server.connections == [1, 1]
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@pytest.mark.parametrize("running", [False, True])
@LOOPS
def test_a_child_that_only_drops_the_client_leaves_the_parents_connection_alone(
    client: PayCoolsPH, server: KeptServer, factory: Loops, running: bool
) -> None:
    """What is collected there closes nothing: no farewell of TLS, and no end of what the parent's loop waits for."""
    loop = factory()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    if running:
        thread.start()

    def run(order: str) -> str:
        if running:
            return asyncio.run_coroutine_threadsafe(pay(client, order), loop).result(60)
        return loop.run_until_complete(asyncio.wait_for(pay(client, order), 60))

    def drop() -> None:
        client.__dict__.clear()
        gc.collect()

    assert run("PARENT00001") == "DPARENT00001"
    for number in (2, 3, 4):
        in_child(drop)
        assert run(f"PARENT0000{number}") == f"DPARENT0000{number}"
    assert server.connections == [1, 1, 1, 1]
    if running:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_a_fork_while_a_call_is_on_its_way_leaves_it_to_the_parent(client: PayCoolsPH, server: KeptServer) -> None:
    async def parent() -> tuple[list[str], Any]:
        paying = [asyncio.create_task(pay(client, f"PARENT0000{number}")) for number in range(5)]
        await asyncio.sleep(0.005)
        child = paid_in_child(client, "CHILD000001")
        return await asyncio.gather(*paying), child

    paid, child = asyncio.run(parent())
    assert (paid, child) == ([f"DPARENT0000{number}" for number in range(5)], ["DCHILD000001"])
    assert sorted(server.orders) == ["CHILD000001", *(f"PARENT0000{number}" for number in range(5))]
    of_child = {connection for connection, order in server.paid if order.startswith("CHILD")}
    assert not of_child & {connection for connection, order in server.paid if order.startswith("PARENT")}


def test_locks_that_were_held_at_the_fork_are_open_in_the_child() -> None:
    pace, pool = Pace(), SigningPool(Slow())
    pool._signer.gate.set()  # type: ignore[attr-defined]

    def work() -> str:
        pace.busy(pace._clock.monotonic())
        return asyncio.run(pool.sign(b"ab")).decode()

    with pace._guard.lock, pool._guard.lock:
        assert in_child(work) == "ba"
    asyncio.run(pool.aclose())


class Slow:
    """Signs once the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()

    def sign(self, text: bytes) -> bytes:
        self.begun.set()
        self.gate.wait(60)
        return text[::-1]


def test_a_child_signs_with_threads_and_a_signer_of_its_own() -> None:
    """A lock inside the parent's signer may be held at the fork, for ever."""
    slow = Slow()
    pool = SigningPool(slow, threads=1, anew=Quick)

    async def parent() -> tuple[bytes, Any]:
        signing = asyncio.create_task(pool.sign(b"ab"))
        await asyncio.to_thread(slow.begun.wait, 60)
        child = in_child(lambda: asyncio.run(closed_after(pool, b"cd")))
        slow.gate.set()
        return await signing, child

    assert asyncio.run(parent()) == (b"ba", "CD")
    assert asyncio.run(pool.sign(b"ef")) == b"fe"
    asyncio.run(pool.aclose())


class Quick:
    def sign(self, text: bytes) -> bytes:
        return text.upper()


async def closed_after(pool: SigningPool, text: bytes) -> str:
    made = await pool.sign(text)
    await pool.aclose()
    assert [each for each in threading.enumerate() if each.name.startswith("paycools-sign")] == []
    return made.decode()


def test_a_session_that_was_lent_is_the_parents(key: PrivateKey, server: KeptServer, authority: Authority) -> None:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    loop = asyncio.new_event_loop()

    async def lend() -> tuple[aiohttp.ClientSession, PayCoolsPH]:
        session = aiohttp.ClientSession()
        transport = AiohttpTransport(session=session, ca_file=authority.file)
        client = PayCoolsPH(merchant, base_url=server.url, transport=transport)
        await pay(client, "PARENT00001")
        return session, client

    session, client = loop.run_until_complete(lend())
    kind, told = paid_in_child(client, "CHILD000001")
    assert kind == "WrongEventLoop"
    assert "belongs to another event loop or process; nothing was sent" in told
    loop.run_until_complete(pay(client, "PARENT00002"))
    assert server.paid == [(1, "PARENT00001"), (1, "PARENT00002")]
    loop.run_until_complete(client.aclose())
    loop.run_until_complete(session.close())
    loop.close()


# --- what is on disk --------------------------------------------------------------------------------------------------

THEIRS = "belongs to the process that opened it"


def test_a_ledger_is_its_parents_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    loop = asyncio.new_event_loop()
    ledger = loop.run_until_complete(SQLiteLedger.open(file, None))

    def asked() -> list[str]:
        async def work() -> str:
            try:
                await ledger.batches()
            finally:
                await ledger.aclose()
            return "answered"

        return [type(error).__name__, str(error)] if (error := failure_of(work())) else ["answered"]

    def opened_again() -> list[str]:
        async def work() -> None:
            await SQLiteLedger.open(file, None, exclusive=False)

        return [type(error).__name__, str(error)] if (error := failure_of(work())) else ["opened"]

    kind, told = in_child(asked)
    assert (kind, THEIRS in told) == ("LedgerError", True), told
    kind, told = in_child(opened_again)
    assert (kind, "was open when this process was forked" in told) == ("LedgerError", True), told
    assert in_child(lambda: lock_is_free(file)) is False, "no child has let go of the parent's lock"
    assert loop.run_until_complete(ledger.batches()) == []
    loop.run_until_complete(ledger.aclose())
    loop.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def lock_is_free(file: Path) -> bool:
    """Whether nobody owns the file. Asked in a child: to close a handle of the file drops its process's locks."""
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def failure_of(coroutine: Any) -> Exception | None:
    try:
        asyncio.run(coroutine)
    except Exception as error:  # noqa: BLE001
        return error
    return None


def test_an_inbox_is_its_parents_and_the_child_asks_paycools_to_send_again(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    router = CallbackRouter(PHCallbacks("callback secret"))
    store = loop.run_until_complete(SQLiteStore.open(tmp_path / "inbox.db"))
    inbox = CallbackInbox(router, store)
    loop.run_until_complete(inbox.start())

    def child() -> list[Any]:
        error = failure_of(store.counts())
        leads = failure_of(store.try_become_leader())
        started = failure_of(inbox.start())
        asyncio.run(inbox.aclose())
        return [[type(each).__name__, str(each)] for each in (error, leads, started)]

    for kind, told in in_child(child):
        assert (kind, THEIRS in told or "started in another process" in told) == ("InboxError", True), told
    assert loop.run_until_complete(store.counts()) == {}
    assert inbox.health.applying
    loop.run_until_complete(inbox.aclose())
    loop.close()


def test_a_postgres_ledger_is_its_parents_and_the_child_opens_one_of_its_own(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    ledger = loop.run_until_complete(PostgresLedger.open(dsn, None))
    frozen = loop.create_task(asyncio.sleep(60))
    ledger._writer._task = frozen  # the fork comes while a move is being written

    def child() -> list[Any]:
        values: dict[str, Any] = {**dict.fromkeys(attrs.fields_dict(LeasedRow)), "state": State.PLANNED, "resends": 0}
        row = LeasedRow(**values)
        asked = [failure_of(work) for work in (ledger.batches(), ledger.move(row, Event.SEND), ledger.aclose())]
        return [[type(error).__name__, str(error)] for error in asked]

    def own() -> int:
        async def work() -> int:
            opened = await PostgresLedger.open(dsn, None)
            [(backend,)] = await opened._session.ask("SELECT pg_backend_pid()")
            await opened.aclose()
            return int(backend)

        return asyncio.run(work())

    asked, moved, closed = in_child(child)
    for kind, told in (asked, moved):
        assert (kind, THEIRS in told) == ("LedgerError", True), told
    assert closed == ["NoneType", "None"]
    [(backend,)] = loop.run_until_complete(ledger._session.ask("SELECT pg_backend_pid()"))
    assert in_child(own) != backend
    frozen.cancel()
    assert loop.run_until_complete(ledger.batches()) == []
    loop.run_until_complete(ledger.aclose())
    loop.close()


def test_a_postgres_inbox_is_its_parents(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(PostgresStore.open(dsn))
    assert loop.run_until_complete(store.try_become_leader())

    def child() -> list[Any]:
        asked = [failure_of(work) for work in (store.counts(), store.try_become_leader(), store.aclose())]
        return [[type(error).__name__, str(error)] for error in asked]

    counted, led, closed = in_child(child)
    for kind, told in (counted, led):
        assert (kind, THEIRS in told) == ("InboxError", True), told
    assert closed == ["NoneType", "None"]
    assert loop.run_until_complete(store.counts()) == {}
    assert loop.run_until_complete(store.try_become_leader())
    loop.run_until_complete(store.aclose())
    loop.close()


def test_a_plain_handler_that_ran_before_the_fork_is_called_in_the_child_too() -> None:
    """It runs in a thread, and the child has none of its parent's."""
    seen: list[str] = []
    router = CallbackRouter(PHCallbacks(SECRET))

    @router.on(PayoutSettled)
    def take(event: PayoutSettled) -> None:
        seen.append(event.mch_order_id or "")

    def work() -> list[Any]:
        status, _ = asyncio.run(router.handle(payout(2)))
        return [status, seen]

    assert asyncio.run(router.handle(payout(1)))[0] == 200
    assert in_child(work) == [200, ["PAY1", "PAY2"]]
    assert seen == ["PAY1"]
