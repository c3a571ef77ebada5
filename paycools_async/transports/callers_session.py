"""A session of the caller's: what of it is used for calls that move money, and what is not."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ..errors import ConfigurationError, WrongEventLoop
from .routes import Routes, checked_proxy

__all__ = ["CallersSession"]

_NOT_USED: Final = re.compile(
    r"authorization|cookie2?|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|proxy-.*"
    r"|accept.*|content-.*|if-.*|range|(want-)?(content-|repr-)?digest|idempotency-key|(x-)?(http-)?method(-override)?"
    r"|x-http-method(-override)?|x-original-.*|x-rewrite-.*|prefer|signature(-.*)?",
    re.IGNORECASE,
)
"""Headers that say who asks, what is asked, or how body and answer are to be read. Ours stand in their place."""


class CallersSession:
    """Raises ConfigurationError for what is no session of aiohttp itself: what it repeats could not be stopped."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        if not isinstance(session, aiohttp.ClientSession):
            raise ConfigurationError(
                f"session: give an aiohttp.ClientSession, not {type(session).__name__}: what sends again by itself "
                "would send a payout again"
            )
        self._session = session
        self._process = os.getpid()
        headers = session.headers
        self._headers = CIMultiDict((name, value) for name, value in headers.items() if not _NOT_USED.fullmatch(name))
        login = headers.get("Proxy-Authorization")
        self.proxy_headers: dict[str, str] | None = None if login is None else {"Proxy-Authorization": login}
        self.routes: Routes = _routes_of(session)

    @property
    def checks_certificates(self) -> bool:
        """Whether its connections are made as aiohttp makes them by itself: by the system's authorities and no others.

        aiohttp has no public name for it.
        """
        return getattr(self._session.connector, "_ssl", None) is True

    def over(self, request_class: type[aiohttp.ClientRequest], trace: aiohttp.TraceConfig) -> aiohttp.ClientSession:
        """A session over the same connections, that knows nothing of the other's habits. Raises WrongEventLoop."""
        session = self._session
        if self._process != os.getpid() or _loop_of(session) not in (None, asyncio.get_running_loop()):
            raise WrongEventLoop(
                "the session that was lent belongs to another event loop or process; nothing was sent: lend one that "
                "was made in this one, or none, and each loop gets connections of its own"
            )
        if session.closed:
            raise RuntimeError("Session is closed")
        return aiohttp.ClientSession(
            connector=session.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            skip_auto_headers=session.skip_auto_headers,
            trace_configs=[*session.trace_configs, trace],
            auto_decompress=True,
            request_class=request_class,
        )


def _loop_of(session: aiohttp.ClientSession) -> Any:
    """aiohttp has no public name for it that does not warn."""
    return getattr(session, "_loop", None)


def _routes_of(session: aiohttp.ClientSession) -> Routes:
    """The session's own proxy, or its environment's. aiohttp has no public name for the former."""
    proxy, auth = getattr(session, "_default_proxy", None), getattr(session, "_default_proxy_auth", None)
    if proxy is None:
        return Routes(trust_env=session.trust_env)
    url = URL(proxy)
    if auth is not None:
        url = url.with_user(auth.login).with_password(auth.password)
    return Routes(checked_proxy(str(url)))
