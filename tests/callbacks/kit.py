"""Signed callbacks for these tests; the PH signature comes from the fake's own code, not from the SDK's."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from paycools_async.signing import load_private_key
from paycools_async.signing.pycryptodome import PycryptodomeSigner
from paycools_async.testing import check

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
