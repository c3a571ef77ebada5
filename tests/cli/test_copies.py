"""A ledger file is copied by `backup`; a copy in its place asks PayCools first, and a yes is asked for anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.batch import WriteOrders
from support.desk import Desk, desk_of

from paycools_async.cli.payouts import batches
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


@pytest.fixture
def desk(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    fake = FakePayCools(private_key=key)
    fake.merchant.enforce_unique = False
    return desk_of(fake, str(tmp_path / "l.db"), monkeypatch)


def test_a_backup_is_made_once_and_refused_in_the_ledgers_place_until_it_is_recovered(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    orders, copy = write_orders(2), tmp_path / "copy.db"
    assert desk.run(orders, offer=True).code == 3
    assert desk._do(batches.backup, None, target=copy).code == 0
    assert desk._do(batches.backup, None, target=copy).code == 2, "nothing is overwritten"
    assert desk.run(orders, yes=True).code == 0
    for file in tmp_path.glob("l.db*"):
        file.unlink()
    shutil.move(copy, tmp_path / "l.db")
    refused = desk.run(orders, yes=True)
    assert (refused.code, len(desk.paid)) == (2, 2)
    recovered = desk.run(orders, yes=True, recover=True, timeout=2.0, absent_after=1.0)
    assert len(desk.paid) == 2, "PayCools was asked before anything was sent again"
    assert recovered.code in (0, 3), recovered.output
    assert "offered" not in desk.states().values()


def test_a_database_is_backed_up_by_its_own_means(desk: Desk, tmp_path: Path) -> None:
    desk.ledger = "postgresql://nobody@127.0.0.1:1/x"
    done = desk._do(batches.backup, None, target=tmp_path / "copy.db")
    assert (done.code, "pg_dump" in done) == (2, True)


@pytest.mark.process
def test_a_recovered_ledger_asks_paycools_about_new_rows_and_then_a_person(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    orders, copy = write_orders(2), tmp_path / "copy.db"
    assert desk.run(orders, offer=True).code == 3
    assert desk._do(batches.backup, None, target=copy).code == 0
    for file in tmp_path.glob("l.db*"):
        file.unlink()
    shutil.move(copy, tmp_path / "l.db")
    asked = desk.run(orders, yes=True, recover=True, timeout=2.0, absent_after=1.0)
    assert (asked.code, desk.paid) == (3, []), "the yes was for what is offered, and nothing is"
    assert "batch 1 is offered and waits for a yes: paycools payouts release --ledger" in asked
    said = desk.run(orders, yes=True)
    assert (said.code, len(desk.paid)) == (0, 2)
