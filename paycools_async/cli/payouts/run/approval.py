"""The yes: what it will send is shown and asked about, and just that is released; without it, all is taken back."""

from __future__ import annotations

import asyncio

import attrs

from ....batch import Ledger, LedgerError, State, Summary
from ....batch.files.repeats import Repeats
from ....batch.ledger.base import Batch, Changed
from ....batch.pending import PendingBatch, TakenBack, Waiting
from ....batch.report.preview import preview_of
from ....batch.run.outcomes import STOPS_RUN
from ....batch.run.payout_api import warn_of_path
from ....errors import PayCoolsError, UnexpectedAnswer
from ....money import format_major
from ...asking import asked, can_ask
from ...console import echo, echo_error, plain
from ...destination import coloured, destination_lines
from ...exit_codes import UNRESOLVED
from ...objects.payouts import PreviewObject
from ..showing import amount_of, batch_name, states_of
from .context import RunContext
from .preview import Shown, sent_by
from .question import Question

__all__ = ["Approval"]


@attrs.define(kw_only=True)
class Approval:
    """A person's yes to what one run would send, or none."""

    run: RunContext
    pending: PendingBatch
    shards: dict[int, int] = attrs.field(factory=dict)
    """How many shards of a batch were handed to the workers with the yes."""
    shown: Shown | None = None
    """What was shown above the question."""

    async def preview(self, batches: list[Batch], question: Question, before: Summary, view: Ledger) -> None:
        """Where it goes, and what the yes will send. Raises LedgerError where that is not what was expected."""
        plan, currency = self.run.plan, self.run.currency
        for line in destination_lines(self.run.place):
            echo(line)
        for batch in batches:
            by = f", offered by {plain(batch.offered_by)}" if batch.offered_by else ""
            echo(f"{batch_name(batch)}{by}: {states_of(batch.counts, currency)}")
        if plan.release is not None:
            plan.check_expected(question.released.rows, question.released.amount, currency)
        if plan.offer:
            return
        warn_of_path(self.run.api)
        found = await preview_of(view, sent_by(releasing=bool(question.released.rows)))
        self.shown = Shown(preview=found, currency=currency, by=plan.by)
        self.shown.show()
        if plan.file is None:
            self._tell_repeats(found.repeats)
        question.show(currency)
        before_it = before.rows(State.PREEXISTING)
        if before_it:
            what = "they are adopted" if plan.adopt else "nothing is done about them without --adopt"
            echo(f"{before_it} payouts were in PayCools before this ledger sent them; {what}")

    def _tell_repeats(self, repeats: Repeats) -> None:
        """Those of a file were told as it was read."""
        for first, again in repeats.found:
            echo_error(f"warning: lines {first} and {again} have the same account, name and amount")
        if repeats.count > len(repeats.found):
            echo_error(f"warning: and {repeats.count - len(repeats.found)} more such lines")

    def preview_object(self, question: Question) -> PreviewObject | None:
        """What `--json` prints of it."""
        if self.shown is None:
            return None
        sure, again = question.sure, question.again
        return self.shown.object((sure.rows, sure.amount), (again.rows, again.amount))

    async def rehearsed(self, question: Question) -> bool:
        """With --dry-run: whether the balance covers it. Nobody is asked, and nothing is released or sent."""
        return await self._covered(question.sure.amount)

    async def leave_offered(self, waiting: list[Waiting], planned: int, driven: list[int]) -> int:
        """Send nothing: another person says yes. Returns the exit code."""
        run = self.run
        await self._note_destination()
        self.pending.leave_offered()
        for each in waiting:
            what = amount_of(each.rows, each.amount, run.currency)
            echo(f"Offered, and nothing was sent: batch {each.batch}, {what}. Another person releases it:")
            echo(run.command("release", f"--batch {each.batch}"))
        if not waiting:
            echo("There is nothing new to offer; nothing was sent.")
        if planned:
            echo(f"Released by an earlier yes, and not offered again: go on with {run.resume(driven)}")
        if run.plan.report is not None:
            echo(f"No report was written: nothing was sent. `{run.look('report')}` writes one")
        return UNRESOLVED

    # -- the question -------------------------------------------------------------------------------------------

    async def agreed(self, question: Question) -> bool:
        """Whether the balance covers it, and a person says yes to it, or has said so with --yes."""
        # what may be sent again is not held against the balance: if PayCools has it, it was taken from there already
        if not await self._covered(question.sure.amount):
            return False
        destination = self.run.destination
        place = f"{coloured(destination.environment)} ({destination.host})"
        text = question.text(self.run.currency, f"{place} as merchant {destination.merchant}")
        if self.run.plan.yes or not text:
            return True
        if not can_ask():
            echo_error("error: not a terminal, so nobody can be asked: give --yes; nothing was sent")
            return False
        if asked(text):
            return True
        echo_error("error: nobody said yes; nothing was sent")
        return False

    async def _covered(self, total: int) -> bool:
        try:
            balance = await self.run.api.balance()
        except STOPS_RUN:
            raise
        except UnexpectedAnswer as error:
            if self.run.plan.ignore_balance:
                echo_error(f"warning: the balance could not be read: {error}")
                return True
            echo_error(
                f"error: {self.run.destination.host} answers, and not as PayCools does: {error}; nothing was sent. "
                "Is it a firewall's page? `paycools doctor` looks for the fault; --ignore-balance goes on"
            )
            return False
        except PayCoolsError as error:
            echo_error(f"warning: the balance could not be read: {error}")
            return True
        if self.shown is not None:
            self.shown.balance = balance
            self.shown.show_balance(total)
        if balance >= total or self.run.plan.ignore_balance:
            return True
        echo_error(
            f"error: the balance is {format_major(total - balance, self.run.currency)} short; nothing was sent. "
            "Top up and run again, or give --ignore-balance to send what it covers"
        )
        return False

    # -- the release --------------------------------------------------------------------------------------------

    async def check_adopted(self, view: Ledger, question: Question) -> None:
        """What is adopted is what was shown. Raises LedgerError where another run has found more meanwhile."""
        if not self.run.plan.adopt:
            return
        now = await view.counts()
        if now.get(State.PREEXISTING, (0, 0)) != (question.adopted.rows, question.adopted.amount):
            raise LedgerError(
                "what --adopt would take is not what was shown; nothing was sent: run it again to see what is there now"
            )

    async def release(self, waiting: list[Waiting]) -> None:
        """Release just what was shown: all of it, or nothing. Raises LedgerError where it is no longer that."""
        await self._note_destination()
        if not waiting:
            return
        [batch] = waiting  # a second one could not be released with it, all or nothing
        try:
            await self.pending.release(batch, None if self.run.postgres is None else self._release_to_workers)
        except Changed as error:
            raise LedgerError(f"{error}; nothing was sent") from None
        except asyncio.CancelledError:
            if self.pending.released is not None:
                number = f"--batch {batch.batch}"
                echo_error(
                    f"batch {batch.batch} is released and stays so; go on with: {self.run.command('resume', number)}, "
                    f"or take it back: {self.run.look('withdraw', number)}"
                )
            raise

    async def _release_to_workers(self, batch: Waiting) -> None:
        """The yes and the workers' jobs, in the same transaction."""
        from ....batch.run.worker import prepare_jobs, release_batch_to_workers

        ledger, by = self.run.postgres, self.run.plan.by
        assert ledger is not None  # noqa: S101 - `release` has looked
        await prepare_jobs(ledger)
        self.shards[batch.batch] = await release_batch_to_workers(
            ledger, batch.batch, by=by, rows=batch.rows, amount=batch.amount
        )

    async def _note_destination(self) -> None:
        await self.run.ledger.note_destination(self.run.place)

    async def take_back(self) -> None:
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
                f"{self.run.look('withdraw', f'--batch {taken.batch}')}"
            )
        what = amount_of(taken.rows, taken.amount, self.run.currency)
        return f"{what} (batch {taken.batch}) were taken back: running the file again asks anew"
