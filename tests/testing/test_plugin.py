"""The fixtures that pytest finds where this package is installed, used as another project uses them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from paycools_async import CreatePayout, PayCoolsPH
from paycools_async.batch import Expected, State, pay_file
from paycools_async.durable import DurablePayouts
from paycools_async.testing import FakePayCools, ManualClock

ROOT = Path(__file__).parents[2]
PLUGIN = "paycools_async.pytest_plugin"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with the plugin by its module: this package may not be installed here."""
    known = ["-p", "no:paycools", "-p", PLUGIN, "-p", "no:cacheprovider", "-p", "no:xdist"]
    path = os.pathsep.join(each for each in sys.path if each)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(folder), *known, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )


def test_the_entry_point_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"paycools": PLUGIN}


@pytest.mark.process
def test_the_example_passes_as_it_stands(tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "test_salaries.py"
    (tmp_path / example.name).write_text(example.read_text("utf-8"), "utf-8")
    ran = run_pytest(tmp_path, "-W", "error::ResourceWarning", example.name)
    assert "6 passed" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


@pytest.mark.process
def test_a_mistake_of_the_program_is_found_with_them(tmp_path: Path) -> None:
    """A program that pays again under another id, instead of asking, pays twice here as it would there."""
    example = (ROOT / "docs" / "examples" / "test_salaries.py").read_text("utf-8")
    asks = "await paycools.payouts.resolve(salary)  # asks PayCools; pays nobody again"
    assert asks in example
    pays_again = 'await pay_salary(paycools, employee + "B", "09170000001", centavos)'
    (tmp_path / "test_wrong.py").write_text(example.replace(asks, pays_again), "utf-8")
    ran = run_pytest(tmp_path, "test_wrong.py")
    assert "1 failed, 5 passed" in ran.stdout
    assert "FAILED test_wrong.py::test_an_answer_that_is_lost_pays_nobody_twice" in ran.stdout


@pytest.mark.process
def test_other_tests_of_a_project_do_not_wait_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    assert 'paycools_async.pytest_plugin' in sys.modules\n"
        "    assert not {'aiohttp', 'paycools_async.client', 'paycools_async.testing'} & set(sys.modules)\n"
    )
    ran = run_pytest(tmp_path, "-p", "no:aiohttp", "-p", "no:anyio", "test_other.py")
    assert "1 passed" in ran.stdout, ran.stdout


def salary(order_id: str) -> CreatePayout:
    return CreatePayout(
        mch_order_id=order_id,
        amount=500_00,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09170000007",
        account_name="Juan Cruz",
    )


async def test_durable_payouts_are_settled_with_its_clients(
    paycools_ph: PayCoolsPH, fake_paycools: FakePayCools, tmp_path: Path
) -> None:
    async with DurablePayouts(paycools_ph, tmp_path / "payouts.db") as payouts:
        await payouts.submit(salary("SALARY1"))
        paid = await payouts.wait("SALARY1", within=20)
    assert (paid.state, paid.needs_person) == (State.SETTLED, False)
    assert [payout.order_id for payout in fake_paycools.payouts.paid] == ["SALARY1"]


async def test_a_durable_payout_that_takes_its_time_is_settled_once_the_clock_is_moved(
    paycools_ph: PayCoolsPH, fake_paycools: FakePayCools, paycools_clock: ManualClock, tmp_path: Path
) -> None:
    fake_paycools.payouts.settle_after = 3600
    async with DurablePayouts(paycools_ph, tmp_path / "payouts.db") as payouts:
        await payouts.submit(salary("SALARY1"))
        assert not (await payouts.wait("SALARY1", within=0.5)).final
        paycools_clock.advance(3600)
        assert (await payouts.wait("SALARY1", within=20)).state == State.SETTLED


async def test_a_file_is_settled_with_its_clients(
    paycools_ph: PayCoolsPH, fake_paycools: FakePayCools, tmp_path: Path
) -> None:
    file = tmp_path / "salaries.csv"
    file.write_text(
        "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name\n"
        "SALARY1,500.00,EWALLET,GCASH,09170000007,Juan Cruz\n"
        "SALARY2,500.00,EWALLET,GCASH,09170000008,Ana Cruz\n",
        "utf-8",
    )
    yes = Expected(payouts=2, amount=1000_00)
    summary = await pay_file(paycools_ph, file, ledger=tmp_path / "salaries.db", approve=yes)
    assert {state: rows for state, (rows, _) in summary.counts.items() if rows} == {State.SETTLED: 2}
    assert len(fake_paycools.payouts.paid) == 2
