"""The PH API's flat form: `appId` and `sign` stand among the fields, in a JSON body or the query string."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs

from .canonical import json_text, literal, ph_signing_text

__all__ = ["FlatMessage", "SignedRequest"]


@attrs.frozen
class SignedRequest:
    """A signed message, ready for a transport: frozen, so every attempt sends the very same bytes."""

    method: str
    target: str = attrs.field(repr=False)
    """Path and query, already percent-encoded."""
    body: bytes | None = attrs.field(repr=False)


@attrs.frozen(slots=False)  # for a cached property without detours
class FlatMessage:
    """An unsigned message. `text` is what must be signed; `signed` puts the signature in."""

    method: str
    path: str
    fields: Mapping[str, Any] = attrs.field(repr=False)
    extra_signed: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Values outside the body that enter the signed text (path parameters, where that is switched on)."""

    @functools.cached_property
    def text(self) -> bytes:
        """What is signed: the sorted pairs."""
        fields = {**self.fields, **self.extra_signed} if self.extra_signed else self.fields
        return ph_signing_text(fields).encode("utf-8")

    def signed(self, signature: bytes) -> SignedRequest:
        """The request with its signature in place."""
        sign = base64.b64encode(signature).decode("ascii")
        if self.method == "GET":
            pairs = [
                f"{quote(name, safe='')}={quote(literal(value), safe='')}"
                for name, value in self.fields.items()
                if value is not None and name != "sign"
            ]
            # `quote` would look at each of the signature's several hundred characters in Python
            pairs.append("sign=" + sign.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"))
            return SignedRequest(self.method, f"{self.path}?{'&'.join(pairs)}", None)
        if "sign" in self.fields or not self.fields:
            body = json_text({**self.fields, "sign": sign})
        else:  # Base64 stands in JSON as it is
            body = f'{json_text(self.fields)[:-1]},"sign":"{sign}"}}'
        return SignedRequest(self.method, self.path, body.encode("utf-8"))
