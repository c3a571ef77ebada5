"""One ledger, one owner, whatever its name; and what is not all of a ledger is never taken for a new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.owners import OWNER, ROWS, SENDING, order, owner, script

from paycools_async.batch import Event, LedgerError, SQLiteLedger, State
from paycools_async.batch.ledger.base import LedgerInUse, LedgerLockError
from paycools_async.storage import marks

pytestmark = pytest.mark.process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    return folder / "ledger.db"


@pytest.fixture
def killed(path: Path) -> Path:
    """A ledger whose run was killed, with its log."""
    with owner(path):
        pass
    assert Path(f"{path}-wal").stat().st_size > 0
    return path


async def states(path: Path, **options: Any) -> dict[State, int]:
    ledger = await SQLiteLedger.open(path, None, **options)
    try:
        return {state: rows for state, (rows, _) in (await ledger.counts()).items()}
    finally:
        await ledger.aclose()


async def refused(path: Path, match: str, error: type[LedgerError] = LedgerError, **options: Any) -> None:
    with pytest.raises(error, match=match):
        await SQLiteLedger.open(path, OWNER, **options)


def sent(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM moves WHERE event = 'send'").fetchone()[0])


WAYS: list[Any] = [{}, {"exclusive": False}, {"read_only": True}, {"create": False}, {"recover": True}]
"""To open a ledger."""
AS_LEFT = {State.PLANNED: ROWS - SENDING, State.SENDING: SENDING}


# -- a second owner -----------------------------------------------------------------------------------------------


def a_symbolic_link(path: Path, other: Path) -> None:
    other.symlink_to(path)


def a_hard_link(path: Path, other: Path) -> None:
    other.hardlink_to(path)


def a_deleted_lock(path: Path, other: Path) -> None:
    Path(f"{path}.lock").unlink()
    other.symlink_to(path)


def another_folder(path: Path, other: Path) -> None:
    (other.parent / "linked").symlink_to(path.parent)
    other.symlink_to(Path("linked", path.name))


@pytest.mark.parametrize("way", [a_symbolic_link, a_hard_link, a_deleted_lock, another_folder])
async def test_no_name_leads_to_a_second_owner(path: Path, tmp_path: Path, way: Callable[[Path, Path], None]) -> None:
    other = tmp_path / "other.db"
    with owner(path):
        way(path, other)
        for name in (other, path):
            await refused(name, "another run is using this ledger", LedgerInUse)
            await refused(name, "another run is using this ledger", LedgerInUse, recover=True)
        assert sent(path) == SENDING


@contextlib.contextmanager
def _bound(source: Path, target: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "--bind", str(source), str(target)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("bind mounts are not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
async def test_a_bind_mount_of_the_file_or_its_folder_is_no_other_ledger(path: Path, tmp_path: Path) -> None:
    file, folder = tmp_path / "bound.db", tmp_path / "bound"
    file.touch()
    folder.mkdir()
    with owner(path) as run, _bound(path, file), _bound(path.parent, folder):
        for name in (file, folder / path.name):
            await refused(name, "another run is using this ledger", LedgerInUse)
        run.kill()
        run.wait()
        await refused(file, "did not end in order")
        assert await states(folder / path.name) == AS_LEFT


async def test_the_working_folder_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with owner(path):
        monkeypatch.chdir(path.parent)
        await refused(Path(path.name), "another run is using this ledger", LedgerInUse)


async def test_a_lock_that_cannot_be_taken_is_an_error_of_its_own(killed: Path) -> None:
    lock = Path(f"{killed}.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    await refused(killed, "this lock cannot be taken", LedgerLockError)
    lock.rmdir()
    lock.write_text("not a database, " * 100)
    await refused(killed, "this lock cannot be taken", LedgerLockError)


async def test_a_read_only_lock_locks_nothing_and_is_refused() -> None:
    text = """
import asyncio, os, sys
from pathlib import Path
from support.owners import OWNER
from paycools_async.batch import SQLiteLedger

async def main(path):
    await (await SQLiteLedger.open(path.with_name("first.db"), OWNER)).aclose()  # all modules are loaded
    if not os.getuid():
        os.setuid(65534)  # root writes what is read-only
    await (await SQLiteLedger.open(path, OWNER)).aclose()
    os.chmod(f"{path}.lock", 0o400)
    try:
        await SQLiteLedger.open(path, OWNER)
    except Exception as error:
        print(type(error).__name__)

asyncio.run(main(Path(sys.argv[1])))
"""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # for the other user
        assert script(text, Path(folder, "ledger.db")).communicate()[0] == "LedgerLockError\n"


async def test_who_does_not_own_a_ledger_sends_nothing_from_it(path: Path) -> None:
    with owner(path):
        beside = await SQLiteLedger.open(path, OWNER, exclusive=False)
        [row] = await beside.claim([State.PLANNED], 1, max_resends=9)
        with pytest.raises(LedgerInUse, match="exclusive=False"):
            await beside.begin_run()
        with pytest.raises(LedgerInUse, match="exclusive=False"):
            await beside.move(row, Event.SEND)
        await beside.aclose()
        assert sent(path) == SENDING


async def test_one_process_owns_a_ledger_once_and_runs_once(path: Path, tmp_path: Path) -> None:
    first = await SQLiteLedger.open(path, OWNER)
    other = tmp_path / "other.db"
    other.hardlink_to(path)
    for name in (path, other):
        await refused(name, "another run is using this ledger", LedgerInUse)
    await first.begin_run()
    with pytest.raises(LedgerInUse, match="in this very process"):
        await first.of_batches([1]).begin_run()
    await first.end_run()
    await first.begin_run()
    await first.aclose()
    assert await states(path) == {}


# -- not all of a ledger ------------------------------------------------------------------------------------------


async def test_after_a_kill_the_ledger_goes_on_as_it_was(killed: Path) -> None:
    assert await states(killed) == AS_LEFT
    assert await states(killed) == AS_LEFT


async def test_a_run_may_die_while_it_carries_the_log_over(killed: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{killed}?immutable=1", uri=True)) as main:
        [(page,)] = main.execute("SELECT rootpage FROM sqlite_master WHERE name = 'moves'")
    with killed.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"half" * 1024)
    assert await states(killed) == AS_LEFT


async def test_after_a_kill_a_stranger_may_have_opened_and_closed_it(killed: Path) -> None:
    stranger = sqlite3.connect(killed)
    assert stranger.execute("SELECT count(*) FROM payouts").fetchone() == (ROWS,)
    stranger.close()
    assert not Path(f"{killed}-wal").exists()
    assert await states(killed) == AS_LEFT


@pytest.mark.parametrize("exclusive", [True, False])
async def test_without_its_log_it_is_refused(killed: Path, exclusive: bool) -> None:
    Path(f"{killed}-wal").unlink()
    await refused(killed, f"at least {SENDING} of its moves are missing.*--recover", exclusive=exclusive)
    await refused(killed, "moves are missing", read_only=True)


@pytest.mark.parametrize("suffixes", [[""], ["", "-wal"], ["", ".mark"], ["", "-wal", ".mark"]])
async def test_a_copy_after_a_kill_is_refused(killed: Path, tmp_path: Path, suffixes: list[str]) -> None:
    for suffix in suffixes:
        shutil.copy2(f"{killed}{suffix}", tmp_path / f"copy.db{suffix}")
    for options in WAYS[:3]:
        await refused(tmp_path / "copy.db", "did not end in order", **options)
    assert await states(killed) == AS_LEFT


async def test_a_copy_beside_the_run_is_refused(path: Path, tmp_path: Path) -> None:
    with owner(path):
        shutil.copy2(path, tmp_path / "copy.db")
        await refused(tmp_path / "copy.db", "did not end in order")


async def test_another_name_is_refused_after_a_kill_unless_all_files_have_it(killed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.hardlink_to(killed)
    await refused(other, "opened by another name")
    other.unlink()
    for suffix in ("", "-wal", ".mark"):
        Path(f"{killed}{suffix}").rename(f"{other}{suffix}")
    assert await states(other) == AS_LEFT


async def test_an_older_copy_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    with owner(path, close=True):
        pass
    old = tmp_path / "old.db"
    shutil.copy2(path, old)
    with owner(path, close=True):
        pass
    shutil.copy2(old, path)
    await refused(path, f"at least {SENDING} of its moves are missing")
    await refused(path, "older copy", read_only=True)


async def test_an_older_copy_beside_the_log_of_a_killed_run_is_not_mixed_with_it(path: Path, tmp_path: Path) -> None:
    with owner(path, close=True):
        pass
    old = tmp_path / "old.db"
    shutil.copy2(path, old)
    with owner(path):
        pass
    shutil.copyfile(old, path)
    await refused(path, "an older copy was put in its place, and ledger.db-wal is of the file that was there before")


@pytest.mark.parametrize("size", [0, 50, 1000, 4096, 20480])
async def test_an_emptied_or_cut_off_file_is_refused_by_all_and_left_as_it_is(path: Path, size: int) -> None:
    with owner(path, close=True):
        pass
    Path(f"{path}.mark").unlink()
    os.truncate(path, size)
    before = path.read_bytes()
    for options in WAYS:
        await refused(path, "is empty" if size == 0 else "is no ledger", **options)
    assert path.read_bytes() == before


async def test_a_ledger_that_is_gone_is_not_made_anew(killed: Path) -> None:
    killed.rename(f"{killed}.away")
    await refused(killed, "is gone, but ledger.db.mark says that payouts were sent from it")
    Path(f"{killed}.mark").unlink()
    await refused(killed, "is not there, but its log ledger.db-wal is")
    assert not killed.exists()


# -- recovery and backup ------------------------------------------------------------------------------------------


async def test_recovered_everything_may_have_been_sent(killed: Path) -> None:
    Path(f"{killed}-wal").unlink()
    ledger = await SQLiteLedger.open(killed, OWNER, recover=True)
    try:
        lost = {row.order_id: (row.state, row.reason) async for page in ledger.pages() for row in page}
        assert lost == {f"PAY{n}": (State.UNKNOWN, Event.LOST) for n in range(ROWS)}
        now = ledger.time()
        for row in await ledger.claim([State.UNKNOWN], ROWS, max_resends=9):
            assert row.sent is not None
            assert abs(row.sent - now) < 10
            assert (await ledger.move(row, Event.ABSENT)).state is State.OFFERED
    finally:
        await ledger.aclose()
    assert await states(killed) == {State.OFFERED: ROWS}


async def test_a_backup_is_whole_private_and_never_taken_for_the_ledger(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    with owner(path):
        ledger = await SQLiteLedger.open(path, None, read_only=True)
        await ledger.backup(target)
        with pytest.raises(LedgerError, match="is there already"):
            await ledger.backup(target)
        await ledger.aclose()
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "books"]
    assert await states(target, read_only=True) == AS_LEFT
    await refused(target, "it is a backup of 20.* UTC, and what was sent since then is not in it")
    await refused(target, "it is a backup", exclusive=False)
    assert await states(target, recover=True) == {State.UNKNOWN: ROWS}
    assert await states(target) == {State.UNKNOWN: ROWS}
    assert await states(path) == AS_LEFT, "the original is what it was"


async def test_a_backup_in_the_place_of_the_ledger_is_refused(path: Path, tmp_path: Path) -> None:
    with owner(path, close=True):
        pass
    ledger = await SQLiteLedger.open(path, None, read_only=True)
    await ledger.backup(tmp_path / "backup.db")
    await ledger.aclose()
    with owner(path):
        pass
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()
    shutil.copyfile(tmp_path / "backup.db", path)
    await refused(path, "it is a backup")
    assert await states(path, recover=True) == {State.UNKNOWN: ROWS}


async def test_what_is_entered_after_a_recovery_may_have_been_sent(path: Path) -> None:
    await (await SQLiteLedger.open(path, OWNER)).aclose()
    await (await SQLiteLedger.open(path, OWNER, recover=True)).aclose()
    ledger = await SQLiteLedger.open(path, OWNER)
    found = await ledger.intake([order(n) for n in range(ROWS)], repr)
    assert found.new == ROWS
    await ledger.aclose()
    assert await states(path) == {State.UNKNOWN: ROWS}


# -- readers ------------------------------------------------------------------------------------------------------


def files(path: Path) -> dict[str, tuple[bytes, int]]:
    """What is in the folder, without the index of the log, which is no part of the ledger."""
    return {
        file.name: (b"" if file.name.endswith("-shm") else file.read_bytes(), file.stat().st_mtime_ns)
        for file in path.parent.iterdir()
        if not file.name.endswith("-shm") or file.exists()
    }


async def read_everything(path: Path) -> None:
    ledger = await SQLiteLedger.open(path, OWNER, read_only=True)
    assert sum(rows for rows, _ in (await ledger.counts()).values()) == ROWS
    assert len(await ledger.batches()) == 1
    assert [len(page) for page in ledger.timelines()] == [SENDING]
    assert await ledger.currency() == "PHP"
    await ledger.aclose()


@pytest.mark.parametrize("end", ["in order", "killed", "alive"])
async def test_readers_change_no_byte_and_leave_nothing_behind(path: Path, end: str) -> None:
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(owner(path, close=end == "in order"))
        if end != "alive":
            run.kill()
            run.wait()
        before = files(path)
        await read_everything(path)
        after = files(path)
    assert {name: data for name, (data, _) in after.items()} == {name: data for name, (data, _) in before.items()}
    assert after["ledger.db"] == before["ledger.db"]


async def test_a_reader_writes_nothing(killed: Path) -> None:
    ledger = await SQLiteLedger.open(killed, None, read_only=True)
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    for work in (
        lambda: ledger.intake([], repr),
        lambda: ledger.release(1, by="x", rows=1, amount=1),
        lambda: ledger.withdraw(by="x"),
        lambda: ledger.adopt(by="x"),
        lambda: ledger.note_destination({}),
        lambda: ledger.begin_run(),
        lambda: ledger.recover(call_timeout=1),
        lambda: ledger.move(row, Event.SEND),
        lambda: ledger.apply_event(row.order_id, Event.FOUND_COMPLETE),
        lambda: ledger.schedule_inquiry(row, due=0, absent_since=None),
        lambda: ledger.note_lag(9),
    ):
        with pytest.raises(LedgerError, match="was opened to be read only"):
            await work()
    await ledger.aclose()


async def test_readers_make_no_ledger(path: Path) -> None:
    await refused(path, "there is no such ledger", read_only=True)
    path.touch()
    await refused(path, "is empty", read_only=True)
    assert [file.name for file in path.parent.iterdir()] == ["ledger.db"]


# -- the mark -----------------------------------------------------------------------------------------------------


def test_a_mark_that_was_cut_off_in_the_middle_leaves_the_one_before(path: Path) -> None:
    path.touch()
    mark = marks.Mark(ledger_id="a" * 32, inode=1, epoch=1, last=1)
    marker = marks.Marker(path, mark)
    for last in (2, 3):
        marker.write(attrs.evolve(mark, last=last))
    marker.close()
    found = marks.read(path)
    assert found is not None
    assert found.last == 3
    data = bytearray(marks.path_of(path).read_bytes())
    data[128 + 60] ^= 1
    marks.path_of(path).write_bytes(data)
    found = marks.read(path)
    assert found is not None
    assert found.last == 2
