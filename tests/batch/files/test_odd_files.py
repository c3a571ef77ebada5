"""What was named is no file, has no end, or is far too much: one line, exit code 2, at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paycools_async import CreatePayout
from paycools_async.batch import FileError, RowError, read_orders
from paycools_async.batch.files import text
from paycools_async.batch.files.codes import read_codes
from paycools_async.cli.app import app
from paycools_async.errors import ConfigurationError
from paycools_async.settings import setting
from paycools_async.storage.regular_file import read_small

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are Unix's")

HEADER = "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name\n"
ROW = "PAY{},500.10,EWALLET,GCASH,09171234567,Juan Dela Cruz\n"


def _sparse(path: Path, content: str = "", size: int = 10 * 1024**3) -> Path:
    path.write_text(content)
    os.truncate(path, size)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _zero(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def _loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def _text(content: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_text(content)
        return path

    return make


MILLION = ",".join(f"c{n}" for n in range(1_000_000))
ODD: dict[str, Callable[[Path], Path]] = {
    "a pipe": _pipe,
    "a folder": _folder,
    "/dev/zero": _zero,
    "a link to itself": _loop,
    "10 GB of nothing": _sparse,
    "a header, and 10 GB of nothing": lambda path: _sparse(path, HEADER),
    "a header, and 3 GB of nothing": lambda path: _sparse(path, HEADER, 3 * 1024**3),
    "a million columns": _text(MILLION),
    "ten thousand columns": _text(",".join(f"c{n}" for n in range(10_000))),
    "a thousand unknown columns": _text(",".join(f"acount_no{n}" for n in range(999)) + ",amount,remark"),
    "an account of 130 kB": _text(HEADER + ROW.format(1).replace("09171234567", "1" * 130_000)),
    "an account of 60 kB": _text(HEADER + ROW.format(1).replace("09171234567", "1" * 60_000)),
    "a million names in an object": _text("{" + ",".join(f'"a{n}":1' for n in range(6_000)) + "}"),
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx"])
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("command", ["check", "run"])
def test_an_odd_file_is_refused_in_a_few_lines(name: str, suffix: str, command: str, tmp_path: Path) -> None:
    path = ODD[name](tmp_path / f"o{suffix}")
    more = ["--sandbox", "--yes", "--ledger", str(tmp_path / "l.db")] if command == "run" else []
    began = time.monotonic()
    result = CliRunner().invoke(app, ["payouts", command, str(path), *more])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert all(len(line) < 3_000 for line in result.output.splitlines())
    assert len(result.output.splitlines()) < 5
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["a pipe", "a folder", "/dev/zero", "a link to itself", "10 GB of nothing"])
def test_odd_files_of_settings_keys_codes_and_callbacks(name: str, tmp_path: Path) -> None:
    path = ODD[name](tmp_path / "odd")
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match="X_FILE: "):
        setting({"X_FILE": str(path)}, "X")
    with pytest.raises(ConfigurationError, match="--codes "):
        read_codes(path)
    env = {"PAYCOOLS_PH_CALLBACK_SECRET": "secret of theirs"}
    for arguments in (["keys", "check", str(path)], ["callbacks", "verify", str(path)]):
        result = CliRunner().invoke(app, arguments, env=env)
        assert result.exit_code == 2, result.output
        [line] = result.output.splitlines()
        assert line.startswith("error: ")
    assert time.monotonic() - began < 60


def test_what_a_shell_pipes_in_is_read(tmp_path: Path) -> None:
    path = _pipe(tmp_path / "pipe")
    for late in (True, False):  # the writer may have ended before the reader comes
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(path, os.O_WRONLY)

        def write(descriptor: int = writing, pause: float = 0.1 if late else 0.0) -> None:
            time.sleep(pause)
            os.write(descriptor, b"x" * 40_000)
            os.close(descriptor)

        writer = threading.Thread(target=write)
        writer.start()
        if not late:
            writer.join()
        assert read_small(path, 65_536) == b"x" * 40_000
        writer.join()
        os.close(reading)


def test_a_pipe_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paycools_async.storage.regular_file._PIPE_SECONDS", 0.2)
    path = _pipe(tmp_path / "pipe")
    both = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(TimeoutError):
            read_small(path, 100)
    finally:
        os.close(both)


def test_a_file_that_grows_while_it_is_read_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(HEADER + "".join(ROW.format(n) for n in range(100)))

    def growing() -> Iterator[object]:
        for order in read_orders(path, CreatePayout, "PHP"):
            with path.open("a") as file:
                file.write("".join(ROW.format(n) for n in range(1_000)))
            yield order

    assert len(list(growing())) == 100


def test_the_bound_of_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_BYTES", 100)
    path = tmp_path / "o.csv"
    path.write_text(HEADER + ROW.format(1) * 10)
    with pytest.raises(FileError, match="must be at most 100"):
        list(read_orders(path, CreatePayout, "PHP"))


def test_a_row_of_very_many_members_is_a_fault_of_that_row(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("{" + ",".join(f'"acount_no{n}":1' for n in range(3_000)) + "}\n")
    [error] = list(read_orders(path, CreatePayout, "PHP"))
    assert str(error) == "line 1, row: has 3,000 members, must be at most 100"
    assert isinstance(error, RowError)
