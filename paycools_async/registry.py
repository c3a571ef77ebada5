"""Every endpoint there is: the SDK's own, and those that a program has added with `@endpoint`."""

from __future__ import annotations

from collections.abc import Iterator

from . import global_api, ph
from .endpoint import Endpoint, registered
from .lazy import loaded

__all__ = ["endpoints"]


def endpoints() -> Iterator[Endpoint]:
    """Every descriptor, requests and callbacks, in the order of PayCools' navigation; added ones come last."""
    place: dict[str, int] = {}
    for package, modules in ((ph.__name__, ph.MODULES), (global_api.__name__, global_api.MODULES)):
        for module in loaded(package, modules):
            place[module.__name__] = len(place)
    return iter(sorted(registered(), key=lambda entry: place.get(entry.request.__module__, len(place))))
