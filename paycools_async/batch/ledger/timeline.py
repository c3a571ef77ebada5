"""When each payout was sent, accepted and final: what the log of moves says, one line a payout."""

from __future__ import annotations

from typing import Any

import attrs

from ..states import State

__all__ = ["PayoutTimeline", "timeline_from"]


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


_NAMES = tuple(field.name for field in attrs.fields(PayoutTimeline))


def timeline_from(values: tuple[Any, ...]) -> PayoutTimeline:
    """A PayoutTimeline from the values of its fields, in their order."""
    found = dict(zip(_NAMES, values, strict=True))
    return PayoutTimeline(**{**found, "state": State(found["state"])})
