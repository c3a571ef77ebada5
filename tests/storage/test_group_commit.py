"""The thread that commits survives whatever its work does, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paycools_async.storage.group_commit import Committer


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
    for error in (SystemExit(1), KeyboardInterrupt(), GeneratorExit()):
        for wait in (committer.do, committer.read):
            with pytest.raises(RuntimeError, match=type(error).__name__):
                await wait(ends(error))
    with pytest.raises(RuntimeError, match="StopIteration"):
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
