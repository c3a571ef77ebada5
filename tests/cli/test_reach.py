"""Where nobody is reached, or something else answers: said at once, and at the end, with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.batch import WriteOrders
from support.served import answering, sandbox_of, served
from typer.testing import CliRunner

from paycools_async import Outcome, TransportError
from paycools_async.cli.app import app
from paycools_async.cli.payouts.run.reach import Reach
from paycools_async.errors import NetworkCause
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_pem: str) -> Run:
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def invoke(url: str, *arguments: object) -> Any:
        env = {
            "PAYCOOLS_PH_APP_ID": "f90addc4861540ef9312e87d8f360e08",
            "PAYCOOLS_PH_APP_NAME": "Sandbox Merchant",
            "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
            "PAYCOOLS_PH_BASE_URL": url,
            "PAYCOOLS_GLOBAL_APP_ID": "733b887a4a784708bb369524db5b6ded",
            "PAYCOOLS_GLOBAL_PRIVATE_KEY": key_pem,
            "PAYCOOLS_GLOBAL_BASE_URL": url,
        }
        return CliRunner().invoke(app, [str(each) for each in arguments], env=env)

    return invoke


# -- nobody answers ---------------------------------------------------------------------------------------------------


def not_sent(reason: Any) -> TransportError:
    return TransportError("no", outcome=Outcome.NOT_SENT, cause=NetworkCause("SomeError", reason))


def test_it_is_said_once_and_again_when_it_is_over() -> None:
    reach = Reach()
    said = [reach.failed(not_sent("refused")) for _ in range(9)]
    [line] = [each for each in said if each is not None]
    assert line == (
        "PayCools cannot be reached: the connection is refused. It is tried again; "
        "`paycools doctor` looks for the fault"
    )
    assert said.index(line) == 2, "one connection that cannot be made says little"
    assert "the connection is refused" in str(reach.last_words())
    assert reach.answered() == "PayCools is reached again"
    assert (reach.answered(), reach.last_words()) == (None, None)


def test_a_call_that_may_have_arrived_says_nothing_of_the_way() -> None:
    reach = Reach()
    for _ in range(9):
        assert reach.failed(TransportError("cut", outcome=Outcome.UNKNOWN)) is None
    assert reach.last_words() is None


@pytest.mark.process
def test_a_run_says_it_at_once_and_at_the_end(run: Run, write_orders: WriteOrders) -> None:
    result = run("http://127.0.0.1:9", "payouts", "run", write_orders(2), "--yes", "--ledger", "l.db", "--wait", "1")
    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    [first] = [line for line in lines if line.startswith("warning: PayCools cannot be reached: ")]
    [last] = [line for line in lines if line.startswith("PayCools was not reached at the end: ")]
    assert lines.index(first) < lines.index(last)
    assert "the connection is refused" in first
    assert "the connection is refused" in last


# -- something else answers -------------------------------------------------------------------------------------------


def test_a_firewall_s_page_stops_the_run_before_the_first_payout(run: Run, write_orders: WriteOrders) -> None:
    def blocked() -> web.Response:
        return web.Response(status=403, text="<html>Blocked</html>", content_type="text/html")

    orders = write_orders(2)
    with served(answering(blocked)) as url:
        result = run(url, "payouts", "run", orders, "--yes", "--ledger", "l.db")
        assert (result.exit_code, "To send: 2 payouts" in result.stdout) == (2, True)
        [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert "answers, and not as PayCools does" in line
        assert "nothing was sent" in line
        assert "withdrawn:        2" in run(url, "payouts", "status", "--ledger", "l.db").stdout
        more = ("--ignore-balance", "--wait", "0", "--timeout", "1", "--absent-after", "1")
        result = run(url, "payouts", "run", orders, "--yes", "--ledger", "l.db", *more)
    assert (result.exit_code, "warning: the balance could not be read" in result.stderr) == (3, True)


# -- which API --------------------------------------------------------------------------------------------------------


def test_a_ledger_is_gone_on_with_through_the_api_that_it_was_paid_through(run: Run, key: PrivateKey) -> None:
    fake = FakePayCools(private_key=key, global_private_key=key)
    _ = fake.ph_credentials, fake.global_credentials
    with served(sandbox_of(fake)) as url:
        assert run(url, "payouts", "template", "f.csv", "--api", "global", "--country", "id").exit_code == 0
        offer = run(url, "payouts", "run", "f.csv", "--ledger", "l.db", "--api", "global", "--country", "id", "--offer")
        assert offer.exit_code == 3, offer.output
        released = run(url, "payouts", "release", "--batch", "1", "--ledger", "l.db", "--yes")
        assert released.exit_code == 0, released.output
        assert "Global API, ID" in released.stdout
        resumed = run(url, "payouts", "resume", "--ledger", "l.db", "--yes")
        assert (resumed.exit_code, "nothing was sent" in resumed.stdout) == (0, True), resumed.output
        held = run(url, "payouts", "reconcile", "--ledger", "l.db", "--date", "2026-01-01")
        assert "Global API, ID" in held.stdout
        other = run(url, "payouts", "resume", "--ledger", "l.db", "--api", "ph")
        assert (other.exit_code, "belongs to" in other.stderr) == (2, True)
