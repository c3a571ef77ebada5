"""The proof of whether a byte of a request has left, as aiohttp's trace tells it.

aiohttp reports `on_request_headers_sent` just before it hands the first byte to the socket. No report, nothing sent;
whatever went wrong. A request with a body is looked at once more in `on_request_chunk_sent`: aiohttp keeps the headers
back until the body comes and writes both at once, so even there nothing has left yet.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_writer import StreamWriter

from ..urls import is_public_address
from .arrived import has_arrived, is_tls, read_what_arrived
from .base import HttpRequest

__all__ = ["NOT_PUBLIC", "PROOF", "PROOF_TRACE", "NotWritten", "Proof", "ProvenRequest", "socket_for"]

_HEADERS_WAIT_FOR_THE_BODY = hasattr(StreamWriter, "send_headers")
"""Older versions of aiohttp write the headers at once; there the body's report comes too late for a proof."""

_EARLY = "the connection held an answer before the request was sent"
NOT_PUBLIC = "the host is this machine or one of a private network"


class NotWritten(Exception):
    """Raised in aiohttp's trace: what would be written must not be."""


@attrs.define
class Proof:
    """Travels with one request through aiohttp's trace."""

    request: HttpRequest
    connection: ResponseHandler | None = None
    wire: asyncio.Transport | None = None
    """What the connection writes to."""
    by_proxy: bool = False
    reused: bool = False
    """The connection has served a request before."""
    reason: str | None = None
    """Why the rest of the request was held back."""
    late: bool = False
    _before: bool = False
    _writing: bool = False

    @property
    def started(self) -> bool:
        """Whether a byte may have left."""
        return self.request.departure.may_have_left

    @started.setter
    def started(self, value: bool) -> None:
        self.request.departure.may_have_left = value

    def headers_go(self) -> None:
        """The headers are about to be written. Raises NotWritten where they must not be."""
        if self.started and (self.request.once or self.request.method != "GET"):  # by aiohttp itself, or a middleware
            self.reason = "the request would have been sent twice"
            raise NotWritten(self.reason)
        self._check()
        self._before, self.started = self.started, True
        self.request.departure.times += 1

    def body_goes(self) -> None:
        """The body is about to be written. Raises NotWritten where it must not be."""
        try:
            self._check()
        except NotWritten:
            if _HEADERS_WAIT_FOR_THE_BODY and not self._writing:
                self.started = self._before
                self.request.departure.times -= 1
            raise
        self._writing = True
        self.keep_apart()

    def answered(self) -> None:
        """An answer is there. aiohttp hands on one that came before the body was written, or was held back."""
        if self.reason is None and self.connection is not None and self.request.body is not None and not self._writing:
            self.reason = _EARLY
        if self.reason is not None:
            raise NotWritten(self.reason)

    def drop(self) -> None:
        """The connection is not kept: at once, for nobody waits for the farewell of TLS."""
        if self.wire is not None:
            self.wire.abort()

    def keep_apart(self) -> None:
        """A connection that was fresh is not kept for others either."""
        if self.request.fresh and self.connection is not None:
            self.connection.force_close()

    def _check(self) -> None:
        if self.request.expired is not None and self.request.expired():
            self.reason, self.late = "too late to send", True
        elif self.connection is not None and not self._writing and self._holds_an_answer(self.connection):
            self.reason = _EARLY
        elif self.request.public_only and not self.by_proxy and not is_public_address(_peer_of(self.connection)):
            self.reason = NOT_PUBLIC
        if self.reason is not None:
            raise NotWritten(self.reason)

    def _holds_an_answer(self, connection: ResponseHandler) -> bool:
        # what the loop has read already, and what it has not; over new TLS the latter may be tickets of the session
        if connection.should_close:
            return True
        if not self._is_last_look or (not self.reused and is_tls(connection.transport)):
            return False
        return has_arrived(connection.transport)

    @property
    def _is_last_look(self) -> bool:
        """Whether a byte leaves right after: with a body, its headers are kept back until it goes."""
        return self.request.body is None or self.started or not _HEADERS_WAIT_FOR_THE_BODY

    async def settle(self) -> None:
        """Over a new connection the loop first reads what TLS itself has to say; before the headers, or an answer that
        is read meanwhile would count as this request's."""
        if not self.reused and self.connection is not None:
            await read_what_arrived(self.connection.transport)


def _peer_of(connection: ResponseHandler | None) -> str:
    """The address that a connection leads to, in the words of the system; empty where there is none."""
    transport = None if connection is None else connection.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


PROOF: ContextVar[Proof | None] = ContextVar("paycools_proof", default=None)
_NUMBERS = itertools.count(1)


def socket_for(address: Any) -> socket.socket:
    """Before a connection is made to an address of a name: a request for public ones connects to no other."""
    family, kind, protocol, _, place = address
    proof = PROOF.get()
    if proof is not None and proof.request.public_only and not proof.by_proxy and not is_public_address(str(place[0])):
        proof.reason = NOT_PUBLIC
        raise OSError(NOT_PUBLIC)
    return socket.socket(family, kind, protocol)


class ProvenRequest(aiohttp.ClientRequest):
    """aiohttp's request, which knows the connection it goes over and may ask for a new one."""

    @functools.cached_property
    def connection_key(self) -> ConnectionKey:  # pyright: ignore[reportIncompatibleMethodOverride]
        key = super().connection_key
        proof = PROOF.get()
        if proof is not None:
            proof.by_proxy = self.proxy is not None
        if proof is None or not proof.request.fresh:
            return key
        # the pool is looked up by this key: no connection in it can have the same
        stamp = next(_NUMBERS)
        if not hasattr(key, "_replace"):  # an attrs class in older versions of aiohttp
            return attrs.evolve(key, proxy_headers_hash=stamp)  # type: ignore[misc]
        return key._replace(proxy_headers_hash=stamp)

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        proof = PROOF.get()
        if proof is not None:
            proof.connection, proof.by_proxy = conn.protocol, self.proxy is not None
            proof.wire = conn.transport
        response = await super().send(conn)
        if proof is not None and proof.request.body is None:  # with a body it is not looked at for the last time yet
            proof.keep_apart()
        return response


def _proof_trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_is_reused)
    trace.on_connection_create_end.append(_is_new)
    trace.on_request_headers_sent.append(_headers_go)
    trace.on_request_chunk_sent.append(_body_goes)
    trace.freeze()
    return trace


async def _is_reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    proof = getattr(context, "trace_request_ctx", None)
    if isinstance(proof, Proof):
        proof.reused = True


async def _is_new(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    proof = getattr(context, "trace_request_ctx", None)
    if isinstance(proof, Proof):
        proof.reused = False


async def _headers_go(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    proof = getattr(context, "trace_request_ctx", None)
    if isinstance(proof, Proof):
        await proof.settle()
        proof.headers_go()


async def _body_goes(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    proof = getattr(context, "trace_request_ctx", None)
    if isinstance(proof, Proof):
        proof.body_goes()


PROOF_TRACE = _proof_trace()
"""One for all: a trace of each client's own would be asked by the calls of all others."""
