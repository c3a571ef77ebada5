"""Ledgers of earlier versions, from files that these wrote: tests/data/ledger_v1.sql, _v2 and _v3 are dumps."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.owners import owner

from paycools_async import CreatePayout
from paycools_async.batch import Identity, LedgerError, Order, SQLiteLedger, State
from paycools_async.batch.ledger.application import submission_of
from paycools_async.batch.ledger.base import LedgerInUse
from paycools_async.storage import file_lock, marks

IDENTITY = Identity(family="ph", app_id="APP1", host="localhost")
_DATA = Path(__file__).parents[2] / "data"

AFTER = {
    "PLANNED": ("offered", None, 1),
    "NOTSENT": ("offered", None, 1),
    "RESEND": ("offered", "unclear", 1),
    "SENDING": ("sending", None, 1),
    "UNCLEAR": ("unknown", "unclear", 1),
    "DUPLICATE": ("unknown", "duplicate", 1),
    "DOUBTED": ("unknown", "doubted", 2),
    "CRASHED": ("unknown", "crashed", 2),
    "ACCEPTED": ("accepted", None, 2),
    "SETTLED": ("settled", None, 2),
    "FAILED": ("failed", None, 2),
    "MISMATCH": ("conflict", "unclear", 2),
    "ABSENT": ("unknown", "duplicate", 2),
}


STATES_2 = {
    "PLANNED": ("planned", None),
    "NOTSENT": ("planned", None),
    "RESEND": ("planned", "unclear"),
    "SENDING": ("sending", None),
    "UNCLEAR": ("unknown", "unclear"),
    "DUPLICATE": ("unknown", "duplicate"),
    "DOUBTED": ("unknown", "doubted"),
    "CRASHED": ("unknown", "crashed"),
    "ACCEPTED": ("accepted", None),
    "SETTLED": ("settled", None),
    "FAILED": ("failed", None),
    "MISMATCH": ("conflict", "unclear"),
    "EARLIER": ("preexisting", "duplicate"),
    "OFFERED": ("offered", None),
    "WITHDRAWN": ("withdrawn", None),
}


def restored(path: Path, dump: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((_DATA / dump).read_text())
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return restored(tmp_path / "old.db", "ledger_v1.sql")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A ledger of version 2, which its run closed in order."""
    return restored(tmp_path / "old.db", "ledger_v2.sql")


def asked(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


async def everything(ledger: SQLiteLedger) -> Any:
    rows = {row.order_id: row async for page in ledger.pages() for row in page}
    return rows, await ledger.batches(), [timeline for page in ledger.timelines() for timeline in page]


async def test_rows_of_version_1_are_what_they_were_and_planned_ones_wait_for_a_yes(old: Path) -> None:
    moves = asked(old, "SELECT * FROM moves")
    ledger = await SQLiteLedger.open(old, IDENTITY)
    rows, batches, _ = await everything(ledger)
    assert {name: (row.state, row.reason, row.intake) for name, row in rows.items()} == AFTER
    assert (rows["FAILED"].code, rows["FAILED"].message) == (1003, "refused")
    assert (rows["SETTLED"].transaction_id, rows["RESEND"].resends) == ("TSETTLED", 1)
    assert [(batch.id, batch.payouts, batch.amount, batch.log) for batch in batches] == [
        (1, 6, 60_015, ()),
        (2, 7, 70_063, ()),
    ]
    assert await ledger.claim([State.PLANNED], 99, max_resends=99) == [], "nothing is sent without a yes"
    await ledger.aclose()
    assert asked(old, "SELECT * FROM moves") == moves
    assert asked(old, "PRAGMA user_version") == [(4,)]


async def test_a_reader_shows_version_1_as_it_would_be_and_does_not_migrate_it(old: Path) -> None:
    before = old.read_bytes()
    reader = await SQLiteLedger.open(old, IDENTITY, read_only=True)
    shown, counts = await everything(reader), await reader.counts()
    await reader.aclose()
    assert old.read_bytes() == before
    assert [file.name for file in old.parent.iterdir()] == ["old.db"]
    ledger = await SQLiteLedger.open(old, IDENTITY)
    assert (shown, counts) == (await everything(ledger), await ledger.counts())
    await ledger.aclose()


async def test_it_is_not_migrated_under_a_run_of_version_1(old: Path) -> None:
    with closing(sqlite3.connect(f"{old}.lock", isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")  # as version 1 does
        for exclusive in (True, False):
            with pytest.raises(LedgerInUse):
                await SQLiteLedger.open(old, IDENTITY, exclusive=exclusive)
        await (await SQLiteLedger.open(old, None, read_only=True)).aclose()
    assert asked(old, "PRAGMA user_version") == [(1,)]
    beside = await SQLiteLedger.open(old, None, exclusive=False)
    await beside.aclose()
    assert asked(old, "PRAGMA user_version") == [(4,)]


async def test_a_run_of_version_1_stays_out_of_a_ledger_that_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    lock = sqlite3.connect(f"{path}.lock", isolation_level=None, timeout=0)
    with owner(path), closing(lock), pytest.raises(sqlite3.OperationalError, match="locked"):
        lock.execute("BEGIN EXCLUSIVE")


async def test_a_migration_that_fails_changes_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE batches (mine)")
    with pytest.raises(LedgerError, match="batches already exists"):
        await SQLiteLedger.open(old, IDENTITY)
    assert asked(old, "PRAGMA user_version") == [(1,)]
    assert asked(old, "SELECT count(*) FROM payouts WHERE state = 'planned'") == [(3,)]


@pytest.mark.parametrize("options", [{}, {"exclusive": False}, {"read_only": True}])
async def test_a_ledger_of_a_newer_version_is_refused(old: Path, options: Any) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA user_version = 5")
    before = old.read_bytes()
    with pytest.raises(LedgerError, match="newer version"):
        await SQLiteLedger.open(old, IDENTITY, **options)
    assert old.read_bytes() == before


async def test_a_backup_of_version_1_is_one_too(old: Path, tmp_path: Path) -> None:
    reader = await SQLiteLedger.open(old, None, read_only=True)
    await reader.backup(tmp_path / "backup.db")
    await reader.aclose()
    with pytest.raises(LedgerError, match="is a backup"):
        await SQLiteLedger.open(tmp_path / "backup.db", IDENTITY)


# -- version 2 ---------------------------------------------------------------------------------------------------------


async def test_rows_of_version_2_are_what_they_were_and_what_was_released_stays_so(second: Path) -> None:
    moves, log = asked(second, "SELECT * FROM moves"), asked(second, "SELECT * FROM batch_log")
    ledger = await SQLiteLedger.open(second, IDENTITY)
    rows, batches, timelines = await everything(ledger)
    assert {name.removeprefix("PAYMENT"): (row.state, row.reason) for name, row in rows.items()} == STATES_2
    assert [(batch.file, batch.payouts, batch.amount, len(batch.log), batch.beside) for batch in batches] == [
        ("march.csv", 13, 130_078, 2, ()),
        ("april.csv", 2, 20_041, 2, ()),
    ]
    assert len(timelines) == 11
    assert {row.beside for row in rows.values()} == {None}
    assert len(await ledger.claim([State.PLANNED], 99, max_resends=99)) == 3
    assert await ledger.recover(call_timeout=30.0) == 1
    await ledger.aclose()
    assert asked(second, "SELECT * FROM moves")[:-1] == moves
    assert asked(second, "SELECT * FROM batch_log") == log
    assert asked(second, "PRAGMA user_version") == [(4,)]


async def test_a_ledger_of_version_2_takes_columns_that_are_not_sent_once_it_is_brought_up_to_date(
    second: Path,
) -> None:
    ledger = await SQLiteLedger.open(second, IDENTITY)
    known = payout(mch_order_id="PAYMENTPLANNED", amount=10_000)
    found = await ledger.intake([Order(2, known, {"_dept": "A"}), Order(3, payout(), {"_dept": "B"})], text)
    assert (found.new, found.known, found.errors) == (1, 1, [])
    rows, batches, _ = await everything(ledger)
    await ledger.aclose()
    assert rows["PAYMENTPLANNED"].beside is None, "it was offered without"
    assert rows["PAYMENTNEW"].beside == '{"_dept": "B"}'
    assert [batch.beside for batch in batches] == [(), (), ("_dept",)]


def payout(mch_order_id: str = "PAYMENTNEW", amount: int = 10_000) -> CreatePayout:
    return CreatePayout(
        mch_order_id=mch_order_id,
        amount=amount,
        pay_method_code="BANK",
        bank_code="BPI",
        account_no="09171234560",
        account_name="Juan Cruz",
    )


def text(request: Any) -> str:
    """What the ledger of version 2 was given to take the fingerprint of."""
    return f"text of {request.mch_order_id} {request.amount}"


async def test_a_reader_shows_version_2_as_it_would_be_and_does_not_migrate_it(second: Path) -> None:
    before = second.read_bytes()
    reader = await SQLiteLedger.open(second, IDENTITY, read_only=True)
    shown, counts = await everything(reader), await reader.counts()
    await reader.aclose()
    assert second.read_bytes() == before
    assert [file.name for file in second.parent.iterdir()] == ["old.db"]
    ledger = await SQLiteLedger.open(second, IDENTITY)
    assert (shown, counts) == (await everything(ledger), await ledger.counts())
    await ledger.aclose()


async def test_it_is_not_migrated_under_a_run_of_version_2(second: Path) -> None:
    ownership = file_lock.Ownership.of_name(second)  # as version 2 does
    for exclusive in (True, False):
        with pytest.raises(LedgerInUse):
            await SQLiteLedger.open(second, IDENTITY, exclusive=exclusive)
    await (await SQLiteLedger.open(second, None, read_only=True)).aclose()
    ownership.release()
    assert asked(second, "PRAGMA user_version") == [(2,)]
    beside = await SQLiteLedger.open(second, None, exclusive=False)
    await beside.aclose()
    assert asked(second, "PRAGMA user_version") == [(4,)]


@pytest.mark.parametrize("options", [{}, {"exclusive": False}])
async def test_a_part_of_a_ledger_of_version_2_is_refused_and_not_migrated(second: Path, options: Any) -> None:
    with closing(sqlite3.connect(second)) as connection, connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'open'")  # a run died, and its mark is gone
    before = second.read_bytes()
    with pytest.raises(LedgerError, match="is not used"):
        await SQLiteLedger.open(second, IDENTITY, **options)
    assert second.read_bytes() == before
    if not options:
        ledger = await SQLiteLedger.open(second, IDENTITY, recover=True)
        assert (await ledger.counts())[State.UNKNOWN][0] == 9
        await ledger.aclose()


async def test_the_log_of_a_dead_run_of_version_2_is_not_mixed_with_an_older_copy(second: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(second, isolation_level=None)) as dead:
        dead.execute("PRAGMA wal_autocheckpoint=0")
        [(ledger_id,)] = dead.execute("SELECT value FROM meta WHERE key = 'ledger_id'").fetchall()
        dead.execute("UPDATE meta SET value = '2' WHERE key IN ('epoch', 'open')")
        log = Path(f"{second}-wal").read_bytes()
        main = second.read_bytes()  # in which the run has not begun
    second.write_bytes(main)
    Path(f"{second}-wal").write_bytes(log)
    mark = marks.Mark(ledger_id=ledger_id, inode=second.stat().st_ino, epoch=2, last=99)
    marks.path_of(second).write_bytes(mark.encode())
    with pytest.raises(LedgerError, match="an older copy was put in its place"):
        await SQLiteLedger.open(second, IDENTITY)
    assert Path(f"{second}-wal").read_bytes() == log


async def test_after_a_run_of_version_2_died_the_next_one_goes_on_with_all_of_it(second: Path) -> None:
    with closing(sqlite3.connect(second)) as connection, connection:
        [(ledger_id,)] = connection.execute("SELECT value FROM meta WHERE key = 'ledger_id'").fetchall()
        [(last,)] = connection.execute("SELECT max(id) FROM moves").fetchall()
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'open'")
    mark = marks.Mark(ledger_id=ledger_id, inode=second.stat().st_ino, epoch=1, last=last)
    marks.path_of(second).write_bytes(mark.encode())
    ledger = await SQLiteLedger.open(second, IDENTITY)
    rows, _, _ = await everything(ledger)
    assert {name.removeprefix("PAYMENT"): (row.state, row.reason) for name, row in rows.items()} == STATES_2
    assert await ledger.recover(call_timeout=30.0) == 1
    await ledger.aclose()
    assert asked(second, "PRAGMA user_version") == [(4,)]


# -- version 3 ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def third(tmp_path: Path) -> Path:
    """A ledger of version 3, which its run closed in order: that of version 2, and a batch with a column of its own."""
    return restored(tmp_path / "old.db", "ledger_v3.sql")


async def test_rows_of_version_3_are_what_they_were_and_an_application_may_submit_beside_them(third: Path) -> None:
    moves = asked(third, "SELECT * FROM moves")
    before = third.read_bytes()
    reader = await SQLiteLedger.open(third, IDENTITY, read_only=True)
    shown, counts = await everything(reader), await reader.counts()
    await reader.aclose()
    assert third.read_bytes() == before
    ledger = await SQLiteLedger.open(third, IDENTITY)
    assert (shown, counts) == (await everything(ledger), await ledger.counts())
    rows, batches, _ = shown
    states = {name.removeprefix("PAYMENT"): (row.state, row.reason) for name, row in rows.items()}
    assert states == {**STATES_2, "NEW": ("offered", None)}
    assert [batch.beside for batch in batches] == [(), (), ("_dept",)]
    application = await ledger.application("app")
    assert (await application.submit(submission_of(payout("APP1"), text))).row.state is State.PLANNED
    assert await ledger.counts() == counts
    await ledger.aclose()
    assert asked(third, "SELECT * FROM moves")[:-1] == moves
    assert asked(third, "PRAGMA user_version") == [(4,)]
