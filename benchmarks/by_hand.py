"""Payouts as integrators write them by hand: build the text, sign, json.dumps, post, read. For both APIs.

It is the good kind of such code: the key is parsed once and the session is kept. Many parse the key for every call.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["HandwrittenGlobal", "HandwrittenPH", "Sign", "with_cryptography", "with_pycryptodome"]

Sign = Callable[[bytes], bytes]

_JSON = {"Content-Type": "application/json"}


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


class HandwrittenPH:
    """The PH API: flat fields, sorted and joined for the signature."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, app_id: str, app_name: str, sign: Sign) -> None:
        self.session = session
        self.base_url = base_url
        self.app_id = app_id
        self.app_name = app_name
        self.sign = sign

    async def create_payout(self, order_id: str, amount: int) -> dict[str, Any]:
        params: dict[str, Any] = {
            "appId": self.app_id,
            "appName": self.app_name,
            "mchOrderId": order_id,
            "idempotencyId": order_id,
            "amount": amount,
            "payMethodCode": "EWALLET",
            "ewalletCode": "GCASH",
            "accountNo": "09171234567",
            "accountName": "Juan Dela Cruz",
            "remark": "benchmark",
        }
        text = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name] not in (None, ""))
        params["sign"] = base64.b64encode(self.sign(text.encode())).decode()
        url = self.base_url + "/api/v1/payout"
        async with self.session.post(url, data=json.dumps(params), headers=_JSON) as response:
            answer = await response.json()
        if answer["code"] != 1000:
            raise RuntimeError(answer["message"])
        data: dict[str, Any] = answer["data"]
        return data


class HandwrittenGlobal:
    """The Global API, Indonesia: the fields as one JSON text, which is signed and put into an envelope."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, app_id: str, sign: Sign) -> None:
        self.session = session
        self.base_url = base_url
        self.app_id = app_id
        self.sign = sign

    async def create_payout(self, order_id: str, amount: int) -> dict[str, Any]:
        param = json.dumps(
            {
                "timestamp": int(time.time() * 1000),
                "mchOrderId": order_id,
                "idempotencyId": order_id,
                "amount": amount,
                "accountNo": "109594480004",
                "accountName": "Budi Santoso",
                "mobile": "081234567890",
                "payMethodCode": "BANK",
                "transferCode": "CIMB",
                "remark": "benchmark",
            }
        )
        sign = base64.b64encode(self.sign(param.encode())).decode()
        body = json.dumps({"appId": self.app_id, "param": param, "sign": sign})
        url = self.base_url + "/open-api/indonesia/disbursement/transfer"
        async with self.session.post(url, data=body, headers=_JSON) as response:
            answer = await response.json()
        if answer["code"] != 10000:
            raise RuntimeError(answer["message"])
        data: dict[str, Any] = answer["data"]
        return data
