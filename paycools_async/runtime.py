"""Event loops end and processes fork. What lives longer than one of them stands on this.

A lock that another thread held when the process was forked would never be released in the child, where that thread does
not exist. `Guard` is open there.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final

__all__ = ["FORKED", "OTHER_LOOP", "Guard"]

FORKED: Final = (
    "it belongs to the process that opened it, and this one was forked from that: open it after the fork, in the "
    "process that needs it"
)
OTHER_LOOP: Final = "it was opened in another event loop: open it in the one that uses it, or close that loop first"


class Guard:
    """`with guard.lock:` for a few lines that no two threads may be in. Nothing in there waits."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        _GUARDS.add(self)


_GUARDS: Final[weakref.WeakSet[Guard]] = weakref.WeakSet()


def _open_in_child() -> None:
    for guard in _GUARDS:
        guard.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_in_child)
