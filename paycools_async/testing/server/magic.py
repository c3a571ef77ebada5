"""Accounts by which a payout shows what may happen to one, without a fault to set up. Both APIs know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .merchant import Dropped, Refusal
from .settlement import Settlement

__all__ = ["MAGIC_ACCOUNTS", "after_booking", "before_booking", "settlement"]

MAGIC_ACCOUNTS: Mapping[str, str] = {
    "0000": "accepted, and failed when it is settled",
    "99990001": "refused: the balance does not suffice",
    "99990002": "accepted, and pending for ever",
    "99990003": "booked, and the connection is cut instead of an answer",
    "99990004": "the connection is cut before anything is booked",
    "99990005": "refused with a code that is on no list",
    "99990006": "PayCools is busy",
}
"""What happens to a payout whose account number ends like this."""

_BALANCE = {"ph": (1006, "merchant balance insufficient"), "global": (21014, "Merchant balance insufficient")}
_BUSY = {"ph": (1013, "merchant access frequency limit"), "global": (21020, "Too many requests, please retry later.")}
_UNLISTED = {"ph": (1999, "unknown"), "global": (29999, "Unknown")}


def _account(fields: Mapping[str, Any]) -> str:
    return str(fields.get("accountNo") or "")


def before_booking(fields: Mapping[str, Any], family: str) -> None:
    """Raises Refusal or Dropped where the account says so: nothing is booked."""
    account = _account(fields)
    for ending, refusals in (("99990001", _BALANCE), ("99990005", _UNLISTED), ("99990006", _BUSY)):
        if account.endswith(ending):
            raise Refusal(*refusals[family])
    if account.endswith("99990004"):
        raise Dropped


def after_booking(fields: Mapping[str, Any]) -> None:
    """Raises Dropped where the account says so: it is booked, and there is no answer."""
    if _account(fields).endswith("99990003"):
        raise Dropped


def settlement(fields: Mapping[str, Any]) -> Settlement:
    """How such a payout ends."""
    account = _account(fields)
    if account.endswith("0000"):
        return "FAILED", -10005, "Transaction Destination Account Error"
    return ("PENDING" if account.endswith("99990002") else "COMPLETE"), None, None
