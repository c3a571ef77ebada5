"""Whether something has come over a connection that nobody has read yet: it waits in the system's own buffer."""

from __future__ import annotations

import asyncio
import select
from typing import Any

__all__ = ["has_arrived", "is_tls", "read_what_arrived"]

_MOST_TURNS = 50

_HAS_POLL = hasattr(select, "poll")  # Windows has none


def has_arrived(transport: asyncio.BaseTransport | None) -> bool:
    """Whether bytes, or the other side's end, wait unread. Looks and takes nothing. Of no socket: False."""
    socket: Any = None if transport is None else transport.get_extra_info("socket")
    if socket is None:
        return False
    descriptor = socket.fileno()
    if descriptor < 0:  # it is closed
        return True
    if not _HAS_POLL:
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def is_tls(transport: asyncio.BaseTransport | None) -> bool:
    """Whether what travels is encrypted."""
    return transport is not None and transport.get_extra_info("ssl_object") is not None


async def read_what_arrived(transport: asyncio.BaseTransport | None) -> None:
    """Let the loop read it. After the handshake of TLS come tickets of the session, which are no answer."""
    if not is_tls(transport):
        return
    for _ in range(_MOST_TURNS):
        if not has_arrived(transport):
            return
        await asyncio.sleep(0)
