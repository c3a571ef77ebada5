"""The Global API's report: whatever its columns are called, no payout in it passes unseen, and no amount is guessed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.spreadsheets import write
from typer.testing import CliRunner

from paycools_async.batch.reconcile.statements import Line, ReportError, read_report
from paycools_async.cli.app import app
from paycools_async.times import JAKARTA

HEADER = ["No.", "Merchant Order ID", "Transaction ID", "Amount", "Status"]


def read(path: Path, *rows: list[Any], currency: str = "PHP", **options: Any) -> list[Line]:
    return list(read_report(write(path / "report.xlsx", list(rows)), currency, **options))


def test_a_report_is_read_line_by_line(tmp_path: Path) -> None:
    first, second = read(tmp_path, HEADER, [1, "A1", "D1", 500.1, "COMPLETED"], [2, 1007, "D2", "77.00", "failed"])
    assert (first.order_id, first.transaction_id, first.amount, first.status) == ("A1", "D1", 50010, "COMPLETE")
    assert (second.order_id, second.amount, second.status) == ("1007", 7700, "FAILED")


@pytest.mark.parametrize(
    ("written", "currency", "minor", "amount"),
    [
        ("1,234,567.89", "PHP", False, 123456789),
        ("500.00", "IDR", False, 500),
        (20000, "IDR", False, 20000),
        ("500.5", "IDR", False, None),
        (50.05, "MYR", False, 5005),
        ("50.051", "MYR", False, None),
        ("1,2345", "PHP", False, None),
        ("PHP 5", "PHP", False, None),
        ("-5", "PHP", False, None),
        ("NaN", "PHP", False, None),
        (None, "PHP", False, None),
        (50010, "PHP", True, 50010),
        ("50010.5", "PHP", True, None),
    ],
)
def test_an_amount_is_exact_or_none(
    tmp_path: Path, written: Any, currency: str, minor: bool, amount: int | None
) -> None:
    [line] = read(tmp_path, HEADER, [1, "A1", "D1", written, "COMPLETED"], currency=currency, minor=minor)
    assert line.amount == amount


def test_lines_above_the_header_and_totals_are_no_payouts(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Report of 2026-03-02"], [None], HEADER]
    rows += [[1, "A1", "D1", 5, "COMPLETED"], ["Total", None, None, 5, None]]
    assert [line.order_id for line in read(tmp_path, *rows)] == ["A1"]
    assert read(tmp_path, HEADER) == []


def test_a_payout_without_an_order_id_does_not_pass_unseen(tmp_path: Path) -> None:
    [line] = read(tmp_path, HEADER, [1, None, "D1", 5, "COMPLETED"])
    assert line.order_id == "(row 2 without an order id)"
    assert (line.transaction_id, line.amount) == ("D1", 500)


def test_columns_of_other_names_are_named_by_the_caller(tmp_path: Path) -> None:
    rows = (["Reference", "Amount", "Net amount", "State"], ["A1", 5, 4, "COMPLETED"])
    with pytest.raises(ReportError, match="no header with an order id"):
        read(tmp_path, *rows)
    columns = {"order_id": "reference", "amount": "net amount", "status": "State"}
    [line] = read(tmp_path, *rows, columns=columns)
    assert (line.order_id, line.transaction_id, line.amount, line.status) == ("A1", None, 400, "COMPLETE")


def test_two_columns_that_may_be_the_amount_are_not_chosen_from(tmp_path: Path) -> None:
    rows = (["Merchant Order ID", "Amount", "Order Amount", "Status"], ["A1", 5, 4, "COMPLETED"])
    with pytest.raises(ReportError, match="several columns that may be amount"):
        read(tmp_path, *rows)
    assert read(tmp_path, *rows, columns={"amount": "Order Amount"})[0].amount == 400


def test_a_file_that_is_no_report_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.xlsx").write_bytes(b"<html>expired</html>")
    with pytest.raises(ReportError, match="cannot be read"):
        list(read_report(tmp_path / "page.xlsx", "PHP"))
    with pytest.raises(ReportError, match="no header"):
        read(tmp_path, *[["nothing", "of", "it"] for _ in range(40)])


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
def test_the_command_holds_a_global_run_against_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    columns = "mch_order_id,amount,account_no,account_name,mobile,pay_method_code,transfer_code"
    orders = [f"ID{n:09},20000,1234567890,Budi Santoso,+6281234567890,BANK,CIMB" for n in range(5)]
    Path("orders.csv").write_text("\n".join([columns, *orders]) + "\n")
    world = ("--api", "global", "--country", "ID", "--sandbox", "--ledger", "l.db")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["payouts", *arguments, *world])

    paid = run("run", "orders.csv", "--yes")
    assert paid.exit_code == 0, paid.output
    journal = tmp_path / "l.db.sandbox-ID"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    day = datetime.fromtimestamp(lines[0]["created"], JAKARTA).date().isoformat()
    agreed = run("reconcile", "--date", day, "--report", "out")
    assert agreed.exit_code == 0, agreed.output
    assert "agrees:        5" in agreed.output
    told = (tmp_path / "out" / "reconciliation.csv").read_text()
    assert "ID000000000,agrees,20000,20000,settled,COMPLETE" in told
    gone, changed = lines[0]["order_id"], lines[1]["order_id"]
    lines[0] |= {"order_id": "STRANGER"}
    lines[1] |= {"amount": 20001}
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    alarm = run("reconcile", "--date", day)
    assert alarm.exit_code == 1, alarm.output
    assert "theirs only: STRANGER: here -, there COMPLETE IDR 20,000" in alarm.stderr
    assert f"ours only: {gone}" in alarm.stdout
    assert f"amount differs: {changed}" in alarm.stdout
    wrong = run("reconcile", "--date", day, "--column", "amount=Betrag")
    assert wrong.exit_code == 2
    assert "no header with an order id" in wrong.stderr
