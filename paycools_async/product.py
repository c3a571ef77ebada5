"""Typed attributes: `await paycools.payouts.create(...)` with completion in the editor, and no twin by hand.

A product lists its calls (`create = Call(CreatePayout)`); the parameters and the result type come from the class.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from .endpoint import Request
from .errors import NotFound
from .in_doubt import Doubts
from .times import Clock

__all__ = ["Call", "Product", "Sender"]

P = ParamSpec("P")
R = TypeVar("R")


class Sender(Protocol):
    """What a product needs of its client."""

    @property
    def clock(self) -> Clock: ...

    @property
    def timeout(self) -> float: ...

    @property
    def _doubts(self) -> Doubts: ...

    async def send(self, request: Any) -> Any: ...

    async def _send_afresh(self, request: Any) -> Any: ...


class Product:
    """Base of the products: holds the client that sends."""

    def __init__(self, client: Sender) -> None:
        self._client = client

    async def _found(self, inquiry: Request[R], *, fresh: bool = False) -> R | None:
        """The answer, or None if PayCools does not know what is asked for."""
        send = self._client._send_afresh if fresh else self._client.send
        try:
            answer: R = await send(inquiry)
        except NotFound:
            return None
        return answer


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
