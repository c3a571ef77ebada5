"""Ledgers of version 1, from a file that version 1 wrote (tests/data/ledger_v1.sql is its dump)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.owners import owner

from paycools_async.batch import Identity, LedgerError, SQLiteLedger, State
from paycools_async.batch.ledger.base import LedgerInUse

IDENTITY = Identity(family="ph", app_id="APP1", host="localhost")
_DUMP = Path(__file__).parents[2] / "data" / "ledger_v1.sql"

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


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_DUMP.read_text())
    return path


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
    assert asked(old, "PRAGMA user_version") == [(2,)]


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
    assert asked(old, "PRAGMA user_version") == [(2,)]


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
        connection.execute("PRAGMA user_version = 3")
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
