"""Typed attributes: `await paycools.payouts.create(...)` with completion in the editor, and no twin by hand.

A product lists its calls (`create = Call(CreatePayout)`); the parameters and the result type come from the class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

import attrs

from .endpoint import Request
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
    def base_url(self) -> str: ...

    @property
    def _doubts(self) -> Doubts: ...

    async def send(self, request: Any) -> Any: ...

    async def _send_afresh(self, request: Any) -> Any: ...

    def _stream(self, url: str, *, within: float, public_only: bool) -> AbstractAsyncContextManager[Any]: ...


class Product:
    """Base of the products: holds the client that sends."""

    def __init__(self, client: Sender) -> None:
        self._client = client


class Call(Generic[P, R]):
    """Builds the request from keyword arguments and sends it.

    To `help()`, `inspect` and notebooks it is a method with the request's own parameters, text and result.
    """

    request: Callable[P, Request[R]]
    __name__: str
    __qualname__: str

    def __init__(self, request: Callable[P, Request[R]]) -> None:
        self.request = request
        self.__doc__ = request.__doc__

    def __set_name__(self, owner: type[Product], name: str) -> None:
        self.__name__ = name
        self.__qualname__ = f"{owner.__qualname__}.{name}"
        self.__module__ = owner.__module__

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        """As of a method: the product, then what the request class takes; what it returns is awaited."""
        made = inspect.signature(self.request)
        product = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        # what is made from other fields has no value to show
        request: Any = self.request
        types = {field.alias: field.type for field in attrs.fields(request)} if attrs.has(request) else {}
        given = [
            each.replace(
                default=... if each.default is attrs.NOTHING else each.default,
                annotation=types.get(each.name) or each.annotation,  # a converter takes anything
            )
            for each in made.parameters.values()
        ]
        endpoint = getattr(self.request, "__endpoint__", None)
        return made.replace(
            parameters=[product, *given],
            return_annotation=inspect.Signature.empty if endpoint is None else endpoint.returns,
        )

    @functools.cached_property
    def _bound_signature(self) -> inspect.Signature:
        unbound = self.__signature__
        return unbound.replace(parameters=list(unbound.parameters.values())[1:])

    def __call__(self, product: Product, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """`Payouts.create(paycools.payouts, ...)`, as with any method."""
        return self.__get__(product, type(product))(*args, **kwargs)

    @overload
    def __get__(self, product: None, owner: type[Product]) -> Self: ...
    @overload
    def __get__(self, product: Product, owner: type[Product]) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, product: Product | None, owner: type[Product]) -> Any:
        if product is None:
            return self
        client = product._client

        def send(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            try:
                request = self.request(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - it goes on, without its frames
                del args, kwargs  # error trackers show what stands in them
                raise error.with_traceback(None)  # noqa: B904 - it is the same error
            return client.send(request)

        shown: Any = send
        for name in ("__doc__", "__name__", "__qualname__", "__module__"):
            setattr(shown, name, getattr(self, name))
        shown.__signature__ = self._bound_signature
        product.__dict__[self.__name__] = send  # from now on found there, without coming here
        return send
