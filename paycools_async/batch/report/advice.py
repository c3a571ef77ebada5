"""States and failure codes in words, and what a person can do about a failure."""

from __future__ import annotations

from typing import Literal

from ...families import error_for
from ...vocabulary.failures import FailedCode
from ..states import State

__all__ = ["MEANINGS", "advice_for", "name_of"]

MEANINGS = {
    State.SETTLED: "paid: PayCools says so",
    State.FAILED: "not paid, for good",
    State.CONFLICT: "PayCools knows the order id otherwise: a human has to look",
    State.PREEXISTING: "PayCools had the order id before; as far as it can tell, this ledger paid nobody",
    State.ACCEPTED: "taken by PayCools, not final",
    State.UNKNOWN: "sent, answer unclear: PayCools is asked before anything else",
    State.SENDING: "under way when this was written, or when the run was cut off",
    State.PLANNED: "released by a yes, not sent yet",
    State.OFFERED: "waits for somebody's yes; nothing was sent",
    State.WITHDRAWN: "taken back before it was ever sent",
}
"""What a state means, in the order in which a person wants to know."""

_ASK = "ask PayCools, naming the order ids and the code"
_AGAIN = "pay it again under a new order id"

_ADVICE = {
    FailedCode.SERVICE_ERROR: f"PayCools' service failed; later {_AGAIN}",
    FailedCode.EXCEED_LIMIT: "pay smaller amounts, or ask PayCools for a higher limit",
    FailedCode.PARAMS_ERROR: "check the bank or wallet code, the account and the name",
    FailedCode.INSUFFICIENT_BALANCE: f"top up the balance; then {_AGAIN}",
    FailedCode.CHANNEL_REJECTED: "ask PayCools for the channel's reason, naming the order ids",
    FailedCode.DESTINATION_ACCOUNT_ERROR: f"check the account with the recipient; then {_AGAIN}",
    FailedCode.NETWORK_REJECT: f"later {_AGAIN}",
    FailedCode.CHANNEL_TEMPORARILY_CLOSED: f"wait until the channel is open; then {_AGAIN}",
    FailedCode.MERCHANT_UNAVAILABLE: "ask your PayCools account manager",
    FailedCode.RECIPIENT_ACCOUNT_BLOCKED: "ask the recipient for another account",
}


def name_of(code: int | None, message: str, *, taken: bool = False) -> str:
    """What happened: PayCools' own words, or ours where it sent none. `taken`: see `advice_for`."""
    if message:
        return message
    if code is None:
        return "PayCools gave no reason"
    if code < 0:
        return FailedCode(code).description
    return "a failure code that is not in PayCools' list" if taken else error_for(code, "", _family(code)).message


def advice_for(code: int | None, *, taken: bool = False) -> str:
    """What to do about it. `taken`: PayCools took the order and said later that it failed.

    Then the code is a `failedCode`: the numbers of refused requests mean nothing there.
    """
    if code is None:
        return "ask PayCools, naming the order ids"
    if code < 0:
        return _ADVICE.get(FailedCode(code), _ASK)
    if taken:
        return _ASK
    hint = error_for(code, "", _family(code)).hint
    return hint if hint != "see PayCools' message" else "see the reason; if it does not help, ask PayCools"


def _family(code: int) -> Literal["ph", "global"]:
    return "global" if code >= 20_000 else "ph"
