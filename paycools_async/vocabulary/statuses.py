"""Where a payment, a payout, a refund or a token stands."""

from __future__ import annotations

from ..enums import OpenEnum

__all__ = ["InactiveType", "RefundStatus", "TokenStatus", "TransactionStatus"]


class _MoneyStatus(OpenEnum):
    """Of money on its way."""

    @classmethod
    def _aliases(cls) -> dict[str, str]:
        return {"COMPLETED": "COMPLETE", "SUCCESS": "COMPLETE", "FAIL": "FAILED"}

    @property
    def final(self) -> bool:
        """Whether it will not change any more. An unknown word is never taken as final."""
        return self.known and self._value_ in _FINAL


_FINAL = frozenset({"COMPLETE", "FAILED", "CLOSED", "CANCEL"})


class TransactionStatus(_MoneyStatus):
    """Where a payment or payout stands. The two APIs spell success COMPLETE and COMPLETED: one member here."""

    PENDING = "PENDING"
    """Taken, not final."""
    COMPLETE = "COMPLETE"
    """Paid."""
    FAILED = "FAILED"
    """Not paid, for good."""
    CLOSED = "CLOSED"
    """Closed unpaid."""


class RefundStatus(_MoneyStatus):
    """Where a refund stands."""

    PENDING = "PENDING"
    """Taken, waiting."""
    PROCESS = "PROCESS"
    """On its way."""
    COMPLETE = "COMPLETE"
    """The payer has the money."""
    FAILED = "FAILED"
    """Not refunded, for good."""
    CANCEL = "CANCEL"
    """Cancelled."""


class TokenStatus(OpenEnum):
    """Whether a token may be debited. The spelling is PayCools'."""

    ACTIVED = "ACTIVED"
    INACTIVED = "INACTIVED"


class InactiveType(OpenEnum):
    """Who ended an authorization."""

    MCH_CANCEL = "MCH_CANCEL"
    """The merchant."""
    PLATFORM_CANCEL = "PLATFORM_CANCEL"
    """PayCools."""
    USER_CANCEL = "USER_CANCEL"
    """The customer."""
    EXPIRED = "EXPIRED"
