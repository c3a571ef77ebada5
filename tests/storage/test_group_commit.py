"""The thread that commits survives whatever its work does, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import ctypes
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paycools_async.storage.group_commit import Committer


class Panic(BaseException):
    """As pyo3's PanicException, which is no Exception."""


def ends(error: BaseException) -> Any:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (0)")
        raise error

    return work


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    connection.execute("CREATE TABLE t (x)")
    return connection


async def test_work_that_ends_with_no_common_error_fails_its_callers_and_the_thread_goes_on(tmp_path: Path) -> None:
    committer = Committer(connect(tmp_path / "t.db"), lambda error: LookupError(str(error)))
    for error in (SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError(), Panic("a Rust panic")):
        for wait in (committer.do, committer.read):
            with pytest.raises(LookupError, match=type(error).__name__) as caught:
                await wait(ends(error))
            assert caught.value.__cause__ is error
    with pytest.raises(LookupError, match="StopIteration"):
        await committer.do(ends(StopIteration()))
    await committer.do(lambda db: db.execute("INSERT INTO t VALUES (1)"))
    assert await committer.read(lambda db: db.execute("SELECT max(x) FROM t").fetchone()) == (1,)
    await committer.aclose()
    with pytest.raises(LookupError, match="is closed"):
        committer.do(lambda db: None)


async def test_after_each_commit_and_before_anybody_hears_of_it(tmp_path: Path) -> None:
    seen: list[tuple[list[Any], bool]] = []

    def together(connection: sqlite3.Connection, items: list[Any]) -> list[Any]:
        connection.executemany("INSERT INTO t VALUES (?)", [(item,) for item in items])
        return items

    def committed(connection: sqlite3.Connection, results: Sequence[Any], worked: bool) -> None:
        assert not connection.in_transaction
        seen.append((list(results), worked))
        if 13 in results:
            raise OSError("no place")

    committer = Committer(connect(tmp_path / "t.db"), LookupError, together, committed)
    await asyncio.gather(*(committer.add(item) for item in (1, 2)))
    await committer.do(lambda db: None)
    await committer.read(lambda db: None)
    assert seen == [([1, 2], False), ([], True)]
    with pytest.raises(OSError, match="no place"):
        await committer.add(13)
    await committer.aclose()


async def test_what_breaks_the_undoing_too_fails_its_callers_and_ends_no_thread(tmp_path: Path) -> None:
    class Brittle(sqlite3.Connection):
        broken = False

        def rollback(self) -> None:
            if self.broken:
                raise Panic("no undoing")
            super().rollback()

    connection = sqlite3.connect(tmp_path / "t.db", check_same_thread=False, isolation_level=None, factory=Brittle)
    connection.execute("CREATE TABLE t (x)")
    committer = Committer(connection, lambda error: LookupError(str(error)))
    connection.broken = True
    waits = [committer.do(ends(SystemExit(1))), committer.read(lambda db: 1)]
    async with asyncio.timeout(60):
        for wait in waits:
            with pytest.raises(LookupError, match="Panic"):
                await wait
    connection.broken = False
    connection.rollback()
    async with asyncio.timeout(60):
        assert await committer.read(lambda db: 1) == 1
        await committer.aclose()


async def _read_until_it_fails(committer: Committer) -> None:
    while True:  # what is raised into a thread comes with one of its next instructions
        await committer.read(lambda db: 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_what_is_raised_into_the_thread_from_outside_leaves_nobody_waiting(tmp_path: Path) -> None:
    committer = Committer(connect(tmp_path / "t.db"), lambda error: LookupError(str(error)))
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(committer._thread.ident or 0), ctypes.py_object(Panic))
    async with asyncio.timeout(60):
        with pytest.raises(LookupError, match="has ended"):
            await _read_until_it_fails(committer)
        with pytest.raises(LookupError, match="is closed"):
            committer.do(lambda db: None)
        await committer.aclose()


async def test_a_connection_that_a_work_closes_is_an_error_for_those_who_come_after(tmp_path: Path) -> None:
    committer = Committer(connect(tmp_path / "t.db"), lambda error: LookupError(str(error)))
    async with asyncio.timeout(60):
        with pytest.raises(LookupError):
            await committer.do(lambda db: db.close())
        with pytest.raises(LookupError):
            await committer.read(lambda db: db.execute("SELECT 1"))
        await committer.aclose()
