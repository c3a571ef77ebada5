"""Submissions within the application's own transaction: together with its rows, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from durable.conftest import Make, order
from durable.test_telling import ask
from support.batch import STORES
from support.waiting import until

from paycools_async import ConfigurationError, OrderConflict
from paycools_async.durable import AlreadyAcknowledged, DurablePayout, DurablePayouts, in_transaction
from paycools_async.storage.callers import callers_transaction
from paycools_async.testing import FakePayCools

Begin = Callable[[str], AbstractAsyncContextManager[Any]]


class Undo(Exception):
    """Rolls back."""


@asynccontextmanager
async def on_sqlite3(place: str) -> AsyncIterator[Any]:
    with closing(sqlite3.connect(place)) as connection, connection:
        yield connection


@asynccontextmanager
async def on_psycopg(place: str) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(place) as connection:
        yield connection


@asynccontextmanager
async def on_blocking_psycopg(place: str) -> AsyncIterator[Any]:
    with psycopg.connect(place) as connection:
        yield connection


@asynccontextmanager
async def on_autocommitting_psycopg(place: str) -> AsyncIterator[Any]:
    connection = await psycopg.AsyncConnection.connect(place, autocommit=True)
    async with connection, connection.transaction():
        yield connection


@asynccontextmanager
async def on_asyncpg(place: str) -> AsyncIterator[Any]:
    asyncpg = pytest.importorskip("asyncpg")
    known = psycopg.conninfo.conninfo_to_dict(place)
    schema = str(known["options"]).partition("search_path=")[2]
    connection = await asyncpg.connect(
        host=known["host"], user=known["user"], database=known["dbname"], server_settings={"search_path": schema}
    )
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def on_aiosqlite(place: str) -> AsyncIterator[Any]:
    aiosqlite = pytest.importorskip("aiosqlite")
    async with aiosqlite.connect(place) as connection:
        yield connection
        await connection.commit()


def _engine(place: str, driver: str) -> Any:
    sqlalchemy = pytest.importorskip("sqlalchemy.ext.asyncio")
    pytest.importorskip(driver)
    if driver == "aiosqlite":
        return sqlalchemy.create_async_engine(f"sqlite+aiosqlite:///{place}")
    url, _, schema = place.partition("&options=-csearch_path%3D")
    engine = sqlalchemy.create_async_engine(url.replace("postgresql:", f"postgresql+{driver}:"))
    if driver == "asyncpg":  # which takes no options; the statements name the schema
        return engine
    return sqlalchemy.create_async_engine(
        url.replace("postgresql:", f"postgresql+{driver}:"), connect_args={"options": f"-csearch_path={schema}"}
    )


def session(driver: str) -> Begin:
    @asynccontextmanager
    async def begin(place: str) -> AsyncIterator[Any]:
        engine = _engine(place, driver)
        AsyncSession = pytest.importorskip("sqlalchemy.ext.asyncio").AsyncSession  # noqa: N806 - a class
        try:
            async with AsyncSession(engine) as found, found.begin():
                yield found
        finally:
            await engine.dispose()

    return begin


def connection(driver: str) -> Begin:
    @asynccontextmanager
    async def begin(place: str) -> AsyncIterator[Any]:
        engine = _engine(place, driver)
        try:
            async with engine.begin() as found:
                yield found
        finally:
            await engine.dispose()

    return begin


def _driver(store: str, begin: Begin, name: str, *needed: str) -> Any:
    """Skipped here and not in a handler, where it would be a fault."""
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    return pytest.param(store, begin, id=name, marks=pytest.mark.skipif(bool(missing), reason=f"needs {missing}"))


_DRIVERS = [
    _driver("sqlite", on_sqlite3, "sqlite3"),
    _driver("sqlite", on_aiosqlite, "aiosqlite", "aiosqlite"),
    _driver("sqlite", session("aiosqlite"), "sqlalchemy-session-aiosqlite", "sqlalchemy", "aiosqlite"),
    _driver("sqlite", connection("aiosqlite"), "sqlalchemy-connection-aiosqlite", "sqlalchemy", "aiosqlite"),
    _driver("postgres", on_psycopg, "psycopg"),
    _driver("postgres", on_blocking_psycopg, "psycopg-blocking"),
    _driver("postgres", on_autocommitting_psycopg, "psycopg-transaction"),
    _driver("postgres", on_asyncpg, "asyncpg", "asyncpg"),
    _driver("postgres", session("psycopg"), "sqlalchemy-session-psycopg", "sqlalchemy"),
    _driver("postgres", connection("psycopg"), "sqlalchemy-connection-psycopg", "sqlalchemy"),
    _driver("postgres", session("asyncpg"), "sqlalchemy-session-asyncpg", "sqlalchemy", "asyncpg"),
    _driver("postgres", connection("asyncpg"), "sqlalchemy-connection-asyncpg", "sqlalchemy", "asyncpg"),
]
DRIVERS = pytest.mark.parametrize(("store", "begin"), _DRIVERS, indirect=["store"])


async def write(connection: Any, statement: str, **values: Any) -> Any:
    return await (await callers_transaction(connection)).execute(statement, values)


@pytest.fixture
def loans(place: str) -> Callable[[], list[str]]:
    """The application's own table, beside the ledger's; gives the order ids that are in it."""
    made: list[bool] = []

    def look() -> list[str]:
        if not made:
            ask(place, "CREATE TABLE loans (order_id TEXT)")
            made.append(True)
        return [order_id for (order_id,) in ask(place, "SELECT order_id FROM loans ORDER BY 1")]

    return look


def _table(place: str) -> str:
    """Its name on a connection that looks into another schema."""
    schema = place.rpartition("%3D")[2] if place.startswith("postgresql") else ""
    return f"{schema}.loans" if schema else "loans"


@DRIVERS
async def test_what_commits_is_paid_with_the_loan_and_what_rolls_back_is_neither(
    make: Make, place: str, begin: Begin, loans: Callable[[], list[str]], live: FakePayCools
) -> None:
    async with make() as payouts:
        loans()
        insert = f"INSERT INTO {_table(place)} VALUES (:order_id)"
        async with begin(place) as transaction:
            await write(transaction, insert, order_id="APP000000001")
            taken = await payouts.submit(order(1), connection=transaction)
            assert taken.order_id == "APP000000001"

        async def undone() -> None:
            async with begin(place) as transaction:
                await payouts.submit(order(2), connection=transaction)
                await write(transaction, insert, order_id="APP000000002")
                raise Undo

        with pytest.raises(Undo):
            await undone()
        assert (await payouts.wait("APP000000001", within=60)).settled
        await asyncio.sleep(0.3)
        assert await payouts.get("APP000000002") is None
        assert loans() == ["APP000000001"]
    assert [each.order_id for each in live.payouts.paid] == ["APP000000001"]


@DRIVERS
async def test_within_a_transaction_too_an_order_id_has_one_content(make: Make, place: str, begin: Begin) -> None:
    async with make() as payouts:
        await payouts.submit(order(1))
        async with begin(place) as transaction:
            again = await payouts.submit(order(1), connection=transaction)
            assert again.order_id == "APP000000001"
            with pytest.raises(OrderConflict, match="other content"):
                await payouts.submit(order(1, amount=50011), connection=transaction)
        assert len([each async for each in payouts.list()]) == 1


@DRIVERS
async def test_a_final_word_is_acknowledged_in_the_applications_own_commit_exactly_once(
    make: Make, place: str, begin: Begin, loans: Callable[[], list[str]]
) -> None:
    payouts = make(handlers=1)
    insert = f"INSERT INTO {_table(place)} VALUES (:order_id)"
    calls: list[str] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.order_id)
        async with begin(place) as transaction:
            await write(transaction, insert, order_id=payout.order_id)
            await payouts.acknowledge(payout, connection=transaction)
            if len(calls) == 1:
                raise Undo

    async with payouts:
        loans()
        await payouts.submit(order(1))
        settled = await payouts.wait("APP000000001", within=60)
        while not loans():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        assert loans() == ["APP000000001"]
        assert calls == ["APP000000001"] * 2

        async def again() -> None:
            async with begin(place) as transaction:
                await write(transaction, insert, order_id="again")
                await payouts.acknowledge(settled, connection=transaction)

        with pytest.raises(AlreadyAcknowledged):
            await again()
        assert loans() == ["APP000000001"]
        found = await payouts.get("APP000000001")
        assert found is not None
        assert found.acknowledged
        assert (await payouts.health()).unacknowledged == 0


async def test_another_file_than_the_ledgers_is_refused(opened: Any, tmp_path: Path) -> None:
    payouts: DurablePayouts = await opened()
    for other, named in ((":memory:", "a database in memory"), (tmp_path / "other.db", str(tmp_path / "other.db"))):
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE loans (order_id)")
            with pytest.raises(ConfigurationError, match=f"to {re.escape(named)}, .*: nothing was submitted"):
                await payouts.submit(order(), connection=connection)
    with pytest.raises(ConfigurationError, match=r"builtins\.str is no connection"):
        await payouts.submit(order(), connection="payouts.db")
    assert await payouts.get("APP000000001") is None


async def test_the_ledgers_file_by_another_name_is_the_ledgers_file(opened: Any, place: str, tmp_path: Path) -> None:
    payouts: DurablePayouts = await opened()
    link = tmp_path / "link.db"
    link.symlink_to(place)
    with closing(sqlite3.connect(link)) as connection, connection:
        await payouts.submit(order(), connection=connection)
    assert (await payouts.wait("APP000000001", within=60)).settled


_ALONE: list[dict[str, Any]] = [{"isolation_level": None}]
if sys.version_info >= (3, 12):
    _ALONE.append({"autocommit": True})


@pytest.mark.parametrize("options", _ALONE)
async def test_a_sqlite_connection_outside_a_transaction_is_refused(opened: Any, place: str, options: Any) -> None:
    payouts: DurablePayouts = await opened()
    with closing(sqlite3.connect(place, **options)) as connection:
        with pytest.raises(ConfigurationError, match="begin a transaction"):
            await payouts.submit(order(), connection=connection)
        connection.execute("BEGIN")
        await payouts.submit(order(), connection=connection)
        connection.execute("ROLLBACK")
    assert await payouts.get("APP000000001") is None


@pytest.mark.parametrize("begin", [session("aiosqlite"), connection("aiosqlite")])
async def test_a_savepoint_is_no_transaction_to_share_on_sqlite(opened: Any, place: str, begin: Begin) -> None:
    """Where nothing was written before it, its end is a commit, and what is rolled back after that is paid."""
    pytest.importorskip("sqlalchemy")
    payouts: DurablePayouts = await opened()
    async with begin(place) as found:
        async with found.begin_nested():
            with pytest.raises(ConfigurationError, match="in a savepoint"):
                await payouts.submit(order(), connection=found)
        await payouts.submit(order(), connection=found)
        async with found.begin_nested():
            pass
        await found.rollback()
    assert await payouts.get("APP000000001") is None


@pytest.mark.parametrize("options", _ALONE)
async def test_an_aiosqlite_connection_outside_a_transaction_is_refused(opened: Any, place: str, options: Any) -> None:
    aiosqlite = pytest.importorskip("aiosqlite")
    payouts: DurablePayouts = await opened()
    async with aiosqlite.connect(place, **options) as connection:
        with pytest.raises(ConfigurationError, match="begin a transaction"):
            await payouts.submit(order(), connection=connection)
        await connection.execute("BEGIN")
        await payouts.submit(order(), connection=connection)
        await connection.execute("ROLLBACK")
    assert await payouts.get("APP000000001") is None


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
async def test_another_database_and_another_schema_and_no_transaction_are_refused(
    opened: Any, place: str, postgres_url: str
) -> None:
    payouts: DurablePayouts = await opened()
    schema = place.rpartition("%3D")[2]
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as admin:
        await admin.execute(f"CREATE DATABASE other_{schema}".encode())
        with pytest.raises(ConfigurationError, match="begin a transaction"):
            await payouts.submit(order(), connection=admin)
        async with admin.transaction():  # which sees other tables by its search_path, and the ledger's all the same
            await payouts.submit(order(2), connection=admin)
    other = postgres_url.replace("/postgres?", f"/other_{schema}?")
    async with await psycopg.AsyncConnection.connect(other) as connection:
        # a ledger that looks the same, of the same merchant
        await connection.execute(f"CREATE SCHEMA {schema}".encode())
        await connection.commit()
        from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

        dsn = f"{other}&options=-csearch_path%3D{schema}"
        twin = await PostgresLedger.open(dsn, payouts._api.identity)
        await twin.application("app")
        await twin.aclose()
        with pytest.raises(ConfigurationError, match="not to the one of the ledger"):
            await payouts.submit(order(), connection=connection)
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(ConfigurationError, match="to sqlite"):
        await payouts.submit(order(), connection=connection)
    assert (await payouts.wait("APP000000002", within=60)).settled
    assert await payouts.get("APP000000001") is None


@STORES
async def test_many_transactions_at_once_enter_an_order_id_once(make: Make, place: str, store: str) -> None:
    begin = on_psycopg if store == "postgres" else on_sqlite3
    async with make() as payouts:

        async def one(number: int) -> bool:
            try:
                async with begin(place) as transaction:
                    await payouts.submit(order(1, amount=50000 + number % 2), connection=transaction)
            except OrderConflict:
                return False
            return True

        taken = await asyncio.gather(*(one(number) for number in range(10)))
        assert taken.count(True) == 5
        assert len([each async for each in payouts.list()]) == 1


@STORES
async def test_a_handler_that_acknowledges_and_does_not_commit_is_called_again(
    make: Make, place: str, store: str
) -> None:
    begin = on_psycopg if store == "postgres" else on_sqlite3
    payouts = make()
    calls: list[str] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.order_id)
        with contextlib.suppress(Undo):
            async with begin(place) as transaction:
                await payouts.acknowledge(payout, connection=transaction)
                if len(calls) == 1:
                    raise Undo

    async with payouts:
        await payouts.submit(order(1))
        async with asyncio.timeout(60):
            while len(calls) < 2 or (await payouts.health()).unacknowledged:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
    assert calls == ["APP000000001"] * 2


def _begin(store: str) -> Begin:
    return on_psycopg if store == "postgres" else on_sqlite3


@STORES
async def test_what_a_handler_gives_to_in_transaction_before_it_acknowledges_is_done_with_that(
    make: Make, place: str, loans: Callable[[], list[str]]
) -> None:
    payouts = make()
    calls: list[str] = []
    insert = f"INSERT INTO {_table(place)} VALUES ('APP000000001')"

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.order_id)
        in_transaction(lambda connection: connection.execute(insert))
        await payouts.acknowledge(payout)

    async with payouts:
        loans()
        await payouts.submit(order(1))
        async with asyncio.timeout(60):
            while not loans():
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        health = await payouts.health()
    assert (loans(), calls, health.unacknowledged, health.last_error) == (["APP000000001"], ["APP000000001"], 0, None)


@STORES
@pytest.mark.parametrize("own", [False, True], ids=["at-once", "own-connection"])
async def test_work_that_comes_after_the_mark_is_refused_and_not_lost_in_silence(
    make: Make, place: str, store: str, own: bool, caplog: pytest.LogCaptureFixture
) -> None:
    payouts = make()
    refused: list[str] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        if own:
            async with _begin(store)(place) as transaction:
                await payouts.acknowledge(payout, connection=transaction)
        else:
            await payouts.acknowledge(payout)
        try:
            in_transaction(print)
        except ConfigurationError as error:
            refused.append(str(error))
            raise

    async with payouts:
        await payouts.submit(order(1))
        async with asyncio.timeout(60):
            while not (health := await payouts.health()).last_error:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        assert (await payouts.health()).unacknowledged == 0
    assert len(refused) == 1
    assert "the payout is acknowledged: give `in_transaction` its work before that" in refused[0]
    assert health.last_error == refused[0]
    assert "order APP000000001 is settled, is acknowledged and not told again" in caplog.text


@STORES
async def test_a_handler_that_gave_work_cannot_acknowledge_on_its_own_connection(
    make: Make, place: str, store: str
) -> None:
    payouts = make()
    calls: list[str] = []

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(payout.order_id)
        if len(calls) == 1:
            in_transaction(print)
        async with _begin(store)(place) as transaction:
            await payouts.acknowledge(payout, connection=transaction)

    async with payouts:
        await payouts.submit(order(1))
        async with asyncio.timeout(60):
            while not (health := await payouts.health()).last_error:
                await asyncio.sleep(0.05)
            assert "and not both" in health.last_error
            while (await payouts.health()).unacknowledged:
                await asyncio.sleep(0.05)
    assert calls == ["APP000000001"] * 2


@pytest.mark.process
@STORES
async def test_a_handler_that_acknowledges_twice_and_so_rolls_back_is_called_again_after_a_pause_and_is_seen(
    make: Make, place: str, store: str, caplog: pytest.LogCaptureFixture
) -> None:
    payouts = make()
    calls: list[float] = []
    well = False

    @payouts.on_final
    async def done(payout: DurablePayout) -> None:
        calls.append(time.monotonic())
        async with _begin(store)(place) as transaction:
            await payouts.acknowledge(payout, connection=transaction)
            if not well:
                await payouts.acknowledge(payout, connection=transaction)

    async def ok() -> bool:
        health = await payouts.health()
        return health.ok and health.unacknowledged == 0

    async with payouts:
        await payouts.submit(order(1))
        await payouts.wait("APP000000001", within=60)
        await until(lambda: "told again in 2 seconds" in caplog.text)
        health = await payouts.health()
        assert not health.ok
        assert health.unacknowledged == 1
        assert "acknowledge each payout once" in str(health.last_error)
        failed = len(calls)
        well = True
        await until(ok)
    assert len(calls) == failed + 1
    assert all(later - earlier >= 0.9 for earlier, later in itertools.pairwise(calls)), "it was called at once"
    assert "order APP000000001 is settled, and told again in 2 seconds: the handler raised" in caplog.text
