"""Spreadsheets as the tests write them, good and bad."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "BROKEN",
    "DAY",
    "EMPTY_RESULT",
    "GOOD",
    "HEADER",
    "MOMENT",
    "UNCALCULATED",
    "YES",
    "Cell",
    "changed",
    "parts_of",
    "write",
    "zipped",
]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

HIDDEN = ' state="hidden"'

HEADER = ["mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name"]
GOOD = ["PAY1", 500.1, "EWALLET", "GCASH", "09171234567", "Juan Dela Cruz"]


class Cell:
    """A cell as the file has it: its attributes and its value."""

    def __init__(self, attributes: str, value: str | None, formula: str = "") -> None:
        shown = "" if value is None else f"<v>{value}</v>"
        self.xml = f"<c {attributes} PLACE>{formula}{shown}</c>"


DAY = Cell('s="1"', "46081")  # 2026-02-28
MOMENT = Cell('s="1"', "46081.5")
YES = Cell('t="b"', "1")
BROKEN = Cell('t="e"', "#REF!")
UNCALCULATED = Cell("", None, "<f>VLOOKUP(A1,B:C,2)</f>")
EMPTY_RESULT = Cell('t="str"', "", '<f>IF(A1,"","")</f>')


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Cell):
        return value.xml.replace("PLACE", f'r="{place}"')
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def _letters(column: int) -> str:
    before, last = divmod(column - 1, 26)
    return (_letters(before) if before else "") + chr(65 + last)


def write(path: Path, *sheets: Sequence[Any], hidden: Sequence[int] = ()) -> Path:
    """The least .xlsx that a spreadsheet program would take."""
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        + f'<Relationship Id="styles" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="r{n}"{HIDDEN if n in hidden else ""}/>' for n in numbers)
        + "</sheets></workbook>",
    }
    for n, rows in zip(numbers, sheets, strict=True):
        lines = "".join(
            f'<row r="{r}">' + "".join(_cell(f"{_letters(c)}{r}", cell) for c, cell in enumerate(row, 1)) + "</row>"
            for r, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def changed(**changes: Any) -> list[Any]:
    """A good row with other cells."""
    return [changes.get(column, cell) for column, cell in zip(HEADER, GOOD, strict=True)]


def parts_of(path: Path) -> dict[str, bytes]:
    """What is packed in a spreadsheet."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(path: Path, parts: Mapping[str, bytes]) -> Path:
    """The parts, packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path
