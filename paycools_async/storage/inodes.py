"""Which database files this process has open, by inode.

Closing any descriptor of a file drops all POSIX locks that the process holds on it, SQLite's too. So a descriptor of
our own on a database, for `flock`, is kept here, and is closed only when no connection of ours to that file is left.

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
from typing import Any, Final

import attrs

from .errors import LockHeld, LockUnusable, StorageError

if sys.platform == "linux":
    import fcntl

__all__ = ["Connection", "connect", "lock_file", "unlock_file"]

Key = tuple[int, int]


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
