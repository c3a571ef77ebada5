"""Typed attributes: `await paycools.payouts.create(...)` with completion in the editor, and no twin by hand.

A product lists its calls (`create = Call(CreatePayout)`); the parameters and the result type come from the class.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from .endpoint import Request
from .times import Clock

__all__ = ["Call", "Product", "Sender"]

P = ParamSpec("P")
R = TypeVar("R")


class Sender(Protocol):
    """What a product needs of its client."""

    @property
    def clock(self) -> Clock: ...

    async def send(self, request: Any) -> Any: ...


class Product:
    """Base of the products: holds the client that sends."""

    def __init__(self, client: Sender) -> None:
        self._client = client


class Call(Generic[P, R]):
    """Builds the request from keyword arguments and sends it."""

    def __init__(self, request: Callable[P, Request[R]]) -> None:
        self.request = request
        self.__doc__ = request.__doc__

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
        return send
