"""What an application sees of a payout or refund that it has submitted, and of how all of them stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Self

import attrs

from ..batch.ledger.application import WAITS_FOR_PERSON, Kept, StuckRule
from ..batch.refunds import payment_of
from ..batch.states import FINAL, State

__all__ = ["DurableOrder", "DurablePayout", "DurableRefund", "Health"]


@attrs.frozen(kw_only=True)
class DurableOrder:
    """What a payout and a refund have in common. `amount` in minor units of `currency`; times are in UTC."""

    order_id: str
    """Your own id: `mch_order_id`, or of a refund `mch_refund_order_id`."""
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
    needs_person: bool
    """Whether it is a person's turn: PayCools had the order before, or says what does not fit; or it may have been
    paid, PayCools has not shown it for long, and it is not sent again by itself. It is still inquired about then. Or a
    part of the ledger was lost, PayCools does not have it ("offered"), and submitting it again is the new yes."""
    _kept: Kept = attrs.field(alias="kept", repr=False, eq=False)

    @property
    def final(self) -> bool:
        """Whether it is settled, failed or withdrawn."""
        return self.state in FINAL

    @property
    def settled(self) -> bool:
        """Whether the recipient, or of a refund the payer, has the money."""
        return self.state is State.SETTLED

    done: ClassVar[str] = "done"
    """What has become of one that is settled."""

    @classmethod
    def of(cls, kept: Kept, currency: str, rule: StuckRule) -> Self:
        """As the ledger has it; `rule` says which of those in doubt wait for a person."""
        row, stuck = kept.row, rule.holds(kept.row)
        reason = row.message
        if stuck:
            why = f"whether it was {cls.done} is not known: "
            if row.absent_since is None:
                why += "no inquiry about it has come to anything for long"
            else:
                why += "PayCools has not shown it for long, and it is not sent again by itself"
            reason = f"{why} ({reason})" if reason else why
        elif row.state is State.OFFERED:
            reason = (
                "a part of the ledger was lost, and with it who said yes; PayCools does not have it: submit it again"
            )
        return cls(
            order_id=row.order_id,
            state=row.state,
            amount=row.amount,
            currency=currency,
            transaction_id=row.transaction_id,
            code=row.code,
            reason=reason,
            submitted_at=datetime.fromtimestamp(row.entered, UTC),
            updated_at=datetime.fromtimestamp(row.updated, UTC),
            acknowledged=kept.told == row.state,
            needs_person=stuck or row.state in WAITS_FOR_PERSON,
            kept=kept,
        )


@attrs.frozen(kw_only=True)
class DurablePayout(DurableOrder):
    """A payout as it stands in the ledger. `amount` in minor units of `currency`; times are in UTC.

    `state`: "planned", "sending", "unknown" and "accepted" are on their way; "settled" means paid, by this ledger;
    "failed" that nobody was paid; "withdrawn" that it was taken back before it was ever sent. "preexisting" (PayCools
    had the order id from before) and "conflict" (what PayCools says does not fit, perhaps also after "settled") are for
    a person; so is "unknown" where `needs_person`.
    """

    done = "paid"


@attrs.frozen(kw_only=True)
class DurableRefund(DurableOrder):
    """A refund as it stands in the ledger. `amount` in minor units of `currency`; times are in UTC.

    `order_id` is its `mch_refund_order_id`. `state`: "planned", "sending", "unknown" and "accepted" are on their way;
    "settled" means that the payer has the money; "failed" that nothing was refunded; "withdrawn" that it was taken back
    before it was ever sent. "preexisting" (PayCools had the refund's id from before) and "conflict" (what PayCools says
    does not fit, perhaps also after "settled") are for a person; so is "unknown" where `needs_person`.
    """

    done = "refunded"

    @property
    def original_transaction_id(self) -> str:
        """PayCools' id of the payment that it is a refund of."""
        return payment_of(self._kept.row)


@attrs.frozen(kw_only=True)
class Health:
    """How an application's payouts, or its refunds, stand, for a probe of yours."""

    running: bool
    """Whether this process sends and inquires."""
    backlog: int | None
    """Payouts that are not at their end; None: the ledger cannot be read."""
    oldest: float | None
    """Seconds since the oldest of these was submitted; None where there is none."""
    unacknowledged: int | None
    """Payouts at their end of which the application has not acknowledged it; None: the ledger cannot be read."""
    stuck: int | None
    """Payouts of which nobody knows whether they were paid, and that are not sent again by themselves, and those that
    wait for a new yes: they need a person (`needs_person`). None: the ledger cannot be read."""
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
