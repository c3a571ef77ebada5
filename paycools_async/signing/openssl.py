"""The fast signer, over OpenSSL (the `cryptography` package); it releases the interpreter lock while it works."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from ..privacy.confidential import KeptHere
from .base import PrivateKey, PublicKey

__all__ = ["OpenSSLSigner", "OpenSSLVerifier"]

_PADDING = PKCS1v15()
_HASH = SHA256()


class OpenSSLSigner(KeptHere):
    """Signs with OpenSSL; the key is parsed once."""

    def __init__(self, key: PrivateKey) -> None:
        loaded = load_der_private_key(key.der, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(loaded, rsa.RSAPrivateKey)  # noqa: S101 - the key loader has checked it, as a whole
        self._key = loaded

    def sign(self, text: bytes) -> bytes:
        return self._key.sign(text, _PADDING, _HASH)


class OpenSSLVerifier:
    """Verifies with OpenSSL; the key is parsed once."""

    def __init__(self, key: PublicKey) -> None:
        loaded = load_der_public_key(key.der)
        assert isinstance(loaded, rsa.RSAPublicKey)  # noqa: S101 - the key loader has checked it, as a whole
        self._key = loaded

    def verify(self, text: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, text, _PADDING, _HASH)
        except (InvalidSignature, ValueError):
            return False
        return True
