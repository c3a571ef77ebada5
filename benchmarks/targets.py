"""What the SDK promises of its speed, and what the run found."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Sequence

import attrs

from .cases import FAMILIES
from .instructions import by_hand
from .results import Figures, Table

_WORDS = {"at least": operator.ge, "at most": operator.le, "under": operator.lt}


@attrs.frozen
class Target:
    """A promise, and whether it is kept. `instructions`: of the work behind it, where they were counted."""

    what: str
    wanted: str
    found: str
    met: bool
    instructions: str


def targets(f: Figures) -> list[Target]:
    """Every target, in the order of docs/performance.md."""
    found: list[Target] = []

    def add(
        what: str,
        word: str,
        limit: float,
        unit: str,
        runs: Sequence[float],
        *,
        value: float | None = None,
        digits: int = 2,
        counted: str = "",
    ) -> None:
        value = statistics.median(runs) if value is None else value
        wanted, told = (f"{each:,.{digits}f}{unit}" for each in (limit, value))
        met = bool(_WORDS[word](value, limit))
        found.append(Target(what, f"{word} {wanted}", told, met, _counted(f, counted)))

    for family, name in FAMILIES.items():
        hand, sdk = f"{family}.hand_pycryptodome.time", f"{family}.sdk_cryptography.time"
        add(f"{name} payouts/s, to by hand with pycryptodome", "at least", 2.8, " x", f.ratios(hand, sdk))
    for family, name in FAMILIES.items():
        hand, sdk = f"{family}.hand_cryptography.time", f"{family}.sdk_cryptography.time"
        add(f"{name} payouts/s, to by hand with cryptography", "at least", 1.3, " x", f.ratios(hand, sdk))
    for family, name in FAMILIES.items():
        hand, two = f"{family}.hand_cryptography.time", f"{family}.two_processes.time"
        what = f"{name} payouts/s of two processes, to one by hand with cryptography"
        add(what, "at least", 1.7, " x", f.ratios(hand, two))
    for family, name in FAMILIES.items():
        sdk, floor = f"{family}.sdk_cryptography.cpu1", f"{family}.floor.cpu1"
        add(f"{name} CPU a call, to the floor's", "at most", 1.25, " x", f.ratios(sdk, floor), counted=f"{family}.sdk")
    for family, name in FAMILIES.items():
        alone = [each * 1e6 for each in f[f"{family}.sdk.own"].by_round()]
        add(f"{name} SDK alone, a call", "at most", 60, " us", alone, digits=0, counted=f"{family}.sdk")
    lag, value = f["sharing.lag"].by_round(99), f["sharing.lag"].value(99)
    what = "loop lag beside a batch that shares its loop, p99"
    add(what, "under", 5, " ms", [each * 1000 for each in lag], value=value * 1000, digits=1)
    value = f["web.beside"].value(99) / f["web.alone"].value(99)
    what = "web handler's p99 beside such a batch, to alone"
    add(what, "under", 2, " x", f.ratios("web.beside", "web.alone", 99), value=value)
    for batch, calls, what in (
        ("sending", "payouts", "batch with two durable moves and a call, to that call"),
        ("batch", "calls", "batch with three moves and two calls, to those calls"),
    ):
        shares = [each * 100 for each in f.ratios(f"{calls}.time", f"{batch}.time")]
        add(what, "at least", 85, " %", shares, digits=1, counted="ledger")
    for family, limit in (("ph", 25_000), ("global", 12_000)):
        rates = [1 / each for each in f[f"{family}.callbacks"].by_round()]
        what = f"{FAMILIES[family]} callbacks a second of one core"
        add(what, "at least", limit, "/s", rates, digits=0, counted=f"{family}.callback")
    smallest, *larger = f.sizes()
    sizes = f"of a batch of {' or '.join(f'{rows:,}' for rows in larger or [smallest])} rows, to {smallest:,}"
    rates, peaks = (
        [f[f"growth.{rows}.{kind}"].value() / f[f"growth.{smallest}.{kind}"].value() for rows in larger or [smallest]]
        for kind in ("time", "peak")
    )
    speeds, memory = [100 / each for each in rates], [each * 100 for each in peaks]
    add(f"speed {sizes}", "at least", 90, " %", speeds, value=min(speeds), digits=1)
    add(f"memory {sizes}", "at most", 110, " %", memory, value=max(memory), digits=1)
    imports = [each * 1000 for each in f["statement.import"].by_round()]
    add("import paycools_async", "under", 60, " ms", imports, digits=1)
    wanted, loaded = "when a client is opened", f.metadata["aiohttp_loaded"]
    found.append(Target("aiohttp is loaded", wanted, loaded, loaded == wanted, ""))
    return found


def _counted(f: Figures, part: str) -> str:
    """Machine instructions, and how many times those of the hand-written code, where they were counted."""
    counts = {id.partition(".")[2]: f[id].value() for id in f if id.startswith("instructions.")}
    if part not in counts:
        return ""
    hand = by_hand(counts, part)
    return f"{counts[part]:,.0f}" + (f", {hand:.1f} x by hand" if hand else "")


def table(found: Sequence[Target]) -> Table:
    rows: Table = [("target", "wanted", "found", "met", "instructions")]
    rows += [(each.what, each.wanted, each.found, "yes" if each.met else "NO", each.instructions) for each in found]
    rows.append((f"{sum(each.met for each in found)} of {len(found)} met", "", "", "", ""))
    return rows
