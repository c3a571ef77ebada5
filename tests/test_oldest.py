"""The oldest set that is tested is the oldest that may be installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLDEST = ROOT / ".ci/oldest.txt"


@pytest.mark.skipif(not OLDEST.exists(), reason="only in the repository")
def test_the_oldest_set_holds_the_lowest_release_of_every_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = ("fast", "cli", "xlsx", "postgres", "otel", "metrics", "examples", "test")
    wanted = [*project["dependencies"], *(each for name in names for each in extras.get(name, ()))]
    pinned = dict(line.split("==") for line in OLDEST.read_text("utf-8").split() if "==" in line)
    checked = 0
    for requirement in wanted:
        found = re.match(r"([A-Za-z0-9-]+)(?:\[[^]]*\])?>=([0-9.]+)", requirement)
        if found is None:
            assert requirement.startswith("paycools-async["), requirement
            continue
        checked += 1
        assert re.fullmatch(rf"{re.escape(found[2])}(\.0)*", pinned[found[1].lower()]), requirement
    assert checked > 15
