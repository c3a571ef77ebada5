"""The Grafana dashboard of the docs names nothing but metrics and labels that are served."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from paycools_async.metrics import PrometheusMetrics

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "dashboards" / "paycools.json").read_text("utf-8")
)
EXPRESSIONS: list[str] = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
METRIC = re.compile(r"\b(paycools_\w+)(?:\{([^}]*)\})?")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def served() -> dict[str, set[str]]:
    """The labels of every series, by its name."""
    registry = PrometheusMetrics().registry
    found: dict[str, set[str]] = {}
    for collector, names in registry._collector_to_names.items():
        labels = set(getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            for suffix in SUFFIXES[family.type]:
                found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
        assert names
    return found


SERVED = served()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_what_is_served(expression: str) -> None:
    [(metric, matchers)] = METRIC.findall(expression)
    assert metric in SERVED
    matched = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers))
    grouped = {name.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for name in group.split(",")}
    assert matched | grouped <= SERVED[metric]
    assert expression.count("(") == expression.count(")")
    assert ("rate(" in expression) == metric.endswith(("_total", "_bucket")), "counters are shown as rates only"


def test_a_legend_names_a_label_that_its_expression_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(
                re.findall(r"\w+", "".join(re.findall(r"by \(([^)]*)\)", target["expr"])))
            )


def test_every_gauge_of_a_ledger_and_every_kind_of_call_is_shown() -> None:
    shown = {metric for expression in EXPRESSIONS for metric, _ in METRIC.findall(expression)}
    shown |= {name.replace("_bucket", suffix) for name in shown for suffix in ("_sum", "_count")}
    assert set(SERVED) - shown == {
        "paycools_attempts_total",
        "paycools_callbacks",
        "paycools_client_pauses_total",
        "paycools_payouts_amount",
        "paycools_payouts_backlog",
    }


def test_panels_do_not_lie_on_each_other() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
