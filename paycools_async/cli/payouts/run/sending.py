"""After the yes: what was released is sent, alone or among workers, and what came of it is shown and reported."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs
import typer

from ....batch import Ledger, Runner, State, Summary
from ....batch.ledger.timeline import FailureGroup
from ....batch.report.write import write_report
from ....batch.states import OPEN
from ....errors import PayCoolsError, first_of
from ...console import echo, echo_error, on_signals, present
from ...exit_codes import BROKEN, UNRESOLVED, Unfinished, from_here_on_something_may_be_sent
from ...objects.base import place_of
from ...objects.ledgers import failure_groups, states_object
from ...objects.payouts import PreviewObject, RunResult
from ..showing import show, show_failures, show_offered, show_outcomes, summary_of
from .context import RunContext
from .progress import showing_progress

if TYPE_CHECKING:
    from ....batch.ledger.postgres.ledger import PostgresLedger

__all__ = ["Sending"]

_QUIET_END = 60.0
_AWAY_AT_END = 5.0
"""Seconds for which a run that is being stopped waits for a database that is away."""


@attrs.define(kw_only=True)
class Sending:
    """What one run sends, and how it ends."""

    run: RunContext
    driven: list[int]
    """The numbers of its batches."""
    view: Ledger
    """The ledger, of these batches alone."""
    taken_back: int
    """How many of their rows were withdrawn before anything was sent."""
    left_out: bool
    """Some of the file's payouts are in a batch that this run does not drive."""
    preview: PreviewObject | None = None
    """What was shown above the question, for `--json`."""

    @contextlib.contextmanager
    def after_the_yes(self) -> Iterator[None]:
        """From here on something may have been sent, whatever goes wrong."""
        go_on = f"Go on with: {self.run.resume(self.driven)}"
        from_here_on_something_may_be_sent()
        try:
            with self._waiting_for_database():
                yield
        except PayCoolsError as error:
            raise Unfinished(f"{error}. {go_on}") from None
        except BaseExceptionGroup as group:
            if group.split(PayCoolsError)[1] is not None:
                raise
            raise Unfinished(f"{first_of(group)}. {go_on}") from None
        except BaseException:
            echo_error(f"cut off after the yes. What is not final goes on with: {self.run.resume(self.driven)}")
            raise

    @contextlib.contextmanager
    def _waiting_for_database(self) -> Iterator[None]:
        """A database that is away is waited for; before the yes it ends the command."""
        if self.run.postgres is None:
            yield
            return
        availability = self.run.postgres.availability
        availability.begin_waiting()
        try:
            yield
        finally:
            availability.end_waiting()

    async def send(self, shards: Mapping[int, int]) -> int:
        """Send, and follow it to its end. `shards`: of each batch whose workers' jobs were made with the yes."""
        if self.run.plan.adopt:
            adopted = await self.view.adopt(by=self.run.plan.by)
            if adopted:
                echo(f"{adopted} payouts that PayCools had before are taken for this ledger's")
        await self.view.resume_sending()
        if self.run.postgres is not None:
            return await self._send_among_workers(shards)
        return await self.finish(await _drive(Runner(self.run.api, self.view, self.run.plan.options)))

    async def _send_among_workers(self, shards: Mapping[int, int]) -> int:
        """Hand these batches to the workers, and be one of those who send them."""
        from ....batch.ledger.postgres.shared_pace import SharedPace
        from ....batch.run.worker import prepare_jobs, release_to_workers

        ledger = self.run.postgres
        assert ledger is not None  # noqa: S101 - `send` has looked
        await prepare_jobs(ledger)
        others = [number for number in self.driven if number not in shards]
        count = sum(shards.values()) + await release_to_workers(ledger, others)
        echo(f"{count} shards are handed to the workers")
        if self.run.plan.detach:
            return await self.finish(await summary_of(self.view))
        options = self.run.plan.options
        quiet = options.wait
        if quiet is None:
            quiet = options.absence(0, self.run.api.call_timeout, 0.0) + _QUIET_END
        # what a lost run or worker was sending moves only when its lease has ended
        options = attrs.evolve(options, wait=quiet + ledger.lease)
        runner = Runner(self.run.api, self.view, options, pace=SharedPace(ledger, options.rate))
        return await self.finish(await _drive(runner, shared=ledger))

    async def finish(self, summary: Summary) -> int:
        """Report, show what came of it, and how to go on. Returns the exit code."""
        with on_signals(lambda: None):  # stopped once more: it has ended, and says how
            return await self._finish(summary)

    async def _finish(self, summary: Summary) -> int:
        run, plan = self.run, self.run.plan
        meanwhile = summary.rows(State.WITHDRAWN) - self.taken_back
        code = UNRESOLVED if self.left_out or meanwhile else summary.exit_code
        trouble = await self._report(summary.stopped)
        if summary.stopped:
            echo_error(f"stopped: {summary.stopped}")
        unreached = run.reach.last_words()
        if unreached is not None:
            echo_error(unreached)
        failed = await self.view.failures() if summary.rows(State.FAILED) else []
        currency = await run.ledger.currency()
        self.present(summary, failed, currency, self.preview)
        show(summary, currency)
        show_failures(failed, currency)
        show_outcomes(summary, adopting=run.resume(self.driven, "--adopt") if plan.adopt else "")
        if plan.report is not None and not trouble:
            echo(f"report: {plan.report / 'report.html'} for people, {plan.report / 'payouts.csv'} for machines")
        if meanwhile:
            echo(f"{meanwhile} payouts were taken back while this run was on, and were not sent.")
        if summary.rows(*OPEN):
            echo(f"Some payouts are not final. Go on with: {run.resume(self.driven)}")
        if summary.rows(State.OFFERED):
            batches = [batch for batch in await run.ledger.batches() if batch.id in self.driven]
            show_offered(batches, plan.ledger, *run.settings())
        if summary.rows(State.PLANNED):
            own = [f"--batch {number}" for number in self.driven[:1]]
            echo(f"What was not sent can be taken back: {run.look('withdraw', *own)}")
        if trouble:
            echo_error(f"error: the report could not be written: {trouble}; the payouts themselves are as told above")
            return BROKEN
        return code

    def present(
        self, summary: Summary, failed: list[FailureGroup], currency: str, preview: PreviewObject | None
    ) -> None:
        """What `--json` prints."""
        plan = self.run.plan
        if not plan.as_json:
            return
        present(
            RunResult(
                destination=place_of(self.run.place),
                currency=currency,
                batches=tuple(self.driven),
                preview=preview,
                dry_run=plan.dry_run,
                states=states_object(summary.counts, currency),
                failures=failure_groups(failed, currency),
                sent_again=summary.resent,
                stopped=summary.stopped,
                report=None if plan.report is None or plan.dry_run else str(plan.report),
            )
        )

    async def _report(self, stopped: str | None) -> str:
        """Write the report; what hindered it, if anything did."""
        folder = self.run.plan.report
        if folder is None:
            return ""
        try:
            await write_report(self.view, folder, stopped, batches=self.driven, destination=self.run.place)
        except OSError as error:
            return f"{error.filename or folder}: {error.strerror or error}"
        return ""


async def _drive(runner: Runner, *, shared: PostgresLedger | None = None) -> Summary:
    with _stopping_on_signals(runner, shared):
        async with showing_progress(runner, refresh_counts=shared is not None):
            return await runner.run()


@contextlib.contextmanager
def _stopping_on_signals(runner: Runner, shared: PostgresLedger | None) -> Iterator[None]:
    """The first Ctrl-C lets what is in flight finish; the second ends at once (the ledger stays right)."""
    task = asyncio.current_task()
    times = 0

    def stop() -> None:
        nonlocal times
        times += 1
        if times == 1:
            runner.stop("interrupted")
            if shared is not None:
                shared.availability.stop_waiting(_AWAY_AT_END)
            echo_error("\nstopping: what is in flight is finished first; once more ends at once")
        else:
            if shared is not None:
                shared.abort()  # it may not answer
            if task is not None:
                task.cancel()

    with on_signals(stop):
        try:
            yield
        except BaseException:
            if times > 1:
                raise typer.Abort from None
            raise
