"""Packages whose modules are imported when a name of theirs is first asked for.

Making all the request and result classes takes longer than most programs need to start; so nobody waits for the
products they do not use.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

__all__ = ["lazily", "loaded"]


def loaded(package: str, modules: Sequence[str]) -> Iterator[ModuleType]:
    """The package's modules one by one, imported if they are not yet."""
    for module in modules:
        yield importlib.import_module(f"{package}.{module}")


def lazily(
    package: str,
    modules: Sequence[str] = (),
    names: Mapping[str, Sequence[str]] | None = None,
    packages: Collection[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package.

    It offers every public name of `modules`, the `names` listed for other modules, and the `packages` inside it.
    """
    where = {name: module for module, listed in (names or {}).items() for name in listed}

    def public_names() -> list[str]:
        return [*where, *(name for module in loaded(package, modules) for name in module.__all__)]

    def module_of(name: str) -> ModuleType | None:
        if name in where:
            return importlib.import_module(f"{package}.{where[name]}")
        return next((module for module in loaded(package, modules) if name in module.__all__), None)

    def find(name: str) -> Any:
        if name == "__all__":
            return public_names()
        if name in modules or name in packages:
            return importlib.import_module(f"{package}.{name}")
        module = None if name.startswith("__") and name not in where else module_of(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(module, name)
        setattr(sys.modules[package], name, value)  # from now on it is found without coming here
        return value

    return find, public_names
