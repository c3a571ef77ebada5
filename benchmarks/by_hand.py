"""Payouts as integrators write them by hand, for both APIs. The same code, twice:

- `paying` sends with aiohttp and checks nothing, as such code usually does. It is the good kind: the key is parsed once
  and the session is kept. Many parse the key for every call.
- `checked_payout` does what the SDK does for this one payout, without signature and network: fields checked, text
  joined, JSON both ways, a typed result. The SDK's own instructions are measured against it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .stub import AMOUNT, IDR_AMOUNT

APP_ID, APP_NAME = "benchmark", "Benchmark Merchant"
PATHS = {"ph": "/api/v1/payout", "global": "/open-api/indonesia/disbursement/transfer"}
FIELDS: dict[str, dict[str, Any]] = {
    "ph": {
        "amount": AMOUNT,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09171234567",
        "account_name": "Juan Dela Cruz",
        "remark": "benchmark",
    },
    "global": {
        "amount": IDR_AMOUNT,
        "account_no": "109594480004",
        "account_name": "Budi Santoso",
        "mobile": "081234567890",
        "pay_method_code": "BANK",
        "transfer_code": "CIMB",
        "remark": "benchmark",
    },
}
"""Of every payout here, but for the order id, as the SDK names them."""

Sign = Callable[[bytes], bytes]
_JSON = {"Content-Type": "application/json"}
_SUCCESS = {"ph": 1000, "global": 10000}


def with_pycryptodome(pem: str) -> Sign:
    """Signs with pycryptodome, there and then."""
    signer = pkcs1_15.new(RSA.import_key(pem))

    def sign(text: bytes) -> bytes:
        signature: bytes = signer.sign(SHA256.new(text))
        return signature

    return sign


def with_cryptography(pem: str) -> Sign:
    """Signs with cryptography, there and then."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)

    def sign(text: bytes) -> bytes:
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())

    return sign


def params_of(family: str, order_id: str) -> dict[str, Any]:
    """The fields of a payout as PayCools names them."""
    fields = FIELDS[family]
    if family == "ph":
        return {
            "appId": APP_ID,
            "appName": APP_NAME,
            "mchOrderId": order_id,
            "idempotencyId": order_id,
            "amount": fields["amount"],
            "payMethodCode": fields["pay_method_code"],
            "ewalletCode": fields["ewallet_code"],
            "accountNo": fields["account_no"],
            "accountName": fields["account_name"],
            "remark": fields["remark"],
        }
    return {
        "timestamp": int(time.time() * 1000),
        "mchOrderId": order_id,
        "idempotencyId": order_id,
        "amount": fields["amount"],
        "accountNo": fields["account_no"],
        "accountName": fields["account_name"],
        "mobile": fields["mobile"],
        "payMethodCode": fields["pay_method_code"],
        "transferCode": fields["transfer_code"],
        "remark": fields["remark"],
    }


def _signed_text(family: str, params: dict[str, Any]) -> str:
    """PH sorts and joins the fields, Global takes them as one JSON text."""
    if family == "ph":
        return "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name] not in (None, ""))
    return json.dumps(params)


def _body(family: str, params: dict[str, Any], text: str, signature: bytes) -> bytes:
    sign = base64.b64encode(signature).decode()
    if family == "ph":
        params["sign"] = sign
        return json.dumps(params).encode()
    return json.dumps({"appId": APP_ID, "param": text, "sign": sign}).encode()


def paying(family: str, session: aiohttp.ClientSession, url: str, sign: Sign) -> Callable[[str], Awaitable[object]]:
    """Pays an order, given its id. Signs on the event loop."""

    async def pay(order_id: str) -> Any:
        params = params_of(family, order_id)
        text = _signed_text(family, params)
        body = _body(family, params, text, sign(text.encode()))
        async with session.post(url + PATHS[family], data=body, headers=_JSON) as response:
            answer = await response.json()
        if answer["code"] != _SUCCESS[family]:
            raise RuntimeError(answer["message"])
        return answer["data"]

    return pay


# -- the same with checks and a typed result ---------------------------------------------------------------------------

_OF_BOTH = {
    "mchOrderId": "[A-Za-z0-9]{1,32}",
    "idempotencyId": "[A-Za-z0-9]{10,30}",
    "accountName": r"[A-Za-z '.\-]{1,30}",
    "remark": "[ -~]{1,200}",
}
_OWN = {
    "ph": {"accountNo": "09[0-9]{9}", "ewalletCode": "[A-Za-z0-9_]{1,40}"},
    "global": {"accountNo": "[0-9]{1,40}", "mobile": "08[0-9]{8,11}", "transferCode": "[A-Za-z0-9_]{1,40}"},
}
_PATTERNS = {
    family: {name: re.compile(pattern) for name, pattern in {**_OF_BOTH, **own}.items()} for family, own in _OWN.items()
}
_BOUNDS = {"ph": (100, 500_000_000), "global": (10_000, 2_000_000_000)}
_METHODS = {"ph": ("BANK", "EWALLET", "SCANQR"), "global": ("BANK", "EWALLET")}
_ZONES = {"ph": timezone(timedelta(hours=8)), "global": timezone(timedelta(hours=7))}


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What PayCools answers to a payout."""

    transaction_id: str
    mch_order_id: str | None
    transaction_status: str | None
    transaction_time: datetime | None


async def checked_payout(
    family: str,
    sign: Callable[[bytes], Awaitable[bytes]],
    post: Callable[[str, bytes], Awaitable[bytes]],
    order_id: str,
) -> Receipt:
    """One payout; signature and network are the caller's."""
    params = params_of(family, order_id)
    _check(family, params)
    text = _signed_text(family, params)
    body = _body(family, params, text, await sign(text.encode()))
    return _receipt(family, await post(PATHS[family], body), order_id)


def _check(family: str, params: dict[str, Any]) -> None:
    for name, pattern in _PATTERNS[family].items():
        value = params[name]
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(f"{name} is not of the documented form")
    amount, (least, most) = params["amount"], _BOUNDS[family]
    if not isinstance(amount, int) or isinstance(amount, bool) or not least <= amount <= most:
        raise ValueError("amount is out of bounds")
    if params["payMethodCode"] not in _METHODS[family]:
        raise ValueError("payMethodCode is none of the documented ones")


def _receipt(family: str, body: bytes, order_id: str) -> Receipt:
    answer = json.loads(body)
    if answer["code"] != _SUCCESS[family]:
        raise RuntimeError(answer["message"])
    data = answer["data"]
    theirs = data.get("mchOrderId")
    if theirs is not None and theirs != order_id:
        raise RuntimeError("the answer is about another order")
    at = data.get("transactionTime")
    return Receipt(
        transaction_id=str(data["transactionId"]),
        mch_order_id=theirs,
        transaction_status=data.get("transactionStatus"),
        transaction_time=datetime.fromisoformat(at).replace(tzinfo=_ZONES[family]) if at else None,
    )
