"""Pace, deadline and retry: how fast, how long, how often. On a clock that only tests move."""

from __future__ import annotations

import asyncio

import pytest

from paycools_async import Pace, Retry, errors
from paycools_async.errors import DeadlineExceeded, Outcome, PayCoolsError, TransportError, UnexpectedAnswer
from paycools_async.policy import Deadline, note_answer
from paycools_async.testing import ManualClock


class Waiter:
    """Takes turns with its own pace, clock and a deadline that is far away."""

    def __init__(self, rate: float | None = None, **options: float) -> None:
        self.clock = ManualClock()
        self.pace = Pace(rate, clock=self.clock, **options)

    async def turn(self, within: float = 1000.0) -> float:
        return await self.pace.wait_turn(Deadline(self.clock, within))


# --- rate -------------------------------------------------------------------------------------------------------------


async def test_without_a_rate_nobody_waits() -> None:
    waiter = Waiter()
    assert [await waiter.turn() for _ in range(5)] == [0.0] * 5


async def test_turns_come_at_the_rate() -> None:
    waiter = Waiter(rate=4)
    assert [await waiter.turn() for _ in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]


async def test_an_idle_time_saves_up_no_burst() -> None:
    waiter = Waiter(rate=2)
    await waiter.turn()
    waiter.clock.advance(100)
    assert [await waiter.turn() for _ in range(3)] == [100.0, 100.5, 101.0]


async def test_concurrent_callers_share_the_rate() -> None:
    waiter = Waiter(rate=10)
    await asyncio.gather(*(waiter.turn() for _ in range(21)))
    assert (await waiter.turn()) == pytest.approx(2.1)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_more_than_nothing(rate: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Pace(rate)


async def test_a_turn_after_the_deadline_is_refused_at_once_and_takes_no_place() -> None:
    waiter = Waiter(rate=1)
    await waiter.turn()
    with pytest.raises(DeadlineExceeded) as caught:
        await waiter.turn(within=1.0)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert str(caught.value) == "nothing was sent: the 1 seconds allowed for the call are used up"
    assert waiter.clock.monotonic() == 0.0
    assert await waiter.turn() == 1.0


# --- busy -------------------------------------------------------------------------------------------------------------


async def test_a_busy_answer_holds_everybody_back() -> None:
    waiter = Waiter(first_pause=0.5)
    waiter.pace.busy(await waiter.turn())
    assert [await waiter.turn() for _ in range(3)] == [0.5, 0.5, 0.5]


async def test_busy_answers_double_the_pause_up_to_the_longest() -> None:
    waiter = Waiter(first_pause=1.0, longest_pause=5.0)
    turns = []
    for _ in range(6):
        turns.append(await waiter.turn())
        waiter.pace.busy(turns[-1])
    assert turns == [0.0, 1.0, 3.0, 7.0, 12.0, 17.0]


async def test_a_crowd_of_busy_answers_doubles_the_pause_once() -> None:
    """A hundred requests in flight all come back busy: that is one piece of news, not a hundred."""
    waiter = Waiter(first_pause=1.0)
    sent = [await waiter.turn() for _ in range(100)]
    for sent_at in sent:
        waiter.pace.busy(sent_at)
    assert await waiter.turn() == 1.0


async def test_a_normal_answer_ends_the_doubling() -> None:
    waiter = Waiter(first_pause=1.0)
    waiter.pace.busy(await waiter.turn())
    waiter.pace.busy(await waiter.turn())
    waiter.pace.calm(await waiter.turn())
    assert waiter.clock.monotonic() == 3.0
    waiter.pace.busy(await waiter.turn())
    assert await waiter.turn() == 4.0


async def test_a_normal_answer_to_an_old_request_does_not_end_the_pause() -> None:
    waiter = Waiter(first_pause=1.0)
    old, sent = await waiter.turn(), await waiter.turn()
    waiter.pace.busy(sent)
    waiter.pace.calm(old)
    now = await waiter.turn()
    waiter.pace.busy(now)
    assert (now, await waiter.turn()) == (1.0, 3.0)


async def test_retry_after_replaces_the_pause() -> None:
    waiter = Waiter(first_pause=1.0)
    waiter.pace.busy(await waiter.turn(), retry_after=30.0)
    assert await waiter.turn() == 30.0


async def test_a_shorter_retry_after_does_not_shorten_a_pause() -> None:
    waiter = Waiter()
    sent = await waiter.turn()
    waiter.pace.busy(sent, retry_after=30.0)
    waiter.pace.busy(sent, retry_after=1.0)
    assert await waiter.turn() == 30.0


class Gate(ManualClock):
    """Sleepers wait for the test, so that news can come while they sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()
        self.wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.wake.wait()
        self.advance(seconds)


async def test_a_pause_that_begins_while_one_waits_makes_it_wait_again() -> None:
    clock = Gate()
    pace = Pace(1, clock=clock)
    first = await pace.wait_turn(Deadline(clock, 1000))
    waiting = asyncio.create_task(pace.wait_turn(Deadline(clock, 1000)))
    await clock.asleep.wait()
    pace.busy(first, retry_after=60.0)
    clock.wake.set()
    assert await waiting == 60.0


async def test_a_pause_beyond_the_deadline_ends_the_wait_with_nothing_sent() -> None:
    clock = Gate()
    pace = Pace(1, clock=clock)
    first = await pace.wait_turn(Deadline(clock, 1000))
    waiting = asyncio.create_task(pace.wait_turn(Deadline(clock, 30)))
    await clock.asleep.wait()
    pace.busy(first, retry_after=60.0)
    clock.wake.set()
    with pytest.raises(DeadlineExceeded) as caught:
        await waiting
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_a_cancelled_waiter_leaves_the_pace_usable() -> None:
    clock = Gate()
    pace = Pace(1, clock=clock)
    await pace.wait_turn(Deadline(clock, 1000))
    waiting = asyncio.create_task(pace.wait_turn(Deadline(clock, 1000)))
    await clock.asleep.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.wake.set()
    assert await pace.wait_turn(Deadline(clock, 1000)) == 2.0, "its place is not given away: the rate is never exceeded"


# --- deadline ---------------------------------------------------------------------------------------------------------


def test_a_deadline_counts_down() -> None:
    clock = ManualClock()
    deadline = Deadline(clock, 10)
    assert (deadline.remaining, deadline.spend(9.5)) == (10, 9.5)
    clock.advance(4)
    assert deadline.remaining == 6
    with pytest.raises(DeadlineExceeded):
        deadline.spend(6)
    clock.advance(10)
    assert deadline.remaining == -4
    with pytest.raises(DeadlineExceeded):
        deadline.spend(0)


# --- retry ------------------------------------------------------------------------------------------------------------

NOT_SENT = TransportError("refused", outcome=Outcome.NOT_SENT)
REPEATS: list[tuple[PayCoolsError, bool, bool]] = [
    # the error, repeated for a read, repeated for a call that moves money or creates
    (NOT_SENT, True, True),
    (DeadlineExceeded("pool", outcome=Outcome.NOT_SENT), True, True),
    (TransportError("reset"), True, False),
    (DeadlineExceeded("late"), True, False),
    (UnexpectedAnswer("half", status=200), True, False),
    (UnexpectedAnswer("slow down", status=429), True, False),
    (UnexpectedAnswer("html", status=500), True, False),
    (UnexpectedAnswer("html", status=502), True, False),
    (UnexpectedAnswer("moved", status=307), False, False),
    (UnexpectedAnswer("no such page", status=404), False, False),
    (errors.RateLimited(1013, ""), True, False),
    (errors.TransientError(1018, ""), True, False),
    (errors.AuthenticationError(1003, ""), False, False),
    (errors.DuplicateOrder(1012, ""), False, False),
    (errors.ApiError(4711, ""), False, False),
    (errors.ConfigurationError("wrong"), False, False),
]


@pytest.mark.parametrize(("error", "read", "money"), REPEATS, ids=lambda value: repr(value)[:40])
def test_what_is_repeated(error: PayCoolsError, read: bool, money: bool) -> None:
    retry = Retry(attempts=4)
    assert retry.may_repeat(error, reads=True, attempt=1) is read
    assert retry.may_repeat(error, reads=False, attempt=1) is money
    assert not retry.may_repeat(error, reads=True, attempt=4), "never beyond the number of attempts"
    assert not retry.may_repeat(error, reads=False, attempt=4)


def test_pauses_double_up_to_the_longest_and_are_never_in_step() -> None:
    retry = Retry(first_pause=0.2, longest_pause=1.0)
    for attempt, longest in [(1, 0.2), (2, 0.4), (3, 0.8), (4, 1.0), (50, 1.0)]:
        pauses = {retry.pause(attempt) for _ in range(50)}
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(pauses) > 1


class Told:
    """A pace that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    async def wait_turn(self, deadline: Deadline) -> float:
        return 0.0

    def busy(self, sent_at: float, retry_after: float | None = None) -> None:
        self.told.append(("busy", sent_at, retry_after))

    def calm(self, sent_at: float) -> None:
        self.told.append(("calm", sent_at))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, [("calm", 7.0)]),
        (errors.NotFound(1008, ""), [("calm", 7.0)]),
        (errors.RateLimited(1013, ""), [("busy", 7.0, None)]),
        (errors.TransientError(1018, "").with_context(retry_after=9.0), [("busy", 7.0, 9.0)]),
        (UnexpectedAnswer("", status=429, retry_after=3.0), [("busy", 7.0, 3.0)]),
        (UnexpectedAnswer("", status=503), [("busy", 7.0, None)]),
        (UnexpectedAnswer("", status=502), []),
        (UnexpectedAnswer("", status=200), []),
        (TransportError(""), []),
        (errors.InvalidRequest("", []), []),
    ],
    ids=repr,
)
def test_one_table_says_what_slows_a_pace(error: PayCoolsError | None, told: list[tuple[object, ...]]) -> None:
    pace = Told()
    note_answer(pace, 7.0, error)
    assert pace.told == told
