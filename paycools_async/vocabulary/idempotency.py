"""The id under which PayCools pays an order once, made from the order id where none is given."""

from __future__ import annotations

import hashlib
from typing import Any

from ..fields import Made

__all__ = ["default_idempotency_id", "idempotency_id_for", "idempotency_id_of"]


def idempotency_id_for(mch_order_id: str) -> str:
    """The idempotency id of an order: the order id itself where it fits (10 to 30), else 30 hex digits of its hash.

    The same order always gets the same id, so a second attempt can never count as another payout.
    """
    if 10 <= len(mch_order_id) <= 30:
        return mch_order_id
    return hashlib.sha256(mch_order_id.encode("utf-8", "surrogatepass")).hexdigest()[:30]


def default_idempotency_id(request: Any) -> str:
    """The one of a request that has none, made from its order id."""
    return Made(idempotency_id_for(request.mch_order_id) if isinstance(request.mch_order_id, str) else "")


def idempotency_id_of(request: Any) -> str | None:
    """The one that a request travels with; None where it has none.

    One that was made belongs to the order it was made from, and not to a copy that was made past the constructor.
    """
    given: str | None = getattr(request, "idempotency_id", None)
    return default_idempotency_id(request) if type(given) is Made else given
