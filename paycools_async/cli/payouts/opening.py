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
from ...hooks import Observer
from ..clients import open_client, payouts_of
from ..destination import Destination
from ..exit_codes import Broken

__all__ = ["Paying", "open_api", "try_folder"]


@attrs.frozen(kw_only=True)
class Paying:
    """What payouts go through, and where that leads."""

    api: PayoutApi
    destination: Destination


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
    options: dict[str, Any] = {"max_connections": concurrency, "timeout": call_timeout, "observers": observers}
    async with open_client(country, sandbox, **options) as client:
        destination = Destination.of(client, country, embedded=sandbox is not None)
        yield Paying(api=payouts_of(client, country), destination=destination)


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
