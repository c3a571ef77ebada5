"""Drives a ledger's payouts until they are settled: sends, inquires, and stops where a rule says so.

Workers take rows from a short queue. A row is `sending`, durably, before its request leaves; whatever comes back is one
move in the ledger. The ledger decides what is due; the runner keeps nothing that a crash could lose.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections import deque
from typing import Protocol

import attrs

from ..errors import PayCoolsError, RateLimited, TransientError, UnexpectedAnswer
from ..policy import Deadline, Pace
from ..times import Clock, SystemClock
from .api import Found, PayoutApi
from .ledger import LedgerError, Row, digest_of
from .protocol import Ledger
from .resolver import HOLDS, STOPS, event_of_error, event_of_inquiry
from .states import OPEN, Event, IllegalMove, State

__all__ = ["Options", "Pacing", "Runner", "Summary"]

_LOOKS = (State.UNKNOWN, State.ACCEPTED)
_WORDS = frozenset({Event.FOUND_PENDING, Event.FOUND_COMPLETE, Event.FOUND_FAILED, Event.MISMATCH})
_FORWARD = frozenset({State.ACCEPTED, State.SETTLED, State.FAILED, State.CONFLICT})


class Pacing(Protocol):
    """When the next payout may leave: `Pace`, or one that several workers share."""

    async def wait_turn(self, deadline: Deadline) -> float: ...

    def busy(self, sent_at: float, retry_after: float | None = None) -> None: ...

    def calm(self, sent_at: float) -> None: ...


@attrs.frozen(kw_only=True)
class Options:
    """How a batch runs; all times in seconds.

    `rate`: new payouts a second, no limit by default. `wait`: how long nothing may move forward before the run ends
    and leaves the rest for a later one. `absent_after`: the least time between the two inquiries that must both find
    nothing before an order is sent again. `max_resends`: how often one order may be sent again after that. `breaker`:
    sending is held when that share of the last `breaker_window` answers were refusals (None: never); fewer answers than
    that hold nothing, so a few bad rows in a small file do not.
    """

    concurrency: int = 50
    rate: float | None = None
    wait: float = 60.0
    absent_after: float = 5.0
    first_look: float = 1.0
    longest_look: float = 30.0
    max_resends: int = 20
    breaker: float | None = 0.5
    breaker_window: int = 50


@attrs.frozen(kw_only=True)
class Summary:
    """Where the batch stands: rows and minor units by state, and why the run ended early, if it did."""

    counts: dict[State, tuple[int, int]]
    stopped: str | None = None

    def rows(self, *states: State) -> int:
        return sum(self.counts.get(state, (0, 0))[0] for state in states)

    def amount(self, *states: State) -> int:
        return sum(self.counts.get(state, (0, 0))[1] for state in states)

    @property
    def exit_code(self) -> int:
        """0 all settled; 1 some failed; 3 some unresolved: run again, or a human looks."""
        if self.rows(*OPEN, State.CONFLICT):
            return 3
        return 1 if self.rows(State.FAILED) else 0


class Runner:
    """One run over one ledger. `counts` may be read while it runs."""

    def __init__(
        self,
        api: PayoutApi,
        ledger: Ledger,
        options: Options | None = None,
        *,
        clock: Clock | None = None,
        pace: Pacing | None = None,
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._options = options or Options()
        self._clock: Clock = clock or SystemClock()
        self._pace: Pacing = pace or Pace(self._options.rate, clock=self._clock)
        self._queue: asyncio.Queue[Row | None] = asyncio.Queue()
        self._in_flight: set[int] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._held = False
        self._stopped = False
        self._reason: str | None = None
        self._refusals: deque[bool] = deque(maxlen=self._options.breaker_window)
        self._forward_at = self._tended_at = self._clock.monotonic()
        self.counts: dict[State, tuple[int, int]] = {}

    async def run(self) -> Summary:
        """Run until everything is final, nothing moves any more, or a rule stops it. May be cancelled at any time."""
        await self._ledger.recover()
        self.counts = await self._ledger.counts()
        self._forward_at = self._tended_at = self._clock.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.concurrency):
                group.create_task(self._work())
            await self._feed()
            for _ in range(self._options.concurrency):
                self._queue.put_nowait(None)
        await self._ledger.give_back()
        return Summary(counts=await self._ledger.counts(), stopped=self._reason or await self._ledger.paused())

    def stop(self, reason: str) -> None:
        """Send nothing more, finish what is in flight, and end."""
        self._stopped = True
        self._reason = self._reason or reason
        self._wake.set()
        for task in self._waiting:
            task.cancel()

    def _hold(self, reason: str) -> None:
        """Send nothing more, and go on finding out about what was sent."""
        self._held = True
        self._reason = self._reason or reason

    # -- what is due ------------------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while not self._stopped:
            self._wake.clear()
            await self._tend()
            fed = await self._feed_page()
            if self._clock.monotonic() - self._forward_at > self._options.wait and not await self.look_around():
                if await self._next_due() is not None:
                    self.stop(f"nothing moved forward for {self._options.wait:g} seconds")
                return
            if fed:
                continue
            if self._in_flight:
                with contextlib.suppress(TimeoutError):  # others may fall due while these are on their way
                    async with asyncio.timeout(1.0):
                        await self._wake.wait()
                continue
            due = await self._next_due()
            if due is None:
                return
            await self._clock.sleep(min(max(due - self._ledger.time(), 0.01), 1.0))

    async def _tend(self) -> None:
        if self._clock.monotonic() - self._tended_at >= self._ledger.tend_every:
            await self._ledger.tend(self._in_flight)
            self._tended_at = self._clock.monotonic()

    async def look_around(self) -> bool:
        """Count again. Whether other workers, or callbacks, moved something forward: then it is not standing still."""
        counts = await self._ledger.counts()
        moved = any(counts.get(state, (0, 0)) != self.counts.get(state, (0, 0)) for state in _FORWARD)
        self.counts = counts
        if moved:
            self._forward_at = self._clock.monotonic()
        return moved

    async def _next_due(self) -> float | None:
        states = _LOOKS if self._held else (State.PLANNED, *_LOOKS)
        return await self._ledger.next_due(states, max_resends=self._options.max_resends)

    async def _feed_page(self) -> int:
        """Queue rows whose time has come. While there is something to send, a quarter of the room is for inquiries."""
        room = 2 * self._options.concurrency - len(self._in_flight)
        if room < self._options.concurrency // 2 or room < 1:
            return 0
        share = room if self._held else max(1, room // 4)
        looks = await self._take(_LOOKS, share)
        sends = 0 if self._held else await self._take((State.PLANNED,), room - looks)
        if looks == share and not sends and share < room:
            looks += await self._take(_LOOKS, room - looks)
        return looks + sends

    async def _take(self, states: tuple[State, ...], limit: int) -> int:
        """Queue rows that are due; what is taken is in flight, for other runs cannot have it meanwhile."""
        if limit < 1:
            return 0
        most = self._options.max_resends
        rows = await self._ledger.claim(states, limit, max_resends=most, held=self._in_flight)
        for row in rows:
            self._in_flight.add(row.id)
            self._queue.put_nowait(row)
        return len(rows)

    async def _work(self) -> None:
        while (row := await self._queue.get()) is not None:
            try:
                if self._stopped:
                    continue
                if row.state is State.PLANNED:
                    await self._send(row)
                else:
                    await self._inquire(row)
            finally:
                self._in_flight.discard(row.id)
                self._wake.set()

    # -- one payout -------------------------------------------------------------------------------------------

    async def _send(self, row: Row) -> None:
        request = self._api.request_class(**json.loads(row.body))
        if digest_of(self._api.text_of(request)) != row.digest:
            raise LedgerError(
                f"order {row.order_id}: what would be signed is not what was planned "
                "(was the app name changed?); nothing was sent"
            )
        sent_at = await self._turn()
        if self._held or self._stopped:
            return
        asked_at = self._clock.monotonic()
        try:
            row = await self._move(row, Event.SEND)
        except IllegalMove:
            return  # its loan had ended, and somebody else has it
        if self._clock.monotonic() - asked_at > self._ledger.send_within:
            # so late, the loan could end while the request is under way, and another run would look too early
            await self._move(row, Event.NOT_SENT)
            return
        try:
            found = await self._api.send(request)
        except PayCoolsError as error:
            await self._send_failed(row, error, sent_at)
            return
        self._pace.calm(sent_at)
        await self._answered(refused=False)
        due = self._ledger.time() + self._options.first_look
        row = await self._move(row, Event.ACCEPTED, due=due, transaction_id=found.transaction_id)
        if found.status.final:
            await self._found(row, found)

    async def _turn(self) -> float:
        """Wait until the next payout may leave; `stop` ends the wait, and the payout stays planned."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - workers are tasks
        self._waiting.add(task)
        try:
            return await self._pace.wait_turn(Deadline(self._clock, math.inf))
        finally:
            self._waiting.discard(task)

    async def _send_failed(self, row: Row, error: PayCoolsError, sent_at: float) -> None:
        event = event_of_error(error)
        trouble = error.__cause__ or error
        if isinstance(trouble, RateLimited | TransientError):
            self._pace.busy(sent_at)
        elif isinstance(trouble, UnexpectedAnswer) and trouble.status in (429, 503):
            self._pace.busy(sent_at, trouble.retry_after)
        if isinstance(error, STOPS):
            self.stop(str(error))
        elif isinstance(error, HOLDS):
            self._hold(str(error))
        if isinstance(error, HOLDS):
            await self._ledger.pause(str(error))
        if event in (Event.REJECTED, Event.DOUBTED):
            await self._answered(refused=True)
        due = self._ledger.time() + (self._options.first_look if event is not Event.BUSY else 0.0)
        await self._move(row, event, due=due, code=getattr(trouble, "code", None), message=_message(trouble))

    async def _answered(self, *, refused: bool) -> None:
        """Hold where so much is refused that the file as a whole, or PayCools, must be wrong."""
        self._refusals.append(refused)
        share, window, found = self._options.breaker, self._options.breaker_window, sum(self._refusals)
        if not refused or share is None or self._held or len(self._refusals) < window or found < share * window:
            return
        self._hold(f"{found} of the last {window} payouts were refused; look at the reasons before the rest is sent")
        await self._ledger.pause(self._reason or "")

    async def _inquire(self, row: Row) -> None:
        try:
            found = await self._api.inquire(row.order_id)
        except STOPS as error:
            self.stop(str(error))
            await self._ledger.pause(str(error))
        except PayCoolsError:
            await self._look_again(row, row.absent_since)
        else:
            await (self._absent(row) if found is None else self._found(row, found))

    async def _absent(self, row: Row) -> None:
        now = self._ledger.time()
        since = row.absent_since
        if row.state is State.UNKNOWN and since is not None and now - since >= self._options.absent_after:
            await self._move(row, Event.ABSENT)
        elif row.state is State.UNKNOWN:
            await self._ledger.look_again(
                row, due=(since or now) + self._options.absent_after, absent_since=since or now
            )
        else:
            await self._look_again(row, None)

    async def _found(self, row: Row, found: Found) -> None:
        event = event_of_inquiry(found, row.amount)
        if event is Event.FOUND_PENDING and row.state is State.ACCEPTED:
            await self._look_again(row, None)
            return
        message = found.failed_message
        if event is Event.MISMATCH:
            message = f"PayCools knows this order with amount {found.amount}, ours is {row.amount}"
        await self._move(
            row,
            event,
            due=self._ledger.time() + self._options.first_look,
            transaction_id=found.transaction_id,
            code=found.failed_code,
            message=message,
        )

    async def _look_again(self, row: Row, absent_since: float | None) -> None:
        pause = min(self._options.first_look * 2 ** min(row.looks + 1, 30), self._options.longest_look)
        await self._ledger.look_again(row, due=self._ledger.time() + pause, absent_since=absent_since)

    async def _move(self, row: Row, event: Event, **facts: object) -> Row:
        try:
            moved = await self._ledger.move(row, event, **facts)  # type: ignore[arg-type]
        except IllegalMove:
            if event is Event.SEND:
                raise
            moved = await self._overtaken(row, event, facts)
        for state, sign in ((row.state, -1), (moved.state, 1)):
            rows, amount = self.counts.get(state, (0, 0))
            self.counts[state] = (rows + sign, amount + sign * row.amount)
        if moved.state in _FORWARD and moved.state is not row.state:
            self._forward_at = self._clock.monotonic()
        return moved

    async def _overtaken(self, row: Row, event: Event, facts: dict[str, object]) -> Row:
        """The row moved meanwhile: a callback was faster, or the loan ended and another run has it.

        What PayCools says of the order holds in any state. What became of this run's own request, or that PayCools did
        not know the order, is word about a past that the row has left: it moves nothing.
        """
        found = await self._ledger.get(row.order_id)
        if found is None or found == row:
            raise IllegalMove(f"{event} cannot happen to a payout that is {row.state}")
        if event in _WORDS:
            found = await self._ledger.found(row.order_id, event, **facts)
        return found or row


def _message(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error)[:300]
