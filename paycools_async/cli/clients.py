"""The client that a command talks through: the real PayCools, by the environment's settings, or a ledger's sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ..batch.run.payout_api import payouts_of
from ..client import PayCoolsGlobal, PayCoolsPH
from ..transports import AiohttpTransport
from .sandbox import open_sandbox

__all__ = ["choose_network", "network", "open_client", "payouts_of"]

_CHOSEN: ContextVar[tuple[str | None, Path | None]] = ContextVar("paycools_network", default=(None, None))


def choose_network(proxy: str | None, ca_file: Path | None) -> None:
    """What `--proxy` and `--ca-file` say, for the command that follows them."""
    _CHOSEN.set((proxy, ca_file))


def network(**options: Any) -> AiohttpTransport:
    """By way of the chosen proxy, or of the environment's HTTPS_PROXY. Raises ConfigurationError."""
    proxy, ca_file = _CHOSEN.get()
    return AiohttpTransport(proxy=proxy, trust_env=proxy is None, ca_file=ca_file, **options)


@contextlib.asynccontextmanager
async def open_client(
    country: str | None, sandbox: Path | None = None, **options: Any
) -> AsyncIterator[PayCoolsPH | PayCoolsGlobal]:
    """The Global API's client for a country, the PH API's for None. `sandbox`: the ledger whose sandbox is meant."""
    async with contextlib.AsyncExitStack() as stack:
        fake = None
        if sandbox is not None:
            box = await stack.enter_async_context(open_sandbox(sandbox, country))
            fake, options["base_url"] = box.fake, box.base_url
        else:
            options["transport"] = network(max_connections=options.pop("max_connections", 100))
        client: PayCoolsPH | PayCoolsGlobal
        if country is None:
            client = PayCoolsPH(fake.ph_credentials, **options) if fake else PayCoolsPH.from_env(**options)
        else:
            client = PayCoolsGlobal(fake.global_credentials, **options) if fake else PayCoolsGlobal.from_env(**options)
        yield await stack.enter_async_context(client)
