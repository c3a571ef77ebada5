"""The question holds all that a yes may lead to, and nothing is sent that it did not name."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.batch import WriteOrders, rows
from support.desk import Desk, desk_of

from paycools_async.cli.payouts import batches
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


@pytest.fixture
def desk(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    fake = FakePayCools(private_key=key)
    fake.merchant.enforce_unique = False
    return desk_of(fake, str(tmp_path / "l.db"), monkeypatch)


def leave_unclear(desk: Desk, orders: Path, count: int = 1) -> None:
    """PayCools never gets the first payouts, and the run ends before it can know so."""
    desk.fake.faults.drop_before(next=count, only="ph.payout.create")
    done = desk.run(orders, yes=True, wait=0.0)
    assert list(desk.states().values()).count("unknown") == count, done.output


# -- what is unclear --------------------------------------------------------------------------------------------------


@pytest.mark.process
def test_what_is_unclear_and_may_be_sent_again_is_asked_for(desk: Desk, write_orders: WriteOrders) -> None:
    leave_unclear(desk, write_orders(2))
    before = len(desk.paid)
    alone = desk.resume()
    assert (alone.code, "give --yes; nothing was sent" in alone) == (2, True)
    assert "May be sent again, if PayCools does not have them: 1 payout, PHP 500.10" in alone
    assert desk.resume(answer=False).code == 2
    assert desk.questions[-1].startswith("Send up to 1 payout, PHP 500.10, again, if PayCools does not have them, to ")
    assert len(desk.paid) == before
    assert desk.resume(answer=True, timeout=2.0, absent_after=1.0).code == 3
    assert sorted(each.order_id for each in desk.paid) == ["PAY000000001", "PAY000000002"]


def test_what_is_unclear_stands_in_the_question_beside_what_is_sent_anyhow(
    desk: Desk, write_orders: WriteOrders
) -> None:
    leave_unclear(desk, write_orders(lines=rows(1)))
    done = desk.run(write_orders(lines=rows(3)), answer=False)
    assert done.code == 2
    assert "To send: 2 payouts, PHP 1,000.20" in done
    assert "May be sent again, if PayCools does not have them: 1 payout, PHP 500.10" in done
    assert "Send 2 payouts, PHP 1,000.20, and up to 1 more again, PHP 500.10, to " in desk.questions[-1]


def test_what_is_only_asked_about_needs_no_yes(desk: Desk, write_orders: WriteOrders) -> None:
    leave_unclear(desk, write_orders(lines=rows(1)))
    done = desk.resume(resends=0, wait=0.0)
    assert done.code == 3
    assert "Unclear, asked about, and not sent again by this run: 1 payout, PHP 500.10" in done
    assert (desk.questions, desk.paid) == ([], [])


# -- one yes, one batch -----------------------------------------------------------------------------------------------


def test_a_yes_to_new_payouts_does_not_release_what_somebody_else_offered(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(lines=rows(2)), offer=True, by="ana").code == 3
    done = desk.run(write_orders(lines=rows(3)), answer=True, by="bob")
    assert (done.code, [each.order_id for each in desk.paid]) == (3, ["PAY000000003"]), done.output
    assert "batch 1 holds 2 of these payouts, is offered, and needs a yes of its own" in done
    assert f"paycools payouts release --ledger {desk.ledger} --batch 1" in done
    assert "Send 1 payout, PHP 500.10, to " in desk.questions[-1]
    assert desk.states()["PAY000000001"] == "offered"
    same = desk.run(write_orders(lines=rows(3)), answer=True, by="bob")
    assert (same.code, len(desk.paid)) == (0, 3), "now it is the only one that waits, and all of it is in the file"


def test_of_two_offered_batches_in_one_file_none_is_released_by_a_run(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=rows(1)), offer=True).code == 3
    assert desk.run(write_orders(lines=rows(2)), offer=True).code == 3
    done = desk.run(write_orders(lines=rows(2)), answer=True)
    assert (done.code, desk.paid, desk.questions) == (3, [], [])
    assert done.output.count("needs a yes of its own") == 2
    assert "Nothing was sent" in done
    for number in (1, 2):
        assert f"--batch {number}" in done
        assert desk.release(number, answer=True).code == 0
    assert len(desk.paid) == 2


def test_a_batch_that_changed_at_the_question_is_told_once_and_nothing_is_released(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(lines=rows(2)), offer=True).code == 3

    def meanwhile(question: str) -> bool:
        thread = threading.Thread(target=lambda: desk.withdraw(order_id="PAY000000002", yes=True))
        thread.start()
        thread.join()
        return True

    done = desk.release(1, answer=meanwhile)
    assert (done.code, desk.paid) == (2, [])
    assert done.output.count("error: ") == 1
    assert "stays released" not in done


def test_the_way_out_of_an_offered_batch_with_more_than_the_file_is_its_release(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(lines=rows(3)), offer=True, by="ana").code == 3
    done = desk.run(write_orders(lines=rows(2)), yes=True, by="bob")
    assert (done.code, desk.paid) == (3, [])
    assert f"or go on with all of it: `paycools payouts release --ledger {desk.ledger} --batch 1`" in done
    assert "resume" not in done


# -- what status and report say ---------------------------------------------------------------------------------------


def test_status_and_report_name_what_is_offered_and_how_to_release_it(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    assert desk.run(write_orders(lines=rows(2)), offer=True).code == 3
    for done in (desk.status(), desk.report(tmp_path / "out")):
        assert done.code == 3
        assert "none is open" not in done
        assert "all batches; none is released and open" in done
        assert f"batch 1 is offered and waits for a yes: paycools payouts release --ledger {desk.ledger} --batch 1" in (
            done.output
        )


def test_status_and_report_leave_out_what_was_taken_back_whole_if_there_is_anything_else(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    assert desk.run(write_orders(lines=rows(3)), answer=False).code == 2
    assert "withdrawn:        3" in desk.status()
    assert desk.run(write_orders(lines=rows(2)), yes=True).code == 0
    for done in (desk.status(), desk.report(tmp_path / "out")):
        assert done.code == 0
        assert "withdrawn" not in done
        assert "all batches but those that were taken back (1); none is open" in done
    assert "withdrawn:        3" in desk.status(batch=[1, 2])


# -- what is said is so -----------------------------------------------------------------------------------------------


def test_the_way_to_take_back_a_changed_order_can_be_typed(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(1), offer=True).code == 3
    done = desk.run(write_orders(lines=rows(1, amount="700.00")), yes=True)
    assert done.code == 2
    assert f"`paycools payouts withdraw --ledger {desk.ledger} --order-id PAY000000001` takes it back" in done


@pytest.mark.process
def test_new_payouts_of_a_recovered_ledger_are_not_called_earlier_ones(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    assert desk.run(write_orders(lines=rows(1)), yes=True).code == 0
    assert desk._do(batches.backup, None, target=copy).code == 0
    for file in tmp_path.glob("l.db*"):
        file.unlink()
    copy.rename(tmp_path / "l.db")
    fresh = [["NEW1", *rows(1)[0][1:]]]
    done = desk.run(write_orders(lines=fresh), recover=True, timeout=2.0, absent_after=1.0)
    assert done.code == 3, done.output
    assert "earlier" not in done
    assert "Perhaps sent by the part of the ledger that is lost: 1 payout, PHP 500.10. PayCools is asked" in done
    assert "May be sent again" not in done
    assert (desk.states()["NEW1"], len(desk.paid)) == ("offered", 1)


def test_an_offer_of_what_was_released_says_how_to_go_on_and_that_no_report_was_written(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    desk.fake.merchant.balance = 0
    assert desk.run(write_orders(2), yes=True, ignore_balance=True).code == 3
    done = desk.run(write_orders(2), offer=True, report=tmp_path / "out")
    assert (done.code, desk.paid) == (3, [])
    assert "To send" not in done
    assert "There is nothing new to offer; nothing was sent." in done
    assert f"go on with paycools payouts resume --ledger {desk.ledger} --batch 1" in done
    assert f"No report was written: nothing was sent. `paycools payouts report --ledger {desk.ledger}`" in done
    assert not (tmp_path / "out" / "report.html").exists()


def test_adopting_is_asked_for_and_the_advice_after_it_is_another(
    key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_orders: WriteOrders
) -> None:
    fake = FakePayCools(private_key=key)
    orders = write_orders(2)
    assert desk_of(fake, str(tmp_path / "old.db"), monkeypatch).run(orders, yes=True).code == 0
    desk = desk_of(fake, str(tmp_path / "new.db"), monkeypatch)
    first = desk.run(orders, yes=True, adopt=True)
    assert first.code == 3
    told = f"compare, then paycools payouts resume --ledger {desk.ledger} --batch 1 --adopt, or, only where"
    assert "2 payouts were there before. They came up after --adopt, so it has not taken them" in first
    assert f"nobody was paid by this ledger; {told}" in first
    assert desk.resume(adopt=True).code == 2, "nobody is there to be asked"
    assert desk.resume(adopt=True, answer=False).code == 2
    assert set(desk.states().values()) == {"preexisting"}
    assert desk.questions == ["Take 2 payouts, PHP 1,000.20, that PayCools had before, for this ledger's own?"]
    adopted = desk.resume(adopt=True, answer=True)
    assert (adopted.code, set(desk.states().values()), desk.paid) == (0, {"settled"}, [])
    assert "--adopt" not in adopted


def test_a_ledger_that_nothing_was_released_of_does_not_say_where_the_money_goes(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(2), answer=False).code == 2
    for done in (desk.status(), desk.batches()):
        assert "No run has said yet where the money of this ledger goes; it is shown before anything is sent." in done
        assert f"Ledger: {desk.ledger}" in done


def test_blanks_and_capitals_make_no_other_name(desk: Desk, write_orders: WriteOrders) -> None:
    [first] = rows(1)
    again = [["AGAIN", *first[1:-1], "JUAN  dela Cruz"], ["OTHER", *first[1:-1], "Juan Cruz"]]
    done = desk.run(write_orders(lines=[first, *again]), answer=False)
    assert "warning: orders.csv: lines 2 and 3 have the same account, name and amount" in done
    assert done.output.count("warning") == 1
