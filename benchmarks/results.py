"""What a run measured, and its tables. It is kept as a suite of pyperf's: one benchmark a figure, one run a round.

Every figure is a cost, in seconds, bytes or instructions: less is better, as `pyperf compare_to` reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pyperf

from .instructions import aligned
from .peers import WANTED

_PACKAGES = ("paycools-async", "aiohttp", "attrs", "cattrs", "pycryptodome", "cryptography", "uvloop", *WANTED)
_MACHINE = ("cpu_model_name", "cpu_count", "cpu_freq", "platform", "python_implementation", "python_version", "date")
_LEAST = 1e-9
"""pyperf takes no zeros; a loop that was never late has one."""


@attrs.frozen
class Figure:
    """`rounds` has all measurements of each round, often one."""

    what: str
    unit: str
    rounds: list[Sequence[float]] = attrs.field(factory=list)

    def benchmark(self, metadata: dict[str, Any]) -> pyperf.Benchmark:
        named = {"description": self.what, "unit": self.unit, **metadata}
        return pyperf.Benchmark([pyperf.Run(each, metadata=named, collect_metadata=False) for each in self.rounds])

    def value(self, percent: int = 50) -> float:
        """Over the measurements of all rounds together."""
        return float(self.benchmark({"name": self.what}).percentile(percent))

    def by_round(self, percent: int = 50) -> list[float]:
        return [attrs.evolve(self, rounds=[each]).value(percent) for each in self.rounds]

    def range(self) -> list[str]:
        """The median, the lowest and the highest round, for reading."""
        values = self.by_round()
        return list(self.benchmark({"name": self.what}).format_values([self.value(), min(values), max(values)]))


@attrs.define
class Figures:
    """A run's figures by id, in the order they were measured. `metadata`: the machine, and how it was measured."""

    metadata: dict[str, Any] = attrs.field(factory=dict)
    _found: dict[str, Figure] = attrs.field(factory=dict)

    def add(self, id: str, what: str, *values: float, unit: str = "second") -> None:
        """What one round has found; no late tick at all is none."""
        found = self._found.setdefault(id, Figure(what, unit))
        found.rounds.append([max(round(value, 12), _LEAST) for value in values or (0.0,)])

    def __getitem__(self, id: str) -> Figure:
        return self._found[id]

    def __contains__(self, id: object) -> bool:
        return id in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def ratios(self, top: str, bottom: str, percent: int = 50) -> list[float]:
        """The quotient of two figures, round by round: both halves of each met the machine in the same mood."""
        pairs = zip(self[top].by_round(percent), self[bottom].by_round(percent), strict=True)
        return [a / b for a, b in pairs]

    @property
    def key(self) -> str:
        """That the payouts were signed with."""
        return f"RSA-{self.metadata.get('key_bits', 2048)}"

    def sizes(self) -> list[int]:
        """Rows of the growth runs, smallest first."""
        return sorted(int(id.split(".")[1]) for id in self if id.startswith("growth.") and id.endswith(".time"))

    def note_machine(self) -> None:
        """Remember, at the start, what pyperf finds out about the machine, and the versions of the libraries."""
        collected = pyperf.Run([1.0]).get_metadata()
        self.metadata |= {name: collected[name] for name in _MACHINE if name in collected}
        for name in _PACKAGES:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                self.metadata[f"version_{name}"] = importlib.metadata.version(name)
        loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        self.metadata |= {"loop": loop if loop == "uvloop" else "asyncio's own loop", "load_at_start": _load()}

    def note_end(self) -> None:
        self.metadata["load_at_end"] = _load()

    def write(self, folder: Path) -> Path:
        """`performance.json` in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "performance.json"
        found = [figure.benchmark({**self.metadata, "name": id}) for id, figure in self._found.items()]
        pyperf.BenchmarkSuite(found).dump(str(path), replace=True)
        return path

    @classmethod
    def read(cls, path: Path) -> Figures:
        suite = pyperf.BenchmarkSuite.load(str(path))
        found = cls(suite.get_metadata())
        for each in suite:
            own = each.get_metadata()
            runs: list[Sequence[float]] = [list(run.values) for run in each.get_runs()]
            found._found[each.get_name()] = Figure(own["description"], own["unit"], runs)
        return found


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


# -- for reading ------------------------------------------------------------------------------------------------------

Table = list[tuple[str, ...]]


def tables(figures: Figures, targets: Table) -> str:
    """The targets, the ways to pay, and the rest."""
    about = figures.metadata
    machine = f"{about['python_implementation']} {about['python_version']}, {about['cpu_count']} cores, {about['loop']}"
    machine += f", {figures.key}"
    loads = f"load {about['load_at_start']} at the start, {about['load_at_end']} at the end"
    parts = (targets, _ways(figures), _rest(figures))
    return "\n\n".join([*(aligned(part) for part in parts), f"{machine}, {loads}"])


def ways(figures: Figures) -> list[str]:
    """The ids of the ways to pay."""
    return [id.removesuffix(".time") for id in figures if id.endswith(".time") and not id.startswith("growth.")]


def _ways(figures: Figures) -> Table:
    """The quotients are those of the values, the targets' those of the rounds."""
    rows: Table = [
        ("way to pay", "payouts/s", "x hand pycr.", "x hand crypt.", "CPU each", "on one core", "x floor", "lag p99")
    ]

    def ms(id: str, percent: int = 50, digits: int = 2) -> str:
        return f"{figures[id].value(percent) * 1000:.{digits}f} ms" if id in figures else ""

    for id in ways(figures):
        family = id.partition(".")[0] if "." in id else "ph"
        each = figures[f"{id}.time"].value()
        hands = [figures[f"{family}.hand_{way}.time"].value() / each for way in ("pycryptodome", "cryptography")]
        floor = figures[f"{family}.floor.cpu1"].value()
        rows.append(
            (
                figures[f"{id}.time"].what,
                f"{1 / each:,.0f}",
                *(f"{hand:.2f}" for hand in hands),
                ms(f"{id}.cpu"),
                ms(f"{id}.cpu1"),
                f"{figures[f'{id}.cpu1'].value() / floor:.2f}" if f"{id}.cpu1" in figures else "",
                ms(f"{id}.lag", 99, 1),
            )
        )
    return rows


def _rest(figures: Figures) -> Table:
    shown = {f"{way}.{kind}" for way in ways(figures) for kind in ("time", "cpu", "cpu1", "lag")}
    rows: Table = [("what", "median", "rounds from", "to")]
    rows += [(figures[id].what, *figures[id].range()) for id in figures if id not in shown]
    return rows
