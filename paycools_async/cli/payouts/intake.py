"""What is said of a file on its way into a ledger, and how it is to be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...batch import OrderFile, Reading
from ...batch.files.codes import read_codes
from ...batch.files.repeats import Repeats
from ...batch.ledger.base import Intake
from ..console import echo, echo_error
from ..destination import PRODUCTION
from .showing import hint

if TYPE_CHECKING:
    from ..objects.payouts import CheckResult

__all__ = ["check_object", "reading_of", "tell_bad_rows", "tell_file", "tell_repeats", "tell_template"]


def reading_of(encoding: str | None, ignore_column: list[str] | None, codes: Path | None, plain_names: bool) -> Reading:
    """How a file is to be read, by a command's options. Raises ConfigurationError for a list of codes that is none."""
    return Reading(
        encoding=encoding,
        ignored=tuple(ignore_column or ()),
        codes=None if codes is None else read_codes(codes),
        codes_name="the list of codes" if codes is None else codes.name,
        plain_names=plain_names,
    )


def check_object(file: Path, found: Intake, repeats: Repeats, read: OrderFile, currency: str) -> CheckResult:
    """What `check --json` prints. Others do not wait for the classes."""
    from ..objects.base import amount_of
    from ..objects.payouts import CheckResult, FaultObject

    return CheckResult(
        file=file.name,
        currency=currency,
        rows=read.rows,
        lines=read.lines,
        good=amount_of(found.new, found.total, currency),
        faults=tuple(FaultObject(line=each.line, column=each.column, reason=each.reason) for each in found.errors),
        more_faults=found.more_errors,
        warnings=tuple(read.warnings),
        notes=tuple(read.notes),
        spelled=tuple(read.spelled),
        same_payment=tuple(repeats.found),
    )


def tell_bad_rows(file: Path, found: Intake, ledger: str | None = None) -> bool:
    """List every fault of a file; whether there was one. `ledger`: as it was given, where one was asked."""
    for error in found.errors:
        line = str(error)
        if ledger is not None:  # what to type is said where the ledger is not known by its name
            line = line.replace("`paycools payouts withdraw ", f"`{hint('withdraw', ledger)} ")
        echo_error(f"{file.name}: {line}")
    if found.more_errors:
        echo_error(f"{file.name}: and {found.more_errors} more")
    if found.errors:
        rows = len({error.line for error in found.errors})
        echo_error(f"error: {rows} bad {'row' if rows == 1 else 'rows'}; nothing was sent")
        return True
    if not found.new and not found.known:
        echo_error(f"error: {file.name}: no payouts in it; nothing was sent")
        return True
    return False


def tell_file(file: Path, found: OrderFile) -> None:
    """How much was read and how, and what a person should look at before saying yes."""
    echo(f"{file.name}: {found.counted}")
    for note in found.notes:
        echo(f"{file.name}: {note}")
    for spelled in found.spelled:
        echo(f"{file.name}: sent in plain spelling: {spelled}")
    for warning in found.warnings:
        echo_error(f"warning: {file.name}: {warning}")


def tell_template(found: OrderFile, environment: str) -> bool:
    """Refuse the row of a template, or its payee, where it would be paid with real money; whether it was."""
    if environment != PRODUCTION:
        return False
    if found.sample is not None:
        echo_error(f"error: line {found.sample} is the row of the template, and nobody's payout; nothing was sent")
    elif found.sample_payee is not None:
        where = f"line {found.sample_payee} pays to the account of the template's row"
        echo_error(f"error: {where}, which is nobody's; nothing was sent")
    return found.sample is not None or found.sample_payee is not None


def tell_repeats(file: Path, repeats: Repeats) -> None:
    """Warn of what looks like one payment under two order ids."""
    for first, again in repeats.found:
        echo_error(f"warning: {file.name}: lines {first} and {again} have the same account, name and amount")
    if repeats.count > len(repeats.found):
        echo_error(f"warning: {file.name}: and {repeats.count - len(repeats.found)} more such lines")
