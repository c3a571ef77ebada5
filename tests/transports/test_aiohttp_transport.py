"""What the aiohttp transport hands to aiohttp, and what it makes of aiohttp's own errors. No socket is opened here."""

from __future__ import annotations

import asyncio
import errno
import inspect
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from paycools_async import AiohttpTransport, HttpRequest, Outcome, TransportError
from paycools_async.errors import DeadlineExceeded, NetworkCause, NetworkReason

URL_POST = "https://api-uat.paycools.com/api/v1/payout"
URL_GET = "https://api-uat.paycools.com/api/v1/payout/check?accountNo=0012345678&sign=c2lnbmF0dXJl"
REQUEST = HttpRequest("POST", URL_POST, {"Content-Type": "application/json", "User-Agent": "mine/1"}, b'{"a":1}', 7.5)
READ = HttpRequest("GET", URL_GET, {}, None, 1.0)


class Response(aiohttp.ClientResponse):
    """aioresponses does not know the argument that aiohttp 3.14 requires; this fills it in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse).parameters:
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    with aioresponses() as mock:
        yield mock


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport()
    yield transport
    await transport.aclose()


def given_to_aiohttp(mocked: aioresponses) -> dict[str, Any]:
    [[call]] = mocked.requests.values()
    return dict(call.kwargs)


async def test_the_request_is_handed_over_unchanged(transport: AiohttpTransport, mocked: aioresponses) -> None:
    mocked.post(URL_POST, body=b"{}", response_class=Response)
    await transport.send(REQUEST)
    [(method, url)] = mocked.requests
    given = given_to_aiohttp(mocked)
    assert (method, url) == ("POST", URL(URL_POST))
    assert given["data"] == b'{"a":1}'
    assert dict(given["headers"]) == {"Content-Type": "application/json", "User-Agent": "mine/1"}


async def test_redirects_are_off_and_certificates_are_checked(
    transport: AiohttpTransport, mocked: aioresponses
) -> None:
    mocked.post(URL_POST, body=b"{}", response_class=Response)
    await transport.send(REQUEST)
    given = given_to_aiohttp(mocked)
    assert given["allow_redirects"] is False
    assert given["ssl"] is True


async def test_an_ssl_context_replaces_the_default(mocked: aioresponses) -> None:
    context = ssl.create_default_context()
    transport = AiohttpTransport(ssl_context=context)
    mocked.post(URL_POST, body=b"{}", response_class=Response)
    await transport.send(REQUEST)
    assert given_to_aiohttp(mocked)["ssl"] is context
    await transport.aclose()


@pytest.mark.parametrize("timeout", [0.05, None])
async def test_the_timeout_covers_the_whole_exchange_and_none_waits_for_ever(
    transport: AiohttpTransport, mocked: aioresponses, timeout: float | None
) -> None:
    async def late(url: URL, **_: Any) -> CallbackResult:
        await asyncio.sleep(0.3)
        return CallbackResult(body=b"{}", response_class=Response)

    mocked.post(URL_POST, callback=late)
    sending = transport.send(HttpRequest("POST", URL_POST, {}, b"", timeout))
    if timeout is None:
        assert (await sending).status == 200
    else:
        with pytest.raises(DeadlineExceeded):
            await sending
    assert given_to_aiohttp(mocked)["timeout"] == aiohttp.ClientTimeout(total=None), "a second clock beside ours"


async def test_a_redirect_is_returned(transport: AiohttpTransport, mocked: aioresponses) -> None:
    mocked.post(URL_POST, status=307, headers={"Location": "/b"}, body=b"moved", response_class=Response)
    answer = await transport.send(REQUEST)
    assert (answer.status, answer.headers["Location"], answer.body) == (307, "/b", b"moved")
    assert len(mocked.requests) == 1


KEY = ConnectionKey("api-uat.paycools.com", 443, True, True, None, None, None)
INFO: Any = SimpleNamespace(real_url=URL(URL_GET), url=URL(URL_GET), method="GET", headers={})
ERRORS: list[tuple[Exception, str | None]] = [
    (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "Connection refused")), "refused"),
    (aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "No route to host")), "unreachable"),
    (aiohttp.ClientConnectorError(KEY, socket.gaierror(-2, "Name or service not known")), "dns"),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known")), "dns"),
    (aiohttp.ClientConnectorSSLError(KEY, OSError("handshake")), "tls"),
    (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("untrusted")), "certificate"),
    (aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, "Connection refused")), "proxy"),
    (aiohttp.ServerDisconnectedError(), "closed"),
    (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), "reset"),
    (aiohttp.ClientPayloadError("half a body"), "closed"),
    (aiohttp.ClientResponseError(INFO, (), status=400, message="bad answer"), "not_http"),
    (aiohttp.InvalidURL(URL_GET), None),
    (aiohttp.TooManyRedirects(INFO, ()), "not_http"),
    (OSError(errno.EMFILE, "Too many open files"), "no_files"),
    (RuntimeError("Session is closed"), None),
    (UnicodeError("label empty or too long"), None),
    (ssl.SSLError("broken"), "tls"),
]


@pytest.mark.parametrize("sent", [False, True], ids=["not sent", "sent"])
@pytest.mark.parametrize(
    ("error", "reason"), ERRORS, ids=lambda each: each if isinstance(each, str) else type(each).__name__
)
async def test_whatever_aiohttp_raises_the_proof_alone_decides(
    transport: AiohttpTransport, mocked: aioresponses, error: Exception, reason: NetworkReason | None, sent: bool
) -> None:
    """Sent is what the trace reported; neither the error's class nor its text is trusted for that."""

    def react(url: URL, *, trace_request_ctx: Any, **_: Any) -> CallbackResult:
        trace_request_ctx.started = sent
        raise error

    mocked.get(URL_GET, callback=react)
    with pytest.raises(TransportError) as caught:
        await transport.send(READ)
    assert type(caught.value) is TransportError
    assert caught.value.outcome is (Outcome.UNKNOWN if sent else Outcome.NOT_SENT)
    end = "the request had been sent" if sent else "nothing was sent"
    assert caught.value.cause == NetworkCause(type(error).__name__, reason)
    assert str(caught.value) == f"{caught.value.cause} from api-uat.paycools.com; {end}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "the library's text may hold the query, and with it account data"


@pytest.mark.parametrize("sent", [False, True], ids=["not sent", "sent"])
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        aiohttp.ConnectionTimeoutError(f"Connection timeout to host {URL_GET}"),
        aiohttp.SocketTimeoutError("Timeout on reading data from socket"),
        aiohttp.ServerTimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_every_timeout_is_a_deadline_exceeded(
    transport: AiohttpTransport, mocked: aioresponses, error: Exception, sent: bool
) -> None:
    def react(url: URL, *, trace_request_ctx: Any, **_: Any) -> CallbackResult:
        trace_request_ctx.started = sent
        raise error

    mocked.get(URL_GET, callback=react)
    with pytest.raises(DeadlineExceeded, match="no answer in time") as caught:
        await transport.send(READ)
    assert caught.value.cause == NetworkCause(type(error).__name__, "timeout")
    assert caught.value.outcome is (Outcome.UNKNOWN if sent else Outcome.NOT_SENT)
    assert caught.value.__suppress_context__, "a connection timeout names the whole URL"


async def test_cancellation_is_no_error_of_the_transport(transport: AiohttpTransport, mocked: aioresponses) -> None:
    mocked.get(URL_GET, exception=asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await transport.send(READ)


async def test_an_own_session_keeps_no_cookies_and_asks_no_environment(
    transport: AiohttpTransport, mocked: aioresponses
) -> None:
    mocked.post(URL_POST, body=b"{}", headers={"Set-Cookie": "a=b"}, response_class=Response)
    await transport.send(REQUEST)
    assert transport._pool is not None
    session = transport._pool.session
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
    assert session.trust_env is False, "no proxy and no .netrc of the environment"


async def test_the_pool_has_the_size_asked_for(mocked: aioresponses) -> None:
    transport = AiohttpTransport(max_connections=7)
    mocked.post(URL_POST, body=b"{}", response_class=Response)
    await transport.send(REQUEST)
    assert transport._pool is not None
    assert transport._pool.session.connector is not None
    assert transport._pool.session.connector.limit == 7
    await transport.aclose()


def test_it_is_made_outside_a_loop_and_opens_nothing() -> None:
    transport = AiohttpTransport()
    assert transport._pool is None
    asyncio.run(transport.aclose())


async def test_a_lent_session_is_left_as_it_is(mocked: aioresponses) -> None:
    own = aiohttp.TraceConfig()
    async with aiohttp.ClientSession(trace_configs=[own]) as session:
        transport = AiohttpTransport(session=session)
        assert session.trace_configs[0] is own
        assert len(session.trace_configs) == 1
        await transport.aclose()
        assert not session.closed


def test_requests_and_answers_do_not_show_what_they_carry() -> None:
    assert (
        repr(READ) == "HttpRequest(method='GET', url='https://api-uat.paycools.com/api/v1/payout/check', timeout=1.0)"
    )
    assert repr(REQUEST) == f"HttpRequest(method='POST', url='{URL_POST}', timeout=7.5)"
