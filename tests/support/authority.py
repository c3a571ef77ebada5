"""A certificate authority of the tests' own, which nobody else knows."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

__all__ = ["Authority", "authority"]


class Authority:
    """`file`: its certificate in PEM. `serving(host)`: the TLS settings of a server that it vouches for."""

    def __init__(self, folder: Path, key_pem: str) -> None:
        self._folder = folder
        self._key_pem = key_pem
        self._key: Any = load_pem_private_key(key_pem.encode(), None)
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A private authority")])
        self.file = folder / "authority.pem"
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        own = self._begun(self._name).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        own = own.add_extension(usage, critical=True)
        self.file.write_bytes(self._signed(own))

    def serving(self, host: str) -> ssl.SSLContext:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        known: x509.GeneralName
        try:
            known = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            known = x509.DNSName(host)
        begun = self._begun(name).add_extension(x509.SubjectAlternativeName([known]), critical=False)
        key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        file = self._folder / f"{host}.pem"
        file.write_bytes(self._signed(begun.add_extension(key_id, critical=False)) + self._key_pem.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _begun(self, subject: x509.Name) -> x509.CertificateBuilder:
        now, public = datetime.now(UTC), self._key.public_key()
        builder = x509.CertificateBuilder(
            self._name, subject, public, x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
        )
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture(scope="session")
def authority(key_pem: str, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), key_pem)
