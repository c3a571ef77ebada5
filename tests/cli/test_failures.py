"""What failed, by reason and one by one; a file to pay it again, which pays nobody twice; and one payout's life."""

from __future__ import annotations

import csv
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders, rows
from typer.testing import CliRunner

from paycools_async.batch import State
from paycools_async.batch.report.again import next_order_id
from paycools_async.cli.app import app


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def paycools(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["payouts", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def paid(file: Path | str) -> Any:
    return paycools("run", str(file), "--sandbox", "--ledger", "l.db", "--yes")


def failing(order_id: str, account: str = "09171230000") -> list[str]:
    return [order_id, "1.00", "EWALLET", "GCASH", account, "Juan Dela Cruz"]


def read(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_failures_are_shown_by_reason_after_a_run_and_by_status(write_orders: WriteOrders) -> None:
    ran = paid(write_orders(lines=[*rows(1), failing("BAD1"), failing("BAD2", "09171240000")]))
    told = (
        "failed: 2 payouts, PHP 2.00: Transaction Destination Account Error (-10005)\n"
        "        check the account with the recipient; then pay it again under a new order id\n"
    )
    assert told in ran.stdout
    assert told in paycools("status", "--ledger", "l.db").stdout
    listed = paycools("failures", "--ledger", "l.db")
    assert (listed.exit_code, told in listed.stdout) == (0, True)
    assert "BAD1  line 3  PHP 1.00  Transaction Destination Account Error (-10005)\n" in listed.stdout
    assert "0917" not in ran.output + listed.output


def test_they_are_corrected_and_paid_once_under_new_order_ids(write_orders: WriteOrders) -> None:
    assert paid(write_orders(lines=[*rows(1), failing("BAD1"), failing("BAD2", "09171240000")])).exit_code == 1
    written = paycools("failures", "--ledger", "l.db", "--out", "again.csv")
    assert (written.exit_code, stat.S_IMODE(Path("again.csv").stat().st_mode)) == (0, 0o600)
    again = read("again.csv")
    assert [(row["mch_order_id"], row["amount"], row["account_no"]) for row in again] == [
        ("BAD1RETRY1", "1.00", "09171230000"),
        ("BAD2RETRY1", "1.00", "09171240000"),
    ]
    assert [(row["_failed_order_id"], row["_failed_code"]) for row in again] == [("BAD1", "-10005"), ("BAD2", "-10005")]
    assert "idempotency_id" not in again[0]
    text = Path("again.csv").read_text().replace("09171230000", "09171230009")
    Path("again.csv").write_text(text)
    assert paid("again.csv").exit_code == 1, "one of them fails once more"
    assert paycools("failures", "--ledger", "l.db", "--out", "again.csv").exit_code == 2, "no file is overwritten"
    second = paycools("failures", "--ledger", "l.db", "--out", "second.csv")
    assert [row["mch_order_id"] for row in read("second.csv")] == ["BAD2RETRY2"]
    assert "left out: BAD1 was entered again as BAD1RETRY1, which is settled" in second.stderr
    assert "left out: BAD2 was entered again as BAD2RETRY1, which is failed" in second.stderr


def test_a_second_file_proposes_the_same_ids_so_that_nobody_is_paid_by_both(write_orders: WriteOrders) -> None:
    assert paid(write_orders(lines=[failing("BAD1")])).exit_code == 1
    for name in ("one.csv", "two.jsonl"):
        assert paycools("failures", "--ledger", "l.db", "--out", name).exit_code == 0
    assert paycools("run", "one.csv", "--sandbox", "--ledger", "l.db", "--offer").exit_code == 3
    refused = paycools("failures", "--ledger", "l.db", "--out", "three.csv")
    assert (refused.exit_code, Path("three.csv").exists()) == (2, False)
    assert "there is no failed payout to be paid again; nothing was written" in refused.stderr
    changed = paid("two.jsonl")
    assert "1 of them are in the ledger from an earlier run; nobody is paid twice" in changed.stdout


def change(what: str) -> None:
    with closing(sqlite3.connect("l.db", isolation_level=None)) as ledger:
        ledger.execute(f"UPDATE payouts SET {what} WHERE order_id = 'BAD1'")


@pytest.mark.parametrize("state", [state for state in State if state is not State.FAILED])
def test_what_may_have_been_paid_never_stands_in_the_file(state: State, write_orders: WriteOrders) -> None:
    assert paid(write_orders(lines=[failing("BAD1"), failing("BAD2", "09171240000")])).exit_code == 1
    change(f"state = '{state}'")
    assert paycools("failures", "--ledger", "l.db", "--out", "again.csv").exit_code == 0
    assert [row["_failed_order_id"] for row in read("again.csv")] == ["BAD2"]


def test_what_was_sent_twice_is_for_a_person_first(write_orders: WriteOrders) -> None:
    assert paid(write_orders(lines=[failing("BAD1"), failing("BAD2", "09171240000")])).exit_code == 1
    change("resends = 1")
    written = paycools("failures", "--ledger", "l.db", "--out", "again.csv")
    assert [row["_failed_order_id"] for row in read("again.csv")] == ["BAD2"]
    assert "left out: BAD1 was sent twice; look in PayCools' portal that neither paid" in written.stderr


def test_without_failures_there_is_none(write_orders: WriteOrders) -> None:
    assert paid(write_orders(1)).exit_code == 0
    assert paycools("failures", "--ledger", "l.db").stdout == "no payout failed\n"


@pytest.mark.parametrize(
    ("order_id", "new"),
    [
        ("A1", "A1RETRY1"),
        ("A1RETRY1", "A1RETRY2"),
        ("A1RETRY9", "A1RETRY10"),
        ("RETRY1", "RETRY1RETRY1"),
        ("A" * 25, "A" * 25 + "RETRY1"),
        ("A" * 32, "A" * 19),
    ],
)
def test_a_new_order_id_follows_from_the_old_one(order_id: str, new: str) -> None:
    found = next_order_id(order_id)
    assert found == next_order_id(order_id)
    assert found.isalnum()
    assert len(found) <= 32
    assert found.startswith(new)


def test_long_order_ids_that_differ_at_their_end_get_different_ones() -> None:
    long = ["A" * 31 + end for end in "BCD"]
    assert len({next_order_id(each) for each in long}) == 3
    assert all(each != next_order_id(each) for each in long)


def test_a_payouts_whole_life_is_told(write_orders: WriteOrders) -> None:
    orders = write_orders(lines=[failing("BAD1")])
    assert paycools("run", str(orders), "--sandbox", "--ledger", "l.db", "--offer", "--by", "ana").exit_code == 3
    waiting = paycools("show", "BAD1", "--ledger", "l.db")
    assert "What to do: say yes to its batch: paycools payouts release --ledger l.db --batch 1" in waiting.stdout
    release = ("release", "--batch", "1", "--ledger", "l.db", "--sandbox", "--yes", "--by", "bob")
    assert paycools(*release).exit_code == 1
    lines = [
        line.split("  ", 2)[-1].strip() for line in paycools("show", "BAD1", "--ledger", "l.db").stdout.splitlines()
    ]
    told = "\n".join(lines)
    for each in (
        "entered from the file by ana",
        "a yes to its batch by bob",
        "being sent",
        "PayCools took it",
        "PayCools says that it failed",
        "What to do: check the account with the recipient; then pay it again under a new order id",
    ):
        assert each in told
    missing = paycools("show", "NONE", "--ledger", "l.db")
    assert (missing.exit_code, missing.stderr) == (2, "error: NONE: this ledger has no such order\n")
