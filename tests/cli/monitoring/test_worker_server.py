"""A worker is watched over real HTTP while it pays: it is alive, it is ready, and its metrics are what happened."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.batch import WriteOrders
from support.killing import start
from support.own_postgres import OwnPostgres
from support.sandbox import ask
from support.waiting import wait_for
from typer.testing import CliRunner

from paycools_async import ConfigurationError
from paycools_async.cli.app import app
from paycools_async.cli.monitoring.listening import address_of
from paycools_async.cli.monitoring.server import WorkerServer
from paycools_async.metrics import PrometheusMetrics

LEASE = ("--timeout", "10", "--lease-margin", "5")
ROWS = 40


class Watched:
    """A worker, and what it serves."""

    def __init__(self, env: dict[str, str], dsn: str, *more: str) -> None:
        arguments = (
            "--concurrency",
            "8",
            "--shards",
            "2",
            "--absent-after",
            "1",
            "--wait",
            "3",
            "--log-format",
            "json",
        )
        listen = ("--listen", "127.0.0.1:0", *more)
        self.process = start(env, "worker", "--ledger", dsn, *LEASE, *arguments, *listen)
        assert self.process.stdout is not None
        self.lines: list[dict[str, Any]] = [json.loads(self.process.stdout.readline())]
        self.url = self.lines[0]["text"].split()[2].rstrip(":")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> tuple[int, dict[str, Any]]:
        status, body = self.get("/readyz")
        found: dict[str, Any] = json.loads(body)
        return status, found

    def metrics(self) -> dict[tuple[str, ...], float]:
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.get("/metrics")[1])
            for sample in family.samples
        }

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        told, _ = self.process.communicate(timeout=60)
        self.lines += [json.loads(line) for line in told.splitlines()]
        return self.process.returncode


@pytest.fixture
def released(dsn: str, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders) -> dict[str, str]:
    """Payouts that wait for a worker; the environment that leads to them."""
    _, env = sandbox
    run = start(env, "run", str(write_orders(ROWS)), "--ledger", dsn, "--yes", "--detach", *LEASE)
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 3, told
    return env


@pytest.fixture
def workers() -> Iterator[list[Watched]]:
    found: list[Watched] = []
    yield found
    for each in found:
        each.process.kill()
        each.process.communicate()


def test_a_worker_is_scraped_while_it_pays(
    dsn: str, released: dict[str, str], sandbox: tuple[str, dict[str, str]], workers: list[Watched]
) -> None:
    ask(f"{sandbox[0]}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 3.0}])
    worker = Watched(released, dsn)
    workers.append(worker)
    assert worker.get("/healthz") == (200, "alive\n")
    wait_for(lambda: worker.ready()[0] == 200)
    assert worker.ready()[1] == {"ready": True, "database": True, "leases": True, "stopping": False, "paused": None}

    wait_for(lambda: worker.metrics()["paycools_calls_in_flight",] > 0)
    ask(f"{sandbox[0]}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 0.2}])
    wait_for(lambda: worker.metrics().get(("paycools_payouts", "ledger", "settled")) == ROWS, 60, 0.3)
    found = worker.metrics()
    assert found["paycools_calls_total", "", "ph.payout.create", "accepted"] == ROWS
    assert found["paycools_call_duration_seconds_count", "ph.payout.create", "accepted"] == ROWS
    assert found["paycools_call_duration_seconds_sum", "ph.payout.create", "accepted"] >= 0.2 * ROWS
    assert found["paycools_payouts_backlog", "ledger"] == 0
    assert found["paycools_store_up", "ledger"] == 1
    assert sum(value for (name, *_), value in found.items() if name == "paycools_paused_batches") == 0

    dashboard = (Path(__file__).parents[3] / "docs" / "dashboards" / "paycools.json").read_text("utf-8")
    names = {name.removesuffix("_bucket").removesuffix("_total") for name in re.findall(r"paycools_[a-z_]+", dashboard)}
    told = {name.removesuffix("_total") for name in re.findall(r"# TYPE (\w+)", worker.get("/metrics")[1])}
    assert names <= told

    assert worker.get("/payouts")[0] == 404
    assert worker.end() == 0
    calls = [line for line in worker.lines if line.get("event") == "call" and line["operation"] == "ph.payout.create"]
    assert sorted(line["order_id"] for line in calls) == [f"PAY{n:09}" for n in range(1, ROWS + 1)]
    assert {line["outcome"] for line in calls} == {"accepted"}
    assert worker.lines[-1]["text"].startswith("stopped; what is not final stays")


def test_a_pause_is_told_with_its_reason_and_the_worker_stays_ready(
    dsn: str, released: dict[str, str], workers: list[Watched], tmp_path: Any, other_key_pem: str
) -> None:
    key = tmp_path / "another.pem"
    key.write_text(other_key_pem)
    worker = Watched({**released, "PAYCOOLS_PH_PRIVATE_KEY": str(key)}, dsn)
    workers.append(worker)
    wait_for(lambda: worker.ready()[1]["paused"] is not None)
    assert worker.ready() == (
        200,
        {"ready": True, "database": True, "leases": True, "stopping": False, "paused": "credentials"},
    )
    wait_for(lambda: worker.metrics().get(("paycools_paused_batches", "ledger", "credentials")) == 1, every=0.5)


@pytest.mark.postgres
def test_without_its_database_a_worker_is_alive_and_not_ready(
    own_postgres: OwnPostgres, sandbox: tuple[str, dict[str, str]], workers: list[Watched]
) -> None:
    worker = Watched(sandbox[1], own_postgres.url())
    workers.append(worker)
    wait_for(lambda: worker.ready()[0] == 200)
    own_postgres.stop()
    wait_for(lambda: worker.ready()[0] == 503)
    assert worker.ready()[1]["database"] is False
    assert worker.get("/healthz") == (200, "alive\n")
    own_postgres.start()
    wait_for(lambda: worker.ready()[0] == 200)


@pytest.mark.parametrize("listen", ["9100", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:9100", ""])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="--listen"):
        address_of(listen)


def test_addresses() -> None:
    assert address_of("127.0.0.1:9100") == ("127.0.0.1", 9100)
    assert address_of(":9100") == ("", 9100)
    assert address_of("[::1]:0") == ("::1", 0)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, key_pem: str) -> None:
    known = {"BASE_URL": "http://127.0.0.1:9", "APP_ID": "APP1", "APP_NAME": "Sari Sari", "PRIVATE_KEY": key_pem}
    for name, value in known.items():
        monkeypatch.setenv(f"PAYCOOLS_PH_{name}", value)


@pytest.mark.usefixtures("settings")
def test_an_address_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["worker", "--ledger", "postgresql://127.0.0.1:1/x", "--listen", f"127.0.0.1:{port}"]
        result = CliRunner().invoke(app, ["payouts", *arguments])
    assert (result.exit_code, result.output) == (4, f"error: --listen 127.0.0.1:{port}: Address already in use\n")


@pytest.mark.usefixtures("settings")
def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("paycools_async.metrics")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    arguments = ["worker", "--ledger", "postgresql://127.0.0.1:1/x", "--listen", "127.0.0.1:0"]
    result = CliRunner().invoke(app, ["payouts", *arguments])
    told = 'error: --listen needs the extra: pip install "paycools-async[metrics]"\n'
    assert (result.exit_code, result.output) == (2, told)


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", b"GET /\xff HTTP/9\r\n\r\n", b"\x16\x03"]
)
async def test_what_is_no_http_is_one_line_in_the_log_at_most(caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    async def no_ledger() -> Any:
        raise ConfigurationError("there is none")

    async with WorkerServer(PrometheusMetrics(), no_ledger).serving("127.0.0.1", 0) as url:
        host, port = url.removeprefix("http://").split(":")
        for request in (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b""):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(request + sent)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 60)
            writer.close()
    for record in caplog.records:
        assert record.exc_info is None
        assert "\n" not in record.getMessage()
    assert len(caplog.records) <= 2
