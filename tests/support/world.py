"""The world of `test_machine.py`: runs whose every request stops at a gate, a PayCools that takes no care, and time.

PayCools pays as often as it is asked. Time stands still until somebody lets it pass; no moment at which a request
arrives, or its sender gives up, is passed over.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import attrs
from support.stores import Store

from paycools_async import HttpRequest, HttpResponse, PayCoolsPH, PHCredentials, TransportError
from paycools_async.batch import Options, PHPayouts, Runner, State
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Merchant
from paycools_async.testing.server.payouts import PayoutRecords

__all__ = ["ABSENT_AFTER", "TIMEOUT", "TRANSIT", "WORKERS", "Gated", "Run", "World"]

WORKERS = 3
# what was sent is found within 8 of the 9 seconds until its absence is believed: up to 2 on the way, 6 out of sight
TRANSIT = 2.0
LAG = 6.0
TIMEOUT = 8.0
"""The client's deadline over all attempts of a call."""
ABSENT_AFTER = 1.0


@attrs.define(eq=False)
class Gated:
    """A request at the gate. `answer`: PayCools has dealt with it. `until`: its sender is gone; when it arrives."""

    request: HttpRequest
    future: asyncio.Future[HttpResponse]
    gives_up: float
    answer: HttpResponse | None = None
    until: float | None = None

    @property
    def pays(self) -> bool:
        return self.request.method == "POST"

    def is_of(self, order_id: str) -> bool:
        return order_id.encode() in (self.request.body or b"")


class Clock(ManualClock):
    """Sleeping lets the world's time pass."""

    world: World

    async def sleep(self, seconds: float) -> None:
        await self.world.pass_time(max(0.0, seconds))
        await asyncio.sleep(0)


class Untimed:
    """Carries requests to a function. No timer of the machine's: on a slow one a call at the gate would end by it."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    async def send(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = await self._handler(request)
        return answer

    async def aclose(self) -> None:
        pass


class NoSigner:
    async def sign(self, text: bytes) -> bytes:
        return b"not what is looked at here"


class Run:
    """One process: its client, its ledger and its workers. `frozen`: stopped where it stands, and not dead."""

    def __init__(self, world: World, ledger: Any) -> None:
        self.world, self.ledger = world, ledger
        self.client = world.client(self.gate)
        self.runner = Runner(PHPayouts(self.client), ledger, world.options(), clock=world.clock)
        self.workers: list[asyncio.Task[None]] = []
        self.waiting: list[Gated] = []
        self.frozen = False

    async def start(self) -> None:
        await self.ledger.resume_sending()  # as `payouts run` and `resume` do
        await self.ledger.begin_run()
        await self.runner.prepare()
        self.workers = [asyncio.create_task(self.runner._work()) for _ in range(WORKERS)]

    @property
    def stopped(self) -> bool:
        return self.runner._brake.stopped

    @property
    def sends_no_more(self) -> bool:
        return self.stopped or self.runner._brake.paused

    async def take_up(self) -> None:
        if not self.stopped:
            await self.runner._renew_leases()
            await self.runner._feed_page()

    async def gate(self, request: HttpRequest) -> HttpResponse:
        if self.world.open_gate:
            return await self.world.fake.handle(request)
        clock = self.world.clock
        call = Gated(request, asyncio.get_running_loop().create_future(), clock.time() + (request.timeout or TIMEOUT))
        self.waiting.append(call)
        self.world.sendings += call.pays
        return await call.future

    def tell(self, call: Gated, answer: HttpResponse | TransportError) -> None:
        self.waiting.remove(call)
        if isinstance(answer, TransportError):
            call.future.set_exception(answer)
        else:
            call.future.set_result(answer)

    @property
    def quiet(self) -> bool:
        """Every worker waits at the gate, or for a row."""
        for worker in self.workers:
            if worker.done() and not worker.cancelled() and worker.exception() is not None:
                raise AssertionError("a worker died") from worker.exception()
        rows, busy = self.runner._queue.qsize(), len(self.waiting)
        return busy == len(self.runner._in_flight) - rows and (not rows or busy == WORKERS)

    async def die(self) -> None:
        for worker in self.workers:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)
        self.waiting = []
        await self.client.aclose()

    async def finish(self) -> None:
        self.runner._dismiss()
        await asyncio.gather(*self.workers)
        await self.ledger.aclose()
        await self.client.aclose()


class World:
    """Everything outside the ledger, and the runs."""

    def __init__(self, folder: Path, key: PrivateKey, store_class: Any, options_class: type[Options]) -> None:
        self.options_class = options_class
        self.credentials = PHCredentials(app_id="APP", app_name="Sari Sari", private_key=key)
        self.clock = Clock()
        self.clock.world = self
        self.fake = FakePayCools(clock=self.clock)
        self.fake.merchants["APP"] = merchant = Merchant(
            app_id="APP",
            app_name="Sari Sari",
            secret="",
            verify=lambda text, sign: True,
            clock=self.clock,
            balance=10**12,
            enforce_unique=False,
        )
        self.payouts = merchant.of(PayoutRecords)
        self.payouts.inquiry_lag = LAG
        self.payouts.settle_after = 1.0
        self.api = PHPayouts(self.client(self.fake.handle))
        self.store: Store = store_class(folder, self.api.identity, self.clock)
        self.dice = random.Random(0)
        self.open_gate = False
        self.sendings = 0
        self.runs: list[Run] = []
        self.under_way: list[Gated] = []

    def options(self) -> Options:
        return self.options_class(concurrency=WORKERS, absent_after=ABSENT_AFTER, wait=600.0)

    def client(self, handler: Any) -> PayCoolsPH:
        return PayCoolsPH(
            self.credentials, transport=Untimed(handler), clock=self.clock, signer=NoSigner(), timeout=TIMEOUT
        )

    # -- who is there -------------------------------------------------------------------------------------------

    @property
    def awake(self) -> list[Run]:
        return [run for run in self.runs if not run.frozen]

    @property
    def waiting(self) -> list[tuple[Run, Gated]]:
        return [(run, call) for run in self.awake for call in run.waiting]

    @property
    def final(self) -> list[Any]:
        return [payout for payout in self.payouts.paid if payout.settles <= self.clock.time()]

    def may_still_arrive(self, order_id: str) -> bool:
        """Whether a request to pay this order is in the network, or its sender may still send it."""
        open_calls = [call for _, call in self.waiting if call.pays and call.answer is None]
        return any(call.is_of(order_id) for call in (*open_calls, *self.under_way))

    async def quiet(self) -> None:
        """Let everybody work until they all wait at the gate or for a row."""
        spins = 0
        while not all(run.quiet for run in self.awake):
            spins += 1
            await asyncio.sleep(0 if spins < 20 else 0.0005)  # the ledger is writing

    async def settle(self) -> None:
        """Let everybody work, and take up what is due, until all wait."""
        await self.quiet()
        for run in self.awake:
            if self.store.anything_due():
                await run.take_up()
        await self.quiet()

    # -- requests and time --------------------------------------------------------------------------------------

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
        while True:
            arrivals = [(call.until or 0.0, None, call) for call in self.under_way]
            timeouts = [(call.gives_up, run, call) for run, call in self.waiting]
            moment, run, call = min((*arrivals, *timeouts), key=lambda found: found[0], default=(end + 1, None, None))
            if call is None or moment > end:
                break
            self.clock.advance(max(0.0, moment - self.clock.time()))
            if run is None:
                self.under_way.remove(call)
                await self.arrive(call)
            else:
                self.leave(call, self.dice.choice([None, 0.0, TRANSIT]))
                run.tell(call, TransportError("no answer in time"))
        self.clock.advance(max(0.0, end - self.clock.time()))

    # -- runs ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Another run, on what is durable."""
        run = Run(self, await self.store.open())
        self.runs.append(run)
        await run.start()
        await self.settle()

    async def finish(self, run: Run) -> None:
        await run.finish()
        self.runs.remove(run)

    async def kill(self, run: Run, transits: list[float | None]) -> None:
        if not run.frozen:  # else its requests have left already
            for call, transit in zip(run.waiting, transits, strict=False):
                self.leave(call, transit)
        await self.store.kill(run.ledger)
        await run.die()
        self.runs.remove(run)

    def freeze(self, run: Run, transits: list[float | None]) -> None:
        """Its requests are in the network, or lost; it hears nothing, gives up nothing and writes nothing."""
        run.frozen = True
        for call, transit in zip(run.waiting, transits, strict=False):
            self.leave(call, transit)

    async def thaw(self, run: Run) -> None:
        """It goes on as if nothing had happened: what was answered meanwhile it hears now."""
        run.frozen = False
        for call in list(run.waiting):
            if call in self.under_way or call.answer is None:
                run.tell(call, TransportError("no answer in time"))
            else:
                run.tell(call, call.answer)
        await self.settle()

    async def to_the_end(self) -> None:
        """Everybody is answered, and one more run takes what is left to its end."""
        self.open_gate = True
        for run in [run for run in self.runs if run.frozen]:
            await self.thaw(run)
        while self.waiting:
            run, call = self.waiting[0]
            run.tell(call, await self.arrive(call))
            await self.quiet()
        for run in list(self.runs):
            await self.finish(run)
        ledger = await self.store.open()
        for _ in range(2):
            await ledger.resume_sending()
            summary = await Runner(self.api, ledger, self.options(), clock=self.clock).run()
            await ledger.adopt(by="the operator")  # what was called a duplicate, though it was ours
        await ledger.aclose()
        assert not summary.rows(State.PLANNED, State.SENDING, State.ACCEPTED, State.PREEXISTING), summary

    async def aclose(self) -> None:
        for run in list(self.runs):
            await self.kill(run, [])
        await self.store.aclose()
