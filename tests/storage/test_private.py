"""What a ledger or an inbox leaves on the disk is its owner's only; what was open to others is closed with a word."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.sqlite_locks import locked_elsewhere

from paycools_async.batch import Identity, SQLiteLedger
from paycools_async.callbacks.inbox import InboxError, Item, SQLiteStore
from paycools_async.errors import PayCoolsError
from paycools_async.storage import file_lock, private, sqlite
from paycools_async.storage.errors import StorageError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")

OWNER = Identity(family="ph", app_id="owner", host="localhost")
Opens = Callable[[Path], Awaitable[Any]]


async def ledger(path: Path) -> SQLiteLedger:
    return await SQLiteLedger.open(path, OWNER)


async def inbox(path: Path) -> SQLiteStore:
    store = await SQLiteStore.open(path)
    await store.try_become_leader()
    await store.add(Item(id=os.urandom(4).hex(), subject=None, rank=0, verdict="", family="ph", body=b"{}"))
    return store


BOTH = pytest.mark.parametrize("opens", [ledger, inbox])


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.lstat().st_mode) for file in folder.iterdir()}


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


def build(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (x)")


@BOTH
async def test_every_file_is_its_owners_only_whatever_the_umask(left: Path, opens: Opens) -> None:
    opened = await opens(left)
    found = modes(left.parent)
    assert {"books.db", "books.db-wal", "books.db-shm"} < set(found)
    assert len(found) > 3
    assert set(found.values()) == {0o600}
    await opened.aclose()
    assert set(modes(left.parent).values()) == {0o600}


@BOTH
async def test_what_others_could_read_is_closed_with_a_word(
    left: Path, opens: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    await (await opens(left)).aclose()
    for file in left.parent.iterdir():
        file.chmod(0o644)
    Path(f"{left}-wal").touch(0o644)
    opened = await opens(left)
    assert set(modes(left.parent).values()) == {0o600}
    for name in ("books.db", "books.db-wal"):
        assert f"{name}: others could read it (mode 644); now its owner only can" in caplog.text
    await opened.aclose()
    caplog.clear()
    await (await opens(left)).aclose()
    assert "others" not in caplog.text


@BOTH
@pytest.mark.parametrize("suffix", ["-wal", ".lock", ".inbox-lock", ".mark"])
async def test_no_link_beside_it_is_followed(left: Path, opens: Opens, suffix: str) -> None:
    beside = {ledger: {"-wal", ".lock", ".mark"}, inbox: {"-wal", ".inbox-lock"}}[opens]  # type: ignore[index]
    if suffix not in beside:
        pytest.skip("not its file")
    await (await opens(left)).aclose()
    target = left.with_name("target")
    target.write_text("somebody's")
    target.chmod(0o644)
    link = Path(f"{left}{suffix}")
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    with pytest.raises(PayCoolsError):
        await opens(left)
    assert (target.read_text(), modes(left.parent)["target"]) == ("somebody's", 0o644)


async def test_what_cannot_be_closed_to_others_is_refused(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await inbox(left)).aclose()
    left.chmod(0o640)

    def chmod(*args: Any, **more: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", chmod)
    with pytest.raises(InboxError, match="let its owner `chmod 600` it"):
        await SQLiteStore.open(left)


def test_a_file_system_without_permissions_is_used_with_a_word(
    left: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left.touch(0o666)
    monkeypatch.setattr(os, "chmod", lambda *args, **more: None)
    private.tighten(left)
    assert "this file system keeps no permissions" in caplog.text


def test_without_proc_and_without_hard_links_it_is_the_same(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", link)
    monkeypatch.delattr(os, "O_PATH", raising=False)
    private.create(left)
    private.create(left)
    assert modes(left.parent) == {"books.db": 0o600}
    left.chmod(0o664)
    private.tighten(left)
    assert modes(left.parent) == {"books.db": 0o600}
    left.unlink()
    private.tighten(left)
    left.symlink_to("elsewhere")
    with pytest.raises(StorageError, match="is a link"):
        private.tighten(left)


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no descriptor is used")
def test_tightening_drops_no_lock_of_sqlite(left: Path) -> None:
    sqlite.make(left, build)
    with closing(sqlite.connect(left)) as connection:
        connection.execute("SELECT count(*) FROM t").fetchone()
        left.chmod(0o644)
        private.tighten(left)
        assert locked_elsewhere(left)
    lock = file_lock.lock_name(left.with_name("a.lock"))
    with pytest.raises(StorageError):
        file_lock.lock_name(left.with_name("a.lock"))
    assert locked_elsewhere(left.with_name("a.lock"))
    lock.close()
