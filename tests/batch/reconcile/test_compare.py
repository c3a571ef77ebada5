"""A day held against PayCools' statement: every way in which two sides can differ, and how loud each is."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, Plan, WriteOrders
from support.sandbox import ask
from typer.testing import CliRunner

from paycools_async import PayCoolsPH, TransactionStatus
from paycools_async.batch import Event, FileError, Ledger, Options, PHPayouts, Runner, State
from paycools_async.batch.ledger.row import Row
from paycools_async.batch.ledger.timeline import PayoutTimeline
from paycools_async.batch.reconcile.compare import Reconciliation, Verdict, finding_for, reconcile
from paycools_async.batch.reconcile.known import KnownOrders, read_known
from paycools_async.batch.reconcile.statements import Line, Statement, ph_statement
from paycools_async.cli.app import app
from paycools_async.testing import FakePayCools
from paycools_async.times import MANILA

DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=MANILA).timestamp()


def row(state: State, *, amount: int = 50010) -> Row:
    return Row(
        id=1,
        order_id="A1",
        intake=1,
        line=2,
        amount=amount,
        body="",
        digest="",
        state=state,
        reason=None,
        resends=0,
        inquiries=0,
        absent_since=None,
        entered=0.0,
        sent=None,
        transaction_id=None,
        code=None,
        message=None,
        updated=0.0,
    )


def line(status: str, *, order_id: str = "A1", amount: int | None = 50010, transaction: str | None = "D1") -> Line:
    return Line(order_id=order_id, transaction_id=transaction, amount=amount, status=TransactionStatus(status))


def timeline(
    order_id: str, state: State, *, sent: float = NOON, last: float | None = None, known: bool = True
) -> PayoutTimeline:
    return PayoutTimeline(
        order_id=order_id,
        amount=50010,
        state=state,
        code=None,
        message=None,
        transaction_id="D9" if known else None,
        sent=sent,
        last_sent=sent,
        accepted=None,
        final=None,
    )


@pytest.mark.parametrize(
    ("state", "status", "verdict"),
    [
        (State.SETTLED, "COMPLETE", Verdict.AGREES),
        (State.FAILED, "FAILED", Verdict.AGREES),
        (State.FAILED, "CLOSED", Verdict.AGREES),
        (State.ACCEPTED, "PENDING", Verdict.AGREES),
        (State.ACCEPTED, "COMPLETE", Verdict.BEHIND),
        (State.ACCEPTED, "FAILED", Verdict.BEHIND),
        (State.UNKNOWN, "COMPLETE", Verdict.BEHIND),
        (State.SENDING, "PENDING", Verdict.BEHIND),
        (State.PLANNED, "FAILED", Verdict.BEHIND),
        (State.SETTLED, "FAILED", Verdict.STATE),
        (State.SETTLED, "PENDING", Verdict.STATE),
        (State.SETTLED, "NEW_WORD", Verdict.STATE),
        (State.CONFLICT, "COMPLETE", Verdict.STATE),
        (State.FAILED, "COMPLETE", Verdict.PAID_THERE),
        (State.FAILED, "PENDING", Verdict.PAID_THERE),
        (State.PLANNED, "COMPLETE", Verdict.PAID_THERE),
        (State.PLANNED, "PENDING", Verdict.PAID_THERE),
    ],
)
def test_what_each_pair_of_states_comes_to(state: State, status: str, verdict: Verdict) -> None:
    assert finding_for(line(status), row(state)).verdict is verdict


@pytest.mark.parametrize("amount", [50011, None])
def test_an_amount_that_is_not_ours_to_the_centavo_differs(amount: int | None) -> None:
    finding = finding_for(line("COMPLETE", amount=amount), row(State.SETTLED))
    assert finding.verdict is Verdict.AMOUNT
    assert finding.our_amount == 50010


def test_what_no_ledger_has_is_theirs_only() -> None:
    finding = finding_for(line("COMPLETE"), None)
    assert (finding.verdict, finding.their_amount, finding.our_state) == (Verdict.THEIRS_ONLY, 50010, None)


async def held(
    *lines: Line, rows: dict[str, Row] | None = None, timelines: list[PayoutTimeline] | None = None, **days: Any
) -> Reconciliation:
    """The day's statement held against rows; `prior` and `later` are the neighbouring days'."""
    asked = {DAY: list(lines), date(2026, 3, 1): days.get("prior", []), date(2026, 3, 3): days.get("later", [])}

    async def statement(day: date) -> AsyncIterator[Line]:
        for each in asked[day]:
            yield each

    async def find(order_id: str) -> Row | None:
        return (rows or {}).get(order_id)

    return await reconcile(DAY, Statement(lines=statement, currency="PHP"), find, timelines or [])


async def test_agreement_is_exit_0() -> None:
    found = await held(line("COMPLETE"), rows={"A1": row(State.SETTLED)}, timelines=[timeline("A1", State.SETTLED)])
    assert (found.counts, found.exit_code) == ({Verdict.AGREES: (1, 50010)}, 0)
    assert (await held()).exit_code == 0


async def test_theirs_only_is_the_alarm_and_exit_1() -> None:
    found = await held(line("COMPLETE"), timelines=[timeline("B1", State.SETTLED)])
    assert found.counts == {Verdict.THEIRS_ONLY: (1, 50010), Verdict.OURS_ONLY: (1, 50010)}
    assert found.exit_code == 1
    assert [finding.order_id for finding in found.examples[Verdict.THEIRS_ONLY]] == ["A1"]


async def test_ours_only_is_exit_3() -> None:
    found = await held(timelines=[timeline("B1", State.ACCEPTED), timeline("B2", State.FAILED)])
    assert (found.counts, found.exit_code) == ({Verdict.OURS_ONLY: (2, 100020)}, 3)


async def test_what_paycools_never_took_and_other_days_payouts_are_not_missed() -> None:
    timelines = [
        timeline("B1", State.FAILED, known=False),
        timeline("B2", State.UNKNOWN, known=False),
        timeline("B3", State.SETTLED, sent=NOON - 86400),
    ]
    assert (await held(timelines=timelines)).counts == {}


async def test_an_order_id_twice_in_the_statement_is_an_alarm_unless_one_of_them_failed() -> None:
    ours = {"A1": row(State.SETTLED)}
    twice = await held(line("COMPLETE"), line("COMPLETE", transaction="D2"), rows=ours)
    assert (set(twice.counts), twice.exit_code) == ({Verdict.AGREES, Verdict.TWICE}, 1)
    page_again = await held(line("COMPLETE"), line("COMPLETE"), rows=ours)
    assert (page_again.counts, page_again.exit_code) == ({Verdict.AGREES: (1, 50010)}, 0)
    nameless = await held(line("COMPLETE", transaction=None), line("COMPLETE", transaction=None), rows=ours)
    assert Verdict.TWICE in nameless.counts, "two lines that only might be one are an alarm"
    failed_first = await held(line("FAILED"), line("COMPLETE", transaction="D2"), rows=ours)
    assert Verdict.TWICE not in failed_first.counts


async def test_around_midnight_the_neighbouring_day_is_asked_too() -> None:
    late = datetime(2026, 3, 2, 23, 59, 58, tzinfo=MANILA).timestamp()
    early = datetime(2026, 3, 2, 0, 0, 1, tzinfo=MANILA).timestamp()
    found = await held(
        timelines=[timeline("B1", State.SETTLED, sent=late), timeline("B2", State.SETTLED, sent=early)],
        later=[line("COMPLETE", order_id="B1")],
        prior=[line("COMPLETE", order_id="B2")],
    )
    assert (found.counts, found.exit_code) == ({}, 0)
    missing = await held(timelines=[timeline("B1", State.SETTLED, sent=late)])
    assert missing.counts == {Verdict.OURS_ONLY: (1, 50010)}


@STORES
async def test_timelines_tell_when_a_payout_was_sent_accepted_and_final(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 3
    fake.faults.drop_before(next=1, only="ph.payout.create")
    await plan(write_orders(3))
    await Runner(api, ledger, Options(concurrency=1), clock=fake.clock).run()
    timelines = [found for page in ledger.timelines() for found in page]
    assert [(found.order_id, found.state, found.amount) for found in timelines] == [
        (f"PAY{n:09}", State.SETTLED, 50010) for n in (1, 2, 3)
    ]
    first, second, _ = timelines
    assert first.last_sent - first.sent >= 5, "sent again after two inquiries"
    assert second.sent == second.last_sent
    for found in timelines:
        assert found.accepted is not None
        assert found.final is not None
        assert found.last_sent <= found.accepted <= found.final


@STORES
async def test_a_refused_payout_is_answered_and_final_at_once(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    [first, _] = await ledger.claim([State.PLANNED], 2, max_resends=9)
    await ledger.move(await ledger.move(first, Event.SEND), Event.REJECTED, code=1007, message="too much")
    [[found]] = ledger.timelines()
    assert (found.code, found.message, found.state) == (1007, "too much", State.FAILED)
    assert found.accepted == found.final is not None


@STORES
async def test_a_run_against_the_fake_agrees_to_the_centavo(
    api: PHPayouts,
    ledger: Ledger,
    fake: FakePayCools,
    plan: Plan,
    write_orders: WriteOrders,
    paycools: PayCoolsPH,
) -> None:
    await plan(write_orders(120, name="many.csv"))
    await Runner(api, ledger, Options(concurrency=9), clock=fake.clock).run()
    day = datetime.fromtimestamp(fake.clock.time(), MANILA).date()

    async def find(order_id: str) -> Row | None:
        return await ledger.get(order_id)

    def timelines() -> Any:
        return (found for page in ledger.timelines() for found in page)

    statement = ph_statement(paycools)
    found = await reconcile(day, statement, find, timelines())
    assert (found.counts, found.exit_code) == ({Verdict.AGREES: (120, 120 * 50010)}, 0)
    await paycools.payouts.create(
        mch_order_id="STRANGER1",
        amount=100,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09170000011",
        account_name="Juan Dela Cruz",
    )
    found = await reconcile(day, statement, find, timelines())
    assert found.counts[Verdict.THEIRS_ONLY] == (1, 100)


def test_the_command_holds_a_sandbox_run_against_its_statement(
    tmp_path: Path, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["payouts", *arguments])

    paid = run("run", str(write_orders(5)), "--sandbox", "--ledger", "l.db", "--yes")
    assert paid.exit_code == 0, paid.output
    journal = tmp_path / "l.db.sandbox"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    day = datetime.fromtimestamp(lines[0]["created"], MANILA).date().isoformat()
    reconciling = ("reconcile", "--ledger", "l.db", "--date", day, "--sandbox")
    agreed = run(*reconciling, "--report", "out")
    assert agreed.exit_code == 0, agreed.output
    assert "agrees:        5" in agreed.output
    with (tmp_path / "out" / "reconciliation.csv").open() as file:
        report = list(csv.DictReader(file))
    assert {(line["verdict"], line["our_amount"], line["their_amount"]) for line in report} == {
        ("agrees", "500.10", "500.10")
    }
    journal.write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines[1:], {**lines[0], "order_id": "STRANGER", "amount": 7700}])
    )
    alarm = run(*reconciling)
    assert alarm.exit_code == 1
    assert "theirs only: STRANGER: here -, there COMPLETE PHP 77.00" in alarm.stderr
    assert "ours only: PAY" in alarm.stdout
    assert "ALARM" in alarm.stderr
    told = json.loads(run(*reconciling, "--json").stdout)
    assert (told["alarm"], told["exit_code"], told["verdicts"]["theirs only"]["amount"]) == (True, 1, "77.00")
    (tmp_path / "others.csv").write_text("mch_order_id,amount\nSTRANGER,77.00\n")
    known = run(*reconciling, "--known", "others.csv")
    assert (known.exit_code, "ALARM" in known.stderr) == (3, False), known.output
    assert "known elsewhere:        1                 PHP 77.00" in known.stdout
    missing = run(*reconciling, "--known", "none.csv")
    assert (missing.exit_code, missing.stderr) == (2, "error: none.csv: cannot be read: No such file or directory\n")


def test_the_command_reads_a_postgres_ledger(
    tmp_path: Path,
    dsn: str,
    sandbox: tuple[str, dict[str, str]],
    write_orders: WriteOrders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base_url, env = sandbox
    other_ledger = str(tmp_path / "other.db")
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["payouts", *arguments])

    paid = run("run", str(write_orders(5)), "--ledger", dsn, "--yes")
    assert paid.exit_code == 0, paid.output
    created = ask(f"{base_url}/_sandbox/books")["payouts"][0]["created"]
    day = datetime.fromtimestamp(created, MANILA).date().isoformat()
    agreed = run("reconcile", "--ledger", dsn, "--date", day)
    assert agreed.exit_code == 0, agreed.output
    assert "agrees:        5" in agreed.output
    lines = [["STRANGER1", "77", "EWALLET", "GCASH", "09170000011", "Juan Dela Cruz"]]
    other = run("run", str(write_orders(lines=lines, name="other.csv")), "--ledger", other_ledger, "--yes")
    assert other.exit_code == 0, other.output
    alarm = run("reconcile", "--ledger", dsn, "--date", day)
    assert alarm.exit_code == 1, alarm.output
    assert "theirs only: STRANGER1: here -, there COMPLETE PHP 77.00" in alarm.stderr
    both = run("reconcile", "--ledger", dsn, "--ledger", other_ledger, "--date", day)
    assert both.exit_code == 0, both.output
    assert "agrees:        6" in both.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--date", "2 March"), "give a day as yyyy-MM-dd"),
        (("--date", "2026-03-02", "--api", "global"), "needs --country"),
        (("--date", "2026-03-02", "--minor"), "say how to read the Global API's report"),
        (("--date", "2026-03-02", "--api", "global", "--country", "ID", "--column", "sum=x"), "give FIELD=HEADER"),
        (("--date", "2026-03-02", "--sandbox"), "there is no such ledger"),
    ],
)
def test_what_cannot_be_reconciled_is_told_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["payouts", "reconcile", "--ledger", "none.db", *arguments])
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("status", "known", "verdict"),
    [
        ("COMPLETE", KnownOrders({}), Verdict.THEIRS_ONLY),
        ("PENDING", KnownOrders({}), Verdict.THEIRS_ONLY),
        ("FAILED", KnownOrders({}), Verdict.OTHERS_FAILED),
        ("CLOSED", KnownOrders({}), Verdict.OTHERS_FAILED),
        ("COMPLETE", KnownOrders({"A1": None}), Verdict.KNOWN),
        ("COMPLETE", KnownOrders({"A1": 50010}), Verdict.KNOWN),
        ("COMPLETE", KnownOrders({"A1": 50011}), Verdict.AMOUNT),
        ("COMPLETE", KnownOrders({"A2": 50010}), Verdict.THEIRS_ONLY),
    ],
)
def test_what_others_paid_is_no_alarm_where_it_is_known_or_failed(
    status: str, known: KnownOrders, verdict: Verdict
) -> None:
    assert finding_for(line(status), None, known).verdict is verdict


@pytest.mark.parametrize("state", [State.FAILED, State.PLANNED, State.PREEXISTING])
def test_a_known_order_that_a_ledger_has_too_is_the_ledgers(state: State) -> None:
    assert finding_for(line("COMPLETE"), row(state), KnownOrders({"A1": 50010})).verdict is Verdict.PAID_THERE


async def test_known_and_failed_ones_of_others_are_in_order_and_a_known_one_twice_is_not() -> None:
    async def find(_: str) -> None:
        return None

    def statement(*lines: Line) -> Statement:
        async def listed(_: date) -> AsyncIterator[Line]:
            for each in lines:
                yield each

        return Statement(lines=listed, currency="PHP")

    known = KnownOrders({"A1": None})
    fine = statement(line("COMPLETE"), line("FAILED", order_id="X9", transaction="D2"))
    found = await reconcile(DAY, fine, find, [], known=known)
    assert (found.exit_code, found.examples[Verdict.KNOWN]) == (0, [])
    twice = statement(line("COMPLETE"), line("COMPLETE", transaction="D2"))
    assert (await reconcile(DAY, twice, find, [], known=known)).exit_code == 1


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("A1\nA2\n\n", {"A1": None, "A2": None}),
        ("mch_order_id,amount\nA1,500.10\nA2,\n", {"A1": 50010, "A2": None}),
        ("\ufeffName;Merchant Order ID;Amount Minor\nx;A1;7\n", {"A1": 7}),
        ("", None),
        ("a,b\n1,2\n", None),
        ("mch_order_id,amount\nA1,5\nA1,6\n", None),
        ("mch_order_id,amount\nA1,-5\n", None),
        ("mch_order_id,amount_minor\nA1,1_0\n", None),
    ],
)
def test_a_list_of_known_orders_is_ids_or_a_payout_file(
    text: str, amounts: dict[str, int | None] | None, tmp_path: Path
) -> None:
    path = tmp_path / "known.csv"
    path.write_text(text, "utf-8")
    if amounts is None:
        with pytest.raises(FileError):
            read_known([path], "PHP")
    else:
        assert read_known([path], "PHP").amounts == amounts
