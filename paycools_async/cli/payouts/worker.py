"""`paycools payouts worker` and `prepare`: many machines on one PostgreSQL ledger."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

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

__all__ = ["prepare", "worker"]

PostgresOption = Annotated[
    str | None, typer.Option("--ledger", help="The ledger: postgresql://user@host/database; else PAYCOOLS_LEDGER.")
]


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
    3: it could not go on.
    """
    from .opening import open_api

    name = required_ledger(ledger)
    picked = chosen_country(api, country)

    began = False

    async def drive() -> None:
        nonlocal began
        options = Options(concurrency=concurrency, wait=wait, absent_after=absent_after, max_resends=resends)
        async with (
            watched(listen, name) as server,
            open_api(
                picked, concurrency=concurrency, call_timeout=timeout, observers=server.observers if server else ()
            ) as paying,
        ):
            identity = paying.api.identity
            found = await open_postgres(name, identity, wait=True, call_timeout=timeout, margin=lease_margin)
            with contextlib.ExitStack() as signals:
                found.availability.begin_waiting()
                signals.callback(found.availability.end_waiting)
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
                    began = True
                    signals.enter_context(on_signals(running.stop))
                    from_here_on_something_may_be_sent()
                    try:
                        await running.run()
                    except LedgerError as error:
                        raise Unfinished(f"{error}; what is not final stays in the ledger") from None
                finally:
                    await found.aclose()

    async def work() -> int:
        task, stopped = asyncio.current_task(), False

        def stop() -> None:
            nonlocal stopped
            if not began and not stopped and task is not None:
                stopped = True
                task.cancel()

        with on_signals(stop):
            try:
                await drive()
            except asyncio.CancelledError:
                if not stopped or task is None:
                    raise
                task.uncancel()
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
