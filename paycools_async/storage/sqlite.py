"""SQLite files: made, opened and copied in one way, by the ledger and by the inbox.

A file under its real name is never empty: it is made under another name and linked to its own when it is complete. What
is empty or cut off was so made by somebody else, and is refused.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import file_lock, private
from .errors import StorageError
from .file_lock import Connection

__all__ = [
    "CommitRefused",
    "backup",
    "checkpoint",
    "connect",
    "connect_reading",
    "make",
    "make_durable",
    "only_main",
    "real",
    "refuse_empty",
    "refusing_to_commit",
    "sync_folder",
    "truncate_log",
]

Build = Callable[[sqlite3.Connection], None]
_PAGES_IN_LOG = 10_000
"""What is in the log is on disk. Carrying it over into the file each 40 MB instead of each 4 makes a batch faster."""
_PATIENCE = 10.0
"""Seconds to wait for others that write, or that hold an old state of the file."""


def real(path: Path) -> Path:
    """The file's own name, whatever links lead to it."""
    return Path(os.path.realpath(path))


# -- making -----------------------------------------------------------------------------------------------------------


def make(path: Path, build: Build) -> None:
    """A database with what `build` puts into it, its owner's only. Where the file is there already, nothing is done.

    Raises StorageError.
    """
    log = Path(f"{path}-wal")
    if _size(log) and not path.exists():  # asked in this order: somebody else may be making it right now
        raise StorageError(
            f"{path}: is not there, but its log {log.name} is: the file was moved or deleted without it; bring the "
            f"file back to where {log.name} is"
        )
    with _new(path) as draft:
        connection = sqlite3.connect(draft)
        try:
            build(connection)
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        _sync(draft)
        with contextlib.suppress(FileExistsError):
            _publish(draft, path)


@contextlib.contextmanager
def _new(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, gone afterwards."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            yield draft
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{draft}{suffix}").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror or error}") from None


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        os.rename(draft, path)
    sync_folder(path)


def _sync(path: Path) -> None:
    # of a file that nobody has open in SQLite
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in the file's folder durable."""
    if os.name == "nt":
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- opening ----------------------------------------------------------------------------------------------------------


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def refuse_empty(path: Path) -> None:
    """Raises StorageError where nothing is in the file."""
    try:
        if path.stat().st_size == 0:
            raise StorageError(
                f"{path}: is empty, and such a file never is: it was cut off, or emptied; bring back the original or a "
                "backup, or delete the file if nothing was ever in it"
            )
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened: {error.strerror}") from None


def connect(path: Path, *, isolation_level: str | None = "IMMEDIATE", timeout: float = _PATIENCE) -> Connection:
    """A connection that may write, once it is `make_durable`. Makes no file. Raises StorageError, sqlite3.Error.

    What others can read of it is its owner's only from now on.
    """
    refuse_empty(path)
    for suffix in ("", "-wal", "-shm", "-journal"):
        private.tighten(Path(f"{path}{suffix}"))
    # the driver itself begins a transaction before a write, and waits for its turn there, not half-way
    return file_lock.connect(path, "mode=rw", isolation_level=isolation_level, timeout=timeout)


def make_durable(connection: sqlite3.Connection) -> None:
    """A commit is on disk when it returns. Changes the file's kind, so look first whether it is one of ours."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # macOS alone asks its disks for less, unless it is told; elsewhere this changes nothing
    connection.execute("PRAGMA fullfsync=ON")
    connection.execute("PRAGMA checkpoint_fullfsync=ON")
    connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_IN_LOG}")


class CommitRefused(Exception):
    """Work in a transaction that is not its own wanted to end it. Nothing was ended; what it has written is to go."""


@contextlib.contextmanager
def refusing_to_commit(connection: sqlite3.Connection, savepoint: str) -> Iterator[None]:
    """Within, nobody can end the transaction, which others share, nor the savepoint; others may be made and ended.

    That holds for `commit`, `rollback`, `with connection:` and `executescript` too. Raises CommitRefused.
    """
    refused = False

    def decide(action: int, _: str | None, name: str | None, *__: str | None) -> int:
        nonlocal refused
        is_ours = action == sqlite3.SQLITE_SAVEPOINT and name is not None and name.lower() == savepoint
        if action != sqlite3.SQLITE_TRANSACTION and not is_ours:
            return sqlite3.SQLITE_OK
        refused = True
        return sqlite3.SQLITE_DENY

    problem = "it may not commit or roll back, nor use `with connection:` or executescript: others share the commit"
    connection.set_authorizer(decide)
    try:
        yield
    except Exception as error:
        if refused:
            raise CommitRefused(problem) from error
        raise
    finally:
        connection.set_authorizer(None)
    if refused:
        raise CommitRefused(problem)


def connect_reading(path: Path) -> Connection:
    """A connection that changes no byte of the database and leaves no file behind. Raises StorageError, sqlite3.Error.

    A log that is there stays as it is, also one that a dead process has left.
    """
    refuse_empty(path)
    if os.path.exists(f"{path}-wal"):
        return _reading(path, "mode=ro")
    try:
        # SQLite makes a log even for reading. Only one who may write takes it away again, and so this one may
        return _reading(path, "mode=rw")
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK):
            raise
        return _reading(path, "immutable=1")  # nobody has it open, or there would be a log


def _reading(path: Path, query: str) -> Connection:
    connection = file_lock.connect(path, query, isolation_level=None, timeout=_PATIENCE)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def only_main(path: Path) -> Connection:
    """A connection to what is in the file without its log, for somebody who owns it and has it not open yet."""
    return _reading(path, "immutable=1")


def checkpoint(connection: sqlite3.Connection) -> None:
    """Carry over into the file what is in the log, without waiting for those who read an old state of it."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def truncate_log(connection: sqlite3.Connection, *, patience: float) -> bool:
    """Carry all of the log over into the file. False: somebody has held an old state of it all the time."""
    until = time.monotonic() + patience
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True


# -- copying ----------------------------------------------------------------------------------------------------------


def backup(source: sqlite3.Connection, target: Path, finish: Build) -> None:
    """A whole copy as one file that its owner only can read; others may write meanwhile. Raises StorageError.

    `finish` may change the copy before it gets its name. A file that is there is not replaced.
    """
    if os.path.lexists(target):
        raise StorageError(f"{target}: is there already")
    with _new(target) as draft:
        copy = sqlite3.connect(draft, isolation_level=None)
        try:
            source.backup(copy)
            finish(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
        _sync(draft)
        try:
            _publish(draft, target)
        except FileExistsError:
            raise StorageError(f"{target}: is there already") from None
