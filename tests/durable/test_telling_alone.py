"""Telling by itself, beside a ledger that does what a test says: whom it asks for, when, and after which pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.rows import row

from paycools_async.batch.ledger.application import AlreadyAcknowledged, Kept, StuckRule
from paycools_async.batch.ledger.base import LedgerError
from paycools_async.batch.states import State
from paycools_async.durable import in_transaction
from paycools_async.durable.telling import Telling

RULE = StuckRule(max_resends=1, sent_before=0.0)


def settled(number: int = 1, **changes: Any) -> Kept:
    return Kept(row(id=number, order_id=f"PAY{number}", state=State.SETTLED), "", **changes)


class Ledger:
    """Answers what stands in it, raises what it is given to raise, and writes down what it is asked."""

    def __init__(self) -> None:
        self.waiting: list[Kept] = []
        self.stuck: list[Kept] = []
        self.failing: list[Exception] = []
        self.failing_writes: list[Exception] = []
        self.asked: list[tuple[int, tuple[int, ...], float]] = []
        self.asked_for_stuck: list[tuple[int, tuple[int, ...], float]] = []
        self.acknowledged: list[int] = []
        self.postponed: list[tuple[int, float]] = []

    async def due(self, limit: int, held: tuple[int, ...], within: float) -> list[Kept]:
        self.asked.append((limit, held, within))
        if self.failing:
            raise self.failing.pop(0)
        return [each for each in self.waiting if each.row.id not in held][:limit]

    async def due_stuck(self, limit: int, held: tuple[int, ...], within: float, rule: StuckRule) -> list[Kept]:
        assert rule is RULE
        self.asked_for_stuck.append((limit, held, within))
        found, self.stuck = self.stuck[:limit], self.stuck[limit:]
        return found

    async def acknowledge(self, kept: Kept, work: Any = ()) -> None:
        if kept.row.id in self.acknowledged:
            raise AlreadyAcknowledged("before")
        self._mark(kept)

    async def acknowledge_within(self, connection: Any, kept: Kept) -> None:
        if connection == "commits":
            self._mark(kept)

    def _mark(self, kept: Kept) -> None:
        self.acknowledged.append(kept.row.id)
        self.waiting = [each for each in self.waiting if each.row.id != kept.row.id]

    async def is_marked(self, kept: Kept) -> bool:
        return kept.row.id in self.acknowledged

    async def postpone(self, kept: Kept, seconds: float) -> None:
        if self.failing_writes:
            raise self.failing_writes.pop(0)
        self.postponed.append((kept.row.id, seconds))


Open = Callable[..., Telling[Any]]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def open_telling(ledger: Ledger) -> AsyncIterator[Open]:
    opened: list[Telling[Any]] = []

    def open_one(handler: Any = None, **options: Any) -> Telling[Any]:
        values = {"concurrency": 2, "limit": 5.0, "poll": 3600.0, **options}
        found: Telling[Any] = Telling(ledger, lambda kept, rule: kept, lambda: RULE, **values)  # type: ignore[arg-type]
        found.handler = handler
        found.start()
        opened.append(found)
        return found

    yield open_one
    for each in opened:
        await each.stop(0.0)


async def turns() -> None:
    """All that can go on without time passing does."""
    for _ in range(40):
        await asyncio.sleep(0)


class Clock:
    """The loop's clock, which goes on when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self.began = self.now
        monkeypatch.setattr(loop, "time", lambda: self.now)

    async def at(self, seconds: float) -> None:
        self.now = self.began + seconds
        await turns()


async def test_it_asks_for_as_many_as_have_room_and_without_those_that_are_being_told(
    ledger: Ledger, open_telling: Open
) -> None:
    told: list[int] = []
    go_on = asyncio.Event()

    async def handler(kept: Kept) -> None:
        told.append(kept.row.id)
        if kept.row.id != 2:
            await go_on.wait()

    ledger.waiting = [settled(1), settled(2), settled(3), settled(4)]
    telling = open_telling(handler)
    await turns()
    assert told == [1, 2, 3]
    assert ledger.asked == [(2, (), 15.0), (1, (1,), 15.0)]
    assert ledger.asked_for_stuck == [], "where there is no room for them they are not looked for"
    telling.changed.set()
    await turns()
    assert len(ledger.asked) == 2, "nor is anything where all are at work"
    go_on.set()
    await turns()
    assert (told, ledger.acknowledged) == ([1, 2, 3, 4], [2, 1, 3, 4])


async def test_without_a_handler_nothing_is_asked_for(ledger: Ledger, open_telling: Open) -> None:
    ledger.waiting = [settled()]
    open_telling()
    await turns()
    assert (ledger.asked, ledger.asked_for_stuck) == ([], [])


async def test_those_that_wait_for_a_person_are_looked_for_every_tenth_poll(
    ledger: Ledger, open_telling: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    async def handler(kept: Kept) -> None:
        told.append(kept.row.id)

    clock = Clock(monkeypatch)
    ledger.waiting, ledger.stuck = [settled(1)], [settled(7), settled(8)]
    telling = open_telling(handler, poll=2.0)
    for moment, count in ((0.0, 1), (19.99, 1), (20.0, 2), (39.99, 2), (40.0, 3)):
        telling.changed.set()
        await clock.at(moment)
        assert len(ledger.asked_for_stuck) == count
    assert ledger.asked_for_stuck[0] == (1, (), 15.0), "beside the one that is due"
    assert (told, ledger.acknowledged) == ([1, 7, 8], [1, 7, 8])


async def test_the_pause_after_a_failure_doubles_up_to_five_minutes_and_begins_anew_after_a_success(
    ledger: Ledger, open_telling: Open
) -> None:
    failures = 1100

    async def handler(kept: Kept) -> None:
        if len(ledger.postponed) not in (failures, failures + 1):
            raise ValueError

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    while len(ledger.postponed) < failures:
        await turns()
    pauses = [seconds for _, seconds in ledger.postponed]
    assert pauses[:11] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]
    assert set(pauses[11:]) == {300.0}
    await turns()
    assert (ledger.acknowledged, telling.problem) == ([1], None)
    ledger.acknowledged.clear()
    ledger.postponed.clear()
    ledger.waiting = [settled()]
    telling.changed.set()
    await turns()
    assert ledger.postponed[0] == (1, 1.0)


async def test_a_ledger_that_goes_and_comes_back_is_one_entry_each(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None: ...

    caplog.set_level(logging.INFO)
    ledger.failing = [LedgerError("payouts.db is locked"), OSError("secret"), LedgerError("payouts.db is locked")]
    telling = open_telling(handler)
    problems: list[str | None] = []
    for _ in range(5):
        await turns()
        problems.append(telling.problem)
        telling.changed.set()
    assert problems == ["payouts.db is locked", "OSError", "payouts.db is locked", None, None]
    assert [record.getMessage() for record in caplog.records] == [
        "the application is told nothing for now: payouts.db is locked",
        "the application is told again of what became of its orders",
    ]


async def test_a_failure_is_known_until_the_next_success(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None:
        if not ledger.postponed:
            raise ValueError

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    while not ledger.postponed:
        await asyncio.sleep(0)
    assert telling.problem == "ValueError"
    await turns()
    assert telling.problem is None
    assert "order PAY1 is settled, and told again in 1 seconds: ValueError" in caplog.text


async def test_what_the_ledger_could_not_mark_is_told_again_and_said_in_a_line(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    mark = ledger.acknowledge

    async def fails_once(kept: Kept, work: Any = ()) -> None:
        if len(calls) == 1:
            raise LedgerError("payouts.db was not written")
        await mark(kept, work)

    async def handler(kept: Kept) -> None:
        calls.append(kept.row.id)

    monkeypatch.setattr(ledger, "acknowledge", fails_once)
    ledger.waiting = [settled()]
    open_telling(handler)
    await turns()
    assert (calls, ledger.postponed, ledger.acknowledged) == ([1, 1], [(1, 1.0)], [1])
    [entry] = caplog.records
    assert (entry.levelname, entry.getMessage()) == (
        "WARNING",
        "order PAY1 is settled, and told again in 1 seconds: payouts.db was not written",
    )


async def test_where_the_pause_cannot_be_written_either_that_is_tried_each_second(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(kept: Kept) -> None:
        if not ledger.postponed:
            raise LedgerError("payouts.db is locked")

    clock = Clock(monkeypatch)
    ledger.waiting = [settled()]
    ledger.failing_writes = [LedgerError("gone"), OSError()]
    telling = open_telling(handler)
    for moment, left, problem in ((0.0, 1, "gone"), (0.99, 1, "gone"), (1.0, 0, "OSError"), (1.99, 0, "OSError")):
        await clock.at(moment)
        assert (len(ledger.failing_writes), telling.problem, ledger.postponed) == (left, problem, [])
    await clock.at(2.0)
    assert (ledger.postponed, ledger.acknowledged) == ([(1, 1.0)], [1])
    assert [record.getMessage() for record in caplog.records] == [
        "the application is told nothing for now: gone",
        "the application is told again of what became of its orders",
    ]


@pytest.mark.parametrize("gives_work", [True, False])
async def test_an_applications_own_work_has_the_handlers_time_and_a_mark_alone_is_waited_for(
    ledger: Ledger,
    open_telling: Open,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    gives_work: bool,
) -> None:
    gate, mark = asyncio.Event(), ledger.acknowledge

    async def slow(kept: Kept, work: Any = ()) -> None:
        assert bool(work) is gives_work
        if not ledger.postponed:
            await gate.wait()
        await mark(kept, work)

    async def handler(kept: Kept) -> None:
        if gives_work:
            in_transaction(lambda connection: None)

    clock = Clock(monkeypatch)
    monkeypatch.setattr(ledger, "acknowledge", slow)
    ledger.waiting = [settled()]
    open_telling(handler)
    await turns()
    await clock.at(4.99)
    assert ledger.postponed == []
    await clock.at(5.0)
    assert ledger.postponed == ([(1, 1.0)] if gives_work else [])
    assert ("told again in 1 seconds: TimeoutError" in caplog.text) is gives_work
    gate.set()
    await turns()
    assert ledger.acknowledged == [1]


async def test_what_was_overtaken_is_marked_and_no_handler_hears_of_it(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None:
        raise AssertionError("nobody is told")

    caplog.set_level(logging.INFO)
    ledger.waiting = [settled(overtaken=True)]
    open_telling(handler)
    await turns()
    assert (ledger.acknowledged, ledger.postponed) == ([1], [])
    assert "order PAY1 was submitted again: that it was withdrawn is not told" in caplog.text


async def test_what_another_process_marked_meanwhile_is_no_failure(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None:
        await Ledger.acknowledge(ledger, kept)

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (ledger.postponed, telling.problem, caplog.records) == ([], None, [])


@pytest.mark.parametrize("marked", [True, False])
async def test_a_handler_that_says_it_is_acknowledged_is_believed_where_it_is(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture, marked: bool
) -> None:
    async def handler(kept: Kept) -> None:
        if marked:
            await Ledger.acknowledge(ledger, kept)
        if not ledger.postponed:
            raise AlreadyAcknowledged("before")

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (ledger.postponed, ledger.acknowledged, telling.problem) == ([] if marked else [(1, 1.0)], [1], None)
    assert ("this is not acknowledged: acknowledge each payout once" in caplog.text) is not marked


@pytest.mark.parametrize(("connection", "again"), [("commits", False), ("rolls back", True)])
async def test_a_handler_that_fails_after_its_mark_is_called_again_only_where_that_is_not_committed(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture, connection: str, again: bool
) -> None:
    calls: list[int] = []

    async def handler(kept: Kept) -> None:
        calls.append(kept.row.id)
        if len(calls) == 1:
            await telling.acknowledge(kept, connection)
            raise ValueError

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (len(calls), len(ledger.postponed), ledger.acknowledged) == (1 + again, int(again), [1])
    told = "told again in 1 seconds" if again else "is acknowledged and not told again"
    assert f"{told}: ValueError" in caplog.text
    assert telling.problem == (None if again else "ValueError")


async def test_after_a_mark_the_next_word_of_the_same_order_begins_with_the_shortest_pause(
    ledger: Ledger, open_telling: Open
) -> None:
    """However the handler ended that made it."""
    calls: list[int] = []

    async def handler(kept: Kept) -> None:
        calls.append(kept.row.id)
        if len(calls) == 3:
            await telling.acknowledge(kept, "commits")
        if len(calls) < 5:
            raise ValueError

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (len(calls), ledger.postponed) == (3, [(1, 1.0), (1, 2.0)])
    ledger.acknowledged.clear()
    ledger.waiting = [settled()]
    telling.changed.set()
    await turns()
    assert (len(calls), ledger.postponed[2:], ledger.acknowledged) == (5, [(1, 1.0)], [1])


async def test_where_it_cannot_be_seen_whether_that_is_committed_it_is_told_again(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_away(kept: Kept) -> bool:
        raise LedgerError("payouts.db is locked")

    async def handler(kept: Kept) -> None:
        if not ledger.postponed:
            await telling.acknowledge(kept, "rolls back")
            raise ValueError

    monkeypatch.setattr(ledger, "is_marked", is_away)
    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (ledger.postponed, ledger.acknowledged) == ([(1, 1.0)], [1])
    assert "told again in 1 seconds: ValueError" in caplog.text


async def test_a_handler_that_marks_and_rolls_back_is_told_so(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    async def handler(kept: Kept) -> None:
        calls.append(kept.row.id)
        await telling.acknowledge(kept, "commits" if len(calls) == 2 else "rolls back")

    ledger.waiting = [settled()]
    telling = open_telling(handler)
    await turns()
    assert (calls, ledger.postponed, ledger.acknowledged) == ([1, 1], [(1, 1.0)], [1])
    assert "the handler has acknowledged the payout and not committed that" in caplog.text


async def test_a_handler_that_ends_with_what_is_no_exception_is_named_by_that(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None:
        if not ledger.postponed:
            raise SystemExit(3)

    ledger.waiting = [settled()]
    open_telling(handler)
    await turns()
    assert "order PAY1 is settled, and told again in 1 seconds: SystemExit\n" in caplog.text
    assert ledger.acknowledged == [1]


async def test_an_error_that_came_of_another_is_named_itself(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(kept: Kept) -> None:
        if not ledger.postponed:
            raise ValueError from KeyError()

    ledger.waiting = [settled()]
    open_telling(handler)
    await turns()
    assert "told again in 1 seconds: ValueError\n" in caplog.text


async def test_it_stops_what_is_at_work_after_the_time_that_it_is_given(
    ledger: Ledger, open_telling: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """And what ends in that time is marked."""
    ended: list[int] = []

    async def handler(kept: Kept) -> None:
        try:
            await (asyncio.sleep(0.05) if kept.row.id == 1 else asyncio.Event().wait())
        finally:
            ended.append(kept.row.id)

    ledger.waiting = [settled(1), settled(2), settled(3)]
    telling = open_telling(handler)
    await turns()
    await telling.stop(0.5)
    assert (ended, ledger.acknowledged, ledger.postponed) == ([1, 2], [1], [])
    assert len(ledger.asked) == 1, "and nothing new is begun"
    await telling.stop(0.0)
