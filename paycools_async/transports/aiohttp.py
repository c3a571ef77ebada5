"""The network, through aiohttp.

Whether anything was sent is proven by one fact: aiohttp reports `on_request_headers_sent` just before it hands the
first byte to the socket. No report, nothing sent; whatever went wrong.
"""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import attrs
from yarl import URL

from ..errors import DeadlineExceeded, Outcome, TransportError
from .base import HttpRequest, HttpResponse

__all__ = ["AiohttpTransport"]


_NO_LIMIT = aiohttp.ClientTimeout(total=None)


@attrs.define
class _Proof:
    """Travels with one request through aiohttp's trace."""

    started: bool = False


class AiohttpTransport:
    """Owns a session, or uses a lent one (`session=`), which stays open after `aclose`.

    `max_connections` sizes the pool of an own session; `ssl_context` replaces the default, which verifies
    certificates. Answers over `max_answer` bytes are not believed. A lent session gets a trace that marks the
    sending of this transport's requests and leaves all others alone.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        max_connections: int = 100,
        ssl_context: ssl.SSLContext | None = None,
        max_answer: int = 1 << 20,
    ) -> None:
        self._session = session
        self._owns_session = session is None
        self._max_connections = max_connections
        self._ssl: ssl.SSLContext | bool = ssl_context or True
        self._max_answer = max_answer
        self._closed = False
        if session is not None:
            session.trace_configs.append(_proof_trace())

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        if self._closed:
            raise TransportError("the client is closed; nothing was sent", outcome=Outcome.NOT_SENT)
        if request.timeout is not None and request.timeout <= 0:  # aiohttp would take it for "no limit"
            raise DeadlineExceeded("no time left; nothing was sent", outcome=Outcome.NOT_SENT)
        proof = _Proof()
        try:
            # one timer for everything; aiohttp's own cost more and round long times up to whole seconds
            async with asyncio.timeout(request.timeout):
                return await self._exchange(request, proof)
        except TimeoutError:
            raise DeadlineExceeded(_told("no answer in time", proof), outcome=_outcome(proof)) from None
        except TransportError:
            raise
        except Exception as error:  # noqa: BLE001
            # whatever the library raises, the proof alone decides; its text could hold the query string
            what = f"{type(error).__name__} from {URL(request.url).host}"
            raise TransportError(_told(what, proof), outcome=_outcome(proof)) from None

    async def _exchange(self, request: HttpRequest, proof: _Proof) -> HttpResponse:
        if self._session is None:
            self._session = self._open()
        async with self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            raise_for_status=False,  # whatever a lent session says
            ssl=self._ssl,
            timeout=_NO_LIMIT,
            trace_request_ctx=proof,
        ) as response:
            return HttpResponse(response.status, dict(response.headers), await self._read(response))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._max_answer:
                response.close()
                raise TransportError(f"the answer is longer than {self._max_answer} bytes")
        return bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_proof_trace()],
            auto_decompress=True,
        )

    async def aclose(self) -> None:
        self._closed = True
        if self._session is not None and self._owns_session:
            await self._session.close()


def _proof_trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_mark)
    trace.freeze()
    return trace


async def _mark(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    proof = getattr(context, "trace_request_ctx", None)
    if isinstance(proof, _Proof):
        proof.started = True


def _outcome(proof: _Proof) -> Outcome:
    return Outcome.UNKNOWN if proof.started else Outcome.NOT_SENT


def _told(what: str, proof: _Proof) -> str:
    return f"{what}; the request had been sent" if proof.started else f"{what}; nothing was sent"
