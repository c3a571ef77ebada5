"""The page shows the tables that the tests try."""

from __future__ import annotations

from pathlib import Path

from support.delivery_table import delivery_markdown
from support.fault_table import markdown

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def shown(start: str, end: str) -> str:
    return PAGE.read_text("utf-8").partition(f"<!-- {start} -->\n")[2].partition(f"\n<!-- {end} -->")[0]


def test_the_page_prints_the_table_of_faults() -> None:
    assert shown("the fault table", "end") == markdown()


def test_the_page_prints_the_table_of_deliveries() -> None:
    assert shown("the deliveries", "end of deliveries") == delivery_markdown()
