"""Keys: every form they are handed around in loads to the same key, and every other thing is named for what it is."""

from __future__ import annotations

import base64
import re
import textwrap
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from support.size import some

from paycools_async import InvalidKeyError, Outcome, load_private_key, load_public_key


def b64(der: bytes) -> str:
    return base64.b64encode(der).decode()


class Forms:
    """One key in every form the tests need, made by the library that the loader does not use."""

    def __init__(self, pem: str) -> None:
        key = load_pem_private_key(pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.pkcs8, self.pkcs8_pem = self.private(PrivateFormat.PKCS8)
        self.pkcs1, self.pkcs1_pem = self.private(PrivateFormat.TraditionalOpenSSL)
        self.spki, self.spki_pem = self.public(PublicFormat.SubjectPublicKeyInfo)
        self.pkcs1_public, self.pkcs1_public_pem = self.public(PublicFormat.PKCS1)

    def private(self, form: PrivateFormat) -> tuple[bytes, str]:
        return (
            self.key.private_bytes(Encoding.DER, form, NoEncryption()),
            self.key.private_bytes(Encoding.PEM, form, NoEncryption()).decode(),
        )

    def public(self, form: PublicFormat) -> tuple[bytes, str]:
        public = self.key.public_key()
        return public.public_bytes(Encoding.DER, form), public.public_bytes(Encoding.PEM, form).decode()

    def encrypted(self, encoding: Encoding, form: PrivateFormat) -> bytes:
        return self.key.private_bytes(encoding, form, BestAvailableEncryption(b"a passphrase"))

    def certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), 1, start, start + timedelta(days=1))
        return builder.sign(self.key, SHA256())


@pytest.fixture(scope="module")
def forms(key_pem: str) -> Forms:
    return Forms(key_pem)


Make = Callable[[Forms], Any]


BAG = "Bag Attributes\n    localKeyID: 01 02 03\n    friendlyName: merchant\nKey Attributes: <No Attributes>\n"


def certificate_pem(forms: Forms) -> str:
    return forms.certificate().public_bytes(Encoding.PEM).decode()


def in_lines(der: bytes, end: str = "\n") -> str:
    return end.join(textwrap.wrap(b64(der), 64))


PRIVATE: dict[str, Make] = {
    "PEM PKCS#8": lambda f: f.pkcs8_pem,
    "PEM PKCS#1": lambda f: f.pkcs1_pem,
    "PEM as bytes": lambda f: f.pkcs8_pem.encode(),
    "PEM as bytes with a byte-order mark": lambda f: b"\xef\xbb\xbf" + f.pkcs8_pem.encode(),
    "PEM with a byte-order mark": lambda f: "\ufeff" + f.pkcs8_pem,
    "PEM with CRLF": lambda f: f.pkcs8_pem.replace("\n", "\r\n"),
    "PEM with old Mac line ends": lambda f: f.pkcs8_pem.replace("\n", "\r"),
    "PEM with literal \\n": lambda f: f.pkcs8_pem.replace("\n", "\\n"),
    "PEM with literal \\r\\n": lambda f: f.pkcs8_pem.replace("\n", "\\r\\n"),
    "PEM in double quotes with literal \\n": lambda f: '"' + f.pkcs1_pem.replace("\n", "\\n") + '"',
    "PEM in single quotes": lambda f: "'" + f.pkcs8_pem + "'",
    "PEM indented": lambda f: textwrap.indent(f.pkcs8_pem, "    "),
    "PEM on one line with blanks": lambda f: f.pkcs8_pem.replace("\n", " "),
    "PEM with text around": lambda f: "Bag Attributes\n" + f.pkcs8_pem + "\nend of file\n",
    "Base64 of PKCS#8": lambda f: b64(f.pkcs8),
    "Base64 of PKCS#1": lambda f: b64(f.pkcs1),
    "Base64 in lines": lambda f: in_lines(f.pkcs8),
    "Base64 in lines with CRLF": lambda f: in_lines(f.pkcs8, "\r\n"),
    "Base64 with literal \\n": lambda f: in_lines(f.pkcs8, "\\n"),
    "Base64 in quotes": lambda f: f'"{b64(f.pkcs8)}"',
    "Base64 without padding": lambda f: b64(f.pkcs8).rstrip("="),
    "Base64 of the URL alphabet": lambda f: base64.urlsafe_b64encode(f.pkcs8).decode(),
    "Base64 as bytes": lambda f: base64.b64encode(f.pkcs8),
    "Base64 of a whole PEM": lambda f: b64(f.pkcs8_pem.encode()),
    "PEM with bag attributes": lambda f: BAG + f.pkcs8_pem,
    "PEM with a certificate behind it": lambda f: BAG + f.pkcs8_pem + BAG + certificate_pem(f),
    "PEM with a certificate before it": lambda f: certificate_pem(f) + f.pkcs8_pem,
    "PEM with its public half before it": lambda f: f.spki_pem + f.pkcs8_pem,
    "the same PEM twice": lambda f: f.pkcs8_pem + f.pkcs8_pem.replace("\n", "\r\n"),
    "the same key in two forms": lambda f: f.pkcs8_pem + f.pkcs1_pem,
    "DER PKCS#8": lambda f: f.pkcs8,
    "DER PKCS#1": lambda f: f.pkcs1,
    "DER in a bytearray": lambda f: bytearray(f.pkcs8),
}
PUBLIC: dict[str, Make] = {
    "PEM SPKI": lambda f: f.spki_pem,
    "PEM SPKI beside a certificate": lambda f: certificate_pem(f) + f.spki_pem,
    "PEM PKCS#1": lambda f: f.pkcs1_public_pem,
    "Base64 of SPKI": lambda f: b64(f.spki),
    "Base64 of PKCS#1": lambda f: b64(f.pkcs1_public),
    "Base64 of a whole PEM": lambda f: b64(f.spki_pem.encode()),
    "DER SPKI": lambda f: f.spki,
    "DER PKCS#1": lambda f: f.pkcs1_public,
    "PEM in quotes with literal \\r\\n": lambda f: "'" + f.spki_pem.replace("\n", "\\r\\n") + "'",
}


@pytest.mark.parametrize("name", some(list(PRIVATE), 8))
def test_a_private_key_loads_from(name: str, forms: Forms) -> None:
    key = load_private_key(PRIVATE[name](forms))
    assert key.bits == 2048
    assert key.public.der == forms.spki
    assert key == load_private_key(forms.pkcs8_pem)
    assert load_private_key(key) is key


@pytest.mark.parametrize("make", PUBLIC.values(), ids=PUBLIC.keys())
def test_a_public_key_loads_from(make: Make, forms: Forms) -> None:
    key = load_public_key(make(forms))
    assert (key.der, key.bits) == (forms.spki, 2048)
    assert load_public_key(key) is key


@pytest.mark.parametrize("form", ["pkcs8_pem", "pkcs1_pem", "pkcs8", "pkcs1"])
def test_a_key_loads_from_a_file_by_path_or_by_its_name(form: str, forms: Forms, tmp_path: Path) -> None:
    file, content = tmp_path / "merchant key.pem", getattr(forms, form)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert load_private_key(file).public.der == forms.spki
    assert load_private_key(str(file)).public.der == forms.spki
    assert load_private_key(f' "{file}"\n').public.der == forms.spki


def test_a_public_key_loads_from_a_file(forms: Forms, tmp_path: Path) -> None:
    (tmp_path / "platform.pem").write_text(forms.spki_pem)
    assert load_public_key(tmp_path / "platform.pem").der == forms.spki


def test_a_path_may_begin_at_home(forms: Forms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.pem").write_text(forms.pkcs8_pem)
    assert load_private_key("~/key.pem").public.der == forms.spki
    assert load_private_key(Path("~/key.pem")).public.der == forms.spki


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(InvalidKeyError, match="the key file /dev/zero cannot be read: is no file"):
        load_private_key(Path("/dev/zero"))


def test_a_file_that_names_a_file_is_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(str(file))
    with pytest.raises(InvalidKeyError, match="neither a PEM nor a Base64 key"):
        load_private_key(file)


# --- refused ----------------------------------------------------------------------------------------------------------


def elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def cut(text: str, part: float = 0.5) -> str:
    return text[: int(len(text) * part)]


PASSPHRASE = "this key is protected by a passphrase; export it without one"
OPENSSH = "this is an OpenSSH key; convert it with ssh-keygen -p -m PKCS8"
STORE = (
    "this is no RSA private key: it is a PKCS#12 store (.p12, .pfx); take the key out: "
    "openssl pkcs12 -in FILE -nocerts -nodes"
)
UTF16 = "the key's text is UTF-16, as some editors call Unicode; save it as UTF-8"
CUT_OFF = "the PEM is cut off: it needs both its BEGIN and its END line"
NO_KEY = "this is neither a PEM nor a Base64 key, and no file of that name can be read ({} characters)"
IS_PUBLIC = "this is a public key; the merchant's private key is needed (its file says BEGIN PRIVATE KEY)"

REFUSED: dict[str, tuple[Make, str]] = {
    "public PEM": (lambda f: f.spki_pem, IS_PUBLIC),
    "public Base64": (lambda f: b64(f.spki), IS_PUBLIC),
    "public PKCS#1 DER": (lambda f: f.pkcs1_public, IS_PUBLIC),
    "certificate PEM": (
        lambda f: f.certificate().public_bytes(Encoding.PEM).decode(),
        "this is a certificate, not a private key",
    ),
    "certificate Base64": (
        lambda f: b64(f.certificate().public_bytes(Encoding.DER)),
        "this is a certificate, not a private key",
    ),
    "EC key": (
        lambda f: elliptic().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "this is no RSA private key: it is an elliptic-curve key",
    ),
    "EC public key": (
        lambda f: elliptic().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "this is no RSA private key: it is an elliptic-curve key",
    ),
    "Ed25519 key": (
        lambda f: ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "this is no RSA private key: it is an Ed25519 key, and PayCools signs with RSA",
    ),
    "Ed25519 public key": (
        lambda f: (
            ed25519.Ed25519PrivateKey.generate()
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ),
        "this is no RSA private key: it is an Ed25519 key, and PayCools signs with RSA",
    ),
    "PKCS#12": (lambda f: pkcs12.serialize_key_and_certificates(b"me", f.key, None, None, NoEncryption()), STORE),
    "PKCS#12 with a passphrase, as Base64": (
        lambda f: b64(pkcs12.serialize_key_and_certificates(None, f.key, None, None, BestAvailableEncryption(b"x"))),
        STORE,
    ),
    "UTF-16": (lambda f: f.pkcs8_pem.encode("utf-16"), UTF16),
    "UTF-16, big end first": (lambda f: b"\xfe\xff" + f.pkcs8_pem.encode("utf-16-be"), UTF16),
    "UTF-16 without its mark": (lambda f: f.pkcs8_pem.encode("utf-16-le"), UTF16),
    "a Java key store": (
        lambda f: b"\xfe\xed\xfe\xed" + bytes(40),
        "this is a Java key store; take the key out with keytool and openssl",
    ),
    "two keys in two forms": (
        lambda f: f.pkcs8_pem + RSA.generate(2048).export_key("PEM").decode(),
        "2 private keys stand here; leave the one that is meant",
    ),
    "two keys": (
        lambda f: f.pkcs8_pem + RSA.generate(2048).export_key("PEM", pkcs=8).decode(),
        "2 private keys stand here; leave the one that is meant",
    ),
    "far too much": (lambda f: "A" * 70_000, "this has 70000 characters; a key has at most 65536"),
    "encrypted PKCS#8": (lambda f: f.encrypted(Encoding.PEM, PrivateFormat.PKCS8), PASSPHRASE),
    "encrypted PKCS#1": (lambda f: f.encrypted(Encoding.PEM, PrivateFormat.TraditionalOpenSSL), PASSPHRASE),
    "encrypted DER": (
        lambda f: f.encrypted(Encoding.DER, PrivateFormat.PKCS8),
        "this is no RSA private key: it is protected by a passphrase; export it without one",
    ),
    "OpenSSH private": (
        lambda f: f.key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        OPENSSH,
    ),
    "OpenSSH public": (
        lambda f: f.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "this is an OpenSSH public key; the merchant's private key is needed (the file without .pub)",
    ),
    "OpenSSH public of another kind": (
        lambda f: (
            ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        ),
        "this is an OpenSSH public key; PayCools signs with RSA, and it is none",
    ),
    "EC key in its own form": (
        lambda f: elliptic().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "this is no RSA private key: it is an elliptic-curve key",
    ),
    "EC key of another curve in its own form": (
        lambda f: ec.generate_private_key(ec.SECP384R1()).private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ),
        "this is no RSA private key: it is an elliptic-curve key",
    ),
    "UTF-16 without its mark, big end first": (lambda f: f.pkcs8_pem.encode("utf-16-be"), UTF16),
    "Base64 in UTF-16": (lambda f: b64(f.pkcs8).encode("utf-16-be"), UTF16),
    "PEM without its end": (lambda f: cut(f.pkcs8_pem), CUT_OFF),
    "PEM without its begin": (lambda f: f.pkcs8_pem.partition("\n")[2], CUT_OFF),
    "PEM with lines missing": (
        lambda f: "\n".join(f.pkcs8_pem.split("\n")[:9] + f.pkcs8_pem.split("\n")[-2:]),
        "this is no RSA private key: the bytes are damaged or cut off",
    ),
    "mismatched lines": (
        lambda f: f.pkcs8_pem.replace("END PRIVATE", "END RSA PRIVATE"),
        "the PEM begins as PRIVATE KEY and ends as RSA PRIVATE KEY",
    ),
    "damaged Base64 in a PEM": (lambda f: f.pkcs8_pem.replace("\nM", "\n*"), "the key's Base64 is damaged"),
    "Base64 cut within a group": (lambda f: b64(f.pkcs8)[:1001], "the key's Base64 is damaged"),
    "Base64 cut off": (
        lambda f: b64(f.pkcs8)[:1000],
        "this is no RSA private key: the bytes are damaged or cut off",
    ),
    "Base64 of something else": (lambda f: b64(b"x" * 100), "this is no RSA private key: the bytes are not DER"),
    "Base64 of half a PEM": (lambda f: b64(cut(f.pkcs8_pem).encode()), CUT_OFF),
    "a flipped byte": (
        lambda f: f.pkcs8[:300] + bytes([f.pkcs8[300] ^ 1]) + f.pkcs8[301:],
        "this is no RSA private key: the bytes are damaged or cut off",
    ),
    "1024 bits": (
        lambda f: RSA.generate(1024).export_key("PEM", pkcs=8).decode(),
        "this key has 1024 bits; at least 2048 are needed",
    ),
    "empty": (lambda f: "", "the private key is empty"),
    "blank": (lambda f: " \n\\n ", "the private key is empty"),
    "quotes only": (lambda f: '""', "the private key is empty"),
    "no bytes": (lambda f: b"", "the private key is empty"),
    "nonsense": (lambda f: "not a key", NO_KEY.format(9)),
    "a path that is not there": (lambda f: "/nowhere/merchant.pem", NO_KEY.format(21)),
    "a name with a NUL": (lambda f: "key\0.pem", NO_KEY.format(8)),
    "binary": (lambda f: b"\xff\xfe\x00\x01" * 100, "the key is neither text nor DER"),
    "another type": (lambda f: 5, "a private key is text, bytes or a path, not int"),
    "nothing": (lambda f: None, "a private key is text, bytes or a path, not NoneType"),
    "a Path that is not there": (
        lambda f: Path("/nowhere/merchant.pem"),
        "the key file /nowhere/merchant.pem cannot be read: No such file or directory",
    ),
}


def pieces(secret: bytes) -> list[str]:
    """What no message may hold: every stretch of 16 letters of the Base64 text."""
    text = b64(secret)
    return [text[at : at + 16] for at in range(40, len(text) - 16, 16)]


def everything_said(error: BaseException) -> str:
    """Message, repr and traceback of the error and of all it came from, suppressed ones included."""
    said, seen = "", error
    while seen is not None:
        said += str(seen) + repr(seen) + repr(seen.args) + repr(vars(seen))
        said += "".join(traceback.format_exception(seen, chain=True))
        following = seen.__cause__ or seen.__context__
        if following is None:
            break
        seen = following
    return said


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_private_key_is_named_for_what_it_is(make: Make, message: str, forms: Forms) -> None:
    given = make(forms)
    with pytest.raises(InvalidKeyError, match="^" + re.escape(message) + "$") as caught:
        load_private_key(given)
    assert caught.value.outcome is Outcome.NOT_SENT
    said = everything_said(caught.value)
    assert not [piece for piece in pieces(forms.pkcs8) if piece in said]


def test_an_openssh_public_key_is_no_public_key_yet_and_the_way_is_said(forms: Forms) -> None:
    ssh = forms.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    with pytest.raises(InvalidKeyError, match="OpenSSH public key; convert it with ssh-keygen -e -m PKCS8 -f FILE"):
        load_public_key(ssh)


@pytest.mark.parametrize("form", ["pkcs8_pem", "pkcs1_pem", "pkcs8"])
def test_a_private_key_is_no_public_key(form: str, forms: Forms) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        load_public_key(getattr(forms, form))
    assert str(caught.value) == "this is a private key; a public key is needed here, and a private key must not travel"


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_is_no_public_key_although_it_holds_one(encoding: Encoding, forms: Forms) -> None:
    content = forms.certificate().public_bytes(encoding)
    for given in (content, b64(content)):
        with pytest.raises(InvalidKeyError, match=r"^this is a certificate, not a public key$"):
            load_public_key(given)


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyError, match="cannot be read: Is a directory"):
        load_private_key(tmp_path)


@pytest.mark.parametrize("form", ["pkcs8_pem", "pkcs8_base64"])
def test_a_key_handed_over_as_a_path_is_not_shown(form: str, forms: Forms) -> None:
    text = forms.pkcs8_pem if form == "pkcs8_pem" else b64(forms.pkcs8)
    with pytest.raises(InvalidKeyError, match="cannot be read") as caught:
        load_private_key(Path(text))
    assert not [piece for piece in pieces(forms.pkcs8) if piece in everything_said(caught.value)]


def test_keys_do_not_show_themselves(forms: Forms) -> None:
    key = load_private_key(forms.pkcs8_pem)
    assert repr(key) == "PrivateKey(bits=2048)"
    assert repr(key.public) == "PublicKey(bits=2048)"
    assert str(key) == repr(key)
