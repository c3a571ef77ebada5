"""A whole file, paid: checked, offered as one batch, sent after a yes to just that, followed to its end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, overload

import attrs

from ...errors import PayCoolsError
from ...policy import Pacing
from ...renamed import warn_renamed
from ..files import Reading
from ..intake import check_file as check_rows
from ..ledger.base import Batch, Intake, Ledger
from ..ledger.opening import is_missing_file
from ..pending import PendingBatch, batches_of_file, waiting_in
from ..run.meter import OnProgress
from ..run.options import Options, Summary
from ..run.payout_api import PayoutApi
from ..states import State
from .approval import Approve, Expected, NotReleased, Proposal, require_approval
from .check import warnings_of
from .given import LedgerOrLocation, Payer, api_of, opened_to_pay, path_of, whoami
from .sending import Sending

__all__ = ["OfferedBatch", "offer_file", "pay_file", "proposal_of"]


@overload
async def pay_file(
    paycools: Payer,
    file: str | os.PathLike[str],
    *,
    ledger: LedgerOrLocation,
    approve: Approve,
    by: str | None = None,
    country: str | None = None,
    progress: OnProgress | None = None,
    reading: Reading | None = None,
    options: Options | None = None,
    pace: Pacing | None = None,
) -> Summary: ...


@overload
async def pay_file(
    api: PayoutApi,
    ledger: Ledger,
    file: Path,
    yes: Approve,
    *,
    by: str,
    reading: Reading | None = None,
    options: Options | None = None,
    pace: Pacing | None = None,
) -> Summary: ...


async def pay_file(*given: Any, **named: Any) -> Summary:
    """Pay a file of payouts as `paycools payouts run` does: again is safe, and goes on where the last run ended.

        summary = await pay_file(paycools, "salaries.csv", ledger="salaries.db", approve=ask_ana)

    `paycools`: a client; with the Global API, `country` says where. `ledger`: a file's path or postgresql://..., made
    if it is not there, or a ledger that you have opened; keep it as you keep your books. `by` names who says yes, for
    the ledger's log (user@host by default).

    Nothing is sent without a yes: `approve` is the `Expected` count and total of the file, or a function, async or not,
    that is asked with the `Proposal` and returns True; anything else is a no. All of the file is sent or nothing: a yes
    releases one batch, and a batch that holds unsent payouts which are not in the file is not touched. `progress` is
    called each second, and at the end, with a `RunProgress`.

    Raises NotReleased where nothing is sent; FileError where the file cannot be read; LedgerError where the ledger
    cannot be used: if that was after the yes, call it again. Cancelled before the yes, it takes back what it entered;
    later, the ledger knows what was sent, and calling it again goes on.

    As it was called before, `pay_file(api, ledger, file, yes, by=...)`, it works for one release.
    """
    if len(given) > 2 or "yes" in named or "api" in named:
        warn_renamed("pay_file(api, ledger, file, yes)", "pay_file(paycools, file, ledger=..., approve=...)")
        named |= dict(zip(("api", "ledger", "file", "yes"), given, strict=False))
        given = (named.pop("api"), named.pop("file"))
        named["approve"] = named.pop("yes")
    return await _pay_file(*given, **named)


async def _pay_file(
    paycools: Payer,
    file: str | os.PathLike[str],
    *,
    ledger: LedgerOrLocation,
    approve: Approve,
    by: str | None = None,
    country: str | None = None,
    progress: OnProgress | None = None,
    reading: Reading | None = None,
    options: Options | None = None,
    pace: Pacing | None = None,
) -> Summary:
    api, path = api_of(paycools, country), path_of(file)
    await _refuse_faults_before(ledger, api, path, reading)
    async with opened_to_pay(ledger, api) as opened:
        payment = _Payment(api=api, file=path, reading=reading, pending=PendingBatch(ledger=opened, by=by or whoami()))
        try:
            view = await payment.released(approve)
        except BaseException as error:
            await _take_back(payment.pending, error)
            raise
        return await Sending(api=api, options=options, pace=pace, progress=progress).send(view)


@attrs.frozen(kw_only=True)
class OfferedBatch:
    """A file's new payouts, entered and not sent. `amount` in minor units."""

    batch: int | None
    """What `release` is to be given; None: the ledger had all of the file's payouts before."""
    payouts: int
    amount: int
    known: int
    """How many of the file's payouts the ledger has from before; they are not offered again."""
    warnings: tuple[str, ...]


async def offer_file(
    paycools: Payer,
    file: str | os.PathLike[str],
    *,
    ledger: LedgerOrLocation,
    by: str | None = None,
    country: str | None = None,
    reading: Reading | None = None,
) -> OfferedBatch:
    """Enter a file and send nothing, as `paycools payouts run --offer` does: another person's `release` sends it.

    Raises NotReleased, and enters nothing, where rows are faulty; FileError; LedgerError.
    """
    api, path = api_of(paycools, country), path_of(file)
    await _refuse_faults_before(ledger, api, path, reading)
    async with opened_to_pay(ledger, api) as opened:
        pending = PendingBatch(ledger=opened, by=by or whoami())
        intake, repeats, read = await pending.enter(api, path, reading)
        _refuse_faults(path, intake)
        pending.leave_offered()
        new = [each for each in waiting_in(await opened.batches()) if each.batch == intake.batch]
        return OfferedBatch(
            batch=intake.batch,
            payouts=intake.new,
            amount=sum(each.amount for each in new),
            known=intake.known,
            warnings=warnings_of(repeats, read),
        )


# -- the steps ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Payment:
    api: PayoutApi
    file: Path
    reading: Reading | None
    pending: PendingBatch

    async def released(self, approve: Approve) -> Ledger:
        """The file's batches, after the yes to them."""
        ledger = self.pending.ledger
        intake, repeats, read = await self.pending.enter(self.api, self.file, self.reading)
        _refuse_faults(self.file, intake)
        batches = await ledger.batches()
        driven = self._driven(intake, batches)
        waiting = waiting_in(batch for batch in batches if batch.id in driven)
        view = ledger.of_batches(driven)
        proposal = await proposal_of(
            view,
            file=self.file.name,
            batch=waiting[0].batch if waiting else None,
            api=self.api,
            warnings=warnings_of(repeats, read),
        )
        whole = Expected(payouts=intake.new + intake.known, amount=intake.total)
        await require_approval(approve, proposal, whole)
        for each in waiting:
            await self.pending.release(each)
        return view

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


async def proposal_of(
    view: Ledger, *, file: str, batch: int | None, api: PayoutApi, warnings: tuple[str, ...] = ()
) -> Proposal:
    """What a yes to this view of a ledger would send."""
    now = Summary(counts=await view.counts())
    return Proposal(
        file=file,
        batch=batch,
        payouts=now.rows(State.OFFERED, State.PLANNED),
        amount=now.amount(State.OFFERED, State.PLANNED),
        unclear=now.rows(State.SENDING, State.UNKNOWN),
        unclear_amount=now.amount(State.SENDING, State.UNKNOWN),
        destination=api.identity,
        warnings=warnings,
    )


async def _refuse_faults_before(ledger: LedgerOrLocation, api: PayoutApi, file: Path, reading: Reading | None) -> None:
    """A faulty file leaves no new ledger behind; and a ledger, once made, is never deleted."""
    if isinstance(ledger, str | os.PathLike) and is_missing_file(ledger):
        intake, _, _ = await check_rows(file, api.request_class, api.currency, reading)
        _refuse_faults(file, intake)


def _refuse_faults(file: Path, intake: Intake) -> None:
    if intake.errors:
        count = len(intake.errors) + intake.more_errors
        raise NotReleased(f"{file.name}: {count} faults, the first: {intake.errors[0]}", intake.errors)
    if not intake.new and not intake.known:
        raise NotReleased(f"{file.name}: there are no payouts in it")


async def _take_back(pending: PendingBatch, error: BaseException) -> None:
    entered = pending.entered
    try:
        await pending.take_back()
    except PayCoolsError as trouble:
        error.add_note(f"batch {entered} could not be taken back: {trouble}")
