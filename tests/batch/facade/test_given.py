"""What a caller may give: a client, paths as texts, a ledger by where it is; and the way it was called before."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders, rows

from paycools_async import ConfigurationError, PayCoolsGlobal, PayCoolsPH
from paycools_async.batch import (
    Expected,
    LedgerError,
    NotReleased,
    Options,
    PHPayouts,
    RunProgress,
    SQLiteLedger,
    State,
    check_file,
    pay_file,
)
from paycools_async.batch.run import meter
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

QUICK = Options(first_inquiry_after=0.0)
THREE = Expected(payouts=3, amount=3 * 50_010)
ID_FILE = """mch_order_id,amount,account_no,account_name,mobile,pay_method_code,transfer_code
PAYID0001,20000,1234567890,Budi Santoso,+6281234567890,BANK,CIMB
"""


@pytest.fixture
def fake(key: PrivateKey) -> FakePayCools:
    """On the real clock, as a ledger is that is opened by where it is."""
    fake = FakePayCools(private_key=key)
    fake.payouts.settle_after = 0.0
    return fake


def yes(proposal: Any) -> bool:
    return True


async def test_a_client_and_two_texts_are_enough(
    paycools: PayCoolsPH, fake: FakePayCools, write_orders: WriteOrders, tmp_path: Path
) -> None:
    location = str(tmp_path / "salaries.db")
    for _ in range(2):
        summary = await pay_file(paycools, str(write_orders(3)), ledger=location, approve=THREE, options=QUICK)
        assert summary.rows(State.SETTLED) == 3
    assert len(fake.payouts.paid) == 3
    ledger = await SQLiteLedger.open(Path(location), PHPayouts(paycools).identity)  # it was closed: nobody has it
    [batch] = await ledger.batches()
    assert batch.offered_by.count("@") == 1, "user@host, where no name is given"
    await ledger.aclose()


@pytest.mark.postgres
async def test_the_ledger_may_be_a_database(
    paycools: PayCoolsPH, fake: FakePayCools, write_orders: WriteOrders, dsn: str
) -> None:
    summary = await pay_file(paycools, write_orders(3), ledger=dsn, approve=THREE, options=QUICK)
    assert (summary.rows(State.SETTLED), len(fake.payouts.paid)) == (3, 3)


@pytest.mark.parametrize("location", ["mysql://host/base", "", " "])
async def test_what_is_no_ledger_is_refused_before_anything_is_made(
    paycools: PayCoolsPH, write_orders: WriteOrders, location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_orders(3)
    with pytest.raises(ConfigurationError, match=r"it takes a file,? or postgresql://\.\.\."):
        await pay_file(paycools, file, ledger=location, approve=THREE)
    assert [each.name for each in tmp_path.iterdir()] == ["orders.csv"]


async def test_a_faulty_file_leaves_no_ledger_behind(
    paycools: PayCoolsPH, write_orders: WriteOrders, tmp_path: Path
) -> None:
    lines = rows(2)
    lines[1][1] = "-1"
    for file in (write_orders(lines=lines), write_orders(0, name="empty.csv")):
        with pytest.raises(NotReleased):
            await pay_file(paycools, file, ledger=tmp_path / "new.db", approve=yes)
    assert not list(tmp_path.glob("new.db*"))


async def test_a_ledger_that_another_run_has_stays_shut(
    paycools: PayCoolsPH, write_orders: WriteOrders, tmp_path: Path
) -> None:
    ledger = await SQLiteLedger.open(tmp_path / "l.db", PHPayouts(paycools).identity)
    with pytest.raises(LedgerError, match="another run"):
        await pay_file(paycools, write_orders(3), ledger=tmp_path / "l.db", approve=THREE)
    await ledger.aclose()


async def test_the_global_api_pays_in_the_country_that_is_named(
    paycools: PayCoolsPH, fake: FakePayCools, tmp_path: Path
) -> None:
    file, ledger = tmp_path / "id.csv", tmp_path / "id.db"
    file.write_text(ID_FILE)
    checked = await check_file(file, country="ID")
    assert (checked.errors, checked.currency) == ((), "IDR")
    worldwide = PayCoolsGlobal(fake.global_credentials, transport=fake.transport())
    summary = await pay_file(worldwide, file, ledger=ledger, country="ID", approve=yes, options=QUICK)
    assert summary.rows(State.SETTLED) == 1
    for client, country, message in (
        (worldwide, None, "the Global API needs country=: one of ID, MY, PH, TH"),
        (worldwide, "RU", "no payouts for the country 'RU'; give one of ID, MY, PH, TH"),
        (paycools, "ID", "the PH API pays in the Philippines only, not in ID"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            await pay_file(client, file, ledger=ledger, country=country, approve=yes)
    await worldwide.aclose()


async def test_progress_is_told_and_a_teller_that_fails_holds_up_nothing(
    paycools: PayCoolsPH,
    fake: FakePayCools,
    write_orders: WriteOrders,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[RunProgress] = []

    async def tell(now: RunProgress) -> None:
        await asyncio.sleep(0)
        told.append(now)

    await pay_file(paycools, write_orders(3), ledger=tmp_path / "a.db", approve=yes, progress=tell, options=QUICK)
    last = told[-1]
    assert (last.done, last.total, last.seconds_left, last.counts) == (3, 3, None, {State.SETTLED: 3})

    def fails(now: RunProgress) -> None:
        raise RuntimeError("the page is gone")

    file = write_orders(lines=[["NEW1", *rows(1)[0][1:]]])
    with caplog.at_level(logging.ERROR, "paycools_async.batch"):
        summary = await pay_file(paycools, file, ledger=tmp_path / "a.db", approve=yes, progress=fails, options=QUICK)
    assert summary.rows(State.SETTLED) == 1
    assert [record.message for record in caplog.records] == [
        "the progress callback failed; it is told nothing more, and the payouts go on"
    ]


async def test_a_progress_callback_that_hangs_holds_up_nothing(
    paycools: PayCoolsPH,
    fake: FakePayCools,
    write_orders: WriteOrders,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(meter, "_LONGEST_CALL", 0.1)
    ends: list[str] = []

    async def hangs(now: RunProgress) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("ended")

    with caplog.at_level(logging.ERROR, "paycools_async.batch"):
        summary = await asyncio.wait_for(
            pay_file(paycools, write_orders(3), ledger=tmp_path / "a.db", approve=yes, progress=hangs, options=QUICK),
            60,
        )
    assert (summary.rows(State.SETTLED), ends) == (3, ["ended"])
    assert [record.message for record in caplog.records] == [
        "the progress callback takes more than 0.1 seconds; it is told nothing more, and the payouts go on"
    ]


@pytest.mark.parametrize("when", ["while it runs", "at the end"])
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_program_in_the_progress_callback_ends_it(
    fake: FakePayCools, key: PrivateKey, write_orders: WriteOrders, tmp_path: Path, kind: type[BaseException], when: str
) -> None:
    fake.payouts.settle_after = 3600.0 if when == "while it runs" else 0.0
    seen: list[BaseException] = []

    def ends(now: RunProgress) -> None:
        if len(fake.payouts.by_order) == 3:  # a busy machine may not have sent them all when it is first told
            raise kind(7)

    async def pay() -> None:
        async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
            try:
                await pay_file(
                    paycools, write_orders(3), ledger=tmp_path / "a.db", approve=yes, progress=ends, options=QUICK
                )
            except BaseException as error:
                seen.append(error)
                raise

    with pytest.raises(kind) as caught:
        asyncio.run(pay())
    assert seen == [caught.value]
    assert len(fake.payouts.by_order) == 3


async def test_the_way_it_was_called_before_works_with_a_warning(
    api: PHPayouts, ledger: SQLiteLedger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 0.0
    with pytest.warns(DeprecationWarning, match=r"pay_file\(paycools, file, ledger=..., approve=...\)"):
        await pay_file(api, ledger, write_orders(3), THREE, by="ana", options=QUICK)
    with pytest.warns(DeprecationWarning, match="approve="):
        summary = await pay_file(api=api, ledger=ledger, file=write_orders(3), yes=THREE, by="ana", options=QUICK)
    assert (summary.rows(State.SETTLED), len(fake.payouts.paid)) == (3, 3)
