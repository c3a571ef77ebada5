"""Why a transaction failed, as inquiries and callbacks say it. The codes of refused requests are others."""

from __future__ import annotations

import attrs

from ..enums import OpenNumber
from ..traits import Provenance

__all__ = ["About", "FailedCode"]

_DOCUMENTED = Provenance.DOCUMENTED


@attrs.frozen
class About:
    """What a code is, and how sure that is. `note` says from where."""

    label: str
    provenance: Provenance
    note: str = ""


class FailedCode(OpenNumber):
    """Why a transaction FAILED: `failedCode`, which arrives as a number or as text, with or without its minus sign.

    It is an int: `status.failed_code == -10005`. Any other number is kept as it came. PayCools' own words are in
    `failed_message`; a refund sample pairs -10009 with the words of -10010, so do not derive one from the other.
    """

    SERVICE_ERROR = -10000
    EXCEED_LIMIT = -10001
    PARAMS_ERROR = -10002
    INSUFFICIENT_BALANCE = -10003
    CHANNEL_REJECTED = -10004
    DESTINATION_ACCOUNT_ERROR = -10005
    NETWORK_REJECT = -10006
    CHANNEL_TEMPORARILY_CLOSED = -10007
    MERCHANT_UNAVAILABLE = -10008
    RECIPIENT_ACCOUNT_BLOCKED = -10009
    CHANNEL_REFUND_FAILED = -10010

    @classmethod
    def _folded(cls, number: int) -> int:
        return -abs(number)

    @property
    def about(self) -> About | None:
        """What is known of the code; None for an unknown one."""
        return _FAILURES.get(self._value_)

    @property
    def description(self) -> str:
        """What the code means, in a few words."""
        return self.about.label if self.about else "a failure code that is not in PayCools' list"


_FAILURES: dict[int, About] = {
    -10000: About("service error", _DOCUMENTED),
    -10001: About("beyond a limit", _DOCUMENTED),
    -10002: About("wrong parameters", _DOCUMENTED),
    -10003: About("insufficient balance", _DOCUMENTED),
    -10004: About("rejected by the channel", _DOCUMENTED),
    -10005: About("something is wrong with the destination account", _DOCUMENTED),
    -10006: About("rejected by the network", _DOCUMENTED),
    -10007: About("the channel is closed for now", _DOCUMENTED),
    -10008: About("the merchant is unavailable", _DOCUMENTED),
    -10009: About("the recipient's account is blocked", _DOCUMENTED, "a refund sample shows it as: refund failed"),
    -10010: About("the channel could not refund", _DOCUMENTED),
}
