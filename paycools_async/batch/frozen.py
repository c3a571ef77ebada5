"""An order as a ledger keeps it: its fields as JSON, and the fingerprint of the text that will be signed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

__all__ = ["body_of", "digest_of", "fields_of"]


def body_of(request: Any) -> str:
    """The request's fields as JSON, without those that are None."""
    return json.dumps(attrs.asdict(request, filter=lambda _, value: value is not None), ensure_ascii=False)


def fields_of(body: str) -> dict[str, Any]:
    """The fields of `body_of`, to make the request again."""
    found: dict[str, Any] = json.loads(body)
    return found


def digest_of(text: str) -> str:
    """The fingerprint of an order's whole content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
