"""A file's payouts until somebody's yes: entered, released just as they were shown, or taken back.

`pay_file` and `paycools payouts run` both stand on this; they differ in whom they ask, and in what they say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

import attrs

from .files import OrderFile, Reading
from .files.repeats import Repeats
from .intake import enter_file
from .ledger.base import Batch, Intake, Ledger, Offer
from .run.payout_api import PayoutApi
from .states import State

__all__ = ["FileBatches", "LeftOut", "PendingBatch", "TakenBack", "Waiting", "batches_of_file", "waiting_in"]


@attrs.frozen(kw_only=True)
class Waiting:
    """A batch's rows that wait for a yes, as they are shown. `amount` in minor units."""

    batch: int
    rows: int
    amount: int


def waiting_in(batches: Iterable[Batch]) -> list[Waiting]:
    """What waits for a yes."""
    offered = [(batch.id, *batch.counts.get(State.OFFERED, (0, 0))) for batch in batches]
    return [Waiting(batch=number, rows=rows, amount=amount) for number, rows, amount in offered if rows]


# -- which batches --------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LeftOut:
    """A batch that some of the file's rows are in, and that cannot be sent with them.

    It may still send rows that are not in the file (`offer.unsent_elsewhere`); or it is offered, and needs a yes of
    its own.
    """

    offer: Offer
    offered: bool


@attrs.frozen(kw_only=True)
class FileBatches:
    """The batches that a file's rows are in: those to be sent, and those that cannot be sent with them."""

    driven: tuple[int, ...]
    left_out: tuple[LeftOut, ...]


def batches_of_file(intake: Intake, batches: Collection[Batch], *, offering: bool = False) -> FileBatches:
    """The new batch, and each earlier one that may be sent with it: one yes releases one batch, and all of it.

    `offering`: nothing is released now, so any number of batches may stay offered.
    """
    driven = [] if intake.batch is None else [intake.batch]
    left_out: list[LeftOut] = []
    offered = {each.batch for each in waiting_in(batches)} & {offer.batch for offer in intake.known_in}
    for offer in intake.known_in:
        another_yes = offer.batch in offered and not offering and (intake.batch is not None or len(offered) > 1)
        if offer.unsent_elsewhere or another_yes:
            left_out.append(LeftOut(offer=offer, offered=offer.batch in offered))
        else:
            driven.append(offer.batch)
    return FileBatches(driven=tuple(driven), left_out=tuple(left_out))


# -- the yes, or none -----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TakenBack:
    """What became of a batch that nobody said yes to here. `amount` in minor units."""

    batch: int
    rows: int = 0
    amount: int = 0
    released_by: str | None = None
    """Another person has released it meanwhile, so it stays."""


@attrs.define(kw_only=True)
class PendingBatch:
    """The batch that this very run has entered: released by a yes, left for another person's, or taken back.

    A run that enters nothing new may release a batch through it too; it takes back only what it has entered itself.
    """

    ledger: Ledger
    by: str
    entered: int | None = None
    """The batch that is taken back unless somebody says yes to it."""
    released: int | None = None
    """The batch that a yes of this run has released."""

    async def enter(
        self, api: PayoutApi, file: Path, reading: Reading | None = None
    ) -> tuple[Intake, Repeats, OrderFile]:
        """Enter a file's rows as offered. Raises FileError, LedgerError."""
        entry = await enter_file(self.ledger, api, file, self.by, reading)
        self.entered = entry[0].batch
        return entry

    async def release(self, waiting: Waiting, through: Callable[[Waiting], Awaitable[object]] | None = None) -> None:
        """The yes to just what was shown; `through` writes it in another way than `Ledger.release`.

        Raises Changed where it is no longer that; nothing is released then. Cancelled, it ends when it is known
        whether the yes is in the ledger: `released` says so.
        """
        releasing = asyncio.ensure_future(self._release(waiting, through))
        try:
            await asyncio.shield(releasing)
        except asyncio.CancelledError:
            await asyncio.wait([releasing])
            if not releasing.cancelled() and releasing.exception() is None:
                self._note_release(waiting.batch)
            raise
        self._note_release(waiting.batch)

    async def _release(self, waiting: Waiting, through: Callable[[Waiting], Awaitable[object]] | None) -> None:
        if through is not None:
            await through(waiting)
        else:
            await self.ledger.release(waiting.batch, by=self.by, rows=waiting.rows, amount=waiting.amount)

    def _note_release(self, batch: int) -> None:
        self.released = batch
        if self.entered == batch:
            self.entered = None

    def leave_offered(self) -> None:
        """What was entered stays, and waits for another person's yes."""
        self.entered = None

    async def take_back(self) -> TakenBack | None:
        """Take back what this run entered, once; None where there is nothing. Raises LedgerError.

        What another person released meanwhile is that person's, and stays.
        """
        batch, self.entered = self.entered, None
        return None if batch is None else await asyncio.shield(self._withdraw(batch))

    async def _withdraw(self, number: int) -> TakenBack:
        for batch in await self.ledger.batches():
            by = [entry.by for entry in batch.log if batch.id == number and entry.event == "release"]
            if by:
                return TakenBack(batch=number, released_by=by[0])
        taken = await self.ledger.withdraw(by=self.by, batch=number)
        return TakenBack(batch=number, rows=taken.rows, amount=taken.amount)
