"""What is shown before the yes: by method and bank, the largest, the balance after it, who asks; and a dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders
from support.desk import Desk, desk_of

from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


@pytest.fixture
def desk(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return desk_of(FakePayCools(private_key=key), str(tmp_path / "l.db"), monkeypatch)


def orders(*amounts: str, wallet: str = "GCASH", start: int = 1) -> list[list[str]]:
    return [
        [f"PAY{n}", amount, "EWALLET", wallet, f"0917{n:06}1", "Clandestine Person"]
        for n, amount in enumerate(amounts, start)
    ]


MANY = [*orders("1", "2", "3", "4000", "5000.50"), *orders("6", "7", wallet="JT", start=6)]


def test_sums_the_largest_the_balance_after_and_who_asks_stand_above_the_question(
    desk: Desk, write_orders: WriteOrders
) -> None:
    desk.fake.merchant.balance = 1_000_000_00
    done = desk.run(write_orders(lines=MANY), answer=True, by="ana")
    shown = done.output.splitlines()
    start = shown.index("By method and bank:")
    assert shown[start:] == [
        "By method and bank:",
        "  EWALLET GCASH  5 payouts, PHP 9,006.50",
        "  EWALLET JT     2 payouts, PHP 13.00",
        "Largest:",
        "  PHP 5,000.50  PAY5 (line 6)  EWALLET GCASH",
        "  PHP 4,000.00  PAY4 (line 5)  EWALLET GCASH",
        "      PHP 7.00  PAY7 (line 8)  EWALLET JT",
        "      PHP 6.00  PAY6 (line 7)  EWALLET JT",
        "      PHP 3.00  PAY3 (line 4)  EWALLET GCASH",
        "Asked by: ana",
        "Your yes releases: 7 payouts, PHP 9,019.50",
        "To send: 7 payouts, PHP 9,019.50",
        "Balance: PHP 1,000,000.00",
        "Balance after: PHP 990,980.50",
        "  settled:        7              PHP 9,019.50",
    ]
    assert "Clandestine" not in done.output
    assert "0917" not in done.output


def test_of_many_banks_the_ten_largest_sums_are_named(desk: Desk, write_orders: WriteOrders) -> None:
    lines = [each for n in range(12) for each in orders(str(n + 1), wallet=f"W{n}", start=n + 1)]
    done = desk.run(write_orders(lines=lines), answer=False)
    assert "  EWALLET W11  1 payout, PHP 12.00" in done
    assert "  and 2 more: 2 payouts, PHP 3.00" in done
    assert "EWALLET W1 " not in done


def test_who_releases_sees_the_same_and_is_warned_of_the_same_payment_twice(
    desk: Desk, write_orders: WriteOrders
) -> None:
    twice = [["PAY8", *MANY[4][1:]]]
    assert desk.run(write_orders(lines=[*MANY, *twice]), offer=True, by="ana").code == 3
    done = desk.release(1, answer=False, by="bob")
    assert "  EWALLET JT     2 payouts, PHP 13.00" in done
    assert "Asked by: bob" in done
    assert "warning: lines 6 and 9 have the same account, name and amount" in done
    assert desk.paid == []


def test_what_was_sent_before_is_in_no_sum(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=MANY[:2]), yes=True).code == 0
    done = desk.run(write_orders(lines=MANY[:3]), yes=True)
    assert "  EWALLET GCASH  1 payout, PHP 3.00" in done


# -- a dry run --------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_it_and_leaves_nothing(desk: Desk, write_orders: WriteOrders, tmp_path: Path) -> None:
    file = write_orders(lines=MANY)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = desk.run(file, dry_run=True, by="ana", report=tmp_path / "out")
    assert done.code == 0
    assert "A yes would send: 7 payouts, PHP 9,019.50" in done
    assert "Asked by: ana" in done
    assert done.line("Balance after: ")
    assert "Dry run: nothing was entered, nothing was released, nothing was sent." in done
    assert (desk.paid, desk.questions) == ([], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert desk.run(file, yes=True).code == 0


def test_a_dry_run_beside_a_ledger_tells_what_is_there_already(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=MANY[:2]), yes=True).code == 0
    assert desk.run(write_orders(lines=MANY[2:3], name="b.csv"), offer=True).code == 3
    states = desk.states()
    done = desk.run(write_orders(lines=MANY), dry_run=True)
    assert "A yes would send: 5 payouts, PHP 9,016.50" in done, "what is offered, and what is new"
    assert "In the ledger from an earlier run, and not entered again: 1 offered, PHP 3.00; 2 settled, PHP 3.00" in done
    assert (done.code, desk.states(), len(desk.paid)) == (0, states, 2)


@pytest.mark.parametrize(
    ("options", "balance", "told"),
    [
        ({}, 100, "short; a run would send nothing"),
        ({"expect_count": 3}, 10**9, "--expect-count 3: there are 7 payouts"),
        ({"expect_total": "1.00"}, 10**9, "--expect-total 1.00: they come to PHP 9,019.50"),
        ({"adopt": True}, 10**9, "--dry-run changes nothing"),
    ],
)
def test_what_would_stop_a_run_stops_a_dry_one(
    desk: Desk, write_orders: WriteOrders, options: dict[str, Any], balance: int, told: str
) -> None:
    desk.fake.merchant.balance = balance
    done = desk.run(write_orders(lines=MANY), dry_run=True, **options)
    assert (done.code, told in done, desk.paid) == (2, True, [])


def test_a_dry_run_finds_an_order_that_was_changed_and_bad_rows(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=MANY[:1]), yes=True).code == 0
    changed = desk.run(write_orders(lines=[["PAY1", "77", *MANY[0][2:]]]), dry_run=True)
    assert (changed.code, "PAY1 is in the ledger with other content" in changed) == (2, True)
    bad = desk.run(write_orders(lines=[["PAY9", "x", *MANY[0][2:]]]), dry_run=True)
    assert (bad.code, "1 bad row; nothing was sent" in bad) == (2, True)


def test_a_dry_release_and_a_dry_resume_send_nothing(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(lines=MANY), offer=True).code == 3
    done = desk.release(1, dry_run=True)
    assert (done.code, "Your yes releases: 7 payouts, PHP 9,019.50" in done) == (0, True)
    assert (set(desk.states().values()), desk.paid, desk.questions) == ({"offered"}, [], [])
    resumed = desk.resume(dry_run=True)
    assert (resumed.code, set(desk.states().values()), desk.paid) == (3, {"offered"}, [])
