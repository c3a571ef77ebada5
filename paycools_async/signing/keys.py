"""Load RSA keys in every form they are handed around in, and say precisely what is wrong with the others.

Taken: PEM (PKCS#8, PKCS#1, SubjectPublicKeyInfo), bare Base64 of the same DER, DER bytes; with literal ``\\n``,
surrounding quotes, CRLF or a byte-order mark; in a PEM also with bag attributes around it or a certificate beside it.
PayCools documents 4096 bits and integrators use 2048; below 2048 is
refused. Error messages never hold a part of the key.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidKeyError
from ..privacy.confidential import without_frames
from ..storage.regular_file import read_small
from .base import PrivateKey, PublicKey

if TYPE_CHECKING:
    from Crypto.PublicKey import RSA

__all__ = ["load_private_key", "load_public_key"]

_MINIMUM_BITS = 2048
_MOST_BYTES = 65_536
"""Of a key in whatever form; one of 16,384 bits has 13,000."""
_CURVES = ("an X25519", "an X448", "an Ed25519", "an Ed448")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END ([A-Z0-9 ]+)-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/\-_]+={0,2}")
_OPENSSH = "this is an OpenSSH key; convert it with ssh-keygen -p -m PKCS8"
_SSH_PUBLIC = {
    "private": "this is an OpenSSH public key; the merchant's private key is needed (the file without .pub)",
    "public": "this is an OpenSSH public key; convert it with ssh-keygen -e -m PKCS8 -f FILE",
}
_SSH_KINDS = ("ssh-", "ecdsa-sha2-", "sk-")
_SEC1 = b"\x02\x01\x01\x04"  # RFC 5915: version 1 and the number; RSA's are version 0, and PKCS#8 has a sequence there
_EC = b"\x2a\x86\x48\xce\x3d"
_PKCS12 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"  # RFC 7292, 4: version 3 and then PKCS#7 data
_EDWARDS = {b"\x06\x03\x2b\x65" + bytes([last]): name for last, name in zip(b"nopq", _CURVES, strict=True)}  # RFC 8410
_STORES = {
    b"\xfe\xed\xfe\xed": "this is a Java key store; take the key out with keytool and openssl",
    b"PuTTY-User-Key-File": "this is a PuTTY key; export it in PuTTYgen as an OpenSSH key and convert that to PKCS#8",
    b"{": "this is JSON, perhaps a JWK; the key is needed as PEM",
}
_PASSPHRASE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05"  # PKCS#5, under which PKCS#8 keeps an encrypted key


@without_frames
def load_private_key(source: PrivateKey | str | bytes | Path) -> PrivateKey:
    """The merchant's private key from PEM, bare Base64, DER bytes, or a file's path.

    Raises InvalidKeyError saying what the input is instead ("this is a public key").
    """
    if isinstance(source, PrivateKey):
        return source
    key = _parse(source, "private")
    if not key.has_private():
        raise InvalidKeyError(
            "this is a public key; the merchant's private key is needed (its file says BEGIN PRIVATE KEY)"
        )
    der = key.export_key("DER", pkcs=8)
    return PrivateKey(der, key.size_in_bits(), _public(key))


@without_frames
def load_public_key(source: PublicKey | str | bytes | Path) -> PublicKey:
    """A public key (PayCools' platform key) in the same forms. A private key is refused.

    Raises InvalidKeyError saying what the input is instead.
    """
    if isinstance(source, PublicKey):
        return source
    key = _parse(source, "public")
    if key.has_private():
        raise InvalidKeyError("this is a private key; a public key is needed here, and a private key must not travel")
    return _public(key)


def _public(key: RSA.RsaKey) -> PublicKey:
    return PublicKey(key.public_key().export_key("DER"), key.size_in_bits())


def _parse(source: object, wanted: str) -> RSA.RsaKey:
    from Crypto.PublicKey import RSA  # takes a tenth of a second, and not every program has a key

    der = _der(source, wanted)
    if _is_certificate(der):  # the RSA parser would take the key inside and leave the certificate's own rules behind
        raise InvalidKeyError(f"this is a certificate, not a {wanted} key")
    try:
        key = RSA.import_key(der)
    except (ValueError, IndexError, TypeError):
        raise InvalidKeyError(f"this is no RSA {wanted} key: {_what_it_is(der)}") from None
    if key.size_in_bits() < _MINIMUM_BITS:
        raise InvalidKeyError(f"this key has {key.size_in_bits()} bits; at least {_MINIMUM_BITS} are needed")
    return key


def _der(source: object, wanted: str) -> bytes:
    if isinstance(source, Path):
        return _der_of(_read(_at_home(source)), wanted)
    if isinstance(source, str | bytes | bytearray) and len(source) > _MOST_BYTES:
        raise InvalidKeyError(f"this has {len(source)} characters; a key has at most {_MOST_BYTES}")
    if isinstance(source, str):
        path = _at_home(Path(_unquoted(source)))  # before the text is cleaned: C:\\new.pem holds no line break
        if _is_file(path):
            return _der_of(_read(path), wanted)
    if isinstance(source, str | bytes | bytearray):
        return _der_of(source, wanted)
    raise InvalidKeyError(f"a {wanted} key is text, bytes or a path, not {type(source).__name__}")


def _der_of(content: str | bytes | bytearray, wanted: str) -> bytes:
    if not isinstance(content, str):
        if content[:1] == b"\x30":
            return bytes(content)
        _refuse_other_kinds(bytes(content))
        content = bytes(content).decode("utf-8-sig", "replace")  # a decoding error would carry the key along
        if "\ufffd" in content:
            raise InvalidKeyError("the key is neither text nor DER")
    text = _clean(content)
    if not text:
        raise InvalidKeyError(f"the {wanted} key is empty")
    pem = _the_key_of(list(_PEM.finditer(text)), wanted)
    if pem is not None:
        return _pem_body(pem, wanted)
    if "-----" in text:
        raise InvalidKeyError("the PEM is cut off: it needs both its BEGIN and its END line")
    if text.startswith(_SSH_KINDS):
        other = "" if text.startswith("ssh-rsa") else "; PayCools signs with RSA, and it is none"
        raise InvalidKeyError(_SSH_PUBLIC[wanted] if not other else f"this is an OpenSSH public key{other}")
    compact = re.sub(r"\s+", "", text)
    if _BASE64.fullmatch(compact) and len(compact) >= 64:
        return _base64(compact, wanted)
    raise InvalidKeyError(
        f"this is neither a PEM nor a Base64 key, and no file of that name can be read ({len(text)} characters)"
    )


def _refuse_other_kinds(content: bytes) -> None:
    for start, what in _STORES.items():
        if content.startswith(start):
            raise InvalidKeyError(what)
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        text = content.removeprefix(mark)
        if 0 in text and text.decode(encoding, "replace").isascii():
            raise InvalidKeyError("the key's text is UTF-16, as some editors call Unicode; save it as UTF-8")


def _the_key_of(blocks: list[re.Match[str]], wanted: str) -> re.Match[str] | None:
    """The block that holds the key: a certificate or the other half of the pair may stand beside it."""
    if not blocks:
        return None
    keys = [block for block in blocks if "KEY" in block[1]]
    private = [block for block in keys if "PRIVATE" in block[1]]
    fitting = private if wanted == "private" or private else keys
    different = {re.sub(r"\s+", "", block[2]) for block in fitting}
    if len(different) > 1 and not _are_one(fitting, wanted):
        raise InvalidKeyError(f"{len(fitting)} {wanted} keys stand here; leave the one that is meant")
    return (fitting or keys or blocks)[0]


def _are_one(blocks: list[re.Match[str]], wanted: str) -> bool:
    """Whether they are one key in several forms."""
    from Crypto.PublicKey import RSA

    try:
        return len({RSA.import_key(_pem_body(block, wanted)).n for block in blocks}) == 1
    except (InvalidKeyError, ValueError, IndexError, TypeError):
        return False


def _at_home(path: Path) -> Path:
    """The path with its ~ replaced."""
    try:
        return path.expanduser()
    except (RuntimeError, ValueError):
        return path


def _unquoted(text: str) -> str:
    text = text.strip().lstrip("\ufeff").strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def _clean(text: str) -> str:
    return _unquoted(text).replace("\\r", "").replace("\\n", "\n").replace("\r", "\n").strip()


def _pem_body(pem: re.Match[str], wanted: str) -> bytes:
    begin, body, end = pem.groups()
    if begin != end:
        raise InvalidKeyError(f"the PEM begins as {begin} and ends as {end}")
    if "CERTIFICATE" in begin:
        raise InvalidKeyError(f"this is a {begin.lower()}, not a {wanted} key")
    if "ENCRYPTED" in begin or "Proc-Type" in body:
        # PayCools' own demo strips these lines too, but the bytes under them need a passphrase
        raise InvalidKeyError("this key is protected by a passphrase; export it without one")
    if "OPENSSH" in begin:
        raise InvalidKeyError(_OPENSSH)
    return _base64(re.sub(r"\s+", "", body), wanted)


def _base64(compact: str, wanted: str) -> bytes:
    compact = compact.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        der = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidKeyError("the key's Base64 is damaged") from None
    if der[:5] == b"-----":  # Base64 of a whole PEM, as some secret stores keep it
        return _der_of(der, wanted)
    return der


def _is_certificate(der: bytes) -> bool:
    from Crypto.Util.asn1 import DerSequence

    with contextlib.suppress(ValueError, IndexError, TypeError):
        inner = DerSequence().decode(der)[0]
        # X.509 (RFC 5280, 4.1): the first element of the inner sequence is the version, tagged [0]
        return isinstance(inner, bytes) and DerSequence().decode(inner)[0][:1] == b"\xa0"
    return False


def _what_it_is(der: bytes) -> str:
    if der[:1] != b"\x30":
        return "the bytes are not DER"
    if _EC in der[:40] or _SEC1 in der[:12]:
        return "it is an elliptic-curve key"
    for mark, name in _EDWARDS.items():
        if mark in der[:40]:
            return f"it is {name} key, and PayCools signs with RSA"
    if _PKCS12 in der[:40]:
        return "it is a PKCS#12 store (.p12, .pfx); take the key out: openssl pkcs12 -in FILE -nocerts -nodes"
    if _PASSPHRASE in der[:40]:
        return "it is protected by a passphrase; export it without one"
    return "the bytes are damaged or cut off"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    try:
        content = read_small(path, _MOST_BYTES)
        if len(content) <= _MOST_BYTES:
            return content
        raise InvalidKeyError(f"the key file has more than {_MOST_BYTES} bytes; that is no key")
    except (OSError, ValueError) as error:
        name = str(path)
        if len(name) > 200 or "\n" in name:  # a key handed over as a path, more likely than a file's name
            name = f"({len(name)} characters)"
        why = getattr(error, "strerror", None) or "no such name"
    raise InvalidKeyError(f"the key file {name} cannot be read: {why}")
