"""The PH API's flat form: `appId` and `sign` stand among the fields, in a JSON body or the query string."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs

from .canonical import json_text, literal, ph_signing_text

__all__ = ["FlatMessage", "Sealed"]


@attrs.frozen
class Sealed:
    """A signed message, ready for a transport: frozen, so every attempt sends the very same bytes."""

    method: str
    target: str = attrs.field(repr=False)
    """Path and query, already percent-encoded."""
    body: bytes | None = attrs.field(repr=False)


@attrs.frozen
class FlatMessage:
    """An unsigned message. `text` is what must be signed; `seal` puts the signature in."""

    method: str
    path: str
    fields: Mapping[str, Any] = attrs.field(repr=False)
    signed_too: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Values outside the body that enter the signed text (path parameters, where that is switched on)."""

    @functools.cached_property
    def text(self) -> bytes:
        fields = {**self.fields, **self.signed_too} if self.signed_too else self.fields
        return ph_signing_text(fields).encode("utf-8")

    def seal(self, signature: bytes) -> Sealed:
        fields = {**self.fields, "sign": base64.b64encode(signature).decode("ascii")}
        if self.method == "GET":
            query = "&".join(
                f"{quote(name, safe='')}={quote(literal(value), safe='')}"
                for name, value in fields.items()
                if value is not None
            )
            return Sealed(self.method, f"{self.path}?{query}", None)
        return Sealed(self.method, self.path, json_text(fields).encode("utf-8"))
