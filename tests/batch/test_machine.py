"""The real ledger, the runner's workers and the fake PayCools, driven step by step through whatever may happen.

Every request stops at a gate, where a rule decides its fate. PayCools takes no care: it pays as often as it is asked.
A killed run leaves its files as they are on disk at that moment; the next one opens a copy of them.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from paycools_async import (
    CreatePayout,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    PayCoolsPH,
    PHCredentials,
    TransactionStatus,
    TransportError,
    load_private_key,
)
from paycools_async.batch import Event, Identity, Options, Order, PHPayouts, Runner, SQLiteLedger, State
from paycools_async.batch.api import Found
from paycools_async.batch.resolver import event_of_inquiry
from paycools_async.batch.states import FINAL, after
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.books import Books
from paycools_async.testing.ph_payouts import PayoutBooks

T = TypeVar("T")

_MEMORY = Path("/dev/shm")  # killing a process loses nothing the kernel has; what a disk would lose is not asked here
ORDERS = 4
WORKERS = 3
# what was sent is found within 4 of the 5 seconds between two inquiries: up to 2 on the way, then 2 out of sight
TRANSIT = 2.0
LAG = 2.0


class SQLiteStore:
    """How the machine opens, kills and inspects a ledger. Another kind of ledger brings its own."""

    def __init__(self, folder: Path, identity: Identity, clock: ManualClock) -> None:
        self._folder, self._identity, self._clock = folder, identity, clock
        self._lives = 0
        self._path = folder / "ledger.0.db"

    async def open(self) -> Any:
        return await SQLiteLedger.open(self._path, self._identity, clock=self._clock.time)

    async def outside(self) -> Any:
        """The ledger as a web application opens it to note callbacks, beside the run."""
        return await SQLiteLedger.open(self._path, None, exclusive=False, clock=self._clock.time)

    async def kill(self, ledger: Any) -> None:
        """The process is gone: nothing is written any more, nothing is closed in order."""
        self._lives += 1
        copy = self._folder / f"ledger.{self._lives}.db"
        for suffix in ("", "-wal"):
            if Path(f"{self._path}{suffix}").exists():
                shutil.copyfile(f"{self._path}{suffix}", f"{copy}{suffix}")
        self._path = copy
        await ledger.aclose()  # of the old file, which nobody looks at any more

    def rows(self) -> dict[str, tuple[State, int]]:
        """State and amount of every order, as they are on disk."""
        return {order: (State(state), amount) for order, state, amount in self._ask("order_id, state, amount")}

    def history(self) -> dict[str, list[tuple[Event, State]]]:
        """Every move of every order."""
        moves: dict[str, list[tuple[Event, State]]] = {}
        query = "SELECT p.order_id, m.event, m.state FROM moves m JOIN payouts p ON p.id = m.payout ORDER BY m.id"
        connection = sqlite3.connect(self._path)
        for order, event, state in connection.execute(query):
            moves.setdefault(order, []).append((Event(event), State(state)))
        connection.close()
        return moves

    def _ask(self, columns: str) -> list[Any]:
        connection = sqlite3.connect(self._path)
        try:
            return connection.execute(f"SELECT {columns} FROM payouts").fetchall()
        finally:
            connection.close()


@attrs.define(eq=False)
class Gated:
    """A request at the gate. `answer`: PayCools has dealt with it. `until`: its sender is gone; when it arrives."""

    request: HttpRequest
    future: asyncio.Future[HttpResponse]
    answer: HttpResponse | None = None
    until: float | None = None

    @property
    def pays(self) -> bool:
        return self.request.method == "POST"


class _Clock(ManualClock):
    """Passes no moment at which a request under way arrives, without letting it arrive."""

    machine: PayoutMachine

    async def sleep(self, seconds: float) -> None:
        await self.machine.pass_time(max(0.0, seconds))


class _NoSigner:
    async def sign(self, text: bytes) -> bytes:
        return b"not what is looked at here"


class PayoutMachine(RuleBasedStateMachine):
    """Rules for everything the world may do; the invariants are about money."""

    store_class: Any = SQLiteStore
    absent_after = 5.0
    key: PrivateKey
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
        self.clock = _Clock()
        self.clock.machine = self
        self.fake = FakePayCools(clock=self.clock)
        credentials = PHCredentials(app_id="APP", app_name="Sari Sari", private_key=self.key)
        self.fake.merchants["APP"] = self.books = Books(
            app_id="APP",
            app_name="Sari Sari",
            secret="",
            verify=lambda text, sign: True,
            clock=self.clock,
            balance=10**12,
            enforce_unique=False,
        )
        self.payouts = self.books.of(PayoutBooks)
        self.payouts.inquiry_lag = LAG
        self.payouts.settle_after = 1.0
        self.client = PayCoolsPH(
            credentials, transport=MemoryTransport(self.gate), clock=self.clock, signer=_NoSigner()
        )
        self.api = PHPayouts(self.client)
        self.store = self.store_class(Path(self.folder.name), self.api.identity, self.clock)
        self.open_gate = False
        self.waiting: list[Gated] = []
        self.under_way: list[Gated] = []
        self.workers: list[asyncio.Task[None]] = []
        self.ledger: Any = None
        self.runner: Runner | None = None
        self.before: dict[str, tuple[State, int]] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    # -- the run ------------------------------------------------------------------------------------------------

    @initialize(failing=st.sets(st.integers(0, ORDERS - 1), max_size=2))
    def enter(self, failing: set[int]) -> None:
        async def intake() -> None:
            self.ledger = await self.store.open()
            orders = [Order(n + 2, _request(n, fails=n in failing)) for n in range(ORDERS)]
            assert (await self.ledger.intake(orders, self.api.text_of)).new == ORDERS
            await self.start()

        self.do(intake())

    async def start(self) -> None:
        options = Options(concurrency=WORKERS, absent_after=self.absent_after, wait=1e9)
        self.runner = Runner(self.api, self.ledger, options, clock=self.clock)
        await self.ledger.recover()
        self.workers = [self.loop.create_task(self.runner._work()) for _ in range(WORKERS)]

    async def quiet(self) -> None:
        """Let everybody work until they all wait at the gate or for a row."""
        runner = self.runner
        spins = 0
        while runner is not None:
            spins += 1
            for worker in self.workers:
                if worker.done() and worker.exception() is not None:
                    raise AssertionError("a worker died") from worker.exception()
            rows = runner._queue.qsize()
            if len(self.waiting) == len(runner._in_flight) - rows and (not rows or len(self.waiting) == WORKERS):
                return
            await asyncio.sleep(0 if spins < 20 else 0.0005)  # the ledger's thread is writing

    async def gate(self, request: HttpRequest) -> HttpResponse:
        if self.open_gate:
            return await self.fake.handle(request)
        call = Gated(request, self.loop.create_future())
        self.waiting.append(call)
        return await call.future

    async def answer(self, call: Gated, answer: HttpResponse | TransportError) -> None:
        self.waiting.remove(call)
        if isinstance(answer, TransportError):
            call.future.set_exception(answer)
        else:
            call.future.set_result(answer)
        await self.quiet()

    async def arrive(self, call: Gated) -> HttpResponse:
        if call.answer is None:
            call.answer = await self.fake.handle(call.request)
        return call.answer

    def leave(self, call: Gated, transit: float | None) -> None:
        """The sender is gone: the request arrives some time later, or never."""
        if call.answer is None and call.pays and transit is not None:
            call.until = self.clock.time() + transit
            self.under_way.append(call)

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.time() + seconds
        for call in sorted(self.under_way, key=lambda call: call.until or 0.0):
            if (call.until or 0.0) <= end:
                self.under_way.remove(call)
                self.clock.advance(max(0.0, (call.until or 0.0) - self.clock.time()))
                await self.arrive(call)
        self.clock.advance(max(0.0, end - self.clock.time()))

    # -- rules --------------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        return self.runner is not None

    def pick(self, n: int) -> Gated:
        return self.waiting[n % len(self.waiting)]

    @precondition(lambda self: self.up)
    @rule()
    def take_up_what_is_due(self) -> None:
        async def feed() -> None:
            assert self.runner is not None
            if not self.runner._stopped:
                await self.runner._feed_page()
            await self.quiet()

        self.do(feed())

    @precondition(lambda self: any(call.answer is None for call in self.waiting))
    @rule(n=st.integers(0, 99))
    def arrive_before_the_answer(self, n: int) -> None:
        self.do(self.arrive(self.pick(n)))

    @precondition(lambda self: self.waiting)
    @rule(n=st.integers(0, 99))
    def be_answered(self, n: int) -> None:
        async def both() -> None:
            call = self.pick(n)
            await self.answer(call, await self.arrive(call))

        self.do(both())

    @precondition(lambda self: self.waiting)
    @rule(n=st.integers(0, 99), transit=st.none() | st.floats(0, TRANSIT))
    def lose_the_connection(self, n: int, transit: float | None) -> None:
        """Before it arrived (and it arrives later, or never), or after."""

        async def lose() -> None:
            call = self.pick(n)
            self.leave(call, transit)
            await self.answer(call, TransportError("the connection was cut"))

        self.do(lose())

    @precondition(lambda self: any(call.answer is None for call in self.waiting))
    @rule(n=st.integers(0, 99))
    def fail_to_connect(self, n: int) -> None:
        fresh = [call for call in self.waiting if call.answer is None]
        error = TransportError("connection refused", outcome=Outcome.NOT_SENT)
        self.do(self.answer(fresh[n % len(fresh)], error))

    @precondition(lambda self: self.waiting)
    @rule(n=st.integers(0, 99), kind=st.sampled_from(["502", "half", "1018", "7777", "429"]), done=st.booleans())
    def be_answered_oddly(self, n: int, kind: str, done: bool) -> None:
        """An answer that proves nothing, with or without the work being done."""

        async def odd() -> None:
            call = self.pick(n)
            if done:
                await self.arrive(call)
            await self.answer(call, _odd(kind))

        self.do(odd())

    @precondition(lambda self: any(call.answer is None and call.pays for call in self.waiting))
    @rule(n=st.integers(0, 99), code=st.sampled_from([1013, 1006, 1007]))
    def be_refused(self, n: int, code: int) -> None:
        """PayCools is busy, or finds the balance too low, or refuses the order; nothing is done."""
        fresh = [call for call in self.waiting if call.answer is None and call.pays]
        self.do(self.answer(fresh[n % len(fresh)], _json(code)))

    @precondition(lambda self: any(self._booked(call) for call in self.waiting))
    @rule(n=st.integers(0, 99))
    def be_called_a_duplicate(self, n: int) -> None:
        booked = [call for call in self.waiting if self._booked(call)]
        self.do(self.answer(booked[n % len(booked)], _json(1012)))

    def _booked(self, call: Gated) -> bool:
        return call.pays and call.answer is not None

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 5.0]) | st.floats(0.0, 40.0))
    def wait(self, seconds: float) -> None:
        self.do(self.pass_time(seconds))

    @precondition(lambda self: self.final)
    @rule(n=st.integers(0, 99))
    def be_called_back(self, n: int) -> None:
        """Late, early, twice, while the run goes on or is dead: a callback comes when it comes."""

        async def note() -> None:
            payout = self.final[n % len(self.final)]
            word = Found(
                transaction_id=payout.transaction_id,
                status=TransactionStatus(payout.status),
                amount=payout.amount,
                failed_code=payout.failed_code,
            )
            ledger = await self.store.outside()
            row = await ledger.found(
                payout.order_id, lambda row: event_of_inquiry(word, row.amount), transaction_id=word.transaction_id
            )
            await ledger.aclose()
            assert row is not None

        self.do(note())

    @property
    def final(self) -> list[Any]:
        return [payout for payout in self.payouts.paid if payout.settles <= self.clock.time()]

    @precondition(lambda self: self.up)
    @rule(transits=st.lists(st.none() | st.floats(0, TRANSIT), min_size=WORKERS, max_size=WORKERS))
    def crash(self, transits: list[float | None]) -> None:
        async def die() -> None:
            for call, transit in zip(self.waiting, transits, strict=False):
                self.leave(call, transit)
            await self.store.kill(self.ledger)
            for worker in self.workers:
                worker.cancel()
            await asyncio.gather(*self.workers, return_exceptions=True)
            self.runner, self.ledger, self.waiting = None, None, []

        self.do(die())

    @precondition(lambda self: not self.up)
    @rule()
    def restart(self) -> None:
        async def again() -> None:
            self.ledger = await self.store.open()
            await self.start()

        self.do(again())

    @precondition(lambda self: self.up and not self.runner._stopped)
    @rule()
    def be_stopped_by_the_operator(self) -> None:
        assert self.runner is not None
        self.runner.stop("interrupted")

    @precondition(lambda self: self.up and not self.waiting)
    @rule()
    def end_and_start_again(self) -> None:
        async def again() -> None:
            await self.finish()
            self.ledger = await self.store.open()
            await self.start()

        self.do(again())

    async def finish(self) -> None:
        assert self.runner is not None
        for _ in self.workers:
            self.runner._queue.put_nowait(None)
        await asyncio.gather(*self.workers)
        await self.ledger.aclose()
        self.runner = self.ledger = None

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def money_moved_at_most_once_and_the_ledger_knows(self) -> None:
        type(self).steps += bool(self.before)  # not the start
        paid = self.payouts.paid
        assert self.payouts.paid_more_than_once() == []
        if self.ledger is None and not self.before:
            return
        rows = self.store.rows()
        assert len(rows) == ORDERS, "no row is lost"
        for order, (state, amount) in rows.items():
            was = self.before.get(order, (State.PLANNED, amount))[0]
            assert state is was or was not in FINAL, f"{order} was {was} and is {state}"
            assert state is not State.CONFLICT
            assert state is not State.PLANNED or was is not State.ACCEPTED
            fates = [payout for payout in paid if payout.order_id == order]
            if state is State.SETTLED:
                assert [(fate.status, fate.amount) for fate in fates if fate.status != "FAILED"] == [
                    ("COMPLETE", amount)
                ]
            if state is State.FAILED:
                assert all(fate.status == "FAILED" for fate in fates)
            if state is State.PLANNED:
                assert fates == [], "what may be sent is not there"
        self.before = rows

    def teardown(self) -> None:
        try:
            if self.before:
                self.do(self.to_the_end())
                self.money_moved_at_most_once_and_the_ledger_knows()
                self.compare_books()
        finally:
            self.do(self.client.aclose())
            self.loop.close()
            self.folder.cleanup()

    async def to_the_end(self) -> None:
        self.open_gate = True
        while self.waiting:
            await self.answer(self.waiting[0], await self.arrive(self.waiting[0]))
        if self.up:
            await self.finish()
        ledger = await self.store.open()
        options = Options(concurrency=WORKERS, absent_after=self.absent_after, wait=1e9)
        summary = await Runner(self.api, ledger, options, clock=self.clock).run()
        await ledger.aclose()
        assert summary.exit_code in (0, 1), summary

    def compare_books(self) -> None:
        """Row by row: what the ledger says, what PayCools did, and that the log tells how it came about."""
        moves = self.store.history()
        for order, (state, amount) in self.store.rows().items():
            paid = [payout for payout in self.payouts.paid if payout.order_id == order]
            kept = [payout.amount for payout in paid if payout.status != "FAILED"]
            assert kept == ([amount] if state is State.SETTLED else [])
            at, reason = State.PLANNED, None
            for event, reached in moves[order]:
                expected = after(at, event, reason)
                assert reached is expected
                reason = event if at is State.SENDING else reason
                at = reached
            assert at is state


def _request(n: int, *, fails: bool) -> CreatePayout:
    return CreatePayout(
        mch_order_id=f"PAY{n:09}",
        amount=10_000 + n,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=f"0917{n:03}{'0000' if fails else '1111'}",
        account_name="Juan Dela Cruz",
    )


def _json(code: int) -> HttpResponse:
    return HttpResponse(200, {}, b'{"code": %d, "message": "no"}' % code)


def _odd(kind: str) -> HttpResponse:
    if kind in ("502", "429"):
        return HttpResponse(int(kind), {}, b"<html></html>")
    return _json(int(kind)) if kind != "half" else HttpResponse(200, {}, b'{"code": 1000, "da')


class ImpatientMachine(PayoutMachine):
    """Sends again sooner than PayCools shows what it has."""

    absent_after = 0.5


def explore(machine: type[PayoutMachine], key_pem: str, **options: Any) -> int:
    """Run the machine, always in the same ways; returns how many steps it took."""
    machine.steps = 0
    machine.key = load_private_key(key_pem)
    run_state_machine_as_test(
        machine,
        settings=settings(
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )
    return machine.steps


def test_whatever_happens_in_whatever_order_nobody_is_paid_twice_and_everybody_is_accounted_for(key_pem: str) -> None:
    steps = explore(PayoutMachine, key_pem, max_examples=78)
    print(f"\n{steps} steps")  # noqa: T201 - shown with -s
    assert steps >= 2000


def test_the_machine_finds_a_run_that_is_too_impatient(key_pem: str) -> None:
    with pytest.raises(AssertionError):
        explore(ImpatientMachine, key_pem, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False)
