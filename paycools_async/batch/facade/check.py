"""A file, checked: every fault with its line and column. Nothing is sent, and no ledger is made."""

from __future__ import annotations

import os

import attrs

from ...countries import COUNTRIES, PHILIPPINES
from ..files import OrderFile, Reading, RowError
from ..files.repeats import Repeats
from ..intake import check_file as check_rows
from ..ledger.base import Intake
from ..run.payout_api import check_country, payout_request
from .given import path_of

__all__ = ["FileCheck", "check_file", "warnings_of"]


@attrs.frozen(kw_only=True)
class FileCheck:
    """What is in a file. `amount` in minor units of `currency`; both sums are of the rows without a fault."""

    file: str
    payouts: int
    amount: int
    currency: str
    errors: tuple[RowError, ...]
    """The faults, at most 10,000: `line`, `column`, `reason`. They hold no account number and no name."""
    more_errors: int
    """How many faults there are beyond those."""
    warnings: tuple[str, ...]
    """What a person should look at: codes that are not known, the same payment under two order ids."""
    notes: tuple[str, ...]
    """How it was read: how many rows, with which delimiter and encoding, which names in plain spelling."""

    @property
    def ok(self) -> bool:
        """Whether it can be paid as it is: there are payouts in it, and no faults."""
        return bool(self.payouts) and not self.errors


async def check_file(
    file: str | os.PathLike[str], *, country: str | None = None, reading: Reading | None = None
) -> FileCheck:
    """Check every row of a file, as `paycools payouts check` does. Needs no client and no ledger.

    `country`: pays through the Global API, in this country; None: through the PH API. What a ledger has already is not
    looked at. Raises FileError where the file cannot be read, ConfigurationError for a country without payouts.
    """
    check_country(country)
    currency, path = COUNTRIES[country or PHILIPPINES.code].currency, path_of(file)
    found, repeats, read = await check_rows(path, payout_request(country), currency, reading)
    return file_check_of(path.name, currency, found, repeats, read)


def file_check_of(name: str, currency: str, found: Intake, repeats: Repeats, read: OrderFile) -> FileCheck:
    """What `batch.intake.check_file` has found, for a caller."""
    return FileCheck(
        file=name,
        payouts=found.new,
        amount=found.total,
        currency=currency,
        errors=tuple(found.errors),
        more_errors=found.more_errors,
        warnings=warnings_of(repeats, read),
        notes=(read.counted, *read.notes, *(f"sent in plain spelling: {each}" for each in read.spelled)),
    )


def warnings_of(repeats: Repeats, read: OrderFile) -> tuple[str, ...]:
    """What a person should look at before saying yes."""
    twice = [f"lines {first} and {again} have the same account, name and amount" for first, again in repeats.found]
    more = repeats.count - len(repeats.found)
    return (*read.warnings, *twice, *([f"and {more} more such lines"] if more > 0 else []))
