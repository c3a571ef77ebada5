"""How a host is reached: through which proxy, if any, and which certificates are believed.

This machine is never reached through a proxy: plain HTTP is allowed here because it leaves no machine.
"""

from __future__ import annotations

import functools
import ssl
import urllib.request
from pathlib import Path

import attrs
from yarl import URL

from ..errors import ConfigurationError
from ..privacy.confidential import Secret
from ..urls import is_loopback_host

__all__ = ["Routes", "checked_proxy", "system_authorities", "trusted"]

_MOST = 64
"""Hosts whose route is remembered."""


def checked_proxy(proxy: str) -> Secret[str]:
    """A proxy's address. Raises ConfigurationError, which never holds it: there may be a password in it."""
    try:
        url = URL(proxy)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except (TypeError, ValueError):
        raise ConfigurationError("proxy: give it as http://host:port, or http://user:password@host:port") from None
    if url.scheme.startswith("socks"):
        raise ConfigurationError("proxy: SOCKS is not spoken here; give an HTTP proxy as http://host:port")
    if not usable or url.path not in ("", "/") or url.query_string or url.fragment:
        raise ConfigurationError("proxy: give it as http://host:port, or http://user:password@host:port")
    return Secret(proxy)


@functools.cache
def system_authorities() -> ssl.SSLContext:
    """The system's certificate authorities, by name: a connector of somebody else may believe others, or all."""
    return ssl.create_default_context()


def trusted(ca_file: str | Path) -> ssl.SSLContext:
    """The system's certificate authorities and those in a PEM file. Raises ConfigurationError."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=Path(ca_file).expanduser())
    except ssl.SSLError:
        raise ConfigurationError(f"ca_file: {ca_file} holds no certificates in PEM") from None
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(f"ca_file: {ca_file} cannot be read: {why}") from None
    return context


@attrs.define
class Routes:
    """The proxy of each host: the one that is given, or with `trust_env` the environment's (HTTPS_PROXY, NO_PROXY).

    The environment is asked once a host.
    """

    proxy: Secret[str] | None = None
    trust_env: bool = False
    _known: dict[tuple[str, str | None], URL | None] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.trust_env and (found := urllib.request.getproxies().get("https")):
            try:
                checked_proxy(found)
            except ConfigurationError as error:
                raise ConfigurationError(f"HTTPS_PROXY: {error}") from None

    @property
    def are_direct(self) -> bool:
        """Whether there is no proxy at all."""
        return self.proxy is None and not self.trust_env

    def proxy_for(self, url: URL) -> URL | None:
        """The proxy that leads to this URL's host; None where it is reached directly."""
        key = (url.scheme, url.host)
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = self._found(url)
        return self._known[key]

    def _found(self, url: URL) -> URL | None:
        host = url.host or ""
        if is_loopback_host(host):
            return None
        if self.proxy is not None:
            return URL(self.proxy.reveal())
        if urllib.request.proxy_bypass(host):
            return None
        found = urllib.request.getproxies().get(url.scheme)
        return None if not found else URL(checked_proxy(found).reveal())
