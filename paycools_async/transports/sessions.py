"""The connections of one transport: a pool for each event loop that uses it, in the process that made it.

A loop's pool is closed with the loop: `asyncio.run` and its like close the asynchronous generators of their loop before
it ends, and each pool has one that waits for that. Where nobody does so, the sockets of a loop that is gone are closed
at the next use.

What a forked child inherits is its parent's: the child neither writes there nor closes it, for it would say good-bye in
the parent's name, or end the waiting of the parent's loop. It lets go of its own handles of those sockets right after
the fork, whether it uses the client or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Final

import aiohttp
import attrs

from ..runtime import Guard

__all__ = ["Pool", "Pools"]

_PATIENCE = 1.0
"""Seconds that a close waits for the running loop of another thread."""


@attrs.define(eq=False, weakref_slot=True)
class Pool:
    """The sessions in one loop. `owned`: the connections are ours, and not those of the caller's session."""

    loop: asyncio.AbstractEventLoop
    session: aiohttp.ClientSession
    owned: bool
    process: int = attrs.field(factory=os.getpid)
    files: aiohttp.ClientSession | None = None
    closed: bool = False

    async def close(self) -> None:
        """In its loop: close what is ours."""
        self.closed = True
        for session in self._sessions():
            await session.close()

    def abandon(self) -> None:
        """Its loop is closed, or stands still: close the sockets from outside."""
        self.closed = True
        if self.owned:
            for transport in list(self._connections()):
                _close_from_outside(transport, self.loop)
        self._forget()

    def leave(self) -> None:
        """It is another process's: let go of our handles of its sockets, and touch nothing else of it."""
        self.closed = True
        _INHERITED.append(self)
        if not self.owned:
            return
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            for transport in self._connections():
                own = transport.get_extra_info("socket")
                if own is not None and own.fileno() >= 0:
                    os.dup2(nothing, own.fileno(), inheritable=False)
        finally:
            os.close(nothing)

    def _sessions(self) -> Iterator[aiohttp.ClientSession]:
        if self.files is not None:
            yield self.files
        yield self.session

    def _connections(self) -> Iterator[Any]:
        """The transports of all connections. aiohttp has no public name for them."""
        connector = self.session.connector
        kept = [protocol for each in getattr(connector, "_conns", {}).values() for protocol, _ in each]
        for protocol in (*kept, *getattr(connector, "_acquired", ())):
            if getattr(protocol, "transport", None) is not None:
                yield protocol.transport

    def _forget(self) -> None:
        connector = self.session.connector
        for session in self._sessions():
            session.detach()
        if self.owned and connector is not None:
            with contextlib.suppress(RuntimeError):  # "Event loop is closed"
                connector._close()


_INHERITED: Final[list[Pool]] = []
"""Never let go of: their end would be told to the parent's loops."""


def _close_from_outside(transport: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Close a connection's socket where no loop runs that would do it."""
    if not loop.is_closed():
        transport.abort()  # done as soon as its loop runs again
        return
    # asyncio has no public way that does without the loop. uvloop closes its sockets with it
    tls = getattr(transport, "_ssl_protocol", None)
    with contextlib.suppress(AttributeError):
        if tls is not None:
            transport._closed = True
            transport = tls._transport
        own, transport._sock = transport._sock, None
        own.close()


class Pools:
    """The pools of all loops."""

    def __init__(self) -> None:
        self._guard = Guard()
        self._pools: dict[asyncio.AbstractEventLoop, tuple[Pool, AsyncGenerator[None, None]]] = {}
        _ALL.add(self)

    async def of(self, loop: asyncio.AbstractEventLoop, open_here: Callable[[], Pool]) -> Pool:
        """The pool of the running loop, made at its first use."""
        with self._guard.lock:
            known = self._pools.get(loop)
            ended = [self._pools.pop(each)[0] for each in list(self._pools) if each.is_closed()]
        for pool in ended:
            pool.abandon()
        if known is not None and not known[0].closed:
            return known[0]
        pool = open_here()
        ending = _closed_with_loop(weakref.ref(self), pool)
        await anext(ending)
        self._pools[loop] = (pool, ending)
        return pool

    def leave_parents(self) -> None:
        """In a forked child: whatever there is belongs to the parent."""
        pools, self._pools = self._pools, {}
        for pool, ending in pools.values():
            _ENDINGS.append(ending)
            pool.leave()

    def forget(self, pool: Pool) -> None:
        """Its loop ends."""
        known = self._pools.get(pool.loop)
        if known is not None and known[0] is pool:
            del self._pools[pool.loop]

    async def aclose(self) -> None:
        """Close the pools of all loops; one that runs in another thread is asked to."""
        with self._guard.lock:
            pools, self._pools = self._pools, {}
        here = asyncio.get_running_loop()
        for pool, ending in pools.values():
            if pool.loop is here:
                await pool.close()
                await ending.aclose()
            elif pool.loop.is_running():
                await _closed_elsewhere(pool)
            else:
                pool.abandon()


_ENDINGS: Final[list[AsyncGenerator[None, None]]] = []
"""The same of those who wait for the end of the parent's loops."""
_ALL: Final[weakref.WeakSet[Pools]] = weakref.WeakSet()


def _leave_parents() -> None:
    for pools in list(_ALL):
        pools.leave_parents()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parents)


async def _closed_with_loop(owner: weakref.ref[Pools], pool: Pool) -> AsyncGenerator[None, None]:
    """Waits for the end of its loop: `shutdown_asyncgens`, which `asyncio.run` calls too, closes it."""
    try:
        yield
    finally:
        pools = owner()
        if pools is not None and not pool.closed:  # else the transport was dropped, and aiohttp says that it was open
            pools.forget(pool)
            await pool.close()


async def _closed_elsewhere(pool: Pool) -> None:
    closing = pool.close()
    try:
        asked = asyncio.run_coroutine_threadsafe(closing, pool.loop)
    except RuntimeError:  # it was closed just now
        closing.close()
        pool.abandon()
        return
    await asyncio.wait([asyncio.wrap_future(asked)], timeout=_PATIENCE)
