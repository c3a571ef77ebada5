"""Signed callbacks for these tests, and a shop that takes them.

The PH signature comes from the fake's own code, not from the SDK's.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from paycools_async.callbacks import CallbackRouter, PHCallbacks
from paycools_async.callbacks.inbox import CallbackInbox, InboxStore
from paycools_async.ph import PayoutSettled
from paycools_async.signing import PublicKey, load_private_key
from paycools_async.signing.pycryptodome import PycryptodomeSigner
from paycools_async.testing.server import signatures as check

OpenStore = Callable[[], Awaitable[InboxStore]]
MakeInbox = Callable[..., Awaitable[CallbackInbox]]

ACK = (200, b'{"code":1,"msg":"success","data":{}}')
SECRET = "a-callback-secret"
DATA = Path(__file__).parent.parent / "data"
PH_SAMPLES: list[dict[str, Any]] = json.loads((DATA / "ph_callbacks.json").read_text("utf-8"))
GLOBAL_SAMPLES: list[dict[str, str]] = json.loads((DATA / "global_callbacks.json").read_text("utf-8"))

PAYOUT: dict[str, Any] = {
    "amount": 150000,
    "createTime": "2026-01-05 09:38:03",
    "eventName": "disbursement.success",
    "mchOrderId": "PAY000000001",
    "remark": "wages & bonus",
    "returnTime": "2026-01-05 09:38:56",
    "transactionId": "D1032653961082864323",
    "transactionStatus": "COMPLETE",
}

QUESTION: dict[str, Any] = {
    "eventName": "payment.verification",
    "mchOrderId": "VA0000000001",
    "referenceNumber": "PCLAC1000000001",
    "amount": 503700,
    "mobile": "",
    "createTime": "2022-05-31 09:38:06",
}


def sign_of(text: str, secret: str = SECRET) -> str:
    """The sign of a JSON text."""
    return check.callback_sign(text.encode(), secret)


def signed(fields: dict[str, Any], secret: str = SECRET) -> bytes:
    """A PH callback."""
    return signed_text(json.dumps(fields, ensure_ascii=False), secret)


def signed_text(text: str, secret: str = SECRET) -> bytes:
    """A PH callback with these very texts for its values."""
    assert text.endswith("}")
    return f'{text[:-1]}, "sign": "{sign_of(text, secret)}"}}'.encode()


def enveloped(param: str, key_pem: str) -> bytes:
    """A Global callback."""
    sign = PycryptodomeSigner(load_private_key(key_pem)).sign(param.encode())
    return json.dumps({"param": param, "sign": base64.b64encode(sign).decode()}).encode()


@functools.cache
def public_half(key_pem: str) -> PublicKey:
    """Parsed once: RSA keys are slow to check."""
    return load_private_key(key_pem).public


class Shop:
    """A merchant whose handler remembers, and fails when told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failures = 0
        self.router = CallbackRouter(PHCallbacks(SECRET))
        self.router.on(PayoutSettled)(self.take)

    async def take(self, event: PayoutSettled) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the database is away")
        self.seen.append(f"{event.mch_order_id} {event.transaction_status}")


def payout(number: int, status: str = "COMPLETE", **more: Any) -> bytes:
    name = "disbursement.failed" if status == "FAILED" else "disbursement.success"
    fields = {**PAYOUT, "eventName": name, "mchOrderId": f"PAY{number}", "transactionId": f"D{number}"}
    return signed({**fields, "transactionStatus": status, **more})


async def counts(inbox: CallbackInbox) -> dict[str, int]:
    return await inbox._store.counts()
