"""Spreadsheets made to break their reader: each is a fault of that file, at once, and the process goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.spreadsheets import GOOD, HEADER, changed, parts_of, write, zipped
from support.waiting import wait_for
from typer.testing import CliRunner

from paycools_async import CreatePayout
from paycools_async.batch import FileError, Order, RowError, read_orders
from paycools_async.batch.files.xlsx import process
from paycools_async.batch.reconcile.statements import ReportError, read_report
from paycools_async.cli.app import app

pytest.importorskip("python_calamine")

SHEET = "xl/worksheets/sheet1.xml"
FUZZED = int(os.environ.get("PAYCOOLS_FUZZ_SHEETS", "40"))
SECONDS = 15
"""Far more than any takes: others use this machine too. Without the bounds they take minutes, or end the process."""


def _with_sheet(path: Path, change: Callable[[bytes], bytes]) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    parts[SHEET] = change(parts[SHEET])
    return zipped(path, parts)


def _far(cell: bytes) -> Callable[[Path], Path]:
    far = b"<row>" + cell + b"</row></sheetData>"
    return lambda path: _with_sheet(path, lambda sheet: sheet.replace(b"</sheetData>", far))


def _utf_16(path: Path) -> Path:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return _with_sheet(path, lambda sheet: sheet.decode().replace("</sheetData>", far).encode("utf-16"))


def _long_text(path: Path) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    parts["xl/sharedStrings.xml"] = b"<sst><si><t>" + b"x" * (200 << 20) + b"</t></si></sst>"
    return zipped(path, parts)


def _many_texts(path: Path) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    parts["xl/sharedStrings.xml"] = b"<sst>" + b"<si><t>x</t></si>" * (4 << 20) + b"</sst>"
    return zipped(path, parts)


def _bomb(path: Path) -> Path:
    content = bytearray(write(path, [HEADER, GOOD]).read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (0xFFFFFFF0).to_bytes(4, "little")  # the size it claims
    path.write_bytes(content)
    return path


def _many_sheets(path: Path) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    book = parts["xl/workbook.xml"]
    start, rest = book.split(b"<sheets>")
    sheet, end = rest.split(b"</sheets>")
    more = b"".join(sheet.replace(b'name="', b'name="%d' % n) for n in range(5000))
    parts["xl/workbook.xml"] = start + b"<sheets>" + more + b"</sheets>" + end
    return zipped(path, parts)


def _many_parts(path: Path) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    return zipped(path, {**parts, **{f"xl/worksheets/sheet{n}.xml": b"" for n in range(2, 6000)}})


def _wide(path: Path) -> Path:
    return write(path, [[*HEADER, *("note" for _ in range(2000))], GOOD])


def _long_row(path: Path) -> Path:
    return write(path, [HEADER, changed(account_no="1" * 130_000)])


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "the last cell of all": (_far(b'<c r="XFD1048576"><v>1</v></c>'), "cells; at most 20,000,000 can be read"),
    "the last cell, in other quotes": (_far(b"<c  r='XFD1048576'><v>1</v></c>"), "cells; at most 20,000,000"),
    "the last cell, behind a tab": (_far(b'<c\tr="XFD1048576"><v>1</v></c>'), "cells; at most 20,000,000"),
    "the last cell, with a blank": (_far(b'<c r = "XFD1048576"><v>1</v></c>'), ""),
    "the last cell, as an entity": (_far(b'<c r="&#88;FD1048576"><v>1</v></c>'), ""),
    "the last cell, in UTF-16": (_utf_16, ""),
    "a text of 200 MB": (_long_text, "holds a text of more than 262,144 bytes"),
    "four million texts": (_many_texts, ""),
    "a bomb": (_bomb, "has more than 1,073,741,824 bytes when it is unpacked"),
    "thousands of sheets": (_many_sheets, "has 5,000 sheets, must be at most 255"),
    "thousands of parts": (_many_parts, "parts, must be at most 5,000"),
    "thousands of columns": (_wide, "has 2,006 columns, must be at most 1,000"),
    "an account of 130 kB": (_long_row, "line 2 has more than 65536 characters; that is no row"),
}


def _read(path: Path) -> list[Order | RowError]:
    return list(read_orders(path, CreatePayout, "PHP"))


def _outcome(path: Path) -> tuple[list[Order | RowError], str]:
    """The rows, or what is told of the file."""
    try:
        return _read(path), ""
    except FileError as error:
        return [], str(error)


@pytest.mark.parametrize("name", CASES)
def test_it_is_a_fault_of_the_file_and_told_at_once(name: str, tmp_path: Path) -> None:
    make, told = CASES[name]
    path = make(tmp_path / "o.xlsx")
    began = time.monotonic()
    found, fault = _outcome(path)
    assert fault.startswith("o.xlsx: ") or len(found) < 5
    assert told in fault
    with pytest.raises(ReportError):
        list(read_report(path, "PHP"))
    assert time.monotonic() - began < 4 * SECONDS


def test_a_cell_that_is_no_number_is_a_fault_of_its_row(tmp_path: Path) -> None:
    parts = parts_of(write(tmp_path / "o.xlsx", [HEADER, GOOD]))
    for value in (b"NaN", b"inf", b"-inf", b"1e400", b"1e308"):
        sheet = parts[SHEET].replace(b"<v>500.1</v>", b"<v>%s</v>" % value)
        path = zipped(tmp_path / "o.xlsx", {**parts, SHEET: sheet})
        [error] = _read(path)
        assert isinstance(error, RowError)
        assert (error.line, error.column) == (2, "amount")


@pytest.mark.process
def test_a_cut_or_changed_file_is_a_file_error_or_rows(tmp_path: Path) -> None:
    chance = random.Random(17)
    good = zipped(tmp_path / "good.xlsx", parts_of(write(tmp_path / "good.xlsx", [HEADER, GOOD]))).read_bytes()
    for _ in range(FUZZED):
        content = bytearray(good)
        if chance.random() < 0.4:
            del content[chance.randrange(len(content)) :]
        for _ in range(chance.randrange(1, 20)):
            if content:
                content[chance.randrange(len(content))] = chance.randrange(256)
        path = tmp_path / "o.xlsx"
        path.write_bytes(content)
        found, fault = _outcome(path)
        assert all(isinstance(each, Order | RowError) for each in found)
        assert "\n" not in fault


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


@pytest.mark.process
@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("import os; os.abort()", "its reader broke"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "its reader broke"),
        ("raise BaseException", "its reader broke"),
        ("x = bytearray(1 << 50)", "its reader broke"),
        ("pass", "its reader broke"),
        ("import sys; sys.stdout.write('x' * 100)", "its reader broke"),
        ("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\5hello')", "its reader broke"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff')", "its reader broke"),
        ("import time; time.sleep(600)", "its reader took more than 1 seconds"),
        ("while True: pass", "its reader took more than 1 seconds"),
    ],
)
def test_whatever_becomes_of_the_reader_is_told_and_nothing_is_left_of_it(
    does: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    children: list[subprocess.Popen[bytes]],
) -> None:
    monkeypatch.setattr(process, "_START", "import sys; sys.argv.pop(1)\n" + does + "\n# {}")
    monkeypatch.setattr(process, "SECONDS", 1.0 if "more than 1 seconds" in told else 60.0)
    path = write(tmp_path / "o.xlsx", [HEADER, GOOD])
    with pytest.raises(FileError, match=told):
        _read(path)
    result = CliRunner().invoke(app, ["payouts", "check", str(path)])
    assert result.exit_code == 2
    [line] = result.output.splitlines()
    assert line.startswith("error: o.xlsx: ")
    assert len(children) == 2
    assert all(child.returncode is not None for child in children)


def test_who_reads_no_further_leaves_no_process(tmp_path: Path, children: list[subprocess.Popen[bytes]]) -> None:
    path = write(tmp_path / "o.xlsx", [HEADER, *(changed(mch_order_id=f"PAY{n}") for n in range(20_000))])
    rows: Iterator[Any] = process.rows(path)
    next(rows)
    assert [child.poll() for child in children] == [None]
    rows.close()  # type: ignore[attr-defined]
    assert children[0].returncode is not None


def test_the_reader_knows_no_setting_of_the_merchant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, children: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setenv("PAYCOOLS_PH_PRIVATE_KEY", "secret")
    told = tmp_path / "environment"
    does = f"import os; open({str(told)!r}, 'w').write(repr(sorted(os.environ)))"
    monkeypatch.setattr(process, "_START", f"import sys; sys.argv.pop(1)\n{does}\n# {{}}")
    with pytest.raises(FileError):
        _read(write(tmp_path / "o.xlsx", [HEADER, GOOD]))
    assert "PATH" in told.read_text()
    assert "PAYCOOLS" not in told.read_text()


def test_a_program_without_a_python_of_its_own_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(FileError, match="cannot start the Python that reads"):
        _read(write(tmp_path / "o.xlsx", [HEADER, GOOD]))


def _twice(path: Path) -> Path:
    return _with_sheet(path, lambda sheet: sheet.replace(b"</sheetData>", b'<row r="2"><c r="B2"/></row></sheetData>'))


def _part_twice(path: Path) -> Path:
    write(path, [HEADER, GOOD])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(SHEET, b"<worksheet/>")
    return path


def _sheet_twice(path: Path) -> Path:
    parts = parts_of(write(path, [HEADER, GOOD]))
    book = parts["xl/workbook.xml"]
    start, rest = book.split(b"<sheets>")
    sheet, end = rest.split(b"</sheets>")
    parts["xl/workbook.xml"] = start + b"<sheets>" + sheet + sheet.replace(b'name="', b'name="2') + b"</sheets>" + end
    return zipped(path, parts)


def _no_such_text(path: Path) -> Path:
    return _with_sheet(path, lambda sheet: sheet.replace(b"</row>", b'<c r="G2" t="s"><v>-1</v></c></row>', 2))


def _empty_rows(path: Path) -> Path:
    return _with_sheet(path, lambda sheet: sheet.replace(b"</sheetData>", b"<row/>" * 1_100_000 + b"</sheetData>"))


SLY = {
    "a cell twice": (_twice, "cell B2 stands twice, or behind later ones; save it anew"),
    "a part twice": (_part_twice, "holds a part twice, so nobody can say which one counts; save it anew"),
    "a sheet twice": (_sheet_twice, "two of its sheets are the same one; save it anew"),
    "no such text": (_no_such_text, "a cell shows a text that is not in the file; save it anew"),
    "empty rows without end": (_empty_rows, "has more than 1,048,576 rows"),
    "one far cell": (_far(b'<c r="S1048576"><v>1</v></c>'), "only 13 are there"),
    "one far row": (lambda path: _far_row(path), "only 12 are there"),
}


def _far_row(path: Path) -> Path:
    far = b'<row r="1048576"><c><v>1</v></c></row></sheetData>'
    return _with_sheet(path, lambda sheet: sheet.replace(b"</sheetData>", far))


@pytest.mark.parametrize(("make", "reason"), SLY.values(), ids=SLY.keys())
def test_what_could_be_read_in_two_ways_or_holds_next_to_nothing_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    with pytest.raises(FileError) as caught:
        list(read_orders(make(tmp_path / "o.xlsx"), CreatePayout, "PHP"))
    assert reason in str(caught.value)


def _slow_reader(tmp_path: Path) -> tuple[str, dict[str, str]]:
    """A stand-in for the reader that holds on to Python's lock, as the real one does while it parses."""
    folder = tmp_path / "python_calamine"
    folder.mkdir()
    (folder / "__init__.py").write_text("import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n")
    file = write(tmp_path / "o.xlsx", [HEADER, GOOD])
    return str(file), {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def _readers_of(file: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and f"\0{file}\0".encode() in (entry / "cmdline").read_bytes()
                and (b".child import main" in (entry / "cmdline").read_bytes())
            ):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_one_signal_ends_the_check_and_its_reader(tmp_path: Path, number: signal.Signals) -> None:
    file, environment = _slow_reader(tmp_path)
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", "check", file]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: _readers_of(file))
    time.sleep(1)
    process.send_signal(number)
    process.wait(60)
    wait_for(lambda: not _readers_of(file))
