"""What a command pays through, and the folder that it writes its report into."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import typer

from ...batch import PayoutApi
from ...batch.report.templating import need_templates
from ...batch.report.write import FILES
from ...countries import PAYOUT_COUNTRIES
from ..clients import open_client, payouts_of
from ..console import echo_error
from ..destination import Destination
from ..exit_codes import BAD_INPUT, Broken

__all__ = ["Paying", "chosen_country", "open_api", "try_folder"]


@attrs.frozen(kw_only=True)
class Paying:
    """What payouts go through, and where that leads."""

    api: PayoutApi
    destination: Destination


@contextlib.asynccontextmanager
async def open_api(
    country: str | None, *, concurrency: int, call_timeout: float = 30.0, sandbox: Path | None = None
) -> AsyncIterator[Paying]:
    """The API to pay through: the real one by the environment's settings, or a ledger's embedded sandbox."""
    async with open_client(country, sandbox, max_connections=concurrency, timeout=call_timeout) as client:
        destination = Destination.of(client, country, embedded=sandbox is not None)
        yield Paying(api=payouts_of(client, country), destination=destination)


def chosen_country(api: str, country: str | None) -> str | None:
    """The Global API's country, or None for the PH API."""
    fault = None
    if api not in ("ph", "global"):
        fault = f"--api {api}: ph or global"
    elif api == "ph" and country not in (None, "PH"):
        fault = "--country goes with --api global"
    elif api == "global" and country not in PAYOUT_COUNTRIES:
        fault = f"--api global needs --country: {', '.join(PAYOUT_COUNTRIES)}"
    if fault is not None:
        echo_error(f"error: {fault}")
        raise typer.Exit(BAD_INPUT)
    return country if api == "global" else None


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
