"""docs/observability.md works as it is written: each of its programs runs in a fresh process, against the fake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import paycools_async
from paycools_async.batch.gauges import PauseReason
from paycools_async.metrics import PrometheusMetrics

pytestmark = pytest.mark.process

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")

BEFORE = """
import asyncio, contextlib, json, socket, sys, tempfile, urllib.request
from pathlib import Path
from paycools_async import PayCoolsPH, PayCoolsError
from paycools_async.batch import Identity, SQLiteLedger
from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks, SQLiteStore
from paycools_async.testing import FakePayCools

fake = FakePayCools(balance=1_000_000)
def from_env(cls, env=None, **options):
    return cls(fake.ph_credentials, transport=fake.transport(), **options)
PayCoolsPH.from_env = classmethod(from_env)

async def pay(paycools):
    for order, amount in (("PAY1", 50010), ("PAY2", 499_000_000)):
        with contextlib.suppress(PayCoolsError):
            await paycools.payouts.create(
                mch_order_id=order, amount=amount, pay_method_code="EWALLET", ewallet_code="GCASH",
                account_no="09171234567", account_name="Juan Dela Cruz",
            )

@contextlib.asynccontextmanager
async def stores():
    with tempfile.TemporaryDirectory() as folder:
        identity = Identity(family="ph", app_id="A", host="h")
        ledger = await SQLiteLedger.open(Path(folder) / "ledger.db", identity)
        store = await SQLiteStore.open(Path(folder) / "inbox.db")
        async with CallbackInbox(CallbackRouter(PHCallbacks("secret")), store) as inbox:
            gauges, looked = inbox.gauges, asyncio.Semaphore(0)
            async def told():
                looked.release()
                return await gauges()
            inbox.gauges = told
            yield ledger, inbox, looked
        await ledger.aclose()
"""


def program(section: str, number: int = 0) -> str:
    """The Python of a section, as a reader would paste it."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    found: list[str] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return found[number]


def run(*parts: str) -> subprocess.CompletedProcess[str]:
    folder = Path(paycools_async.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join((BEFORE, *parts))], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    for hidden in ("09171234567", "Juan", "sign="):
        assert hidden not in done.stdout + done.stderr
    return done


def test_the_log_as_json_lines() -> None:
    done = run(program("The log"), "paycools = PayCoolsPH.from_env()\nasyncio.run(pay(paycools))")
    first, second = map(json.loads, done.stderr.splitlines())
    assert {name: first[name] for name in ("event", "operation", "order_id", "outcome", "http_status", "attempts")} == {
        "event": "call",
        "operation": "ph.payout.create",
        "order_id": "PAY1",
        "outcome": "accepted",
        "http_status": 200,
        "attempts": 1,
    }
    assert (second["outcome"], second["code"], second["error"]) == ("rejected", 1006, "InsufficientBalance")


def test_functions_of_ones_own() -> None:
    done = run(program("Functions of your own"), "asyncio.run(pay(paycools))")
    first, second, third = done.stdout.splitlines()
    for line in (first, second):
        assert re.match(r"ph\.payout\.create 1 200 \d+\.\d+ s", line)
    assert third == "ph.payout.create PAY2 rejected 1006 InsufficientBalance"


def test_prometheus_is_served() -> None:
    after = """
import aiohttp
async def main():
    await pay(paycools)
    async with stores() as (ledger, inbox, looked):
        watch(ledger, inbox)
        app = web.Application()
        app.add_routes([web.get("/metrics", serve)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{port}/metrics") as answer:
            print(answer.headers["Content-Type"])
            print(await answer.text())
        await runner.cleanup()
        await metrics.aclose()

asyncio.run(main())
"""
    page = run(program("Prometheus"), after).stdout
    assert page.startswith("text/plain; version=")
    accepted = 'operation="ph.payout.create",outcome="accepted"'
    assert f"paycools_call_duration_seconds_count{{{accepted}}} 1.0" in page
    assert f'paycools_calls_total{{error="",{accepted}}} 1.0' in page
    refused = 'error="InsufficientBalance",operation="ph.payout.create",outcome="rejected"'
    assert f"paycools_calls_total{{{refused}}} 1.0" in page
    for line in (
        "paycools_calls_in_flight 0.0",
        'paycools_payouts{name="salaries",state="settled"} 0.0',
        'paycools_callbacks_backlog{name="salaries"} 0.0',
        'paycools_payouts_oldest_seconds{name="salaries"} 0.0',
        'paycools_store_up{name="salaries"} 1.0',
    ):
        assert line in page


def test_every_metric_is_on_the_page_and_nothing_else() -> None:
    told = set(re.findall(r"`(paycools_\w+)`", PAGE.split("| name | |")[1].split("`reason` is one of")[0]))
    kinds = {"counter": "_total"}
    assert told == {family.name + kinds.get(family.type, "") for family in PrometheusMetrics().registry.collect()}
    reasons = PAGE.split("`reason` is one of")[1].split(";")[0]
    assert re.findall(r"`(\w+)`", reasons) == [reason.value for reason in PauseReason]


def test_opentelemetry_with_the_global_providers() -> None:
    before = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider([reader]))
"""
    after = """
async def main():
    await pay(paycools)
    async with stores() as (ledger, inbox, looked):
        task = watch(ledger, inbox)
        await looked.acquire()
        await looked.acquire()  # the first look is written down
        task.cancel()

asyncio.run(main())
data = reader.get_metrics_data()
names = [metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
spans = [[span.name, span.status.status_code.name] for span in exporter.get_finished_spans()]
print(json.dumps([spans, sorted(set(names))]))
"""
    done = run(before, program("OpenTelemetry"), program("OpenTelemetry", 1).replace("15.0", "0.001"), after)
    spans, names = json.loads(done.stdout)
    assert spans == [
        ["POST /api/v1/payout", "UNSET"],
        ["ph.payout.create", "UNSET"],
        ["POST /api/v1/payout", "ERROR"],
        ["ph.payout.create", "ERROR"],
    ]
    told = set(re.findall(r"`((?:paycools|http)\.[\w.]+)`", PAGE.split("| metric |")[1].split("In metrics")[0]))
    attributes = {"paycools.operation", "paycools.outcome", "paycools.name", "paycools.state"}
    attributes |= {"http.request.method", "http.response.status_code"}
    assert set(names) == told - attributes - {"paycools.pauses", "paycools.paused"}


def test_every_event_and_attribute_of_the_log_is_on_the_page() -> None:
    source = (Path(paycools_async.__file__).parent / "engine" / "telling.py").read_text("utf-8")
    for event in re.findall(r'"event": "(\w+)"', source):
        assert f"| `{event}` |" in PAGE
