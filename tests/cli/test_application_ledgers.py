"""The commands about payouts, given a ledger that an application has: its payouts are named, its refunds not shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from durable.conftest import order, refund
from typer.testing import CliRunner

from paycools_async import PayCoolsPH, PHCredentials
from paycools_async.cli.app import app
from paycools_async.durable import DurablePayouts, DurableRefunds
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


async def ledger_of(kind: Any, request: Any, place: Path, key: PrivateKey) -> None:
    """With one that was submitted; it is not sent, for PayCools is not reached."""
    credentials = PHCredentials(app_id="a" * 32, app_name="Shop", private_key=key)
    async with PayCoolsPH(credentials, base_url="http://127.0.0.1:9") as paycools, kind(paycools, place) as orders:
        await orders._opened.background.stop(1.0)
        await orders.submit(request)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["payouts", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize("command", ["status", "batches", "failures", "report", "show REFUND000001"])
def test_a_ledger_of_refunds_is_not_taken_for_one_of_payouts(tmp_path: Path, key: PrivateKey, command: str) -> None:
    place = tmp_path / "refunds.db"
    asyncio.run(ledger_of(DurableRefunds, refund(), place, key))
    result = run(*command.split(), "--ledger", place)
    assert result.exit_code == 2
    assert "is a ledger of refunds; the application that has it shows them" in result.output


def test_a_ledger_of_refunds_is_not_paid_from_and_is_backed_up(
    tmp_path: Path, key: PrivateKey, write_orders: Any, fake: FakePayCools, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "refunds.db"
    asyncio.run(ledger_of(DurableRefunds, refund(), place, key))
    result = run("run", write_orders(1), "--ledger", place, "--sandbox", "--yes")
    assert result.exit_code == 2
    assert "is a ledger of refunds, and payouts need one of their own" in result.output
    result = run("backup", tmp_path / "copy.db", "--ledger", place)
    assert (result.exit_code, (tmp_path / "copy.db").exists()) == (0, True)


def test_an_applications_payout_is_shown_as_such(tmp_path: Path, key: PrivateKey) -> None:
    place = tmp_path / "payouts.db"
    asyncio.run(ledger_of(DurablePayouts, order(), place, key))
    result = run("show", "APP000000001", "--ledger", place)
    assert result.exit_code == 0
    assert "APP000000001: planned, PHP 500.10, submitted by an application" in result.output
    assert "submitted by the application, which is the yes" in result.output
    assert "nothing: the application goes on with it as long as it runs" in result.output
    assert "line 0" not in result.output
    assert "entered from the file" not in result.output
    shown = json.loads(run("show", "APP000000001", "--ledger", place, "--json").stdout)
    assert [move["event"] for move in shown["history"]] == ["release"]
