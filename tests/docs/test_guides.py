"""Guides run, top to bottom, and print what they say they print: behind each print, or in the block that follows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.doc_pages import PAGES, ROOT, run_page

from paycools_async import PayCoolsGlobal, PayCoolsPH
from paycools_async.testing import FakePayCools, ManualClock

GUIDES = [
    ROOT / "docs" / "signing.md",
    ROOT / "docs" / "errors.md",
    *(page for page in PAGES if page.parent.name in ("products", "countries") and page.name != "index.md"),
]
"""A fake and its clients are given to them."""
PRINTS = r"^```python\n(.*?)^```$(?:\n\n^```\n(.*?)^```$)?"


@pytest.fixture
def paycools_clock() -> ManualClock:
    """The guides' day, which they print."""
    return ManualClock()


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
async def test_a_guide_runs_and_prints_what_it_says(
    page: Path,
    fake_paycools: FakePayCools,
    paycools_ph: PayCoolsPH,
    paycools_global: PayCoolsGlobal,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []
    for code, shown in re.findall(PRINTS, page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        said += [*re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE), *shown.splitlines()]
    assert said, "a guide shows what its code does"
    name = str(page.relative_to(ROOT / "docs"))
    await run_page(name, fake=fake_paycools, paycools=paycools_ph, paycools_global=paycools_global)
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("client", [PayCoolsPH, PayCoolsGlobal])
def test_every_product_has_a_guide(client: type[PayCoolsPH] | type[PayCoolsGlobal]) -> None:
    name = "paycools" if client is PayCoolsPH else "paycools_global"
    shown = "\n".join(page.read_text("utf-8") for page in GUIDES)
    assert [product for product in client._products if f"{name}.{product}" not in shown] == []
