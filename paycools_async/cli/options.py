"""The options that several commands of `paycools payouts` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AbsentOption",
    "ApiOption",
    "ConcurrencyOption",
    "CountryOption",
    "DetachOption",
    "FileArgument",
    "LedgerOption",
    "MarginOption",
    "RateOption",
    "ReportOption",
    "SandboxOption",
    "ShortOption",
    "TimeoutOption",
    "WaitOption",
    "YesOption",
]

FileArgument = Annotated[Path, typer.Argument(help="CSV, JSONL or XLSX; columns are the payout's fields.")]
LedgerOption = Annotated[str | None, typer.Option("--ledger", help="The ledger: FILE.db, or postgresql://...")]
SandboxOption = Annotated[bool, typer.Option("--sandbox", help="Pay into a sandbox on this machine; no money moves.")]
ConcurrencyOption = Annotated[int, typer.Option(min=1, max=2000, help="Payouts in flight at a time.")]
RateOption = Annotated[float | None, typer.Option(min=0.001, help="New payouts a second; no limit by default.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ReportOption = Annotated[
    Path | None, typer.Option(help="Write report.html, payouts.csv and summary.json into this folder.")
]
WaitOption = Annotated[float, typer.Option(min=0, help="End when nothing moved forward for so many seconds.")]
AbsentOption = Annotated[
    float, typer.Option(min=0, help="Seconds between the two inquiries that must both find nothing before a re-send.")
]
ShortOption = Annotated[
    bool, typer.Option("--ignore-balance", help="Start even if the balance does not cover the total.")
]
TimeoutOption = Annotated[float, typer.Option(min=0.1, help="Seconds that one call may take.")]
MarginOption = Annotated[
    float | None, typer.Option(min=0.5, help="PostgreSQL: seconds that a row is lent beyond --timeout; 20 by default.")
]
DetachOption = Annotated[bool, typer.Option("--detach", help="PostgreSQL: leave the sending to `payouts worker`.")]
ApiOption = Annotated[str, typer.Option("--api", help="ph or global.")]
CountryOption = Annotated[str | None, typer.Option("--country", help="With --api global: PH, ID, MY or TH.")]
