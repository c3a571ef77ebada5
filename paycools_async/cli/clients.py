"""The client that a command talks through: the real PayCools, by the environment's settings, or a ledger's sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from ..batch.run.payout_api import payouts_of
from ..client import PayCoolsGlobal, PayCoolsPH
from ..errors import ConfigurationError
from ..transports.base import Transport
from .network import chosen_paths, network

__all__ = ["open_client", "payouts_of"]


@contextlib.asynccontextmanager
async def open_client(
    country: str | None,
    sandbox: Path | None = None,
    *,
    watch: Callable[[Transport], Transport] | None = None,
    **options: Any,
) -> AsyncIterator[PayCoolsPH | PayCoolsGlobal]:
    """The Global API's client for a country, the PH API's for None. `sandbox`: the ledger whose sandbox is meant.

    `watch` gets the transport, and returns one that watches it.
    """
    async with contextlib.AsyncExitStack() as stack:
        fake = None
        if sandbox is not None:
            from .tools.sandbox import open_sandbox

            box = await stack.enter_async_context(open_sandbox(sandbox, country))
            fake, options["base_url"] = box.fake, box.base_url
        else:
            options["paths"] = chosen_paths("ph" if country is None else "global")
            transport: Transport = network(max_connections=options.pop("max_connections", 100))
            options["transport"] = transport if watch is None else watch(transport)
        client: PayCoolsPH | PayCoolsGlobal
        if fake is None:
            client = _by_environment(PayCoolsPH if country is None else PayCoolsGlobal, options)
        elif country is None:
            client = PayCoolsPH(fake.ph_credentials, **options)
        else:
            client = PayCoolsGlobal(fake.global_credentials, **options)
        yield await stack.enter_async_context(client)


def _by_environment(cls: type[PayCoolsPH | PayCoolsGlobal], options: dict[str, Any]) -> PayCoolsPH | PayCoolsGlobal:
    try:
        return cls.from_env(**options)
    except ConfigurationError as error:
        if str(error).startswith("not set: "):
            raise ConfigurationError(
                f"{error}; `paycools doctor` looks at all settings, a sandbox needs none"
            ) from None
        raise
