"""A whole file, paid from Python: checked, offered as one batch, sent after a yes to just that, followed to its end."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import attrs

from ..errors import PayCoolsError
from .files import Reading, RowError
from .ledger.base import Batch, Identity, Intake, Ledger, LedgerError
from .pending import PendingBatch, batches_of_file, waiting_in
from .run.options import Options, Summary
from .run.payout_api import PayoutApi
from .run.runner import Pacing, Runner, run_with_one_error
from .states import OPEN, State

__all__ = ["Expected", "NotReleased", "Proposal", "pay_file"]


class NotReleased(LedgerError):
    """Nothing was sent, and what was entered is taken back: rows are faulty, nobody said yes, or it is not that.

    `errors`: the faulty rows, at most 10,000.
    """

    def __init__(self, message: str, errors: Sequence[RowError] = ()) -> None:
        super().__init__(message)
        self.errors: tuple[RowError, ...] = tuple(errors)


@attrs.frozen(kw_only=True)
class Expected:
    """A yes to a file of so many payouts that come to `amount`, in minor units, and to no other."""

    payouts: int
    amount: int


@attrs.frozen(kw_only=True)
class Proposal:
    """What a yes would send, in minor units of `destination.currency`."""

    file: str
    batch: int | None
    """The batch that the yes releases; None: an earlier one has released all."""
    payouts: int
    amount: int
    unclear: int
    """How many more may be sent again, if PayCools does not have them."""
    unclear_amount: int
    destination: Identity
    """The merchant, and the host that it goes to."""
    warnings: tuple[str, ...] = ()
    """What a person should look at first: codes that are not known, the same payment under two order ids."""


Yes = Expected | Callable[[Proposal], bool | Awaitable[bool]]


async def pay_file(
    api: PayoutApi,
    ledger: Ledger,
    file: Path,
    yes: Yes,
    *,
    by: str,
    reading: Reading | None = None,
    options: Options | None = None,
    pace: Pacing | None = None,
) -> Summary:
    """Pay a file of payouts as `paycools payouts run` does: again is safe, and goes on where the last run ended.

    Nothing is sent without `yes`: the `Expected` count and total of the file, or a function that is asked with the
    `Proposal` and returns True (anything else is a no). It may be async; `await api.balance()` there says what is
    covered. `by` names who says yes, for the ledger's log. All of the file is sent or nothing: a yes releases one
    batch, and a batch that holds unsent payouts which are not in the file is not touched.

    Raises NotReleased where nothing is sent; FileError where the file cannot be read; LedgerError where the ledger
    cannot be used: if that was after the yes, call it again. Cancelled before the yes, it takes back what it entered;
    later, the ledger knows what was sent, and calling it again goes on.
    """
    payment = _Payment(api=api, file=file, yes=yes, pending=PendingBatch(ledger=ledger, by=by))
    try:
        view = await payment.released(reading)
    except BaseException as error:
        await _take_back(payment.pending, error)
        raise
    if not _of(await view.counts(), *OPEN)[0]:
        return Summary(counts=await view.counts(), stopped=await view.paused(), resent=await view.resent())
    await view.resume_sending()
    return await run_with_one_error(Runner(api, view, options, pace=pace))


@attrs.frozen(kw_only=True)
class _Payment:
    api: PayoutApi
    file: Path
    yes: Yes
    pending: PendingBatch

    async def released(self, reading: Reading | None) -> Ledger:
        """The file's batches, after the yes to them."""
        ledger = self.pending.ledger
        intake, repeats, read = await self.pending.enter(self.api, self.file, reading)
        self._refuse_faults(intake)
        batches = await ledger.batches()
        driven = self._driven(intake, batches)
        waiting = waiting_in(batch for batch in batches if batch.id in driven)
        view = ledger.of_batches(driven)
        counts = await view.counts()
        payouts, amount = _of(counts, State.OFFERED, State.PLANNED)
        unclear, unclear_amount = _of(counts, State.SENDING, State.UNKNOWN)
        twice = (f"lines {first} and {again} have the same account, name and amount" for first, again in repeats.found)
        proposal = Proposal(
            file=self.file.name,
            batch=waiting[0].batch if waiting else None,
            payouts=payouts,
            amount=amount,
            unclear=unclear,
            unclear_amount=unclear_amount,
            destination=self.api.identity,
            warnings=(*read.warnings, *twice),
        )
        await self._ask(proposal, intake)
        for each in waiting:
            await self.pending.release(each)
        return view

    def _refuse_faults(self, intake: Intake) -> None:
        if intake.errors:
            count = len(intake.errors) + intake.more_errors
            raise NotReleased(f"{self.file.name}: {count} faults, the first: {intake.errors[0]}", intake.errors)
        if not intake.new and not intake.known:
            raise NotReleased(f"{self.file.name}: there are no payouts in it")

    def _driven(self, intake: Intake, batches: list[Batch]) -> tuple[int, ...]:
        """The new batch, and the earlier ones that the file's rows are in: all of them, or nothing is sent."""
        chosen = batches_of_file(intake, batches)
        for offer in (each.offer for each in chosen.left_out):
            if offer.unsent_elsewhere:
                raise NotReleased(
                    f"{self.file.name}: batch {offer.batch} holds {offer.unsent_elsewhere} payouts that may still be "
                    "sent and are not in this file"
                )
        if chosen.left_out:
            offered = {*chosen.driven, *(each.offer.batch for each in chosen.left_out)}
            numbers = ", ".join(str(each.batch) for each in waiting_in(batches) if each.batch in offered)
            raise NotReleased(f"{self.file.name}: one yes releases one batch, and these are offered: {numbers}")
        return chosen.driven

    async def _ask(self, proposal: Proposal, intake: Intake) -> None:
        if isinstance(self.yes, Expected):
            there = Expected(payouts=intake.new + intake.known, amount=intake.total)
            if there != self.yes:
                raise NotReleased(f"{self.file.name}: {self.yes} was expected, and there is {there}")
        elif proposal.payouts or proposal.unclear:
            answer = self.yes(proposal)
            if inspect.isawaitable(answer):
                answer = await answer
            if answer is not True:
                raise NotReleased(f"{self.file.name}: nobody said yes")


async def _take_back(pending: PendingBatch, error: BaseException) -> None:
    entered = pending.entered
    try:
        await pending.take_back()
    except PayCoolsError as trouble:
        error.add_note(f"batch {entered} could not be taken back: {trouble}")


def _of(counts: dict[State, tuple[int, int]], *states: State) -> tuple[int, int]:
    sums = [counts.get(state, (0, 0)) for state in states]
    return sum(rows for rows, _ in sums), sum(amount for _, amount in sums)
