"""What a command pays through, and the folder that it writes its report into."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from ...batch import PayoutApi
from ...batch.report.templating import need_templates
from ...batch.report.write import FILES
from ...errors import ConfigurationError, PayCoolsError
from ...hooks import Observer
from ...transports.base import Transport
from ..clients import open_client, payouts_of
from ..destination import Destination
from ..exit_codes import Broken
from ..ledger_url import reading, shown
from .options import chosen_country
from .run.reach import Reach, Watched
from .showing import sandbox_option

__all__ = ["Paying", "country_of", "open_api", "try_folder"]


@attrs.frozen(kw_only=True)
class Paying:
    """What payouts go through, and where that leads."""

    api: PayoutApi
    destination: Destination
    reach: Reach


@contextlib.asynccontextmanager
async def open_api(
    country: str | None,
    *,
    concurrency: int,
    call_timeout: float = 30.0,
    sandbox: Path | None = None,
    observers: Sequence[Observer] = (),
) -> AsyncIterator[Paying]:
    """The API to pay through: the real one by the environment's settings, or a ledger's embedded sandbox."""
    reach = Reach()

    def watch(transport: Transport) -> Transport:
        return Watched(transport, reach)

    options: dict[str, Any] = {"max_connections": concurrency, "timeout": call_timeout, "observers": observers}
    async with open_client(country, sandbox, watch=watch, **options) as client:
        destination = Destination.of(client, country, embedded=sandbox is not None)
        yield Paying(api=payouts_of(client, country), destination=destination, reach=reach)


async def country_of(api: str | None, country: str | None, ledger: str, *, sandbox: bool) -> str | None:
    """The Global API's country, or None for the PH API: as it is asked for, else as the ledger was paid through.

    Raises ConfigurationError where that was a sandbox of --sandbox, and `sandbox` is not asked for.
    """
    if api is None and country is None:
        try:
            async with reading(ledger) as found:
                details = await found.destination()
        except PayCoolsError:  # told when the ledger is opened for what was asked
            details = {}
        if sandbox_option(details) and not sandbox:
            raise ConfigurationError(f"{shown(ledger)} was paid from with --sandbox: give that again; nothing was sent")
        if details.get("api") == "Global API":
            return chosen_country("global", details.get("country"))
    return chosen_country(api or "ph", country)


def try_folder(folder: Path) -> None:
    """Leaves nothing but the folder.

    Raises Broken where a report could not be written there, ConfigurationError where it cannot be made here.
    """
    need_templates()
    trial = folder / ".trial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_text("x")
        trial.unlink()
        for name in FILES:
            if (folder / name).exists():
                (folder / name).open("ab").close()
    except OSError as error:
        raise Broken(f"--report {folder}: {error.strerror}; nothing was sent") from None
