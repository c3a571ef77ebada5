"""How the fake checks signatures: a few lines of its own, sharing nothing with the code it checks.

The SDK renders values into text and signs that. This side starts from the bytes that arrived and cuts each top-level
value out of the JSON as it stands there.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from json.decoder import scanstring  # type: ignore[attr-defined]  # part of json since 2.6
from typing import Literal
from urllib.parse import parse_qsl

from ...openssl import has_openssl

__all__ = [
    "Library",
    "callback_sign",
    "enveloped",
    "flat_members",
    "platform_signer",
    "public_half",
    "signed_text",
    "verifier",
]

Library = Literal["pycryptodome", "cryptography"]
Verify = Callable[[str, str], bool]

_DECODER = json.JSONDecoder()


def flat_members(method: str, query: str, body: bytes) -> list[tuple[str, str, bool]]:
    """Name, text and whether it was a JSON string, of each member, in order of arrival. ValueError if malformed."""
    if method == "GET":
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, encoding="utf-8", errors="strict")
        return [(name, value, True) for name, value in pairs]
    return list(_members(body.decode("utf-8")))


def _members(text: str) -> Iterable[tuple[str, str, bool]]:
    json.loads(text)  # the whole must be JSON before its parts are cut out
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        at = _skip(text, _skip(text, at) + 1)
        value, end = _DECODER.raw_decode(text, at)
        yield name, value if isinstance(value, str) else text[at:end], isinstance(value, str)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def signed_text(members: list[tuple[str, str, bool]]) -> str:
    """The text the sender must have signed."""
    kept = [
        (name, value)
        for name, value, is_text in members
        if name != "sign" and value != "" and (is_text or value != "null")
    ]
    return "&".join(name + "=" + value for name, value in sorted(kept))


def verifier(public_key_pem: str, library: Library | None = None) -> Verify:
    """A function (text, Base64 signature) -> bool over the crypto library that the client does not use.

    The SDK signs with `cryptography` where that is installed, so by default this takes pycryptodome; name the
    library where the client was given another signer.
    """
    if library == "cryptography" and has_openssl():
        check = _with_cryptography(public_key_pem)
    else:
        check = _with_pycryptodome(public_key_pem)

    def verify(text: str, sign: str) -> bool:
        try:
            signature = base64.b64decode(sign, validate=True)
        except (binascii.Error, ValueError):
            return False
        return check(text.encode("utf-8"), signature)

    return verify


def _with_pycryptodome(pem: str) -> Callable[[bytes, bytes], bool]:
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA
    from Crypto.Signature import pkcs1_15

    key = RSA.import_key(pem)

    def check(text: bytes, signature: bytes) -> bool:
        try:
            pkcs1_15.new(key).verify(SHA256.new(text), signature)
        except (ValueError, TypeError):
            return False
        return True

    return check


def _with_cryptography(pem: str) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")

    def check(text: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, text, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


def callback_sign(body: bytes, secret: str) -> str:
    """The `sign` of a callback, computed from the bytes that will travel."""
    text = signed_text(list(_members(body.decode("utf-8")))) + "&secret=" + secret
    return hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def enveloped(body: bytes) -> tuple[str, str, str]:
    """`appId`, `param` and `sign` of a Global API body. ValueError if it is anything but these three texts."""
    members = list(_members(body.decode("utf-8")))
    texts = {name: text for name, text, is_text in members if is_text}
    if len(members) != 3 or set(texts) != {"appId", "param", "sign"}:
        raise ValueError("not appId, param and sign")
    return texts["appId"], texts["param"], texts["sign"]


@functools.cache
def platform_signer(private_key_pem: str) -> Callable[[str], str]:
    """A function text -> Base64 signature with PayCools' own key, as notifications of the Global API bear it."""
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA
    from Crypto.Signature import pkcs1_15

    key = pkcs1_15.new(RSA.import_key(private_key_pem))
    return lambda text: base64.b64encode(key.sign(SHA256.new(text.encode("utf-8")))).decode("ascii")


@functools.cache
def public_half(private_key_pem: str) -> str:
    """The public key of a private one, as PEM."""
    from Crypto.PublicKey import RSA

    return RSA.import_key(private_key_pem).public_key().export_key("PEM").decode()
