"""What the clients of both APIs share: the engine, the escape hatch, opening and closing."""

from __future__ import annotations

import asyncio
import copy
import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypedDict, TypeVar

from .config import Environment, GlobalCredentials, PHCredentials
from .endpoint import Effect, Purpose, Request
from .engine import Engine
from .engine.attempts import Attempts
from .engine.paths import checked_paths
from .engine.preparing import Preparer
from .errors import ConfigurationError
from .families import Family
from .hooks import AttemptEnded, CallEnded, Observer, all_observers
from .in_doubt import Doubts, InDoubt
from .policy import Pace, Retry
from .policy.deadline import checked_timeout
from .policy.retry import checked_retry
from .privacy.confidential import Unseen
from .signing import AsyncSigner, Signer, signer_for
from .signing.base import TimedSigner
from .signing.pool import SigningPool
from .times import Clock, SystemClock
from .transports.base import HttpRequest, HttpStream, Transport, stream
from .transports.on_demand import LazyAiohttpTransport
from .version import __version__

__all__ = ["BaseClient", "ClientOptions"]

C = TypeVar("C", bound=PHCredentials | GlobalCredentials)


class ClientOptions(TypedDict, total=False):
    """What the clients of both APIs take besides the credentials, all by name."""

    environment: Environment
    """UAT, the test system, unless given."""
    base_url: str | None
    """The host, where PayCools has given you one of your own."""
    transport: Transport | None
    """Replaces aiohttp; it is closed with the client."""
    paths: Mapping[str, str] | None
    """Overrides or supplies endpoint paths by id."""
    signer: Signer | AsyncSigner | None
    """Replaces the private key's own; also an async one, for a key service."""
    timeout: float
    """Seconds for a whole call, retries included."""
    retry: Retry | None
    pace: Pace | None
    clock: Clock | None
    max_connections: int
    """The size of aiohttp's pool."""
    observers: Sequence[Observer]
    """Told of every attempt and of the end of every call, for logs, metrics and traces (`paycools_async.hooks`)."""
    on_call: Callable[[CallEnded], object] | None
    """A plain function that gets the end of every call."""
    on_attempt: Callable[[AttemptEnded], object] | None
    """A plain function that gets the end of every attempt."""


DEFAULTS: ClientOptions = {
    "environment": Environment.UAT,
    "base_url": None,
    "transport": None,
    "paths": None,
    "signer": None,
    "timeout": 30.0,
    "retry": None,
    "pace": None,
    "clock": None,
    "max_connections": 100,
    "observers": (),
    "on_call": None,
    "on_attempt": None,
}


class BaseClient(Generic[C]):
    """What the clients of both APIs share."""

    _family: Family
    _products: ClassVar[Mapping[str, str]]
    """The attributes that are products, each with its module and class."""
    _defaults: ClassVar[Mapping[str, Any]]
    """Every option with the value it has where none is given."""
    _option_types: ClassVar[type]
    """The TypedDict of the options."""
    credentials: C
    _shares = False
    """Whether it is another's, with other options."""

    def __init_subclass__(cls, **more: Any) -> None:
        """The options stand once, in the TypedDict; `help()` and notebooks show them as parameters."""
        super().__init_subclass__(**more)
        if "_option_types" in cls.__dict__:
            cls.__init__.__signature__ = _signature(cls)  # type: ignore[attr-defined]

    def __init__(self, credentials: C, options: Mapping[str, Any]) -> None:
        """`options` are those of `_defaults`. Raises TypeError for one that is not, and what each is checked for."""
        unknown = options.keys() - self._defaults.keys()
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no option {min(unknown)!r}; it takes {', '.join(self._defaults)}"
            )
        given = {**self._defaults, **options}
        for name, methods in _PARTS.items():
            _check_part(name, given[name], methods)
        self.credentials = credentials
        self.environment: Environment = given["environment"]
        self.base_url: str = self._host(given["environment"], given["base_url"])
        self.clock: Clock = given["clock"] or SystemClock()
        own_signer = functools.partial(signer_for, credentials.private_key)
        self._pool, async_signer = _as_timed_signer(given["signer"], own_signer)
        own = {name: given[name] for name in given.keys() - DEFAULTS.keys()}
        self._engine = Engine(
            prepare=Preparer(
                family=self._family,
                merchant=credentials,
                clock=self.clock,
                paths=_checked_paths(given["paths"] or {}, self._family.name),
                **own,
            ),
            attempts=Attempts(
                base_url=self.base_url,
                transport=given["transport"] or LazyAiohttpTransport(given["max_connections"]),
                signer=async_signer,
                retry=Retry() if given["retry"] is None else checked_retry(given["retry"]),
                pace=given["pace"] or Pace(clock=self.clock),
                clock=self.clock,
                timeout=checked_timeout(given["timeout"]),
                user_agent=f"paycools-async/{__version__}",
                observers=all_observers(given["observers"], given["on_call"], given["on_attempt"]),
            ),
        )

    def _host(self, environment: Environment, base_url: str | None) -> str:
        """The base URL, checked. Raises ConfigurationError."""
        raise NotImplementedError

    async def call(
        self,
        method: str,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        effect: Effect | None = None,
        purpose: Purpose | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - one deadline, which leaves time for a clear end
        retry: Retry | None = None,
    ) -> Any:
        """The escape hatch, for anything without a class: signed, paced and retried like the rest; returns raw `data`.

        What every call of the API bears is filled in (PH: `appId`, `appName`; Global: `appId`, `timestamp`). A GET
        counts as a read; anything else as moving money, and is not repeated on an unclear outcome, unless `effect`
        says otherwise. In the Global API everything is a POST, so name the effect of a read. `purpose` says what the
        call is for: refunds and voids, say, are refused by codes of their own, which prove nothing of other calls.
        `timeout` (seconds) and `retry` are for this call alone.
        """
        if effect is None:
            effect = Effect.READS if method == "GET" else Effect.MOVES_MONEY
        given = Unseen(fields or {})
        del fields  # error trackers show what stands in it
        engine = self._engine.with_options(timeout, retry)
        return await engine.call(method, path, given, effect=effect, purpose=purpose)

    def with_options(self, *, timeout: float | None = None, retry: Retry | None = None) -> Self:
        """This client with another time for each call (seconds, retries included), or another rule for retries.

            balance = await paycools.with_options(timeout=5).account.balance()

        Everything else is shared: transport, signer, pace, observers and what is in doubt. What is not given stays as
        it is here. It needs no closing: closing it does nothing, closing this client closes both. Raises
        ConfigurationError for a time that is none.
        """
        other = copy.copy(self)
        other._shares = True
        other._engine = self._engine.with_options(timeout, retry)
        for product in self._products.keys() & other.__dict__.keys():
            del other.__dict__[product]  # it sends by the client that made it
        return other

    @property
    def in_doubt(self) -> tuple[InDoubt, ...]:
        """The requests that may have got through and were not answered, cancelled ones included, oldest first.

        An entry leaves when `resolve`, `find` or `wait_until_final` shows its order or PayCools takes what `resolve`
        sends again, and what creates something that is no money when the same call succeeds later; no other does.
        Those of calls without a class, or of products without `find`, leave by `dismiss`. It lives in memory: what must
        outlive the process is to be stored before the call (docs/timeouts.md).
        """
        return tuple(self._engine.doubts)

    def dismiss(self, record: InDoubt) -> None:
        """Take an entry out of `in_doubt`: you have found out by other means what became of it.

        If the order was sent once more since you read the entry, the newer one stays.
        """
        self._engine.doubts.dismiss(record)

    @property
    def timeout(self) -> float:
        """Seconds for a whole call, retries included."""
        return self._engine.attempts.timeout

    @property
    def _doubts(self) -> Doubts:
        return self._engine.doubts

    async def _send_afresh(self, request: Request[Any]) -> Any:
        """Send over a connection that was not used before."""
        return (await self._engine.exchange(request, fresh=True)).result

    def _stream(self, url: str, *, within: float, public_only: bool) -> AbstractAsyncContextManager[HttpStream]:
        """What lies at an address that PayCools named, unsigned, over this client's transport."""
        request = HttpRequest(
            "GET",
            url,
            {"Accept-Encoding": "identity", "User-Agent": self._engine.attempts.user_agent},
            timeout=within,
            public_only=public_only,
        )
        return stream(self._engine.attempts.transport, request)

    if not TYPE_CHECKING:  # type checkers know the products by their annotations, and no other attribute

        def __getattr__(self, name: str) -> Any:
            """A product, made when it is first asked for."""
            if name not in self._products:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            module, _, cls = self._products[name].partition(":")
            product = getattr(importlib.import_module(f"{__package__}.{module}"), cls)(self)
            setattr(self, name, product)
            return product

        def __dir__(self) -> list[str]:
            return [*super().__dir__(), *self._products]

    async def aclose(self) -> None:
        """Close the transport and end the signing threads."""
        if self._shares:
            return
        try:
            await self._engine.attempts.transport.aclose()
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


def _signature(client: type[BaseClient[Any]]) -> inspect.Signature:
    """The constructor's, with the options as the parameters that they are to a caller."""
    written = inspect.signature(client.__init__)
    types = client._option_types.__annotations__
    first = [each for each in written.parameters.values() if each.kind is not each.VAR_KEYWORD]
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=types[name].__forward_arg__)
        for name, value in client._defaults.items()
    ]
    return written.replace(parameters=[*first, *named])


class _Elsewhere:
    """A key service's signer, given up when the call's time is over."""

    def __init__(self, signer: AsyncSigner) -> None:
        self._signer = signer

    async def sign(self, text: bytes, within: float) -> bytes:
        async with asyncio.timeout(within):
            return await self._signer.sign(text)


def _as_timed_signer(
    given: Signer | AsyncSigner | None, own: Callable[[], Signer]
) -> tuple[SigningPool | None, TimedSigner]:
    if given is not None and inspect.iscoroutinefunction(given.sign):
        return None, _Elsewhere(given)  # type: ignore[arg-type]
    pool = SigningPool(own(), anew=own) if given is None else SigningPool(given)  # type: ignore[arg-type]
    return pool, pool


_PARTS = {
    "clock": ("time", "monotonic", "sleep"),
    "pace": ("wait_turn", "busy", "calm"),
    "signer": ("sign",),
    "transport": ("send", "aclose"),
}
"""What stands in for a part of the client, and what it must be able to do."""


def _check_part(name: str, given: object, methods: Sequence[str]) -> None:
    lacking = [each for each in methods if not callable(getattr(given, each, None))]
    if given is not None and lacking:
        raise ConfigurationError(f"{name}: {type(given).__name__} has no {lacking[0]}()")


def _checked_paths(paths: Mapping[str, str], family: str) -> Mapping[str, str]:
    if not paths:
        return {}
    from .registry import endpoints

    known = {entry.id for entry in endpoints() if entry.kind == "request" and entry.family == family}
    return checked_paths(paths, known)
