"""How commands reach PayCools: `--proxy`, `--ca-file` and `--path`, which stand before the command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..settings import parse_paths, paths_setting

if TYPE_CHECKING:
    from ..transports import AiohttpTransport

__all__ = ["choose_network", "chosen_network", "chosen_paths", "network"]

_CHOSEN: ContextVar[tuple[str | None, Path | None]] = ContextVar("paycools_network", default=(None, None))
_PATHS: ContextVar[tuple[str, ...]] = ContextVar("paycools_paths", default=())


def choose_network(proxy: str | None, ca_file: Path | None, paths: Iterable[str] = ()) -> None:
    """What `--proxy`, `--ca-file` and `--path` say, for the command that follows them."""
    _CHOSEN.set((proxy, ca_file))
    _PATHS.set(tuple(paths))


def chosen_paths(family: str) -> dict[str, str] | None:
    """The paths of `--path` for this API ("ph", "global"), beside those of the environment.

    None where there are none. Raises ConfigurationError.
    """
    every = parse_paths(_PATHS.get(), "--path")
    for id in every:
        if not id.startswith(("ph.", "global.")):
            raise ConfigurationError(f"--path: there is no endpoint {id!r}; `paycools endpoints` lists them")
    variable = f"PAYCOOLS_{family.upper()}_PATHS"
    given = {id: path for id, path in every.items() if id.startswith(f"{family}.")}
    return {**(paths_setting(os.environ, variable) or {}), **given} or None


def chosen_network() -> tuple[str | None, Path | None]:
    """The proxy and the file of authorities that were given, if any."""
    return _CHOSEN.get()


def network(**options: Any) -> AiohttpTransport:
    """By way of the chosen proxy, or of the environment's HTTPS_PROXY. Raises ConfigurationError."""
    from ..transports import AiohttpTransport

    proxy, ca_file = _CHOSEN.get()
    return AiohttpTransport(proxy=proxy, trust_env=proxy is None, ca_file=ca_file, **options)
