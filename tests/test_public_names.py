"""The names that programs import stay. A name that goes, or a new one, is a change of tests/data/public_names.json.

`python tests/test_public_names.py` writes that file anew; the changelog says why.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SNAPSHOT = Path(__file__).parent / "data" / "public_names.json"

PACKAGES = (
    "paycools_async",
    "paycools_async.batch",
    "paycools_async.callbacks",
    "paycools_async.durable",
    "paycools_async.errors",
    "paycools_async.global_api",
    "paycools_async.ph",
    "paycools_async.policy",
    "paycools_async.signing",
    "paycools_async.testing",
    "paycools_async.testing.delivery",  # the pages of earlier releases imported from it
    "paycools_async.transports",
)


def named_in_pages() -> set[str]:
    """The modules that README, docs and examples import from, or tell a reader to."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs" / "examples").glob("*.py")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    return {name.rstrip(".") for name in re.findall(r"\b(?:from|import) `?(paycools_async[\w.]*)", text)}


def public_names(module: str) -> list[str]:
    loaded = importlib.import_module(module)
    listed = getattr(loaded, "__all__", None)
    if listed is None:  # a module without the list offers what it makes
        listed = [name for name, value in vars(loaded).items() if inspect.getmodule(value) is loaded]
    return sorted(name for name in listed if not name.startswith("_") or name == "__version__")


def snapshot() -> dict[str, list[str]]:
    names: dict[str, list[str]] = json.loads(SNAPSHOT.read_text("utf-8")) if SNAPSHOT.exists() else {}
    return names


def test_every_module_a_page_names_is_in_the_snapshot() -> None:
    assert {*PACKAGES, *named_in_pages()} == set(snapshot())


@pytest.mark.parametrize("module", snapshot())
def test_the_public_names_are_those_of_the_snapshot(module: str) -> None:
    assert public_names(module) == snapshot()[module]
    for name in snapshot()[module]:
        assert getattr(importlib.import_module(module), name) is not None


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    found = {module: public_names(module) for module in sorted({*PACKAGES, *named_in_pages()})}
    SNAPSHOT.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
