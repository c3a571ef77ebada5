"""A small file beside a ledger that says how far the ledger has come: `FILE.mark`.

A ledger that is behind its mark, or has lost it after an unclean end, is not the whole ledger: it is an old copy, or
was opened without its log. The mark is written after each commit and not synced, so it is never ahead of the ledger.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import zlib
from pathlib import Path

import attrs

from . import private
from .errors import StorageError
from .sqlite import sync_folder

__all__ = ["FileState", "Mark", "Marker", "file_state", "path_of", "read", "suspicion"]

_SIZE = 128
_MAGIC = "paycools-mark-1"


def path_of(file: Path) -> Path:
    """The mark of a ledger's file."""
    return Path(f"{file}.mark")


@attrs.frozen(kw_only=True)
class Mark:
    """`inode`: of the database. `last`: the id of the last line of its log of moves that is known to be committed."""

    ledger_id: str
    inode: int
    epoch: int
    last: int

    def encode(self) -> bytes:
        """The mark as it stands in the file: of one size, with a checksum."""
        text = f"{_MAGIC} {self.ledger_id:32} {self.inode:020} {self.epoch:020} {self.last:020}".encode()
        return (text + f" {zlib.crc32(text):08x}".encode()).ljust(_SIZE - 1) + b"\n"


def _decode(record: bytes) -> Mark | None:
    text, _, check = record.rstrip().rpartition(b" ")
    if not text.startswith(_MAGIC.encode()) or f"{zlib.crc32(text):08x}".encode() != check:
        return None
    ledger_id, inode, epoch, last = text.decode().split()[1:]
    return Mark(ledger_id=ledger_id, inode=int(inode), epoch=int(epoch), last=int(last))


def read(file: Path) -> Mark | None:
    """The mark beside this ledger; None where there is none that can be read."""
    try:
        data = path_of(file).read_bytes()
    except OSError:
        return None
    found = [mark for start in (0, _SIZE) if (mark := _decode(data[start : start + _SIZE])) is not None]
    return max(found, key=lambda mark: (mark.epoch, mark.last), default=None)


class Marker:
    """Writes the mark, by turns into two places: a process that dies while it writes one leaves the other."""

    def __init__(self, file: Path, mark: Mark) -> None:
        """Raises StorageError where it cannot be written."""
        path = path_of(file)
        self.mark: Mark = mark
        self._turn = 0
        try:
            private.tighten(path)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(path, flags, 0o600)
            try:
                os.write(descriptor, mark.encode() * 2)
                os.ftruncate(descriptor, 2 * _SIZE)
                os.fsync(descriptor)
                # in memory that is the file's: a system call would let go of the interpreter, and wait for it again
                self._memory = mmap.mmap(descriptor, 2 * _SIZE)
            finally:
                os.close(descriptor)
            sync_folder(path)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}") from None

    def write(self, mark: Mark) -> None:
        """Write the mark; it stays written when the process dies, though not when the machine does."""
        start = self._turn * _SIZE
        self._memory[start : start + _SIZE] = mark.encode()
        self._turn = 1 - self._turn
        self.mark = mark

    def close(self) -> None:
        """Close the file; the mark stays."""
        self._memory.close()


@attrs.frozen(kw_only=True)
class FileState:
    """What a marked file says of itself, in its table `meta`; `last` is the id of the last line of its log.

    `open`: the epoch whose run has not ended in order. `backup`: when it was made, of a copy.
    """

    ledger_id: str = ""
    epoch: int = 0
    open: str = ""
    backup: str = ""
    last: int = 0


def file_state(connection: sqlite3.Connection, last: int = 0) -> FileState:
    """The state of the file on this connection, with the log's last id as the caller has read it before."""
    meta = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('ledger_id', 'epoch', 'open', 'backup')"))
    return FileState(**{**meta, "epoch": int(meta.get("epoch", 0)), "last": last})


def suspicion(file: Path, mark: Mark | None, state: FileState) -> str | None:
    """Why a file beside this mark is not the whole ledger, for people; None where it is. Read the mark first."""
    if state.open:
        if mark is None:
            return f"its last run did not end in order, and {path_of(file).name} is not beside it: {_ELSEWHERE}"
        if mark.ledger_id != state.ledger_id:
            return f"its last run did not end in order, and {path_of(file).name} is another ledger's"
        if mark.inode != file.stat().st_ino:
            return f"it is a copy of a ledger whose run did not end in order: {_ELSEWHERE}"
    if mark is None or mark.ledger_id != state.ledger_id:
        return None
    if mark.last > state.last:
        missing = mark.last - state.last
        return (
            f"at least {missing} of its moves are missing: it is an older copy, or its log {file.name}-wal was left "
            "behind or deleted"
        )
    if mark.epoch > state.epoch:
        return "it is an older copy: a run that is not in it has used this ledger since"
    return None


_ELSEWHERE = "it was copied, or opened by another name, and what is missing cannot be known"
