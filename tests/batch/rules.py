"""The rules of `test_machine.py`: everything the world may do to a batch."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from support.machine import Machine, request_for
from support.world import TRANSIT, WORKERS, Gated, Run

from paycools_async import HttpResponse, Outcome, TransactionStatus, TransportError
from paycools_async.batch import State
from paycools_async.batch.run.outcomes import event_of_inquiry
from paycools_async.batch.run.payout_api import Found
from paycools_async.batch.states import OPEN

__all__ = ["PayoutMachine"]

T = TypeVar("T")

_any = st.integers(0, 99)
_transits = st.lists(st.none() | st.floats(0, TRANSIT), min_size=WORKERS, max_size=WORKERS)


class PayoutMachine(Machine):
    """Whatever the network, PayCools, the operator and the machines may do."""

    @precondition(lambda self: self.any_in(*OPEN) < WORKERS)
    @rule()
    def enter_another_file(self) -> None:
        async def enter() -> None:
            await self.enter()
            await self.world.settle()

        self.do(enter())

    # -- what people do -----------------------------------------------------------------------------------------

    @precondition(lambda self: self.any_in(State.OFFERED))
    @rule(n=_any)
    def say_yes_to_a_batch(self, n: int) -> None:
        async def yes() -> None:
            await self.say_yes(n)
            await self.world.settle()

        self.do(yes())

    @precondition(lambda self: self.any_in(State.OFFERED))
    @rule(n=_any)
    def say_no_to_a_batch(self, n: int) -> None:
        async def no() -> None:
            async with self.world.store.outside() as ledger:
                offered = [batch for batch in await ledger.batches() if State.OFFERED in batch.counts]
                batch = _pick(offered, n)
                done = await ledger.withdraw(by="the operator", batch=batch.id)
            assert done.rows >= batch.counts[State.OFFERED][0]
            await self.world.settle()

        self.do(no())

    @precondition(lambda self: self.any_in(State.PLANNED, State.OFFERED))
    @rule(n=_any)
    def take_one_back(self, n: int) -> None:
        """Also while a run has it in hand and is about to send it."""

        async def take_back() -> None:
            orders = [order for order, (state, _) in self.before.items() if state in (State.PLANNED, State.OFFERED)]
            async with self.world.store.outside() as ledger:
                await ledger.withdraw(by="the operator", order_id=_pick(orders, n))
            await self.world.settle()

        self.do(take_back())

    @precondition(lambda self: self.any_in(State.WITHDRAWN))
    @rule(n=_any, more=st.integers(0, 1), fails=st.booleans())
    def edit_and_offer_again(self, n: int, more: int, fails: bool) -> None:
        """What was taken back comes again, perhaps with another amount; it needs a yes of its own."""

        async def again() -> None:
            order = _pick([order for order, (state, _) in self.before.items() if state is State.WITHDRAWN], n)
            self.yes = {(known, amount) for known, amount in self.yes if known != order}
            await self.offer([request_for(int(order[3:]), fails=fails, more=more)])
            await self.world.settle()

        self.do(again())

    # -- what the network and PayCools do -----------------------------------------------------------------------

    @property
    def waiting(self) -> list[tuple[Run, Gated]]:
        return self.world.waiting

    @property
    def fresh(self) -> list[tuple[Run, Gated]]:
        """Requests that PayCools has not dealt with."""
        return [(run, call) for run, call in self.waiting if call.answer is None]

    async def answer(self, run: Run, call: Gated, answer: HttpResponse | TransportError) -> None:
        run.tell(call, answer)
        await self.world.settle()

    @precondition(lambda self: self.fresh)
    @rule(n=_any)
    def arrive_before_the_answer(self, n: int) -> None:
        self.do(self.world.arrive(_pick(self.fresh, n)[1]))

    @precondition(lambda self: self.waiting)
    @rule(n=_any)
    def be_answered(self, n: int) -> None:
        async def both() -> None:
            run, call = _pick(self.waiting, n)
            await self.answer(run, call, await self.world.arrive(call))

        self.do(both())

    @precondition(lambda self: self.waiting)
    @rule(n=_any, transit=st.none() | st.floats(0, TRANSIT))
    def lose_the_connection(self, n: int, transit: float | None) -> None:
        """Before it arrived (and it arrives later, or never), or after."""
        run, call = _pick(self.waiting, n)
        self.world.leave(call, transit)
        self.do(self.answer(run, call, TransportError("the connection was cut")))

    @precondition(lambda self: self.fresh)
    @rule(n=_any)
    def fail_to_connect(self, n: int) -> None:
        error = TransportError("connection refused", outcome=Outcome.NOT_SENT)
        self.do(self.answer(*_pick(self.fresh, n), error))

    @precondition(lambda self: self.waiting)
    @rule(n=_any, kind=st.sampled_from(["502", "half", "1018", "7777", "429"]), done=st.booleans())
    def be_answered_oddly(self, n: int, kind: str, done: bool) -> None:
        """An answer that proves nothing, with or without the work being done."""

        async def odd() -> None:
            run, call = _pick(self.waiting, n)
            if done:
                await self.world.arrive(call)
            await self.answer(run, call, _odd(kind))

        self.do(odd())

    @precondition(lambda self: any(call.pays for _, call in self.fresh))
    @rule(n=_any, code=st.sampled_from([1013, 1006, 1007]))
    def be_refused(self, n: int, code: int) -> None:
        """PayCools is busy, or finds the balance too low, or refuses the order; nothing is done."""
        paying = [found for found in self.fresh if found[1].pays]
        self.do(self.answer(*_pick(paying, n), _json(code)))

    @precondition(lambda self: self.booked)
    @rule(n=_any)
    def be_called_a_duplicate(self, n: int) -> None:
        self.do(self.answer(*_pick(self.booked, n), _json(1012)))

    @property
    def booked(self) -> list[tuple[Run, Gated]]:
        return [(run, call) for run, call in self.waiting if call.pays and call.answer is not None]

    @precondition(lambda self: not (self.waited and self.waiting))  # so that more than time passes
    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 5.0]) | st.floats(0.0, 15.0))
    def wait(self, seconds: float) -> None:
        """Calls whose deadline passes time out, and their requests arrive later, or never."""

        async def pass_time() -> None:
            await self.world.pass_time(seconds)
            await self.world.settle()

        self.do(pass_time())
        self.waited = True

    @property
    def to_tell(self) -> list[Any]:
        return [payout for payout in self.world.final if self.told[payout.transaction_id] < 3]

    @precondition(lambda self: self.to_tell)
    @rule(n=_any)
    def be_called_back(self, n: int) -> None:
        """Late, early, twice, while the run goes on or is dead: a callback comes when it comes."""

        async def note() -> None:
            payout = _pick(self.to_tell, n)
            self.told[payout.transaction_id] += 1
            word = Found(
                mch_order_id=payout.order_id,
                transaction_id=payout.transaction_id,
                transaction_status=TransactionStatus(payout.status),
                amount=payout.amount,
                failed_code=payout.failed_code,
            )
            async with self.world.store.outside() as ledger:
                row = await ledger.apply_event(
                    payout.order_id,
                    lambda row: event_of_inquiry(word, row, None),
                    transaction_id=word.transaction_id,
                )
            assert row is not None

        self.do(note())

    # -- what becomes of the runs -------------------------------------------------------------------------------

    # nothing comes of these where nothing is in flight

    @property
    def busy(self) -> list[Run]:
        return [run for run in self.world.awake if run.waiting]

    @precondition(lambda self: any(run.waiting or run.stopped for run in self.world.runs))
    @rule(n=_any, transits=_transits)
    def crash(self, n: int, transits: list[float | None]) -> None:
        runs = [run for run in self.world.runs if run.waiting or run.stopped]
        self.do(self.world.kill(_pick(runs, n), transits))

    @precondition(lambda self: len(self.world.runs) < self.store_class.most_runs)
    @rule()
    def start_a_run(self) -> None:
        self.do(self.world.start())

    @precondition(lambda self: self.busy)
    @rule(n=_any, transits=_transits)
    def freeze(self, n: int, transits: list[float | None]) -> None:
        """A machine that sleeps, a process that is stopped: other runs may take its rows meanwhile."""
        self.world.freeze(_pick(self.busy, n), transits)

    @precondition(lambda self: any(run.frozen for run in self.world.runs))
    @rule()
    def thaw(self) -> None:
        self.do(self.world.thaw(next(run for run in self.world.runs if run.frozen)))

    @precondition(lambda self: any(not run.stopped for run in self.busy))
    @rule(n=_any)
    def be_stopped_by_the_operator(self, n: int) -> None:
        _pick([run for run in self.busy if not run.stopped], n).runner.stop("interrupted")

    @precondition(lambda self: self.store_class.most_runs > 1 and self.idle and self.any_in(State.PLANNED))
    @rule(n=_any, seconds=st.floats(0.0, 5.0))
    def be_paused_by_the_operator_for_a_while(self, n: int, seconds: float) -> None:
        """Runs on other machines too find nothing to send, and go on with inquiries."""

        async def pause() -> None:
            run = _pick(self.idle, n)
            async with self.world.store.outside() as ledger:
                await ledger.pause("the operator says so")
                await run.take_up()
                await self.world.quiet()
                assert not any(call.pays for call in run.waiting), "nothing is sent in a pause"
                await self.world.pass_time(seconds)
                await self.world.quiet()
                await ledger.resume_sending()

        self.do(pause())

    @property
    def idle(self) -> list[Run]:
        return [run for run in self.world.awake if not run.waiting]

    @property
    def ending(self) -> list[Run]:
        return [run for run in self.idle if run.sends_no_more]

    @precondition(lambda self: self.ending)
    @rule(n=_any)
    def end_and_start_again(self, n: int) -> None:
        async def again() -> None:
            await self.world.finish(_pick(self.ending, n))
            await self.world.start()

        self.do(again())


def _pick(found: list[T], n: int) -> T:
    return found[n % len(found)]


def _json(code: int) -> HttpResponse:
    return HttpResponse(200, {}, b'{"code": %d, "message": "no"}' % code)


def _odd(kind: str) -> HttpResponse:
    if kind in ("502", "429"):
        return HttpResponse(int(kind), {}, b"<html></html>")
    return _json(int(kind)) if kind != "half" else HttpResponse(200, {}, b'{"code": 1000, "da')
