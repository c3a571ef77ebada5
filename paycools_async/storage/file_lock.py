"""The lock that keeps a second run out: a file's only owner holds it by its name, and by the file itself.

Closing any descriptor of a file drops all POSIX locks that the process holds on it, SQLite's too. So a descriptor of
our own on a database, for `flock`, is kept here, and is closed only when no connection of ours to that file is left:
connections are made and counted here too.

A forked child inherits what SQLite remembers of its locks, and not the locks. So what was open at the fork is closed
and opened by the parent alone.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from pathlib import Path
from typing import Any, Final, Self

import attrs

from ..runtime import FORKED, Guard
from . import private
from .errors import LockHeld, LockUnusable, StorageError

if sys.platform == "linux":
    import fcntl

__all__ = ["Connection", "NameLock", "Ownership", "connect", "lock_file", "lock_name", "unlock_file"]

Key = tuple[int, int]


# -- a name, and its owner -------------------------------------------------------------------------------------------


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
        self._file: Key | None = None

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

    def _there(self) -> Key | None:
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
        self._key: Key | None = None

    @classmethod
    def of_name(cls, path: Path) -> Self:
        """Own the name; the file need not be there yet. Raises LockHeld, LockUnusable."""
        found = cls(path)
        found._name = lock_name(Path(f"{path}.lock"))
        return found

    def take_file(self) -> None:
        """Own the file too. Raises LockHeld, LockUnusable."""
        self._key = lock_file(self._path)

    def release(self) -> None:
        """Let others in. The connections to the file should be closed by now. In a forked child nothing."""
        if self._process != os.getpid():
            return
        key, self._key = self._key, None
        if key is not None:
            unlock_file(key)
        if self._name is not None:
            self._name.close()
            self._name = None


# -- the file itself, and connections to it ---------------------------------------------------------------------------


@attrs.define
class _File:
    connections: int = 0
    owned: bool = False
    descriptors: list[int] = attrs.field(factory=list)


_files: dict[Key, _File] = {}
_guard = threading.RLock()
_connections: Final[weakref.WeakSet[Connection]] = weakref.WeakSet()
_inherited: Final[dict[Key, list[Connection]]] = {}
"""Files that were open at a fork, and the parent's connections to them: SQLite would close one that nobody holds."""


def _key_of(found: os.stat_result) -> Key:
    return found.st_dev, found.st_ino


def _settle(key: Key) -> None:
    file = _files[key]
    if not file.connections and not file.owned:
        del _files[key]
        for descriptor in file.descriptors:
            os.close(descriptor)


class Connection(sqlite3.Connection):
    """A connection that is counted until it is closed."""

    _key: Key | None = None
    _process: int | None = None

    def close(self) -> None:
        if self._process not in (None, os.getpid()):
            return
        super().close()
        with _guard:
            key, self._key = self._key, None
            if key is not None:
                _files[key].connections -= 1
                _settle(key)


def connect(path: Path, query: str, **options: Any) -> Connection:
    """A connection to a file that exists. `query`: of SQLite's URI. Raises StorageError, and sqlite3.Error."""
    with _guard:
        key = _key_of(os.stat(path))
        if key in _inherited:
            raise StorageError(
                f"{path}: was open when this process was forked from another, and SQLite forbids it here: open it "
                "after the fork only, or start the process without one (spawn)"
            )
        _files.setdefault(key, _File()).connections += 1
    try:
        found = sqlite3.connect(
            f"{path.absolute().as_uri()}?{query}", uri=True, check_same_thread=False, factory=Connection, **options
        )
    except BaseException:
        with _guard:
            _files[key].connections -= 1
            _settle(key)
        raise
    found._key, found._process = key, os.getpid()
    _connections.add(found)
    if _key_of(os.stat(path)) != key:
        found.close()
        raise StorageError(f"{path}: was replaced by another file at this very moment")
    return found


def lock_file(path: Path) -> Key:
    """Own the file itself, whatever name it was opened by. Raises LockHeld, LockUnusable."""
    with _guard:
        key = _open(path)
        file = _files[key]
        try:
            if file.owned:
                raise LockHeld(f"{path}: is in use in this very process")
            _flock(path, file.descriptors[-1])
            file.owned = True
        finally:
            _settle(key)
    return key


def _open(path: Path) -> Key:
    try:
        key = _key_of(os.stat(path))
        if key not in _files or not _files[key].descriptors:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            key = _key_of(os.fstat(descriptor))
            _files.setdefault(key, _File()).descriptors.append(descriptor)
    except OSError as error:
        raise LockUnusable(f"{path}: cannot be locked: {error.strerror}") from None
    return key


def _flock(path: Path, descriptor: int) -> None:
    # elsewhere flock and SQLite's own locks on the same file would hinder each other; there the lock by name, and the
    # ledger's marks, have to do
    if sys.platform == "linux":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"{path}: is in use, perhaps by another name") from None
        except OSError as error:
            raise LockUnusable(f"{path}: cannot be locked: {error.strerror}") from None


def unlock_file(key: Key) -> None:
    """Let others have it."""
    with _guard:
        file = _files[key]
        file.owned = False
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl.flock(file.descriptors[-1], fcntl.LOCK_UN)
        _settle(key)


def _inherit() -> None:
    """In a forked child. Its handle of what the parent owns goes, so that the parent's death lets others in."""
    global _guard
    _guard = threading.RLock()
    for key, file in _files.items():
        _inherited.setdefault(key, [])
        for descriptor in file.descriptors:
            os.close(descriptor)
    for connection in _connections:
        if connection._key is not None:
            _inherited.setdefault(connection._key, []).append(connection)
    _files.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_inherit)
