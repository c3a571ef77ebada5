from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from paycools_async.signing import PrivateKey, load_private_key


@pytest.fixture(scope="session")
def platform_key(other_key_pem: str) -> Any:
    """PayCools' own key, the public half."""
    return load_private_key(other_key_pem).public


@pytest.fixture(scope="session")
def forger_key(other_key_pem: str) -> PrivateKey:
    """A key that PayCools does not have."""
    return load_private_key(other_key_pem)


@pytest.fixture(scope="session")
def serving(key_pem: str, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for 127.0.0.1 that nobody vouches for."""
    key: Any = load_pem_private_key(key_pem.encode(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
    ).add_extension(own, critical=False)
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM) + key_pem.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
