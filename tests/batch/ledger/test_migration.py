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
from paycools_async.batch.ledger.application import UNTOLD, submission_of
from paycools_async.batch.ledger.base import LedgerInUse
from paycools_async.batch.ledger.sqlite.file import reading_connection
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
    assert asked(tmp_path / "backup.db", "PRAGMA user_version") == [(1,)]


async def test_the_log_of_a_dead_run_is_not_mixed_with_a_copy_from_before_its_migration(
    old: Path, tmp_path: Path
) -> None:
    before = old.read_bytes()
    ledger = await SQLiteLedger.open(old, IDENTITY)
    assert (await ledger.withdraw(by="ana")).rows == 2
    log, mark = Path(f"{old}-wal").read_bytes(), marks.path_of(old).read_bytes()
    await ledger.aclose()
    copy = tmp_path / "copy" / "old.db"
    copy.parent.mkdir()
    copy.write_bytes(before)
    marks.path_of(copy).write_bytes(mark)
    Path(f"{copy}-wal").write_bytes(log)
    with pytest.raises(LedgerError, match="an older copy was put in its place"):
        await SQLiteLedger.open(copy, IDENTITY)
    assert (copy.read_bytes(), Path(f"{copy}-wal").read_bytes()) == (before, log)


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


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dump", ["ledger_v1.sql", "ledger_v2.sql", "ledger_v3.sql"])
async def test_what_a_reader_sees_of_an_older_ledger_is_what_a_migration_makes_of_it(tmp_path: Path, dump: str) -> None:
    path = restored(tmp_path / "old.db", dump)
    tables = [f"SELECT * FROM {table} ORDER BY id" for table in ("payouts", "batches", "batch_log", "moves")]
    with closing(reading_connection(path)) as reader:
        seen = [reader.execute(query).fetchall() for query in tables]
    await (await SQLiteLedger.open(path, IDENTITY)).aclose()
    assert seen == [asked(path, query) for query in tables]
    assert asked(path, "SELECT DISTINCT withdrawn = 0 OR state = 'withdrawn', tell_due, told FROM payouts") == [
        (1, 0.0, None)
    ]


async def test_what_version_1_gave_up_as_absent_is_looked_for_again_as_a_duplicate_whatever_its_reason_was(
    old: Path,
) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE payouts SET reason = 'unclear', due = 9 WHERE order_id = 'ABSENT'")
    await (await SQLiteLedger.open(old, IDENTITY)).aclose()
    [found] = asked(old, "SELECT state, reason, due FROM payouts WHERE order_id = 'ABSENT'")
    assert found == ("unknown", "duplicate", 0.0)


async def test_an_application_has_one_batch_in_a_ledger_and_files_have_as_many_as_they_like(old: Path) -> None:
    await (await SQLiteLedger.open(old, IDENTITY)).aclose()
    add = "INSERT INTO batches VALUES (NULL, '', '', 0, 0, '', 0, NULL, ?)"
    with closing(sqlite3.connect(old)) as connection:
        connection.executemany(add, [(None,), (None,), ("app",), ("other",)])
        with pytest.raises(sqlite3.IntegrityError, match=r"batches\.application"):
            connection.execute(add, ("app",))


async def test_an_index_holds_what_is_looked_for_by_it_and_nothing_else(old: Path) -> None:
    await (await SQLiteLedger.open(old, IDENTITY)).aclose()
    told = [("", "SETTLED"), ("", "ACCEPTED"), ("failed", "FAILED"), ("settled", "MISMATCH")]
    with closing(sqlite3.connect(old)) as connection:
        connection.executemany("UPDATE payouts SET told = ? WHERE order_id = ?", told)
        connection.execute("UPDATE payouts SET idempotency_id = 'other' WHERE order_id = 'SETTLED'")
        [looked_for] = connection.execute("EXPLAIN QUERY PLAN SELECT id FROM payouts WHERE idempotency_id = ?", ("a",))
        due = f"EXPLAIN QUERY PLAN SELECT id FROM payouts WHERE intake = 1 AND tell_due <= 1 AND {UNTOLD}"
        [to_tell] = connection.execute(due)
        connection.execute("ANALYZE")
        sizes = dict(connection.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'payouts'").fetchall())
    assert sizes["payouts_untold"].split()[0] == "2", "an end that the application does not know yet"
    assert sizes["payouts_idempotency"].split()[0] == "1", "an id that is not the order's own"
    assert "payouts_idempotency" in looked_for[-1]
    assert "payouts_untold" in to_tell[-1]
