"""A Global client whose network answers one thing and keeps what it was sent."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from paycools_async import (
    GlobalCredentials,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    PayCoolsGlobal,
)
from paycools_async.signing import PrivateKey, Signer, load_private_key, signer_for
from paycools_async.testing import ManualClock


@cache
def loaded(key_pem: str) -> tuple[PrivateKey, Signer]:
    key = load_private_key(key_pem)
    return key, signer_for(key)


def credentials(key_pem: str, **changes: Any) -> GlobalCredentials:
    return GlobalCredentials(**{"app_id": "APP1", "private_key": loaded(key_pem)[0], **changes})


class Wiretap:
    """A client whose network answers one thing and keeps what it was sent."""

    def __init__(self, key_pem: str, body: dict[str, Any] | bytes | None = None, **options: Any) -> None:
        self.answer = body if isinstance(body, bytes) else json.dumps(body or {"code": 10000, "data": None}).encode()
        self.sent: list[HttpRequest] = []
        options.setdefault("clock", ManualClock())
        options.setdefault("signer", loaded(key_pem)[1])
        self.client = PayCoolsGlobal(credentials(key_pem), transport=MemoryTransport(self._handle), **options)

    def _handle(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(200, {}, self.answer)

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.sent[-1].body or b"")
        return body


def valid(key_pem: str, text: str, sign: str) -> bool:
    try:
        pkcs1_15.new(RSA.import_key(key_pem)).verify(SHA256.new(text.encode()), base64.b64decode(sign, validate=True))
    except ValueError:
        return False
    return True
