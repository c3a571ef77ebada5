"""Where the money goes is said in words that cannot mislead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders
from typer.testing import CliRunner

from paycools_async import GlobalCredentials, PayCoolsGlobal, PayCoolsPH, PHCredentials
from paycools_async.cli.app import app
from paycools_async.cli.destination import Destination, destination_lines
from paycools_async.signing import PrivateKey

LOCAL = "(an address on this machine, not PayCools itself, as far as this program can know)"
"""A tunnel or a proxy may be there: nothing is said of whether money moves."""


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        ("127.0.0.1:8650", "SANDBOX"),
        ("localhost", "SANDBOX"),
        ("[::1]:80", "SANDBOX"),
        ("api-uat.paycools.com", "UAT"),
        ("API-UAT.paycools.com:443", "UAT"),
        ("globalapi-dev.paycools.com:8902", "UAT"),
        ("openapi.paycools.com", "PRODUCTION"),
        ("api.paycools.com.ph", "PRODUCTION"),
        ("api-uat.paycools.com.example.org", "PRODUCTION"),
        ("localhost.example.org", "PRODUCTION"),
        ("", "PRODUCTION"),
    ],
)
def test_what_is_not_known_to_be_a_test_system_is_production(host: str, environment: str) -> None:
    found = Destination(host=host, merchant="APP", api="PH API", country="PH")
    assert found.environment == environment


async def test_a_client_says_host_merchant_api_and_country(key: PrivateKey) -> None:
    ph = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    async with PayCoolsPH(ph, base_url="https://api.paycools.com.ph") as client:
        found = Destination.of(client, None).details("l.db")
    assert found == {
        "environment": "PRODUCTION",
        "host": "api.paycools.com.ph",
        "merchant": "APP1",
        "api": "PH API",
        "country": "PH",
        "ledger": "l.db",
    }
    async with PayCoolsGlobal(GlobalCredentials(app_id="APP2", private_key=key)) as other:
        there = Destination.of(other, "ID")
    assert (there.environment, there.host, there.merchant, there.api, there.country) == (
        *("UAT", "globalapi-dev.paycools.com:8902", "APP2", "Global API", "ID"),
    )


def test_a_ledger_that_notes_no_destination_claims_none() -> None:
    told = "No run has said yet where the money of this ledger goes; it is shown before anything is sent."
    assert destination_lines({}) == [told]
    assert destination_lines({"ledger": "l.db"}) == [told, "Ledger: l.db"]


def test_balance_says_whose_and_where(sandbox: tuple[str, dict[str, str]]) -> None:
    base_url, env = sandbox
    found: Any = CliRunner().invoke(app, ["balance"], env=env)
    assert found.exit_code == 0
    assert found.output.splitlines() == [
        f"SANDBOX at {base_url.removeprefix('http://')} {LOCAL}",
        "Merchant: f90addc4861540ef9312e87d8f360e08, PH API, PH",
        "PHP 100,000,000,000.00",
    ]


@pytest.mark.parametrize("embedded", [True, False])
def test_only_the_embedded_sandbox_claims_that_nobody_was_paid(
    tmp_path: Path, write_orders: WriteOrders, sandbox: tuple[str, dict[str, str]], embedded: bool
) -> None:
    """Whatever else answers on this machine may pass it on to PayCools."""
    _, env = sandbox
    arguments = ["--ledger", str(tmp_path / "l.db"), "--yes", "--report", str(tmp_path / "out")]
    arguments += ["--sandbox"] if embedded else []
    done: Any = CliRunner().invoke(app, ["payouts", "run", str(write_orders(1)), *arguments], env=env)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "report.html").read_text()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    environment = summary["destination"]["environment"]
    assert environment == ("SANDBOX" if embedded else f"SANDBOX {LOCAL}")
    assert ("nobody was paid" in page) is embedded
    assert environment in page
    status: Any = CliRunner().invoke(app, ["payouts", "status", "--ledger", str(tmp_path / "l.db")], env=env)
    for told in (done.output, status.output):
        assert (LOCAL in told) is not embedded
        assert "SANDBOX at " in told
