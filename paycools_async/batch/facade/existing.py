"""What a ledger has already: a batch that waits for its yes, what was never sent, and the report."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ...errors import ConfigurationError
from ...policy import Pacing
from ..ledger.base import Batch, Ledger, LedgerError, Withdrawal
from ..pending import PendingBatch, waiting_in
from ..report.write import write_report as write_report_of
from ..run.meter import OnProgress
from ..run.options import Options, Summary
from ..states import State
from .approval import Approve, Expected, require_approval
from .given import LedgerOrLocation, Payer, api_of, opened_to_look, opened_to_pay, whoami
from .pay import proposal_of
from .sending import Sending

__all__ = ["release", "withdraw", "write_report"]


async def release(
    paycools: Payer,
    batch: int,
    *,
    ledger: LedgerOrLocation,
    approve: Approve,
    by: str | None = None,
    country: str | None = None,
    progress: OnProgress | None = None,
    options: Options | None = None,
    pace: Pacing | None = None,
) -> Summary:
    """Say yes to a batch that was offered, and send it, as `paycools payouts release` does.

    The arguments are those of `pay_file`; an `Expected` speaks of the whole batch but what was taken back. Called
    again, it goes on with what an earlier yes has released. Raises NotReleased without a yes to just what is there;
    LedgerError where there is no such batch, or the ledger cannot be used.
    """
    api = api_of(paycools, country)
    async with opened_to_pay(ledger, api, create=False) as opened:
        [found] = await _batches_of(opened, [batch])
        view = opened.of_batches([batch])
        waiting = waiting_in([found])
        name = f"batch {batch}" + (f" ({found.file})" if found.file else "")
        proposal = await proposal_of(view, file=name, batch=batch if waiting else None, api=api)
        kept = [each for state, each in found.counts.items() if state is not State.WITHDRAWN]
        whole = Expected(payouts=sum(rows for rows, _ in kept), amount=sum(amount for _, amount in kept))
        await require_approval(approve, proposal, whole)
        pending = PendingBatch(ledger=opened, by=by or whoami())
        for each in waiting:
            await pending.release(each)
        return await Sending(api=api, options=options, pace=pace, progress=progress).send(view)


async def withdraw(
    ledger: LedgerOrLocation, *, batch: int | None = None, order_id: str | None = None, by: str | None = None
) -> Withdrawal:
    """Take back what was never sent, of a batch or of one order; may be used beside a run.

    What was or may have been sent stays: `.stay` says how many. `by` names who does it, for the ledger's log. Raises
    ConfigurationError where neither is given, LedgerError where there is no such batch.
    """
    if batch is None and order_id is None:
        raise ConfigurationError("say what to take back: batch= or order_id=")
    async with opened_to_look(ledger, read_only=False) as opened:
        if batch is not None:
            await _batches_of(opened, [batch])
        return await opened.withdraw(by=by or whoami(), batch=batch, order_id=order_id)


async def write_report(
    ledger: LedgerOrLocation, directory: str | os.PathLike[str], *, batches: Collection[int] | None = None
) -> Summary:
    """Write the report of these batches, or of all, as `paycools payouts report` does; may be used beside a run.

    `payouts.csv` has one row per payout, `failures.csv` those that failed, `summary.json` the totals, and `report.html`
    is a page for people. They hold no account data. Raises LedgerError where there is no such batch, OSError where the
    folder cannot be written.
    """
    async with opened_to_look(ledger, read_only=True) as opened:
        numbers = [each.id for each in await _batches_of(opened, batches)]
        return await write_report_of(opened.of_batches(numbers), Path(directory), batches=numbers)


async def _batches_of(ledger: Ledger, wanted: Collection[int] | None) -> list[Batch]:
    """These batches, or all. Raises LedgerError where one is not there."""
    every = await ledger.batches()
    missing = sorted(set(wanted or ()) - {each.id for each in every})
    if missing:
        raise LedgerError(f"there is no batch {missing[0]} in this ledger")
    return every if wanted is None else [each for each in every if each.id in wanted]
