"""What an inbox's store promises, statement by statement, in both stores."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.callbacks import OpenStore

from paycools_async.callbacks import InboxError
from paycools_async.callbacks.inbox.store import Item, WorkFailed
from paycools_async.testing import ManualClock


def item(name: str, *, subject: str | None = "ph:D1", rank: int = 0, verdict: str = "PENDING") -> Item:
    return Item(id=name, subject=subject, rank=rank, verdict=verdict, family="ph", body=f"body of {name}".encode())


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Any]:
    """One that applies."""
    found: Any = await open_store()
    assert await found.try_become_leader()
    yield found
    await found.aclose()


async def names(store: Any, limit: int = 99) -> list[str]:
    return [stored.id for stored in await store.due(limit)]


async def test_a_callback_is_taken_in_once_and_comes_back_as_it_was(store: Any) -> None:
    assert await store.add(item("a", rank=1, verdict="COMPLETE"))
    assert not await store.add(item("a", rank=2, verdict="FAILED"))
    [stored] = await store.due(9)
    assert (stored.id, stored.subject, stored.rank, stored.verdict) == ("a", "ph:D1", 1, "COMPLETE")
    assert (stored.family, stored.body, stored.attempts) == ("ph", b"body of a", 0)


async def test_what_is_due_comes_in_order_of_arrival_and_no_more_than_asked_for(store: Any, clock: ManualClock) -> None:
    for name in ("c", "a", "b"):
        await store.add(item(name))
    assert await names(store) == ["c", "a", "b"]
    assert await names(store, 2) == ["c", "a"]
    first, *_ = await store.due(9)
    now = clock.time()
    await store.postpone(first.seq, now + 5, "it failed")
    assert await names(store) == ["a", "b"]
    assert await store.next_due() == now, "the others'"
    for each in await store.due(9):
        await store.mark(each.seq, "applied")
    assert await store.next_due() == now + 5
    clock.advance(4.5)
    assert await names(store) == []
    clock.advance(0.5)
    [again] = await store.due(9)
    assert (again.id, again.attempts) == ("c", 1), "due at its moment"


async def test_what_is_postponed_earlier_than_others_goes_before_none_that_arrived_before_it(
    store: Any, clock: ManualClock
) -> None:
    for name in ("a", "b"):
        await store.add(item(name))
    first, _ = await store.due(9)
    await store.postpone(first.seq, clock.time() + 5, "it failed")
    clock.advance(9)
    assert await names(store) == ["a", "b"]


@pytest.mark.parametrize("asks", ["add", "due", "next_due", "applied_so_far", "counts", "oldest"])
async def test_what_may_be_asked_twice_is_asked_again_where_a_connection_was_lost(dsn: str, asks: str) -> None:
    import psycopg

    from paycools_async.callbacks.postgres import PostgresStore

    given = {"add": item("a"), "due": 9, "applied_so_far": "ph:D1"}
    store = await PostgresStore.open(dsn)
    assert await store.try_become_leader()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as another:
        await another.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await getattr(store, asks)(*([given[asks]] if asks in given else []))
    await store.aclose()


async def test_a_database_that_refuses_the_table_is_left_without_a_connection(dsn: str) -> None:
    from paycools_async.callbacks.postgres import PostgresStore

    with pytest.raises(InboxError, match="the inbox's database failed"):
        await PostgresStore.open(dsn.replace("search_path%3D", "search_path%3Dnowhere_"))
    gc.collect()  # what was left open would be complained of


async def test_a_process_that_receives_is_opened_beside_the_one_that_applies(store: Any, open_store: OpenStore) -> None:
    other: Any = await open_store()
    assert not await other.try_become_leader()
    assert await other.add(item("a"))
    assert await names(store) == ["a"]
    await other.aclose()


async def test_an_empty_inbox_waits_for_nothing(store: Any) -> None:
    assert (await store.next_due(), await store.oldest(), await store.counts()) == (None, None, {})


async def test_what_is_marked_is_marked_once_and_neither_due_nor_postponed_again(
    store: Any, clock: ManualClock
) -> None:
    await store.add(item("a"))
    await store.add(item("b"))
    first, second = await store.due(9)
    await store.mark(first.seq, "applied")
    with pytest.raises(InboxError, match=f"callback {first.seq} was marked before"):
        await store.mark(first.seq, "superseded")
    with pytest.raises(InboxError, match="marked before"):
        await store.mark(99, "applied")
    await store.postpone(first.seq, clock.time() - 9, "too late")
    assert await store.counts() == {"applied": 1, "new": 1}
    assert await names(store) == ["b"]
    assert await store.next_due() == clock.time()
    await store.mark(second.seq, "superseded")
    assert await store.counts() == {"applied": 1, "superseded": 1}
    assert (await store.next_due(), await store.oldest()) == (None, None)


async def test_the_oldest_is_the_first_that_is_not_applied(store: Any, clock: ManualClock) -> None:
    times = []
    for name in ("a", "b", "c"):
        times.append(clock.time())
        await store.add(item(name))
        clock.advance(10)
    assert await store.oldest() == times[0]
    first, *_ = await store.due(9)
    await store.mark(first.seq, "applied")
    assert await store.oldest() == times[1]


async def test_of_a_subject_only_what_was_applied_counts(store: Any) -> None:
    assert await store.applied_so_far("ph:D1") == (-1, frozenset())
    given = [("a", 0, "PENDING"), ("b", 2, "REFUNDED"), ("c", 1, "COMPLETE"), ("d", 2, "FAILED")]
    for name, rank, verdict in given:
        await store.add(item(name, rank=rank, verdict=verdict))
    await store.add(item("other", subject="ph:D2", rank=2, verdict="CLOSED"))
    marks = ["applied", "superseded", "applied", None, "applied"]
    for stored, mark in zip(await store.due(9), marks, strict=True):
        if mark:
            await store.mark(stored.seq, mark)
    assert await store.applied_so_far("ph:D1") == (1, frozenset({"PENDING", "COMPLETE"}))


async def test_what_is_marked_has_no_error_any_more(store: Any, clock: ManualClock) -> None:
    await store.add(item("a"))
    [stored] = await store.due(9)
    await store.postpone(stored.seq, clock.time(), "it failed")
    noted: list[Any] = []
    query = "SELECT error, attempts FROM paycools_callbacks"
    await store.add(item("b"))
    _, other = await store.due(9)

    async def read(connection: Any) -> None:
        noted.append(await (await connection.execute(query)).fetchall())

    def look(connection: Any) -> Any:
        if hasattr(connection, "in_transaction"):
            noted.append(connection.execute(query).fetchall())
            return None
        return read(connection)

    await store.mark(stored.seq, "applied")
    await store.postpone(stored.seq, clock.time(), "said too late")
    await store.mark(other.seq, "applied", [look])
    assert sorted(noted[0], key=str) == [(None, 0), (None, 1)]


@pytest.mark.parametrize(
    ("problem", "becomes"),
    [
        (ZeroDivisionError("ours"), ZeroDivisionError),
        (SystemExit(3), WorkFailed),
        (asyncio.CancelledError(), WorkFailed),  # nobody has cancelled this task
        (None, WorkFailed),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_what_work_raises_is_the_handlers_and_what_the_database_refuses_is_told_apart(
    store: Any, problem: BaseException | None, becomes: type[BaseException]
) -> None:
    await store.add(item("a"))
    [stored] = await store.due(9)

    def work(connection: Any) -> Any:
        if problem is not None:
            raise problem
        return connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(becomes) as caught:
        await store.mark(stored.seq, "applied", [work])
    assert type(caught.value) is becomes
    assert await names(store) == ["a"]
    assert await store.counts() == {"new": 1}
