"""What the SDK promises of its speed, and what the run found."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import attrs

from .cases import FAMILIES
from .imports import Loaded
from .results import Figures

__all__ = ["Target", "targets"]


@attrs.frozen(kw_only=True)
class Target:
    """A promise: `value` is the figure, `low` and `high` what single rounds found. `met` says whether it is kept."""

    what: str
    wanted: str
    found: str
    value: float
    low: float
    high: float
    met: bool


def targets(figures: Figures, loaded: Loaded) -> list[Target]:
    """Every target, in the order of docs/performance.md."""
    per_family: list[Callable[[Figures, str, str], Target]] = [
        _against_pycryptodome,
        _against_cryptography,
        _two_processes,
        _share_of_the_floor,
        _alone,
    ]
    found = [target(figures, family, name) for target in per_family for family, name in FAMILIES.items()]
    found += [
        _lag(figures),
        _web(figures),
        _ledger(figures, "batch with two durable moves and a call, to that call", "sending", "payouts"),
        _ledger(figures, "batch with three moves and two calls, to those calls", "batch", "calls"),
        _parsed(figures, "ph", 25_000),
        _parsed(figures, "global", 12_000),
        _growth(figures),
        _memory(figures),
        _import(figures),
        _aiohttp(loaded),
    ]
    return found


def _at_least(what: str, limit: float, value: float, runs: list[float], unit: str, digits: int = 2) -> Target:
    return _target(what, f"at least {limit:,.{digits}f}{unit}", value, runs, value >= limit, unit, digits)


def _at_most(what: str, limit: float, value: float, runs: list[float], unit: str, digits: int = 2) -> Target:
    return _target(what, f"at most {limit:,.{digits}f}{unit}", value, runs, value <= limit, unit, digits)


def _under(what: str, limit: float, value: float, runs: list[float], unit: str, digits: int = 2) -> Target:
    return _target(what, f"under {limit:,.{digits}f}{unit}", value, runs, value < limit, unit, digits)


def _target(what: str, wanted: str, value: float, runs: list[float], met: bool, unit: str, digits: int) -> Target:
    found = f"{value:,.{digits}f}{unit}"
    return Target(what=what, wanted=wanted, found=found, value=value, low=min(runs), high=max(runs), met=met)


def _against_pycryptodome(figures: Figures, family: str, name: str) -> Target:
    runs = figures.ratios(f"{family}.sdk_cryptography.rate", f"{family}.hand_pycryptodome.rate")
    return _at_least(f"{name} payouts/s, to by hand with pycryptodome", 2.8, statistics.median(runs), runs, " x")


def _against_cryptography(figures: Figures, family: str, name: str) -> Target:
    runs = figures.ratios(f"{family}.sdk_cryptography.rate", f"{family}.hand_cryptography.rate")
    return _at_least(f"{name} payouts/s, to by hand with cryptography", 1.3, statistics.median(runs), runs, " x")


def _two_processes(figures: Figures, family: str, name: str) -> Target:
    runs = figures.ratios(f"{family}.two_processes.rate", f"{family}.hand_cryptography.rate")
    what = f"{name} payouts/s of two processes, to one by hand with cryptography"
    return _at_least(what, 1.7, statistics.median(runs), runs, " x")


def _share_of_the_floor(figures: Figures, family: str, name: str) -> Target:
    runs = figures.ratios(f"{family}.sdk_cryptography.cpu1", f"{family}.floor.cpu1")
    return _at_most(f"{name} CPU a call, to the floor's", 1.25, statistics.median(runs), runs, " x")


def _alone(figures: Figures, family: str, name: str) -> Target:
    figure = figures[f"{family}.sdk.own"]
    return _at_most(f"{name} SDK alone, a call", 60, figure.value, figure.runs, " us", 0)


def _lag(figures: Figures) -> Target:
    figure = figures["sharing.lag"]
    return _under("loop lag beside a batch that shares its loop, p99", 5, figure.value, figure.runs, " ms", 1)


def _web(figures: Figures) -> Target:
    value = figures.value("web.beside.p99") / figures.value("web.alone.p99")
    runs = figures.ratios("web.beside.p99", "web.alone.p99")
    return _under("web handler's p99 beside such a batch, to alone", 2, value, runs, " x")


def _ledger(figures: Figures, what: str, batch: str, calls: str) -> Target:
    runs = [ratio * 100 for ratio in figures.ratios(f"{batch}.rate", f"{calls}.rate")]
    return _at_least(what, 85, statistics.median(runs), runs, " %", 1)


def _parsed(figures: Figures, family: str, limit: float) -> Target:
    figure = figures[f"{family}.callbacks.parsed"]
    return _at_least(f"{FAMILIES[family]} callbacks a second of one core", limit, figure.value, figure.runs, "/s", 0)


def _growth(figures: Figures) -> Target:
    smallest, *larger = figures.rows()
    first = figures.value(f"growth.{smallest}.rate")
    runs = [figures.value(f"growth.{rows}.rate") / first * 100 for rows in larger or [smallest]]
    return _at_least(f"speed of a batch of {_sizes(figures)}", 90, min(runs), runs, " %", 1)


def _memory(figures: Figures) -> Target:
    smallest, *larger = figures.rows()
    first = figures.value(f"growth.{smallest}.peak")
    runs = [figures.value(f"growth.{rows}.peak") / first * 100 for rows in larger or [smallest]]
    return _at_most(f"memory of a batch of {_sizes(figures)}", 110, max(runs), runs, " %", 1)


def _sizes(figures: Figures) -> str:
    smallest, *larger = figures.rows()
    return f"{' or '.join(f'{rows:,}' for rows in larger or [smallest])} rows, to {smallest:,}"


def _import(figures: Figures) -> Target:
    figure = figures["statement.import"]
    return _under("import paycools_async", 60, figure.value, figure.runs, " ms", 1)


def _aiohttp(loaded: Loaded) -> Target:
    if loaded.after_import:
        found = "by the import"
    elif loaded.after_client:
        found = "by making a client"
    else:
        found = "when a client is opened"
    met = not (loaded.after_import or loaded.after_client)
    wanted = "when a client is opened"
    return Target(what="aiohttp is loaded", wanted=wanted, found=found, value=met, low=met, high=met, met=met)
