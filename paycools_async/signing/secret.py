"""The PH API's callback signature: SHA-1, hex, over the canonical text and the merchant's secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..wire.canonical import ph_signing_text

__all__ = ["ph_callback_sign"]


def ph_callback_sign(fields: Mapping[str, Any], secret: str) -> str:
    """40 lower-case hex characters. Give all fields received, numbers as the text they had in the JSON."""
    text = f"{ph_signing_text(fields)}&secret={secret}"
    return hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest()
