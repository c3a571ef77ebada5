"""The network transport over TLS: a certificate that nobody vouches for, and one that the caller knows."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs
import pytest
from support.certificates import certificate_for
from support.fault_server import FaultServer, answer
from support.transport_stage import BODY, get, post, raised, script_of

from paycools_async import AiohttpTransport, Outcome


@pytest.fixture
def certificate(key_pem: str, tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    return certificate_for(key_pem, tmp_path)


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

    monkeypatch.setattr("paycools_async.transports.proof.is_public_address", judge)
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=serving(certificate)) as server:
        transport = AiohttpTransport(ssl_context=ssl.create_default_context(cafile=str(certificate)))
        error = await raised(transport.send(attrs.evolve(get(server.url), public_only=True)))
        await transport.aclose()
    assert (error.outcome, server.requests, judged) == (Outcome.NOT_SENT, [], ["127.0.0.1"])
