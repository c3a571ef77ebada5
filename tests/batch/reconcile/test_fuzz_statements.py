"""Whatever stands in the cells of PayCools' report: lines, or ReportError, at once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.size import size

from paycools_async.batch.reconcile import statements
from paycools_async.batch.reconcile.statements import Line, ReportError, read_report

COUNT = size(2_000, 10_000, "PAYCOOLS_FUZZ_STATEMENTS")

HEADS = ["Merchant Order Id", "Amount", "Status", "Transaction Id", "amount", "order_id", "", None, 5, "note"]
CELLS: list[Any] = [
    *(None, "", " ", "PAY1", 500.1, 500, 1e308, float("nan"), float("inf"), -0.0, 10**18, True, date(2026, 3, 2)),
    *(datetime(2026, 3, 2, 12), "1e999999999", "1e30", "-1e30", "NaN", "sNaN", "Infinity", "9" * 41, "9" * 5_000),  # noqa: DTZ001
    *("1,000,000.00", "1" + ",000" * 1_000, "\u0661\u0662", "500.100", "0.001", "\u202e", "\ud800", "x" * 60_000),
    *("SUCCESS", "FAILED", "1_000", "+5", "0x10", "5e-30", "5e-31", "5e-999999999"),
]


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("currency", ["PHP", "IDR"])
def test_any_cells_are_lines_or_a_report_error(currency: str, minor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(17)
    sheet: list[tuple[int, list[Any]]] = []

    def rows(_: Path) -> Iterator[tuple[int, list[Any]]]:
        yield from sheet

    monkeypatch.setattr(statements, "rows", rows)
    found = 0
    for _ in range(COUNT):
        heads = dice.sample(HEADS[:4], 4) if dice.random() < 0.8 else dice.choices(HEADS, k=dice.randrange(8))
        lines = [[dice.choice(CELLS) for _ in range(dice.randrange(6))] for _ in range(dice.randrange(5))]
        sheet[:] = enumerate([heads, *lines], 1)
        began = time.thread_time()
        try:
            for line in read_report(Path("r.xlsx"), currency, minor=minor):
                assert isinstance(line, Line)
                assert line.amount is None or isinstance(line.amount, int)
                found += 1
        except ReportError:
            continue
        assert time.thread_time() - began < 2
    assert found > COUNT / 4
