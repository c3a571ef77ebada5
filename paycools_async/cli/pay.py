"""Paying from the command line: a file is offered, a person says yes to what is shown, and just that is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import typer

from ..batch import FileError, Ledger, LedgerError, PayoutApi, Runner, State, Summary
from ..batch.protocol import Batch, Changed, Intake
from ..batch.reports import write_report
from ..batch.resolver import STOPS
from ..batch.states import OPEN
from ..errors import ConfigurationError, PayCoolsError, first_of
from ..money import format_major, to_minor
from .asking import asked, can_ask
from .destination import Destination, coloured, destination_lines
from .intake import enter_file, tell_bad_rows, tell_file, tell_repeats
from .ledgers import is_postgres, open_ledger, shown
from .opening import open_api, remove_if_empty, try_folder
from .plan import Plan
from .progress import showing_progress
from .run import BAD_INPUT, BROKEN, UNRESOLVED, Unfinished, on_signals, say, say_error
from .showing import (
    LEFT,
    Waiting,
    amount_of,
    batch_name,
    chosen_batches,
    hint,
    show,
    show_others,
    show_outcomes,
    states_of,
    summary_of,
    waiting_in,
)

if TYPE_CHECKING:
    from ..batch.postgres import PostgresLedger

__all__ = ["pay"]

_QUIET_END = 60.0


async def pay(plan: Plan) -> int:
    postgres = is_postgres(plan.ledger)
    if plan.sandbox and postgres:
        raise ConfigurationError(
            "--sandbox keeps its books beside a ledger file; with PostgreSQL start `paycools sandbox` in another shell"
        )
    if plan.detach and not postgres:
        raise ConfigurationError("--detach leaves the sending to workers: it needs --ledger postgresql://...")
    if plan.report is not None:
        await asyncio.to_thread(try_folder, plan.report)
    fresh = not postgres and _is_missing(plan.ledger)
    options: dict[str, Any] = {"concurrency": plan.options.concurrency, "call_timeout": plan.timeout}
    async with open_api(plan.country, sandbox=Path(plan.ledger) if plan.sandbox else None, **options) as paying:
        ledger = await open_ledger(
            plan.ledger,
            paying.api.identity,
            create=plan.file is not None,
            recover=plan.recover,
            call_timeout=plan.timeout,
            margin=plan.lease_margin,
        )
        try:
            code = await _Payment(plan=plan, ledger=ledger, api=paying.api, destination=paying.destination).run()
        finally:
            await ledger.aclose()
            if fresh:
                await remove_if_empty(Path(plan.ledger))
    return code


@attrs.define(kw_only=True)
class _Payment:
    """One command that pays, from the file or the ledger to its end."""

    plan: Plan
    ledger: Ledger
    api: PayoutApi
    destination: Destination
    entered: int | None = None
    """The batch that this very run has entered and nobody has said yes to: a no takes it back."""
    left_out: bool = False
    """Some of the file's payouts are in a batch that this run does not drive."""

    async def run(self) -> int:
        try:
            batches = await self._chosen()
            if batches is None:
                return UNRESOLVED
            driven = [batch.id for batch in batches]
            view = self.ledger.of_batches(driven)
            before = await summary_of(view)
            if not self._is_left(before):
                say("Nothing is left to send; nothing was sent.")
                return await self._finish(view, driven, before)
            waiting = [] if self.plan.file is None and self.plan.release is None else waiting_in(batches)
            await self._preview(batches, waiting, before)
            if self.plan.offer:
                return await self._leave_offered(waiting)
            if not await self._agreed(waiting, before):
                raise typer.Exit(BAD_INPUT)
            await self._release(waiting)
        except BaseException:
            await self._take_back()
            raise
        with self._after_the_yes(driven):
            return await self._send(view, driven)

    # -- which payouts ------------------------------------------------------------------------------------------

    async def _chosen(self) -> list[Batch] | None:
        """The batches that this run drives; None where it can drive none."""
        if self.plan.file is not None:
            numbers = await self._enter(self.plan.file)
        elif self.plan.release is not None:
            numbers = [self.plan.release]
        else:
            numbers = list(self.plan.batches)
        batches = await self.ledger.batches()
        if self.plan.file is not None and not numbers:
            show_others(batches, (), self.api.currency)
            return None
        states = (*OPEN, State.PREEXISTING) if self.plan.adopt else OPEN
        chosen, told = chosen_batches(batches, numbers, states=states)
        if told:
            say(told)
        if self.plan.release is not None and not waiting_in(chosen):
            raise LedgerError(
                f"{batch_name(chosen[0])} has nothing that waits for a yes: "
                f"{states_of(chosen[0].counts, self.api.currency)}; nothing was sent"
            )
        if self.plan.file is None and self.plan.release is None:
            self._name_offered(batches)
        show_others(batches, [batch.id for batch in chosen], self.api.currency)
        return chosen

    async def _enter(self, file: Path) -> list[int]:
        found, repeats, read = await enter_file(self.ledger, self.api, file, self.plan.by, self.plan.reading)
        self.entered = found.batch
        tell_file(file, read)
        if tell_bad_rows(file, found):
            raise typer.Exit(BAD_INPUT)
        say(f"{file.name}: {amount_of(found.new + found.known, found.total, self.api.currency)}")
        if found.known:
            say(f"{found.known} of them are in the ledger from an earlier run; nobody is paid twice")
        tell_repeats(file, repeats)
        self._must_be(found.new + found.known, found.total)
        return self._driven(found)

    def _driven(self, found: Intake) -> list[int]:
        """The new batch, and each earlier one of which nothing would be sent that is not in this file."""
        driven = [] if found.batch is None else [found.batch]
        for offer in found.known_in:
            if not offer.unsent_elsewhere:
                driven.append(offer.batch)
                continue
            self.left_out = True
            number = f"--batch {offer.batch}"
            say_error(
                f"batch {offer.batch} holds {offer.in_file} of these payouts, and {offer.unsent_elsewhere} that were "
                "never sent and are not in this file: this run sends nothing of it. Take it back with "
                f"`{hint('withdraw', self.plan.ledger, number)}` and run again, or go on with all of it: "
                f"`{self._hint('resume', number)}`"
            )
        return driven

    def _name_offered(self, batches: list[Batch]) -> None:
        for each in waiting_in(batches):
            say(f"batch {each.batch} is offered and waits for a yes: {self._hint('release', f'--batch {each.batch}')}")

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

    async def _preview(self, batches: list[Batch], waiting: list[Waiting], before: Summary) -> None:
        """Where it goes, and what the yes will send."""
        currency = self.api.currency
        for line in destination_lines(self.destination.facts(shown(self.plan.ledger))):
            say(line)
        for batch in batches:
            by = f", offered by {batch.offered_by}" if batch.offered_by else ""
            say(f"{batch_name(batch)}{by}: {states_of(batch.counts, currency)}")
        rows, amount = _sum(waiting)
        if self.plan.release is not None:
            self._must_be(rows, amount)
        say(f"Your yes releases: {amount_of(rows, amount, currency)}")
        planned = before.rows(State.PLANNED), before.amount(State.PLANNED)
        if planned[0]:
            say(f"Released by an earlier yes: {amount_of(*planned, currency)}")
        say(f"To send: {amount_of(rows + planned[0], amount + planned[1], currency)}")
        unclear = before.rows(State.SENDING, State.UNKNOWN)
        if unclear:
            say(f"{unclear} payouts of an earlier run are unclear: PayCools is asked before any of them is sent again")
        before_it = before.rows(State.PREEXISTING)
        if before_it:
            word = "they are adopted" if self.plan.adopt else "nothing is done about them without --adopt"
            say(f"{before_it} payouts were in PayCools before this ledger sent them; {word}")

    async def _leave_offered(self, waiting: list[Waiting]) -> int:
        await self._note_destination()
        self.entered = None
        for each in waiting:
            what = amount_of(each.rows, each.amount, self.api.currency)
            say(f"Offered, and nothing was sent: batch {each.batch}, {what}. Another person releases it:")
            say(self._hint("release", f"--batch {each.batch}"))
        if not waiting:
            say("There is nothing new to offer; nothing was sent.")
        return UNRESOLVED

    async def _agreed(self, waiting: list[Waiting], before: Summary) -> bool:
        rows, amount = _sum(waiting)
        rows, amount = rows + before.rows(State.PLANNED), amount + before.amount(State.PLANNED)
        if not await self._covered(amount):
            return False
        if self.plan.yes or not rows:
            return True
        if not can_ask():
            say_error("error: not a terminal, so nobody can be asked: give --yes; nothing was sent")
            return False
        place = f"{coloured(self.destination.environment)} ({self.destination.host})"
        what = amount_of(rows, amount, self.api.currency)
        if asked(f"Send {what}, to {place} as merchant {self.destination.merchant}?"):
            return True
        say_error("error: nobody said yes; nothing was sent")
        return False

    async def _covered(self, total: int) -> bool:
        try:
            balance = await self.api.balance()
        except STOPS:
            raise
        except PayCoolsError as error:
            say_error(f"warning: the balance could not be read: {error}")
            return True
        say(f"Balance: {format_major(balance, self.api.currency)}")
        if balance >= total or self.plan.ignore_balance:
            return True
        say_error(
            f"error: the balance is {format_major(total - balance, self.api.currency)} short; nothing was sent. "
            "Top up and run again, or give --ignore-balance to send what it covers"
        )
        return False

    async def _release(self, waiting: list[Waiting]) -> None:
        await self._note_destination()
        for each in waiting:
            try:
                await self.ledger.release(each.batch, by=self.plan.by, rows=each.rows, amount=each.amount)
            except Changed as error:
                if each is not waiting[0]:
                    say_error("error: what was released before this stays released; `payouts withdraw` takes it back")
                raise LedgerError(f"{error}; nothing was sent") from None
            if each.batch == self.entered:
                self.entered = None

    async def _note_destination(self) -> None:
        await self.ledger.note_destination(self.destination.facts(shown(self.plan.ledger)))

    async def _take_back(self) -> None:
        """Nobody said yes to what this run entered. What another person released meanwhile is that person's."""
        batch, self.entered = self.entered, None
        if batch is None:
            return
        try:
            found = await asyncio.shield(self._withdraw_own(batch))
        except PayCoolsError as error:
            say_error(f"error: batch {batch} could not be taken back: {error}")
            return
        if found:
            say_error(f"{found} (batch {batch}) were taken back: running the file again asks anew")

    async def _withdraw_own(self, batch: int) -> str:
        for each in await self.ledger.batches():
            if each.id == batch and any(entry.event == "release" for entry in each.log):
                return ""
        taken = await self.ledger.withdraw(by=self.plan.by, batch=batch)
        return amount_of(taken.rows, taken.amount, self.api.currency)

    # -- after the yes ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _after_the_yes(self, driven: list[int]) -> Iterator[None]:
        """From here on something may have been sent, whatever goes wrong."""
        try:
            yield
        except (PayCoolsError, FileError) as error:
            raise Unfinished(f"{error}. Go on with: {self._resume(driven)}") from None
        except BaseExceptionGroup as group:
            if group.split((PayCoolsError, FileError))[1] is not None:
                raise
            raise Unfinished(f"{first_of(group)}. Go on with: {self._resume(driven)}") from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            say_error(f"cut off; what was under way is unclear. Go on with: {self._resume(driven)}")
            raise

    async def _send(self, view: Ledger, driven: list[int]) -> int:
        if self.plan.adopt:
            adopted = await view.adopt(by=self.plan.by)
            if adopted:
                say(f"{adopted} payouts that PayCools had before are taken for this ledger's")
        await self.ledger.resume_sending()
        if is_postgres(self.plan.ledger):
            return await self._send_among_workers(view, driven)
        return await self._finish(view, driven, await _drive(Runner(self.api, view, self.plan.options)))

    async def _send_among_workers(self, view: Ledger, driven: list[int]) -> int:
        """Hand these batches to the workers, and be one of those who send them."""
        from ..batch.shared_pace import SharedPace
        from ..batch.worker import prepare_jobs, release_to_workers

        ledger = cast("PostgresLedger", self.ledger)
        await prepare_jobs(ledger)
        shards = await release_to_workers(ledger, driven)
        say(f"{shards} shards are handed to the workers")
        if self.plan.detach:
            return await self._finish(view, driven, await summary_of(view))
        options = self.plan.options
        quiet = options.wait
        if quiet is None:
            quiet = options.absence(0, self.api.call_timeout, 0.0) + _QUIET_END
        # what a lost run or worker was sending moves only when its lease has ended
        options = attrs.evolve(options, wait=quiet + ledger.lease)
        runner = Runner(self.api, view, options, pace=SharedPace(ledger, options.rate))
        return await self._finish(view, driven, await _drive(runner, look_around=True))

    async def _finish(self, view: Ledger, driven: list[int], summary: Summary) -> int:
        code = UNRESOLVED if self.left_out else summary.exit_code
        trouble = await self._report(view, driven, summary.stopped)
        if summary.stopped:
            say_error(f"stopped: {summary.stopped}")
        show(summary, await self.ledger.currency())
        show_outcomes(summary)
        if self.plan.report is not None and not trouble:
            folder = self.plan.report
            say(f"report: {folder / 'report.html'} for people, {folder / 'payouts.csv'} for machines")
        if summary.rows(*OPEN):
            say(f"Some payouts are not final. Go on with: {self._resume(driven)}")
        if summary.rows(State.PLANNED):
            own = [f"--batch {number}" for number in driven]
            say(f"What was not sent can be taken back: {hint('withdraw', self.plan.ledger, *own[:1])}")
        if trouble:
            say_error(f"error: the report could not be written: {trouble}; the payouts themselves are as told above")
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
        settings = ["--sandbox"] if self.plan.sandbox else []
        settings += ["--api", "global", "--country", self.plan.country] if self.plan.country else []
        return hint(command, self.plan.ledger, *more, *settings)


def _sum(waiting: list[Waiting]) -> tuple[int, int]:
    return sum(each.rows for each in waiting), sum(each.amount for each in waiting)


async def _drive(runner: Runner, *, look_around: bool = False) -> Summary:
    with _stopping_on_signals(runner):
        async with showing_progress(runner, look_around=look_around):
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
            say_error("\nstopping: what is in flight is finished first; once more ends at once")
        elif task is not None:
            task.cancel()

    with on_signals(stop):
        yield


def _is_missing(ledger: str) -> bool:
    return not Path(ledger).exists()
