"""The client: credentials and policies in, typed products out."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from . import endpoint as descriptors
from .config import Environment, PHCredentials, environment_from, ph_base_url
from .endpoint import Effect, PHRequest
from .engine import Engine, Exchange
from .errors import ConfigurationError, Outcome, TransportError
from .ph import (
    CPM,
    EKYC,
    QR,
    Account,
    BankTransfers,
    Bills,
    Checkout,
    DirectDebit,
    Payouts,
    Refunds,
    WebPayments,
)
from .policy import Pace, Retry
from .signing import AsyncSigner, Signer, signer_for
from .signing.pool import SigningPool
from .times import Clock, SystemClock
from .transports.base import Transport

__all__ = ["PayCoolsPH"]

R = TypeVar("R")

VERSION = "0.1.0"


class PayCoolsPH:
    """The client of the PH API.

    `environment` defaults to UAT, the test system. `timeout` is seconds for a whole call, retries included.
    `paths` overrides or supplies endpoint paths by id. `signer` replaces the private key's own (also an async one,
    for a key service). `transport` replaces aiohttp; it is closed with the client. `max_connections` sizes the pool.
    `sign_path_parameters` signs values that stand in a path (no document says whether PayCools expects it).

    It may be made outside an event loop and is used in one, as `async with`; or call `aclose()` yourself.
    """

    def __init__(
        self,
        credentials: PHCredentials,
        *,
        environment: Environment = Environment.UAT,
        base_url: str | None = None,
        transport: Transport | None = None,
        paths: Mapping[str, str] | None = None,
        signer: Signer | AsyncSigner | None = None,
        timeout: float = 30.0,
        retry: Retry | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        max_connections: int = 100,
        sign_path_parameters: bool = False,
    ) -> None:
        self.credentials = credentials
        self.environment = environment
        self.base_url = ph_base_url(environment, base_url)
        self.clock: Clock = clock or SystemClock()
        self._pool, async_signer = _off_the_loop(signer or signer_for(credentials.private_key))
        self._engine = Engine(
            family="ph",
            merchant=credentials,
            base_url=self.base_url,
            transport=transport or _Lazy(max_connections),
            signer=async_signer,
            retry=retry or Retry(),
            pace=pace or Pace(clock=self.clock),
            clock=self.clock,
            timeout=timeout,
            user_agent=f"paycools-async/{VERSION}",
            paths=_checked_paths(paths or {}),
            sign_path_parameters=sign_path_parameters,
        )
        self.account = Account(self)
        self.payouts = Payouts(self)
        self.bills = Bills(self)
        self.qr = QR(self)
        self.bank_transfers = BankTransfers(self)
        self.web_payments = WebPayments(self)
        self.refunds = Refunds(self)
        self.checkout = Checkout(self)
        self.direct_debit = DirectDebit(self)
        self.ekyc = EKYC(self)
        self.cpm = CPM(self)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, **options: Any) -> Self:
        """A client from the PAYCOOLS_PH_* variables; options as for the constructor.

        _APP_ID, _APP_NAME, _PRIVATE_KEY (text, Base64 or path), _CALLBACK_SECRET, _ENVIRONMENT (uat, production)
        and _BASE_URL. Raises ConfigurationError naming what is missing.
        """
        options.setdefault("environment", environment_from(env.get("PAYCOOLS_PH_ENVIRONMENT")))
        options.setdefault("base_url", env.get("PAYCOOLS_PH_BASE_URL") or None)
        return cls(PHCredentials.from_env(env), **options)

    async def send(self, request: PHRequest[R]) -> R:
        """Send a request and return its typed result. Raises what `paycools_async.errors` describes."""
        return (await self._engine.exchange(request)).result

    async def exchange(self, request: PHRequest[R]) -> Exchange[R]:
        """Like `send`, with the raw answer, HTTP status, headers, duration and number of attempts."""
        return await self._engine.exchange(request)

    async def call(
        self,
        method: str,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        effect: Effect | None = None,
    ) -> Any:
        """The way out for anything without a class: signed, paced and retried like the rest; returns raw `data`.

        `appId` and `appName` are filled in. A GET counts as a read; anything else as moving money, and is not
        repeated on an unclear outcome, unless `effect` says otherwise.
        """
        if effect is None:
            effect = Effect.READS if method == "GET" else Effect.MOVES_MONEY
        return await self._engine.call(method, path, fields or {}, effect=effect)

    async def ping(self) -> None:
        """Prove that host, app id, key and IP white list are right, by asking for the balance."""
        await self.account.balance()

    def signing_text(self, request: PHRequest[Any]) -> str:
        """The exact text signed for a request, to compare with PayCools' support. It holds account data."""
        return self._engine.freeze(request).text.decode("utf-8")

    async def aclose(self) -> None:
        """Close the transport and end the signing threads."""
        try:
            await self._engine.transport.aclose()
        finally:
            if self._pool is not None:
                await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.environment.name} {self.base_url} app_id={self.credentials.app_id!r}>"


class _Lazy:
    """The aiohttp transport, imported and made with the first request."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._transport: Transport | None = None
        self._closed = False

    async def send(self, request: Any, /) -> Any:
        if self._closed:
            raise TransportError("the client is closed; nothing was sent", outcome=Outcome.NOT_SENT)
        if self._transport is None:
            from .transports.aiohttp import AiohttpTransport

            self._transport = AiohttpTransport(max_connections=self._max_connections)
        return await self._transport.send(request)

    async def aclose(self) -> None:
        self._closed = True
        if self._transport is not None:
            await self._transport.aclose()


def _off_the_loop(signer: Signer | AsyncSigner) -> tuple[SigningPool | None, AsyncSigner]:
    if inspect.iscoroutinefunction(signer.sign):
        return None, signer  # type: ignore[return-value]
    pool = SigningPool(signer)  # type: ignore[arg-type]
    return pool, pool


def _checked_paths(paths: Mapping[str, str]) -> Mapping[str, str]:
    known = {entry.id for entry in descriptors.endpoints() if entry.kind == "request"}
    for id, path in paths.items():
        if id not in known:
            raise ConfigurationError(f"paths: there is no endpoint {id!r}")
        if not path.startswith("/"):
            raise ConfigurationError(f"paths: the path of {id} begins with a slash")
    return dict(paths)
