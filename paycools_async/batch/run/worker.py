"""Spreading a ledger's payouts over workers, by procrastinate on the same PostgreSQL (extra `postgres`).

A job says "drive this shard of that batch" and nothing more. What is sent, and whether, the ledger decides: two jobs on
one shard, a job that is lost, late or done again change nothing about who is paid.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from ...storage import psycopg_extra  # noqa: F401 - first: it says what is missing

# isort: split
import attrs
import procrastinate
import psycopg
from procrastinate.schema import SchemaManager

from ...errors import PayCoolsError, first_of
from ..ledger.postgres.ledger import PostgresLedger, open_shards
from ..ledger.sqlite.ledger import LedgerError
from ..states import State
from .job_connector import JobConnector
from .payout_api import PayoutApi
from .runner import Options, Pacing, Runner, run_with_one_error

__all__ = ["Worker", "prepare_jobs", "release_batch_to_workers", "release_to_workers"]

log: logging.Logger = logging.getLogger("paycools_async.batch")

Connection = psycopg.AsyncConnection[Any]

_QUEUE = "paycools-payouts"
_TASK = "paycools.drive_shard"
_LOCK = 0x50_43_4C_51  # "PCLQ": the job tables are made once
_OPEN = (State.PLANNED, State.UNKNOWN, State.ACCEPTED)
_LONGEST_REST = 30.0


_AFTER_TROUBLE = 10
"""Seconds after which a shard comes up again that could not be driven."""
_STOP_WITHIN = 5.0
"""Seconds for which a worker that stops waits for a database that is away."""


def _app(ledger: PostgresLedger) -> procrastinate.App:
    return procrastinate.App(connector=JobConnector(ledger))


async def prepare_jobs(ledger: PostgresLedger) -> None:
    """Make procrastinate's tables beside the ledger's, if they are not there."""

    async def make(connection: Connection) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        [(there,)] = await (await connection.execute("SELECT to_regclass('procrastinate_jobs')")).fetchall()
        if there is None:
            await connection.execute(SchemaManager.get_schema())

    await ledger.within(make)


async def release_to_workers(ledger: PostgresLedger, batches: Collection[int]) -> int:
    """Defer a job for every shard of these batches with open payouts. Returns how many.

    Nothing is released by it; see `release_batch_to_workers`. A shard that has a job waiting gets no second one.
    """
    deferring = _Deferring(ledger)
    await ledger.within(deferring.all_of(batches))
    return deferring.jobs


async def release_batch_to_workers(ledger: PostgresLedger, batch: int, *, by: str, rows: int, amount: int) -> int:
    """A person's yes to a batch, as `PostgresLedger.release`, and its shards' jobs, in one transaction."""
    deferring = _Deferring(ledger)
    await ledger.release(batch, by=by, rows=rows, amount=amount, also=deferring)
    return deferring.jobs


class _Deferring:
    """Defers jobs within a transaction; it may be begun anew."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger
        self._app = _app(ledger)
        self.jobs = 0

    async def __call__(self, connection: Connection, shards: Iterable[tuple[int, int]]) -> None:
        self.jobs = 0
        query = "SELECT lock FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo'"
        waiting = {lock for (lock,) in await (await connection.execute(query, (_QUEUE,))).fetchall()}
        for batch, shard in shards:
            lock = _lock_of(batch, shard)
            if lock not in waiting:
                job = self._app.configure_task(_TASK, queue=_QUEUE, lock=lock, connection=connection)
                await job.defer_async(batch=batch, shard=shard)
                self.jobs += 1

    def all_of(self, batches: Collection[int]) -> Callable[[Connection], Awaitable[None]]:
        """The work of one transaction: jobs for what is open in these batches."""

        async def defer(connection: Connection) -> None:
            await self(connection, await open_shards(connection, batches))

        return defer


def _lock_of(batch: int, shard: int) -> str:
    return f"paycools-{batch}-{shard}"


class Worker:
    """Drives shards, a few at a time, until `stop`. Any number of workers, on any machines, may share a ledger.

    `options.concurrency` is divided among the shards that are driven at once. `pace` should be a `SharedPace`.
    """

    def __init__(
        self,
        api: PayoutApi,
        ledger: PostgresLedger,
        options: Options | None = None,
        *,
        pace: Pacing | None = None,
        shards_at_once: int = 4,
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._options = options or Options(wait=10.0)
        self._pace = pace
        self._at_once = shards_at_once
        self._runners: set[Runner] = set()
        self._driving: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()
        self._aborted = False
        self._connector = JobConnector(ledger)
        self._app = procrastinate.App(connector=self._connector)
        # for what is new in a later version: `_drive` lets no error out
        retry = procrastinate.RetryStrategy(wait=_AFTER_TROUBLE)
        self._app.task(name=_TASK, queue=_QUEUE, retry=retry)(self._drive)

    def stop(self) -> None:
        """Take no more shards, finish what is in flight, and end."""
        if not self._stopping.is_set():
            self._ledger.availability.stop_waiting(_STOP_WITHIN)
        self._stopping.set()
        for runner in self._runners:
            runner.stop("the worker is stopping")

    def abort(self) -> None:
        """End at once: calls in flight are cut off, and the database, which may be away, is asked nothing more.

        What this worker had begun is found out about when its leases end. `run` returns then; the ledger is only to be
        closed.
        """
        self._aborted = True
        self.stop()
        self._connector.abort()
        self._ledger.abort()
        for task in self._driving:
            task.cancel()

    @property
    def is_stopping(self) -> bool:
        """Whether it takes no more shards."""
        return self._stopping.is_set()

    @property
    def renewed_ago(self) -> float:
        """Seconds since the leases of a shard that it drives were renewed, the most of all; 0 where it drives none."""
        return max((runner.renewed_ago for runner in self._runners), default=0.0)

    async def run(self) -> None:
        """Drive what jobs say until `stop`. A database that is away is waited for, however long that takes.

        Raises LedgerError where the database cannot be used any more, as by a pooler that is new before it.
        """
        self._ledger.availability.begin_waiting()
        try:
            await self._run()
        except LedgerError as error:
            if not self._stopping.is_set():
                raise
            if not self._aborted:
                log.warning(
                    "the database is away; what this worker had begun is taken up when its leases end: %s", error
                )
        finally:
            self._ledger.availability.end_waiting()

    async def _run(self) -> None:
        async with self._app.open_async():
            # a job of a lost worker is done again when its rows' leases have ended, not before
            beat = self._ledger.lease / 4
            work = asyncio.create_task(
                self._app.run_worker_async(
                    name=self._ledger.worker,
                    queues=[_QUEUE],
                    concurrency=self._at_once,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=min(5.0, beat),
                    update_heartbeat_interval=beat,
                    stalled_worker_timeout=self._ledger.lease,
                    delete_jobs="successful",
                )
            )
            rescue = asyncio.create_task(self._rescue())
            stopping = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({work, rescue, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.stop()
                for task in (work, rescue, stopping):
                    task.cancel()
                results = await asyncio.gather(work, rescue, stopping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _rescue(self) -> None:
        """Put the jobs of lost workers back into the queue."""
        while True:
            await asyncio.sleep(self._ledger.lease / 4)
            stalled = await self._app.job_manager.get_stalled_jobs(
                queue=_QUEUE, seconds_since_heartbeat=self._ledger.lease
            )
            for job in stalled:
                await self._app.job_manager.retry_job(job)
                log.warning("the worker that drove %s is lost; another takes it up", job.lock)

    async def _drive(self, batch: int, shard: int) -> None:
        driving = asyncio.create_task(self._drive_and_defer(batch, shard), name=_lock_of(batch, shard))
        self._driving.add(driving)
        try:
            await asyncio.wait({driving})  # cut off, it ends, and the job is done as far as procrastinate sees
        finally:
            self._driving.discard(driving)
            driving.cancel()
        if not driving.cancelled():
            driving.result()

    async def _drive_and_defer(self, batch: int, shard: int) -> None:
        """Drive a shard as far as it goes now. Whatever happens, it comes up again as long as it has open payouts."""
        part = self._ledger.shard(batch, shard)
        try:
            await self._drive_once(part)
            due = await part.next_due(_OPEN, max_resends=self._options.max_resends)
        except Exception as error:  # noqa: BLE001 - one shard's trouble is no reason to end the worker
            log.error("%s could not be driven, and comes up again: %s", _lock_of(batch, shard), _told(error))
            rest = _AFTER_TROUBLE
        else:
            if due is None:
                return
            # nothing to do now but not final, or this worker is stopping: the shard comes up again, for whoever is free
            rest = 0 if self._stopping.is_set() else max(1, int(min(due - part.time(), _LONGEST_REST)))
        job = self._app.configure_task(_TASK, queue=_QUEUE, lock=_lock_of(batch, shard), schedule_in={"seconds": rest})
        with contextlib.suppress(LedgerError):  # this job then stays, and is found to be lost
            await job.defer_async(batch=batch, shard=shard)

    async def _drive_once(self, part: PostgresLedger) -> None:
        if self._stopping.is_set():
            return
        count = max(1, self._options.concurrency // self._at_once)
        runner = Runner(self._api, part, attrs.evolve(self._options, concurrency=count), pace=self._pace)
        self._runners.add(runner)
        try:
            await run_with_one_error(runner)
        finally:
            self._runners.discard(runner)


def _told(error: BaseException) -> str:
    """What went wrong, without account data: the text of another's error may hold anything."""
    if isinstance(error, BaseExceptionGroup):
        error = first_of(error)
    if isinstance(error, PayCoolsError):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"unexpected {type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
