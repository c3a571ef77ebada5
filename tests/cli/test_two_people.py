"""Two people and two files on one ledger, at random: what is paid is what somebody said yes to, as it was shown.

A model of its own says what each command has to show, release and take back; the real commands run against a PayCools
that pays whatever it is asked. PAYCOOLS_SEQUENCES=1000 plays as many sequences, of up to thirty steps each.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support.batch import HEADER
from support.desk import Answer, Desk, Done, Payment, desk_of
from support.size import size, some

from paycools_async.cli.payouts.run.approval import Approval
from paycools_async.cli.payouts.run.choosing import BatchChoice
from paycools_async.money import format_major
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

SEQUENCES = size(4, 40, "PAYCOOLS_SEQUENCES")
PEOPLE = st.sampled_from(["ana", "bob"])
ANSWERS = st.sampled_from(["yes", "--yes", "yes", "no", "nobody there"])
OFFERS = st.sampled_from([False, False, True])
FILES = st.sampled_from(["salaries.csv", "bills.csv"])
RICH = 10**12

OFFERED, RELEASED, TAKEN_BACK = "offered", "released", "taken back"


@attrs.define
class Entry:
    """A row as somebody offered it, and what was decided."""

    payment: Payment
    batch: int
    fate: str = OFFERED


class TwoPeople(RuleBasedStateMachine):
    desk_on: Callable[[], Desk]
    folder: Path

    @initialize()
    def begin(self) -> None:
        self.desk = type(self).desk_on()
        self.desk.fake.merchant.balance = RICH
        self.files: dict[str, list[Payment]] = {"salaries.csv": [], "bills.csv": []}
        self.ledger: dict[str, Entry] = {}
        self.batches = 0
        self.numbers = 0
        for name in self.files:
            self.files[name] = [self._fresh(), self._fresh()]

    def _fresh(self) -> Payment:
        self.numbers += 1
        return Payment(f"ORDER{self.numbers}", 10_000 + self.numbers, f"0917{self.numbers:06}1")

    # -- editing a file -------------------------------------------------------------------------------------------

    @rule(name=FILES, data=st.data(), how=st.sampled_from(["add", "delete", "new id", "new amount", "copy"]))
    def edit(self, name: str, data: st.DataObject, how: str) -> None:
        rows, other = self.files[name], self.files["bills.csv" if name == "salaries.csv" else "salaries.csv"]
        place = data.draw(st.integers(0, len(rows) - 1))
        fresh, ids = self._fresh(), {each.order_id for each in rows}
        if how == "add":
            rows.append(fresh)
        elif how == "delete" and len(rows) > 1:
            del rows[place]
        elif how == "new id":
            rows[place] = attrs.evolve(rows[place], order_id=fresh.order_id)
        elif how == "new amount":
            rows[place] = attrs.evolve(rows[place], amount=fresh.amount)
        elif how == "copy":
            rows += [each for each in other[:1] if each.order_id not in ids]

    @rule(rich=st.sampled_from([True, True, False]))
    def move_money(self, rich: bool) -> None:
        merchant = self.desk.fake.merchant
        merchant.balance = RICH if rich else self.desk.fake.payouts.spent + 15_000

    # -- what the ledger has to hold ------------------------------------------------------------------------------

    def _rows(self, batch: int, *fates: str) -> list[Entry]:
        return [each for each in self.ledger.values() if each.batch == batch and each.fate in fates]

    def _unsent(self, batch: int) -> list[Entry]:
        paid = {each.order_id for each in self.desk.paid}
        return [each for each in self._rows(batch, OFFERED, RELEASED) if each.payment.order_id not in paid]

    def _driven(self, rows: list[Payment], new: list[Payment]) -> list[int] | None:
        """The batches that a run of this file drives; None where the file is refused."""
        known = [self.ledger[row.order_id] for row in rows if row not in new]
        if any(entry.payment != row for entry, row in zip(known, [r for r in rows if r not in new], strict=True)):
            return None
        ids = {row.order_id for row in rows}
        whole = [
            batch
            for batch in sorted({entry.batch for entry in known})
            if all(each.payment.order_id in ids for each in self._unsent(batch))
        ]
        # a yes releases one batch: an offered one is left out where it is not the only one
        waiting = [batch for batch in sorted({entry.batch for entry in known}) if self._rows(batch, OFFERED)]
        if new or len(waiting) > 1:
            whole = [batch for batch in whole if batch not in waiting]
        return [*([self.batches + 1] if new else []), *whole]

    def _is_new(self, row: Payment) -> bool:
        return row.order_id not in self.ledger or self.ledger[row.order_id].fate == TAKEN_BACK

    # -- commands -------------------------------------------------------------------------------------------------

    @rule(name=FILES, by=PEOPLE, how=ANSWERS, offer=OFFERS, short=st.booleans(), data=st.data())
    def run(self, name: str, by: str, how: str, offer: bool, short: bool, data: st.DataObject) -> None:
        rows = list(self.files[name])
        new = [row for row in rows if self._is_new(row)]
        driven = self._driven(rows, new)
        if driven is not None and new:
            self.batches += 1
            self.ledger.update({row.order_id: Entry(row, self.batches) for row in new})
        own = self.batches if driven is not None and new else None
        asked = self._asks(driven or [], how, by, data)
        done = self.desk.run(self._write(name), by=by, offer=offer, ignore_balance=short, concurrency=1, **asked)
        if driven is None:
            assert done.code == 2
            return
        if not offer:
            self._decided(driven, done, own)
        elif own is not None:
            assert done.code == 3
        self._check()

    @precondition(lambda self: self.batches > 0)
    @rule(by=PEOPLE, how=ANSWERS, short=st.booleans(), data=st.data())
    def release(self, by: str, how: str, short: bool, data: st.DataObject) -> None:
        batch = data.draw(st.integers(1, self.batches))
        waiting = bool(self._rows(batch, OFFERED))
        done = self.desk.release(
            batch, by=by, ignore_balance=short, concurrency=1, **self._asks([batch], how, by, data)
        )
        if waiting:
            self._decided([batch], done, None)
        else:
            assert done.code == 2
        self._check()

    @precondition(lambda self: self.batches > 0)
    @rule(by=PEOPLE, how=ANSWERS, short=st.booleans(), which=st.integers(0, 3))
    def resume(self, by: str, how: str, short: bool, which: int) -> None:
        options = self._asks([], how, by, None)
        if 0 < which <= self.batches:
            options["batch"] = [which]
        done = self.desk.resume(by=by, ignore_balance=short, concurrency=1, **options)
        assert done.line("Your yes releases: ") in ("", "0 payouts, PHP 0.00")
        self._check()

    @precondition(lambda self: self.batches > 0)
    @rule(by=PEOPLE, data=st.data(), how=st.sampled_from(["whole", "batch", "order"]))
    def withdraw(self, by: str, data: st.DataObject, how: str) -> None:
        options: dict[str, Any] = {}
        if how == "batch":
            options["batch"] = data.draw(st.integers(1, self.batches))
        elif how == "order":
            options["order_id"] = data.draw(st.sampled_from(sorted(self.ledger)))
        self._take_back(by, **options)
        self._check()

    def _take_back(self, by: str, **options: Any) -> None:
        taken = [each for batch in range(1, self.batches + 1) for each in self._unsent(batch)]
        if "batch" in options:
            taken = self._unsent(options["batch"])
        elif "order_id" in options:
            taken = [each for each in taken if each.payment.order_id == options["order_id"]]
        done = self.desk.withdraw(by=by, yes=True, **options)
        assert done.code == (0 if taken else 2), done.output
        if taken:
            assert done.line("taken back: ") == _told(taken)
        for each in taken:
            each.fate = TAKEN_BACK

    # -- at the question ------------------------------------------------------------------------------------------

    def _asks(self, batches: list[int], how: str, by: str, data: st.DataObject | None) -> dict[str, Any]:
        """A person at a terminal, or none. While one is asked, the other may take something back."""
        self.shown: list[Entry] = []
        self.agreed = how == "--yes"
        self.changed = False
        if how in ("--yes", "nobody there"):
            return {"yes": how == "--yes"}
        meddles = data is not None and bool(self.ledger) and data.draw(st.integers(0, 3)) == 0
        wanted = data.draw(st.sampled_from(sorted(self.ledger))) if meddles and data is not None else None

        def answer(question: str) -> bool:
            self.agreed = how == "yes"
            if wanted is not None:
                before = [each for batch in batches for each in self._rows(batch, OFFERED)]
                _beside(lambda: self._take_back("bob" if by == "ana" else "ana", order_id=wanted))
                self.changed = any(each.fate == TAKEN_BACK for each in before)
            return self.agreed

        found: Answer = answer
        return {"answer": found}

    def _decided(self, driven: list[int], done: Done, own: int | None) -> None:
        """What a question showed, and what has to have come of the answer."""
        waiting = [each for batch in driven for each in self._rows(batch, OFFERED)]
        shown = done.line("Your yes releases: ")
        if shown and not self.changed:
            assert shown == _told(waiting), (shown, waiting)
        released = bool(shown) and self.agreed and not self.changed and "short; nothing was sent" not in done
        if released:
            for each in waiting:
                each.fate = RELEASED
        elif shown and waiting:
            assert done.code == 2, done.output
        if own is not None and not released:
            for each in self._rows(own, OFFERED):
                each.fate = TAKEN_BACK

    def _write(self, name: str) -> Path:
        path = type(self).folder / name
        lines = [HEADER] + [
            [row.order_id, f"{row.amount / 100:.2f}", "EWALLET", "GCASH", row.account, "Juan Dela Cruz"]
            for row in self.files[name]
        ]
        path.write_text("".join(",".join(line) + "\n" for line in lines))
        return path

    # -- what has to hold -------------------------------------------------------------------------------------------

    def _check(self) -> None:
        ids = [each.order_id for each in self.desk.paid]
        assert len(ids) == len(set(ids)), "nobody is paid twice"
        for each in self.desk.paid:
            entry = self.ledger[each.order_id]
            assert entry.fate == RELEASED, f"{each.order_id} was paid, and it is {entry.fate}"
            assert entry.payment == each, "it was paid as it was shown"
        expected = {OFFERED: {"offered"}, RELEASED: {"planned", "settled"}, TAKEN_BACK: {"withdrawn"}}
        for order_id, state in self.desk.states().items():
            assert state in expected[self.ledger[order_id].fate], (order_id, state)

    def teardown(self) -> None:
        if not hasattr(self, "desk") or not self.batches:
            return
        self.desk.fake.merchant.balance = RICH
        self.desk.resume(yes=True)
        self._check()
        released = {each.payment.order_id for each in self.ledger.values() if each.fate == RELEASED}
        assert {each.order_id for each in self.desk.paid} == released, "what somebody said yes to is paid, all of it"


def _told(entries: list[Entry]) -> str:
    count = len(entries)
    amount = format_major(sum(each.payment.amount for each in entries), "PHP")
    return f"{count} payout{'' if count == 1 else 's'}, {amount}"


def _beside(work: Callable[[], None]) -> None:
    """In another thread, as this one's loop stands still."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@pytest.fixture
def ledgers(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Names of fresh ledgers."""
    return _files(tmp_path) if store == "sqlite" else _schemas(request.getfixturevalue("postgres_url"))


def _files(folder: Path) -> Iterator[str]:
    while True:
        yield str(Path(tempfile.mkdtemp(dir=folder)) / "l.db")


def _schemas(url: str) -> Iterator[str]:
    import psycopg

    number = 0
    while True:
        number += 1
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA two_people_{number}".encode())
        yield f"{url}&options=-csearch_path%3Dtwo_people_{number}"


def play(
    ledgers: Iterator[str], key: PrivateKey, folder: Path, patch: pytest.MonkeyPatch, sequences: int, **more: Any
) -> None:
    def desk_on() -> Desk:
        fake = FakePayCools(private_key=key)
        fake.merchant.enforce_unique = False
        return desk_of(fake, next(ledgers), patch)

    chosen = settings(
        max_examples=sequences,
        stateful_step_count=30,
        deadline=None,
        derandomize=sequences < 1000,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    machine = type("Machine", (TwoPeople,), {"desk_on": staticmethod(desk_on), "folder": folder})
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_what_was_paid_is_what_somebody_said_yes_to(
    ledgers: Iterator[str], key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(ledgers, key, tmp_path, monkeypatch, SEQUENCES)


async def _keeps_it(self: Any) -> None:
    """A no that takes nothing back."""


def _drives_all(self: Any, found: Any, batches: Any) -> list[int]:
    """A run that sends what other batches hold, as runs once did."""
    new = [] if found.batch is None else [found.batch]
    return [*new, *(number for number in range(1, (found.batch or 20)) if number not in new)]


def _drives_what_is_not_in_the_file(self: Any, found: Any, batches: Any) -> list[int]:
    return [*([] if found.batch is None else [found.batch]), *(offer.batch for offer in found.known_in)]


async def _agrees(self: Any, question: Any) -> bool:
    """A yes that nobody said."""
    return True


@pytest.mark.parametrize(
    ("part", "name", "mistake"),
    some(
        [
            (Approval, "take_back", _keeps_it),
            (BatchChoice, "_driven", _drives_all),
            (BatchChoice, "_driven", _drives_what_is_not_in_the_file),
            (Approval, "agreed", _agrees),
        ],
        1,
    ),
)
def test_planted_mistakes_are_found(
    ledgers: Iterator[str],
    key: PrivateKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: type[Any],
    name: str,
    mistake: Callable[..., Any],
) -> None:
    monkeypatch.setattr(part, name, mistake)
    with pytest.raises(AssertionError):
        play(ledgers, key, tmp_path, monkeypatch, 150, phases=[Phase.generate], report_multiple_bugs=False)
