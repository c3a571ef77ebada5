"""Files that their owner only can read: what is in a ledger or an inbox is people's names, accounts and money."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from .errors import StorageError

__all__ = ["create", "tighten"]

log: logging.Logger = logging.getLogger("paycools_async.storage")

_OTHERS = 0o077


def create(path: Path) -> None:
    """Make an empty file that only its owner can read, unless the name is taken.

    What goes wrong here is not raised: it goes wrong again, and is reported, when the file is opened.
    """
    if os.path.lexists(path):
        return
    # under another name first: closing a descriptor of a file that is in use would drop SQLite's locks on it
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    with contextlib.suppress(OSError):
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        finally:
            os.unlink(draft)


def tighten(path: Path) -> None:
    """Take from others what rights they have on the file, and say so in the log. Follows no link.

    Raises StorageError where it is a link, or is somebody else's and so cannot be changed.
    """
    if os.name == "nt":
        return
    try:
        with _held(path) as (name, found):
            if stat.S_ISLNK(found.st_mode):
                raise StorageError(f"{path}: is a link, and none is followed here")
            if not stat.S_ISREG(found.st_mode) or not found.st_mode & _OTHERS:
                return
            was = stat.S_IMODE(found.st_mode)
            os.chmod(name, was & ~_OTHERS)
            if os.stat(name).st_mode & _OTHERS:
                log.warning("%s: others may be able to read it: this file system keeps no permissions", path)
            else:
                log.warning("%s: others could read it (mode %03o); now its owner only can", path, was)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(
            f"{path}: others can read it, and that cannot be changed ({error.strerror}): let its owner `chmod 600` it"
        ) from None


@contextlib.contextmanager
def _held(path: Path) -> Iterator[tuple[str | Path, os.stat_result]]:
    """A name by which this very file can be reached, and what it is."""
    if not hasattr(os, "O_PATH") or not os.path.isdir("/proc/self/fd"):
        yield path, os.lstat(path)
        return
    # such a descriptor only points: closing it drops no locks
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}", os.fstat(descriptor)
    finally:
        os.close(descriptor)
