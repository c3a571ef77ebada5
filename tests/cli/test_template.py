"""From no file at all to paid people in the sandbox: `template`, `columns`, and what becomes of an unchanged row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from paycools_async.cli.app import app

GLOBAL = [("--api", "global", "--country", country) for country in ("PH", "ID", "MY", "TH")]
CASES = [(), ("--method", "ewallet"), *GLOBAL, (*GLOBAL[3], "--method", "PROMPTPAY")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def paycools(*arguments: str, **env: str) -> Any:
    result = CliRunner().invoke(app, ["payouts", *arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("options", CASES, ids=" ".join)
def test_a_template_passes_the_check(options: tuple[str, ...]) -> None:
    settings = tuple(option for option in options if option not in ("--method", "ewallet", "PROMPTPAY"))
    for name in ("wages.csv", "wages.jsonl"):
        assert paycools("template", name, *options).exit_code == 0
        checked = paycools("check", name, *settings)
        assert (checked.exit_code, "1 payout" in checked.stdout) == (0, True), checked.output
        assert "is the row of the template" in checked.stderr


@pytest.mark.process
@pytest.mark.parametrize("options", [(), ("--method", "EWALLET"), *GLOBAL[1:]], ids=" ".join)
@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
def test_a_template_is_settled_in_the_sandbox(options: tuple[str, ...]) -> None:
    settings = options if "--api" in options else ()
    assert paycools("template", "wages.csv", *options).exit_code == 0
    paid = paycools("run", "wages.csv", "--sandbox", "--yes", *settings)
    assert paid.exit_code == 0, paid.output


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    Path("payouts.csv").write_text("mine")
    refused = paycools("template")
    assert (refused.exit_code, Path("payouts.csv").read_text()) == (2, "mine")
    assert refused.stderr == "error: payouts.csv exists, and is not overwritten; give another name\n"
    assert paycools("template", "no/such/folder.csv").exit_code == 2
    assert paycools("template", "wages.xlsx").stderr.startswith("error: wages.xlsx: give a name that ends with .csv")


def test_a_dash_is_standard_output() -> None:
    shown = paycools("template", "-", "--method", "EWALLET")
    assert shown.stdout.splitlines() == [
        "mch_order_id,amount,pay_method_code,account_no,account_name,ewallet_code",
        "SAMPLE000001,500.10,EWALLET,09170000001,Juan Dela Cruz,GCASH",
    ]
    assert list(Path().iterdir()) == []


def test_a_method_that_is_none_is_told_with_those_that_are() -> None:
    for command in ("template", "columns"):
        refused = paycools(command, "--method", "CASH")
        assert (refused.exit_code, refused.stderr) == (2, "error: --method CASH: give one of BANK, EWALLET, SCANQR\n")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_columns_are_told_within_the_screen(width: int) -> None:
    shown = paycools("columns", "--api", "global", "--country", "TH", COLUMNS=str(width))
    assert shown.exit_code == 0
    indented = [line for line in shown.stdout.splitlines() if line.startswith("    ")]
    assert indented
    assert max(map(len, indented)) <= width
    assert "account_tax_id  (required for BANK)" in shown.stdout


def test_the_columns_of_one_method_are_those_that_may_stand_in_its_rows() -> None:
    shown = json.loads(paycools("columns", "--method", "BANK", "--json").stdout)
    names = [column["name"] for column in shown["columns"]]
    assert "bank_code" in names
    assert "remark" in names
    assert "ewallet_code" not in names
    assert (shown["api"], shown["country"], shown["currency"], shown["exit_code"]) == ("ph", "PH", "PHP", 0)


@pytest.mark.parametrize(
    ("order_id", "told"),
    [
        ("SAMPLE000001", "line 2 is the row of the template, and nobody's payout"),
        ("SAMPLE000002", "line 2 is the row of the template, and nobody's payout"),
        ("sample000001", "line 2 is the row of the template, and nobody's payout"),
        ("WAGES1", "line 2 pays to the account of the template's row, which is nobody's"),
    ],
)
@pytest.mark.parametrize("method", ["BANK", "EWALLET"])
def test_the_row_of_a_template_is_never_paid_with_real_money(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key_pem: str, order_id: str, told: str, method: str
) -> None:
    settings = {
        "PAYCOOLS_PH_APP_ID": "APP1",
        "PAYCOOLS_PH_APP_NAME": "Sari Sari",
        "PAYCOOLS_PH_BASE_URL": "https://api.paycools.example",
        "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
    }
    assert paycools("template", "--method", method).exit_code == 0
    file = Path("payouts.csv")
    file.write_text(file.read_text().replace("SAMPLE000001", order_id))
    assert "warning: payouts.csv: line 2 " in paycools("check", "payouts.csv").stderr
    refused = paycools("run", "payouts.csv", "--yes", "--ledger", "l.db", **settings)
    assert refused.exit_code == 2
    assert f"error: {told}; nothing was sent" in refused.stderr
    assert "1 withdrawn" in paycools("batches", "--ledger", "l.db").stdout
