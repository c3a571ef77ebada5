"""No link in README.md, docs and the rest leads nowhere, and every page of docs can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
SITE = ROOT / ".ci" / "site" / "mkdocs.yml"
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def links_of(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text("utf-8")))


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them, and as the site is told to (pymdownx' `slugify`)."""
    headings = re.findall(r"^#{1,6} (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    for link in links_of(page):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (target and ROOT not in file.parents):
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors_of(file):
            yield f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "signing.md"
    assert "headings" not in anchors_of(page)
    assert {"signing", "ph-api-callbacks"} <= anchors_of(page)
    wrong = tmp_path / "page.md"
    wrong.write_text("# A page\n[a](missing.md) [b](#a-page) [c](#nothing) [d](https://example.com/#x)\n")
    assert list(broken(wrong)) == ["missing.md: no such file", "#nothing: no such heading"]


@pytest.mark.skipif(not SITE.exists(), reason="only in the repository")
def test_every_page_is_on_the_site_and_in_the_list_for_language_models() -> None:
    pages = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    listed = re.findall(r"^ +- ([\w/-]+\.md)$", SITE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == pages
    assert sorted(links_of(DOCS / "llms.txt")) == pages
