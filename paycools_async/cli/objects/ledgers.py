"""Objects made of what a ledger holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from ...batch import Summary
from ...batch.ledger.base import Batch, Counts
from ...batch.ledger.row import Row
from ...batch.ledger.timeline import FailureGroup
from ...batch.pending import waiting_in
from ...batch.report.advice import advice_for, name_of
from ...money import from_minor
from ...texts import shown_text
from ...times import MANILA
from .base import Amount, amount_of, place_of
from .payouts import BatchEntryObject, BatchObject, FailureGroupObject, FailureObject, StatusResult

__all__ = ["batch_object", "failure_groups", "failure_object", "moment_text", "states_object", "status_object"]


def moment_text(seconds: float) -> str:
    """A time in Manila, ISO 8601."""
    return datetime.fromtimestamp(seconds, MANILA).isoformat(timespec="seconds")


def states_object(counts: Counts, currency: str) -> dict[str, Amount]:
    """Payouts by state."""
    return {state.value: amount_of(*sums, currency) for state, sums in sorted(counts.items()) if sums[0]}


def failure_groups(groups: Iterable[FailureGroup], currency: str) -> tuple[FailureGroupObject, ...]:
    """What failed, by reason."""
    return tuple(
        FailureGroupObject(
            code=group.code,
            reason=shown_text(name_of(group.code, group.message or "", taken=group.taken)),
            advice=advice_for(group.code, taken=group.taken),
            payouts=group.rows,
            amount=str(from_minor(group.amount, currency)),
            amount_minor=group.amount,
        )
        for group in groups
    )


def failure_object(row: Row, currency: str) -> FailureObject:
    """One payout that failed."""
    taken = bool(row.transaction_id)
    return FailureObject(
        mch_order_id=row.order_id,
        batch=row.intake,
        line=row.line,
        amount=str(from_minor(row.amount, currency)),
        amount_minor=row.amount,
        code=row.code,
        reason=shown_text(name_of(row.code, row.message or "", taken=taken)),
        advice=advice_for(row.code, taken=taken),
        transaction_id=row.transaction_id,
        updated=moment_text(row.updated),
    )


def batch_object(batch: Batch, currency: str) -> BatchObject:
    """One batch, with its log."""
    return BatchObject(
        batch=batch.id,
        file=batch.file,
        sha256=batch.sha256,
        offered_by=batch.offered_by,
        offered_at=moment_text(batch.offered_at),
        offered=amount_of(batch.payouts, batch.amount, currency),
        states=states_object(batch.counts, currency),
        log=tuple(
            BatchEntryObject(
                at=moment_text(entry.at),
                event=entry.event,
                by=entry.by,
                payouts=entry.payouts,
                amount=str(from_minor(entry.amount, currency)),
            )
            for entry in batch.log
        ),
    )


def status_object(
    summary: Summary,
    failures: Iterable[FailureGroup],
    batches: Iterable[Batch],
    chosen: Collection[int],
    details: Mapping[str, str],
    currency: str,
    *,
    paused: str | None = None,
    report: str | None = None,
) -> StatusResult:
    """Where a ledger's payouts stand."""
    return StatusResult(
        destination=place_of(details),
        currency=currency,
        batches=tuple(chosen),
        states=states_object(summary.counts, currency),
        failures=failure_groups(failures, currency),
        sent_again=summary.resent,
        paused=paused,
        offered=tuple(each.batch for each in waiting_in(batches)),
        report=report,
    )
