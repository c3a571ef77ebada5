"""One session for the ledger and the inbox: durable, tried again, made again when lost, and silent about passwords."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from support.callbacks import ACK, Shop, counts, payout
from support.frames import shown
from support.own_postgres import OwnPostgres
from support.waiting import until

from paycools_async.batch.ledger.postgres.session import LedgerSession
from paycools_async.callbacks.inbox import CallbackInbox, InboxError, Item
from paycools_async.callbacks.postgres import PostgresStore
from paycools_async.storage.postgres import Availability, Session
from paycools_async.storage.postgres_connections import connect_options


class Failed(Exception):
    pass


@pytest.fixture
async def session(dsn: str) -> AsyncIterator[Session]:
    found = Session(dsn, 4.0, Failed)
    yield found
    await found.aclose()


def item(number: int) -> Item:
    return Item(id=f"C{number}", subject=None, rank=0, verdict="", family="ph", body=b"{}")


def end_others(dsn: str) -> None:
    """End every other connection, as a restart of the server does."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


@pytest.mark.parametrize("kind", ["ledger", "inbox"])
async def test_what_is_committed_survives_a_power_cut_whatever_the_server_is_set_to(dsn: str, kind: str) -> None:
    careless = f"{dsn}%20-csynchronous_commit%3Doff"
    store = await PostgresStore.open(careless)
    sessions: list[Any] = [store._intake, store._applying]
    if kind == "ledger":
        sessions = [LedgerSession(careless, 4.0)]
    for session in sessions:
        assert await session.ask("SHOW synchronous_commit") == [("on",)]
        assert await session.ask("SELECT current_setting('lock_timeout') <> '0'") == [(True,)]
        assert await session.ask("SELECT current_setting('idle_in_transaction_session_timeout') <> '0'") == [(True,)]
        await session.aclose()
    await store.aclose()


async def test_what_postgresql_undid_is_tried_again(session: Session) -> None:
    left = [errors.DeadlockDetected(), errors.SerializationFailure()]

    async def work(connection: Any) -> int:
        if left:
            raise left.pop()
        return 7

    assert await session.run(work) == 7


async def test_what_is_undone_each_time_is_one_error(session: Session) -> None:
    calls: list[int] = []

    async def work(connection: Any) -> None:
        calls.append(1)
        raise errors.DeadlockDetected

    with pytest.raises(Failed, match="DeadlockDetected"):
        await session.run(work)
    assert len(calls) == 5


async def test_a_lost_connection_costs_a_repeatable_work_nothing_and_others_one_error(
    session: Session, dsn: str
) -> None:
    async def work(connection: Any) -> int:
        [(found,)] = await (await connection.execute("SELECT 7")).fetchall()
        return int(found)

    await session.run(work)
    end_others(dsn)
    assert await session.run(work, repeatable=True) == 7
    end_others(dsn)
    with pytest.raises(Failed):
        await session.run(work)
    assert await session.run(work) == 7


async def test_a_callback_is_stored_over_a_restart_of_the_server(dsn: str) -> None:
    store = await PostgresStore.open(dsn)
    assert await store.try_become_leader()
    end_others(dsn)
    assert await store.add(item(1))
    assert not await store.add(item(1))
    with pytest.raises(InboxError):  # the right to apply went with the connection
        await store.mark(1, "applied")
    assert await store.try_become_leader()
    await store.mark(1, "applied")
    assert await store.counts() == {"applied": 1}
    await store.aclose()


class Door:
    """A way to the server that can be shut, as a restart or a failover shuts it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shut = 0
        self.knocks = 0
        self._connect = psycopg.AsyncConnection.connect
        monkeypatch.setattr(psycopg.AsyncConnection, "connect", self.connect)

    async def connect(self, **options: Any) -> Any:
        self.knocks += 1
        if self.shut:
            self.shut -= 1
            raise errors.CannotConnectNow("the database system is starting up")
        return await self._connect(**options)


async def test_a_callback_is_acknowledged_while_the_server_starts_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(monkeypatch)
    inbox = CallbackInbox(Shop().router, await PostgresStore.open(dsn))
    try:
        for number, shut in enumerate((0, 1, 3)):
            end_others(dsn)
            door.shut = shut
            assert await inbox.handle(payout(number)) == ACK
        assert await counts(inbox) == {"new": 3}
    finally:
        await inbox.aclose()


async def test_a_server_that_is_away_is_not_waited_for_by_everybody(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(monkeypatch)
    store = await PostgresStore.open(dsn)
    end_others(dsn)
    door.shut, door.knocks = 1000, 0
    with pytest.raises(InboxError, match="the database system is starting up"):
        await store.add(item(1))
    waited = door.knocks
    for _ in range(3):
        with pytest.raises(InboxError):
            await store.add(item(1))
    assert (waited, door.knocks) == (4, 7)
    door.shut = 0
    assert await store.add(item(1))
    await store.aclose()


async def test_connections_that_end_again_and_again_lose_no_callback(dsn: str) -> None:
    inbox = CallbackInbox(Shop().router, await PostgresStore.open(dsn))
    ending = True

    async def end() -> None:
        while ending:
            await asyncio.to_thread(end_others, dsn)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(end())
    try:
        answers = [await inbox.handle(payout(number)) for number in range(40)]
    finally:
        ending = False
        await task
    assert answers == [ACK] * 40
    assert await counts(inbox) == {"new": 40}
    await inbox.aclose()


async def test_a_lock_is_one_sessions_until_it_is_closed(session: Session, dsn: str) -> None:
    other = Session(dsn, 4.0, Failed)
    assert await session.try_lock(1)
    assert await session.try_lock(1)
    assert not await other.try_lock(1)
    await session.aclose()
    assert await other.try_lock(1)
    await other.aclose()
    with pytest.raises(Failed, match="closed"):
        await other.try_lock(1)


async def test_no_error_and_no_frame_shows_the_password() -> None:
    session = Session("postgresql://me:hunter2@127.0.0.1:1/none", 4.0, Failed)
    with pytest.raises(Failed) as caught:
        await session.ask("SELECT 1")
    found = shown(caught.value, everybody=True)
    assert "Connection refused" in str(caught.value)
    assert "hunter2" not in found.replace(_here(), "")


def _here() -> str:
    return 'Session("postgresql://me:hunter2@127.0.0.1:1/none", 4.0, Failed)'


def test_what_the_connection_string_says_goes_first() -> None:
    options = connect_options("postgresql:///x?connect_timeout=3", 40.0)
    assert (options["connect_timeout"], options["keepalives_idle"]) == ("3", 10)


# -- waited for -------------------------------------------------------------------------------------------------------


class Waiting:
    """A session that waits, and what is told."""

    def __init__(self, dsn: str) -> None:
        self.told: list[str] = []
        self.availability = Availability(self.told.append)
        self.session = Session(dsn, 4.0, Failed, availability=self.availability)


@pytest.fixture
async def waiting(own_postgres: OwnPostgres) -> AsyncIterator[Waiting]:
    found = Waiting(own_postgres.url())
    found.availability.begin_waiting()
    await found.session.ask("CREATE TABLE numbers (number INTEGER)")
    yield found
    await found.session.aclose()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_is_away_is_waited_for_and_told_of_twice(
    own_postgres: OwnPostgres, waiting: Waiting, how: signal.Signals
) -> None:
    await asyncio.to_thread(own_postgres.stop, how)
    asked = [asyncio.create_task(waiting.session.ask("SELECT 7")) for _ in range(3)]
    await until(lambda: bool(waiting.told))
    assert waiting.availability.is_away
    await asyncio.sleep(1.0)
    await asyncio.to_thread(own_postgres.start)
    assert await asyncio.gather(*asked) == [[(7,)]] * 3
    away, back = waiting.told
    assert away.startswith("the database is away, and waited for: connection to server at ")
    assert back == "the database is back"
    assert not waiting.availability.is_away


async def test_an_ended_connection_that_is_made_anew_at_once_is_nothing_to_tell(
    own_postgres: OwnPostgres, waiting: Waiting
) -> None:
    end_others(own_postgres.url())
    assert await waiting.session.ask("SELECT 7") == [(7,)]
    assert waiting.told == []


async def test_a_server_that_takes_no_writes_any_more_is_left_and_waited_for(
    own_postgres: OwnPostgres, waiting: Waiting
) -> None:
    await asyncio.to_thread(own_postgres.set, "default_transaction_read_only", "on")
    written = asyncio.create_task(waiting.session.ask("INSERT INTO numbers VALUES (7)"))
    await until(lambda: bool(waiting.told) or written.done())
    await asyncio.to_thread(own_postgres.set, "default_transaction_read_only", "off")
    await written
    assert own_postgres.execute("SELECT number FROM numbers") == [(7,)]
    assert [each.partition(",")[0] for each in waiting.told] == ["the database is away", "the database is back"]
    assert "session is read-only" in waiting.told[0]


async def test_who_stops_gives_up_in_time_and_the_others_at_once(own_postgres: OwnPostgres, waiting: Waiting) -> None:
    await asyncio.to_thread(own_postgres.stop)
    asked = [asyncio.create_task(waiting.session.ask("SELECT 7")) for _ in range(3)]
    await until(lambda: bool(waiting.told))
    waiting.availability.stop_waiting(0.2)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found] == [Failed] * 3
    assert len(waiting.told) == 1
    own_postgres.start()


async def test_a_wait_may_be_cancelled(own_postgres: OwnPostgres, waiting: Waiting) -> None:
    await asyncio.to_thread(own_postgres.stop)
    asked = asyncio.create_task(waiting.session.ask("SELECT 7"))
    await until(lambda: bool(waiting.told))
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    own_postgres.start()
    assert await waiting.session.ask("SELECT 7") == [(7,)]


async def test_at_the_start_a_server_is_waited_for_and_a_wrong_setting_is_not(own_postgres: OwnPostgres) -> None:
    wrong = Waiting(own_postgres.url().replace("hush", "hash"))
    wrong.availability.begin_waiting()
    with pytest.raises(Failed, match="password authentication failed"):
        await wrong.session.ask("SELECT 7")
    await asyncio.to_thread(own_postgres.stop)
    right = Waiting(own_postgres.url())
    right.availability.begin_waiting()
    asked = asyncio.create_task(right.session.ask("SELECT 7"))
    await until(lambda: bool(right.told))
    await asyncio.to_thread(own_postgres.start)
    assert await asked == [(7,)]
    await right.session.aclose()
