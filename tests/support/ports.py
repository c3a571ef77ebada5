"""A port of this machine that nobody listens on, and that no connection is given meanwhile."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

__all__ = ["free_port"]

_dice = random.SystemRandom()


def free_port() -> int:
    """One below those that the system gives to connections: who listens there may come, go and come back."""
    first = 32768
    with contextlib.suppress(OSError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = _dice.randrange(10_000, first) if first > 12_000 else 0
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
