"""What a forked child makes of something that was made before the fork."""

from __future__ import annotations

import json
import os
import select
import signal
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["in_child"]


def in_child(work: Callable[[], Any], *, patience: float = 60.0) -> Any:
    """The result of `work()` in a forked child, or the error's class and text. Fails where the child hangs."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads: they are meant
        child = os.fork()
    if child == 0:
        _run(work, writing)
    os.close(writing)
    try:
        told = b""
        while select.select([reading], [], [], patience)[0]:
            part = os.read(reading, 1 << 16)
            if not part:
                assert told, "the child died"
                return json.loads(told)
            told += part
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child hangs")
    finally:
        os.close(reading)
        os.waitpid(child, 0)


def _run(work: Callable[[], Any], writing: int) -> None:
    try:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - the parent is told
            result = [type(error).__name__, str(error)]
        os.write(writing, json.dumps(result).encode())
    finally:
        os._exit(0)
