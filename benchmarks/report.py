"""The tables on the screen and the JSON file."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from .cases import FAMILIES
from .peers import PEERS
from .results import Figures
from .suite import Plan, Results
from .targets import targets

__all__ = ["aligned", "as_json", "load", "tables", "write"]

_PACKAGES = (
    "paycools-async",
    "aiohttp",
    "attrs",
    "cattrs",
    "pycryptodome",
    "cryptography",
    "uvloop",
    "stripe",
    "openai",
)


def load() -> float | None:
    """The machine's load over the last minute, where it is told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def as_json(results: Results, plan: Plan, load_at_start: float | None) -> dict[str, Any]:
    """Everything that was measured, and on what."""
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "load_1min_at_start": load_at_start,
            "load_1min_at_end": load(),
        },
        "versions": {name: _version(name) for name in _PACKAGES},
        "uvloop": plan.uvloop and importlib.util.find_spec("uvloop") is not None,
        "plan": attrs.asdict(plan),
        "targets": [attrs.asdict(target) for target in targets(results.figures, results.aiohttp_loaded)],
        "figures": [attrs.asdict(figure) for figure in results.figures],
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def write(found: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "performance.json"
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return path


def tables(found: dict[str, Any]) -> str:
    """The JSON's figures for reading: the ways to pay, the rest, the peers where they ran, and the targets."""
    figures = Figures.from_json(found["figures"])
    parts = [_ways(figures), _rest(figures)]
    if any(figure.id.startswith("peers.") for figure in figures):
        parts.append(_peers(figures))
    parts.append(_targets(found["targets"]))
    machine = found["machine"]
    loads = f"load {_load(machine['load_1min_at_start'])} at the start, {_load(machine['load_1min_at_end'])} at the end"
    loop = "uvloop" if found["uvloop"] else "asyncio's own loop"
    told = f"{machine['python']}, {machine['cores']} cores, {loop}, {loads}"
    return "\n\n".join([*("\n".join(aligned(part)) for part in parts), told])


def _load(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f}"


Table = list[tuple[str, ...]]


def _ways(figures: Figures) -> Table:
    """The cases; the quotients are those of the values, the targets' those of the rounds."""
    rows: Table = [
        ("way to pay", "payouts/s", "x hand pycr.", "x hand crypt.", "CPU each", "on one core", "x floor", "lag p99")
    ]
    for figure in figures:
        id, _, kind = figure.id.rpartition(".")
        if kind != "rate" or id.startswith("growth"):
            continue
        family = id.partition(".")[0] if "." in id else "ph"
        to_hand = [
            figure.value / figures.value(f"{family}.hand_{way}.rate") for way in ("pycryptodome", "cryptography")
        ]
        cpu = figures.value(f"{id}.cpu") if f"{id}.cpu" in figures else None
        held = figures.value(f"{id}.cpu1") if f"{id}.cpu1" in figures else None
        lag = figures.value(f"{id}.lag") if f"{id}.lag" in figures else None
        rows.append(
            (
                figure.what,
                f"{figure.value:,.0f}",
                *(f"{ratio:.2f}" for ratio in to_hand),
                "" if cpu is None else f"{cpu:.2f} ms",
                "" if held is None else f"{held:.2f} ms",
                "" if held is None else f"{held / figures.value(f'{family}.floor.cpu1'):.2f}",
                "" if lag is None else f"{lag:.1f} ms",
            )
        )
    return rows


def _rest(figures: Figures) -> Table:
    ways = {f"{family}.{way}" for family in FAMILIES for way in ("sdk_", "hand_", "floor", "two_")} | {
        "calls",
        "batch",
        "payouts",
        "sending",
        "sharing",
    }
    rows: Table = [("what", "figure", "", "rounds from", "to")]
    for figure in figures:
        if not figure.id.startswith((*ways, "peers.")):
            digits = figure.kind.digits
            numbers = [f"{value:,.{digits}f}" for value in (figure.value, min(figure.runs), max(figure.runs))]
            rows.append((figure.what, numbers[0], figure.kind.unit, *numbers[1:]))
    return rows


def _peers(figures: Figures) -> Table:
    rows: Table = [("SDK, sequential, us of CPU a call", "through the SDK", "bare client", "the SDK's own")]
    for peer in PEERS:
        parts = (f"peers.{peer.id}{part}.own" for part in (".sdk", ".bare", ""))
        rows.append((peer.what, *(f"{figures.value(part):,.0f}" for part in parts)))
    return rows


def _targets(found: Sequence[dict[str, Any]]) -> Table:
    rows: Table = [("target", "wanted", "found", "met")]
    rows += [(each["what"], each["wanted"], each["found"], "yes" if each["met"] else "NO") for each in found]
    met = sum(each["met"] for each in found)
    rows.append((f"{met} of {len(found)} met", "", "", ""))
    return rows


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Columns of the same width, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
