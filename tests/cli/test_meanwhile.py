"""What another person does while one is at the question: each yes stands for itself."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.batch import HEADER, WriteOrders, rows
from support.desk import Desk, Done, desk_of

from paycools_async.batch import LedgerError
from paycools_async.cli.payouts import worker
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


@pytest.fixture
def desk(
    store: str, key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Desk:
    fake = FakePayCools(private_key=key)
    fake.merchant.enforce_unique = False
    ledger = request.getfixturevalue("dsn") if store == "postgres" else str(tmp_path / "l.db")
    return desk_of(fake, ledger, monkeypatch)


BOTH = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
POSTGRES = pytest.mark.parametrize("store", ["postgres"], indirect=True)


def beside(command: Callable[[], Done]) -> Done:
    """In another thread, as this one's loop stands still at the question."""
    found: list[Done] = []
    thread = threading.Thread(target=lambda: found.append(command()))
    thread.start()
    thread.join()
    return found[0]


def paid(desk: Desk) -> list[str]:
    return sorted(payment.order_id for payment in desk.paid)


@POSTGRES
@pytest.mark.parametrize("answer", [True, False])
def test_a_yes_pays_its_own_batch_while_another_persons_is_at_its_question(
    desk: Desk, write_orders: WriteOrders, answer: bool
) -> None:
    mine = write_orders(lines=rows(2), name="salaries.csv")
    theirs = write_orders(lines=[["BILL1", *rows(1)[0][1:]]], name="bills.csv")

    def meanwhile(question: str) -> bool:
        other = beside(lambda: desk.run(theirs, yes=True, by="bob"))
        assert (other.code, paid(desk)) == (0, ["BILL1"]), other.output
        assert "batch 1 (salaries.csv): 2 offered, PHP 1,000.20; not sent by this run" in other
        return answer

    done = desk.run(mine, answer=meanwhile, by="ana")
    assert done.code == (0 if answer else 2), done.output
    assert paid(desk) == ["BILL1", *(["PAY000000001", "PAY000000002"] if answer else [])]
    assert set(desk.states().values()) == ({"settled"} if answer else {"settled", "withdrawn"})


@POSTGRES
@pytest.mark.parametrize("answer", [True, False])
def test_what_another_person_released_meanwhile_is_paid_once_and_not_taken_back(
    desk: Desk, write_orders: WriteOrders, answer: bool
) -> None:
    def meanwhile(question: str) -> bool:
        desk.fake.merchant.balance = 0
        other = beside(lambda: desk.release(1, yes=True, by="bob", ignore_balance=True))
        assert (other.code, desk.paid) == (3, []), other.output
        return answer

    done = desk.run(write_orders(2), answer=meanwhile, by="ana")
    assert (done.code, desk.paid) == (2, [])
    assert "batch 1 was released by bob and stays so" in done
    desk.fake.merchant.balance = 10**9
    assert desk.resume(yes=True).code == 0
    assert paid(desk) == ["PAY000000001", "PAY000000002"]


@BOTH
def test_rows_that_are_taken_back_while_others_of_their_batch_are_sent_are_not_sent(
    desk: Desk, write_orders: WriteOrders
) -> None:
    assert desk.run(write_orders(lines=rows(3)), offer=True, by="ana").code == 3
    booked = desk.book

    def book_and_withdraw(fields: dict[str, object]) -> object:
        if not desk.paid:
            taken = beside(lambda: desk.withdraw(order_id="PAY000000003", yes=True, by="ana"))
            assert taken.code == 0, taken.output
        return booked(fields)

    desk.fake.payouts.decide = book_and_withdraw  # type: ignore[assignment]
    done = desk.release(1, yes=True, by="bob", concurrency=1)
    assert (done.code, "1 payouts were taken back while this run was on" in done) == (3, True)
    assert paid(desk) == ["PAY000000001", "PAY000000002"]
    assert desk.states()["PAY000000003"] == "withdrawn"


@POSTGRES
def test_a_pause_is_said_with_its_reason_and_what_ends_it_and_a_run_ends_that_of_its_own_batches(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

    desk.fake.faults.busy(1003, next=10_000, only="ph.payout.create")
    assert desk.run(write_orders(2), yes=True).code == 3
    for shown in (desk.status(), desk.batches()):
        assert "Sending is paused: " in shown
        assert ". Mend that, then go on: paycools payouts resume --ledger " in shown
    desk.fake.faults.clear()
    scopes: list[str] = []
    resume_sending = PostgresLedger.resume_sending

    async def noted(self: PostgresLedger) -> None:
        scopes.append(self._scope)
        await resume_sending(self)

    monkeypatch.setattr(PostgresLedger, "resume_sending", noted)
    assert desk.resume(yes=True).code == 0
    assert len(scopes) == 1
    assert scopes[0], "of the batches that are driven, not of all"
    assert "Sending is paused" not in desk.status()


@BOTH
def test_every_command_of_a_batch_works_on_every_store(desk: Desk, write_orders: WriteOrders, tmp_path: Path) -> None:
    assert desk.run(write_orders(2), offer=True, by="ana").code == 3
    assert desk.status().code == 3
    assert desk.withdraw(yes=True, order_id="PAY000000001").code == 0
    assert desk.release(1, yes=True, by="bob", expect_count=1, report=tmp_path / "out").code == 0
    assert paid(desk) == ["PAY000000002"]
    listed = desk.batches()
    assert "released by bob: 1 payout, PHP 500.10" in listed
    assert "taken back by" in listed
    assert (desk.status().code, "settled" in desk.status(), "SANDBOX" in desk.status()) == (0, True, True)
    assert desk.report(tmp_path / "again").code == 0


@BOTH
def test_a_files_own_columns_come_back_in_the_report(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "salaries.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([[*HEADER, "_dept"], [*rows(1)[0], "Sales"], [*rows(2)[1], "=IT"]])
    assert desk.run(file, yes=True, report=tmp_path / "out").code == 0
    with (tmp_path / "out" / "payouts.csv").open(newline="", encoding="utf-8") as written:
        found = [(row["mch_order_id"], row["outcome"], row["_dept"]) for row in csv.DictReader(written)]
    assert found == [("PAY000000001", "settled", "Sales"), ("PAY000000002", "settled", "'=IT")]


@POSTGRES
def test_a_role_that_may_only_offer_leaves_its_batch_for_the_other_person(
    desk: Desk, write_orders: WriteOrders, dsn: str
) -> None:
    owner, role = desk.ledger, "paycools_offers_only"
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    prepared = desk._do(worker.prepare, None, role=role, may=["offer"])
    assert prepared.code == 0, prepared.output
    assert f"for the role {role}, which may offer" in prepared
    desk.ledger = owner.replace("postgres:@", f"{role}:@")
    assert desk.ledger != owner
    for name, lines in (("a.csv", rows(2)), ("b.csv", [["B1", *rows(1)[0][1:]]])):
        done = desk.run(write_orders(lines=lines, name=name), offer=True, by="ana")
        assert done.code == 3, done.output
        number = 1 if name == "a.csv" else 2
        assert f"Offered, and nothing was sent: batch {number}, " in done
        assert "paycools payouts release --ledger " in done
        assert f"--batch {number}" in done
    assert set(desk.states().values()) == {"offered"}
    refused = desk.release(1, yes=True, by="ana")
    assert (refused.code, desk.paid) == (2, [])
    desk.ledger = owner
    assert desk.release(1, yes=True, by="bob").code == 0
    assert paid(desk) == ["PAY000000001", "PAY000000002"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


@POSTGRES
def test_a_yes_whose_jobs_cannot_be_made_is_no_yes(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paycools_async.batch.run import worker as workers

    async def refused(self: Any, connection: Any, shards: Any) -> None:
        raise LedgerError("no jobs today")

    assert desk.run(write_orders(2), offer=True, by="ana").code == 3
    with monkeypatch.context() as context:
        context.setattr(workers._Deferring, "__call__", refused)
        done = desk.release(1, yes=True, by="bob")
    assert (done.code, "no jobs today" in done, desk.paid) == (2, True, [])
    assert set(desk.states().values()) == {"offered"}
    assert desk.release(1, yes=True, by="bob", detach=True).code == 3
    with psycopg.connect(desk.ledger) as connection:
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchall() == [(1,)]
