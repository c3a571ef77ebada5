"""The network transport over TLS: a certificate that nobody vouches for, and one that the caller knows."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from support.fault_server import FaultServer, answer
from support.transport_stage import BODY, get, post, raised, script_of

from paycools_async import AiohttpTransport, Outcome


@pytest.fixture
def certificate(key_pem: str, tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key: Any = load_pem_private_key(key_pem.encode(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
    ).add_extension(own, critical=False)
    file = tmp_path / "server.pem"
    file.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM) + key_pem.encode())
    return file


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_server_with_an_untrusted_certificate_is_sent_nothing(
    network: AiohttpTransport, certificate: Path
) -> None:
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        error = await raised(network.send(get(server.url)))
        assert error.outcome is Outcome.NOT_SENT
        assert "Certificate" in str(error)
        assert server.requests == []


async def test_an_ssl_context_that_knows_the_certificate_is_used(certificate: Path) -> None:
    transport = AiohttpTransport(ssl_context=ssl.create_default_context(cafile=str(certificate)))
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        assert (await transport.send(post(server.url))).body == BODY
        await transport.aclose()


async def test_over_tls_too_the_connections_own_address_is_judged(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def judge(address: str) -> bool:
        judged.append(address)
        return False

    monkeypatch.setattr("paycools_async.transports.aiohttp.is_public_address", judge)
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        transport = AiohttpTransport(ssl_context=ssl.create_default_context(cafile=str(certificate)))
        error = await raised(transport.send(attrs.evolve(get(server.url), public_only=True)))
        await transport.aclose()
    assert (error.outcome, server.requests, judged) == (Outcome.NOT_SENT, [], ["127.0.0.1"])
