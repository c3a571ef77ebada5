"""What an application sees of a payout that it has submitted, and of how all of them stand."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from ..batch.ledger.application import Kept
from ..batch.states import FINAL, State

__all__ = ["DurablePayout", "Health", "payout_of"]


@attrs.frozen(kw_only=True)
class DurablePayout:
    """A payout as it stands in the ledger. `amount` in minor units of `currency`; times are in UTC.

    `state`: "planned", "sending", "unknown" and "accepted" are on their way; "settled" means paid, by this ledger;
    "failed" that nobody was paid; "withdrawn" that it was taken back before it was ever sent. "preexisting" (PayCools
    had the order id from before) and "conflict" (what PayCools says does not fit, perhaps also after "settled") are for
    a person.
    """

    order_id: str
    state: State
    amount: int
    currency: str
    transaction_id: str | None
    """PayCools' own id, once it has the order."""
    code: int | None
    """PayCools' code of a failure or refusal."""
    reason: str | None
    """Why it failed, or what a person has to look at, in PayCools' words or ours."""
    submitted_at: datetime
    updated_at: datetime
    acknowledged: bool
    """Whether the application has been told of this state, and has acknowledged it."""
    _kept: Kept = attrs.field(alias="kept", repr=False, eq=False)

    @property
    def final(self) -> bool:
        """Whether it is settled, failed or withdrawn."""
        return self.state in FINAL

    @property
    def settled(self) -> bool:
        """Whether the recipient was paid."""
        return self.state is State.SETTLED

    @property
    def needs_person(self) -> bool:
        """Whether nothing goes on by itself any more: PayCools had the order before, or says what does not fit."""
        return self.state in (State.PREEXISTING, State.CONFLICT)


def payout_of(kept: Kept, currency: str) -> DurablePayout:
    """As the ledger has it."""
    row = kept.row
    return DurablePayout(
        order_id=row.order_id,
        state=row.state,
        amount=row.amount,
        currency=currency,
        transaction_id=row.transaction_id,
        code=row.code,
        reason=row.message,
        submitted_at=datetime.fromtimestamp(row.entered, UTC),
        updated_at=datetime.fromtimestamp(row.updated, UTC),
        acknowledged=kept.told == row.state,
        kept=kept,
    )


@attrs.frozen(kw_only=True)
class Health:
    """How an application's payouts stand, for a probe of yours."""

    running: bool
    """Whether this process sends and inquires."""
    backlog: int | None
    """Payouts that are not at their end; None: the ledger cannot be read."""
    oldest: float | None
    """Seconds since the oldest of these was submitted; None where there is none."""
    unacknowledged: int | None
    """Payouts at their end of which the application has not acknowledged it; None: the ledger cannot be read."""
    paused: str | None
    """Why nothing is sent for now; it is tried again by itself."""
    resumes_in: float | None
    """Seconds until it is; None where it is not paused."""
    last_error: str | None
    """What went wrong the last time, with the ledger or in a handler; None once that works again."""

    @property
    def ok(self) -> bool:
        """Whether it runs, is not paused, and nothing went wrong the last time."""
        return self.running and self.paused is None and self.last_error is None
