"""A day of the ledger held against PayCools' statement of that day: who knows of which payout, and do they agree.

A payout belongs to the day, in the statement's zone, on which PayCools created it; one that left shortly before or
after midnight is looked for on the neighbouring day too before it counts as missing there.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Container, Iterable
from datetime import date, datetime

import attrs

from ...vocabulary.statuses import TransactionStatus
from ..ledger.row import Row
from ..ledger.timeline import PayoutTimeline
from ..states import State
from .known import KnownOrders
from .statements import Line, Statement

__all__ = ["ALARMS", "IN_ORDER", "Finding", "Reconciliation", "Verdict", "finding_for", "reconcile"]


class Verdict(enum.StrEnum):
    AGREES = "agrees"
    BEHIND = "open here"
    """The ledger has not heard the end yet: `resume` finds it out."""
    AMOUNT = "amount differs"
    STATE = "state differs"
    OURS_ONLY = "ours only"
    """Accepted, by the ledger, and not in PayCools' statement."""
    PAID_THERE = "paid there, not here"
    """PayCools has it, and the ledger says that it failed, was not sent, or was there before."""
    TWICE = "twice there"
    THEIRS_ONLY = "theirs only"
    """PayCools has it, and no ledger given has: somebody else pays, or a ledger is missing."""
    KNOWN = "known elsewhere"
    """No ledger has it, and a list of what other programs paid has."""
    OTHERS_FAILED = "failed, not ours"
    """No ledger has it, and PayCools paid nobody by it."""


IN_ORDER = frozenset({Verdict.AGREES, Verdict.KNOWN, Verdict.OTHERS_FAILED})
"""Nothing is to be done."""

ALARMS = frozenset({Verdict.PAID_THERE, Verdict.TWICE, Verdict.THEIRS_ONLY})
"""Money may have left that the ledger does not know of."""


@attrs.frozen(kw_only=True)
class Finding:
    """One payout, as both sides have it. Amounts in minor units."""

    order_id: str
    verdict: Verdict
    our_amount: int | None = None
    their_amount: int | None = None
    our_state: State | None = None
    their_status: str | None = None
    transaction_id: str | None = None


@attrs.define
class Reconciliation:
    """What a day came to: payouts and minor units by verdict, and the first few findings that are no agreement."""

    day: date
    currency: str = "PHP"
    counts: dict[Verdict, tuple[int, int]] = attrs.field(factory=dict)
    examples: dict[Verdict, list[Finding]] = attrs.field(factory=dict)

    def add(self, finding: Finding, *, keep: int = 20) -> None:
        """Count the finding, and keep it as an example unless it agrees or `keep` are kept."""
        rows, amount = self.counts.get(finding.verdict, (0, 0))
        theirs = finding.their_amount if finding.their_amount is not None else finding.our_amount
        self.counts[finding.verdict] = (rows + 1, amount + (theirs or 0))
        kept = self.examples.setdefault(finding.verdict, [])
        if finding.verdict not in IN_ORDER and len(kept) < keep:
            kept.append(finding)

    @property
    def exit_code(self) -> int:
        """0 both agree; 1 alarm: PayCools has what the ledger does not know of; 3 other differences, or not final."""
        found = {verdict for verdict, (rows, _) in self.counts.items() if rows}
        if found & ALARMS:
            return 1
        return 3 if found - IN_ORDER else 0


_UNPAID = (TransactionStatus.FAILED, TransactionStatus.CLOSED)
_NOT_PAID_HERE = frozenset({State.OFFERED, State.PLANNED, State.WITHDRAWN, State.FAILED, State.PREEXISTING})
"""As far as this ledger knows, no payment of its own is behind such a row."""


_NONE = KnownOrders()


def finding_for(line: Line, row: Row | None, known: KnownOrders = _NONE) -> Finding:
    """One line of the statement, held against the ledger's row of the same order id.

    `known`: what other programs paid; it is asked only about what the ledger does not have.
    """
    verdict = _verdict_of_others(line, known) if row is None else _verdict(line.status, line.amount, row)
    return Finding(
        order_id=line.order_id,
        verdict=verdict,
        our_amount=row.amount if row else known.amount(line.order_id),
        their_amount=line.amount,
        our_state=row.state if row else None,
        their_status=line.status.value if line.status is not None else None,
        transaction_id=line.transaction_id,
    )


def _verdict_of_others(line: Line, known: KnownOrders) -> Verdict:
    if line.order_id in known:
        told = known.amount(line.order_id)
        return Verdict.KNOWN if told is None or told == line.amount else Verdict.AMOUNT
    return Verdict.OTHERS_FAILED if line.status in _UNPAID else Verdict.THEIRS_ONLY


def _verdict(status: TransactionStatus | None, amount: int | None, row: Row) -> Verdict:
    unpaid = status in _UNPAID
    if row.state in _NOT_PAID_HERE and not unpaid:
        return Verdict.PAID_THERE
    if amount != row.amount:
        return Verdict.AMOUNT
    match row.state:
        case State.SETTLED:
            return Verdict.AGREES if status is TransactionStatus.COMPLETE else Verdict.STATE
        case State.FAILED | State.WITHDRAWN | State.PREEXISTING:
            return Verdict.AGREES
        case State.ACCEPTED if status is TransactionStatus.PENDING:
            return Verdict.AGREES
        case State.CONFLICT:
            return Verdict.STATE
        case _:
            return Verdict.BEHIND


def _expected(timeline: PayoutTimeline) -> bool:
    """Whether the ledger says that PayCools has it."""
    if timeline.state is State.FAILED:
        return timeline.transaction_id is not None  # else it was refused, and stands in no statement
    return timeline.state in (State.ACCEPTED, State.SETTLED)


async def reconcile(
    day: date,
    statement: Statement,
    find: Callable[[str], Awaitable[Row | None]],
    timelines: Iterable[PayoutTimeline],
    note: Callable[[Finding], None] = lambda _: None,
    *,
    known: KnownOrders = _NONE,
) -> Reconciliation:
    """Hold a day's statement against the ledger. `find` looks an order up; `timelines` are the ledger's payouts.

    `timelines` is read in a thread. `note` is given every finding, agreements included, as it is made. `known`: what
    other programs paid. Memory: the day's order ids.
    """
    result = Reconciliation(day, statement.currency)

    def add(finding: Finding) -> None:
        result.add(finding)
        note(finding)

    seen: set[str] = set()
    paid: set[str] = set()
    lines: set[tuple[str, str]] = set()
    async for line in statement.lines(day):
        seen.add(line.order_id)
        if line.transaction_id is not None:
            if (line.order_id, line.transaction_id) in lines:
                continue  # the same line on two pages: the statement grew while it was read
            lines.add((line.order_id, line.transaction_id))
        finding = finding_for(line, await find(line.order_id), known)
        if line.status not in _UNPAID:
            if line.order_id in paid:
                finding = attrs.evolve(finding, verdict=Verdict.TWICE)
            paid.add(line.order_id)
        add(finding)
    missing = await asyncio.to_thread(_missing, day, statement, timelines, seen)
    for other in _neighbours(day, statement, missing.values()):
        async for line in statement.lines(other):
            missing.pop(line.order_id, None)
    for timeline in missing.values():
        add(
            Finding(
                order_id=timeline.order_id,
                verdict=Verdict.OURS_ONLY,
                our_amount=timeline.amount,
                our_state=timeline.state,
                transaction_id=timeline.transaction_id,
            )
        )
    return result


def _missing(
    day: date, statement: Statement, timelines: Iterable[PayoutTimeline], seen: Container[str]
) -> dict[str, PayoutTimeline]:
    """What left on that day and should stand in the statement, and does not."""
    return {
        timeline.order_id: timeline
        for timeline in timelines
        if timeline.order_id not in seen
        and _expected(timeline)
        and datetime.fromtimestamp(timeline.last_sent, statement.zone).date() == day
    }


def _neighbours(day: date, statement: Statement, missing: Iterable[PayoutTimeline]) -> list[date]:
    """The other days on which PayCools may have created what is missing."""
    found = set()
    for timeline in missing:
        for moment in (timeline.sent, timeline.last_sent):
            at = datetime.fromtimestamp(moment, statement.zone)
            found |= {(at - statement.margin).date(), at.date(), (at + statement.margin).date()}
    return sorted(found - {day})
