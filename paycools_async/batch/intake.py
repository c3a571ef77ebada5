"""A file on its way into a ledger: read once, unchanged meanwhile, all of it or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from ..storage.regular_file import NotRegular, open_regular
from ..texts import encodable
from .files import FileError, Order, OrderFile, Reading, RowError
from .files.repeats import Repeats
from .files.text import MOST_BYTES
from .ledger.base import Counts, Identity, Intake, Ledger, Source
from .ledger.row import Row
from .ledger.sqlite.ledger import SQLiteLedger
from .report.preview import Preview, preview_of
from .run.payout_api import PayoutApi
from .states import State

__all__ = ["Rehearsal", "check_file", "enter_file", "rehearse_file"]


async def enter_file(
    ledger: Ledger, api: PayoutApi, path: Path, by: str, how: Reading | None = None
) -> tuple[Intake, Repeats, OrderFile]:
    """Enter a file's rows as offered. Raises FileError, and enters nothing, where the file changes while it is read.

    Whoever cancels this has entered nothing either.
    """
    before = await asyncio.to_thread(_sha256, path)
    repeats, file = Repeats(), OrderFile(path, api.request_class, api.currency, how)
    orders = _unchanged(_wanted(repeats.watching(file), file.stopped), path, before)
    source = Source(file=encodable(path.name), sha256=before, by=encodable(by))
    entering = asyncio.ensure_future(ledger.intake(orders, api.text_of, source))
    try:
        return await asyncio.shield(entering), repeats, file
    except asyncio.CancelledError:
        file.stopped.set()
        intake = (await asyncio.gather(entering, return_exceptions=True))[0]
        if isinstance(intake, Intake) and intake.batch is not None:  # it was read to its end already
            await asyncio.shield(ledger.withdraw(by=by, batch=intake.batch))
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
            orders = _wanted(repeats.watching(file), file.stopped)
            intake = await ledger.intake(orders, lambda request: str(request.mch_order_id))
        except asyncio.CancelledError:
            file.stopped.set()
            raise
        finally:
            await ledger.aclose()
    return intake, repeats, file


_TO_SEND = (State.OFFERED, State.PLANNED)


@attrs.frozen(kw_only=True)
class Rehearsal:
    """What would come of entering a file and of a yes to it. Nothing of it stays."""

    intake: Intake
    repeats: Repeats
    file: OrderFile
    preview: Preview
    """What would be sent for sure: what is new, and what the ledger has offered or released and not sent."""
    known: Counts
    """Where those stand that the ledger has from before; rows and minor units by state."""


async def rehearse_file(path: Path, api: PayoutApi, ledger: Ledger | None, how: Reading | None = None) -> Rehearsal:
    """What would come of entering a file into this ledger, or into a new one. Makes no file that stays."""
    repeats, file = Repeats(), OrderFile(path, api.request_class, api.currency, how)
    with tempfile.TemporaryDirectory() as folder:
        trial = await SQLiteLedger.open(Path(folder, "rehearsal.db"), api.identity)
        try:
            intake = await trial.intake(_wanted(repeats.watching(file), file.stopped), api.text_of)
            known: dict[str, Row] = {}
            if ledger is not None:
                known = await _known_in(ledger, trial, intake)
            not_to_send = {order_id for order_id, row in known.items() if row.state not in _TO_SEND}
            preview = await preview_of(trial, (State.OFFERED,), without=not_to_send)
        except asyncio.CancelledError:
            file.stopped.set()
            raise
        finally:
            await trial.aclose()
    counts: Counts = {}
    for row in known.values():
        rows, amount = counts.get(row.state, (0, 0))
        counts[row.state] = rows + 1, amount + row.amount
    return Rehearsal(intake=intake, repeats=repeats, file=file, preview=preview, known=counts)


async def _known_in(ledger: Ledger, trial: Ledger, intake: Intake) -> dict[str, Row]:
    """The rows that the ledger has from before, by order id; one with other content is an error of the intake."""
    known: dict[str, Row] = {}
    async for page in trial.pages():
        for row in page:
            there = await ledger.get(row.order_id)
            if there is None or there.state is State.WITHDRAWN:
                continue
            known[row.order_id] = there
            if there.digest != row.digest:
                intake.add_changed(row.line, row.order_id, there.intake, there.state.value)
    intake.known, intake.new = len(known), intake.new - len(known)
    return known


class _Stopped(Exception):
    """Nobody wants the file any more."""


def _wanted(orders: Iterable[Order | RowError], stopped: threading.Event) -> Iterator[Order | RowError]:
    for order in orders:
        if stopped.is_set():
            raise _Stopped
        yield order


def _unchanged(orders: Iterable[Order | RowError], path: Path, before: str) -> Iterator[Order | RowError]:
    yield from orders
    if _sha256(path) != before:
        raise FileError(f"{path.name}: the file was changed while it was read; nothing was entered, nothing was sent")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            left = os.fstat(file.fileno()).st_size
            if left > MOST_BYTES:
                raise FileError(f"{path.name}: has {left:,} bytes, must be at most {MOST_BYTES:,}")
            # what is added meanwhile changes the hash of the second look, and is not waited for
            while block := file.read(min(1 << 20, left + 1)):
                digest.update(block)
                left -= len(block)
                if left < 0:
                    break
    except NotRegular:
        raise FileError(f"{path}: is no file") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'no such name'}") from None
    return digest.hexdigest()
