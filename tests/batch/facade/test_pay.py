"""`pay_file`: a whole file from Python, and nothing of it without a yes to just that."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.batch import STORES, WriteOrders, release_all, rows

from paycools_async.batch import (
    Expected,
    Identity,
    Ledger,
    LedgerError,
    NotReleased,
    Options,
    PHPayouts,
    Proposal,
    SQLiteLedger,
    State,
    Summary,
    pay_file,
)
from paycools_async.testing import FakePayCools

QUICK = Options(first_inquiry_after=0.0)
THREE = Expected(payouts=3, amount=3 * 50_010)


def paid(fake: FakePayCools) -> list[str]:
    return sorted(payout.order_id for payout in fake.payouts.paid)


@pytest.fixture
def pay(api: PHPayouts, ledger: Ledger, fake: FakePayCools) -> Callable[..., Any]:
    fake.payouts.settle_after = 0.0

    async def pay(file: Path, yes: Any, **more: Any) -> Summary:
        return await pay_file(api, file, ledger=ledger, approve=yes, by="ana", **{"options": QUICK, **more})

    return pay


Pay = Callable[..., Any]


@STORES
async def test_a_file_is_paid_and_paying_it_again_pays_nobody_twice(
    pay: Pay, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    for _ in range(2):
        summary = await pay(write_orders(3), THREE)
        assert (summary.rows(State.SETTLED), summary.exit_code) == (3, 0)
    assert paid(fake) == ["PAY000000001", "PAY000000002", "PAY000000003"]
    [batch] = await ledger.batches()
    assert [(entry.event, entry.by) for entry in batch.log] == [("offer", "ana"), ("release", "ana")]


@STORES
@pytest.mark.parametrize(
    "yes",
    [
        Expected(payouts=2, amount=3 * 50_010),
        Expected(payouts=3, amount=3 * 50_010 + 1),
        lambda proposal: False,
        lambda proposal: None,
        lambda proposal: "yes",
        lambda proposal: 1,
    ],
)
async def test_without_a_yes_to_just_that_nothing_is_sent_and_nothing_stays(
    pay: Pay, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders, yes: Any
) -> None:
    with pytest.raises(NotReleased):
        await pay(write_orders(3), yes)
    assert paid(fake) == []
    assert await ledger.counts() == {State.WITHDRAWN: (3, 150_030)}
    assert (await pay(write_orders(3), THREE)).rows(State.SETTLED) == 3, "it can be offered again"


async def test_who_is_asked_sees_what_the_yes_would_send(
    pay: Pay, api: PHPayouts, ledger: Ledger, write_orders: WriteOrders
) -> None:
    seen: list[Proposal] = []

    async def yes(proposal: Proposal) -> bool:
        seen.append(proposal)
        assert await ledger.counts() == {State.OFFERED: (2, 100_020)}
        return True

    lines = [rows(1)[0], ["PAY000000002", *rows(1)[0][1:]]]
    await pay(write_orders(lines=lines), yes)
    assert seen == [
        Proposal(
            file="orders.csv",
            batch=1,
            payouts=2,
            amount=100_020,
            unclear=0,
            unclear_amount=0,
            destination=api.identity,
            warnings=("lines 2 and 3 have the same account, name and amount",),
        )
    ]
    await pay(write_orders(lines=lines), yes)
    assert len(seen) == 1, "nothing is left to be sent, so nobody is asked"


async def test_what_is_unclear_is_asked_for_too(
    pay: Pay, fake: FakePayCools, write_orders: WriteOrders, ledger: Ledger
) -> None:
    fake.faults.drop_after(next=1, only="ph.payout.create")
    fake.payouts.inquiry_lag = 1e9
    first = await pay(write_orders(2), lambda proposal: True, options=attrs.evolve(QUICK, wait=0.5))
    assert first.rows(State.UNKNOWN) == 1
    with pytest.raises(NotReleased):
        await pay(write_orders(2), lambda proposal: (proposal.payouts, proposal.unclear) != (0, 1))
    assert (await ledger.counts())[State.UNKNOWN][0] == 1, "it was there before, so it is not taken back"


@STORES
async def test_faulty_rows_are_all_told_and_nothing_is_entered(
    pay: Pay, ledger: Ledger, write_orders: WriteOrders
) -> None:
    lines = rows(3)
    lines[0][1], lines[2][4] = "-1", "1E+5"
    with pytest.raises(NotReleased, match=r"orders.csv: 2 faults, the first: line 2, amount: ") as caught:
        await pay(write_orders(lines=lines), THREE)
    assert [(error.line, error.column) for error in caught.value.errors] == [(2, "amount"), (4, "account_no")]
    with pytest.raises(NotReleased, match="no payouts in it"):
        await pay(write_orders(0), THREE)
    assert await ledger.batches() == []


@STORES
async def test_a_batch_that_holds_more_than_the_file_is_not_touched(
    pay: Pay, ledger: Ledger, fake: FakePayCools, api: PHPayouts, write_orders: WriteOrders
) -> None:
    with pytest.raises(NotReleased, match="nobody said yes"):
        await pay(write_orders(3), lambda proposal: False)
    from paycools_async.batch import read_orders

    await ledger.intake(read_orders(write_orders(3), api.request_class, api.currency), api.text_of)
    fewer = write_orders(lines=[*rows(2), ["PAY000000009", *rows(1)[0][1:]]], name="fewer.csv")
    with pytest.raises(NotReleased, match="batch 2 holds 1 payouts that may still be sent and are not in this file"):
        await pay(fewer, THREE)
    more = write_orders(4, name="more.csv")
    with pytest.raises(NotReleased, match="these are offered: 2, 4"):
        await pay(more, lambda proposal: True)
    assert paid(fake) == []
    assert (await ledger.counts())[State.OFFERED] == (3, 150_030), "what others offered stays offered"
    await release_all(ledger)
    assert (await pay(more, Expected(payouts=4, amount=4 * 50_010))).rows(State.SETTLED) == 4


async def test_cancelled_at_the_question_it_takes_back_what_it_entered(
    pay: Pay, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    asked = asyncio.Event()

    async def never(proposal: Proposal) -> bool:
        asked.set()
        await asyncio.Event().wait()
        return True

    paying = asyncio.create_task(pay(write_orders(3), never))
    await asked.wait()
    paying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await paying
    assert (await ledger.counts(), paid(fake)) == ({State.WITHDRAWN: (3, 150_030)}, [])


async def test_what_somebody_else_released_meanwhile_stays_released(
    pay: Pay, ledger: Ledger, write_orders: WriteOrders
) -> None:
    async def meanwhile(proposal: Proposal) -> bool:
        assert proposal.batch is not None
        await ledger.release(proposal.batch, by="bob", rows=proposal.payouts, amount=proposal.amount)
        return True

    with pytest.raises(LedgerError, match="has 0 offered payouts now, 3 were shown"):
        await pay(write_orders(3), meanwhile)
    assert await ledger.counts() == {State.PLANNED: (3, 150_030)}


async def test_what_goes_wrong_after_the_yes_is_one_error_and_another_call_goes_on(
    pay: Pay, ledger: SQLiteLedger, fake: FakePayCools, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: Any, *given: Any, **more: Any) -> Any:
        raise LedgerError("the disk is full")

    with monkeypatch.context() as context:
        context.setattr(SQLiteLedger, "claim", full)
        with pytest.raises(LedgerError, match="the disk is full"):
            await pay(write_orders(3), THREE)
    assert await ledger.counts() == {State.PLANNED: (3, 150_030)}
    assert (await pay(write_orders(3), THREE)).exit_code == 0
    assert len(paid(fake)) == 3


async def test_a_ledger_that_is_another_merchants_is_refused_before(tmp_path: Path, api: PHPayouts) -> None:
    ledger = await SQLiteLedger.open(tmp_path / "l.db", Identity(family="ph", app_id="OTHER", host="h"))
    await ledger.aclose()
    with pytest.raises(LedgerError, match="belongs to"):
        await SQLiteLedger.open(tmp_path / "l.db", api.identity)


@pytest.mark.process
def test_the_example_runs() -> None:
    example = Path(__file__).parents[3] / "docs" / "examples" / "pay_file.py"
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"payouts-500.csv: 500 payouts, PHP [\d,.]+, to api-uat.paycools.com\n"
        r"500 of 500 done\n500 settled\nagain: 500 settled\n",
        done.stdout,
    ), done.stdout
