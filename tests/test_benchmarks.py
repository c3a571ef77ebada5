"""The benchmarks run, and their results have the shape that docs/performance.md describes. No figure is judged."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("benchmarks", reason="the benchmarks stand beside the tests in the repository only")
pytest.importorskip("cryptography")

from benchmarks import charts, instructions, report
from benchmarks.__main__ import main
from benchmarks.cases import Bench
from benchmarks.compare import verdict
from benchmarks.imports import Loaded
from benchmarks.measure import Budget, Lag, percentile
from benchmarks.peers import PEERS, WANTED, Peer, cost_of
from benchmarks.processes import serving
from benchmarks.results import Collector, Figure, Figures
from benchmarks.soak import soak_once
from benchmarks.suite import Plan, Results, run_suite
from benchmarks.targets import Target, targets
from paycools_async.batch import Options
from paycools_async.testing import generate_private_key

TINY = Plan(
    rounds=1,
    budget=Budget(payouts=10),
    batch_rows=10,
    batch_turns=2,
    shard_payouts=10,
    calls=10,
    callback_turns=1,
    web_seconds=0.1,
    web_rows=10,
    sizes=(10,),
    imports=1,
    concurrency=4,
    uvloop=False,
)

WAYS = {"sdk_cryptography", "sdk_pycryptodome", "hand_cryptography", "hand_pycryptodome", "floor"}
CASES = {f"{family}.{way}" for family in ("ph", "global") for way in WAYS}
DRIVEN = {f"{way}.{kind}" for way in {*CASES, "calls", "batch", "sharing"} for kind in ("rate", "cpu", "lag")}
OTHERS = {
    *(f"{way}.{kind}" for way in ("payouts", "sending") for kind in ("rate", "cpu")),
    "idle.lag",
    "ph.two_processes.rate",
    "global.two_processes.rate",
    "ph.sdk.own",
    "global.sdk.own",
    "ph.callbacks.parsed",
    "global.callbacks.parsed",
    "web.alone.p50",
    "web.alone.p99",
    "web.beside.p50",
    "web.beside.p99",
    "statement.import",
    "process.import",
    "growth.10.rate",
    "growth.10.peak",
    "growth.10.start",
}

IDS = {*OTHERS, *DRIVEN, *(f"{case}.cpu1" for case in CASES)}


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    spec_of = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in names else spec_of(name))


@pytest.mark.process
async def test_one_tiny_run_measures_everything_and_writes_it_down(tmp_path: Path) -> None:
    """Every figure and every target is in the JSON file and in the tables."""
    found = report.as_json(await run_suite(TINY, lambda _text: None), TINY, 0.5)
    path = report.write(found, tmp_path / "results")

    written = json.loads(path.read_text("utf-8"))
    assert set(written) == {"taken", "machine", "versions", "uvloop", "plan", "targets", "figures"}
    assert written["uvloop"] is False
    figures = {figure["id"]: figure for figure in written["figures"]}
    assert set(figures) == IDS
    positive = {id for id in figures if not id.endswith(".lag") and id != "process.import"}
    assert all(figures[id]["value"] > 0 for id in positive)
    assert figures["growth.10.peak"]["value"] >= figures["growth.10.start"]["value"]
    assert len(written["targets"]) == 20
    assert written["targets"][-1]["found"] == "when a client is opened"
    shown = report.tables(written)
    assert all(figure["what"] in shown for figure in figures.values())
    assert all(target["what"] in shown and target["wanted"] in shown for target in written["targets"])


def _figures(rates: dict[str, float], *, peers: bool = False) -> Figures:
    """A run in which all is 1 but what is named."""
    collector = Collector()
    ids = set(IDS)
    if peers:
        names = ("paycools_unsigned", "paycools", "stripe", "openai")
        ids |= {f"peers.{name}{part}.own" for name in names for part in (".sdk", ".bare", "")}
    for id in sorted(ids):
        for factor in (0.9, 1.0, 1.0, 1.1):
            collector.add(id, f"the figure {id}", rates.get(id, 1.0) * factor)
    return collector.figures()


def _target(what: str, found: list[Target]) -> Target:
    return next(target for target in found if target.what.startswith(what))


def test_a_target_is_met_or_not() -> None:
    """The limits stand where the documentation has them, and the worst size decides on growth."""
    rates = {"ph.sdk_cryptography.rate": 2.8, "growth.20.rate": 0.89, "growth.20.peak": 1.05, "growth.20.start": 1.0}
    figures = _figures(rates)
    more = Collector()
    for id in ("growth.20.rate", "growth.20.peak"):
        more.add(id, id, rates[id])
    figures = Figures({figure.id: figure for source in (figures, more.figures()) for figure in source})
    found = targets(figures, Loaded(after_import=False, after_client=True))
    assert _target("PH payouts/s, to by hand with pycryptodome", found).met
    assert not _target("Global payouts/s, to by hand with pycryptodome", found).met
    assert _target("PH CPU a call", found).met
    assert not _target("PH callbacks", found).met
    growth = _target("speed of a batch of 20 rows, to 10", found)
    assert (growth.met, growth.found) == (False, "89.0 %")
    assert _target("memory of a batch of 20 rows, to 10", found).met
    aiohttp = _target("aiohttp is loaded", found)
    assert (aiohttp.met, aiohttp.found) == (False, "by making a client")


def _file(path: Path, rates: dict[str, float], *, peers: bool = False) -> dict[str, Any]:
    results = Results(_figures(rates, peers=peers), Loaded(after_import=False, after_client=False))
    found = report.as_json(results, TINY, None)
    path.write_text(json.dumps(found), "utf-8")
    return found


def test_two_runs_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A change counts only where the rounds of both runs do not overlap, and says which way is better."""
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    _file(a, {}, peers=True)
    _file(b, {"batch.rate": 2.0, "batch.cpu": 2.0, "calls.rate": 1.15})
    assert main(["compare", str(a), str(b)]) == 0
    lines = {line.partition("  ")[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["the figure batch.rate"][-2:] == ["2.00", "better"]
    assert lines["the figure batch.cpu"][-2:] == ["2.00", "worse"]
    assert lines["the figure calls.rate"][-1] == "1.15"
    assert "only in A: peers.stripe.own" in lines


def test_few_rounds_say_nothing_of_a_change() -> None:
    def figure(*runs: float) -> Figure:
        return Figure(id="batch.rate", what="", value=runs[0], runs=list(runs))

    low, high = figure(1.0, 1.1, 1.2, 1.3), figure(1.4, 1.5, 1.6, 1.7)
    assert verdict(low, high) == "better"
    assert verdict(high, low) == "worse"
    assert verdict(low, figure(1.3, 1.5, 1.6, 1.7)) == ""
    assert verdict(figure(1.0, 1.1, 1.2), high) == ""


def test_counts_of_instructions_stand_beside_those_of_a_kept_run(tmp_path: Path) -> None:
    """Each with how many times the hand-written code it is, and how it changed."""
    kept = instructions.write(instructions.as_json({"ph.sdk": 400, "ph.hand": 100}), tmp_path / "kept")
    shown = instructions.table({"ph.sdk": 300, "ph.hand": 100, "http": 50}, instructions.against(kept))
    rows = {line.partition("  ")[0]: line.split() for line in shown.splitlines()}
    assert rows["PH: SDK alone, no signing, no network"][-4:] == ["300", "3.0", "400", "0.75"]
    assert rows["PH: by hand, the same work"][-3:] == ["100", "100", "1.00"]
    assert rows["bare aiohttp: one POST, its answer read"][-1] == "50"
    assert set(json.loads(kept.read_text("utf-8"))) == {"taken", "python", "machine", "versions", "instructions"}


def test_without_valgrind_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One plain line says so."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert main(["instructions"]) == 2
    assert capsys.readouterr() == ("", "nothing is counted without valgrind: apt install valgrind\n")


@pytest.mark.process
@pytest.mark.skipif(instructions.missing() is not None, reason="valgrind is not installed")
def test_a_count_is_the_same_again() -> None:
    """A call by hand, counted twice: nothing of the machine's mood is in it."""
    first, second = (instructions.count(("ph.hand",), short=20, long=60)["ph.hand"] for _ in range(2))
    assert first > 10_000
    assert abs(second - first) <= first / 100


@pytest.mark.parametrize("part", instructions.PARTS, ids=lambda part: part.id)
def test_what_is_counted_runs(part: instructions.Part, tmp_path: Path) -> None:
    """Without valgrind: each part makes its calls, and they succeed."""
    key = tmp_path / "key.pem"
    key.write_text(generate_private_key(), "utf-8")
    with serving("benchmarks.stub", {"uvloop": False}) as url:
        instructions.run_part(part.id, 20, url, key)


def test_the_peers_say_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is measured."""
    _without(monkeypatch, "stripe", "openai")
    assert main(["--peers"]) == 2
    assert "pip install stripe openai" in capsys.readouterr().err


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.id)
async def test_a_peer_and_its_bare_client_are_answered(peer: Peer) -> None:
    """Each reads its own answer from the stub; one that is not installed is not installed for this."""
    if peer.id in WANTED:
        pytest.importorskip(peer.id, reason=f"{peer.id} is no part of the test extra: pip install {peer.id}")
    with serving("benchmarks.stub", {"uvloop": False}) as url:
        cost = await cost_of(peer, Bench(url=url, pem=generate_private_key()), 2)
    assert cost.sdk > 0
    assert cost.bare > 0


def test_charts_are_small_or_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if charts.missing() is None:
        found = _file(tmp_path / "run.json", {}, peers=True)
        drawn = charts.draw(found, tmp_path)
        names = ["throughput", "cpu", "lag", "growth", "peers"]
        assert [path.name for path in drawn] == [f"performance-{name}.png" for name in names]
        assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size < 100_000 for path in drawn)
    _without(monkeypatch, "matplotlib")
    advice = charts.missing()
    assert advice is not None
    assert "pip install matplotlib" in advice


async def test_lag_is_what_a_blocked_loop_makes_others_wait() -> None:
    """Every tick that was missed counts, with the wait it had."""
    import time

    lag = Lag()
    time.sleep(0.1)
    lag.stop()
    assert len(lag.ticks) >= 19
    assert max(lag.ticks) >= 90
    assert sorted(lag.ticks, reverse=True) == lag.ticks


@pytest.mark.process
async def test_a_tiny_soak_agrees_with_the_sandbox_row_by_row() -> None:
    """Payouts that were dropped, refused or doubted end settled, once each."""
    options = Options(concurrency=10, absent_after=1.0, first_inquiry_after=0.02, max_resends=20)
    found = await soak_once(40, options, uvloop=False)
    assert found.states == {"settled": 40}
    assert found.orders_paid == 40
    assert found.paid_more_than_once == []
    assert found.wrong == []
    assert found.right
    assert sum(found.struck.values()) > 0


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([5.0, 1.0, 3.0, 2.0, 4.0], 50) == 3.0
    assert percentile([float(value) for value in range(1, 101)], 99) == 99.0
    assert percentile([], 99) == 0.0
