"""Which ledger a command is for: what --ledger says, else PAYCOOLS_LEDGER; nothing is guessed, no password shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.batch import WriteOrders
from typer.testing import CliRunner

from paycools_async.cli.app import app

COMMANDS = [
    ("status",),
    ("report",),
    ("batches",),
    ("withdraw", "--yes"),
    ("backup", "copy.db"),
    ("resume", "--yes"),
    ("release", "--batch", "1", "--yes"),
    ("run", "FILE", "--yes"),
    ("worker",),
    ("prepare",),
    ("reconcile", "--date", "2026-01-01"),
]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, key_pem: str, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = {"BASE_URL": "http://127.0.0.1:9", "APP_ID": "APP1", "APP_NAME": "Sari Sari", "PRIVATE_KEY": key_pem}
    for name, value in found.items():
        monkeypatch.setenv(f"PAYCOOLS_PH_{name}", value)


def run(write_orders: WriteOrders, *arguments: str) -> tuple[int, str]:
    file = str(write_orders(1))
    result = CliRunner().invoke(app, ["payouts", *(file if each == "FILE" else each for each in arguments)])
    assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_empty_ledger_is_an_error_of_every_command(
    write_orders: WriteOrders, tmp_path: Path, command: tuple[str, ...]
) -> None:
    for empty in ("", " "):
        code, told = run(write_orders, *command, "--ledger", empty)
        assert (code, told) == (2, "error: --ledger: no place is named: it takes a file, or postgresql://...\n")
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("postgresql://payer:pa#ssw0rd@127.0.0.1:1/x", "Connection refused"),
        ("host=127.0.0.1 port=1 dbname=x password='pa#ssw0rd'", "Connection refused"),
        ("postgresql://payer:pa/ssw0rd@127.0.0.1:1/x", "written %2F"),
        ("hots=127.0.0.1 password=pa#ssw0rd", 'invalid connection option "..."'),
    ],
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_is_taken_for_one_by_every_command(
    write_orders: WriteOrders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    written: str,
    reason: str,
) -> None:
    if command[0] == "worker" and reason == "Connection refused":
        pytest.skip("a worker waits for a database that is away: tests/cli/test_database_away.py")
    expected = "backed up as its database is" if command[0] == "backup" else reason
    for arguments in ((*command, "--ledger", written), command):
        code, told = run(write_orders, *arguments)
        assert (code, "ssw0rd" in told) == (2, False), told
        assert expected in told
        assert len(told.splitlines()) == 1, told
        monkeypatch.setenv("PAYCOOLS_LEDGER", written)
    assert not [each for each in tmp_path.iterdir() if each.suffix != ".csv"]


def test_the_ledger_may_be_named_by_the_environment_or_by_a_file(
    write_orders: WriteOrders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "give the ledger, or set PAYCOOLS_LEDGER" in " ".join(run(write_orders, "status")[1].split())
    monkeypatch.setenv("PAYCOOLS_LEDGER", "absent.db")
    assert "absent.db" in run(write_orders, "status")[1]
    assert "other.db" in run(write_orders, "status", "--ledger", "other.db")[1]
    monkeypatch.delenv("PAYCOOLS_LEDGER")
    (tmp_path / "secret").write_text("postgresql://payer:ssw0rd@127.0.0.1:1/x\n")
    monkeypatch.setenv("PAYCOOLS_LEDGER_FILE", "secret")
    code, told = run(write_orders, "status")
    assert (code, "Connection refused" in told, "ssw0rd" in told) == (2, True, False)
    monkeypatch.setenv("PAYCOOLS_LEDGER_FILE", "missing")
    assert run(write_orders, "status")[0] == 2
