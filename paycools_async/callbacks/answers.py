"""What a merchant answers to a callback: the documented bodies, ready made.

Whether PayCools reads the body or the HTTP status only, and how often it sends again, is in no document.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from ..families import GLOBAL, PH
from ..ph.bills import VerificationCode

__all__ = ["FAILED", "GLOBAL_ACK", "PH_ACK", "REFUSED", "Answer", "accept", "refuse"]


@attrs.frozen
class Answer:
    """An HTTP answer with a JSON body. A handler may return one instead of the documented acknowledgement."""

    body: bytes
    status: int = 200

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        """From anything JSON knows."""
        return cls(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), status)


PH_ACK = Answer(PH.acknowledgement)
"""Of the PH API. Documented."""

GLOBAL_ACK = Answer(GLOBAL.acknowledgement)
"""Of the Global API. Documented."""

REFUSED = Answer(b'{"code":0,"msg":"refused"}', 400)
"""To a callback that is not PayCools', or not readable. Ours; no document says what is expected."""

FAILED = Answer(b'{"code":0,"msg":"failed"}', 500)
"""After an error of the merchant's own, so that PayCools sends again. Ours; no document says what is expected."""


def accept() -> Answer:
    """To BillsPaymentVerification (4.6): PayCools may take the payment."""
    return _verdict(VerificationCode.ACCEPT, VerificationCode.ACCEPT.msg)


def refuse(reason: VerificationCode = VerificationCode.REFUSE, msg: str | None = None) -> Answer:
    """To BillsPaymentVerification (4.6): PayCools must not take the payment. `msg` is free text."""
    if reason not in (VerificationCode.REFUSE, VerificationCode.REFUSE_PARAMETER, VerificationCode.REFUSE_AMOUNT):
        raise ValueError("a refusal is REFUSE, REFUSE_PARAMETER or REFUSE_AMOUNT")
    return _verdict(VerificationCode(reason), VerificationCode(reason).msg if msg is None else msg)


def _verdict(code: VerificationCode, msg: str) -> Answer:
    return Answer.of({"code": int(code), "msg": msg})
