"""What a run was asked to do."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path

import attrs

from ....batch import Options, Reading

__all__ = ["Plan", "whoami"]


@attrs.frozen(kw_only=True)
class Plan:
    """What a run was asked to do. `file`: pay it; without one, go on with `batches` of the ledger."""

    file: Path | None
    country: str | None
    """The Global API's; None pays through the PH API."""
    ledger: str
    sandbox: bool
    options: Options
    yes: bool
    by: str
    report: Path | None
    ignore_balance: bool
    batches: tuple[int, ...] = ()
    offer: bool = False
    """Enter the file and send nothing: another person releases it."""
    release: int | None = None
    """The batch that waits for this yes."""
    adopt: bool = False
    recover: bool = False
    expect_count: int | None = None
    expect_total: str | None = None
    reading: Reading = attrs.field(factory=Reading)
    """How the file is to be read."""
    timeout: float = 30.0
    lease_margin: float | None = None
    detach: bool = False
    """Leave the sending to workers."""


def whoami() -> str:
    """user@host, for the log."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
