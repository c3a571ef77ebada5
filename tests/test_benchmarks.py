"""The benchmarks run, and their results have the shape that docs/performance.md describes. No figure is judged."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytest.importorskip("benchmarks", reason="the benchmarks stand beside the tests in the repository only")
pytest.importorskip("cryptography")

from benchmarks import report
from benchmarks.measure import Budget, percentile
from benchmarks.soak import soak_once
from benchmarks.suite import Plan, run_suite
from paycools_async.batch import Options

TINY = Plan(
    rounds=1, budget=Budget(payouts=20), batch_rows=20, overhead_calls=20, sizes=(20,), concurrency=10, uvloop=False
)

CASES = {
    "sdk_cryptography",
    "sdk_pycryptodome",
    "hand_cryptography",
    "hand_pycryptodome",
    "floor_cryptography",
    "floor_pycryptodome",
    "calls",
    "batch",
}


async def test_one_tiny_run_measures_every_case_and_writes_it_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every figure, ratio and growth run is in the JSON file and in the table; without matplotlib there is no chart."""
    found = report.as_json(await run_suite(TINY, lambda _text: None), TINY)
    spec_of = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else spec_of(name))
    path, chart = report.write(found, tmp_path / "results")

    assert chart is None
    assert "matplotlib is not installed" in capsys.readouterr().err
    assert path.parent == tmp_path / "results"
    written = json.loads(path.read_text("utf-8"))
    assert set(written) == {
        "taken",
        "machine",
        "versions",
        "uvloop",
        "plan",
        "figures",
        "batch_to_calls",
        "growth",
    }
    assert written["uvloop"] is False
    figures = {figure["id"]: figure for figure in written["figures"]}
    assert set(figures) == {*CASES, "overhead", "idle"}
    for name in CASES:
        assert figures[name]["unit"] == "payouts/s"
        assert figures[name]["value"] > 0
        assert figures[name]["cpu_ms"] > 0
        assert figures[name]["lag_p99_ms"] >= 0
        assert figures[name]["to_hand_cryptography"] > 0
    assert figures["hand_pycryptodome"]["to_hand_pycryptodome"] == 1
    assert figures["overhead"]["to_hand_pycryptodome"] is None
    assert [size["rows"] for size in written["growth"]] == [20]
    assert written["growth"][0]["peak_mib"] >= written["growth"][0]["start_mib"] > 0
    shown = report.table(written)
    assert all(figure["what"] in shown for figure in figures.values())


async def test_a_tiny_soak_agrees_with_the_sandbox_row_by_row() -> None:
    """Payouts that were dropped, refused or doubted end settled, once each."""
    options = Options(concurrency=10, absent_after=0.05, first_look=0.02)
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
