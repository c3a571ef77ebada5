"""Keys and signatures: SHA256withRSA (PKCS#1 v1.5), and the callbacks' SHA-1 over a shared secret.

`pycryptodome` is the reference and always there. With the extra `fast`, the `cryptography` package (OpenSSL) is used
by itself; both give the same bytes.
"""

from __future__ import annotations

from ..openssl import has_openssl
from ..wire.canonical import ph_signing_text
from .base import AsyncSigner, PrivateKey, PublicKey, Signer, Verifier
from .keys import load_private_key, load_public_key
from .process import SigningProcess
from .secret import ph_callback_sign

__all__ = [
    "AsyncSigner",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "SigningProcess",
    "Verifier",
    "load_private_key",
    "load_public_key",
    "ph_callback_sign",
    "ph_signing_text",
    "signer_for",
    "verifier_for",
]


def signer_for(private_key: PrivateKey | str | bytes) -> Signer:
    """The fastest installed signer for a key (or anything `load_private_key` takes)."""
    key = private_key if isinstance(private_key, PrivateKey) else load_private_key(private_key)
    if has_openssl():
        from .openssl import OpenSSLSigner

        return OpenSSLSigner(key)
    from .pycryptodome import PycryptodomeSigner

    return PycryptodomeSigner(key)


def verifier_for(public_key: PublicKey | str | bytes) -> Verifier:
    """The fastest installed verifier for a key (or anything `load_public_key` takes)."""
    key = public_key if isinstance(public_key, PublicKey) else load_public_key(public_key)
    if has_openssl():
        from .openssl import OpenSSLVerifier

        return OpenSSLVerifier(key)
    from .pycryptodome import PycryptodomeVerifier

    return PycryptodomeVerifier(key)
