"""What the log of moves says: when each payout was sent, accepted and final; one payout's life; and what failed."""

from __future__ import annotations

from typing import Any

import attrs

from ..states import State

__all__ = ["FailureGroup", "PayoutMove", "PayoutTimeline", "timeline_from"]


@attrs.frozen(kw_only=True)
class PayoutTimeline:
    """One payout that was sent at least once. Times are seconds since the epoch; `amount` in minor units."""

    order_id: str
    amount: int
    state: State
    code: int | None
    message: str | None
    transaction_id: str | None
    sent: float
    last_sent: float
    accepted: float | None
    final: float | None


@attrs.frozen
class PayoutMove:
    """One move of a payout: what happened, and the state it has been in since. `at`: seconds since the epoch."""

    at: float
    event: str
    state: str
    batch: int
    line: int


@attrs.frozen
class FailureGroup:
    """Failed payouts with the same code. `amount` in minor units; `message`: one of those that PayCools sent.

    `taken`: PayCools took the orders and said later that they failed; only then the code is a `failedCode`.
    """

    code: int | None
    taken: bool
    message: str | None
    rows: int
    amount: int


_NAMES = tuple(field.name for field in attrs.fields(PayoutTimeline))


def timeline_from(values: tuple[Any, ...]) -> PayoutTimeline:
    """A PayoutTimeline from the values of its fields, in their order."""
    found = dict(zip(_NAMES, values, strict=True))
    return PayoutTimeline(**{**found, "state": State(found["state"])})
