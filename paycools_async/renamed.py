"""Names of an earlier version. They work for one release, with a DeprecationWarning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["old_arguments", "old_names", "warn_renamed"]

C = TypeVar("C", bound=type[Any])


def warn_renamed(old: str, new: str) -> None:
    """Warn of an old name. Called by what stands in for it, which is called by whoever used it."""
    warnings.warn(f"{old} is called {new} now; the old name goes with the next release", DeprecationWarning, 3)


def _alias(old: str, new: str) -> property:
    def get(self: Any) -> Any:
        warn_renamed(old, new)
        return getattr(self, new)

    return property(get, doc=f"Old name of `{new}`.")


def old_names(**names: str) -> Callable[[C], C]:
    """Class decorator: attributes and methods by their old names, `old="new"`."""

    def decorate(cls: C) -> C:
        for old, new in names.items():
            setattr(cls, old, _alias(old, new))
        return cls

    return decorate


def old_arguments(**names: str) -> Callable[[C], C]:
    """As `old_names`, of a class that is made with them: its arguments too have their old names."""

    def decorate(cls: C) -> C:
        make = cls.__init__

        @functools.wraps(make)
        def init(self: Any, *given: Any, **values: Any) -> None:
            for old in names.keys() & values.keys():
                warn_renamed(old, names[old])
                values[names[old]] = values.pop(old)
            make(self, *given, **values)

        cls.__init__ = init
        return old_names(**names)(cls)

    return decorate
