"""The protocols, and keys that never show themselves."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from ..privacy.confidential import KeptHere, Secret

__all__ = ["AsyncSigner", "PrivateKey", "PublicKey", "Signer", "TimedSigner", "Verifier"]


@runtime_checkable
class Signer(Protocol):
    """Signs with SHA256withRSA, PKCS#1 v1.5. Called from threads."""

    def sign(self, text: bytes) -> bytes:
        """The raw signature of the text."""
        ...


class AsyncSigner(Protocol):
    """The same for a key that lives elsewhere (a key service, an HSM): `sign` is awaited."""

    async def sign(self, text: bytes) -> bytes:
        """The raw signature of the text."""
        ...


class TimedSigner(Protocol):
    """What the engine awaits: either of the above, off the loop and bounded in time."""

    async def sign(self, text: bytes, within: float) -> bytes:
        """The raw signature. Raises TimeoutError if it takes more than so many seconds."""
        ...


class Verifier(Protocol):
    """Checks SHA256withRSA signatures. Never raises for a bad one."""

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is the key owner's, over exactly this text."""
        ...


@attrs.frozen
class PublicKey:
    """An RSA public key as SubjectPublicKeyInfo DER."""

    der: bytes = attrs.field(repr=False)
    bits: int


def _secret(value: bytes | Secret[bytes]) -> Secret[bytes]:
    return value if isinstance(value, Secret) else Secret(value)


@attrs.frozen
class PrivateKey(KeptHere):
    """An RSA private key as PKCS#8 DER, with its public half. Its `repr` shows the size only; it is not pickled."""

    _der: Secret[bytes] = attrs.field(alias="der", repr=False, converter=_secret)
    bits: int
    public: PublicKey = attrs.field(repr=False)

    @property
    def der(self) -> bytes:
        """The key itself."""
        return self._der.reveal()
