"""Whatever the terminal and the disk are like: what is said is plain, the exit code is right, there is no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

COMMAND = [sys.executable, "-m", "paycools_async.cli"]
HEADER = "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name"
ROW = "PAY1,500.10,EWALLET,GCASH,09171234567,Juan Dela Cruz"
THAI = "เงินเดือน"
CODES = THAI.encode("ascii", "backslashreplace").decode()


def run(folder: Path, *arguments: str, **more: str) -> tuple[int, str]:
    """The exit code, and all that is said."""
    env = {**os.environ, "PYTHONPATH": os.getcwd(), **more}
    found = subprocess.run([*COMMAND, *arguments], cwd=folder, env=env, capture_output=True, timeout=60)
    said = (found.stdout + found.stderr).decode("utf-8", "replace")
    assert "Traceback" not in said, said
    assert "unexpected" not in said, said
    return found.returncode, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"{THAI}.csv").write_text(f"{HEADER}\n{ROW}\n")
    return tmp_path


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_terminal_without_thai_letters_shows_codes(folder: Path, encoding: str) -> None:
    file = f"{THAI}.csv"
    more = {"PYTHONIOENCODING": encoding}
    code, said = run(folder, "payouts", "check", file, **more)
    assert (code, f"{CODES}.csv: 1 payout, PHP 500.10, no faults" in said) == (0, True), said
    ledger = f"{THAI}.db"
    code, said = run(folder, "payouts", "run", file, "--sandbox", "--yes", "--ledger", ledger, "--report", THAI, **more)
    assert (code, f"{CODES}" in said) == (0, True), said
    assert run(folder, "payouts", "status", "--ledger", ledger, **more)[0] == 0
    assert run(folder, "payouts", "check", f"{THAI}{THAI}.csv", **more)[0] == 2
    code, said = run(folder, "payouts", "check", file, f"--{THAI}", **more)
    assert (code, f"No such option: --{CODES}" in said) == (2, True), said
    assert run(folder, "payouts", "run", "--help", **more)[0] == 0


READ_ONLY = """
mount --bind / / && mount -o remount,ro,bind / || exit 99
at=$(df --output=target "$1" | tail -n 1)
[ "$at" = / ] || mount -o remount,ro,bind "$at" || exit 99
cd "$1" && shift && exec "$@"
"""


def read_only(folder: Path, *arguments: str) -> tuple[int, str]:
    """A command, where nothing can be written anywhere; and whether it has said more than one line."""
    command = ["unshare", "--mount", "bash", "-c", READ_ONLY, "bash", str(folder), *COMMAND, *arguments]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    try:
        found = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if found.returncode == 99 or "unshare failed" in found.stderr:
        pytest.skip("no file system may be mounted here")
    assert "Traceback" not in found.stderr, found.stderr
    assert "unexpected" not in found.stderr, found.stderr
    errors = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
    return found.returncode, "\n".join(errors) or found.stdout


def test_where_nothing_can_be_written(folder: Path) -> None:
    file, ledger = f"{THAI}.csv", f"{THAI}.db"
    assert run(folder, "payouts", "run", file, "--sandbox", "--yes", "--ledger", ledger)[0] == 0
    for arguments in (
        ("payouts", "check", file),
        ("payouts", "run", file, "--sandbox", "--yes", "--ledger", "new.db"),
        ("payouts", "run", file, "--sandbox", "--yes", "--ledger", ledger),
        ("payouts", "run", file, "--sandbox", "--yes", "--report", "out"),
        ("sandbox", "--port", "0"),
    ):
        code, said = read_only(folder, *arguments)
        assert (code, len(said.splitlines())) == (4, 1), (arguments, said)
    assert read_only(folder, "payouts", "check", file)[1].endswith("set TMPDIR to one that can be written")
    code, said = read_only(folder, "payouts", "withdraw", "--yes", "--ledger", ledger)
    assert (code, f"{ledger}: cannot be written here; nothing was taken back" in said) == (4, True), said
    assert read_only(folder, "keys", "new")[0] == 2
    code, said = read_only(folder, "payouts", "status", "--ledger", ledger)
    assert (code, "settled:        1" in said) == (0, True)
    code, said = read_only(folder, "doctor", "--offline", "--ledger", ledger)
    assert (code, "nothing can be written there" in said) == (2, True), said
