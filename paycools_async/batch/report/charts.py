"""The report's charts: where everything stands in them. Every number also stands in a tooltip or a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ...times import MANILA
from .templating import markup, render

__all__ = ["TimeColumns", "share_bar", "throughput"]

_WIDTH = 900
_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 52, 8, 26, 150, 24


@attrs.frozen(kw_only=True)
class TimeColumns:
    """Payouts by time: columns of `seconds` each from `start`, sent and final in each."""

    start: int
    seconds: int
    sent: Sequence[int]
    final: Sequence[int]


def share_bar(parts: Sequence[tuple[str, int]]) -> str:
    """One bar, cut into (CSS class, size) parts. Even the smallest part can be seen."""
    total = sum(size for _, size in parts)
    if not total:
        return ""
    least = 4.0
    spare = _WIDTH - least * len(parts)
    drawn, x = [], 0.0
    for name, size in parts:
        width = least + spare * size / total
        title = f"{name}: {size:,} ({100 * size / total:.1f} %)"
        drawn.append({"name": name, "x": f"{x:.1f}", "width": f"{width:.1f}", "title": title})
        x += width
    label = ", ".join(f"{name} {size:,}" for name, size in parts)
    return render("share_bar.svg", width=_WIDTH, label=label, parts=drawn)


def throughput(columns: TimeColumns) -> str:
    """Columns of payouts that became final, and a line of those sent; both per second."""
    rates_sent = [rows / columns.seconds for rows in columns.sent]
    rates_final = [rows / columns.seconds for rows in columns.final]
    top = _round_up(max(*rates_sent, *rates_final))
    step = (_WIDTH - _LEFT - _RIGHT) / len(rates_sent)

    def y(rate: float) -> float:
        return _TOP + _PLOT * (1 - rate / top)

    bars, dots = [], []
    for n, (sent, final) in enumerate(zip(rates_sent, rates_final, strict=True)):
        x = _LEFT + n * step
        title = f"{_clock(columns.start + n * columns.seconds)}: {sent:.4g} sent, {final:.4g} final a second"
        bars.append(
            {
                "title": title,
                "x": f"{x:.1f}",
                "inner_x": f"{x + step * 0.1:.1f}",
                "y": f"{y(final):.1f}",
                "height": f"{_TOP + _PLOT - y(final):.1f}",
            }
        )
        dots.append(f"{x:.1f},{y(sent):.1f} {x + step:.1f},{y(sent):.1f}")
    grid = [
        {"y": f"{y(rate):.1f}", "text_y": f"{y(rate) + 4:.1f}", "rate": f"{rate:,.4g}"} for rate in (0.0, top / 2, top)
    ]
    return render(
        "throughput.svg",
        width=_WIDTH,
        height=_TOP + _PLOT + _BOTTOM,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        plot=_PLOT,
        bottom=_TOP + _PLOT + 18,
        step=f"{step:.1f}",
        inner_width=f"{step * 0.8:.1f}",
        grid=grid,
        bars=bars,
        points=markup(" ".join(dots)),
        axis=_axis(columns, step),
    )


def _axis(columns: TimeColumns, step: float) -> list[dict[str, str]]:
    """The times at the start, the middle and the end."""
    count = len(columns.sent)
    marks = [(0, "start"), (count, "end")] if count < 3 else [(0, "start"), (count // 2, "middle"), (count, "end")]
    days = {_day(columns.start), _day(columns.start + count * columns.seconds)}
    return [
        {
            "x": f"{_LEFT + n * step:.1f}",
            "anchor": anchor,
            "time": _clock(columns.start + n * columns.seconds, with_day=len(days) > 1),
        }
        for n, anchor in marks
    ]


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, MANILA):%d %b}"


def _clock(moment: float, *, with_day: bool = False) -> str:
    return f"{datetime.fromtimestamp(moment, MANILA):{'%d %b ' if with_day else ''}%H:%M:%S}"


def _round_up(rate: float) -> float:
    """The next 1, 2 or 5 times a power of ten, for an axis that people can read."""
    if rate <= 0:
        return 1.0
    power = 10.0 ** len(str(int(rate))) / 10 if rate >= 1 else 0.1
    while power > rate:
        power /= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rate)
