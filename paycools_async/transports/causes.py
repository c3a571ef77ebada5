"""Why the network failed, in one word: from the class and number of the library's error, never from its text."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp

from ..errors import NetworkCause, NetworkReason

__all__ = ["cause_of"]

# the narrower class first
_CLASSES: tuple[tuple[tuple[type[BaseException], ...], NetworkReason], ...] = (
    ((aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError), "certificate"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "tls"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "dns"),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), "proxy"),
    ((TimeoutError,), "timeout"),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError), "closed"),
    ((aiohttp.ClientResponseError,), "not_http"),
    ((ConnectionRefusedError,), "refused"),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "reset"),
)
_NUMBERS: dict[int, NetworkReason] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ETIMEDOUT: "timeout",
    errno.EMFILE: "no_files",
    errno.ENFILE: "no_files",
}


def cause_of(error: BaseException) -> NetworkCause:
    """The error's class and its reason."""
    return NetworkCause(type(error).__name__, _reason(error))


def _reason(error: BaseException) -> NetworkReason | None:
    for kinds, reason in _CLASSES:
        if isinstance(error, kinds):
            return reason
    inner = getattr(error, "os_error", None)
    for each in (inner, error):
        if isinstance(each, ssl.SSLError | socket.gaierror):  # with numbers of their own
            return _reason(each)
        if isinstance(each, OSError) and each.errno in _NUMBERS:
            return _NUMBERS[each.errno]
    return None
