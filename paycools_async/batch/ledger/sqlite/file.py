"""The SQLite ledger's file: made, checked and opened, by one run at a time.

A run marks the ledger as open before it sends anything, in the file itself and beside it (`FILE.mark`). So a file that
is not all of the ledger, an old copy or one without its log, is refused and never taken for new.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from ....storage import file_lock, marks, sqlite
from ....storage.errors import LockHeld, LockUnusable, StorageError
from ..base import Identity, LedgerError, LedgerInUse, LedgerLockError, belongs_to_another
from ..row import Row
from .recovery import lose_everything
from .schema import MIGRATIONS, NEW_MARKS, SCHEMA, SHOWN, VERSION

__all__ = ["SUFFIXES", "Opened", "copy", "open_reading", "open_writing", "reading_connection", "translating_errors"]

SUFFIXES = ("", "-wal", "-shm", ".mark", ".lock", ".lock-journal")
"""What belongs to a ledger begins with its file's name and ends so."""

_BETWEEN_COUNTS = 0.1
"""Seconds after which the log of moves is looked at for lines that others have written."""
_PAUSES = (0.2, 0.2, 0.0)
"""Pauses after a look that found something wrong: its owner may be opening it just now."""
_PATIENCE = 30.0
"""Seconds that a run waits at its beginning for somebody who reads an old state of the ledger."""


@contextlib.contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """What goes wrong with the file is raised as a LedgerError."""
    try:
        yield
    except LockHeld as error:
        raise LedgerInUse(f"{path}: another run is using this ledger ({error})") from None
    except LockUnusable as error:
        raise LedgerLockError(str(error)) from None
    except StorageError as error:
        raise LedgerError(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"{path}: is no ledger, or cannot be used: {error}") from None


@attrs.define
class Opened:
    """A ledger's file that is open. `epoch`: the run's number; "" where nothing may be sent from it."""

    path: Path
    connection: sqlite3.Connection
    epoch: str = ""
    ownership: file_lock.Ownership | None = None
    marker: marks.Marker | None = None
    counted_at: float = 0.0

    def committed(self, connection: sqlite3.Connection, results: Sequence[Any], worked: bool) -> None:
        """Carry the mark along with a commit. Others' moves are counted now and then: each query costs a turn."""
        if self.marker is None:
            return
        mark, now = self.marker.mark, time.monotonic()
        if worked or now - self.counted_at > _BETWEEN_COUNTS:
            self.counted_at = now
            last = _last_move(connection)
        else:
            last = mark.last + sum(isinstance(result, Row) for result in results)
        if last > mark.last:
            self.marker.write(marks.Mark(ledger_id=mark.ledger_id, inode=mark.inode, epoch=mark.epoch, last=last))

    def end(self, connection: sqlite3.Connection) -> None:
        """The run has ended in order: whoever opens the file next need not doubt that it is whole."""
        connection.execute("UPDATE meta SET value = '' WHERE key = 'open' AND value = ?", (self.epoch,))

    def close(self) -> None:
        """Let others in. The connection is closed first."""
        self.connection.close()
        if self.marker is not None:
            self.marker.close()
        if self.ownership is not None:
            self.ownership.release()


# -- to read ----------------------------------------------------------------------------------------------------------


def open_reading(path: Path, identity: Identity | None) -> Opened:
    """No byte changes, and no file comes or goes. An older ledger is shown as it would be after its migration."""
    _must_be_there(path)
    doubt: str | None = ""
    for patience in _PAUSES:
        mark = marks.read(path)
        connection = sqlite.connect_reading(path)
        try:
            _prepare_reading(connection, path)
            doubt = marks.suspicion(path, mark, _state_of(connection))
            if identity is not None:
                _refuse_others(connection, path, identity)
        except BaseException:
            connection.close()
            raise
        if doubt is None:
            return Opened(path, connection)
        connection.close()
        time.sleep(patience)
    raise _refusal(path, doubt)


def reading_connection(path: Path) -> sqlite3.Connection:
    """A connection of its own to read the ledger, as `open_reading` does. Raises LedgerError."""
    with translating_errors(path):
        return open_reading(path, None).connection


def _prepare_reading(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    _refuse_foreign(connection, path, version)
    if version == 0:
        raise LedgerError(f"{path}: is no ledger: there are callbacks in it, and no payouts yet")
    if version in SHOWN:
        connection.execute("PRAGMA query_only=OFF")
        connection.executescript(SHOWN[version])
        connection.execute("PRAGMA query_only=ON")


# -- to write ---------------------------------------------------------------------------------------------------------


def open_writing(
    path: Path,
    identity: Identity | None,
    *,
    create: bool,
    exclusive: bool,
    recover: bool,
    now: float,
    join: bool = False,
) -> Opened:
    """Open or create; with `join`, also in a database that has an application's own tables alone.

    Raises LedgerError, StorageError, sqlite3.Error.
    """
    if recover and not exclusive:
        raise LedgerError(f"{path}: is recovered by its only owner, so exclusive=False does not go with it")
    if not create:
        _must_be_there(path)
    with contextlib.ExitStack() as undo:
        if exclusive:
            opened = _open_owned(path, identity, create, recover, now, undo, join=join)
        else:
            opened = _open_beside(path, identity, create, undo)
        undo.pop_all()
    return opened


def _open_beside(path: Path, identity: Identity | None, create: bool, undo: contextlib.ExitStack) -> Opened:
    """Beside a run, or without one."""
    if create and not path.exists():
        _make(path)
    mark = marks.read(path)
    connection = _connect(path, identity, undo)
    if _version(connection) < VERSION:
        with contextlib.ExitStack() as changing:  # while an older version's run may be on, nothing is changed under it
            ownership = file_lock.Ownership.of_name(path)
            changing.callback(ownership.release)
            ownership.take_file()
            _refuse_doubtful(connection, path, mark)
            _to_this_version(connection, path)
    for patience in _PAUSES:
        doubt = _doubt(path, mark, _state_of(connection))
        if doubt is None:
            _complete(connection, path, identity)
            return Opened(path, connection)
        time.sleep(patience)
        mark = marks.read(path)
    raise _refusal(path, doubt)  # pyright: ignore[reportPossiblyUnboundVariable] - there is a first look


def _open_owned(
    path: Path,
    identity: Identity | None,
    create: bool,
    recover: bool,
    now: float,
    undo: contextlib.ExitStack,
    *,
    join: bool,
) -> Opened:
    """As the only one who may send from it."""
    if path.exists():
        sqlite.refuse_empty(path)
    ownership = file_lock.Ownership.of_name(path)
    undo.callback(ownership.release)
    if create and not path.exists():
        _make(path)
    ownership.take_file()
    mark = marks.read(path)
    doubt = _doubt_of_main(path, mark)
    if doubt is not None:  # of a log that is another file's nothing can be used
        raise _refusal(path, doubt, f"delete {path.name}-wal and use `--recover`")
    # where a mark is, a ledger was: the application's tables alone are not all that has been in the file
    connection = _connect(path, identity, undo, join=join and mark is None)
    if not recover:
        _refuse_doubtful(connection, path, mark)
    _to_this_version(connection, path, join=join and mark is None)
    connection.executescript(f"BEGIN IMMEDIATE; {NEW_MARKS} COMMIT;")
    doubt = _doubt(path, mark, _state_of(connection))
    if doubt is not None and not recover:
        raise _refusal(path, doubt)
    _complete(connection, path, identity)
    if recover:
        with connection:
            lose_everything(connection, now)
        _settle(connection, path)  # before the mark is beside it
    opened = Opened(path, connection, ownership=ownership)
    _begin(opened, undo)
    return opened


def _begin(opened: Opened, undo: contextlib.ExitStack) -> None:
    path, connection = opened.path, opened.connection
    state = _state_of(connection)
    mark = marks.Mark(ledger_id=state.ledger_id, inode=path.stat().st_ino, epoch=state.epoch, last=state.last)
    # the mark is beside it before the ledger says that it is open, and is never ahead of the ledger
    opened.marker = marks.Marker(path, mark)
    undo.callback(opened.marker.close)
    opened.epoch = str(state.epoch + 1)
    with connection:
        values = [("epoch", opened.epoch), ("open", opened.epoch)]
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
    _settle(connection, path)
    opened.marker.write(attrs.evolve(mark, epoch=state.epoch + 1))


def _settle(connection: sqlite3.Connection, path: Path) -> None:
    if not sqlite.truncate_log(connection, patience=_PATIENCE):
        raise LedgerInUse(f"{path}: somebody reads an old state of this ledger and holds it; end that, and try again")


def _connect(
    path: Path, identity: Identity | None, undo: contextlib.ExitStack, *, join: bool = False
) -> sqlite3.Connection:
    connection = sqlite.connect(path)
    undo.callback(connection.close)
    version = _version(connection)
    _refuse_foreign(connection, path, version, join=join)
    if version and identity is not None:
        _refuse_others(connection, path, identity)
    sqlite.make_durable(connection)
    return connection


def _complete(connection: sqlite3.Connection, path: Path, identity: Identity | None) -> None:
    if identity is not None:
        with connection:
            _own(connection, path, identity)


# -- what both need ---------------------------------------------------------------------------------------------------


def _must_be_there(path: Path) -> None:
    if not path.exists():
        raise LedgerError(f"{path}: there is no such ledger")


def _make(path: Path) -> None:
    mark = marks.read(path)
    if mark is not None and mark.last:
        name = marks.path_of(path).name
        raise LedgerError(
            f"{path}: is gone, but {name} says that payouts were sent from it; bring it back, or a backup, or delete "
            f"{name} if PayCools alone shall keep what was paid from being paid again"
        )
    sqlite.make(path, _build)


def _build(connection: sqlite3.Connection) -> None:
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {NEW_MARKS} COMMIT;")


def _last_move(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM moves").fetchone()[0])


def _state_of(connection: sqlite3.Connection) -> marks.FileState:
    return marks.file_state(connection, _last_move(connection))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


_OWN = frozenset({"meta", "payouts", "moves", "batches", "batch_log", "moving"})


def _refuse_foreign(connection: sqlite3.Connection, path: Path, version: int, *, join: bool = False) -> None:
    if version > VERSION:
        raise LedgerError(f"{path}: was made by a newer version of this package")
    tables = [name for (name,) in connection.execute("SELECT tbl_name FROM sqlite_master")]
    if version:
        is_ledger = {"meta", "payouts", "moves"} <= set(tables)
    else:
        inbox_only = bool(tables) and all(name.startswith("paycools_callbacks") for name in tables)
        is_ledger = inbox_only or (join and _OWN.isdisjoint(name.lower() for name in tables))
    if not is_ledger:
        raise LedgerError(f"{path}: is no ledger{_why(tables, version, join)}")


def _why(tables: list[str], version: int, join: bool) -> str:
    taken = sorted(_OWN.intersection(name.lower() for name in tables))
    if version or not join or not taken:
        return ""
    return (
        f", and none can be made in it: it has tables of its own that are called {', '.join(taken)}; use another file"
    )


def _to_this_version(connection: sqlite3.Connection, path: Path, *, join: bool = False) -> None:
    """Its owner's: add the tables beside an inbox's or an application's, or migrate."""
    version = _version(connection)
    _refuse_foreign(connection, path, version, join=join)
    if version == 0:
        _build(connection)
    elif version < VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[version]} {NEW_MARKS} COMMIT;")


def _own(connection: sqlite3.Connection, path: Path, identity: Identity) -> None:
    if connection.execute("SELECT 1 FROM meta WHERE key = 'identity'").fetchone() is None:
        rows = [("identity", identity.text()), ("currency", identity.currency)]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    _refuse_others(connection, path, identity)


def _refuse_others(connection: sqlite3.Connection, path: Path, identity: Identity) -> None:
    found = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if found is not None and found[0] != identity.text():
        raise LedgerError(f"{path}: {belongs_to_another(found[0], identity)}; use another ledger file")


def _refuse_doubtful(connection: sqlite3.Connection, path: Path, mark: marks.Mark | None) -> None:
    """What is refused is not brought up to date."""
    if 0 < _version(connection) < VERSION:
        doubt = _doubt(path, mark, _state_of(connection))
        if doubt is not None:
            raise _refusal(path, doubt)


def _doubt(path: Path, mark: marks.Mark | None, state: marks.FileState) -> str | None:
    if state.backup:
        return f"it is a backup of {state.backup}, and what was sent since then is not in it"
    return marks.suspicion(path, mark, state)


def _doubt_of_main(path: Path, mark: marks.Mark | None) -> str | None:
    """Whether a log that a dead run has left is of this very file: SQLite itself does not look."""
    log = Path(f"{path}-wal")
    if mark is None or not log.exists() or not log.stat().st_size:
        return None
    try:
        with contextlib.closing(sqlite.only_main(path)) as connection:
            if _version(connection) == 0:
                return None
            main = marks.file_state(connection)
    except sqlite3.DatabaseError:
        return None  # the run died while it carried the log over; with the log it is whole
    if mark.ledger_id == main.ledger_id and not main.backup and mark.epoch <= main.epoch:
        return None
    return f"an older copy was put in its place, and {log.name} is of the file that was there before"


def _refusal(path: Path, doubt: str | None, recover: str = "use `--recover`") -> LedgerError:
    return LedgerError(
        f"{path}: is not used: {doubt}. Bring back the original, with {path.name}-wal and {path.name}.mark beside it, "
        f"if there is one. If it is gone for good, {recover}: then PayCools is asked for whatever may have been sent, "
        "before anything is sent"
    )


def copy(path: Path, target: Path, when: str) -> None:
    """A backup of the ledger, beside a run or without one. It says of itself that it is one."""

    def finish(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("backup", when), ("open", "")])

    opened = open_reading(path, None)
    try:
        sqlite.backup(opened.connection, target, finish)
    finally:
        opened.close()
