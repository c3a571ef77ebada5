"""`paycools payouts worker` and `prepare`: many machines on one PostgreSQL ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...batch import LedgerError, Options
from ..console import echo, echo_error, on_signals, run_command
from ..destination import destination_lines
from ..exit_codes import Unfinished, from_here_on_something_may_be_sent
from ..lazy_group import with_example
from ..ledger_url import open_postgres, required_ledger, shown
from ..monitoring.listening import ListenOption, watched
from ..monitoring.logs import LogFormatOption, logging_as
from .options import AbsentOption, ApiOption, ConcurrencyOption, CountryOption, ResendsOption, chosen_country

if TYPE_CHECKING:
    from ...batch.run.worker import Worker

__all__ = ["prepare", "worker"]

PostgresOption = Annotated[
    str | None, typer.Option("--ledger", help="The ledger: postgresql://user@host/database; else PAYCOOLS_LEDGER.")
]


class _Stopping:
    """The first Ctrl-C or SIGTERM lets what is in flight finish; the second ends at once, whatever it waits for."""

    def __init__(self) -> None:
        self.running: Worker | None = None
        self.at_once: list[Callable[[], None]] = []
        self._times = 0

    async def obeyed_by(self, work: Coroutine[Any, Any, None]) -> None:
        """Await the work, which may be stopped. Raises typer.Abort where it was stopped twice."""
        task = asyncio.create_task(work)
        with on_signals(lambda: self._stop(task)):
            try:
                await asyncio.wait({task})
            finally:
                if not task.done():
                    task.cancel()
                    await asyncio.wait({task})
        if self._times > 1:
            raise typer.Abort
        if not task.cancelled():
            task.result()

    def _stop(self, task: asyncio.Task[None]) -> None:
        self._times += 1
        if self._times == 1:
            echo_error("stopping: what is in flight is finished first; once more ends at once")
        else:
            for abort in self.at_once:
                abort()
        if self.running is None:
            task.cancel()
        elif self._times == 1:
            self.running.stop()
        else:
            self.running.abort()


@with_example("paycools payouts worker --ledger postgresql://payer@db/payouts")
def worker(
    ledger: PostgresOption = None,
    api: ApiOption = "ph",
    country: CountryOption = None,
    concurrency: ConcurrencyOption = 50,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="New payouts a second, over all workers; give all the same.")
    ] = None,
    shards: Annotated[int, typer.Option(min=1, max=64, help="Shards driven at a time.")] = 4,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one call may take; give all the same.")] = 30.0,
    lease_margin: Annotated[
        float | None, typer.Option(min=0.5, help="Seconds of a row's lease beyond --timeout; 20 by default.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Leave a shard when nothing moved for so many seconds.")] = 10.0,
    absent_after: AbsentOption = 60.0,
    resends: ResendsOption = 1,
    listen: ListenOption = None,
    log_format: LogFormatOption = None,
) -> None:
    """Drive released payouts until stopped. Start as many as you like, on as many machines as you like.

    A database that is away is waited for. Exit 0: stopped by Ctrl-C or SIGTERM; 2: it could not start;
    3: it could not go on; 4: stopped a second time, which ends it at once, or this machine failed.
    """
    from .opening import open_api

    name = required_ledger(ledger)
    picked = chosen_country(api, country)

    stopping = _Stopping()

    async def drive() -> None:
        options = Options(concurrency=concurrency, wait=wait, absent_after=absent_after, max_resends=resends)
        async with (
            watched(listen, name) as server,
            open_api(
                picked, concurrency=concurrency, call_timeout=timeout, observers=server.observers if server else ()
            ) as paying,
        ):
            if server is not None:
                stopping.at_once.append(server.abort)
            identity = paying.api.identity
            found = await open_postgres(name, identity, wait=True, call_timeout=timeout, margin=lease_margin)
            stopping.at_once.append(found.abort)
            found.availability.begin_waiting()
            try:
                from ...batch.ledger.postgres.shared_pace import SharedPace
                from ...batch.run.worker import Worker, prepare_jobs

                await prepare_jobs(found)
                running = Worker(paying.api, found, options, pace=SharedPace(found, rate), shards_at_once=shards)
                if server is not None:
                    server.watch(running, found.lease)
                for line in destination_lines(paying.destination.details(shown(name))):
                    echo(line)
                echo(f"worker {found.worker} on {shown(name)}")
                stopping.running = running
                from_here_on_something_may_be_sent()
                try:
                    await running.run()
                except LedgerError as error:
                    raise Unfinished(f"{error}; what is not final stays in the ledger") from None
            finally:
                try:
                    await found.aclose()
                finally:
                    found.availability.end_waiting()

    async def work() -> int:
        await stopping.obeyed_by(drive())
        echo_error("stopped; what is not final stays in the ledger, for the other workers or the next")
        return 0

    with logging_as(log_format, stdout_too=True):
        run_command(work, pays=True)


ALL_RIGHTS = ("offer", "release", "run", "submit")


@with_example("paycools payouts prepare --ledger postgresql://owner@db/payouts --role payer")
def prepare(
    ledger: PostgresOption = None,
    role: Annotated[str | None, typer.Option(help="Give this role what it needs, and no more.")] = None,
    may: Annotated[
        list[str] | None,
        typer.Option(help="What the role may do: offer, release, run, submit; several; all by default."),
    ] = None,
) -> None:
    """Make the ledger's tables in PostgreSQL, as their owner; runs and workers may then use a lesser role."""
    name = required_ledger(ledger)

    async def make() -> int:
        found = await open_postgres(name, None)
        try:
            from ...batch.ledger.postgres.session import RIGHTS, grant
            from ...batch.run.worker import prepare_jobs

            await prepare_jobs(found)
            if role is not None:
                await grant(name, role, tuple(may or RIGHTS))
        finally:
            await found.aclose()
        echo(
            f"ready: {shown(name)}"
            + (f", for the role {role}, which may {', '.join(may or ALL_RIGHTS)}" if role else "")
        )
        return 0

    run_command(make)
