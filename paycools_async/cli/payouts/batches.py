"""`paycools payouts withdraw`, `batches` and `backup`: what a person decides about a ledger, and sees of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ...batch import Ledger, State
from ...batch.ledger.base import Batch
from ...errors import ConfigurationError
from ...money import format_major
from ..asking import asked, can_ask
from ..console import JsonOption, echo, echo_error, plain, present, run_command
from ..destination import destination_lines
from ..exit_codes import BAD_INPUT, BROKEN, Broken
from ..lazy_group import with_example
from ..ledger_url import is_postgres, open_ledger, reading, required_ledger, shown
from ..objects.base import place_of
from ..objects.ledgers import batch_object
from ..objects.payouts import BatchesResult
from .options import ByOption, LedgerOption, YesOption, as_stored
from .run.plan import whoami
from .showing import amount_of, batch_name, chosen_batches, hint, moment, sandbox_option, show_paused, states_of

__all__ = ["backup", "batches", "withdraw"]

_UNSENT = (State.OFFERED, State.PLANNED)
_DONE = {"offer": "offered", "release": "released", "withdraw": "taken back", "adopt": "adopted"}


@with_example("paycools payouts withdraw --ledger wages.db --batch 4")
def withdraw(
    ledger: LedgerOption = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Only this batch.")] = None,
    order_id: Annotated[str | None, typer.Option("--order-id", callback=as_stored, help="Only this order.")] = None,
    yes: YesOption = False,
    by: ByOption = None,
) -> None:
    """Take back what was never sent: of a batch, of one order, or of the whole ledger. May be used beside a run."""
    name = required_ledger(ledger)

    async def take_back() -> int:
        _try_to_write(name)
        found = await open_ledger(name, None, create=False, exclusive=False)
        try:
            currency = await found.currency()
            if not await _show_unsent(found, batch, order_id, currency):
                echo_error("error: there is nothing to take back; what was or may have been sent stays")
                return BAD_INPUT
            if not yes and not can_ask():
                echo_error("error: not a terminal, so nobody can be asked: give --yes; nothing was taken back")
                return BAD_INPUT
            if not yes and not asked("Take them back? They will not be sent"):
                echo_error("error: nobody said yes; nothing was taken back")
                return BAD_INPUT
            taken = await found.withdraw(by=by or whoami(), batch=batch, order_id=order_id)
        finally:
            await found.aclose()
        if not taken.rows:
            echo_error("error: nothing was taken back: it was sent meanwhile, or an application submitted it")
            return BAD_INPUT
        echo(f"taken back: {amount_of(taken.rows, taken.amount, currency)}")
        if taken.stay:
            echo(f"{taken.stay} stay: they were or may have been sent")
        return 0

    run_command(take_back)


def _try_to_write(ledger: str) -> None:
    """Raises Broken where a ledger's file is there, and cannot be written as SQLite does, with files beside it."""
    if is_postgres(ledger) or not os.path.exists(ledger):
        return
    for place in (ledger, os.path.dirname(ledger) or "."):
        if not os.access(place, os.W_OK):
            why = "cannot be written here; nothing was taken back"
            raise Broken(f"{shown(ledger)}: {why}. Mount it for writing, or run as its owner")


async def _show_unsent(ledger: Ledger, batch: int | None, order_id: str | None, currency: str) -> bool:
    """What would be taken back; whether it is anything."""
    every = await ledger.batches()
    if order_id is not None:
        row = await ledger.get(order_id)
        if row is None or row.state not in _UNSENT or row.resends or (batch is not None and row.intake != batch):
            return False
        echo(f"{order_id}: {row.state.value}, {format_major(row.amount, currency)}, batch {row.intake}")
        return True
    if batch is not None:
        every = chosen_batches(every, (batch,))[0]
    shown_states = [(each, states_of(each.counts, currency, _UNSENT)) for each in every]
    for each, states in shown_states:
        if states:
            echo(f"{batch_name(each)}: {states}")
    return any(states for _, states in shown_states)


@with_example("paycools payouts batches --ledger wages.db")
def batches(ledger: LedgerOption = None, as_json: JsonOption = False) -> None:
    """List a ledger's batches: the file, what became of it, and who offered, released and took back how much."""
    name = required_ledger(ledger)

    async def look() -> int:
        async with reading(name) as found:
            every, currency, details = await found.batches(), await found.currency(), await found.destination()
            paused = await found.paused()
        details["ledger"] = shown(name)
        present(
            BatchesResult(
                destination=place_of(details),
                currency=currency,
                paused=paused,
                batches=tuple(batch_object(batch, currency) for batch in every),
            )
        )
        for line in destination_lines(details):
            echo(line)
        if not every:
            echo("no batches")
        for batch in every:
            _show_batch(batch, currency)
            if batch.counts.get(State.OFFERED):
                echo(f"  waits for a yes: {hint('release', name, f'--batch {batch.id}', *sandbox_option(details))}")
        show_paused(paused, name, more=sandbox_option(details))
        return 0

    run_command(look, as_json=as_json)


def _show_batch(batch: Batch, currency: str) -> None:
    echo(f"{batch_name(batch)}: {amount_of(batch.payouts, batch.amount, currency)}")
    echo(f"  now: {states_of(batch.counts, currency)}")
    if batch.sha256:
        echo(f"  file: SHA-256 {batch.sha256}")
    for entry in batch.log:
        by = f" by {plain(entry.by)}" if entry.by else ""
        what = amount_of(entry.payouts, entry.amount, currency)
        echo(f"  {moment(entry.at)} {_DONE.get(entry.event, entry.event)}{by}: {what}")


@with_example("paycools payouts backup copy.db --ledger wages.db")
def backup(target: Annotated[Path, typer.Argument(help="The copy to make.")], ledger: LedgerOption = None) -> None:
    """Copy a ledger file, also while a run is going on. Never copy it by other means: a part may stay behind."""
    name = required_ledger(ledger)

    async def copy() -> int:
        if is_postgres(name):
            raise ConfigurationError("a PostgreSQL ledger is backed up as its database is: pg_dump")
        async with reading(name, refunds=True) as found:
            make: Any = getattr(found, "backup", None)
            if make is None:
                raise ConfigurationError("this version cannot back up a ledger")
            try:
                await make(target)
            except OSError as error:
                echo_error(f"error: {target}: {error.strerror or error}")
                return BROKEN
        echo(f"{shown(name)} was copied to {target}")
        return 0

    run_command(copy)
