"""Names that are no text in the system's encoding are stored and shown escaped, and stop nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.batch import WriteOrders

from paycools_async.texts import encodable

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their file names are always text")


@pytest.mark.parametrize(
    ("name", "stored"),
    [("wages.csv", "wages.csv"), ("\udcff.csv", "\\xff.csv"), ("\udce0\udcb8\udc84", "ค"), ("a\ud800", "a\\ud800")],
)
def test_what_utf8_cannot_hold_is_escaped(name: str, stored: str) -> None:
    assert encodable(name) == stored


@pytest.mark.process
@pytest.mark.parametrize("posix", [False, True])
def test_a_batch_of_a_file_with_an_odd_name(tmp_path: Path, write_orders: WriteOrders, posix: bool) -> None:
    name, stored = ("ค่า".encode(), "ค่า") if posix else (b"\xff", "\\xff")
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    if posix:
        env |= {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = os.fsencode(tmp_path)
    os.rename(write_orders(2), os.path.join(folder, name + b".csv"))

    def paycools(*arguments: bytes | str) -> str:
        command = [sys.executable, "-m", "paycools_async.cli", "payouts", *arguments]
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    ledger = (b"--ledger", name + b".db")
    told = json.loads(paycools("run", name + b".csv", *ledger, "--sandbox", "--yes", "--json", "--by", name))
    assert (told["preview"]["by"], told["destination"]["ledger"]) == (stored, f"{stored}.db")
    told = json.loads(paycools("batches", *ledger, "--json"))
    assert told["batches"][0]["file"] == f"{stored}.csv"
    paycools("report", *ledger, "--report", b"report" + name)
    shown = paycools("batches", *ledger)
    assert f"{stored}.csv" in shown or f"{stored}.csv".encode("ascii", "backslashreplace").decode() in shown
