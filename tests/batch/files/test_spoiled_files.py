"""Every spoiled file gives what is right: it is refused with its line and reason, or read as it was meant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.size import some
from support.spoiled import CASES, HEAD, NUMBER, PAYEE, Case, bank, row, wallet
from typer.testing import CliRunner

from paycools_async import CreatePayout
from paycools_async.batch import FileError, Order, OrderFile, Reading, RowError, read_orders
from paycools_async.batch.files.codes import read_codes
from paycools_async.cli.app import app
from paycools_async.errors import ConfigurationError

REFUSED = [pytest.param(case, id=name) for name, case in CASES.items() if case.told]
READ = [pytest.param(case, id=name) for name, case in CASES.items() if not case.told]

Check = Callable[..., Any]


def written(tmp_path: Path, case: Case) -> Path:
    path = tmp_path / f"wages{case.suffix}"
    path.write_bytes(case.content)
    return path


def text_file(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    return written(tmp_path, Case(text.encode(encoding)))


def orders_of(file: OrderFile) -> list[Order]:
    found = list(file)
    assert all(isinstance(each, Order) for each in found), found
    return found  # type: ignore[return-value]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Any:
        result = CliRunner().invoke(app, ["payouts", *map(str, arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_the_library(case: Case, tmp_path: Path) -> None:
    file = OrderFile(written(tmp_path, case), CreatePayout, "PHP")
    try:
        faults = [str(each) for each in file if isinstance(each, RowError)]
    except FileError as error:
        faults = [str(error)]
    assert len(faults) == 1, "told once"
    for told in case.told:
        assert told in faults[0]
    assert not case.never or case.never not in faults[0]


@pytest.mark.parametrize("case", some(REFUSED, 6))
def test_it_is_refused_by_the_command_line_and_nothing_is_sent(case: Case, tmp_path: Path, cli: Check) -> None:
    path = written(tmp_path, case)
    for arguments in (("check", path), ("run", path, "--sandbox", "--yes", "--ledger", "l.db")):
        result = cli(*arguments)
        assert result.exit_code == 2
        for told in case.told:
            assert told in result.stderr
        assert not case.never or case.never not in result.output + result.stderr
    assert not (tmp_path / "l.db.sandbox").exists() or not (tmp_path / "l.db.sandbox").read_text()


@pytest.mark.parametrize("case", some(READ, 6))
def test_it_is_read_as_it_was_meant(case: Case, tmp_path: Path, cli: Check) -> None:
    path = written(tmp_path, case)
    file = OrderFile(path, CreatePayout, "PHP")
    orders = orders_of(file)
    assert len(orders) == file.rows == case.rows
    assert file.notes == list(case.notes)
    for order in orders:
        assert (order.request.amount, order.request.ewallet_code) == (75025, "GCASH")
        assert order.request.account_no.startswith("0918111222")
        assert (order.request.account_name, order.request.remark) == (PAYEE, None)
    result = cli("check", path)
    assert result.exit_code == 0, result.output
    assert f"wages.csv: {file.counted}" in result.output
    for note in case.notes:
        assert note in result.output


# -- what is always said -----------------------------------------------------------------------------------------------


def test_how_many_rows_were_read_from_how_many_lines_is_always_said(tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, "\n".join([HEAD, *map(row, range(1, 6)), ""]))
    assert "wages.csv: 5 rows read from 6 lines" in cli("check", path).output
    run = cli("run", path, "--sandbox", "--yes", "--ledger", "l.db")
    assert (run.exit_code, "wages.csv: 5 rows read from 6 lines" in run.output) == (0, True)
    path.write_text(f"{HEAD}\n\n{row(1, 'a')}\n{row(1)}x,\n")
    assert "wages.csv: 2 rows read from 4 lines" in cli("check", path).output


def test_an_encoding_can_be_told(tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, f"{HEAD}\n{row(1, 'café')}\n", "cp1252")
    assert cli("check", path).exit_code == 2
    told = cli("check", path, "--encoding", "cp1252")
    assert (told.exit_code, "the text is read as CP1252" in told.output) == (0, True)
    [order] = orders_of(OrderFile(path, CreatePayout, "PHP", Reading(encoding="cp1252")))
    assert order.request.remark == "café"
    for name, why in (("klingon", "there is no such encoding"), ("hex", "there is no such encoding")):
        assert why in cli("check", path, "--encoding", name).stderr
    path.write_bytes("\ufeff".encode() + path.read_bytes())
    assert "begins with the mark of UTF-8" in cli("check", path, "--encoding", "cp1252").stderr


# -- columns -----------------------------------------------------------------------------------------------------------


def test_columns_are_passed_over_by_name_or_by_a_line_before_it(tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, f"{HEAD},Department,_cost_centre\n{row(1)},Sales,007\n")
    refused = cli("check", path)
    assert "unknown column 'Department'" in refused.stderr
    assert "_cost_centre" not in refused.stderr
    assert cli("check", path, "--ignore-column", "department").exit_code == 0
    [order] = orders_of(OrderFile(path, CreatePayout, "PHP", Reading(ignored=("Department",))))
    assert order.beside == {"_cost_centre": "007"}
    assert "--ignore-column Team: there is none" in cli("check", path, "--ignore-column", "Team").stderr


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEAD.replace("account_no", "acount_no"), "unknown column 'acount_no' (did you mean 'account_no'?)"),
        (HEAD + ",colour", "line 1: unknown column 'colour'"),
        (HEAD + ",amount_minor", "give one of the columns 'amount'"),
        (HEAD + ",accountNo", "column 'account_no' stands there twice"),
        (HEAD + ",_x,_x", "column '_x' stands there twice"),
        (HEAD.replace("amount", "Amount*100"), "unknown column 'Amount*100'"),
        (HEAD.replace("amount", "Amount (USD)"), "unknown column 'Amount (USD)'"),
        (HEAD.replace("amount", "Amount ($)"), "unknown column 'Amount ($)' (DOLLAR SIGN (U+0024) makes it another"),
        (HEAD.replace("amount", "Amount (\u00a2)"), "(CENT SIGN (U+00A2) makes it another column than 'amount')"),
        (HEAD.replace("amount", "\u20acamount"), "(EURO SIGN (U+20AC) makes it another column than 'amount')"),
        (HEAD.replace("amount", "Amount \u0e3f"), "THAI CURRENCY SYMBOL BAHT (U+0E3F) makes it another column"),
        (HEAD.replace("amount", "Amount %"), "(PERCENT SIGN (U+0025) makes it another column than 'amount')"),
        (HEAD.replace("amount", "amount \u2030"), "(PER MILLE SIGN (U+2030) makes it another column than 'amount')"),
        (HEAD.replace("amount", "-amount"), "(HYPHEN-MINUS (U+002D) makes it another column than 'amount')"),
        (HEAD.replace("amount", "Amount (-)"), "(HYPHEN-MINUS (U+002D) makes it another column than 'amount')"),
    ],
)
def test_a_suggestion_is_made_only_where_it_is_right(header: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        list(OrderFile(text_file(tmp_path, f"{header}\n"), CreatePayout, "PHP"))
    assert told in str(caught.value)
    assert str(caught.value).count("did you mean") == told.count("did you mean")


@pytest.mark.parametrize("name", ["Amount", "Amount (PHP)", "Amount \u20b1", "amount_php", "A-m-o-u-n-t"])
def test_the_currency_of_the_file_may_stand_in_the_header(name: str, tmp_path: Path) -> None:
    path = text_file(tmp_path, f"{HEAD.replace('amount', name)}\n{row(1)}\n")
    assert [order.request.amount for order in orders_of(OrderFile(path, CreatePayout, "PHP"))] == [75025]


@pytest.mark.parametrize("name", ["#", "%", "\u2705", "Amount %", "No.", "-"])
def test_a_column_is_passed_over_by_a_name_of_signs(name: str, tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, f"{name},{HEAD}\n1,{row(1)}\n")
    assert cli("check", path).exit_code == 2
    assert cli("check", path, "--ignore-column", name).exit_code == 0
    [order] = orders_of(OrderFile(path, CreatePayout, "PHP", Reading(ignored=(name,))))
    assert order.request.amount == 75025


def test_what_json_carries_along_comes_as_it_was_written(tmp_path: Path) -> None:
    members = {
        "_text": ('" a\\u0301\\n\\ufe0f "', " a\u0301\n\ufe0f "),
        "_long": ("12345678901234567890.10", "12345678901234567890.10"),
        "_nothing": ("null", ""),
        "_nan": ("NaN", "NaN"),
        "_yes": ("true", "true"),
        "_inside": ('{"a": [1.0, null, "x", -Infinity]}', '{"a":[1.0,null,"x",-Infinity]}'),
    }
    fields = {
        "mch_order_id": "A1",
        "amount": "750.25",
        "pay_method_code": "BANK",
        "bank_code": "BPI",
        "account_no": NUMBER,
        "account_name": PAYEE,
    }
    texts = [f'"{name}": "{value}"' for name, value in fields.items()]
    text = ", ".join([*texts, *(f'"{name}": {value}' for name, (value, _) in members.items())])
    path = written(tmp_path, Case(("{" + text + "}").encode(), suffix=".jsonl"))
    [order] = orders_of(OrderFile(path, CreatePayout, "PHP"))
    assert order.beside == {name: kept for name, (_, kept) in members.items()}


def test_a_name_that_no_row_of_json_has_is_told(tmp_path: Path) -> None:
    text = '{"mch_order_id": "A1", "note": 1}\n'
    file = OrderFile(
        written(tmp_path, Case(text.encode(), suffix=".jsonl")), CreatePayout, "PHP", Reading(ignored=("Note", "team"))
    )
    assert len(list(file)) > 0
    assert file.notes == ["--ignore-column team: no row names it"]


def test_a_column_without_a_name_must_be_empty(tmp_path: Path) -> None:
    [order, fault] = OrderFile(text_file(tmp_path, f"{HEAD},\n{row(1)},\n{row(2)},x\n"), CreatePayout, "PHP")
    assert isinstance(order, Order)
    assert str(fault) == "line 3, row: holds something in a column without a name"


@pytest.mark.parametrize("cells", [3, 8])
def test_a_row_of_another_width_is_refused(cells: int, tmp_path: Path) -> None:
    short = ",".join([*row(2).split(","), "more", "and more"][:cells])
    [_, fault] = OrderFile(text_file(tmp_path, f"{HEAD}\n{row(1)}\n{short}\n"), CreatePayout, "PHP")
    assert str(fault) == f"line 3, row: has {cells} cells, the header has 7"


def test_rows_behind_a_broken_one_are_checked_too(tmp_path: Path) -> None:
    broken = 'A,1.00,EWALLET,GCASH,09181112223,"x" y,'
    lines = [HEAD, broken, row(1, '"two\nlines"'), row(2).replace("750.25", "x"), row(3)]
    found = list(OrderFile(text_file(tmp_path, "\n".join(lines)), CreatePayout, "PHP"))
    assert [each.line for each in found] == [2, 3, 5, 6]
    assert "a quotation mark stands where none can" in str(found[0])
    assert isinstance(found[-1], Order)


# -- codes -------------------------------------------------------------------------------------------------------------


def warnings(text: str, tmp_path: Path) -> list[str]:
    file = OrderFile(text_file(tmp_path, text), CreatePayout, "PHP")
    orders_of(file)
    return file.warnings


def test_a_known_code_is_no_word_worth(tmp_path: Path) -> None:
    assert warnings(wallet(), tmp_path) == []


def test_a_code_that_differs_in_case_or_is_not_known_is_warned_of_with_the_nearest(tmp_path: Path) -> None:
    lines = [HEAD, row(1).replace("GCASH", "gcash"), row(2).replace("GCASH", "GCAHS"), row(3).replace("GCASH", "GCAHS")]
    assert warnings("\n".join(lines), tmp_path) == [
        "ewallet_code gcash (line 2) differs from the known code GCASH in upper and lower case",
        "ewallet_code GCAHS (line 3 and 1 more) is no code known here; PayCools publishes no list; the nearest is "
        "GCASH",
    ]


def test_bank_codes_are_counted_for_no_list_of_them_is_public(tmp_path: Path) -> None:
    text = bank(NUMBER) + "".join(bank(NUMBER, order=f"B{n}", code=code).split("\r\n")[1] + "\r\n" for n, code in
                                  enumerate(["BPI", "bpi", "98765432109"]))  # fmt: skip
    assert warnings(text, tmp_path) == [
        "bank_code: no list of these is public, so none was checked (--codes FILE does): BPI (2), bpi (1), (of 11 "
        "characters) (1)",
        "bank_code bpi (line 4) differs from BPI in upper and lower case",
    ]


def test_warnings_are_shown_before_the_question(tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, bank(NUMBER))
    shown = cli("run", path, "--sandbox", "--ledger", "l.db")
    assert "warning: wages.csv: bank_code: no list of these is public" in shown.stderr
    assert "give --yes; nothing was sent" in shown.stderr


def test_a_list_of_ones_own_makes_codes_strict(tmp_path: Path, cli: Check) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("# ours\nBPI\n\nGCASH\n")
    good, bad = text_file(tmp_path, bank(NUMBER)), tmp_path / "bad.csv"
    checked = cli("check", good, "--codes", codes)
    assert (checked.exit_code, "warning" in checked.stderr) == (0, False)
    bad.write_text(bank(NUMBER, code="bpi") + bank(NUMBER, code="UNKNOWN", order="B2").split("\r\n")[1])
    told = cli("check", bad, "--codes", codes)
    assert told.exit_code == 2
    assert "line 2, bank_code: is not in codes.txt; the nearest there is BPI" in told.stderr
    assert "line 4, bank_code: is not in codes.txt\n" in told.stderr or "line 3, bank_code" in told.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b"", "there is no code in it"), (b"\xff\xfe\xff", "is not UTF-8"),
     (b"BPI\nBDO,Banco de Oro\n", "line 2: .*COMMA"), (b"BPI\xe2\x80\x8b\n", "line 1: .*ZERO WIDTH SPACE"),
     (b"A" * 2**21, "has more than 1,048,576 bytes")],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "codes.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        read_codes(path)


# -- names in plain spelling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Ana Ibáñez", "Ana Ibanez"),
        ("Ana Iban\u0303ez", "Ana Ibanez"),
        ("Ana D’Souza", "Ana D'Souza"),
        ("Ana\u00a0Reyes", "Ana Reyes"),
        ("\u202aAna Reyes\u202c", "Ana Reyes"),
        ("Ana Łukasz–Groß", "Ana Lukasz-Gross"),
    ],
)
def test_the_offered_spelling_is_sent_and_listed(name: str, plain: str, tmp_path: Path, cli: Check) -> None:
    path = text_file(tmp_path, wallet(name=name))
    file = OrderFile(path, CreatePayout, "PHP", Reading(plain_names=True))
    [order] = orders_of(file)
    assert order.request.account_name == plain
    assert len(file.spelled) == 1
    assert file.spelled[0].startswith("line 2, account_name: ")
    told = cli("check", path, "--plain-names")
    assert (told.exit_code, f"sent in plain spelling: {file.spelled[0]}" in told.output) == (0, True)


@pytest.mark.parametrize("name", ["安娜", "Ana 2nd", "Ana\tReyes", "Ana ½", "\u200b"])
def test_a_name_without_a_plain_spelling_stays_refused(name: str, tmp_path: Path) -> None:
    [fault] = OrderFile(text_file(tmp_path, wallet(name=name)), CreatePayout, "PHP", Reading(plain_names=True))
    assert isinstance(fault, RowError)
    assert "plain-names" not in fault.reason


def test_a_merchants_name_of_a_qr_code_may_hold_digits_and_signs(tmp_path: Path) -> None:
    line = "QR00000001,750.25,SCANQR,,00020101021127ABC6304,Ana & Co. 24,"
    [order] = orders_of(OrderFile(text_file(tmp_path, f"{HEAD}\n{line}\n"), CreatePayout, "PHP"))
    assert order.request.account_name == "Ana & Co. 24"


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_a_line_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="line 2 has more than 65536 characters"):
        list(OrderFile(text_file(tmp_path, f"{HEAD}\n{'x' * 70_000}\n"), CreatePayout, "PHP"))


def test_digits_and_levels_of_json_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "wages.jsonl"
    path.write_text('{"amount": ' + "9" * 50 + "}\n" + '{"remark": ' + "[" * 60_000 + "\n")
    first, *_, last = [str(each) for each in OrderFile(path, CreatePayout, "PHP")]
    assert first == "line 1, amount: has more than 40 digits"
    assert last == "line 2, row: is nested deeper than 32 levels"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileError, match="is no file"):
        list(OrderFile(tmp_path / "folder.csv", CreatePayout, "PHP"))


@pytest.mark.parametrize("unit", ["11.", "1.", ".", "-", "1 1", "a ", "'", "1,1", "_", "total "])
@pytest.mark.parametrize("tail", ["", "x", "!"])
def test_a_long_cell_is_judged_at_once(unit: str, tail: str, tmp_path: Path) -> None:
    text = unit * (60_000 // len(unit)) + tail
    path = tmp_path / "o.csv"
    header = "mch_order_id,amount,pay_method_code,bank_code,account_no,account_name"
    rows = [f"PAY1,500.10,BANK,BPI,{text},Ana Reyes", f"PAY1,500.10,BANK,{text},1,Ana Reyes", f",,,,,{text}"]
    began = time.thread_time()
    for each in rows:
        path.write_text(f"{header}\n{each}\n".replace(text, f'"{text}"'))
        found = list(read_orders(path, CreatePayout, "PHP"))
        assert found
        assert all(isinstance(row, RowError) for row in found)
    assert time.thread_time() - began < 2
