"""An inbox in a ledger's own file, made in either order, while other processes open and close the ledger."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.batch import Plan, WriteOrders

from paycools_async.batch import Identity, LedgerError, SQLiteLedger
from paycools_async.callbacks.inbox import InboxError, Item, SQLiteStore

OWNER = Identity(family="ph", app_id="owner", host="localhost")
RUNS, EACH = 20, 3

_RUN = """
import asyncio, sys
from pathlib import Path
from paycools_async.batch import Identity, SQLiteLedger

async def main():
    ledger = await SQLiteLedger.open(Path(sys.argv[1]), Identity(family="ph", app_id="owner", host="localhost"))
    await ledger.note_destination({"run": sys.argv[2]})
    await ledger.aclose()

asyncio.run(main())
"""


def item(number: int) -> Item:
    return Item(id=f"C{number}", subject=None, rank=0, verdict="", family="ph", body=b"{}")


async def beside(path: Path) -> SQLiteLedger:
    return await SQLiteLedger.open(path, OWNER, exclusive=False)


def seen_by_others(path: Path) -> int:
    """How many callbacks another process finds in the file."""
    text = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM paycools_callbacks'))"
    )
    done = subprocess.run([sys.executable, "-c", text, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout.strip("(,)\n"))


@pytest.mark.process
@pytest.mark.parametrize("first", ["ledger", "inbox"])
async def test_what_was_acknowledged_is_stored_whoever_opens_and_closes_the_file(tmp_path: Path, first: str) -> None:
    path = tmp_path / "books.db"
    if first == "ledger":
        ledger = await beside(path)
        store = await SQLiteStore.open(path)
    else:
        store = await SQLiteStore.open(path)
        ledger = await beside(path)
    added = 0
    for run in range(RUNS):
        command = [sys.executable, "-c", _RUN, str(path), str(run)]
        process = await asyncio.create_subprocess_exec(*command, env={"PYTHONPATH": ":".join(filter(None, sys.path))})
        for _ in range(EACH):
            assert await store.add(item(added))
            added += 1
            await asyncio.sleep(0.05)
        assert await process.wait() == 0
    assert seen_by_others(path) == RUNS * EACH, "what this process has stored would be there if it died now"
    await store.aclose()
    assert await ledger.destination() == {"run": str(RUNS - 1)}
    await ledger.aclose()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM paycools_callbacks").fetchone() == (RUNS * EACH,)


async def test_opening_and_closing_an_inbox_leaves_the_ledgers_locks(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    ledger = await SQLiteLedger.open(path, OWNER)
    await (await SQLiteStore.open(path)).aclose()
    await (await SQLiteLedger.open(path, OWNER, read_only=True)).aclose()
    await (await SQLiteLedger.open(path, OWNER, exclusive=False)).aclose()
    text = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM meta').fetchone()"
    subprocess.run([sys.executable, "-c", text, str(path)], check=True)
    assert Path(f"{path}-wal").exists(), "the other process saw that somebody has the file open"
    await ledger.aclose()


async def test_an_inbox_may_be_made_in_a_ledger_and_a_ledger_in_an_inbox(tmp_path: Path) -> None:
    tables: list[set[Any]] = []
    for order in ("ledger", "inbox"):
        path = tmp_path / f"{order}.db"
        for what in (order, "inbox", "ledger"):
            opened: Any = await (SQLiteStore.open(path) if what == "inbox" else SQLiteLedger.open(path, OWNER))
            await opened.aclose()
        with closing(sqlite3.connect(path)) as connection:
            tables.append(set(connection.execute("SELECT type, name FROM sqlite_master")))
    assert tables[0] == tables[1]
    assert len(tables[0]) > 10


async def test_an_inbox_goes_into_a_ledger_that_has_a_past_and_into_no_older_copy_of_it(
    ledger: Any, plan: Plan, write_orders: WriteOrders
) -> None:
    path: Path = ledger.path
    await plan(write_orders(1))
    await ledger.aclose()
    older = path.read_bytes()
    again = await SQLiteLedger.open(path, None)
    await again.withdraw(by="ana")
    await again.aclose()
    await (await SQLiteStore.open(path)).aclose()
    path.write_bytes(older)
    with pytest.raises(InboxError, match="the ledger in it is not whole: at least 1 of its moves are missing"):
        await SQLiteStore.open(path)


async def test_a_shops_own_file_may_hold_an_inbox_and_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id)")
    await (await SQLiteStore.open(path)).aclose()
    before = path.read_bytes()
    ways: list[Any] = [{}, {"exclusive": False}, {"read_only": True}]
    for options in ways:
        with pytest.raises(LedgerError, match="is no ledger"):
            await SQLiteLedger.open(path, OWNER, **options)
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 50, 1000, 4096])
async def test_an_emptied_or_cut_off_file_is_no_inbox(tmp_path: Path, size: int) -> None:
    path = tmp_path / "inbox.db"
    store = await SQLiteStore.open(path)
    await store.add(item(1))
    await store.aclose()
    os.truncate(path, size)
    with pytest.raises(InboxError, match="cannot be used as an inbox"):
        await SQLiteStore.open(path)
    assert path.stat().st_size == size


async def test_an_inbox_goes_into_no_part_of_a_ledger(tmp_path: Path) -> None:
    path, other = tmp_path / "books.db", tmp_path / "other.db"
    ledger = await SQLiteLedger.open(path, OWNER)
    other.hardlink_to(path)
    with pytest.raises(InboxError, match="the ledger in it is not whole"):
        await SQLiteStore.open(other)
    await ledger.aclose()


async def test_one_leads_by_whatever_name_it_has_opened_the_inbox(tmp_path: Path) -> None:
    path, other = tmp_path / "inbox.db", tmp_path / "other.db"
    first = await SQLiteStore.open(path)
    other.symlink_to(path)
    second = await SQLiteStore.open(other)
    assert await first.try_become_leader()
    assert not await second.try_become_leader()
    Path(f"{path}.inbox-lock").unlink()
    assert await second.try_become_leader()
    assert not await first.try_become_leader(), "who has lost the lock's file steps down"
    await second.aclose()
    assert await first.try_become_leader()
    await first.aclose()


async def test_a_lock_that_cannot_be_taken_makes_nobody_a_leader(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path / "inbox.db")
    Path(tmp_path, "inbox.db.inbox-lock").mkdir()
    with pytest.raises(InboxError, match="this lock cannot be taken"):
        await store.try_become_leader()
    await store.aclose()


async def test_every_commit_of_an_inbox_is_synced(tmp_path: Path) -> None:
    """What was acknowledged must outlive a power cut."""
    store = await SQLiteStore.open(tmp_path / "inbox.db")
    settings = ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync")
    try:
        asked = [
            await store._do(lambda connection, name=name: connection.execute(f"PRAGMA {name}").fetchone()[0])  # type: ignore[misc]
            for name in settings
        ]
    finally:
        await store.aclose()
    assert asked == ["wal", 2, 1, 1]
