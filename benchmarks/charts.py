"""Five small pictures of a run, as PNG; needs matplotlib."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from .cases import FAMILIES
from .peers import PEERS
from .results import Figure, Figures

__all__ = ["draw", "missing"]

_COLOURS = {"sdk": "tab:blue", "two": "tab:cyan", "hand": "tab:orange", "floor": "tab:gray", "peers": "tab:purple"}
"""By what a figure's id says after its family, or first."""


def missing() -> str | None:
    """What to install; None where the pictures can be drawn."""
    if importlib.util.find_spec("matplotlib") is not None:
        return None
    return "no charts: matplotlib is not installed (pip install matplotlib)"


def draw(found: dict[str, Any], folder: Path) -> list[Path]:
    """Draw what the run measured into `performance-*.png`; returns their paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figures = Figures.from_json(found["figures"])
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[Any, Figures], None]] = {
        "throughput": _throughput,
        "cpu": _cpu,
        "lag": _lag,
        "growth": _growth,
    }
    if f"peers.{PEERS[0].id}.own" in figures:
        pictures["peers"] = _peers
    machine = found["machine"]
    loop = "uvloop" if found["uvloop"] else "asyncio's loop"
    note = f"{machine['python']}, {machine['cores']} cores, {loop}, RSA-2048, stub on the same machine"
    paths = []
    for name, picture in pictures.items():
        drawing, axis = pyplot.subplots(figsize=(8, 4), layout="constrained")
        try:
            picture(axis, figures)
            drawing.supxlabel(note, fontsize="small", color="dimgray")
            paths.append(folder / f"performance-{name}.png")
            drawing.savefig(paths[-1], dpi=100)
        finally:
            pyplot.close(drawing)
    return paths


def _chosen(figures: Figures, kind: str) -> list[Figure]:
    """The ways to pay that have such a figure, the first on top."""
    found = [figure for figure in figures if figure.id.endswith(f".{kind}") and not figure.id.startswith("growth.")]
    return found[::-1]


def _bars(axis: Any, figures: list[Figure], title: str, *, digits: int) -> None:
    """Bars of the values, with the spread of the rounds."""
    values = [figure.value for figure in figures]
    below = [max(0.0, figure.value - min(figure.runs)) for figure in figures]
    above = [max(0.0, max(figure.runs) - figure.value) for figure in figures]
    colours = [_colour(figure.id) for figure in figures]
    names = [figure.what for figure in figures]
    bars = axis.barh(names, values, color=colours, xerr=(below, above), error_kw={"ecolor": "0.35", "elinewidth": 1})
    axis.bar_label(bars, fmt=f"%.{digits}f", padding=4, fontsize="small")
    axis.set_title(title, fontsize="medium")
    axis.tick_params(labelsize="small")
    axis.margins(x=0.15)


def _colour(id: str) -> str:
    first, way, *_ = id.replace("_", ".").split(".")
    return _COLOURS.get(way if first in FAMILIES else first, "tab:green")


def _throughput(axis: Any, figures: Figures) -> None:
    _bars(axis, _chosen(figures, "rate"), "payouts a second (a batch's row is a payout and its inquiry)", digits=0)


def _cpu(axis: Any, figures: Figures) -> None:
    shares = []
    for figure in _chosen(figures, "cpu1"):
        family, _, way = figure.id.partition(".")
        if family in FAMILIES and way != "floor.cpu1":
            runs = figures.ratios(figure.id, f"{family}.floor.cpu1")
            shares.append(attrs.evolve(figure, value=statistics.median(runs), runs=runs))
    _bars(axis, shares, "processor time of a payout, to the floor's (dashed: the SDK's target, 1.25)", digits=2)
    axis.axvline(1.25, color="tab:red", linewidth=1, linestyle="--")


def _lag(axis: Any, figures: Figures) -> None:
    _bars(axis, _chosen(figures, "lag"), "event-loop lag, p99, ms, log scale (dashed: the batch's target, 5)", digits=1)
    axis.set_xscale("log")
    axis.axvline(5, color="tab:red", linewidth=1, linestyle="--")


def _growth(axis: Any, figures: Figures) -> None:
    rows = figures.rows()
    rates = [figures.value(f"growth.{size}.rate") for size in rows]
    peaks = [figures.value(f"growth.{size}.peak") for size in rows]
    axis.set_title("one batch: speed and memory by its size", fontsize="medium")
    axis.set_xscale("log")
    axis.set_xticks(rows, [f"{size:,}" for size in rows])
    axis.minorticks_off()
    axis.set_xlabel("rows")
    axis.plot(rows, rates, "o-", color="tab:blue")
    axis.set_ylabel("payouts/s", color="tab:blue")
    axis.set_ylim(0, max(rates) * 1.2)
    memory = axis.twinx()
    memory.plot(rows, peaks, "s--", color="tab:orange")
    memory.set_ylabel("most memory held, MiB", color="tab:orange")
    memory.set_ylim(0, max(peaks) * 1.2)


def _peers(axis: Any, figures: Figures) -> None:
    _bars(
        axis,
        [figures[f"peers.{peer.id}.own"] for peer in reversed(PEERS)],
        "what an SDK adds to its HTTP client, us of processor time a call",
        digits=0,
    )
