"""How money that is on its way ends, and when."""

from __future__ import annotations

from typing import Any

import attrs

from .merchant import Merchant

__all__ = ["Settlement", "Settles", "completes", "settles_later"]

Settlement = tuple[str, int | None, str | None]
"""How a payout, payment or refund ends: status, failedCode, failedMessage."""


@attrs.frozen(kw_only=True)
class Settles:
    """Money on its way, whose end is decided and comes later."""

    transaction_id: str
    created: float
    settles: float
    status: str
    failed_code: int | None = None
    failed_message: str | None = None

    def status_at(self, now: float) -> str:
        """The status at this moment, PayCools' word for it."""
        return self.status if now >= self.settles else "PENDING"

    def is_final(self, now: float) -> bool:
        """Whether it has ended, for good or ill. What was decided to be PENDING never does."""
        return now >= self.settles and self.status != "PENDING"


def completes(fields: dict[str, Any]) -> Settlement:
    """Everything ends well."""
    return "COMPLETE", None, None


def settles_later(merchant: Merchant, letter: str, seconds: float, settlement: Settlement) -> dict[str, Any]:
    """The fields of `Settles` for money that is ordered now; its PayCools id begins with the letter."""
    status, failed_code, failed_message = settlement
    now = merchant.clock.time()
    return {
        "transaction_id": merchant.new_id(letter),
        "created": now,
        "settles": now + seconds,
        "status": status,
        "failed_code": failed_code,
        "failed_message": failed_message,
    }
