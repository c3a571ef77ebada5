"""A file on its way into a ledger: read once, unchanged meanwhile, all of it or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...batch import FileError, Identity, Ledger, Order, OrderFile, PayoutApi, Reading, RowError, SQLiteLedger
from ...batch.files.codes import read_codes
from ...batch.files.repeats import Repeats
from ...batch.ledger.base import Intake, Source
from ..console import echo, echo_error
from .showing import hint

__all__ = ["check_file", "enter_file", "reading_of", "tell_bad_rows", "tell_file", "tell_repeats"]


def reading_of(encoding: str | None, ignore_column: list[str] | None, codes: Path | None, plain_names: bool) -> Reading:
    """How a file is to be read, by a command's options. Raises ConfigurationError for a list of codes that is none."""
    return Reading(
        encoding=encoding,
        ignored=tuple(ignore_column or ()),
        codes=None if codes is None else read_codes(codes),
        codes_name="the list of codes" if codes is None else codes.name,
        plain_names=plain_names,
    )


async def enter_file(
    ledger: Ledger, api: PayoutApi, path: Path, by: str, how: Reading | None = None
) -> tuple[Intake, Repeats, OrderFile]:
    """Enter a file's rows as offered. Raises FileError, and enters nothing, where the file changes while it is read.

    Whoever cancels this has entered nothing either.
    """
    before = await asyncio.to_thread(_sha256, path)
    repeats, stopped = Repeats(), threading.Event()
    file = OrderFile(path, api.request_class, api.currency, how)
    orders = _unchanged(repeats.watching(file), path, before, stopped)
    source = Source(file=path.name, sha256=before, by=by)
    entering = asyncio.ensure_future(ledger.intake(orders, api.text_of, source))
    try:
        return await asyncio.shield(entering), repeats, file
    except asyncio.CancelledError:
        stopped.set()
        found = (await asyncio.gather(entering, return_exceptions=True))[0]
        if isinstance(found, Intake) and found.batch is not None:  # it was read to its end already
            await asyncio.shield(ledger.withdraw(by=by, batch=found.batch))
        raise


async def check_file(
    path: Path, request_class: type[Any], currency: str, how: Reading | None = None
) -> tuple[Intake, Repeats, OrderFile]:
    """What would come of entering a file into a new ledger. Makes no file that stays."""
    repeats, file = Repeats(), OrderFile(path, request_class, currency, how)
    with tempfile.TemporaryDirectory() as folder:
        ledger = await SQLiteLedger.open(Path(folder, "check.db"), Identity(family="ph", app_id="", host=""))
        try:
            # the ledger lasts no longer than this: nothing will be held against a row's content
            found = await ledger.intake(repeats.watching(file), lambda request: str(request.mch_order_id))
        finally:
            await ledger.aclose()
    return found, repeats, file


class _Stopped(Exception):
    """Nobody wants the file any more."""


def _unchanged(
    orders: Iterable[Order | RowError], path: Path, before: str, stopped: threading.Event
) -> Iterator[Order | RowError]:
    for order in orders:
        if stopped.is_set():
            raise _Stopped
        yield order
    if _sha256(path) != before:
        raise FileError(f"{path.name}: the file was changed while it was read; nothing was entered, nothing was sent")


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    try:
        if path.exists() and not path.is_file():
            raise FileError(f"{path}: is no file")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    return found.hexdigest()


def tell_bad_rows(file: Path, found: Intake, ledger: str | None = None) -> bool:
    """List every fault of a file; whether there was one. `ledger`: as it was given, where one was asked."""
    for error in found.errors:
        told = str(error)
        if ledger is not None:  # what to type is said where the ledger is not known by its name
            told = told.replace("`paycools payouts withdraw ", f"`{hint('withdraw', ledger)} ")
        echo_error(f"{file.name}: {told}")
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


def tell_repeats(file: Path, repeats: Repeats) -> None:
    """Warn of what looks like one payment under two order ids."""
    for first, again in repeats.found:
        echo_error(f"warning: {file.name}: lines {first} and {again} have the same account, name and amount")
    if repeats.count > len(repeats.found):
        echo_error(f"warning: {file.name}: and {repeats.count - len(repeats.found)} more such lines")
