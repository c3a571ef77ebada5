"""Fresh RSA keys for tests and for new merchants."""

from __future__ import annotations

from ..openssl import has_openssl

__all__ = ["generate_private_key"]


def generate_private_key(bits: int = 2048) -> str:
    """A new private key as PKCS#8 PEM, made by the fastest library installed."""
    if not has_openssl():
        from Crypto.PublicKey import RSA

        return RSA.generate(bits).export_key("PEM", pkcs=8).decode() + "\n"
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()
