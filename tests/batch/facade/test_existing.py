"""What a ledger has already, from Python: a file checked, offered, released by another, taken back, reported."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.batch import STORES, WriteOrders, rows

from paycools_async import ConfigurationError, PayCoolsPH
from paycools_async.batch import (
    Expected,
    FileError,
    Ledger,
    LedgerError,
    NotReleased,
    OfferedBatch,
    Options,
    Proposal,
    State,
    Withdrawal,
    check_file,
    offer_file,
    pay_file,
    release,
    withdraw,
    write_report,
)
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

QUICK = Options(first_inquiry_after=0.0)
THREE = Expected(payouts=3, amount=3 * 50_010)


async def test_a_check_lists_every_fault_and_needs_neither_client_nor_ledger(
    write_orders: WriteOrders, tmp_path: Path
) -> None:
    lines = [*rows(3), ["PAY9", *rows(1)[0][1:]]]
    lines[1][1], lines[2][4] = "1,000", "1E+5"
    found = await check_file(str(write_orders(lines=lines)))
    assert [(each.line, each.column) for each in found.errors] == [(3, "amount"), (4, "account_no")]
    assert (found.ok, found.payouts, found.amount, found.currency) == (False, 2, 100_020, "PHP")
    assert found.warnings == ("lines 2 and 5 have the same account, name and amount",)
    assert found.notes == ("4 rows read from 5 lines",)
    assert (await check_file(write_orders(3))).ok
    assert not (await check_file(write_orders(0))).ok
    assert [each.name for each in tmp_path.iterdir()] == ["orders.csv"]
    with pytest.raises(FileError):
        await check_file(tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="no payouts for the country 'RU'"):
        await check_file(write_orders(3), country="RU")


@STORES
async def test_one_offers_and_another_releases(
    paycools: PayCoolsPH, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 0.0
    offered = await offer_file(paycools, write_orders(3), ledger=ledger, by="ana")
    assert offered == OfferedBatch(batch=1, payouts=3, amount=150_030, known=0, warnings=())
    assert (await ledger.counts(), fake.payouts.paid) == ({State.OFFERED: (3, 150_030)}, [])
    again = await offer_file(paycools, write_orders(3), ledger=ledger, by="ana")
    assert (again.batch, again.payouts, again.known) == (None, 0, 3)

    seen: list[Proposal] = []

    def no(proposal: Proposal) -> bool:
        seen.append(proposal)
        return False

    for approve in (no, Expected(payouts=3, amount=1), Expected(payouts=2, amount=150_030)):
        with pytest.raises(NotReleased):
            await release(paycools, 1, ledger=ledger, approve=approve, by="bob")
    assert (seen[0].file, seen[0].batch, seen[0].payouts, seen[0].amount) == ("batch 1 (orders.csv)", 1, 3, 150_030)
    assert await ledger.counts() == {State.OFFERED: (3, 150_030)}, "a no to another's offer takes nothing back"
    for _ in range(2):
        summary = await release(paycools, 1, ledger=ledger, approve=THREE, by="bob", options=QUICK)
        assert summary.rows(State.SETTLED) == 3
    assert len(fake.payouts.paid) == 3
    [batch] = await ledger.batches()
    assert [(entry.event, entry.by) for entry in batch.log] == [("offer", "ana"), ("release", "bob")]


@STORES
async def test_a_release_sends_its_own_batch_and_no_other(
    paycools: PayCoolsPH, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 0.0
    await offer_file(paycools, write_orders(2), ledger=ledger)
    other = write_orders(lines=[["NEW1", *rows(1)[0][1:]]], name="other.csv")
    await offer_file(paycools, other, ledger=ledger)
    summary = await release(paycools, 2, ledger=ledger, approve=lambda proposal: True, options=QUICK)
    assert summary.counts == {State.SETTLED: (1, 50_010)}
    assert [each.order_id for each in fake.payouts.paid] == ["NEW1"]
    with pytest.raises(LedgerError, match="there is no batch 3 in this ledger"):
        await release(paycools, 3, ledger=ledger, approve=lambda proposal: True)


async def test_a_faulty_file_is_not_offered(paycools: PayCoolsPH, write_orders: WriteOrders, tmp_path: Path) -> None:
    lines = rows(2)
    lines[1][1] = "-1"
    with pytest.raises(NotReleased, match="1 faults"):
        await offer_file(paycools, write_orders(lines=lines), ledger=tmp_path / "l.db")
    assert not (tmp_path / "l.db").exists()


@STORES
async def test_what_was_never_sent_is_taken_back_and_nothing_else(
    paycools: PayCoolsPH, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 0.0
    await offer_file(paycools, write_orders(3), ledger=ledger)
    assert await withdraw(ledger, order_id="PAY000000002", by="ana") == Withdrawal(rows=1, amount=50_010)
    await release(paycools, 1, ledger=ledger, approve=Expected(payouts=2, amount=100_020), options=QUICK)
    assert await withdraw(ledger, batch=1, by="ana") == Withdrawal(rows=0, amount=0, stay=2)
    assert sorted(each.order_id for each in fake.payouts.paid) == ["PAY000000001", "PAY000000003"]
    with pytest.raises(ConfigurationError, match="say what to take back"):
        await withdraw(ledger)
    with pytest.raises(LedgerError, match="there is no batch 2 in this ledger"):
        await withdraw(ledger, batch=2)


async def test_a_report_of_a_ledger_by_its_path(key: PrivateKey, write_orders: WriteOrders, tmp_path: Path) -> None:
    fake = FakePayCools(private_key=key)  # on the real clock, as a ledger is that is opened by where it is
    fake.payouts.settle_after = 0.0
    paycools = PayCoolsPH(fake.ph_credentials, transport=fake.transport())
    location = tmp_path / "l.db"
    await pay_file(paycools, write_orders(2), ledger=location, approve=lambda proposal: True, options=QUICK)
    more = write_orders(lines=[["NEW1", *rows(1)[0][1:]]], name="more.csv")
    await offer_file(paycools, more, ledger=location)
    summary = await write_report(location, tmp_path / "all")
    assert (summary.rows(State.SETTLED), summary.rows(State.OFFERED)) == (2, 1)
    assert json.loads((tmp_path / "all" / "summary.json").read_text())["payouts"] == 3
    await write_report(location, str(tmp_path / "one"), batches=[2])
    with (tmp_path / "one" / "payouts.csv").open(newline="") as file:
        assert [row["mch_order_id"] for row in csv.DictReader(file)] == ["NEW1"]
    assert await withdraw(location, batch=2) == Withdrawal(rows=1, amount=50_010)
    with pytest.raises(LedgerError):
        await write_report(tmp_path / "none.db", tmp_path / "none")
    assert not (tmp_path / "none.db").exists()
    await paycools.aclose()
