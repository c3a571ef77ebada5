"""Small pictures of a run, as PNG; needs matplotlib."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from .results import Figures

_COLOURS = {"sdk": "tab:blue", "two": "tab:cyan", "hand": "tab:orange", "floor": "tab:gray", "peers": "tab:purple"}
"""By a word of a figure's id."""
_Shown = tuple[str, int, Callable[[float], float], str]
PICTURES: dict[str, _Shown] = {
    "throughput": (".time", 50, lambda each: 1 / each, "payouts a second (a batch's row is a payout and its inquiry)"),
    "lag": (".lag", 99, lambda each: each * 1000, "event-loop lag, p99, ms (dashed: the batch's target, 5)"),
    "peers": (".own", 50, lambda each: each * 1e6, "what an SDK adds to its HTTP client, us of processor time a call"),
}
"""The figures by the end of their ids, the percentile, what is shown of it, and the title."""


def missing() -> str | None:
    """What to install; None where the pictures can be drawn."""
    if importlib.util.find_spec("matplotlib") is not None:
        return None
    return "no charts: matplotlib is not installed (pip install matplotlib)"


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw what the run measured into `performance-*.png`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    peers = any(id.startswith("peers.") for id in figures)
    names = [name for name in PICTURES if peers or name != "peers"]
    return [_draw(figures, folder / f"performance-{name}.png", *PICTURES[name]) for name in names]


def _draw(figures: Figures, path: Path, end: str, percent: int, shown: Callable[[float], float], title: str) -> Path:
    """Bars of the values, the first on top, with the spread of the rounds."""
    from matplotlib.figure import Figure as Drawing

    ids = [id for id in reversed(list(figures)) if id.endswith(end) and (end != ".own" or id.startswith("peers."))]
    values = [shown(figures[id].value(percent)) for id in ids]
    rounds = [[shown(each) for each in figures[id].by_round(percent)] for id in ids]
    below = [max(0.0, value - min(runs)) for value, runs in zip(values, rounds, strict=True)]
    above = [max(0.0, max(runs) - value) for value, runs in zip(values, rounds, strict=True)]
    drawing = Drawing(figsize=(8, 0.2 * len(ids) + 1), layout="constrained")
    axis = drawing.subplots()
    bars = axis.barh(
        [figures[id].what for id in ids],
        values,
        xerr=(below, above),
        color=[next((colour for word, colour in _COLOURS.items() if word in id), "tab:green") for id in ids],
        error_kw={"ecolor": "0.35", "elinewidth": 1},
    )
    axis.bar_label(bars, fmt="%.4g", padding=4, fontsize="small")
    axis.set_title(title, fontsize="medium")
    axis.tick_params(labelsize="small")
    axis.margins(x=0.15)
    if end == ".lag":
        axis.set_xscale("log")
        axis.axvline(5, color="tab:red", linewidth=1, linestyle="--")
    about = figures.metadata
    machine = f"Python {about['python_version']}, {about['cpu_count']} cores, {about['loop']}"
    drawing.supxlabel(f"{machine}, {figures.key}, stub on the same machine", fontsize="small", color="dimgray")
    drawing.savefig(path, dpi=100)
    return path
