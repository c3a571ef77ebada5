"""The Global API's form: `{appId, param, sign}`, where `param` is the JSON *text* of the request's fields.

The signature is over that text alone, byte for byte: no sorting, and `appId` is not signed (PayCools, "Unified API
Param"). So the text is made once, and the same text is signed and sent.
"""

from __future__ import annotations

import base64

import attrs

from .canonical import json_text
from .flat import SignedRequest

__all__ = ["EnvelopedMessage"]


@attrs.frozen
class EnvelopedMessage:
    """An unsigned message. `text` is what must be signed; `signed` puts the signature in."""

    method: str
    path: str
    app_id: str
    param: str = attrs.field(repr=False)

    @property
    def text(self) -> bytes:
        """What is signed: `param`, to the byte."""
        return self.param.encode("utf-8")

    def signed(self, signature: bytes) -> SignedRequest:
        """The request with its signature in place."""
        sign = base64.b64encode(signature).decode("ascii")
        # Base64 stands in JSON as it is
        body = f'{{"appId":{json_text(self.app_id)},"param":{json_text(self.param)},"sign":"{sign}"}}'
        return SignedRequest(self.method, self.path, body.encode("utf-8"))
