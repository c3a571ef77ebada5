"""Typed attributes: `await paycools.payouts.create(...)` with completion in the editor, and no twin by hand.

A product lists its calls (`create = Call(CreatePayout)`); the parameters and the result type come from the class.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from .endpoint import Request
from .errors import DuplicateOrder, NotFound
from .times import Clock

__all__ = ["Call", "Product", "Sender"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F")


class Sender(Protocol):
    """What a product needs of its client."""

    @property
    def clock(self) -> Clock: ...

    async def send(self, request: Any) -> Any: ...


class Product:
    """Base of the products: holds the client that sends."""

    _absent: ClassVar[int] = 1008
    """The API's code for "not found"."""

    def __init__(self, client: Sender) -> None:
        self._client = client

    async def _found(self, inquiry: Request[R]) -> R | None:
        """The answer, or None if PayCools does not know what is asked for."""
        try:
            answer: R = await self._client.send(inquiry)
        except NotFound:
            return None
        return answer

    async def _look_twice(self, inquire: Callable[[], Awaitable[F | None]], absent_after: float) -> F | None:
        """Nothing is known only after two inquiries at least `absent_after` seconds apart."""
        found = await inquire()
        if found is None:
            await self._client.clock.sleep(absent_after)
            found = await inquire()
        return found

    async def _find_or_resend(
        self,
        inquire: Callable[[], Awaitable[F | None]],
        request: Request[R],
        *,
        absent_after: float,
        resend: bool,
    ) -> F | R:
        """After an unclear outcome: what PayCools knows of the order; only if it knows nothing, the same again.

        The request keeps its ids, so PayCools refuses it if it was there after all; then it is inquired once more.
        """
        found = await self._look_twice(inquire, absent_after)
        if found is not None:
            return found
        if not resend:
            raise self._absent_twice()
        try:
            receipt: R = await self._client.send(request)
        except DuplicateOrder:
            found = await inquire()
            if found is None:
                raise
            return found
        return receipt

    def _absent_twice(self) -> NotFound:
        return NotFound(self._absent, "absent in two inquiries")


class Call(Generic[P, R]):
    """Builds the request from keyword arguments and sends it."""

    def __init__(self, request: Callable[P, Request[R]]) -> None:
        self.request = request
        self.__doc__ = request.__doc__

    def __set_name__(self, owner: type[Product], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, product: None, owner: type[Product]) -> Self: ...
    @overload
    def __get__(self, product: Product, owner: type[Product]) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, product: Product | None, owner: type[Product]) -> Any:
        if product is None:
            return self
        client = product._client

        def send(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            return client.send(self.request(*args, **kwargs))

        send.__doc__ = self.__doc__
        product.__dict__[self._name] = send  # from now on found there, without coming here
        return send
