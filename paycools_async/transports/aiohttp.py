"""The network, through aiohttp. Whether anything was sent, `proof` tells."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from ..errors import ClientClosed, ConfigurationError, DeadlineExceeded, Outcome, TransportError
from ..urls import is_local_host, is_public_address
from .base import HttpRequest, HttpResponse, HttpStream
from .callers_session import CallersSession
from .causes import cause_of
from .proof import NOT_PUBLIC, PROOF, PROOF_TRACE, NotWritten, Proof, ProvenRequest, socket_for
from .routes import Routes, checked_proxy, system_authorities, trusted
from .sessions import Pool, Pools

__all__ = ["AiohttpTransport"]


_NO_LIMIT = aiohttp.ClientTimeout(total=None)


class AiohttpTransport:
    """Owns its connections, or works over those of a session of the caller's (`session=`), which stays open.

    `max_connections` sizes the pool; each event loop that uses the transport has one of its own, which is closed with
    that loop. Answers over `max_answer` bytes are not believed.

    `proxy`: an HTTP proxy, http://user:password@host:port. `trust_env`: that of HTTPS_PROXY, but for the hosts of
    NO_PROXY; .netrc is not read. `ca_file`: certificate authorities in PEM that are believed besides the system's;
    `ssl_context` replaces all of that. Raises ConfigurationError for what cannot be used.

    Of the caller's session its connections, proxy, environment, traces and those headers are used that say nothing
    of the body or of who asks. Its middlewares, cookies, credentials, base URL and time-outs are not: what they do to a
    payout could not be seen here. It serves the event loop in which it was made, and no other.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        max_connections: int = 100,
        ssl_context: ssl.SSLContext | None = None,
        max_answer: int = 1 << 20,
        proxy: str | None = None,
        trust_env: bool = False,
        ca_file: str | Path | None = None,
    ) -> None:
        if ssl_context is not None and ca_file is not None:
            raise ConfigurationError("ca_file goes into an ssl_context of yours: load_verify_locations(ca_file)")
        self._callers = None if session is None else CallersSession(session)
        self._routes = self._callers.routes if self._callers else Routes()
        if proxy is not None or trust_env:
            self._routes = Routes(None if proxy is None else checked_proxy(proxy), trust_env)
        self._proxy_headers = self._callers.proxy_headers if self._callers else None
        self._max_connections = max_connections
        self._ssl: ssl.SSLContext | bool = ssl_context or True
        if ca_file is not None:
            self._ssl = trusted(ca_file)
        elif ssl_context is None and self._callers is not None and not self._callers.checks_certificates:
            self._ssl = system_authorities()
        self._max_answer = max_answer
        self._pools = Pools()
        self._pool: Pool | None = None
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        try:
            return await self._send(request)
        except asyncio.CancelledError as error:
            # what shows a traceback's locals would show aiohttp's: the body, and the proxy's password
            raise error.with_traceback(None)  # noqa: B904 - it is the same error

    async def _send(self, request: HttpRequest) -> HttpResponse:
        async with self._proven(request, _deadline_of(request)) as proof:
            pool = self._pool_if_here() or await self._pool_of_loop()
            async with self._request(pool.session, request, proof) as response:
                proof.answered()
                answer = HttpResponse(response.status, dict(response.headers), await self._read(response))
            if request.fresh:
                proof.drop()
            return answer

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest, /) -> AsyncIterator[HttpStream]:
        """The answer, its body in pieces as it travels. The caller's session gives its connections and its proxy only.

        Its cookies, headers and credentials are for PayCools, and a file may lie elsewhere.
        """
        if request.public_only and is_local_host(_host_of(request.url) or ""):  # a proxy would be asked otherwise
            request.departure.may_have_left = False
            raise TransportError(f"{NOT_PUBLIC}; nothing was sent", outcome=Outcome.NOT_SENT)
        until = _deadline_of(request)
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with self._proven(request, until) as proof:
                    pool = self._pool_if_here() or await self._pool_of_loop()
                    if not pool.owned and request.public_only and self._routes.proxy_for(URL(request.url)) is None:
                        await _look_up(request.url, proof, pool.session)
                    response = await stack.enter_async_context(self._request(_for_files(pool), request, proof))
                    proof.answered()
            except asyncio.CancelledError as error:
                raise error.with_traceback(None)  # noqa: B904 - as in `send`
            stack.callback(response.close)  # what is left of it is not waited for
            chunks = self._chunks(response, request, proof, until)
            stack.push_async_callback(chunks.aclose)
            yield HttpStream(response.status, dict(response.headers), chunks=chunks)

    async def _chunks(
        self, response: aiohttp.ClientResponse, request: HttpRequest, proof: Proof, until: float | None
    ) -> AsyncGenerator[bytes, None]:
        while True:
            async with self._proven(request, until, proof):
                chunk = await response.content.readany()
            if not chunk:
                return
            yield chunk

    @contextlib.asynccontextmanager
    async def _proven(
        self, request: HttpRequest, until: float | None, known: Proof | None = None
    ) -> AsyncIterator[Proof]:
        """Whatever goes wrong inside is a TransportError, and the proof alone decides its outcome."""
        if known is None:
            request.departure.may_have_left = False
            if self._closed:
                raise ClientClosed("the client is closed; nothing was sent")
            if request.timeout is not None and request.timeout <= 0:  # aiohttp would take it for "no limit"
                raise DeadlineExceeded("no time left; nothing was sent", outcome=Outcome.NOT_SENT)
        proof = known or Proof(request)
        token = PROOF.set(proof)
        whole = False
        try:
            # one timer for everything; aiohttp's own cost more and round long times up to whole seconds
            async with asyncio.timeout_at(until):
                yield proof
            whole = True
        except TimeoutError as error:
            raise DeadlineExceeded(
                _worded("no answer in time", proof), outcome=_outcome(proof), cause=cause_of(error)
            ) from None
        except TransportError:
            raise
        except Exception as error:  # noqa: BLE001
            # whatever the library raises, the proof alone decides; its text could hold the query string
            cause = cause_of(error) if proof.reason is None else None
            what = proof.reason or _of_proxy(error) or f"{cause} from {_host_of(request.url)}"
            kind = DeadlineExceeded if proof.late else TransportError
            raise kind(_worded(what, proof), outcome=_outcome(proof), cause=cause) from None
        finally:
            with contextlib.suppress(ValueError):  # its loop is gone, and the task is collected in another context
                PROOF.reset(token)
            if not whole:
                proof.drop()
            proof.connection = proof.wire = None

    def _request(self, session: aiohttp.ClientSession, request: HttpRequest, proof: Proof) -> Any:
        url = URL(request.url, encoded=True)
        more: dict[str, Any] = {}
        if not self._routes.are_direct and (proxy := self._routes.proxy_for(url)) is not None:
            more = {"proxy": proxy, "proxy_headers": self._proxy_headers}
        return session.request(
            request.method,
            url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            raise_for_status=False,
            ssl=self._ssl if url.scheme == "https" else True,  # plain connections are the same for all
            timeout=_NO_LIMIT,
            trace_request_ctx=proof,
            **more,
        )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._max_answer:
                response.close()
                raise TransportError(f"the answer is longer than {self._max_answer} bytes")
        return bytes(body)

    def _pool_if_here(self) -> Pool | None:
        """The pool that was used last, if it is this loop's and this process's."""
        pool = self._pool
        if pool is None or pool.closed or pool.loop is not asyncio.get_running_loop() or pool.process != os.getpid():
            return None
        return pool

    async def _pool_of_loop(self) -> Pool:
        self._pool = await self._pools.of(asyncio.get_running_loop(), self._open_here)
        return self._pool

    def _open_here(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._callers is not None:
            pool = Pool(loop, self._callers.over(ProvenRequest, PROOF_TRACE), owned=False)
            # over connections of somebody else a transport need not be closed; without this aiohttp would warn
            weakref.finalize(pool, pool.session.detach).atexit = False
            return pool
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections, ttl_dns_cache=60, socket_factory=socket_for),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[PROOF_TRACE],
            auto_decompress=True,
            request_class=ProvenRequest,
        )
        return Pool(loop, session, owned=True)

    async def aclose(self) -> None:
        self._closed = True
        self._pool = None
        await self._pools.aclose()


async def _look_up(url: str, proof: Proof, callers: aiohttp.ClientSession) -> None:
    """Over connections of the caller's: what the name stands for, before one is made."""
    resolve = getattr(callers.connector, "_resolve_host", None)
    if resolve is None:
        return
    parts = URL(url, encoded=True)
    if not all(is_public_address(str(found["host"])) for found in await resolve(parts.host, parts.port)):
        proof.reason = NOT_PUBLIC
        raise NotWritten(NOT_PUBLIC)


def _for_files(pool: Pool) -> aiohttp.ClientSession:
    """A session for files over the same connections: nothing that is meant for PayCools is told to others."""
    if pool.files is None:
        pool.files = aiohttp.ClientSession(
            connector=pool.session.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=pool.session.trace_configs,
            auto_decompress=False,  # a length that is announced is the length on the wire
            request_class=ProvenRequest,
        )
        weakref.finalize(pool, pool.files.detach).atexit = False
    return pool.files


def _deadline_of(request: HttpRequest) -> float | None:
    return None if request.timeout is None else asyncio.get_running_loop().time() + request.timeout


def _of_proxy(error: Exception) -> str | None:
    """What a proxy answered instead of a tunnel."""
    if not isinstance(error, aiohttp.ClientHttpProxyError):
        return None
    hint = ": it wants a user and a password, http://user:password@host:port" if error.status == 407 else ""
    return f"the proxy refused with HTTP {error.status}{hint}"


def _host_of(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return "a malformed address"


def _outcome(proof: Proof) -> Outcome:
    return Outcome.UNKNOWN if proof.started else Outcome.NOT_SENT


def _worded(what: str, proof: Proof) -> str:
    return f"{what}; the request had been sent" if proof.started else f"{what}; nothing was sent"
