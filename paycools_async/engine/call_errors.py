"""What the errors of a call say: which operation and order, nothing of a person, and what is to be done.

Each is made once, or copied with what is known besides; none is changed after somebody else has it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from ..errors import ApiError, InvalidParameter, InvalidRequest, OutcomeUnknown, PayCoolsError
from ..fields import camel
from ..privacy.confidential import frames_of_others
from ..privacy.redaction import personal_texts, redacted, without_numbers, without_personal
from ..texts import apart, shown_text
from .attempts import Progress
from .preparing import Prepared

__all__ = ["about", "mismatch", "unknown"]

E = TypeVar("E", bound=PayCoolsError)


def about(error: E, prepared: Prepared[Any], progress: Progress) -> E:
    """The error of this call: its text begins with operation and order, and holds nothing of a person."""
    if isinstance(error, InvalidRequest):  # which names the request itself
        return error
    known: dict[str, Any] = {
        "operation": prepared.operation,
        "order_id": prepared.order_id,
        "attempts": progress.attempts,
    }
    given: Any = prepared.fields if prepared.request is None else prepared.request
    secrets: list[str] = []
    if progress.status is not None:
        known["status"] = progress.status
    if progress.answer is not None:
        secrets = list(personal_texts(given))
        known["answer"] = {
            "code": progress.answer.code,
            "message": _shown(progress.answer.message, secrets, given),
            "data": without_personal(progress.answer.data, secrets),
        }
    if isinstance(error, ApiError):
        known["message"] = _shown(error.message, secrets, given)
        if isinstance(error, InvalidParameter):
            known["reason"] = _shown(error.reason, secrets, given)
    return frames_of_others(error.with_context(**known))  # PayCools' own words stand in their locals


def _shown(text: str, secrets: list[str], given: Any) -> str:
    """PayCools' words. An answer to an inquiry may name whom nobody named in the request."""
    return shown_text(without_numbers(redacted(text, secrets), given))


def unknown(cause: PayCoolsError, prepared: Prepared[Any], sent_at: float) -> OutcomeUnknown:
    """The error of a call that moves money or creates, and was not answered in a way that can be trusted.

    It says what its cause says of the call: another process gets to see no more than that.
    """
    said = cause.args[0] if cause.args else type(cause).__name__
    held = "" if prepared.request is None else "; .request holds what was sent"
    error = OutcomeUnknown(
        f"{said}. It may have got through: find out before anything is sent again{held}",
        request=prepared.request,
        sent_at=sent_at,
    )
    error.__cause__ = cause
    known = ("operation", "order_id", "attempts", "status", "answer", "cause")
    return error.with_context(**{name: getattr(cause, name) for name in known})


_SAME = (
    ("mch_order_id", "order id"),
    ("mch_refund_order_id", "refund id"),
    ("transaction_id", "transaction id"),
    ("original_transaction_id", "original transaction id"),
    ("refund_transaction_id", "refund transaction id"),
    ("checkout_id", "checkout id"),
    ("amount", "amount"),
    ("refund_amount", "amount"),
)
"""What a request and its answer may both hold, and must then agree on."""

_MOST_ID = 64
_IDS = tuple((camel(name), said) for name, said in _SAME if name.endswith("_id"))


def mismatch(prepared: Prepared[Any], result: Any, data: Any) -> str | None:
    """How the answer contradicts the request, in words: None where it does not. Lists are not looked at.

    Ids are compared as they travel as well: a result class need not know them all, and a call may have none.
    """
    kinds = type(prepared.request), type(result)
    if kinds not in _IN_BOTH:
        _IN_BOTH[kinds] = _in_both(*kinds)
    for name, said in _IN_BOTH[kinds]:
        ours, theirs = getattr(prepared.request, name), getattr(result, name)
        if ours != theirs and ours not in (None, "") and theirs not in (None, ""):
            return f"the answer is about {said} {apart(theirs, ours, _MOST_ID)}"
    if isinstance(data, dict):
        for name, said in _IDS:
            if name not in data:
                continue
            ours, theirs = prepared.fields.get(name), data[name]
            if ours and theirs not in (None, "") and str(theirs) != str(ours):
                return f"the answer is about {said} {apart(theirs, ours, _MOST_ID)}"
    return None


_IN_BOTH: dict[tuple[type, type], tuple[tuple[str, str], ...]] = {}


def _in_both(request: type[Any], result: type[Any]) -> tuple[tuple[str, str], ...]:
    if not attrs.has(request) or not attrs.has(result):
        return ()
    names = set(attrs.fields_dict(request)) & set(attrs.fields_dict(result))
    return tuple((name, said) for name, said in _SAME if name in names)
