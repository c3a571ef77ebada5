"""A PH payout as integrators write it by hand: sort, join, sign, json.dumps, post, read. One class per crypto library.

It is the good kind of such code: the key is parsed once and the session is kept. Many parse the key for every call.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["CryptographyMerchant", "PycryptodomeMerchant"]


class Merchant:
    """Sends payouts; a subclass signs."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, app_id: str, app_name: str) -> None:
        self.session = session
        self.base_url = base_url
        self.app_id = app_id
        self.app_name = app_name

    def sign(self, text: bytes) -> bytes:
        raise NotImplementedError

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
        async with self.session.post(
            self.base_url + "/api/v1/payout",
            data=json.dumps(params),
            headers={"Content-Type": "application/json"},
        ) as response:
            answer = await response.json()
        if answer["code"] != 1000:
            raise RuntimeError(answer["message"])
        data: dict[str, Any] = answer["data"]
        return data


class PycryptodomeMerchant(Merchant):
    """Signs on the loop with pycryptodome."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, app_id: str, app_name: str, pem: str) -> None:
        super().__init__(session, base_url, app_id, app_name)
        self.key = RSA.import_key(pem)

    def sign(self, text: bytes) -> bytes:
        signature: bytes = pkcs1_15.new(self.key).sign(SHA256.new(text))
        return signature


class CryptographyMerchant(Merchant):
    """Signs on the loop with cryptography."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, app_id: str, app_name: str, pem: str) -> None:
        super().__init__(session, base_url, app_id, app_name)
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key

    def sign(self, text: bytes) -> bytes:
        return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
