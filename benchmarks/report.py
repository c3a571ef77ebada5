"""The table on the screen, the JSON file, and the chart beside it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from .suite import Figure, Plan, Results

__all__ = ["as_json", "table", "write"]

_PACKAGES = ("paycools-async", "aiohttp", "attrs", "cattrs", "pycryptodome", "cryptography", "uvloop")


def as_json(results: Results, plan: Plan) -> dict[str, Any]:
    """Everything that was measured, and on what."""
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "uvloop": plan.uvloop and importlib.util.find_spec("uvloop") is not None,
        "plan": attrs.asdict(plan),
        "figures": [{**attrs.asdict(figure), **_ratios(results, figure)} for figure in results.figures],
        "batch_to_calls": results.value("batch") / results.value("calls"),
        "growth": [attrs.asdict(found) for found in results.growth],
    }


def _machine() -> dict[str, Any]:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_1min_at_end": load,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _ratios(results: Results, figure: Figure) -> dict[str, float | None]:
    compared = figure.unit == "payouts/s"
    return {
        f"to_hand_{library}": figure.value / results.value(f"hand_{library}") if compared else None
        for library in ("pycryptodome", "cryptography")
    }


def table(found: dict[str, Any]) -> str:
    """The JSON's figures for reading."""
    rows = [("what", "figure", "", "x hand pycr.", "x hand crypt.", "CPU each", "loop lag p99")]
    rows += [
        (
            figure["what"],
            f"{figure['value']:,.0f}" if figure["unit"] else "",
            figure["unit"],
            _times(figure["to_hand_pycryptodome"]),
            _times(figure["to_hand_cryptography"]),
            _milliseconds(figure["cpu_ms"], 2),
            _milliseconds(figure["lag_p99_ms"], 0),
        )
        for figure in found["figures"]
    ]
    lines = list(_aligned(rows))
    lines += ["", f"The batch runs at {found['batch_to_calls']:.2f} times the speed of its calls without a ledger.", ""]
    sizes = [("batch in a process of its own", "payouts/s", "peak memory", "of it before the batch")]
    for size in found["growth"]:
        row = (
            f"{size['rows']:,} rows",
            f"{size['rate']:,.0f}",
            f"{size['peak_mib']:.1f} MiB",
            f"{size['start_mib']:.1f} MiB",
        )
        sizes.append(row)
    return "\n".join([*lines, *_aligned(sizes)])


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _milliseconds(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f} ms"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def write(found: dict[str, Any], folder: Path) -> tuple[Path, Path | None]:
    """Write the JSON and, where matplotlib is installed, the chart. Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (found["taken"][:19].replace(":", "").replace("-", "") + "Z.json")
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if importlib.util.find_spec("matplotlib") is None:
        print("no chart: matplotlib is not installed (pip install paycools-async[bench])", file=sys.stderr)
        return path, None
    chart = path.with_suffix(".png")
    _draw(found, chart)
    return path, chart


def _draw(found: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figures = [figure for figure in reversed(found["figures"]) if figure["unit"] == "payouts/s"]
    names = [figure["what"] for figure in figures]
    colours = [_colour(figure["id"]) for figure in figures]
    drawing, (speed, lag) = pyplot.subplots(1, 2, figsize=(13, 4.5), sharey=True, layout="constrained")
    try:
        for axis, key, title in ((speed, "value", "payouts a second"), (lag, "lag_p99_ms", "loop lag, p99, ms")):
            bars = axis.barh(names, [figure[key] for figure in figures], color=colours)
            axis.bar_label(bars, fmt="%.0f", padding=3)
            axis.set_title(title)
            axis.margins(x=0.12)
        machine = found["machine"]
        loop = "uvloop" if found["uvloop"] else "asyncio's loop"
        drawing.suptitle(f"{machine['python']}, {machine['cores']} cores, {loop}, RSA-2048")
        drawing.savefig(path, dpi=110)
    finally:
        pyplot.close(drawing)


def _colour(id: str) -> str:
    return {"sdk": "tab:blue", "hand": "tab:orange", "floor": "tab:gray"}.get(id.partition("_")[0], "tab:green")
