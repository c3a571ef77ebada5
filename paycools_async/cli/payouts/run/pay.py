"""Paying from the command line: a file is offered, a person says yes to what is shown, and just that is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import typer

from ....batch import FileError, Ledger, LedgerError, PayoutApi, Runner, State, Summary
from ....batch.intake import check_file
from ....batch.ledger.base import Batch, Changed, Intake, Offer
from ....batch.pending import PendingBatch, TakenBack, Waiting, batches_of_file, waiting_in
from ....batch.report.write import write_report
from ....batch.run.outcomes import STOPS_RUN
from ....batch.states import OPEN
from ....errors import ConfigurationError, PayCoolsError, first_of
from ....money import format_major, to_minor
from ...asking import asked, can_ask
from ...console import (
    BAD_INPUT,
    BROKEN,
    UNRESOLVED,
    Unfinished,
    echo,
    echo_error,
    from_here_on_something_may_be_sent,
    on_signals,
    plain,
)
from ...destination import Destination, coloured, destination_lines
from ...ledger_url import is_postgres, open_ledger, shown
from ..intake import tell_bad_rows, tell_file, tell_repeats
from ..opening import open_api, try_folder
from ..showing import (
    LEFT,
    amount_of,
    batch_name,
    chosen_batches,
    hint,
    show,
    show_offered,
    show_others,
    show_outcomes,
    states_of,
    summary_of,
)
from .plan import Plan
from .progress import showing_progress
from .question import Question, question_of

if TYPE_CHECKING:
    from ....batch.ledger.postgres.ledger import PostgresLedger

__all__ = ["pay"]

_QUIET_END = 60.0


async def pay(plan: Plan) -> int:
    """Run the plan: check, ask, pay, report. Returns the exit code."""
    postgres = is_postgres(plan.ledger)
    if plan.sandbox and postgres:
        raise ConfigurationError(
            "--sandbox keeps its books beside a ledger file; with PostgreSQL start `paycools sandbox` in another shell"
        )
    if plan.detach and not postgres:
        raise ConfigurationError("--detach leaves the sending to workers: it needs --ledger postgresql://...")
    if plan.report is not None:
        await asyncio.to_thread(try_folder, plan.report)
    options: dict[str, Any] = {"concurrency": plan.options.concurrency, "call_timeout": plan.timeout}
    async with open_api(plan.country, sandbox=Path(plan.ledger) if plan.sandbox else None, **options) as paying:
        if plan.file is not None and not postgres and _is_missing(plan.ledger):
            # a faulty file must not leave a ledger behind; and a ledger, once made, is never deleted
            found, _, read = await check_file(plan.file, paying.api.request_class, paying.api.currency, plan.reading)
            if found.errors or not found.new:
                tell_file(plan.file, read)
                tell_bad_rows(plan.file, found)
                return BAD_INPUT
        ledger = await open_ledger(
            plan.ledger,
            paying.api.identity,
            create=plan.file is not None,
            recover=plan.recover,
            call_timeout=plan.timeout,
            margin=plan.lease_margin,
        )
        try:
            pending = PendingBatch(ledger=ledger, by=plan.by)
            code = await _Payment(
                plan=plan, ledger=ledger, pending=pending, api=paying.api, destination=paying.destination
            ).run()
        finally:
            await ledger.aclose()
    return code


@attrs.define(kw_only=True)
class _Payment:
    """One command that pays, from the file or the ledger to its end."""

    plan: Plan
    ledger: Ledger
    pending: PendingBatch
    api: PayoutApi
    destination: Destination
    taken_back: int = 0
    """Rows of the driven batches that were withdrawn before anything was sent."""
    handed_over: dict[int, int] = attrs.field(factory=dict)
    """Shards of the batches whose workers' jobs were made with the yes."""
    left_out: bool = False
    """Some of the file's payouts are in a batch that this run does not drive."""

    async def run(self) -> int:
        try:
            batches = await self._chosen()
            if batches is None:
                echo("Nothing was sent" + (", and no report was written." if self.plan.report else "."))
                return UNRESOLVED
            driven = [batch.id for batch in batches]
            view = self.ledger.of_batches(driven)
            before = await summary_of(view)
            self.taken_back = before.rows(State.WITHDRAWN)
            if not self._is_left(before):
                echo("Nothing is left to send; nothing was sent.")
                return await self._finish(view, driven, before)
            waiting = [] if self.plan.file is None and self.plan.release is None else waiting_in(batches)
            most = None if is_postgres(self.plan.ledger) else self.plan.options.max_resends
            question = await question_of(view, before, waiting, most, self.plan.adopt)
            self._preview(batches, question, before)
            if self.plan.offer:
                return await self._leave_offered(waiting, question.planned.rows, driven)
            if not await self._agreed(question):
                raise typer.Exit(BAD_INPUT)
            await self._must_still_be(view, question)
            await self._release(waiting)
        except (KeyboardInterrupt, asyncio.CancelledError):
            await self._take_back()
            echo_error("error: interrupted; nothing was sent")
            raise typer.Exit(BAD_INPUT) from None
        except BaseException:
            await self._take_back()
            raise
        with self._after_the_yes(driven):
            return await self._send(view, driven)

    # -- which payouts ------------------------------------------------------------------------------------------

    async def _chosen(self) -> list[Batch] | None:
        """The batches that this run drives; None where it can drive none."""
        numbers = list(self.plan.batches) if self.plan.release is None else [self.plan.release]
        found = await self._enter(self.plan.file) if self.plan.file is not None else None
        batches = await self.ledger.batches()
        if found is not None:
            numbers = self._driven(found, batches)
        if self.plan.file is not None and not numbers:
            show_others(batches, (), self.api.currency)
            return None
        states = (*OPEN, State.PREEXISTING) if self.plan.adopt else OPEN
        chosen, told = chosen_batches(batches, numbers, states=states)
        if told:
            echo(told)
        if self.plan.release is not None and not waiting_in(chosen):
            raise LedgerError(
                f"{batch_name(chosen[0])} has nothing that waits for a yes: "
                f"{states_of(chosen[0].counts, self.api.currency)}; nothing was sent"
            )
        if self.plan.file is None and self.plan.release is None:
            self._name_offered(batches)
        show_others(batches, [batch.id for batch in chosen], self.api.currency)
        return chosen

    async def _enter(self, file: Path) -> Intake:
        found, repeats, read = await self.pending.enter(self.api, file, self.plan.reading)
        tell_file(file, read)
        if tell_bad_rows(file, found, self.plan.ledger):
            raise typer.Exit(BAD_INPUT)
        echo(f"{file.name}: {amount_of(found.new + found.known, found.total, self.api.currency)}")
        if found.known:
            echo(f"{found.known} of them are in the ledger from an earlier run; nobody is paid twice")
        tell_repeats(file, repeats)
        self._must_be(found.new + found.known, found.total)
        return found

    def _driven(self, found: Intake, batches: list[Batch]) -> list[int]:
        """The file's batches that this run may send; the others are named."""
        chosen = batches_of_file(found, batches, offering=self.plan.offer)
        for each in chosen.left_out:
            self.left_out = True
            if each.offer.unsent_elsewhere:
                self._name_larger(each.offer, offered=each.offered)
            else:
                self._name_another_yes(each.offer)
        return list(chosen.driven)

    def _name_larger(self, offer: Offer, *, offered: bool) -> None:
        """It holds more than the file does: somebody took rows out of the file after it was entered."""
        number = f"--batch {offer.batch}"
        echo_error(
            f"batch {offer.batch} holds {offer.in_file} of these payouts, and {offer.unsent_elsewhere} that may still "
            "be sent and are not in this file: this run sends nothing of it. Take back what was never sent of it with "
            f"`{hint('withdraw', self.plan.ledger, number)}` and run again, or go on with all of it: "
            f"`{self._hint('release' if offered else 'resume', number)}`"
        )

    def _name_another_yes(self, offer: Offer) -> None:
        echo_error(
            f"batch {offer.batch} holds {offer.in_file} of these payouts, is offered, and needs a yes of its own: this "
            f"run sends nothing of it. `{self._hint('release', f'--batch {offer.batch}')}`"
        )

    def _name_offered(self, batches: list[Batch]) -> None:
        show_offered(batches, self.plan.ledger, *self._settings())

    def _must_be(self, rows: int, amount: int) -> None:
        """What the person counted beforehand has to hold. Raises LedgerError where it does not."""
        plan, currency = self.plan, self.api.currency
        if plan.expect_count is not None and rows != plan.expect_count:
            raise LedgerError(f"--expect-count {plan.expect_count}: there are {rows} payouts; nothing was sent")
        if plan.expect_total is None:
            return
        try:
            expected = to_minor(plan.expect_total, currency)
        except ValueError as error:
            raise ConfigurationError(f"--expect-total {plan.expect_total}: {error}; nothing was sent") from None
        if amount != expected:
            told = format_major(amount, currency)
            raise LedgerError(f"--expect-total {plan.expect_total}: they come to {told}; nothing was sent")

    def _is_left(self, before: Summary) -> bool:
        states = LEFT if self.plan.file is not None or self.plan.release is not None else OPEN
        return bool(before.rows(*states) or (self.plan.adopt and before.rows(State.PREEXISTING)))

    # -- the question -------------------------------------------------------------------------------------------

    def _preview(self, batches: list[Batch], question: Question, before: Summary) -> None:
        """Where it goes, and what the yes will send."""
        currency = self.api.currency
        for line in destination_lines(self.destination.facts(shown(self.plan.ledger))):
            echo(line)
        for batch in batches:
            by = f", offered by {plain(batch.offered_by)}" if batch.offered_by else ""
            echo(f"{batch_name(batch)}{by}: {states_of(batch.counts, currency)}")
        if self.plan.release is not None:
            self._must_be(question.released.rows, question.released.amount)
        if self.plan.offer:
            return
        question.show(currency)
        before_it = before.rows(State.PREEXISTING)
        if before_it:
            word = "they are adopted" if self.plan.adopt else "nothing is done about them without --adopt"
            echo(f"{before_it} payouts were in PayCools before this ledger sent them; {word}")

    async def _leave_offered(self, waiting: list[Waiting], planned: int, driven: list[int]) -> int:
        await self._note_destination()
        self.pending.leave_offered()
        for each in waiting:
            what = amount_of(each.rows, each.amount, self.api.currency)
            echo(f"Offered, and nothing was sent: batch {each.batch}, {what}. Another person releases it:")
            echo(self._hint("release", f"--batch {each.batch}"))
        if not waiting:
            echo("There is nothing new to offer; nothing was sent.")
        if planned:
            echo(f"Released by an earlier yes, and not offered again: go on with {self._resume(driven)}")
        if self.plan.report is not None:
            echo(f"No report was written: nothing was sent. `{hint('report', self.plan.ledger)}` writes one")
        return UNRESOLVED

    async def _agreed(self, question: Question) -> bool:
        # what may be sent again is not held against the balance: if PayCools has it, it was taken from there already
        if not await self._covered(question.sure.amount):
            return False
        place = f"{coloured(self.destination.environment)} ({self.destination.host})"
        text = question.text(self.api.currency, f"{place} as merchant {self.destination.merchant}")
        if self.plan.yes or not text:
            return True
        if not can_ask():
            echo_error("error: not a terminal, so nobody can be asked: give --yes; nothing was sent")
            return False
        if asked(text):
            return True
        echo_error("error: nobody said yes; nothing was sent")
        return False

    async def _must_still_be(self, view: Ledger, question: Question) -> None:
        """What is adopted is what was shown. Raises LedgerError where another run has found more meanwhile."""
        if not self.plan.adopt:
            return
        now = await view.counts()
        if now.get(State.PREEXISTING, (0, 0)) != (question.adopted.rows, question.adopted.amount):
            raise LedgerError("what --adopt would take is not what was shown; nothing was sent: look again")

    async def _covered(self, total: int) -> bool:
        try:
            balance = await self.api.balance()
        except STOPS_RUN:
            raise
        except PayCoolsError as error:
            echo_error(f"warning: the balance could not be read: {error}")
            return True
        echo(f"Balance: {format_major(balance, self.api.currency)}")
        if balance >= total or self.plan.ignore_balance:
            return True
        echo_error(
            f"error: the balance is {format_major(total - balance, self.api.currency)} short; nothing was sent. "
            "Top up and run again, or give --ignore-balance to send what it covers"
        )
        return False

    async def _release(self, waiting: list[Waiting]) -> None:
        """Release just what was shown: all of it, or nothing."""
        await self._note_destination()
        if not waiting:
            return
        [batch] = waiting  # a second one could not be released with it, all or nothing
        try:
            await self.pending.release(batch, self._release_to_workers if is_postgres(self.plan.ledger) else None)
        except Changed as error:
            raise LedgerError(f"{error}; nothing was sent") from None
        except asyncio.CancelledError:
            if self.pending.released is not None:
                number = f"--batch {batch.batch}"
                echo_error(
                    f"batch {batch.batch} is released and stays so; go on with: {self._hint('resume', number)}, or "
                    f"take it back: {hint('withdraw', self.plan.ledger, number)}"
                )
            raise

    async def _release_to_workers(self, batch: Waiting) -> None:
        """The yes and the workers' jobs, in the same transaction."""
        from ....batch.run.worker import prepare_jobs, release_batch_to_workers

        ledger = cast("PostgresLedger", self.ledger)
        await prepare_jobs(ledger)
        self.handed_over[batch.batch] = await release_batch_to_workers(
            ledger, batch.batch, by=self.plan.by, rows=batch.rows, amount=batch.amount
        )

    async def _note_destination(self) -> None:
        await self.ledger.note_destination(self.destination.facts(shown(self.plan.ledger)))

    async def _take_back(self) -> None:
        """Nobody said yes to what this run entered. What another person released meanwhile is that person's."""
        batch = self.pending.entered
        try:
            taken = await self.pending.take_back()
        except PayCoolsError as error:
            echo_error(f"error: batch {batch} could not be taken back: {error}")
            return
        if taken is not None:
            echo_error(self._text_of(taken))

    def _text_of(self, taken: TakenBack) -> str:
        if taken.released_by is not None:
            return (
                f"batch {taken.batch} was released by {plain(taken.released_by)} and stays so. To take it back: "
                f"{hint('withdraw', self.plan.ledger, f'--batch {taken.batch}')}"
            )
        what = amount_of(taken.rows, taken.amount, self.api.currency)
        return f"{what} (batch {taken.batch}) were taken back: running the file again asks anew"

    # -- after the yes ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _after_the_yes(self, driven: list[int]) -> Iterator[None]:
        """From here on something may have been sent, whatever goes wrong."""
        from_here_on_something_may_be_sent()
        try:
            yield
        except (PayCoolsError, FileError) as error:
            raise Unfinished(f"{error}. Go on with: {self._resume(driven)}") from None
        except BaseExceptionGroup as group:
            if group.split((PayCoolsError, FileError))[1] is not None:
                raise
            raise Unfinished(f"{first_of(group)}. Go on with: {self._resume(driven)}") from None
        except BaseException:
            echo_error(f"cut off after the yes. What is not final goes on with: {self._resume(driven)}")
            raise

    async def _send(self, view: Ledger, driven: list[int]) -> int:
        if self.plan.adopt:
            adopted = await view.adopt(by=self.plan.by)
            if adopted:
                echo(f"{adopted} payouts that PayCools had before are taken for this ledger's")
        await view.resume_sending()
        if is_postgres(self.plan.ledger):
            return await self._send_among_workers(view, driven)
        return await self._finish(view, driven, await _drive(Runner(self.api, view, self.plan.options)))

    async def _send_among_workers(self, view: Ledger, driven: list[int]) -> int:
        """Hand these batches to the workers, and be one of those who send them."""
        from ....batch.ledger.postgres.shared_pace import SharedPace
        from ....batch.run.worker import prepare_jobs, release_to_workers

        ledger = cast("PostgresLedger", self.ledger)
        await prepare_jobs(ledger)
        others = [number for number in driven if number not in self.handed_over]
        shards = sum(self.handed_over.values()) + await release_to_workers(ledger, others)
        echo(f"{shards} shards are handed to the workers")
        if self.plan.detach:
            return await self._finish(view, driven, await summary_of(view))
        options = self.plan.options
        quiet = options.wait
        if quiet is None:
            quiet = options.absence(0, self.api.call_timeout, 0.0) + _QUIET_END
        # what a lost run or worker was sending moves only when its lease has ended
        options = attrs.evolve(options, wait=quiet + ledger.lease)
        runner = Runner(self.api, view, options, pace=SharedPace(ledger, options.rate))
        return await self._finish(view, driven, await _drive(runner, refresh_counts=True))

    async def _finish(self, view: Ledger, driven: list[int], summary: Summary) -> int:
        meanwhile = summary.rows(State.WITHDRAWN) - self.taken_back
        code = UNRESOLVED if self.left_out or meanwhile else summary.exit_code
        trouble = await self._report(view, driven, summary.stopped)
        if summary.stopped:
            echo_error(f"stopped: {summary.stopped}")
        show(summary, await self.ledger.currency())
        own = [f"--batch {number}" for number in driven]
        show_outcomes(summary, adopting=self._hint("resume", *own[:20], "--adopt") if self.plan.adopt else "")
        if self.plan.report is not None and not trouble:
            folder = self.plan.report
            echo(f"report: {folder / 'report.html'} for people, {folder / 'payouts.csv'} for machines")
        if meanwhile:
            echo(f"{meanwhile} payouts were taken back while this run was on, and were not sent.")
        if summary.rows(*OPEN):
            echo(f"Some payouts are not final. Go on with: {self._resume(driven)}")
        if summary.rows(State.OFFERED):
            self._name_offered([batch for batch in await self.ledger.batches() if batch.id in driven])
        if summary.rows(State.PLANNED):
            echo(f"What was not sent can be taken back: {hint('withdraw', self.plan.ledger, *own[:1])}")
        if trouble:
            echo_error(f"error: the report could not be written: {trouble}; the payouts themselves are as told above")
            return BROKEN
        return code

    async def _report(self, view: Ledger, driven: list[int], stopped: str | None) -> str:
        if self.plan.report is None:
            return ""
        try:
            facts = self.destination.facts(shown(self.plan.ledger))
            await write_report(view, self.plan.report, stopped, batches=driven, destination=facts)
        except OSError as error:
            return f"{error.filename or self.plan.report}: {error.strerror or error}"
        return ""

    def _resume(self, driven: list[int]) -> str:
        return self._hint("resume", *(f"--batch {number}" for number in driven[:20]))

    def _hint(self, command: str, *more: str) -> str:
        return hint(command, self.plan.ledger, *more, *self._settings())

    def _settings(self) -> list[str]:
        sandbox = ["--sandbox"] if self.plan.sandbox else []
        return sandbox + (["--api", "global", "--country", self.plan.country] if self.plan.country else [])


async def _drive(runner: Runner, *, refresh_counts: bool = False) -> Summary:
    with _stopping_on_signals(runner):
        async with showing_progress(runner, refresh_counts=refresh_counts):
            return await runner.run()


@contextlib.contextmanager
def _stopping_on_signals(runner: Runner) -> Iterator[None]:
    """The first Ctrl-C lets what is in flight finish; the second ends at once (the ledger stays right)."""
    task = asyncio.current_task()
    times = 0

    def stop() -> None:
        nonlocal times
        times += 1
        if times == 1:
            runner.stop("interrupted")
            echo_error("\nstopping: what is in flight is finished first; once more ends at once")
        elif task is not None:
            task.cancel()

    with on_signals(stop):
        yield


def _is_missing(ledger: str) -> bool:
    return not Path(ledger).exists()
