"""The reference signer, over pycryptodome."""

from __future__ import annotations

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from ..privacy.confidential import KeptHere
from .base import PrivateKey, PublicKey

__all__ = ["PycryptodomeSigner", "PycryptodomeVerifier"]


class PycryptodomeSigner(KeptHere):
    """Signs with pycryptodome; the key is parsed once."""

    def __init__(self, key: PrivateKey) -> None:
        self._scheme = pkcs1_15.new(RSA.import_key(key.der))

    def sign(self, text: bytes) -> bytes:
        signature: bytes = self._scheme.sign(SHA256.new(text))
        return signature


class PycryptodomeVerifier:
    """Verifies with pycryptodome; the key is parsed once."""

    def __init__(self, key: PublicKey) -> None:
        self._scheme = pkcs1_15.new(RSA.import_key(key.der))

    def verify(self, text: bytes, signature: bytes) -> bool:
        try:
            self._scheme.verify(SHA256.new(text), signature)
        except (ValueError, TypeError):
            return False
        return True
