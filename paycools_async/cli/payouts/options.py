"""The options that several commands of `paycools payouts` share."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from ...countries import PAYOUT_COUNTRIES
from ...texts import encodable
from ..console import given, refuse

__all__ = [
    "BEFORE",
    "FILE",
    "SENDING",
    "TROUBLE",
    "AbsentOption",
    "AdoptOption",
    "ApiOption",
    "BatchesOption",
    "ByOption",
    "CodesOption",
    "ConcurrencyOption",
    "CountOption",
    "CountryOption",
    "DetachOption",
    "DryRunOption",
    "EncodingOption",
    "FileArgument",
    "IgnoreOption",
    "LedgerApiOption",
    "LedgerOption",
    "MarginOption",
    "PlainNamesOption",
    "RateOption",
    "RecoverOption",
    "ReportOption",
    "ResendsOption",
    "SandboxOption",
    "ShortOption",
    "TimeoutOption",
    "TotalOption",
    "WaitOption",
    "WatchOption",
    "YesOption",
    "as_stored",
    "chosen_country",
]

# what --help shows together, behind what is used every day
FILE = "How the file is read"
BEFORE = "What must be so before anything is sent"
SENDING = "How it is sent and followed"
TROUBLE = "After trouble"

FileArgument = Annotated[Path, typer.Argument(help="CSV, JSONL or XLSX; columns are the payout's fields.")]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", help="The ledger: FILE.db, or postgresql://...; else PAYCOOLS_LEDGER.", metavar="LEDGER"),
]
SandboxOption = Annotated[bool, typer.Option("--sandbox", help="Pay into a sandbox on this machine; no money moves.")]
ConcurrencyOption = Annotated[
    int, typer.Option(min=1, max=2000, help="Payouts in flight at a time.", metavar="N", rich_help_panel=SENDING)
]
RateOption = Annotated[
    float | None,
    typer.Option(min=0.001, help="New payouts a second; no limit by default.", metavar="N", rich_help_panel=SENDING),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ReportOption = Annotated[
    Path | None,
    typer.Option(help="Write report.html, payouts.csv and summary.json into this folder.", metavar="FOLDER"),
]
WaitOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="End when nothing moved for so many seconds; 60, and longer for unclear payouts.",
        metavar="SECONDS",
        rich_help_panel=SENDING,
    ),
]
WatchOption = Annotated[bool, typer.Option("--watch", help="Show every change until all is final; Ctrl-C ends it.")]
AbsentOption = Annotated[
    float,
    typer.Option(
        min=1,
        help="Seconds, beyond --timeout, that an order must not be found before it is sent again.",
        metavar="SECONDS",
        rich_help_panel=SENDING,
    ),
]
ResendsOption = Annotated[
    int,
    typer.Option(
        min=0, help="How often one payout may be sent again after that.", metavar="N", rich_help_panel=SENDING
    ),
]
AdoptOption = Annotated[
    bool,
    typer.Option(
        "--adopt", help="Take orders that PayCools had before for this ledger's payouts.", rich_help_panel=TROUBLE
    ),
]
RecoverOption = Annotated[
    bool,
    typer.Option(
        "--recover",
        help="Go on with a ledger file that lost a part: PayCools is asked about every row.",
        rich_help_panel=TROUBLE,
    ),
]


def as_stored(value: str | None) -> str | None:
    """A text from the command line as a ledger can hold it."""
    return None if value is None else encodable(value)


ByOption = Annotated[
    str | None,
    typer.Option("--by", callback=as_stored, help="Who does this, for the log; by default user@host.", metavar="NAME"),
]
BatchesOption = Annotated[
    list[int] | None, typer.Option("--batch", help="Only this batch; repeat for several.", metavar="N")
]
CountOption = Annotated[
    int | None,
    typer.Option(min=0, help="Send nothing unless it is so many payouts.", metavar="N", rich_help_panel=BEFORE),
]
TotalOption = Annotated[
    str | None,
    typer.Option(
        help="Send nothing unless they come to this amount, such as 10002.00.", metavar="AMOUNT", rich_help_panel=BEFORE
    ),
]
ShortOption = Annotated[
    bool,
    typer.Option(
        "--ignore-balance", help="Start even if the balance does not cover the total.", rich_help_panel=BEFORE
    ),
]
TimeoutOption = Annotated[
    float, typer.Option(min=0.1, help="Seconds that one call may take.", metavar="SECONDS", rich_help_panel=SENDING)
]
MarginOption = Annotated[
    float | None,
    typer.Option(
        min=0.5,
        help="PostgreSQL: seconds of a row's lease beyond --timeout; 20 by default.",
        metavar="SECONDS",
        rich_help_panel=SENDING,
    ),
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="PostgreSQL: leave the sending to `payouts worker`.", rich_help_panel=SENDING)
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what a yes would send, and end: nothing is entered, released or sent.")
]
ApiOption = Annotated[str, typer.Option("--api", help="ph or global.", metavar="API")]
LedgerApiOption = Annotated[
    str | None, typer.Option("--api", help="ph or global; by default what the ledger was paid through.", metavar="API")
]
CountryOption = Annotated[
    str | None, typer.Option("--country", help="With --api global: PH, ID, MY or TH.", metavar="COUNTRY")
]
EncodingOption = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="How the text is encoded, such as cp1252; UTF-8 by default.",
        metavar="NAME",
        rich_help_panel=FILE,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-column", help="Pass this column over; repeat for several.", metavar="COLUMN", rich_help_panel=FILE
    ),
]
CodesOption = Annotated[
    Path | None,
    typer.Option(
        "--codes",
        help="Take only the codes of banks and wallets in this file, one a line.",
        metavar="FILE",
        rich_help_panel=FILE,
    ),
]
PlainNamesOption = Annotated[
    bool,
    typer.Option(
        "--plain-names", help="Send names in letters that PayCools takes, n for ñ; lists them.", rich_help_panel=FILE
    ),
]


def chosen_country(api: str, country: str | None, allowed: Collection[str] = PAYOUT_COUNTRIES) -> str | None:
    """The Global API's country, or None for the PH API. The letters of both may be small or capital."""
    api, country = api.lower(), None if country is None else country.upper()
    fault = None
    if api not in ("ph", "global"):
        fault = f"--api {given(api)}: ph or global"
    elif api == "ph" and country not in (None, "PH"):
        fault = "--country goes with --api global"
    elif api == "global" and country not in allowed:
        fault = f"--api global needs --country: {', '.join(allowed)}"
    if fault is not None:
        refuse(fault)
    return country if api == "global" else None
