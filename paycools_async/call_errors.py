"""What the errors of a call say: which operation and order, nothing of a person, and what is to be done."""

from __future__ import annotations

from typing import Any

import attrs

from .errors import ApiError, InvalidParameter, InvalidRequest, OutcomeUnknown, PayCoolsError
from .redaction import personal_texts, redacted
from .texts import shown_text

__all__ = ["hide_personal_data", "mismatch", "name_call", "unknown"]


def name_call(error: PayCoolsError, operation: str, order_id: str | None) -> None:
    """Let the error's text begin with the call that it is about."""
    if not isinstance(error, InvalidRequest):  # which names the request itself
        error.operation, error.order_id = operation, order_id


def unknown(cause: PayCoolsError, operation: str, order_id: str | None, request: Any, sent_at: float) -> OutcomeUnknown:
    """The error of a call that moves money or creates, and was not answered in a way that can be trusted."""
    said = cause.args[0] if cause.args else type(cause).__name__
    error = OutcomeUnknown(
        f"{said}. It may have got through: find out before anything is sent again; .request holds what was sent",
        request=request,
        sent_at=sent_at,
    )
    name_call(error, operation, order_id)
    return error


_SAME = (
    ("mch_order_id", "order id"),
    ("mch_refund_order_id", "refund id"),
    ("transaction_id", "transaction id"),
    ("original_transaction_id", "original transaction id"),
    ("refund_transaction_id", "refund transaction id"),
    ("amount", "amount"),
    ("refund_amount", "amount"),
)
"""What a request and its answer may both hold, and must then agree on."""


_MOST_ID = 64


def mismatch(request: Any, result: Any) -> str | None:
    """How the answer contradicts the request, in words: None where it does not. Lists are not looked at."""
    kinds = type(request), type(result)
    if kinds not in _IN_BOTH:
        _IN_BOTH[kinds] = _in_both(*kinds)
    for name, said in _IN_BOTH[kinds]:
        ours, theirs = getattr(request, name), getattr(result, name)
        if ours != theirs and ours not in (None, "") and theirs not in (None, ""):
            return f"the answer is about {said} {shown_text(theirs, _MOST_ID)}, ours is {ours}"
    return None


_IN_BOTH: dict[tuple[type, type], tuple[tuple[str, str], ...]] = {}


def _in_both(request: type[Any], result: type[Any]) -> tuple[tuple[str, str], ...]:
    if not attrs.has(request) or not attrs.has(result):
        return ()
    names = set(attrs.fields_dict(request)) & set(attrs.fields_dict(result))
    return tuple((name, said) for name, said in _SAME if name in names)


def hide_personal_data(error: PayCoolsError, request: Any) -> None:
    """PayCools' messages may repeat what was sent; account data does not enter errors, nor logs through them."""
    if not isinstance(error, ApiError):
        return
    secrets = list(personal_texts(request))
    error.message = shown_text(redacted(error.message, secrets))
    error.args = (f"{error.code} {error.message} ({error.hint})",)  # made anew: the code stays whole
    if isinstance(error, InvalidParameter):
        error.reason = shown_text(redacted(error.reason, secrets))
