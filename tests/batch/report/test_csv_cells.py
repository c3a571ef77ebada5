"""No cell of our CSV files is a formula, and none breaks its line."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import paycools_async
from paycools_async.batch.report.csv_cells import CsvWriter, cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@A1",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\uff1d1",
        "\u00a0=1",
        "\u3000@x",
        *(f" {sign}1" for sign in "\ufe62\ufe63\ufe6b\ufe66\u2212\u2013"),
    ],
)
def test_a_formula_becomes_a_text(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize(
    ("value", "written"), [(None, ""), (Decimal("-5.10"), Decimal("-5.10")), (3, 3), ("PAY-1", "PAY-1")]
)
def test_all_else_stays(value: Any, written: Any) -> None:
    assert cell(value) == written


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_row_is_one_line_and_no_formula(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    CsvWriter(out).row(cells)
    assert len(out.getvalue().removesuffix("\r\n").splitlines()) <= 1
    [found] = csv.reader([out.getvalue()]) if out.getvalue().strip("\r\n") else [[""] * len(cells)]
    assert len(found) == len(cells)
    assert all(each.isprintable() and each.strip()[:1] not in ("=", "+", "-", "@") for each in found if each)


def test_nothing_else_writes_csv() -> None:
    package = Path(paycools_async.__file__).parent
    texts = {path.name: path.read_text() for path in package.rglob("*.py")}
    writers = [name for name, text in texts.items() if "csv.writer(" in text or "DictWriter" in text]
    assert writers == ["csv_cells.py"]
