"""What a type checker knows: the type of each result, and the mistakes of each call."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a type checker reads the whole package

GOOD = """\
from typing import assert_type

from paycools_async import Balance, CreatePayout, Exchange, PayCoolsGlobal, PayCoolsPH, PayoutReceipt, PayoutStatus
from paycools_async.global_api import (
    CountryBalance,
    GetCountryBalance,
    GlobalPayoutStatus,
    GlobalRefundRecord,
    QueryIndonesianPayout,
    UnifiedPaymentReceipt,
)


async def use(paycools: PayCoolsPH) -> None:
    receipt = await paycools.payouts.create(
        mch_order_id="A1",
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    )
    assert_type(receipt, PayoutReceipt)
    assert_type(receipt.transaction_id, str)
    assert_type(await paycools.payouts.query(mch_order_id="A1"), PayoutStatus)
    assert_type(await paycools.account.balance(), Balance)


async def send(paycools: PayCoolsPH, request: CreatePayout) -> None:
    assert_type(await paycools.send(request), PayoutReceipt)
    assert_type(await paycools.exchange(request), Exchange[PayoutReceipt])
    assert_type(request.amount, int)


async def countries(paycools: PayCoolsGlobal) -> None:
    assert_type(await paycools.account.balance(country_code="PH"), CountryBalance)
    assert_type(await paycools.send(GetCountryBalance(country_code="PH")), CountryBalance)
    assert_type(await paycools.indonesia.payouts.query(mch_order_id="A1"), GlobalPayoutStatus)
    assert_type(await paycools.send(QueryIndonesianPayout(mch_order_id="A1")), GlobalPayoutStatus)
    assert_type(await paycools.refunds.payments(original_transaction_id="C1"), list[GlobalRefundRecord])
    assert_type(
        await paycools.unified.payments.create(
            mch_order_id="A1",
            amount=100,
            country_code="TH",
            channel_type="DIRECT_DEBIT",
            channel_code="X",
            pay_token="T",
            notify_url="https://shop.example",
        ),
        UnifiedPaymentReceipt,
    )
"""

BAD = """\
from paycools_async import GetBalance, PayCoolsGlobal, PayCoolsPH
from paycools_async.global_api import GetCountryBalance


async def use(paycools: PayCoolsPH) -> None:
    await paycools.payouts.query(mchOrderId="A1")  # wrong name
    await paycools.payouts.query(mch_order_id=1)  # wrong type
    await paycools.payouts.query()  # missing
    await paycools.payouts.query("A1")  # by position
    (await paycools.send(GetBalance())).transaction_id  # no such field
    await paycools.send("GetBalance")  # no request
    GetBalance().appId  # no such field
    for request in [GetBalance()]:
        request.__endpoint__.id = ""  # frozen


async def mixed(paycools: PayCoolsPH, countries: PayCoolsGlobal) -> None:
    await paycools.send(GetCountryBalance(country_code="PH"))  # the other API
    await countries.send(GetBalance())  # the other API
    await countries.unified.payouts.query(mch_order_id="A1")  # no country
"""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typing")
    (folder / "good.py").write_text(GOOD, "utf-8")
    (folder / "bad.py").write_text(BAD, "utf-8")
    return folder


def wrong_lines() -> list[int]:
    return [number for number, line in enumerate(BAD.splitlines(), 1) if "  # " in line]


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_knows_every_result_and_finds_every_mistake(cases: Path) -> None:
    (cases / "mypy.ini").write_text("[mypy]\nstrict = true\n", "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", "cache", "good.py", "bad.py"],
        cwd=cases,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = re.findall(r"^(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", run.stdout, re.MULTILINE)
    assert [(file, int(line)) for file, line, _ in found] == [("bad.py", line) for line in wrong_lines()], run.stdout
    assert [code for *_, code in found] == [
        "call-arg",
        "arg-type",
        "call-arg",
        "call-arg",
        "attr-defined",
        "arg-type",
        "attr-defined",
        "misc",
        "arg-type",
        "arg-type",
        "call-arg",
    ]


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright_agrees(cases: Path) -> None:
    settings = {"include": ["good.py", "bad.py"], "typeCheckingMode": "standard"}
    (cases / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=cases,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    try:
        found = json.loads(run.stdout)["generalDiagnostics"]
    except (ValueError, KeyError):
        pytest.skip(f"pyright cannot run here (it needs node): {(run.stderr or run.stdout).strip()[-200:]}")
    errors = [each for each in found if each["severity"] == "error"]
    places = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}
    assert places == {("bad.py", line) for line in wrong_lines()}, errors
