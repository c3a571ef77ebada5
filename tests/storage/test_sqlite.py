"""SQLite files: what is under a real name is whole, and descriptors of ours never drop SQLite's locks."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support.sqlite_locks import locked_elsewhere

from paycools_async.storage import file_lock, sqlite
from paycools_async.storage.errors import LockHeld, StorageError


def build(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (x)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a file, 100% of it?.db"
    sqlite.make(found, build)
    return found


def test_a_file_is_private_and_whole_and_made_once(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite.connect(path)) as connection, connection:
        connection.execute("INSERT INTO t VALUES (1)")
    sqlite.make(path, build)
    with closing(sqlite.connect(path)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_of_many_who_make_it_at_once_one_does(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    made = threading.Barrier(8)

    def make() -> None:
        made.wait()
        sqlite.make(path, build)
        with closing(sqlite.connect(path)) as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            connection.commit()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(sqlite.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (8,)


def test_a_file_system_without_links_has_it_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "new.db"
    sqlite.make(path, build)
    before = path.read_bytes()
    sqlite.make(path, lambda connection: None)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["new.db"]


def test_owning_and_letting_go_drops_no_lock_of_sqlite(path: Path) -> None:
    with closing(sqlite.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM t").fetchone()
        key = file_lock.lock_file(path)
        with pytest.raises(LockHeld):
            file_lock.lock_file(path)
        file_lock.unlock_file(key)
        assert locked_elsewhere(path)
        assert len(file_lock._files[key].descriptors) == 1, "it is kept while the file is open"
    assert key not in file_lock._files
    assert not locked_elsewhere(path)


def test_connections_are_counted_until_they_are_closed(path: Path) -> None:
    first, second = sqlite.connect(path), sqlite.connect_reading(path)
    key = file_lock.lock_file(path)
    file_lock.unlock_file(key)
    first.close()
    first.close()
    assert file_lock._files[key].connections == 1
    second.close()
    assert key not in file_lock._files


def test_what_is_owned_is_owned_until_it_is_released(path: Path) -> None:
    owner = file_lock.Ownership.of_name(path)
    owner.take_file()
    with pytest.raises(LockHeld):
        file_lock.Ownership.of_name(path)
    owner.release()
    owner.release()
    again = file_lock.Ownership.of_name(path)
    again.take_file()
    again.release()
    found = path.stat()
    assert (found.st_dev, found.st_ino) not in file_lock._files


def test_a_backup_beside_writers_is_one_state(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    with closing(sqlite.connect(path)) as connection, closing(sqlite.connect_reading(path)) as reader:
        connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(1000)])
        sqlite.backup(reader, target, lambda copy: None)
        connection.commit()
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchone() == (0,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    target.unlink()
    target.symlink_to("nowhere")
    with closing(sqlite.connect_reading(path)) as reader, pytest.raises(StorageError, match="is there already"):
        sqlite.backup(reader, target, lambda copy: None)


def test_a_draft_is_never_left_behind(tmp_path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sqlite.make(tmp_path / "new.db", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_names_lock_is_taken_when_it_is_free_and_never_after_it_was_closed(tmp_path: Path) -> None:
    first, second = (file_lock.NameLock(tmp_path / "a.lock") for _ in range(2))
    assert first.try_take()
    assert first.try_take()
    assert not second.try_take()
    first.close()
    assert not first.try_take()
    assert second.try_take()
    second.close()
    second.close()
