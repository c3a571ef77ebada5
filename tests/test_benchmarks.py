"""The benchmarks run, and their results have the shape that docs/performance.md describes. No figure is judged."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import attrs
import pytest

pytest.importorskip("benchmarks", reason="the benchmarks stand beside the tests in the repository only")
pytest.importorskip("cryptography")
pytest.importorskip("pyperf")

from support.own_postgres import OwnPostgres

from benchmarks import charts, instructions, results
from benchmarks.__main__ import main
from benchmarks.cases import Bench
from benchmarks.measure import Lag
from benchmarks.peers import PEERS, WANTED, Peer, time_each
from benchmarks.results import Figures
from benchmarks.soak import soak_once
from benchmarks.stub import serving
from benchmarks.suite import Plan, run_suite
from benchmarks.targets import Target, table, targets
from paycools_async.batch import Options
from paycools_async.testing import generate_private_key

TINY = Plan(rounds=1, scale=1 / 60, sizes=(10,), concurrency=4, uvloop=False)

WAYS = {"sdk_process", "sdk_cryptography", "sdk_pycryptodome", "hand_cryptography", "hand_pycryptodome", "floor"}
CASES = {f"{family}.{way}" for family in ("ph", "global") for way in WAYS}
DRIVEN = {f"{way}.{kind}" for way in {*CASES, "calls", "batch", "sharing"} for kind in ("time", "cpu", "lag")}
OTHERS = {
    *(f"{way}.{kind}" for way in ("payouts", "sending") for kind in ("time", "cpu")),
    "idle.lag",
    "ph.two_processes.time",
    "global.two_processes.time",
    "ph.sdk.own",
    "global.sdk.own",
    "ph.callbacks",
    "global.callbacks",
    "web.alone",
    "web.beside",
    "statement.import",
    "growth.10.time",
    "growth.10.peak",
    "growth.10.start",
}

IDS = {*OTHERS, *DRIVEN, *(f"{case}.cpu1" for case in CASES)}


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    spec_of = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in names else spec_of(name))


@pytest.mark.process
async def test_one_tiny_run_measures_everything_and_writes_it_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure is in the JSON file, and with every target in the tables."""
    counts = {"ph.sdk": 300, "ph.hand": 100}
    monkeypatch.setattr(instructions, "count", lambda ids: {id: counts[id] for id in ids})
    plan = attrs.evolve(TINY, counted=tuple(counts))
    path = (await run_suite(plan, lambda _text: None)).write(tmp_path / "results")

    figures = Figures.read(path)
    assert set(figures) == {*IDS, "instructions.ph.sdk", "instructions.ph.hand"}
    assert figures.metadata["loop"] == "asyncio's own loop"
    assert figures.metadata["python_implementation"]
    assert figures.metadata["version_aiohttp"]
    assert all(figures[id].value() > 1e-9 for id in figures if not id.endswith(".lag"))
    assert figures["growth.10.peak"].value() >= figures["growth.10.start"].value()
    found = targets(figures)
    assert len(found) == 20
    assert found[-1].found == "when a client is opened"
    shown = results.tables(figures, table(found))
    assert all(figures[id].what in shown for id in figures)
    assert all(target.what in shown and target.wanted in shown for target in found)
    assert shown.count("300, 3.0 x by hand") == 2, "beside the SDK alone, and beside a call's CPU"


def _figures(values: dict[str, float], *, loaded: str = "when a client is opened", peers: bool = False) -> Figures:
    """A run in which all is 1 but what is named."""
    about = dict.fromkeys(("python_implementation", "python_version", "cpu_count", "loop"), "some")
    figures = Figures({**about, "load_at_start": "0.1", "load_at_end": "0.2", "aiohttp_loaded": loaded})
    ids = {*IDS, *values}
    if peers:
        names = ("paycools_unsigned", "paycools", "stripe", "openai")
        ids |= {f"peers.{name}.{part}" for name in names for part in ("sdk", "bare", "own")}
    for id in sorted(ids):
        for factor in (0.9, 1.0, 1.0, 1.1):
            figures.add(id, f"the figure {id}", values.get(id, 1.0) * factor)
    return figures


def _target(what: str, found: list[Target]) -> Target:
    return next(target for target in found if target.what.startswith(what))


def test_a_target_is_met_or_not() -> None:
    """The limits stand where the documentation has them, and the worst size decides on growth."""
    values = {"ph.hand_pycryptodome.time": 2.8, "growth.20.time": 1 / 0.89, "growth.20.peak": 1.05}
    counts = {"instructions.ph.sdk": 300.0, "instructions.ph.hand": 100.0, "instructions.ledger": 50.0}
    found = targets(_figures({**values, **counts}, loaded="by making a client"))
    assert _target("PH payouts/s, to by hand with pycryptodome", found).met
    assert not _target("Global payouts/s, to by hand with pycryptodome", found).met
    assert _target("PH CPU a call", found).met
    assert not _target("PH callbacks", found).met
    growth = _target("speed of a batch of 20 rows, to 10", found)
    assert (growth.met, growth.found) == (False, "89.0 %")
    assert _target("memory of a batch of 20 rows, to 10", found).met
    aiohttp = _target("aiohttp is loaded", found)
    assert (aiohttp.met, aiohttp.found) == (False, "by making a client")
    assert _target("PH SDK alone", found).instructions == "300, 3.0 x by hand"
    assert _target("batch with three moves", found).instructions == "50"
    assert _target("Global SDK alone", found).instructions == ""


def test_a_quotient_is_made_round_by_round_and_a_percentile_over_all_rounds() -> None:
    """A machine that is slow for a round changes neither half of a quotient alone; one late tick counts."""
    figures = Figures()
    for mood in (1.0, 2.0, 10.0):
        figures.add("a.time", "a", 2.0 * mood)
        figures.add("b.time", "b", mood)
        figures.add("a.lag", "a", *([0.0] * 99), mood)
    assert figures.ratios("a.time", "b.time") == [2.0, 2.0, 2.0]
    assert figures["a.time"].value() == 4.0
    assert figures["a.time"].by_round() == [2.0, 4.0, 20.0]
    assert figures["a.lag"].value(50) == pytest.approx(0.0, abs=1e-6)
    assert figures["a.lag"].value(100) == 10.0
    assert figures["a.lag"].by_round(100) == [1.0, 2.0, 10.0]


def test_two_runs_side_by_side(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By pyperf: what changed by more than the rounds spread, and which way is better; the rest is no change."""
    a = _figures({}, peers=True).write(tmp_path / "a")
    b = _figures({"batch.time": 0.5, "batch.cpu": 2.0, "calls.time": 1.05}).write(tmp_path / "b")
    assert main(["compare", str(a), str(b)]) == 0
    shown = capfd.readouterr().out
    lines = {line.split("|")[1].strip(): line for line in shown.splitlines() if line.startswith("| ")}
    assert "2.00x faster" in lines["batch.time"]
    assert "2.00x slower" in lines["batch.cpu"]
    assert "calls.time" not in lines
    assert "calls.time" in shown.partition("hidden because not significant")[2]


def test_a_kept_run_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its tables, as they were, and its charts in the folder that is named."""
    kept = _figures({}, peers=True).write(tmp_path / "kept")
    assert main(["--out", str(tmp_path / "shown"), "show", str(kept)]) == 0
    shown = capsys.readouterr().out
    assert "the figure peers.stripe.own" in shown
    assert "load 0.1 at the start, 0.2 at the end" in shown


def test_counts_of_instructions_stand_beside_those_of_a_kept_run(tmp_path: Path) -> None:
    """Each with how many times the hand-written code it is, and how it changed."""
    kept = instructions.write({"ph.sdk": 400, "ph.hand": 100}, tmp_path / "kept")
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


@pytest.mark.process
@pytest.mark.parametrize("part", instructions.PARTS)
def test_what_is_counted_runs(part: str, tmp_path: Path) -> None:
    """Without valgrind: each part makes its calls, and they succeed."""
    key = tmp_path / "key.pem"
    key.write_text(generate_private_key(), "utf-8")
    with serving(uvloop=False) as url:
        instructions.run_part(part, 20, url, key)


def test_without_pyperf_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One plain line says so; what needs it not is not refused."""
    _without(monkeypatch, "pyperf")
    assert [main(arguments) for arguments in (["--quick"], ["show", "a.json"], ["compare", "a.json", "b.json"])] == [
        2
    ] * 3
    assert capsys.readouterr() == ("", "pyperf is not installed: pip install -e '.[bench]'\n" * 3)


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
    with serving(uvloop=False) as url:
        bench = Bench(url=url, pem=generate_private_key())
        assert await time_each(peer.sdk, bench, 2) > 0
        assert await time_each(peer.bare, bench, 2) > 0


def test_charts_are_small_or_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if charts.missing() is None:
        drawn = charts.draw(_figures({}, peers=True), tmp_path)
        names = ["throughput", "lag", "peers"]
        assert [path.name for path in drawn] == [f"performance-{name}.png" for name in names]
        assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size < 100_000 for path in drawn)
    _without(monkeypatch, "matplotlib")
    advice = charts.missing()
    assert advice is not None
    assert "pip install matplotlib" in advice


async def test_lag_is_what_a_blocked_loop_makes_others_wait() -> None:
    """Every tick that was missed counts, with the wait it had."""
    lag = Lag()
    time.sleep(0.1)
    lag.stop()
    assert len(lag.ticks) >= 19
    assert max(lag.ticks) >= 0.09
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


@pytest.mark.process
async def test_two_workers_share_a_tiny_ledger_and_leave_no_schema(own_postgres: OwnPostgres) -> None:
    from benchmarks.ledger import share

    found = await share(own_postgres.url(), 2, 20)
    assert found.workers == 2
    assert 0 < found.rate <= 100
    assert own_postgres.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'benchmark%'") == [(0,)]
