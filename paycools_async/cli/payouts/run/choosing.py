"""Which batches a run drives: those of the file that it enters, the one that it releases, or those to go on with."""

from __future__ import annotations

from pathlib import Path

import attrs
import typer

from ....batch import LedgerError, State
from ....batch.ledger.base import Batch, Intake, Offer
from ....batch.pending import PendingBatch, batches_of_file, waiting_in
from ....batch.states import OPEN
from ...console import echo, echo_error
from ...exit_codes import BAD_INPUT
from ..intake import tell_bad_rows, tell_file, tell_repeats, tell_template
from ..showing import amount_of, batch_name, chosen_batches, show_offered, show_others, states_of
from .context import RunContext

__all__ = ["BatchChoice"]


@attrs.define(kw_only=True)
class BatchChoice:
    """The batches that one run drives."""

    run: RunContext
    pending: PendingBatch
    left_out: bool = False
    """Some of the file's payouts are in a batch that this run does not drive."""

    async def chosen(self) -> list[Batch] | None:
        """The batches that this run drives; None where it can drive none. Enters the file, if there is one."""
        plan, currency = self.run.plan, self.run.currency
        numbers = list(plan.batches) if plan.release is None else [plan.release]
        intake = await self._enter(plan.file) if plan.file is not None else None
        batches = await self.run.ledger.batches()
        if intake is not None:
            numbers = self._driven(intake, batches)
        if plan.file is not None and not numbers:
            show_others(batches, (), currency)
            return None
        states = (*OPEN, State.PREEXISTING) if plan.adopt else OPEN
        chosen, how = chosen_batches(batches, numbers, states=states)
        if how:
            echo(how)
        if plan.release is not None and not waiting_in(chosen):
            raise LedgerError(
                f"{batch_name(chosen[0])} has nothing that waits for a yes: "
                f"{states_of(chosen[0].counts, currency)}; nothing was sent"
            )
        if plan.file is None and plan.release is None:
            show_offered(batches, plan.ledger, *self.run.settings())
        show_others(batches, [batch.id for batch in chosen], currency)
        return chosen

    async def _enter(self, file: Path) -> Intake:
        plan, currency = self.run.plan, self.run.currency
        intake, repeats, read = await self.pending.enter(self.run.api, file, plan.reading)
        tell_file(file, read)
        if tell_bad_rows(file, intake, plan.ledger) or tell_template(read, self.run.destination.environment):
            raise typer.Exit(BAD_INPUT)
        echo(f"{file.name}: {amount_of(intake.new + intake.known, intake.total, currency)}")
        if intake.known:
            echo(f"{intake.known} of them are in the ledger from an earlier run; nobody is paid twice")
        tell_repeats(file, repeats)
        plan.check_expected(intake.new + intake.known, intake.total, currency)
        return intake

    def _driven(self, intake: Intake, batches: list[Batch]) -> list[int]:
        """The file's batches that this run may send; the others are named."""
        chosen = batches_of_file(intake, batches, offering=self.run.plan.offer)
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
            f"`{self.run.look('withdraw', number)}` and run again, or go on with all of it: "
            f"`{self.run.command('release' if offered else 'resume', number)}`"
        )

    def _name_another_yes(self, offer: Offer) -> None:
        echo_error(
            f"batch {offer.batch} holds {offer.in_file} of these payouts, is offered, and needs a yes of its own: this "
            f"run sends nothing of it. `{self.run.command('release', f'--batch {offer.batch}')}`"
        )
