"""Files that somebody named: a pipe without a writer, a device or a folder neither hangs nor fills the memory."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from pathlib import Path
from typing import BinaryIO

__all__ = ["NotRegular", "open_regular", "read_small"]

_PIPE_SECONDS = 10.0
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
"""To open a pipe that nobody writes into would take for ever."""


class NotRegular(OSError):
    """It is there, and it is no file."""


def open_regular(path: Path) -> BinaryIO:
    """The file, to be read. Raises NotRegular for a pipe, a device or a folder, else OSError."""
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegular(0, "is no file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_small(path: Path, most: int) -> bytes:
    """At most `most` + 1 bytes of a file, or of a pipe that a shell made (`<(...)`) and that ends within ten seconds.

    More than `most` bytes mean: too many. Raises NotRegular for a device, TimeoutError for a pipe that does not end,
    else OSError.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) and sys.platform != "win32":
            return _from_pipe(descriptor, most)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise NotRegular(0, "is no file", str(path))
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(most + 1)
    finally:
        os.close(descriptor)


def _from_pipe(descriptor: int, most: int) -> bytes:
    content, until = b"", time.monotonic() + _PIPE_SECONDS
    while len(content) <= most:
        try:
            block = os.read(descriptor, most + 1 - len(content))
        except BlockingIOError:  # whoever writes into it has nothing yet
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError(0, "nothing comes out of this pipe") from None
            continue
        if not block:  # nobody writes into it, or not any more
            break
        content += block
    return content
