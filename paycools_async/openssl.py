"""Whether OpenSSL is at hand, by the package `cryptography`."""

from __future__ import annotations

import functools
import importlib.util

__all__ = ["has_openssl"]

_OLDEST = 42
"""The release that the extra `fast` asks for. One that came with something else may be older, and need more words."""


@functools.cache
def has_openssl() -> bool:
    """Whether `cryptography` is installed and new enough."""
    if importlib.util.find_spec("cryptography") is None:
        return False
    from cryptography import __version__

    release = __version__.partition(".")[0]
    return release.isdecimal() and int(release) >= _OLDEST
