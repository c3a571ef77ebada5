"""How commands reach PayCools: `--proxy` and `--ca-file`, which stand before the command."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..transports import AiohttpTransport

__all__ = ["choose_network", "chosen_network", "network"]

_CHOSEN: ContextVar[tuple[str | None, Path | None]] = ContextVar("paycools_network", default=(None, None))


def choose_network(proxy: str | None, ca_file: Path | None) -> None:
    """What `--proxy` and `--ca-file` say, for the command that follows them."""
    _CHOSEN.set((proxy, ca_file))


def chosen_network() -> tuple[str | None, Path | None]:
    """The proxy and the file of authorities that were given, if any."""
    return _CHOSEN.get()


def network(**options: Any) -> AiohttpTransport:
    """By way of the chosen proxy, or of the environment's HTTPS_PROXY. Raises ConfigurationError."""
    from ..transports import AiohttpTransport

    proxy, ca_file = _CHOSEN.get()
    return AiohttpTransport(proxy=proxy, trust_env=proxy is None, ca_file=ca_file, **options)
