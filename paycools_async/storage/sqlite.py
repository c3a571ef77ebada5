"""SQLite files: made, opened, owned and copied in one way, by the ledger and by the inbox.

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
from typing import Self

from ..runtime import FORKED, Guard
from . import inodes, private
from .errors import LockHeld, LockUnusable, StorageError
from .inodes import Connection

__all__ = [
    "NameLock",
    "Ownership",
    "backup",
    "checkpoint",
    "connect",
    "connect_reading",
    "lock_name",
    "make",
    "make_durable",
    "only_main",
    "real",
    "refuse_empty",
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


# -- ownership --------------------------------------------------------------------------------------------------------


def lock_name(path: Path) -> sqlite3.Connection:
    """Hold the lock of this name until the connection is closed. Raises LockHeld, LockUnusable."""
    # a held SQLite transaction is a lock on every platform, and the system drops it when the process dies
    lock = None
    try:
        private.create(path)
        private.tighten(path)
    except StorageError as error:
        raise LockUnusable(f"this lock cannot be taken: {error}") from None
    try:
        lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        lock.execute("PRAGMA journal_mode=MEMORY")
        lock.execute("BEGIN EXCLUSIVE")
        lock.execute("PRAGMA user_version=1")  # in a file that is read-only SQLite begins, and takes no lock
    except sqlite3.Error as error:
        if lock is not None:
            lock.close()
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LockHeld(f"{path}: is held by another process") from None
        raise LockUnusable(
            f"{path}: this lock cannot be taken ({error}), so nobody knows whether another run is on; make it "
            "writable, or delete it when you are sure that no run is on"
        ) from None
    return lock


class NameLock:
    """The lock of a name, for a process that takes it when it can get it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._guard = Guard()
        self._closed = False
        self._lock: sqlite3.Connection | None = None
        self._file: inodes.Key | None = None

    def try_take(self) -> bool:
        """Hold it, or go on holding it. False: another process does. Raises LockUnusable."""
        if self._process != os.getpid():  # the parent holds it, not this process
            raise LockUnusable(f"{self._path}: {FORKED}")
        with self._guard.lock:
            if self._lock is not None and self._file == self._there():
                return True
            self._release()  # somebody deleted the lock's file, so another process may hold a new one
            if self._closed:
                return False
            try:
                self._lock = lock_name(self._path)
            except LockHeld:
                return False
            self._file = self._there()
            return True

    def _there(self) -> inodes.Key | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def close(self) -> None:
        """Let others have it, for good: also if another thread is about to take it. In a forked child nothing."""
        if self._process != os.getpid():
            return
        with self._guard.lock:
            self._closed = True
            self._release()


class Ownership:
    """A file's only owner: by its real name, and by the file itself, so that no other name leads around it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._name: sqlite3.Connection | None = None
        self._key: inodes.Key | None = None

    @classmethod
    def of_name(cls, path: Path) -> Self:
        """Own the name; the file need not be there yet. Raises LockHeld, LockUnusable."""
        found = cls(path)
        found._name = lock_name(Path(f"{path}.lock"))
        return found

    def take_file(self) -> None:
        """Own the file too. Raises LockHeld, LockUnusable."""
        self._key = inodes.lock_file(self._path)

    def release(self) -> None:
        """Let others in. The connections to the file should be closed by now. In a forked child nothing."""
        if self._process != os.getpid():
            return
        key, self._key = self._key, None
        if key is not None:
            inodes.unlock_file(key)
        if self._name is not None:
            self._name.close()
            self._name = None


# -- making -----------------------------------------------------------------------------------------------------------


def make(path: Path, build: Build) -> None:
    """A database with what `build` puts into it, its owner's only. Where the file is there already, nothing is done.

    Raises StorageError.
    """
    log = Path(f"{path}-wal")
    if _size(log):
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
    return inodes.connect(path, "mode=rw", isolation_level=isolation_level, timeout=timeout)


def make_durable(connection: sqlite3.Connection) -> None:
    """A commit is on disk when it returns. Changes the file's kind, so look first whether it is one of ours."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_IN_LOG}")


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
    connection = inodes.connect(path, query, isolation_level=None, timeout=_PATIENCE)
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
