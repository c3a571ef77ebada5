"""The PH API's callback signature: SHA-1, hex, over the canonical text and the merchant's secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..privacy.confidential import without_frames
from ..wire.canonical import ph_signing_text

__all__ = ["ph_callback_sign"]


@without_frames
def ph_callback_sign(fields: Mapping[str, Any], secret: str) -> str:
    """40 lower-case hex characters. Give all fields received, numbers as the text they had in the JSON."""
    return hashlib.sha1(f"{ph_signing_text(fields)}&secret={secret}".encode(), usedforsecurity=False).hexdigest()
