"""A SQLite file that was the application's before it was a ledger, and one of which a part was lost."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from durable.conftest import QUICK, Make, inside, order, refund
from support.refund_house import RefundHouse
from support.waiting import until
from typer.testing import CliRunner

from paycools_async import PayCoolsPH
from paycools_async.batch import LedgerError, State
from paycools_async.cli.app import app
from paycools_async.durable import DurableRefunds
from paycools_async.testing import FakePayCools


def write(place: str | Path, statements: str) -> None:
    with closing(sqlite3.connect(place)) as db, db:
        db.executescript(statements)


def tables(place: str | Path) -> set[str]:
    with closing(sqlite3.connect(place)) as db:
        return {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize("inbox", ["", "CREATE TABLE paycools_callbacks (id TEXT);"])
async def test_a_file_that_has_the_applications_tables_becomes_a_ledger_beside_them(
    make: Make, place: str, live: FakePayCools, inbox: str
) -> None:
    write(place, f"CREATE TABLE loans (order_id TEXT); INSERT INTO loans VALUES ('OLD');{inbox}")
    for _ in range(2):
        async with make() as payouts:
            with closing(sqlite3.connect(place)) as db:
                db.execute("INSERT INTO loans VALUES ('APP000000001')")
                await payouts.submit(order(), connection=db)
                db.commit()
            assert (await payouts.wait("APP000000001", within=60)).settled
    with closing(sqlite3.connect(place)) as db:
        assert db.execute("SELECT order_id FROM loans").fetchall() == [("OLD",), ("APP000000001",), ("APP000000001",)]
    assert len(live.payouts.paid) == 1


@pytest.mark.parametrize("name", ["payouts", "Batches", "meta"])
async def test_a_file_whose_own_tables_have_the_ledgers_names_is_left_as_it_is(
    make: Make, place: str, name: str
) -> None:
    write(place, f"CREATE TABLE {name} (id TEXT); CREATE TABLE loans (id TEXT)")
    with pytest.raises(LedgerError, match=f"has tables of its own that are called {name.lower()}; use another file"):
        await make().start()
    assert tables(place) == {name, "loans"}


def test_the_commands_make_no_ledger_of_somebody_elses_database(place: str, write_orders: Any) -> None:
    write(place, "CREATE TABLE loans (id TEXT)")
    for command in ("run", str(write_orders(1)), "--sandbox", "--yes"), ("status",):
        result = CliRunner().invoke(app, ["payouts", *command, "--ledger", place])
        assert (result.exit_code, "is no ledger" in result.output) == (2, True)
    assert tables(place) == {"loans"}


async def test_a_file_that_was_a_ledger_does_not_become_a_new_one(make: Make, place: str, live: FakePayCools) -> None:
    """Its tables were dropped, or the application's own backup was put in its place: what was sent is not in it."""
    async with make() as payouts:
        await payouts.submit(order())
        await payouts.wait("APP000000001", within=60)
    Path(place).unlink()
    write(place, "CREATE TABLE loans (id TEXT)")
    with pytest.raises(LedgerError, match="is no ledger"):
        await make().start()
    assert tables(place) == {"loans"}


async def test_after_a_loss_what_paycools_does_not_have_waits_for_a_new_yes(
    shop: PayCoolsPH, house: RefundHouse, tmp_path: Path
) -> None:
    """Of two refunds that a restored backup holds, one was made since it was taken."""
    place = tmp_path / "refunds.db"
    refunds = DurableRefunds(shop, place, options=QUICK, poll=0.05)
    async with refunds:
        await inside(refunds).background.stop(1.0)
        await refunds.submit(refund(1))
        await refunds.submit(refund(2))
    house.book("REFUND000001", "T0000000001", 5000)
    await refunds.start(recover=True)
    try:
        assert (await refunds.wait("REFUND000001", within=60)).settled
        waits = await refunds.wait("REFUND000002", within=60)
        assert (waits.state, waits.needs_person, waits.final) == (State.OFFERED, True, False)
        assert "submit it again" in str(waits.reason)
        assert [each.order_id async for each in refunds.list(needs_person=True)] == ["REFUND000002"]
        assert (await refunds.health()).stuck == 1
        assert house.asked == []
        assert (await refunds.submit(refund(2))).state in (State.UNKNOWN, State.PLANNED)
        assert (await refunds.wait("REFUND000002", within=60)).settled
        assert (await refunds.health()).stuck == 0
    finally:
        await refunds.aclose()
    assert house.paid() == [("REFUND000001", 5000), ("REFUND000002", 5000)]


async def test_after_a_loss_a_refusal_is_no_last_word_and_nothing_is_taken_back(
    shop: PayCoolsPH, house: RefundHouse, tmp_path: Path
) -> None:
    """The lost part had sent it, and PayCools lists it later than an absence is believed."""
    refunds = DurableRefunds(shop, tmp_path / "refunds.db", options=QUICK, poll=0.05)
    async with refunds:
        await inside(refunds).background.stop(1.0)
        await refunds.submit(refund())
    house.once, house.lag = True, 3600.0
    booked = house.book("REFUND000001", "T0000000001", 5000)
    await refunds.start(recover=True)
    try:
        assert (await refunds.wait("REFUND000001", within=60)).state is State.OFFERED
        assert not await refunds.withdraw("REFUND000001", by="ana")
        await refunds.submit(refund())
        await until(lambda: house.asked)
        refused = await refunds.wait("REFUND000001", within=60)
        assert (refused.state, refused.needs_person) == (State.UNKNOWN, True)
        house.lag = 0.0
        booked.at = time.time()
        async with asyncio.timeout(60):
            while not (shown := await refunds.get("REFUND000001")) or shown.state is State.UNKNOWN:
                await asyncio.sleep(0.02)
        assert shown.settled
    finally:
        await refunds.aclose()
    assert house.paid() == [("REFUND000001", 5000)]


async def test_after_a_loss_a_payout_that_is_not_shown_is_not_taken_back(
    make: Make, live: FakePayCools, place: str
) -> None:
    async with make() as payouts:
        await inside(payouts).background.stop(1.0)
        await payouts.submit(order())
    payouts = make()
    await payouts.start(recover=True)
    try:
        assert (await payouts.wait("APP000000001", within=60)).state is State.OFFERED
        assert not await payouts.withdraw("APP000000001", by="ana")
        await payouts.submit(order())
        assert (await payouts.wait("APP000000001", within=60)).settled
    finally:
        await payouts.aclose()
    assert len(live.payouts.paid) == 1


async def test_one_payout_above_the_balance_pauses_all_and_is_taken_out_of_the_way(
    make: Make, client: PayCoolsPH, live: FakePayCools, place: str
) -> None:
    live.merchant.balance = 60000
    async with make() as payouts:
        await payouts.submit(order(1, amount=70000))
        await until(lambda: inside(payouts).background.paused)
        await payouts.submit(order(2))
        health = await payouts.health()
        assert (health.ok, health.backlog, "insufficient" in str(health.paused)) == (False, 2, True)
        assert health.resumes_in is not None
        assert await payouts.withdraw("APP000000001", by="ana")
        await payouts.resume()
        assert (await payouts.wait("APP000000002", within=60)).settled
    assert [each.order_id for each in live.payouts.paid] == ["APP000000002"]
