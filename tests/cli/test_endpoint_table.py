"""docs/endpoints.md says what the registry says."""

from __future__ import annotations

from pathlib import Path

from paycools_async.cli.endpoint_table import all_endpoints, endpoint_table, page

PAGE = Path(__file__).parents[2] / "docs" / "endpoints.md"


def test_the_page_is_the_registry() -> None:
    """Made anew with `python -m paycools_async.cli.endpoint_table > docs/endpoints.md`."""
    assert PAGE.read_text("utf-8") == page(all_endpoints())


def test_a_row_names_everything_of_an_endpoint() -> None:
    found = [entry for entry in all_endpoints() if entry.id in ("ph.payout.create", "ph.payout.callback")]
    assert endpoint_table(found).splitlines() == [
        "| Id | Nav | Kind | Method | Path | Provenance | Class |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| `ph.payout.create` | 3.1 | request | POST | `/api/v1/payout` | documented | `CreatePayout` |",
        "| `ph.payout.callback` | 3.3 | callback | POST |  | documented | `PayoutSettled` |",
    ]


def test_the_rows_stand_in_the_order_of_the_navigation() -> None:
    navs = [entry.nav for entry in all_endpoints() if entry.family == "ph"]
    assert navs[0] == "2.1"
    assert navs.index("9.5") < navs.index("10.1") < navs.index("11.1") < navs.index("cpm.1")
