"""The page shows the table that the tests try."""

from __future__ import annotations

from pathlib import Path

from support.fault_table import markdown

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_the_page_prints_the_table() -> None:
    shown = PAGE.read_text("utf-8").partition("<!-- the fault table -->\n")[2].partition("\n<!-- end -->")[0]
    assert shown == markdown()
