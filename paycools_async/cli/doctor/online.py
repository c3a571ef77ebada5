"""One call to PayCools, for the balance: host, certificate, clock, app id, key and white list, as far as it tells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import attrs

from ...batch import Identity
from ...client import PayCoolsGlobal, PayCoolsPH
from ...config import PHCredentials
from ...errors import (
    ApiError,
    AuthenticationError,
    ClockError,
    ConfigurationError,
    IpNotAllowedError,
    MerchantUnavailable,
    NetworkReason,
    PayCoolsError,
    RateLimited,
    TransientError,
    TransportError,
    UnexpectedAnswer,
)
from ...policy.retry import Retry
from ...texts import shown_text
from ...transports.base import HttpRequest, HttpResponse, Transport
from ...urls import is_loopback_host
from ..clients import payouts_of
from ..network import network
from .findings import Finding, fault, fine, warning
from .settings import Settings

__all__ = ["ask_paycools", "identity_of"]

_SECONDS = 15.0
_SKEW = 30.0
"""Seconds that this machine's clock may differ. PayCools documents no bound; the Global API refuses old requests."""

_CURES: dict[NetworkReason, str] = {
    "dns": "check the host's name, and this machine's name server",
    "refused": "nothing listens there: check host and port, and the firewall",
    "unreachable": "check this machine's network and its route, or the proxy that it needs",
    "certificate": "if a proxy or gateway of yours shows a certificate of its own, give its authority: --ca-file FILE; "
    "else the host is not who it says: send nothing",
    "tls": "check that the host speaks HTTPS on this port, and whatever stands between",
    "proxy": "check the proxy's address and password, and that it lets this host through",
    "reset": "something on the way cuts the connection: ask for the firewall",
    "closed": "the connection was closed without an answer: check host, port and what stands between",
    "timeout": "nothing answers: check the firewall, and whether this machine needs a proxy",
    "no_files": "this machine has too many open files: ulimit -n",
    "not_http": "what answers there does not speak HTTP: check host and port",
}


@attrs.define
class _Watched:
    """A transport that notes when an answer came, and what its clock says."""

    inner: Transport
    clocks: list[tuple[float, str]] = attrs.field(factory=list)

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        before = time.time()
        answer = await self.inner.send(request)
        date = next((value for name, value in answer.headers.items() if name.lower() == "date"), "")
        self.clocks.append(((before + time.time()) / 2, date))
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


async def ask_paycools(settings: Settings, country: str) -> list[Finding]:
    """Ask for the balance once; what that shows. Moves no money."""
    try:
        watched = _Watched(network())
    except ConfigurationError:  # told before, where proxy and certificates are looked at
        return []
    options: dict[str, Any] = {
        "base_url": settings.base_url,
        "transport": watched,
        "timeout": _SECONDS,
        "retry": Retry(attempts=1),
    }
    found: list[Finding]
    try:
        if isinstance(settings.credentials, PHCredentials):
            async with PayCoolsPH(settings.credentials, **options) as ph:
                await ph.ping()
        else:
            assert settings.credentials is not None  # noqa: S101 - the caller has looked
            async with PayCoolsGlobal(settings.credentials, **options) as other:
                await other.ping(country)  # type: ignore[arg-type]
        found = [fine("paycools", "accepts app id, key and the address that this machine is seen with")]
    except PayCoolsError as error:
        found = list(_of_error(error, settings))
    return [*found, *_clock(watched.clocks)]


def identity_of(settings: Settings, country: str | None) -> Identity:
    """Whose ledgers go with these settings. Sends nothing."""
    client: PayCoolsPH | PayCoolsGlobal
    if isinstance(settings.credentials, PHCredentials):
        client = PayCoolsPH(settings.credentials, base_url=settings.base_url)
    else:
        assert settings.credentials is not None  # noqa: S101 - the caller has looked
        client = PayCoolsGlobal(settings.credentials, base_url=settings.base_url)
    return payouts_of(client, country).identity


def _of_error(error: PayCoolsError, settings: Settings) -> Iterator[Finding]:
    host = urlsplit(settings.base_url or "").netloc
    if isinstance(error, TransportError):
        yield _of_network(error, host)
    elif isinstance(error, IpNotAllowedError):
        yield fault("white_list", f"PayCools refuses this machine's address ({_code(error)})", error.hint)
    elif isinstance(error, ClockError):
        yield fault("clock", f"PayCools refuses the time of the request ({_code(error)})", error.hint)
    elif isinstance(error, AuthenticationError):
        yield fault("app_id_or_key", f"PayCools refuses app id or signature ({_code(error)})", error.hint)
    elif isinstance(error, MerchantUnavailable):
        yield fault("merchant", f"PayCools has switched the merchant off ({_code(error)})", error.hint)
    elif isinstance(error, RateLimited | TransientError):
        yield warning("paycools", f"answers, and is busy ({_code(error)})", "try again in a minute")
    elif isinstance(error, ApiError):
        yield fault("paycools", f"refuses the question for the balance ({_code(error)})", error.hint)
    elif isinstance(error, UnexpectedAnswer):
        text = f"{host} answers, and not as PayCools does: {error}"
        cure = (
            "a gateway's page, or another host: check the base URL, the proxy, and whether a firewall of PayCools' "
            "blocks this address"
        )
        yield fault("host", text, cure)
    else:
        yield fault("paycools", str(error), "see the message")


def _code(error: ApiError) -> str:
    return f"{error.code} {shown_text(error.message)}"


def _of_network(error: TransportError, host: str) -> Finding:
    cause = getattr(error, "cause", None)
    reason: NetworkReason | None = None if cause is None else cause.reason
    checks = {"certificate": "certificates", "tls": "certificates", "proxy": "proxy"}
    check = checks.get(reason or "", "host")
    if check == "host" and is_loopback_host(urlsplit(f"//{host}").hostname or ""):
        cure = "no sandbox is running there: start `paycools sandbox`, or take the base URL away to reach PayCools"
        return fault("sandbox", f"{host} cannot be reached ({cause or error})", cure)
    return fault(check, f"{host} cannot be reached ({cause or error})", _CURES[reason or "timeout"])


def _clock(clocks: list[tuple[float, str]]) -> Iterator[Finding]:
    for here, date in clocks[-1:]:
        try:
            there = parsedate_to_datetime(date).timestamp() + 0.5  # it counts whole seconds
        except (TypeError, ValueError):
            return
        skew = here - there
        if abs(skew) <= _SKEW:
            yield fine("clock", f"within {_SKEW:.0f} seconds of the server's")
            return
        text = f"this machine's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the server's"
        yield fault("clock", text, "let the system set it (NTP: `timedatectl set-ntp true`)")
