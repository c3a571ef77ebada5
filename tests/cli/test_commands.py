"""The command line as a person meets it: what it prints, how it exits, and that bad input sends nothing."""

from __future__ import annotations

import csv
import json
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders, rows
from typer.testing import CliRunner

from paycools_async import load_private_key
from paycools_async.cli.app import app
from paycools_async.testing import generate_private_key

Run = Callable[..., Any]
SETTINGS = {
    "PAYCOOLS_PH_APP_ID": "APP1",
    "PAYCOOLS_PH_APP_NAME": "Sari Sari",
    "PAYCOOLS_PH_BASE_URL": "http://127.0.0.1:9",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("payouts", "check", file)` in an empty folder, without settings of the machine."""
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object, **env: str) -> Any:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


def test_a_file_is_paid_in_the_sandbox_and_never_twice(run: Run, write_orders: WriteOrders, tmp_path: Path) -> None:
    orders = write_orders(20)
    arguments = ("payouts", "run", orders, "--sandbox", "--ledger", "l.db", "--yes", "--report", "out")
    first = run(*arguments)
    assert first.exit_code == 0, first.output
    assert "To send: 20 payouts, PHP 10,002.00" in first.output
    again = run(*arguments)
    assert again.exit_code == 0
    assert "nobody is paid twice" in again.output
    assert "nothing was sent" in again.output
    journal = (tmp_path / "l.db.sandbox").read_text().splitlines()
    assert len(journal) == len({json.loads(line)["order_id"] for line in journal}) == 20
    with (tmp_path / "out" / "payouts.csv").open() as file:
        report = list(csv.DictReader(file))
    assert [row["mch_order_id"] for row in report] == [f"PAY{n:09}" for n in range(1, 21)]
    assert {(row["amount"], row["outcome"]) for row in report} == {("500.10", "settled")}
    assert all(row["transaction_id"].startswith("D") for row in report)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["payouts"], summary["amount"], summary["exit_code"]) == (20, "10002.00", 0)
    status = run("payouts", "status", "--ledger", "l.db")
    assert (status.exit_code, "settled" in status.output) == (0, True)


def test_failed_payouts_make_exit_1_and_stand_in_the_report(
    run: Run, write_orders: WriteOrders, tmp_path: Path
) -> None:
    orders = write_orders(lines=[*rows(2), ["BAD1", "1.00", "EWALLET", "GCASH", "09171230000", "Juan"]])
    result = run("payouts", "run", orders, "--sandbox", "--ledger", "l.db", "--yes")
    assert result.exit_code == 1
    report = run("payouts", "report", "--ledger", "l.db", "--report", "out")
    assert report.exit_code == 1
    with (tmp_path / "out" / "payouts.csv").open() as file:
        failed = [row for row in csv.DictReader(file) if row["outcome"] == "failed"]
    assert [(row["mch_order_id"], row["code"], row["message"]) for row in failed] == [
        ("BAD1", "-10005", "Transaction Destination Account Error")
    ]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("payouts check .", ".: give a .csv or a .jsonl file, or an .xlsx"),
        ("payouts check ''", ".: give a .csv or a .jsonl file, or an .xlsx"),
        ("payouts run . --sandbox --yes", ".: give a .csv or a .jsonl file, or an .xlsx"),
        ("payouts run / --sandbox --yes --ledger l.db", "/: is no file"),
        ("payouts show '' --ledger l.db", "'': this ledger has no such order"),
        ("payouts show ' ' --ledger l.db", "' ': this ledger has no such order"),
        ("payouts status --ledger .", "--ledger: no place is named: it takes a file, or postgresql://..."),
        ("payouts status --ledger folder", "--ledger: folder is a folder; name a file in it: folder/payouts.db"),
        ("payouts run orders.csv --sandbox --ledger folder/", "--ledger: folder/ is a folder; name a file in it: "),
        ("payouts columns --api ''", "--api '': ph or global"),
        ("payouts template t.csv --method ''", "--method '': give one of BANK, EWALLET, SCANQR"),
        ("payouts reconcile --sandbox --ledger l.db --date ''", "--date '': give a day as yyyy-MM-dd"),
        ("payouts run orders.csv --sandbox --yes --expect-total ''", "--expect-total '': not a plain decimal number"),
        ("sandbox --fault ''", "--fault '': give one of drop_before"),
        ("sandbox --journal .", "--journal .: is a folder; name a file"),
    ],
)
def test_a_name_of_nothing_is_told_as_it_was_given(
    run: Run, write_orders: WriteOrders, tmp_path: Path, command: str, told: str
) -> None:
    (tmp_path / "folder").mkdir()
    file = write_orders(1)
    assert run("payouts", "run", file, "--sandbox", "--yes", "--ledger", "l.db").exit_code == 0
    before = sorted(path.name for path in tmp_path.rglob("*") if "orders" not in path.name)
    found = run(*shlex.split(command))
    [error] = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
    assert (found.exit_code, error.startswith(f"error: {told}")) == (2, True), error
    assert sorted(path.name for path in tmp_path.rglob("*") if "orders" not in path.name) == before


def test_what_was_offered_in_the_sandbox_is_released_there(run: Run, write_orders: WriteOrders) -> None:
    """The command that is proposed is the one that works; without --sandbox it says what is missing."""
    file = write_orders(1)
    assert run("payouts", "run", file, "--sandbox", "--ledger", "l.db", "--offer").exit_code == 3
    proposed = "paycools payouts release --ledger l.db --batch 1 --sandbox"
    for command in ("status", "batches", "report"):
        assert f"{proposed}\n" in run("payouts", command, "--ledger", "l.db").stdout
    assert f"{proposed}\n" in run("payouts", "show", "PAY000000001", "--ledger", "l.db").stdout
    for command in ("release --batch 1", "resume"):
        result = run("payouts", *command.split(), "--ledger", "l.db", "--yes", **SETTINGS)
        assert (result.exit_code, result.stderr) == (
            2,
            "error: l.db was paid from with --sandbox: give that again; nothing was sent\n",
        )
    done = run(*shlex.split(proposed)[1:], "--yes")
    assert (done.exit_code, "settled:        1" in done.stdout) == (0, True), done.output


def test_every_bad_row_is_listed_and_nothing_is_sent(run: Run, write_orders: WriteOrders, tmp_path: Path) -> None:
    bad = ["BAD1", "500.105", "EWALLET", "GCASH", "0917", "Juan"]
    orders = write_orders(lines=[*rows(2), bad, rows(1)[0]])
    told = [
        "orders.csv: line 4, amount: '500.105': more than 2 decimals, which PHP does not have",
        "orders.csv: line 4, account_no: is no Philippine mobile number (09 and nine more digits)",
        "orders.csv: line 5, mch_order_id: PAY000000001 stands already in line 2",
        "error: 2 bad rows; nothing was sent",
    ]
    for command in (("check",), ("run", "--sandbox", "--yes", "--ledger", "l.db")):
        result = run("payouts", command[0], orders, *command[1:])
        assert (result.exit_code, result.stderr.splitlines()) == (2, told)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.csv"], "no ledger, no sandbox books"
    assert run("payouts", "check", write_orders(3, name="good.csv")).exit_code == 0


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "not set: PAYCOOLS_PH_PRIVATE_KEY; `paycools doctor` looks at all settings, a sandbox needs none"),
        ("nonsense", "PAYCOOLS_PH_PRIVATE_KEY: this is neither a PEM nor a Base64 key"),
        ("PUBLIC", "PAYCOOLS_PH_PRIVATE_KEY: this is a public key; the merchant's private key is needed"),
    ],
)
def test_a_wrong_key_is_told_clearly(run: Run, write_orders: WriteOrders, key_pem: str, key: str, told: str) -> None:
    from Crypto.PublicKey import RSA

    if key == "PUBLIC":
        key = RSA.import_key(key_pem).public_key().export_key().decode()
    result = run("payouts", "run", write_orders(1), "--yes", **SETTINGS, PAYCOOLS_PH_PRIVATE_KEY=key)
    assert result.exit_code == 2
    assert told in result.stderr
    assert key == "" or key not in result.output


@pytest.mark.process
def test_a_host_that_is_not_there_leaves_everything_planned(run: Run, write_orders: WriteOrders, key_pem: str) -> None:
    settings = {**SETTINGS, "PAYCOOLS_PH_PRIVATE_KEY": key_pem}
    result = run(
        "payouts", "run", write_orders(2), "--yes", "--ledger", "l.db", "--wait", "1", "--concurrency", "2", **settings
    )
    assert result.exit_code == 3, result.output
    assert "warning: the balance could not be read" in result.stderr
    assert "planned:        2" in result.output


def test_without_a_terminal_nothing_is_sent_unasked(run: Run, write_orders: WriteOrders) -> None:
    result = run("payouts", "run", write_orders(1), "--sandbox", "--ledger", "l.db")
    assert result.exit_code == 2
    assert "give --yes; nothing was sent" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("payouts", "status", "--ledger", "none.db"), "there is no such ledger"),
        (("payouts", "resume", "--ledger", "none.db", "--sandbox"), "there is no such ledger"),
        (("payouts", "check", "none.csv"), "cannot be read"),
        (("payouts", "run", "none.csv", "--sandbox", "--yes"), "cannot be read"),
        (("balance",), "not set: PAYCOOLS_PH_APP_ID"),
        (("keys", "check", "none.pem"), "there is no such file"),
        (("sandbox", "--fault", "fire=2"), "--fault fire=2: give one of"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_keys_are_made_private_and_checked(run: Run, tmp_path: Path) -> None:
    made = run("keys", "new", "my.pem", "--bits", "2048")
    assert made.exit_code == 0
    key = load_private_key(tmp_path / "my.pem")
    assert stat.S_IMODE((tmp_path / "my.pem").stat().st_mode) == 0o600
    checked = run("keys", "check", "my.pem")
    assert "2048 bits, signs and verifies" in checked.output
    assert made.output.splitlines()[-1] == checked.output.splitlines()[-1]
    assert load_public(made.output.splitlines()[-1]) == key.public
    again = run("keys", "new", "my.pem")
    assert (again.exit_code, "never overwritten" in again.stderr) == (2, True)


def load_public(text: str) -> Any:
    from paycools_async import load_public_key

    return load_public_key(text)


def test_endpoints_are_listed(run: Run) -> None:
    listed = [json.loads(line) for line in run("endpoints", "--json").output.splitlines()]
    assert {
        "id": "ph.payout.create",
        "nav": "3.1",
        "kind": "request",
        "method": "POST",
        "path": "/api/v1/payout",
        "provenance": "documented",
        "class": "CreatePayout",
    } in listed
    assert "ph.payout.create" in run("endpoints").output


def test_nothing_that_is_printed_or_written_holds_account_data(
    run: Run, write_orders: WriteOrders, tmp_path: Path, key_pem: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    line = ["ORDER1", "500.10", "EWALLET", "GCASH", "09178889990", "Clandestine Person"]
    orders = write_orders(lines=[line, ["ORDER2", "500.10", "EWALLET", "GCASH", "09178880000", "Clandestine Person"]])
    told = run("payouts", "run", orders, "--sandbox", "--ledger", "l.db", "--yes", "--report", "out").output
    told += run("payouts", "run", write_orders(lines=[[*line[:4], "09178", "Clandestine 1"]]), "--sandbox").output
    told += "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    told += caplog.text + (tmp_path / "l.db.sandbox").read_text()
    for secret in ("0917888", "917888", "Clandestine", "PRIVATE KEY", "sandbox-callback-secret"):
        assert secret not in told


def test_generated_keys_are_fresh() -> None:
    assert generate_private_key() != generate_private_key()
