"""Every public function says what it does. What stands in for a protocol, or overrides, is described there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

import paycools_async


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(paycools_async.__path__, "paycools_async."):
        if not found.name.endswith(".__main__"):  # it runs the program
            yield importlib.import_module(found.name)


MODULES = list(modules())


def offered(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What the module itself makes and lists in `__all__`; a module without the list offers all that has no _."""
    listed = getattr(module, "__all__", vars(module))
    for name, value in vars(module).items():
        if name in listed and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__:
            yield name, value


def classes(module: ModuleType) -> Iterator[type[Any]]:
    return (value for _, value in offered(module) if inspect.isclass(value))


def members(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """The public functions that a class's own body has, those behind properties included."""
    for name, value in vars(cls).items():
        function = getattr(value, "func", None) or getattr(value, "fget", None) or getattr(value, "__func__", value)
        if isinstance(function, FunctionType) and not name.startswith("_") and function.__module__ == cls.__module__:
            yield name, function


def is_protocol(cls: type[Any]) -> bool:
    return bool(getattr(cls, "_is_protocol", False))


PROTOCOLS = [{name for name, _ in members(cls)} for module in MODULES for cls in classes(module) if is_protocol(cls)]


def described_elsewhere(cls: type[Any], name: str) -> bool:
    """By a class it inherits from, or by a protocol that the class has every function of."""
    if any(name in vars(base) for base in cls.__mro__[1:]):
        return True
    return any(name in protocol and all(hasattr(cls, each) for each in protocol) for protocol in PROTOCOLS)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_has_a_docstring(module: ModuleType) -> None:
    silent = [name for name, value in offered(module) if isinstance(value, FunctionType) and not value.__doc__]
    for cls in classes(module):
        silent += [
            f"{cls.__name__}.{name}"
            for name, function in members(cls)
            if not function.__doc__ and not described_elsewhere(cls, name)
        ]
    assert not silent
