"""Who may use the sandbox's own pages: programs on this machine, and its own page in a browser; no other site.

Any page that a browser shows may send requests to 127.0.0.1. A browser says where they come from (Origin,
Sec-Fetch-Site), and a site cannot change that. What a name server makes of a name does not help it either: the Host
has to be this machine by its own name or address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from ...urls import is_loopback_host

__all__ = ["HEADERS", "refuse_other_sites"]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would hide the form's origin too
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_OWN = ("same-origin", "none")
"""What Sec-Fetch-Site says of the page's own requests, and of an address that a person typed."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refuse_other_sites(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer 403 to what another site sends to `/` and `/_sandbox/`. PayCools' own paths need a signature."""
    if request.path != "/" and not request.path.startswith("/_sandbox/"):
        return await handler(request)
    fault = _fault(request)
    if fault is not None:
        return web.json_response({"error": fault}, status=403, headers=HEADERS)
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        fault = f"this is not what is asked for: {type(error).__name__} {error}"
        return web.json_response({"error": fault}, status=400, headers=HEADERS)


def _fault(request: web.Request) -> str | None:
    if not _is_this_machine(request.headers.get("Host", "")):
        return "this sandbox is reached as 127.0.0.1 or localhost only"
    if request.method in ("GET", "HEAD"):
        return None
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != f"http://{request.headers['Host']}":
        return "this was sent by another site"
    if site is not None and site not in _OWN:
        return "this was sent by another site"
    if request.path == "/" and origin is None and site is None:
        return "the form is for a browser; programs use /_sandbox/pay, /_sandbox/authorize and /_sandbox/faults"
    return None


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback_host(name)
