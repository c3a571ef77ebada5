"""The figures of a run: one value each, and what every round found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import attrs

from .measure import Lag, Round, percentile

__all__ = ["KINDS", "Collector", "Figure", "Figures", "Kind"]


@attrs.frozen
class Kind:
    """The unit of a kind of figure, its decimals, and whether more of it is better."""

    unit: str
    digits: int
    more_is_better: bool


KINDS = {
    "rate": Kind("payouts/s", 0, True),
    "cpu": Kind("ms of CPU a payout", 2, False),
    "cpu1": Kind("ms of CPU a payout, on one core", 2, False),
    "lag": Kind("ms of loop lag, p99", 1, False),
    "own": Kind("us of CPU a call", 0, False),
    "parsed": Kind("callbacks/s of CPU", 0, True),
    "p50": Kind("ms, p50", 2, False),
    "p99": Kind("ms, p99", 2, False),
    "import": Kind("ms", 1, False),
    "peak": Kind("MiB, the most held", 1, False),
    "start": Kind("MiB before the batch", 1, False),
}
"""By the last part of a figure's id."""


@attrs.frozen(kw_only=True)
class Figure:
    """`value` is the median of `runs`, one a round; a percentile is over the measurements of all rounds together."""

    id: str
    what: str
    value: float
    runs: list[float]

    @property
    def kind(self) -> Kind:
        return KINDS[self.id.rpartition(".")[2]]


class Figures:
    """A run's figures by id, in the order they were measured."""

    def __init__(self, figures: Mapping[str, Figure]) -> None:
        self._figures = dict(figures)

    @classmethod
    def from_json(cls, found: list[dict[str, Any]]) -> Figures:
        return cls({each["id"]: Figure(**each) for each in found})

    def __iter__(self) -> Any:
        return iter(self._figures.values())

    def __contains__(self, id: object) -> bool:
        return id in self._figures

    def __getitem__(self, id: str) -> Figure:
        return self._figures[id]

    def value(self, id: str) -> float:
        return self._figures[id].value

    def ratios(self, top: str, bottom: str) -> list[float]:
        """The quotient of two figures, round by round: both halves of each met the machine in the same mood."""
        return [a / b for a, b in zip(self[top].runs, self[bottom].runs, strict=True)]

    def rows(self) -> list[int]:
        """The sizes of the growth runs, smallest first."""
        return sorted({int(figure.id.split(".")[1]) for figure in self if figure.id.startswith("growth.")})


class Collector:
    """Takes what the rounds find, and makes figures of it."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[str, list[float]]] = {}
        self._pooled: dict[str, tuple[float, list[float]]] = {}

    def add(self, id: str, what: str, value: float) -> None:
        self._runs.setdefault(id, (what, []))[1].append(value)

    def add_all(self, id: str, what: str, percent: float, values: list[float]) -> None:
        """Many measurements of one round, of which a percentile counts."""
        self.add(id, what, percentile(values, percent))
        self._pooled.setdefault(id, (percent, []))[1].extend(values)

    def add_round(self, id: str, what: str, found: Round) -> None:
        """Rate and processor time of many payouts."""
        self.add(f"{id}.rate", what, found.rate)
        self.add(f"{id}.cpu", what, found.cpu_ms)

    def add_lag(self, id: str, what: str, lag: Lag) -> None:
        self.add_all(f"{id}.lag", what, 99, lag.ticks)

    def figures(self) -> Figures:
        return Figures({id: self._figure(id, what, runs) for id, (what, runs) in self._runs.items()})

    def _figure(self, id: str, what: str, runs: list[float]) -> Figure:
        if id in self._pooled:
            percent, values = self._pooled[id]
            value = percentile(values, percent)
        else:
            value = statistics.median(runs)
        return Figure(id=id, what=what, value=value, runs=runs)
