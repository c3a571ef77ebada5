"""Through a proxy that knows CONNECT, over TLS with a private authority: what is proven, and what goes where."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from support.authority import Authority
from support.connect_proxy import ConnectProxy
from support.engine_stage import ORDER, SUCCESS
from support.fault_server import Connection, FaultServer, answer
from support.frames import shown
from support.transport_stage import BODY, get, post, raised, script_of

from paycools_async import AiohttpTransport, ConfigurationError, Outcome, PayCoolsPH, PHCredentials
from paycools_async.errors import DeadlineExceeded, OutcomeUnknown, TransportError
from paycools_async.signing import PrivateKey

PAYCOOLS = "https://paycools.test"
"""No name server knows it: only the proxy leads there."""


@pytest.fixture
async def paycools(authority: Authority) -> AsyncIterator[FaultServer]:
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=authority.serving("paycools.test")) as server:
        yield server


async def test_a_request_goes_through_the_tunnel_and_the_connection_is_kept(
    paycools: FaultServer, authority: Authority
) -> None:
    async with ConnectProxy(paycools.url) as proxy:
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        for _ in range(3):
            assert (await transport.send(post(PAYCOOLS))).body == BODY
        assert (await transport.send(attrs.evolve(post(PAYCOOLS), fresh=True))).body == BODY
        await transport.aclose()
    assert [head.split(b"\r\n")[0] for head in proxy.asked] == [b"CONNECT paycools.test:443 HTTP/1.1"] * 2
    assert [sent.split(b"\r\n")[0] for sent in paycools.requests] == [b"POST /api/v1/payout HTTP/1.1"] * 4


async def test_the_proxys_user_and_password_are_told_to_the_proxy_alone(
    paycools: FaultServer, authority: Authority
) -> None:
    async with ConnectProxy(paycools.url, login="me:p@ss word") as proxy:
        transport = AiohttpTransport(proxy=proxy.with_login("me:p%40ss%20word"), ca_file=authority.file)
        assert (await transport.send(post(PAYCOOLS))).body == BODY
        await transport.aclose()
    assert b"Authorization" not in paycools.requests[0]
    assert "ss" not in repr(transport._routes)


async def test_a_proxy_that_speaks_tls_itself(paycools: FaultServer, authority: Authority) -> None:
    async with ConnectProxy(paycools.url, tls=authority.serving("127.0.0.1")) as proxy:
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        assert (await transport.send(post(PAYCOOLS))).body == BODY
        await transport.aclose()


@pytest.mark.parametrize(
    ("manners", "told"),
    [
        ("refuse", "the proxy refused with HTTP 403; nothing was sent"),
        ("die", "; nothing was sent"),
        ("half", "; nothing was sent"),
        ("cut", "; nothing was sent"),
    ],
)
async def test_what_a_proxy_does_before_the_tunnel_stands_proves_that_nothing_was_sent(
    paycools: FaultServer, authority: Authority, manners: str, told: str
) -> None:
    async with ConnectProxy(paycools.url, manners=manners) as proxy:
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        request = attrs.evolve(post(PAYCOOLS), once=True)
        error = await raised(transport.send(request))
        assert (error.outcome, request.departure.may_have_left, request.departure.times) == (Outcome.NOT_SENT, False, 0)
        assert str(error).endswith(told)
        await transport.aclose()
    assert len(proxy.asked) == 1
    assert (paycools.accepted, paycools.requests) == (0, [])


async def test_a_proxy_that_wants_a_login_is_sent_nothing_and_the_error_says_how_to_give_one(
    paycools: FaultServer, authority: Authority
) -> None:
    async with ConnectProxy(paycools.url, login="me:secret") as proxy:
        for address in (proxy.address, proxy.with_login("me:wrong")):
            transport = AiohttpTransport(proxy=address, ca_file=authority.file)
            error = await raised(transport.send(post(PAYCOOLS)))
            assert (error.outcome, paycools.requests) == (Outcome.NOT_SENT, [])
            assert str(error) == (
                "the proxy refused with HTTP 407: it wants a user and a password, http://user:password@host:port; "
                "nothing was sent"
            )
            await transport.aclose()


async def test_a_proxy_that_keeps_silent_is_not_sent(paycools: FaultServer, authority: Authority) -> None:
    async with ConnectProxy(paycools.url, manners="silent") as proxy:
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        error = await raised(transport.send(post(PAYCOOLS, timeout=0.1)))
        assert isinstance(error, DeadlineExceeded)
        assert (error.outcome, paycools.accepted) == (Outcome.NOT_SENT, 0)
        await transport.aclose()


async def test_a_proxy_that_is_not_there_is_not_sent() -> None:
    transport = AiohttpTransport(proxy="http://127.0.0.1:1")
    error = await raised(transport.send(post(PAYCOOLS)))
    told = "ClientProxyConnectionError (proxy) from paycools.test; nothing was sent"
    assert (error.outcome, str(error)) == (Outcome.NOT_SENT, told)
    await transport.aclose()


async def test_a_tunnel_that_leads_to_somebody_else_is_sent_nothing(authority: Authority) -> None:
    """The proxy can send us anywhere; the certificate is PayCools'."""
    async with (
        FaultServer(script_of(answer("200 OK", BODY)), tls=authority.serving("elsewhere.test")) as other,
        ConnectProxy(other.url) as proxy,
    ):
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        error = await raised(transport.send(post(PAYCOOLS)))
        assert (error.outcome, other.requests) == (Outcome.NOT_SENT, [])
        await transport.aclose()


async def test_what_is_lost_behind_the_tunnel_is_unknown(authority: Authority) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with (
        FaultServer(script, tls=authority.serving("paycools.test")) as server,
        ConnectProxy(server.url) as proxy,
    ):
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        assert (await raised(transport.send(post(PAYCOOLS)))).outcome is Outcome.UNKNOWN
        assert len(server.requests) == 1
        await transport.aclose()


async def test_a_payout_by_way_of_a_proxy(key: PrivateKey, authority: Authority) -> None:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    async with (
        FaultServer(script_of(answer("200 OK", SUCCESS.body)), tls=authority.serving("paycools.test")) as server,
        ConnectProxy(server.url, login="me:secret") as proxy,
    ):
        for login, paid in (("me:wrong", 0), ("me:secret", 1)):
            transport = AiohttpTransport(proxy=proxy.with_login(login), ca_file=authority.file)
            async with PayCoolsPH(merchant, base_url=PAYCOOLS, transport=transport, timeout=2.0) as client:
                if paid:
                    assert (await client.send(ORDER)).transaction_id == "C1"
                else:
                    with pytest.raises(TransportError) as caught:
                        await client.send(ORDER)
                    assert not isinstance(caught.value, OutcomeUnknown)
                    assert "wrong" not in str(caught.value)
                assert (len(server.requests), client.in_doubt) == (paid, ())


# --- which way --------------------------------------------------------------------------------------------------------


async def test_this_machine_is_never_reached_through_a_proxy() -> None:
    """Plain HTTP is allowed here because it leaves no machine."""
    async with (
        FaultServer(script_of(answer("200 OK", BODY))) as server,
        ConnectProxy(server.url) as proxy,
        aiohttp.ClientSession(proxy=proxy.address) as session,
    ):
        for transport in (AiohttpTransport(proxy=proxy.address), AiohttpTransport(session=session)):
            assert (await transport.send(post(server.url))).body == BODY
            assert (await transport.send(post(server.url.replace("127.0.0.1", "localhost")))).body == BODY
            await transport.aclose()
        assert (proxy.asked, len(server.requests)) == ([], 4)


async def test_the_environments_proxy_is_asked_where_it_is_trusted(
    paycools: FaultServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ConnectProxy(paycools.url) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        transport = AiohttpTransport(trust_env=True, ca_file=authority.file)
        assert (await transport.send(post(PAYCOOLS))).body == BODY
        await transport.aclose()
        assert len(proxy.asked) == 1
        for untrusting, bypass in ((True, ""), (False, "paycools.test")):
            monkeypatch.setenv("NO_PROXY", bypass)
            transport = AiohttpTransport(trust_env=not untrusting, ca_file=authority.file)
            error = await raised(transport.send(post(PAYCOOLS)))
            assert (error.outcome, len(proxy.asked)) == (Outcome.NOT_SENT, 1)
            await transport.aclose()


async def test_a_lent_sessions_proxy_and_login_are_used(paycools: FaultServer, authority: Authority) -> None:
    """Its header for the proxy is told to the proxy and not to PayCools."""
    async with ConnectProxy(paycools.url, login="me:secret") as proxy:
        login = {"Proxy-Authorization": "Basic bWU6c2VjcmV0"}
        for options in ({"proxy": proxy.with_login("me:secret")}, {"proxy": proxy.address, "headers": login}):
            session_options: dict[str, Any] = options
            async with aiohttp.ClientSession(**session_options) as session:
                transport = AiohttpTransport(session=session, ca_file=authority.file)
                assert (await transport.send(post(PAYCOOLS))).body == BODY
                await transport.aclose()
        assert len(proxy.asked) == 2
    assert all(b"Authorization" not in sent for sent in paycools.requests)


async def test_a_file_is_fetched_through_the_proxy_too(paycools: FaultServer, authority: Authority) -> None:
    async with ConnectProxy(paycools.url) as proxy:
        transport = AiohttpTransport(proxy=proxy.address, ca_file=authority.file)
        async with transport.stream(attrs.evolve(get(PAYCOOLS), public_only=True)) as answered:
            assert b"".join([chunk async for chunk in answered.chunks]) == BODY
        await transport.aclose()
        assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "ftp://proxy",
        "http://proxy:x",
        "http://proxy/path",
        "http://p?q",
    ],
)
def test_a_proxy_that_cannot_be_one_is_refused_at_once_and_never_shown(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy: ") as caught:
        AiohttpTransport(proxy=proxy.replace("//", "//me:secret@") if "//" in proxy else proxy)
    assert "secret" not in str(caught.value)


def test_an_environment_that_names_no_proxy_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1080")
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY: proxy: SOCKS is not spoken here"):
        AiohttpTransport(trust_env=True)
    AiohttpTransport()


# --- who is believed --------------------------------------------------------------------------------------------------


def test_a_certificate_file_that_holds_none_is_refused_at_once(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"ca_file: .*empty\.pem holds no certificates in PEM"):
        AiohttpTransport(ca_file=empty)
    with pytest.raises(ConfigurationError, match=r"ca_file: .*none\.pem cannot be read: No such file"):
        AiohttpTransport(ca_file=tmp_path / "none.pem")
    with pytest.raises(ConfigurationError, match="ca_file goes into an ssl_context of yours"):
        AiohttpTransport(ca_file=empty, ssl_context=ssl.create_default_context())


async def test_an_authority_that_is_not_named_is_not_believed(authority: Authority) -> None:
    async with FaultServer(script_of(answer("200 OK", BODY)), tls=authority.serving("127.0.0.1")) as server:
        for known in (False, True):
            transport = AiohttpTransport(ca_file=authority.file if known else None)
            if known:
                assert (await transport.send(post(server.url))).body == BODY
            else:
                assert (await raised(transport.send(post(server.url)))).outcome is Outcome.NOT_SENT
            await transport.aclose()


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_call_that_is_cancelled_shows_nothing_of_aiohttps_frames(
    authority: Authority, key: PrivateKey, proxied: bool
) -> None:
    """They hold the body and the proxy's password, and error trackers keep the variables of every frame."""
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)

    async def silent(connection: Connection) -> None:
        await connection.until_client_leaves()

    async with FaultServer(silent, tls=authority.serving("127.0.0.1")) as server, ConnectProxy(server.url) as proxy:
        url = PAYCOOLS if proxied else server.url
        login = proxy.with_login("me:s3cr3t") if proxied else None
        transport = AiohttpTransport(ca_file=authority.file, proxy=login)
        del login
        async with PayCoolsPH(merchant, base_url=url, transport=transport) as client:
            with pytest.raises(TimeoutError) as caught:
                await asyncio.wait_for(client.send(ORDER), 0.3)
    text = shown(caught.value, everybody=True)
    assert "aiohttp/client" not in text
    assert [secret for secret in ("09171234567", "Juan Dela Cruz", "s3cr3t") if secret in text] == []
