"""`--listen HOST:PORT`: where a worker is watched."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import ConfigurationError
from ..console import echo
from ..ledger_url import open_postgres

if TYPE_CHECKING:
    from ...metrics import PrometheusMetrics
    from .server import WorkerServer

__all__ = ["ListenOption", "address_of", "watched"]

ListenOption = Annotated[
    str | None,
    typer.Option("--listen", help="Serve /healthz, /readyz and /metrics at HOST:PORT, such as 127.0.0.1:9100."),
]


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:9100", ":9100" (every address) or "[::1]:9100". Raises ConfigurationError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigurationError(f"--listen {listen}: give HOST:PORT, such as 127.0.0.1:9100")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ConfigurationError(f"--listen {listen}: put the IPv6 address into brackets")
    return host.strip("[]"), int(port)


def _new_metrics() -> PrometheusMetrics:
    """Raises ConfigurationError where the extra is not installed."""
    try:
        from ...metrics import PrometheusMetrics
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise ConfigurationError('--listen needs the extra: pip install "paycools-async[metrics]"') from None
    return PrometheusMetrics()


@contextlib.asynccontextmanager
async def watched(listen: str | None, ledger: str) -> AsyncIterator[WorkerServer | None]:
    """Serve at this address while the body runs; None: nowhere. Raises ConfigurationError, and Broken."""
    if listen is None:
        yield None
        return
    address, metrics = address_of(listen), _new_metrics()
    from .server import WorkerServer

    server = WorkerServer(metrics, lambda: open_postgres(ledger, None, create=False, read_only=True))
    async with server.serving(*address) as url:
        echo(f"watched at {url}: /healthz, /readyz, /metrics")
        yield server
