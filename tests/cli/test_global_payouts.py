"""The command line and the runner pay through the Global API, country by country."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.batch import release_all
from typer.testing import CliRunner

from paycools_async import PayCoolsGlobal, UnverifiedEndpointWarning
from paycools_async.batch import GlobalPayouts, Options, Order, Runner, SQLiteLedger, State, read_orders
from paycools_async.batch.ledger.payload import body_of
from paycools_async.cli.app import app
from paycools_async.testing import FakePayCools, ManualClock, Sandbox

Write = Callable[..., Path]

COLUMNS: dict[str, dict[str, str]] = {
    "PH": {"amount": "500.10", "account_no": "1234567890", "account_name": "Juan Cruz", "pay_method_code": "BANK"},
    "ID": {
        "amount": "20000",
        "account_no": "1234567890",
        "account_name": "Budi Santoso",
        "mobile": "+6281234567890",
        "pay_method_code": "BANK",
    },
    "MY": {
        "amount": "50.05",
        "account_no": "0112345678",
        "account_name": "Ahmad Ali",
        "account_type": "MOBILE_NUMBER",
        "pay_method_code": "BANK",
    },
    "TH": {
        "amount": "100.25",
        "account_no": "1234567890",
        "account_name": "Somchai Jai",
        "account_type": "INDIVIDUAL",
        "account_tax_id": "1101700230705",
        "mobile": "0812345678",
        "pay_method_code": "BANK",
    },
}
CODES = {"PH": "BPI", "ID": "CIMB", "MY": "RHBB", "TH": "SCB"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(country: str, count: int, **changes: str) -> Path:
        columns = {"mch_order_id": "", **COLUMNS[country], "transfer_code": CODES[country], **changes}
        path = tmp_path / f"{country}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            for number in range(count):
                writer.writerow({**columns, "mch_order_id": f"{country}{number:09}"})
        return path

    return to_file


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.process
@pytest.mark.parametrize(
    ("country", "total"), [("PH", "PHP 1,500.30"), ("ID", "IDR 60,000"), ("MY", "MYR 150.15"), ("TH", "THB 300.75")]
)
@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
def test_a_file_is_paid_in_every_country(write: Write, tmp_path: Path, country: str, total: str) -> None:
    ledger = tmp_path / "l.db"
    pay = ("payouts", "run", write(country, 3), "--api", "global", "--country", country)
    paid = run(*pay, "--sandbox", "--yes", "--ledger", ledger, "--report", tmp_path / "out")
    assert paid.exit_code == 0, paid.output
    assert f"To send: 3 payouts, {total}" in paid.output
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["currency"] == total[:3]
    again = run(*pay, "--sandbox", "--yes", "--ledger", ledger)
    assert "nothing was sent" in again.output
    assert run("payouts", "resume", "--sandbox", "--ledger", ledger).exit_code == 0, "the ledger knows its API"
    other = run("payouts", "resume", "--sandbox", "--ledger", ledger, "--api", "ph")
    assert (other.exit_code, "belongs to" in other.stderr) == (2, True)
    assert total in run("payouts", "status", "--ledger", ledger).output


@pytest.mark.parametrize(
    ("country", "changes", "told"),
    [
        ("ID", {"amount": "20000.50"}, "amount: '20000.50': decimals, which IDR does not have"),
        ("ID", {"amount": "9999"}, "amount: is IDR 9,999, must be at least IDR 10,000"),
        ("ID", {"mobile": "0912"}, "mobile: "),
        ("TH", {"pay_method_code": "CASH"}, "pay_method_code: must be one of BANK, PROMPTPAY, EWALLET"),
        ("TH", {"amount": "100.255"}, "amount: '100.255': more than 2 decimals, which THB does not have"),
        ("MY", {"transfer_code": ""}, "transfer_code: is empty"),
    ],
)
def test_each_countrys_rules_are_checked(write: Write, country: str, changes: dict[str, str], told: str) -> None:
    checked = run("payouts", "check", write(country, 1, **changes), "--api", "global", "--country", country)
    assert checked.exit_code == 2
    assert f"line 2, {told}" in checked.stderr


def test_the_api_and_the_country_go_together(write: Write) -> None:
    orders = write("ID", 1)
    assert "needs --country" in run("payouts", "check", orders, "--api", "global").stderr
    assert "goes with --api global" in run("payouts", "check", orders, "--country", "ID").stderr
    assert "ph or global" in run("payouts", "check", orders, "--api", "moon").stderr


@pytest.mark.process
async def test_indonesian_payouts_through_a_faulty_sandbox_are_paid_once_each(
    write: Write, tmp_path: Path, key_pem: str
) -> None:
    fake = FakePayCools(private_key=key_pem)
    fake.global_merchant.enforce_unique = False
    fake.global_payouts.settle_after = 0.2
    create = "global.id.payout.create"
    fake.faults.drop_after(rate=0.05, only=create)
    fake.faults.drop_before(rate=0.05, only=create)
    fake.faults.http_status(502, rate=0.05, only=create)
    fake.faults.busy(21020, rate=0.02, only=create)
    fake.faults.busy(21011, next=30, only=create)
    async with (
        Sandbox(fake) as sandbox,
        PayCoolsGlobal(fake.global_credentials, base_url=sandbox.base_url, timeout=1.0) as client,
    ):
        api = GlobalPayouts(client, "ID")
        ledger = await SQLiteLedger.open(tmp_path / "l.db", api.identity)
        orders = read_orders(write("ID", 120), api.request_class, api.currency)
        assert (await ledger.intake(orders, api.text_of)).new == 120
        await release_all(ledger)
        options = Options(concurrency=50, absent_after=1.0, first_inquiry_after=0.2, max_resends=5)
        with pytest.warns(UnverifiedEndpointWarning):
            summary = await Runner(api, ledger, options).run()
        await ledger.aclose()
    assert (summary.rows(State.SETTLED), summary.amount(State.SETTLED)) == (120, 2_400_000)
    assert (summary.resent >= 30, summary.exit_code) == (True, 3), "what was sent again is for a person to look at"
    assert fake.global_payouts.paid_more_than_once() == []
    assert len(fake.global_payouts.paid) == 120
    assert set(fake.faults.struck) == {"drop_after", "drop_before", "http_status", "busy"}


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
@pytest.mark.parametrize("country", ["PH", "ID", "MY", "TH"])
async def test_when_an_order_was_entered_is_told_in_the_countrys_own_zone(
    write: Write, key_pem: str, country: str
) -> None:
    clock = ManualClock()
    fake = FakePayCools(private_key=key_pem, clock=clock)
    async with PayCoolsGlobal(fake.global_credentials, transport=fake.transport(), clock=clock) as client:
        api = GlobalPayouts(client, country)
        [order] = read_orders(write(country, 1), api.request_class, api.currency)
        assert isinstance(order, Order)
        _, send = api.prepare(body_of(order.request))
        await send(not_after=clock.monotonic() + 10)
        entered = clock.time()
        found = await api.inquire(order.request.mch_order_id)
    assert found is not None
    assert found.created is not None
    assert abs(found.created.timestamp() - entered) < 2


@pytest.mark.parametrize("before", [("--dry-run",), ()])
def test_an_inferred_path_that_money_goes_by_is_told_before_the_yes(
    write: Write, tmp_path: Path, before: tuple[str, ...]
) -> None:
    """Nobody can be asked here: it ends at the question."""
    pay = ("payouts", "run", write("MY", 1), "--api", "global", "--country", "MY", "--sandbox", *before)
    with pytest.warns(UnverifiedEndpointWarning, match=r"global\.my\.payout\.create: the path .* is inferred") as told:
        done = run(*pay, "--ledger", tmp_path / "l.db")
    assert "nothing was sent" in done.output
    assert len([each for each in told if "payout.create" in str(each.message)]) == 1
