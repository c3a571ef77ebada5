"""Small pictures of a run, as PNG; needs matplotlib."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .peers import PEERS
from .results import Figures, ways

_COLOURS = {"sdk": "tab:blue", "two": "tab:cyan", "hand": "tab:orange", "floor": "tab:gray", "peers": "tab:purple"}
"""By what a figure's id says after its family, or first."""


def missing() -> str | None:
    """What to install; None where the pictures can be drawn."""
    if importlib.util.find_spec("matplotlib") is not None:
        return None
    return "no charts: matplotlib is not installed (pip install matplotlib)"


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw what the run measured into `performance-*.png`; returns their paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    about = figures.metadata
    machine = f"Python {about['python_version']}, {about['cpu_count']} cores, {about['loop']}"
    note = f"{machine}, RSA-2048, stub on the same machine"
    pictures = [_throughput, _cpu, _lag, _growth, *([_peers] if f"peers.{PEERS[0].id}.own" in figures else [])]
    paths = []
    for picture in pictures:
        drawing, axis = pyplot.subplots(figsize=(8, 4), layout="constrained")
        try:
            picture(axis, figures)
            drawing.supxlabel(note, fontsize="small", color="dimgray")
            paths.append(folder / f"performance-{picture.__name__[1:]}.png")
            drawing.savefig(paths[-1], dpi=100)
        finally:
            pyplot.close(drawing)
    return paths


def _bars(axis: Any, bars: Sequence[tuple[str, str, float, list[float]]], title: str, *, digits: int) -> None:
    """Bars of (id, what, value, rounds), the first on top, with the spread of the rounds."""
    ids, names, values, rounds = zip(*reversed(bars), strict=True)
    below = [max(0.0, value - min(runs)) for value, runs in zip(values, rounds, strict=True)]
    above = [max(0.0, max(runs) - value) for value, runs in zip(values, rounds, strict=True)]
    words = [id.replace("_", ".").split(".") for id in ids]
    colours = [_COLOURS.get(first, _COLOURS.get(way, "tab:green")) for first, way, *_ in words]
    error = {"ecolor": "0.35", "elinewidth": 1}
    drawn = axis.barh(names, values, color=colours, xerr=(below, above), error_kw=error)
    axis.bar_label(drawn, fmt=f"%.{digits}f", padding=4, fontsize="small")
    axis.set_title(title, fontsize="medium")
    axis.tick_params(labelsize="small")
    axis.margins(x=0.15)


def _limit(axis: Any, value: float) -> None:
    axis.axvline(value, color="tab:red", linewidth=1, linestyle="--")


def _throughput(axis: Any, figures: Figures) -> None:
    found = [(id, figures[id]) for id in (f"{way}.time" for way in ways(figures))]
    bars = [(id, each.what, 1 / each.value(), [1 / run for run in each.by_round()]) for id, each in found]
    _bars(axis, bars, "payouts a second (a batch's row is a payout and its inquiry)", digits=0)


def _cpu(axis: Any, figures: Figures) -> None:
    bars = []
    for id in (f"{way}.cpu1" for way in ways(figures)):
        floor = f"{id.partition('.')[0]}.floor.cpu1"
        if id in figures and id != floor:
            runs = figures.ratios(id, floor)
            bars.append((id, figures[id].what, statistics.median(runs), runs))
    _bars(axis, bars, "processor time of a payout, to the floor's (dashed: the SDK's target, 1.25)", digits=2)
    _limit(axis, 1.25)


def _lag(axis: Any, figures: Figures) -> None:
    found = [(id, figures[id]) for id in figures if id.endswith(".lag")]
    bars = [(id, e.what, e.value(99) * 1000, [run * 1000 for run in e.by_round(99)]) for id, e in found]
    _bars(axis, bars, "event-loop lag, p99, ms, log scale (dashed: the batch's target, 5)", digits=1)
    axis.set_xscale("log")
    _limit(axis, 5)


def _growth(axis: Any, figures: Figures) -> None:
    rows = figures.sizes()
    rates = [1 / figures[f"growth.{size}.time"].value() for size in rows]
    peaks = [figures[f"growth.{size}.peak"].value() / 2**20 for size in rows]
    axis.set_title("one batch: speed and memory by its size", fontsize="medium")
    axis.set_xscale("log")
    axis.set_xticks(rows, [f"{size:,}" for size in rows])
    axis.minorticks_off()
    axis.set_xlabel("rows")
    memory = axis.twinx()
    for each, values, line, colour, name in (
        (axis, rates, "o-", "tab:blue", "payouts/s"),
        (memory, peaks, "s--", "tab:orange", "most memory held, MiB"),
    ):
        each.plot(rows, values, line, color=colour)
        each.set_ylabel(name, color=colour)
        each.set_ylim(0, max(values) * 1.2)


def _peers(axis: Any, figures: Figures) -> None:
    found = [(f"peers.{peer.id}.own", peer.what) for peer in PEERS]
    bars = [(id, what, figures[id].value() * 1e6, [run * 1e6 for run in figures[id].by_round()]) for id, what in found]
    _bars(axis, bars, "what an SDK adds to its HTTP client, us of processor time a call", digits=0)
