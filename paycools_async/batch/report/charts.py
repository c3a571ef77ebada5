"""The report's charts, as SVG text. Every number in them also stands in a tooltip or a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ...times import MANILA

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
        share = f"{100 * size / total:.1f} %"
        drawn.append(
            f'<rect class="{name}" x="{x:.1f}" y="0" width="{width:.1f}" height="26">'
            f"<title>{name}: {size:,} ({share})</title></rect>"
        )
        x += width
    label = ", ".join(f"{name} {size:,}" for name, size in parts)
    return f'<svg viewBox="0 0 {_WIDTH} 26" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


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
            f'<g><title>{title}</title><rect x="{x:.1f}" y="{_TOP}" width="{step:.1f}" height="{_PLOT}" fill="none" '
            f'pointer-events="all"/><rect class="settled" x="{x + step * 0.1:.1f}" y="{y(final):.1f}" '
            f'width="{step * 0.8:.1f}" height="{_TOP + _PLOT - y(final):.1f}" opacity="0.75"/></g>'
        )
        dots.append(f"{x:.1f},{y(sent):.1f} {x + step:.1f},{y(sent):.1f}")
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(rate):.1f}" y2="{y(rate):.1f}" stroke="#dde3e9"/>'
        f'<text x="{_LEFT - 8}" y="{y(rate) + 4:.1f}" text-anchor="end">{rate:,.4g}</text>'
        for rate in (0.0, top / 2, top)
    )
    height = _TOP + _PLOT + _BOTTOM
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Payouts a second over time">'
        f"{_legend()}{grid}{''.join(bars)}"
        f'<polyline points="{" ".join(dots)}" fill="none" stroke="#1d4f91" stroke-width="2" stroke-linejoin="round" '
        f'pointer-events="none"/>{_axis(columns, step)}</svg>'
    )


def _legend() -> str:
    return (
        f'<text x="{_LEFT}" y="14">payouts a second</text>'
        f'<rect class="settled" x="{_WIDTH - 190}" y="4" width="12" height="12" opacity="0.75"/>'
        f'<text x="{_WIDTH - 172}" y="14">final</text>'
        f'<line x1="{_WIDTH - 110}" x2="{_WIDTH - 90}" y1="10" y2="10" stroke="#1d4f91" stroke-width="2"/>'
        f'<text x="{_WIDTH - 84}" y="14">sent</text>'
    )


def _axis(columns: TimeColumns, step: float) -> str:
    """The times at the start, the middle and the end."""
    count = len(columns.sent)
    bottom = _TOP + _PLOT + 18
    marks = [(0, "start"), (count, "end")] if count < 3 else [(0, "start"), (count // 2, "middle"), (count, "end")]
    days = {_day(columns.start), _day(columns.start + count * columns.seconds)}
    return "".join(
        f'<text x="{_LEFT + n * step:.1f}" y="{bottom}" text-anchor="{anchor}">'
        f"{_clock(columns.start + n * columns.seconds, with_day=len(days) > 1)}</text>"
        for n, anchor in marks
    )


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
