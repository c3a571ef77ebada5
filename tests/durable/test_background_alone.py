"""The background by itself, beside a run and a ledger that do what a test says: what it does, and after which pause."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from durable.test_telling_alone import Clock, turns
from support.rows import row

from paycools_async.batch.ledger.base import LedgerError
from paycools_async.batch.run.options import Options
from paycools_async.durable import background
from paycools_async.durable.background import Background, end


class Run:
    """A run that goes on until it is told to end."""

    made: list[Run]

    def __init__(self, *_: Any, **options: Any) -> None:
        self.options = options
        self.stopped: str | None = None
        self.longest_lag = 7.0
        self.woken = self.resumed = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.obeys = True
        Run.made.append(self)

    async def drive(self) -> None:
        await self.ended

    def wake(self) -> None:
        self.woken += 1

    def resume(self) -> None:
        self.resumed += 1
        self.stopped = None

    def stop(self, reason: str) -> None:
        self.stopped = reason
        if self.obeys and not self.ended.done():
            self.ended.set_result(None)


class Ledger:
    """Is paused, and fails, as a test says."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.fault: Exception | None = None
        self.resumed = 0

    async def paused(self) -> str | None:
        if self.fault is not None:
            raise self.fault
        return self.reason

    async def resume_sending(self) -> None:
        self.resumed += 1
        self.reason = None


Build = Callable[..., Background]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(monkeypatch)
    found.began = found.now = float(math.ceil(found.now))
    return found


@pytest.fixture
async def build(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Build]:
    monkeypatch.setattr(background, "Runner", Run)
    Run.made = []
    built: list[Background] = []

    def build_one(**options: Any) -> Background:
        values = {"clock": None, "pace": None, "poll": 1.0, "on_move": lambda row: None, **options}
        built.append(Background(None, ledger, Options(), **values))  # type: ignore[arg-type]
        return built[-1]

    yield build_one
    for each in built:
        await each.stop(0.0)


@pytest.fixture
async def started(build: Build, clock: Clock) -> Background:
    found = build()
    await found.start()
    await clock.at(0)
    return found


def last() -> Run:
    return Run.made[-1]


# -- pauses ------------------------------------------------------------------------------------------------------------


async def test_a_pause_lasts_five_seconds_and_ends_at_its_moment(
    started: Any, ledger: Ledger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert (started.paused, started.resumes_in, ledger.resumed) == (None, None, 1)
    last().stopped = "the balance is short"
    ledger.reason = "of the ledger"
    await clock.at(1)
    assert (started.paused, started.resumes_in) == ("the balance is short", 5.0)
    await clock.at(5.75)
    assert (started.paused, started.resumes_in, last().resumed) == ("the balance is short", 0.25, 0)
    clock.now += 10
    assert started.resumes_in == 0.0
    await turns()
    assert (started.paused, started.resumes_in, last().resumed, ledger.resumed) == (None, None, 1, 2)
    assert caplog.text.count("sending of payouts is paused, and tried again in 5 seconds: the balance is short") == 1


async def test_it_is_over_at_the_very_moment(started: Background, ledger: Ledger, clock: Clock) -> None:
    ledger.reason = "somebody else's"
    await clock.at(1)
    assert started.paused == "somebody else's"
    for second in (2, 3, 4, 5):
        await clock.at(second)
    assert started.paused == "somebody else's"
    await clock.at(6)
    assert started.paused is None


async def test_each_pause_is_twice_as_long_up_to_five_minutes(started: Background, clock: Clock) -> None:
    pauses = []
    for second in range(1, 9):
        last().stopped = "short"
        await clock.at(second)
        pauses.append(started.resumes_in)
        await started.resume()
        assert (started.paused, started.resumes_in) == (None, None)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


@pytest.mark.parametrize(("quiet", "pause"), [(20, 10.0), (21, 5.0)])
async def test_after_more_than_twenty_quiet_seconds_a_pause_is_short_again(
    started: Background, clock: Clock, quiet: int, pause: float
) -> None:
    last().stopped = "short"
    await clock.at(1)
    await started.resume()
    for second in range(2, quiet + 2):
        await clock.at(second)
    last().stopped = "short"
    await clock.at(quiet + 2)
    assert started.resumes_in == pause


async def test_after_a_long_pause_so_long_must_have_been_quiet(started: Background, clock: Clock) -> None:
    for second in (1, 2, 3):
        last().stopped = "short"
        await clock.at(second)
        await started.resume()
    await clock.at(43)
    last().stopped = "short"
    await clock.at(44)
    assert started.resumes_in == 40.0
    await started.resume()


# -- faults ------------------------------------------------------------------------------------------------------------


async def fail(clock: Clock, at: float, error: Exception | None = None) -> None:
    await clock.at(at)
    last().ended.set_exception(error or LedgerError("the disk is full"))
    await turns()


async def test_a_run_that_fails_is_begun_again_after_twice_the_time_up_to_ten_seconds(
    started: Background, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    failed = 0.0
    for pause in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        runs = len(Run.made)
        await fail(clock, failed)
        await clock.at(failed + pause - 0.25)
        assert len(Run.made) == runs
        failed += pause
        await clock.at(failed)
        assert len(Run.made) == runs + 1
    assert caplog.text.count("payouts are not sent for now: the disk is full") == 1
    for lasted, pause in ((10.0, 10.0), (10.25, 0.5), (0.0, 1.0)):
        runs = len(Run.made)
        await fail(clock, failed + lasted)
        await clock.at(failed + lasted + pause - 0.25)
        assert len(Run.made) == runs
        failed += lasted + pause
        await clock.at(failed)
        assert len(Run.made) == runs + 1
    assert {run.options["lasting"] for run in Run.made} == {True}
    assert started.running


async def test_a_fault_is_said_once_and_by_its_kind_where_its_text_is_not_ours(
    started: Background, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    await fail(clock, 0, RuntimeError("a password"))
    assert started.last_error == "RuntimeError"
    await fail(clock, 1, RuntimeError("a password"))
    await fail(clock, 3, LedgerError("the disk is full"))
    assert started.last_error == "the disk is full"
    assert [record.getMessage() for record in caplog.records] == [
        "payouts are not sent for now: RuntimeError",
        "payouts are not sent for now: the disk is full",
    ]


async def test_a_fault_is_over_when_a_move_is_written_or_twenty_seconds_later(
    build: Build, ledger: Ledger, clock: Clock
) -> None:
    moved: list[str] = []
    found = build(on_move=lambda row: moved.append(row.order_id))
    await found.start()
    await fail(clock, 0)
    for second in range(1, 21):
        await clock.at(second)
        assert found.last_error == "the disk is full"
    await clock.at(21)
    assert found.last_error is None
    ledger.fault = LedgerError("it is away")
    await clock.at(22)
    assert found.last_error == "it is away"
    last().options["on_move"](row(order_id="PAY1"))
    gone = found.last_error
    assert (gone, moved) == (None, ["PAY1"])
    await clock.at(23)
    assert found.running
    assert str(found.last_error) == "it is away"


async def test_a_run_that_stopped_itself_is_begun_again_when_the_pause_ends(started: Background, clock: Clock) -> None:
    last().stop("the key is refused")
    for second in (1, 2, 3, 4, 5):
        await clock.at(second)
    assert (len(Run.made), started.paused, started.running) == (1, "the key is refused", True)
    await clock.at(6)
    assert (len(Run.made), started.paused) == (2, None)
    await clock.at(30)
    assert len(Run.made) == 2


# -- what is submitted -------------------------------------------------------------------------------------------------


async def test_after_a_submission_in_a_transaction_it_looks_often_for_five_seconds(
    started: Background, clock: Clock
) -> None:
    await clock.at(1)
    assert last().woken == 0
    started.expect()
    await turns()
    assert last().woken == 1
    await clock.at(1.0625)
    assert last().woken == 2
    await turns()
    assert last().woken == 2
    await clock.at(5.75)
    assert last().woken == 3
    await clock.at(6)
    assert last().woken == 3
    await clock.at(6.5)
    assert last().woken == 3
    started.wake()
    assert last().woken == 4


async def test_before_it_has_begun_nothing_is_there_to_wake_resume_or_stop(build: Build, ledger: Ledger) -> None:
    found = build()
    found.wake()
    await found.resume()
    assert (found.longest_lag, found.running, found.resumes_in) == (0.0, False, None)
    await found.stop(0.0)
    assert not found.running


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_it_runs_until_one_of_its_tasks_has_ended(started: Background) -> None:
    assert started.running
    assert started.longest_lag == 7.0
    started._tasks[1].cancel()
    await turns()
    assert not started.running


async def test_a_run_that_stops_when_it_is_asked_to_is_not_cancelled(started: Background, clock: Clock) -> None:
    run, keep = started._tasks
    ending = asyncio.create_task(started.stop(5.0))
    await turns()
    assert not started.running
    assert ending.done()
    assert (run.cancelled(), keep.cancelled(), last().stopped) == (False, True, "the application is stopping")
    assert len(Run.made) == 1


async def test_a_run_that_does_not_stop_is_cancelled_after_its_time(started: Background, clock: Clock) -> None:
    run, _ = started._tasks
    last().obeys = False
    ending = asyncio.create_task(started.stop(5.0))
    await turns()
    await clock.at(4.75)
    assert not run.done()
    await clock.at(5)
    assert (run.cancelled(), ending.done()) == (True, True)


async def test_a_run_that_waits_after_a_fault_stops_at_once(started: Background, clock: Clock) -> None:
    await fail(clock, 0)
    run, _ = started._tasks
    ending = asyncio.create_task(started.stop(5.0))
    await turns()
    assert (run.cancelled(), ending.done(), len(Run.made)) == (False, True, 1)


async def test_a_task_that_takes_the_first_cancelling_for_a_wish_is_cancelled_again(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    async def stubborn() -> None:
        while len(asked) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                asked.append(1)
        raise LedgerError("nobody is left who would do something about it")

    task = asyncio.create_task(stubborn())
    await turns()
    ending = asyncio.create_task(end(task))
    await turns()
    await clock.at(0.25)
    assert (len(asked), ending.done()) == (1, False)
    await clock.at(0.5)
    assert (len(asked), ending.done()) == (2, True)
    del task, ending
    gc.collect()
    assert "never retrieved" not in caplog.text
