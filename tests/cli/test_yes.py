"""Yes releases exactly what was shown, and settled means paid by this ledger."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders, rows
from support.desk import Desk, Done, desk_of

from paycools_async.batch import Order, OrderFile, PHPayouts, RowError, SQLiteLedger, read_orders
from paycools_async.batch.files.repeats import Repeats
from paycools_async.ph.payout import CreatePayout
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

TWO = rows(2)
THREE = rows(3)


@pytest.fixture
def careless(key: PrivateKey) -> FakePayCools:
    """A PayCools that pays an order id as often as it is asked."""
    fake = FakePayCools(private_key=key)
    fake.merchant.enforce_unique = False
    return fake


@pytest.fixture
def desk(careless: FakePayCools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return desk_of(careless, str(tmp_path / "l.db"), monkeypatch)


def paid(desk: Desk) -> list[str]:
    return sorted(payment.order_id for payment in desk.paid)


# -- one yes, one batch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", ["no", "no terminal", "short balance", "wrong count", "wrong total"])
def test_who_does_not_say_yes_edits_and_runs_again_pays_only_what_is_in_the_file(
    desk: Desk, write_orders: WriteOrders, refusal: str
) -> None:
    ways: dict[str, dict[str, Any]] = {
        "no": {"answer": False},
        "no terminal": {"answer": None},
        "short balance": {"yes": True},
        "wrong count": {"yes": True, "expect_count": 4},
        "wrong total": {"yes": True, "expect_total": "1500.31"},
    }
    desk.fake.merchant.balance = 100_000 if refusal == "short balance" else 10**9
    first = desk.run(write_orders(lines=THREE), **ways[refusal])
    assert (first.code, desk.paid) == (2, [])
    assert "3 payouts, PHP 1,500.30 (batch 1) were taken back" in first
    assert "nothing was sent" in first
    assert set(desk.states().values()) == {"withdrawn"}
    desk.fake.merchant.balance = 10**9
    second = desk.run(write_orders(lines=[THREE[0], ["NEW1", *THREE[1][1:]]]), yes=True)
    assert "Your yes releases: 2 payouts, PHP 1,000.20" in second
    assert "To send: 2 payouts, PHP 1,000.20" in second
    assert (second.code, paid(desk)) == (0, ["NEW1", "PAY000000001"])


def test_what_was_refused_can_be_entered_again_unchanged_and_otherwise(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=TWO), answer=False).code == 2
    again = desk.run(write_orders(lines=rows(2, amount="700.00")), answer=True)
    assert again.code == 0
    assert [payment.amount for payment in desk.paid] == [70_000, 70_000]


def test_the_question_says_how_much_goes_where(desk: Desk, write_orders: WriteOrders) -> None:
    done = desk.run(write_orders(lines=TWO), answer=True, by="ana")
    [question] = desk.questions
    assert "Send 2 payouts, PHP 1,000.20, to " in question
    assert "SANDBOX" in question
    assert "(127.0.0.1:8650) as merchant f90addc4861540ef9312e87d8f360e08?" in question
    assert "batch 1 (orders.csv), offered by ana: 2 offered, PHP 1,000.20" in done


def test_a_run_pays_its_own_file_and_names_what_else_the_ledger_holds(desk: Desk, write_orders: WriteOrders) -> None:
    salaries = write_orders(lines=TWO, name="salaries.csv")
    bills = write_orders(lines=[["BILL1", *TWO[0][1:]]], name="bills.csv")
    assert desk.run(salaries, offer=True, by="ana").code == 3
    done = desk.run(bills, yes=True)
    assert "batch 1 (salaries.csv): 2 offered, PHP 1,000.20; not sent by this run" in done
    assert "To send: 1 payout, PHP 500.10" in done
    assert (done.code, paid(desk)) == (0, ["BILL1"])
    assert desk.states()["PAY000000001"] == "offered"


def test_rows_that_a_balance_left_over_can_be_taken_back_and_are_not_sent_by_another_file(
    desk: Desk, write_orders: WriteOrders
) -> None:
    desk.fake.merchant.balance = 60_000
    first = desk.run(write_orders(lines=TWO), yes=True, ignore_balance=True, concurrency=1)
    assert first.code == 3
    assert "1 planned" not in first.line("Your yes")
    desk.fake.merchant.balance = 10**9
    other = desk.run(write_orders(lines=[["BILL1", *TWO[0][1:]]], name="bills.csv"), yes=True)
    assert (other.code, len(desk.paid)) == (0, 2)
    assert "1 planned, PHP 500.10; not sent by this run" in other
    back = desk.withdraw(yes=True)
    assert (back.code, "taken back: 1 payout, PHP 500.10" in back, "2 stay" in back) == (0, True, True)
    assert desk.resume(yes=True).code == 0
    assert len(desk.paid) == 2
    assert desk.withdraw(yes=True).code == 2


def test_rows_that_the_breaker_left_over_can_be_taken_back(desk: Desk, write_orders: WriteOrders) -> None:
    desk.fake.faults.busy(1007, next=10_000, only="ph.payout.create")
    first = desk.run(write_orders(lines=rows(90)), yes=True, concurrency=5)
    assert (first.code, "of the last 50 payouts were refused" in first) == (3, True)
    left = sum(state == "planned" for state in desk.states().values())
    assert left > 0
    desk.fake.faults.clear()
    assert f"taken back: {left} payout" in desk.withdraw(batch=1, yes=True)
    assert (desk.resume(yes=True).code, desk.paid) == (1, [])


def test_a_file_whose_rows_were_deleted_after_a_yes_sends_nothing_of_the_old_batch(
    desk: Desk, write_orders: WriteOrders
) -> None:
    desk.fake.merchant.balance = 0
    assert desk.run(write_orders(lines=THREE), yes=True, ignore_balance=True).code == 3
    desk.fake.merchant.balance = 10**9
    done = desk.run(write_orders(lines=TWO), yes=True)
    assert (done.code, desk.paid) == (3, [])
    assert "batch 1 holds 2 of these payouts, and 1 that may still be sent and are not in this file" in done
    assert "paycools payouts withdraw --ledger" in done
    assert desk.withdraw(batch=1, yes=True).code == 0
    assert desk.run(write_orders(lines=TWO), yes=True).code == 0
    assert paid(desk) == ["PAY000000001", "PAY000000002"]


def test_a_changed_order_says_what_to_do_so_that_nobody_gets_both_amounts(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(lines=TWO), yes=True).code == 0
    done = desk.run(write_orders(lines=rows(2, amount="700.00")), yes=True)
    assert (done.code, len(desk.paid)) == (2, 2)
    assert "it is settled there, so money may have moved" in done
    assert "only what is still owed then goes under a new order id" in done


def test_what_changes_while_it_is_shown_is_not_released(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=THREE), offer=True, by="ana").code == 3

    def meanwhile(question: str) -> bool:
        done: list[Done] = []

        def take_back() -> None:
            done.append(desk.withdraw(order_id="PAY000000002", yes=True, by="ana"))

        other = threading.Thread(target=take_back)
        other.start()
        other.join()
        assert done[0].code == 0, done[0].output
        return True

    done = desk.release(1, answer=meanwhile, by="bob")
    assert (done.code, desk.paid) == (2, [])
    assert (
        "batch 1 has 2 offered payouts now, 3 were shown; nothing was released: show it and ask again; nothing was sent"
        in done
    )
    assert desk.release(1, answer=True, by="bob").code == 0
    assert paid(desk) == ["PAY000000001", "PAY000000003"]


def test_a_file_that_changes_while_it_is_read_is_not_entered(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paycools_async.batch import intake

    orders, found = write_orders(lines=TWO), iter(["one", "another"])
    monkeypatch.setattr(intake, "_sha256", lambda path: next(found))
    done = desk.run(orders, yes=True)
    assert (done.code, "the file was changed while it was read" in done, desk.paid) == (2, True, [])


# -- two people -----------------------------------------------------------------------------------------------------


def test_one_offers_and_another_releases_and_both_names_are_in_the_log(desk: Desk, write_orders: WriteOrders) -> None:
    offered = desk.run(write_orders(lines=TWO), offer=True, by="ana")
    assert (offered.code, desk.paid) == (3, [])
    assert f"paycools payouts release --ledger {desk.ledger} --batch 1" in offered
    resumed = desk.resume(yes=True)
    assert (resumed.code, desk.paid) == (3, [])
    assert "batch 1 is offered and waits for a yes" in resumed
    no = desk.release(1, answer=False, by="bob")
    assert (no.code, set(desk.states().values())) == (2, {"offered"})
    assert desk.release(1, yes=True, by="bob", expect_count=3).code == 2
    assert desk.release(1, yes=True, by="bob", expect_count=2, expect_total="1000.20").code == 0
    listed = desk.batches()
    assert "offered by ana: 2 payouts, PHP 1,000.20" in listed
    assert "released by bob: 2 payouts, PHP 1,000.20" in listed
    assert len(desk.paid) == 2
    assert desk.release(1, yes=True).code == 2
    assert desk.release(7, yes=True).code == 2


def test_resume_goes_on_with_the_batches_it_is_told(desk: Desk, write_orders: WriteOrders) -> None:
    desk.fake.merchant.balance = 0
    for name in "ab":
        lines = [[f"{name.upper()}1", *TWO[0][1:]]]
        assert desk.run(write_orders(lines=lines, name=f"{name}.csv"), yes=True, ignore_balance=True).code == 3
    desk.fake.merchant.balance = 10**9
    assert desk.resume(answer=False).code == 2
    assert set(desk.states().values()) == {"planned"}, "a no to resume leaves what was released"
    done = desk.resume(yes=True, batch=[2])
    assert (done.code, paid(desk)) == (0, ["B1"])
    assert "batch 1 (a.csv): 1 planned, PHP 500.10; not sent by this run" in done
    status = desk.status()
    assert (status.code, "open batches only: 1" in status) == (3, True)
    assert desk.status(batch=[2]).code == 0
    assert desk.status(batch=[3]).code == 2


def test_the_same_account_name_and_amount_twice_is_a_warning_with_both_lines(
    desk: Desk, write_orders: WriteOrders
) -> None:
    lines = [*TWO, ["AGAIN", *TWO[0][1:]], ["OTHER", "500.11", *TWO[0][2:]]]
    done = desk.run(write_orders(lines=lines), answer=False)
    assert "warning: orders.csv: lines 2 and 4 have the same account, name and amount" in done
    assert done.output.count("warning") == 1
    assert "0917" not in done.output


# -- settled means: paid by this ledger -------------------------------------------------------------------------------


@pytest.fixture
def strict(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Desk]:
    """Desks with a ledger each, and a PayCools that refuses a used order id."""
    fake = FakePayCools(private_key=key)
    return lambda name: desk_of(fake, str(tmp_path / name), monkeypatch)


def test_last_months_order_ids_in_a_new_ledger_are_not_settled_unless_adopted(
    strict: Callable[[str], Desk], write_orders: WriteOrders, tmp_path: Path
) -> None:
    orders = write_orders(lines=TWO)
    assert strict("old.db").run(orders, yes=True).code == 0
    desk = strict("new.db")
    done = desk.run(orders, yes=True, report=tmp_path / "out")
    assert (done.code, desk.paid) == (3, [])
    assert set(desk.states().values()) == {"preexisting"}
    assert (
        "nobody was paid by this ledger; compare, then --adopt, or, only where it was another payment, pay under"
        in done
    )
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["states"] == {"preexisting": {"payouts": 2, "amount": "1000.20"}}
    assert desk.run(orders, yes=True).code == 3
    adopted = desk.resume(adopt=True, yes=True, by="bob")
    assert (adopted.code, set(desk.states().values()), desk.paid) == (0, {"settled"}, [])
    assert "adopted by bob: 2 payouts" in desk.batches()


def test_of_two_ledgers_with_one_file_only_one_says_that_it_paid(
    strict: Callable[[str], Desk], write_orders: WriteOrders
) -> None:
    orders = write_orders(lines=TWO)
    codes = [strict(name).run(orders, yes=True).code for name in ("one.db", "two.db")]
    assert codes == [0, 3]


@pytest.mark.process
def test_what_was_sent_again_is_said_and_is_exit_3(desk: Desk, write_orders: WriteOrders, tmp_path: Path) -> None:
    desk.fake.faults.drop_before(next=1, only="ph.payout.create")
    done = desk.run(write_orders(lines=TWO), yes=True, timeout=2.0, absent_after=1.0, report=tmp_path / "out")
    assert (done.code, paid(desk)) == (3, ["PAY000000001", "PAY000000002"])
    assert "1 payouts were sent again" in done
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["sent_again"] == 1
    assert "1 payout: sent again" in (tmp_path / "out" / "report.html").read_text()
    assert desk.status().code == 3


# -- reports say where the money goes ---------------------------------------------------------------------------------


def test_every_report_file_says_where_the_money_goes(desk: Desk, write_orders: WriteOrders, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert desk.run(write_orders(lines=TWO), yes=True, by="ana", report=out).code == 0
    place = {
        "environment": "SANDBOX (an address on this machine, not PayCools itself, as far as this program can know)",
        "host": "127.0.0.1:8650",
        "merchant": "f90addc4861540ef9312e87d8f360e08",
        "api": "PH API",
        "country": "PH",
        "ledger": desk.ledger,
    }
    for _ in ("of the run", "of the command"):
        with (out / "payouts.csv").open() as file:
            [header, first, _] = csv.reader(file)
        assert header[:9] == [
            *("line", "mch_order_id", "amount", "outcome", "code", "message", "transaction_id", "resends", "updated")
        ]
        assert dict(zip(header[9:], first[9:], strict=True)) == {"batch": "1", "file": "orders.csv", **place}
        summary = json.loads((out / "summary.json").read_text())
        assert summary["destination"] == place
        [batch] = summary["batches"]
        assert (batch["batch"], batch["file"], len(batch["sha256"]), batch["offered_by"]) == (
            1,
            "orders.csv",
            64,
            "ana",
        )
        assert [(entry["event"], entry["by"]) for entry in batch["log"]] == [("offer", "ana"), ("release", "ana")]
        page = (out / "report.html").read_text()
        assert "nobody was paid" not in page
        for text in (*place.values(), "orders.csv (batch 1)"):
            assert text in page
        assert desk.report(out).code == 0
    status = desk.status()
    assert "SANDBOX" in status
    assert "127.0.0.1:8650" in status
    assert desk.ledger in status


# -- a file on its way in ---------------------------------------------------------------------------------------------


async def test_who_cancels_while_a_file_is_read_has_entered_nothing(
    api: PHPayouts, ledger: SQLiteLedger, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paycools_async.batch import intake

    reading, going_on = threading.Event(), threading.Event()

    class Slowly(OrderFile):
        def __iter__(self) -> Iterator[Order | RowError]:
            for order in super().__iter__():
                yield order
                reading.set()
                assert going_on.wait(60)

    monkeypatch.setattr(intake, "OrderFile", Slowly)
    entering = asyncio.create_task(intake.enter_file(ledger, api, write_orders(lines=THREE), "ana"))
    await asyncio.to_thread(reading.wait, 60)
    entering.cancel()
    asyncio.get_running_loop().call_later(0.05, going_on.set)
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert await ledger.batches() == []
    assert await ledger.counts() == {}


def test_repeats_are_counted_by_account_name_and_amount_and_nothing_is_remembered_in_the_open(
    write_orders: WriteOrders,
) -> None:
    lines = [*rows(40), *([f"TWIN{n}", *row[1:]] for n, row in enumerate(rows(40)))]
    repeats = Repeats()
    orders = list(repeats.watching(read_orders(write_orders(lines=lines), CreatePayout, "PHP")))
    assert len(orders) == 80
    assert (repeats.count, len(repeats.found), repeats.found[0]) == (40, 20, (2, 42))
    assert "0917" not in repr(repeats)


def test_a_withdrawal_asks_first_and_takes_only_what_was_never_sent(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=TWO), offer=True).code == 3
    assert desk.withdraw().code == 2, "nobody is there to be asked"
    assert desk.withdraw(answer=False).code == 2
    assert set(desk.states().values()) == {"offered"}
    assert desk.withdraw(answer=True, order_id="PAY000000001").code == 0
    assert desk.states() == {"PAY000000001": "withdrawn", "PAY000000002": "offered"}
    assert desk.withdraw(yes=True, order_id="PAY000000001").code == 2
    assert desk.withdraw(yes=True, order_id="NOBODY").code == 2
    assert desk.withdraw(yes=True, batch=5).code == 2
    assert desk.release(1, yes=True).code == 0
    assert (desk.withdraw(yes=True).code, paid(desk)) == (2, ["PAY000000002"])


def test_no_name_can_change_what_another_person_sees(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=TWO, name="a\x1b[2K\x1b[1A\u202eb.csv"), offer=True, by="ana\x1b[8m").code == 3
    done = desk.release(1, answer=False, by="bob")
    shown = done.output + desk.batches().output
    assert "batch 1 (a?[2K?[1A?b.csv), offered by ana?[8m: 2 offered, PHP 1,000.20" in shown
    assert "\u202e" not in shown
    assert "\x1b[2K" not in shown
