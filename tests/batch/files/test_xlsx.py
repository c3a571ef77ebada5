"""Orders from a spreadsheet: numbers are exact text or a fault, never something rounded."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.spreadsheets import BROKEN, DAY, EMPTY_RESULT, GOOD, HEADER, MOMENT, UNCALCULATED, YES, changed, write

from paycools_async import CreatePayout
from paycools_async.batch import FileError, Order, OrderFile, Reading, RowError, read_orders
from paycools_async.batch.files.xlsx import bounds
from paycools_async.batch.files.xlsx.sheet import number_text

pytest.importorskip("python_calamine")


def read(path: Path) -> list[Order | RowError]:
    return list(read_orders(path, CreatePayout, "PHP"))


def test_texts_and_numbers_become_the_request(tmp_path: Path) -> None:
    path = write(
        tmp_path / "o.xlsx", [HEADER, GOOD, changed(mch_order_id="2002", amount=500.0), changed(amount="1.10")]
    )
    first, second, third = read(path)
    assert isinstance(first, Order)
    assert isinstance(second, Order)
    assert isinstance(third, Order)
    assert (first.line, first.request.amount, first.request.account_no) == (2, 50010, "09171234567")
    assert (second.line, second.request.mch_order_id, second.request.amount) == (3, "2002", 50000)
    assert third.request.amount == 110


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (500.1, "500.1"),
        (500.0, "500"),
        (0.29, "0.29"),
        (4999999.99, "4999999.99"),
        (1e15, "1000000000000000.0"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_a_float_is_taken_through_its_shortest_text(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"amount": 0.1 + 0.2}, "amount", "more than 2 decimals"),
        ({"amount": 1e16}, "amount", "not a plain decimal"),
        ({"amount": DAY}, "amount", "holds a date or time"),
        ({"amount": YES}, "amount", "not TRUE or FALSE"),
        ({"amount": BROKEN}, "amount", "the spreadsheet shows an error here (#REF!), not a value"),
        ({"account_no": BROKEN}, "account_no", "the spreadsheet shows an error here (#REF!), not a value"),
        ({"amount": UNCALCULATED}, "amount", "holds a formula whose result is not in the file"),
        ({"amount": EMPTY_RESULT}, "amount", "is empty"),
        ({"amount": None}, "amount", "is empty"),
        ({"account_no": 9171234567}, "account_no", "stands there as a number, so zeros in front"),
        ({"account_no": "9.17123E+09"}, "account_no", "a spreadsheet has rounded this number"),
        ({"mch_order_id": DAY}, "mch_order_id", "holds a date or time"),
        ({"mch_order_id": 1e15}, "mch_order_id", "stands there as a number, so zeros in front"),
        ({"mch_order_id": 1001}, "mch_order_id", "stands there as a number, so zeros in front"),
        ({"account_name": YES}, "account_name", "not TRUE or FALSE"),
    ],
)
def test_a_cell_that_a_spreadsheet_may_have_spoilt_is_a_fault(
    tmp_path: Path, change: dict[str, Any], column: str, reason: str
) -> None:
    good, error = read(write(tmp_path / "o.xlsx", [HEADER, GOOD, changed(**change)]))
    assert isinstance(good, Order)
    assert isinstance(error, RowError)
    assert (error.line, error.column) == (3, column)
    assert reason in error.reason


def test_a_day_is_taken_where_a_day_is_wanted_and_a_moment_is_not(tmp_path: Path) -> None:
    header = [*HEADER, "id_card_expiry_date", "gender"]
    rows = [header, [*GOOD, DAY, 0], [*GOOD, MOMENT, 1], [*GOOD, 46081, 1.5]]
    first, *errors = read(write(tmp_path / "o.xlsx", rows))
    assert isinstance(first, Order)
    assert (first.request.id_card_expiry_date, first.request.gender) == ("2026-02-28", 0)
    assert [(error.line, error.column) for error in errors] == [  # type: ignore[union-attr]
        (3, "id_card_expiry_date"),
        (4, "id_card_expiry_date"),
        (4, "gender"),
    ]


def test_rows_are_those_of_the_sheet_also_below_blank_ones_and_beside_blank_columns(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        [],
        [None, *HEADER],
        [],
        [None, *GOOD],
        [None, " "],
        [None, *changed(amount="x")],
        ["note", *GOOD],
    ]
    good, bad, note = read(write(tmp_path / "o.xlsx", rows))
    assert (good.line, bad.line, note.line) == (4, 6, 7)
    assert str(note) == "line 7, row: holds something in a column without a name"


def test_a_header_is_checked_like_a_csv_s(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"line 2: unknown column 'amout' \(did you mean 'amount'\?\)"):
        read(write(tmp_path / "o.xlsx", [[], ["amout", *HEADER[:1], *HEADER[2:]], GOOD]))


def test_a_hidden_sheet_is_not_looked_at_and_two_visible_ones_are_refused(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "o.xlsx", [["lists"]], [HEADER, GOOD], [], hidden=[1]))) == 1
    with pytest.raises(FileError, match="several sheets hold something \\('Sheet1', 'Sheet2'\\)"):
        read(write(tmp_path / "o.xlsx", [HEADER, GOOD], [HEADER, GOOD]))
    with pytest.raises(FileError, match="the file is empty"):
        read(write(tmp_path / "o.xlsx", []))


def test_what_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.xlsx"
    path.write_text("mch_order_id,amount\n")
    with pytest.raises(FileError, match=r"o\.xlsx: is no \.xlsx file, or is damaged"):
        read(path)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(FileError, match=r"pip install 'paycools-async\[xlsx\]'"):
        read(write(tmp_path / "o.xlsx", [HEADER, GOOD]))


def test_account_data_is_in_no_message(tmp_path: Path) -> None:
    told = " ".join(map(str, read(write(tmp_path / "o.xlsx", [HEADER, changed(account_no=9179998887)]))))
    assert "account_no" in told
    assert "9179998887" not in told


def test_texts_of_a_sheet_obey_the_rule_of_every_file(tmp_path: Path) -> None:
    spoilt = {"account_no": "0917\u200b1234567", "account_name": "Juan Pe\u00f1a", "ewallet_code": "nan"}
    rows = [HEADER, *(changed(**{name: cell}) for name, cell in spoilt.items()), changed(ewallet_code=14)]
    told = [str(each) for each in read(write(tmp_path / "o.xlsx", rows))]
    assert "line 2, account_no: character 5 is ZERO WIDTH SPACE (U+200B)" in told[0]
    assert "line 3, account_name: letters, spaces and ' . - only" in told[1]
    assert "line 4, ewallet_code: is what programs write where nothing stands" in told[2]
    assert "line 5, ewallet_code: stands there as a number, so zeros in front" in told[3]


def test_headers_titles_and_totals_of_a_sheet(tmp_path: Path) -> None:
    camel = ["mchOrderId", "Amount", "payMethodCode", "E-wallet code", "account no", "ACCOUNT_NAME", "_note"]
    [order] = read(write(tmp_path / "o.xlsx", [camel, [*GOOD, "for Ana"]]))
    assert isinstance(order, Order)
    assert order.beside == {"_note": "for Ana"}
    with pytest.raises(FileError, match="line 1 looks like a title; the header is line 2"):
        read(write(tmp_path / "o.xlsx", [["March wages"], HEADER, GOOD]))
    [_, total] = read(write(tmp_path / "o.xlsx", [HEADER, GOOD, ["Total", 500.1]]))
    assert str(total) == "line 3, row: looks like a line of totals; take it out"


def test_a_cell_far_away_does_not_burst_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "o.xlsx", [HEADER, GOOD])
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", far)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(FileError, match="cells; at most 20,000,000 can be read"):
        read(path)


def test_a_sheet_is_bounded_by_what_it_unpacks_to_not_by_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_BYTES", 50_000)
    path = tmp_path / "o.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", b" " * 10**7)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")  # the size it claims
    path.write_bytes(content)
    with pytest.raises(FileError, match="has more than 50,000 bytes when it is unpacked"):
        read(path)


@pytest.mark.parametrize("cell", [BROKEN, UNCALCULATED])
@pytest.mark.parametrize("below", [[], [GOOD]])
def test_a_row_in_which_every_cell_broke_is_not_passed_over(tmp_path: Path, cell: Any, below: list[Any]) -> None:
    path = write(tmp_path / "o.xlsx", [HEADER, GOOD, [cell] * len(HEADER), *below])
    file = OrderFile(path, CreatePayout, "PHP")
    found = list(file)
    assert {each.line for each in found} == {2, 3, *([4] if below else [])}
    assert {each.column for each in found if isinstance(each, RowError)} == set(HEADER)
    assert file.counted == f"{2 + len(below)} rows read from {3 + len(below)} lines"


def test_broken_cells_are_found_where_columns_before_or_behind_them_hold_nothing(tmp_path: Path) -> None:
    rows = [[None, *HEADER], [None, *GOOD], [UNCALCULATED, *GOOD], [None, *GOOD, UNCALCULATED], [None, *GOOD]]
    good, before, behind, last = read(write(tmp_path / "o.xlsx", rows))
    assert isinstance(good, Order)
    assert isinstance(last, Order)
    assert str(before) == "line 3, row: holds something in a column without a name"
    assert str(behind) == "line 4, row: holds something in a column without a name"


def test_errors_of_a_hidden_sheet_are_not_those_of_the_visible_one(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "o.xlsx", [[BROKEN] * 9] * 9, [HEADER, GOOD], hidden=[1]))) == 1


@pytest.mark.parametrize("only", ["_dept", "note"])
def test_a_row_that_holds_something_in_passed_over_columns_only_is_refused_as_in_a_csv(
    tmp_path: Path, only: str
) -> None:
    rows: list[list[Any]] = [[*HEADER, only], [*GOOD, "x"], [*[None] * len(HEADER), "Sales"]]
    sheet = write(tmp_path / "o.xlsx", rows)
    text = tmp_path / "o.csv"
    text.write_text("\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows) + "\n")
    how = Reading(ignored=("note",) if only == "note" else ())
    of_sheet, of_text = (
        [str(each) for each in OrderFile(path, CreatePayout, "PHP", how) if isinstance(each, RowError)]
        for path in (sheet, text)
    )
    assert of_sheet == of_text
    assert of_sheet


def test_what_is_carried_along_comes_as_the_spreadsheet_has_it(tmp_path: Path) -> None:
    kept = {
        "_id": (10012, "10012"),
        "_whole": (12.0, "12"),
        "_long": (123456789012345680, "123456789012345680"),
        "_half": (0.5, "0.5"),
        "_yes": (YES, "TRUE"),
        "_day": (DAY, "2026-02-28"),
        "_moment": (MOMENT, "2026-02-28 12:00:00"),
        "_broken": (BROKEN, "#REF!"),
        "_text": ("007", "007"),
    }
    path = write(tmp_path / "o.xlsx", [[*HEADER, *kept], [*GOOD, *(cell for cell, _ in kept.values())]])
    [order] = read(path)
    assert isinstance(order, Order)
    assert order.beside == {name: text for name, (_, text) in kept.items()}
