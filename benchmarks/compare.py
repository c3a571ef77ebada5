"""Two runs side by side: `python -m benchmarks compare A.json B.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .report import aligned
from .results import Figure, Figures

__all__ = ["compare", "verdict"]

ENOUGH = 4
"""Rounds. Of fewer, two runs lie apart by chance too often."""


def compare(first: Path, second: Path) -> str:
    """Every figure that both runs have, the quotient, and whether it changed by more than the rounds spread."""
    found = [json.loads(path.read_text("utf-8")) for path in (first, second)]
    a, b = (Figures.from_json(each["figures"]) for each in found)
    rows: list[tuple[str, ...]] = [("what", "", "A", "B", "B / A", "")]
    rows += [_row(figure, b[figure.id]) for figure in a if figure.id in b]
    only = [f"only in A: {figure.id}" for figure in a if figure.id not in b]
    only += [f"only in B: {figure.id}" for figure in b if figure.id not in a]
    return "\n".join([f"A: {_told(found[0], first)}", f"B: {_told(found[1], second)}", "", *aligned(rows), *only])


def _told(found: dict[str, Any], path: Path) -> str:
    machine = found["machine"]
    version = found["versions"]["paycools-async"]
    return f"{path}, {found['taken']}, paycools-async {version}, {machine['python']}, {machine['cores']} cores"


def _row(a: Figure, b: Figure) -> tuple[str, ...]:
    digits = a.kind.digits
    ratio = f"{b.value / a.value:.2f}" if a.value else ""
    return a.what, a.kind.unit, f"{a.value:,.{digits}f}", f"{b.value:,.{digits}f}", ratio, verdict(a, b)


def verdict(a: Figure, b: Figure) -> str:
    """ "better" or "worse" where no round of one run reached into the rounds of the other; else nothing."""
    if min(len(a.runs), len(b.runs)) < ENOUGH:
        return ""
    if min(b.runs) > max(a.runs):
        return "better" if a.kind.more_is_better else "worse"
    if max(b.runs) < min(a.runs):
        return "worse" if a.kind.more_is_better else "better"
    return ""
