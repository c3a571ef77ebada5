"""What the errors of a call say: which operation and order, nothing of a person, and what is to be done.

Each is made once, or copied with what is known besides; none is changed after somebody else has it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from .errors import ApiError, InvalidParameter, InvalidRequest, OutcomeUnknown, PayCoolsError
from .fields import wire_name
from .preparing import Prepared
from .redaction import hidden_in, personal_names, personal_texts

__all__ = ["about", "mismatch", "unknown"]

E = TypeVar("E", bound=PayCoolsError)


def about(error: E, prepared: Prepared[Any]) -> E:
    """The error of this call: its text begins with operation and order, and holds nothing of a person."""
    if isinstance(error, InvalidRequest):  # which names the request itself
        return error
    known: dict[str, Any] = {"operation": prepared.operation, "order_id": prepared.order_id}
    if isinstance(error, ApiError):
        personal = set(personal_texts(prepared.fields, personal_names(prepared.endpoint.request)))
        known["message"] = hidden_in(error.message, personal)
        if isinstance(error, InvalidParameter):
            known["reason"] = hidden_in(error.reason, personal)
    return error.with_context(**known)


def unknown(cause: PayCoolsError, prepared: Prepared[Any], sent_at: float) -> OutcomeUnknown:
    """The error of a call that moves money or creates, and was not answered in a way that can be trusted."""
    said = cause.args[0] if cause.args else type(cause).__name__
    held = "" if prepared.request is None else "; .request holds what was sent"
    error = OutcomeUnknown(
        f"{said}. It may have got through: find out before anything is sent again{held}",
        request=prepared.request,
        sent_at=sent_at,
    )
    error.__cause__ = cause
    return about(error, prepared)


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


def mismatch(request: Any, result: Any) -> str | None:
    """How the answer contradicts the request, in words: None where it does not. Lists are not looked at."""
    kinds = type(request), type(result)
    if kinds not in _IN_BOTH:
        _IN_BOTH[kinds] = _in_both(*kinds)
    for name, said, in_raw in _IN_BOTH[kinds]:
        ours, theirs = getattr(request, name), in_raw(result)
        if ours != theirs and ours not in (None, "") and theirs not in (None, ""):
            return f"the answer is about {said} {theirs}, ours is {ours}"
    return None


_Reading = tuple[str, str, Callable[[Any], Any]]
_IN_BOTH: dict[tuple[type, type], tuple[_Reading, ...]] = {}


def _in_both(request: type[Any], result: type[Any]) -> tuple[_Reading, ...]:
    """Name, word, and how it is read of the answer: also an order id that the result has no field for."""
    if not attrs.has(request) or not attrs.has(result):
        return ()
    ours, theirs = attrs.fields_dict(request), attrs.fields_dict(result)
    found: list[_Reading] = []
    for name, said in _SAME:
        if name in ours and name in theirs:
            found.append((name, said, operator.attrgetter(name)))
        elif name in ours and name in _ORDER_IDS and "raw" in theirs:
            found.append((name, said, functools.partial(_raw_text, wire_name(ours[name]))))
    return tuple(found)


_ORDER_IDS = ("mch_order_id", "mch_refund_order_id")


def _raw_text(name: str, result: Any) -> str | None:
    found = result.raw.get(name) if isinstance(result.raw, Mapping) else None
    return found if isinstance(found, str) else None
