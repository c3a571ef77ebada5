"""`paycools payouts failures` and `show`: what failed and why, and one payout's whole life."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...batch import Ledger, State
from ...batch.ledger.base import Batch, LedgerError
from ...batch.ledger.row import Row
from ...batch.ledger.timeline import PayoutMove
from ...batch.report.advice import MEANINGS, advice_for, name_of
from ...batch.report.again import Again, failed_rows, write_again
from ...money import format_major, from_minor
from ...texts import shown_text
from ..console import JsonOption, echo, echo_error, given, plain, present, run_command, speaks_json
from ..destination import destination_lines
from ..lazy_group import with_example
from ..ledger_url import reading, required_ledger, shown
from ..objects.base import amount_of as amount_object
from ..objects.base import place_of
from ..objects.ledgers import failure_groups, failure_object, moment_text
from ..objects.payouts import FailuresResult, MoveObject, ShowResult
from .options import BatchesOption, LedgerOption, as_stored
from .showing import amount_of, batch_name, chosen_batches, hint, sandbox_option, show_failures

__all__ = ["failures", "show_order"]

_SHOWN = 20
_EVENTS = {
    "offer": "entered from the file",
    "release": "a yes to its batch",
    "withdraw": "taken back",
    "send": "being sent",
    "not_sent": "nothing had left this machine; waits to be sent",
    "busy": "PayCools was too busy; waits to be sent",
    "held": "PayCools refused the merchant, not the order; waits",
    "accepted": "PayCools took it",
    "rejected": "PayCools refused it",
    "unclear": "sent, and no trustworthy answer",
    "crashed": "the run was cut off while it was sent",
    "duplicate": "PayCools said that it has this order id",
    "doubted": "refused by a code that is on no list: unclear",
    "lost": "a part of the ledger was lost: PayCools is asked",
    "found_pending": "PayCools has it, not final",
    "found_complete": "PayCools says that it is paid",
    "found_failed": "PayCools says that it failed",
    "found_earlier": "PayCools had this order id before",
    "absent": "PayCools does not have it, certainly",
    "mismatch": "PayCools knows this order id with other content",
    "adopt": "taken for this ledger's payout",
}
_DECIDED = {"release", "withdraw", "adopt"}
"""What a person decides; the batch's log says who."""


@with_example("paycools payouts failures --ledger wages.db --out again.csv")
def failures(
    ledger: LedgerOption = None,
    batch: BatchesOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write them into this new .csv or .jsonl, to be corrected; it proposes new order ids."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what failed, by reason, and write it into a file to correct. Sends nothing."""
    name = required_ledger(ledger)

    async def look() -> int:
        async with reading(name) as found:
            every = await found.batches()
            view = found.of_batches([each.id for each in (chosen_batches(every, batch)[0] if batch else every)])
            currency, groups = await found.currency(), await view.failures()
            again = None if out is None else await write_again(view, out)
            if speaks_json():
                rows = tuple([failure_object(row, currency) async for row in failed_rows(view)])
                failed = amount_object(len(rows), sum(row.amount_minor for row in rows), currency)
                present(
                    FailuresResult(
                        currency=currency,
                        failed=failed,
                        by_reason=failure_groups(groups, currency),
                        failures=rows,
                        out=None if out is None else str(out),
                        written=None if again is None else amount_object(again.rows, again.amount, currency),
                        entered={} if again is None else {old: new for old, new, _ in again.entered},
                        sent_twice=() if again is None else tuple(again.sent_twice),
                    )
                )
            elif out is None:
                await _list(view, currency)
        show_failures(groups, currency)
        if again is not None and out is not None:
            _tell_again(again, out, currency)
        return 0

    run_command(look, as_json=as_json)


async def _list(view: Ledger, currency: str) -> None:
    count = 0
    async for row in failed_rows(view):
        count += 1
        if count <= _SHOWN:
            why = shown_text(name_of(row.code, row.message or "", taken=bool(row.transaction_id)), 60)
            code = "" if row.code is None else f" ({row.code})"
            echo(f"{row.order_id}  line {row.line}  {format_major(row.amount, currency)}  {why}{code}")
    if count > _SHOWN:
        echo(f"and {count - _SHOWN} more; --out FILE or `payouts report` has them all")
    if not count:
        echo("no payout failed")


def _tell_again(again: Again, out: Path, currency: str) -> None:
    for old, new, state in again.entered[:_SHOWN]:
        echo_error(f"left out: {old} was entered again as {new}, which is {state}")
    if again.entered[_SHOWN:]:
        echo_error(f"left out: {len(again.entered) - _SHOWN} more that were entered again")
    for order_id in again.sent_twice[:_SHOWN]:
        echo_error(f"left out: {order_id} was sent twice; look in PayCools' portal that neither paid")
    if again.sent_twice[_SHOWN:]:
        echo_error(f"left out: {len(again.sent_twice) - _SHOWN} more that were sent twice")
    echo(f"{out}: {amount_of(again.rows, again.amount, currency)}, under new order ids; it holds account data")
    echo(f"Correct what is wrong there, then: paycools payouts check {out}")


# -- one payout -------------------------------------------------------------------------------------------------------


@with_example("paycools payouts show SALARY2026110001 --ledger wages.db")
def show_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER", callback=as_stored, help="Your order id.")],
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell one payout's whole life: what happened when, where it stands, and what to do. Shows no account data."""
    name = required_ledger(ledger)

    async def look() -> int:
        async with reading(name) as found:
            row = await found.get(order_id)
            if row is None:
                raise LedgerError(f"{given(shown_text(order_id, 80))}: this ledger has no such order")
            moves, batches = await found.history(order_id), {each.id: each for each in await found.batches()}
            currency, details = await found.currency(), {**await found.destination(), "ledger": shown(name)}
        for each in moves:  # of a batch that came of no file: an application's
            batches.setdefault(each.batch, _of_no_file(row))
        life = _life(row, moves, batches)
        batch = batches.setdefault(row.intake, _of_no_file(row))
        todo = _next(row, name, sandbox_option(details)) if row.line else _next_of_application(row)
        present(_object(row, life, batch, currency, details, todo))
        for line in destination_lines(details):
            echo(line)
        amount = format_major(row.amount, currency)
        source = f"{batch_name(batch)}, line {row.line}" if row.line else "submitted by an application"
        echo(f"{row.order_id}: {row.state.value}, {amount}, {source}")
        echo(f"  {MEANINGS[row.state]}")
        for move in life:
            by = f" by {plain(move.by)}" if move.by else ""
            told = _EVENTS.get(move.event, move.event)
            if move.event == "release" and not move.line:
                told = "submitted by the application, which is the yes"
            echo(f"  {move.at.replace('T', ' ')}  {move.state:<11}  {told}{by}")
        if row.transaction_id:
            echo(f"PayCools' id: {plain(row.transaction_id)}")
        if (reason := _reason(row)) is not None:
            echo(f"PayCools said: {reason}" + ("" if row.code is None else f" ({row.code})"))
        if row.resends:
            echo(f"It was sent again {row.resends} times; look in PayCools' portal that nobody was paid twice")
        if todo is not None:
            echo(f"What to do: {todo}")
        return 0

    run_command(look, as_json=as_json)


def _of_no_file(row: Row) -> Batch:
    return Batch(
        id=row.intake,
        file="",
        sha256="",
        payouts=1,
        amount=row.amount,
        offered_by="",
        offered_at=row.entered,
        counts={},
    )


def _life(row: Row, moves: list[PayoutMove], batches: dict[int, Batch]) -> tuple[MoveObject, ...]:
    """Its moves, each with who decided it, and before them that it was offered."""
    found: list[tuple[float, MoveObject]] = []
    places = dict.fromkeys([*((move.batch, move.line) for move in moves), (row.intake, row.line)])
    for number, line in places:
        if not line:  # an application's was never offered
            continue
        batch = batches[number]
        found.append((batch.offered_at, _move(batch.offered_at, "offer", "offered", batch.offered_by, number, line)))
    for move in moves:
        by = _who(batches[move.batch], move) if move.event in _DECIDED else None
        found.append((move.at, _move(move.at, move.event, move.state, by, move.batch, move.line)))
    found.sort(key=lambda each: each[0])  # stable: what happened at the same moment stays in its order
    return tuple(each for _, each in found)


def _move(at: float, event: str, state: str, by: str | None, batch: int, line: int) -> MoveObject:
    return MoveObject(at=moment_text(at), event=event, state=state, by=by or None, batch=batch, line=line)


def _who(batch: Batch, move: PayoutMove) -> str | None:
    """Who decided it: the entry of the batch's log that is nearest in time."""
    entries = [entry for entry in batch.log if entry.event == move.event]
    return min(entries, key=lambda entry: abs(entry.at - move.at)).by if entries else None


def _reason(row: Row) -> str | None:
    if row.state is State.FAILED:
        return shown_text(name_of(row.code, row.message or "", taken=bool(row.transaction_id)))
    return shown_text(row.message) if row.message else None


def _next(row: Row, ledger: str, more: list[str]) -> str | None:
    """What a person can do now. `more`: options of the command."""
    own = [f"--batch {row.intake}", *more]
    match row.state:
        case State.OFFERED:
            return f"say yes to its batch: {hint('release', ledger, *own)}"
        case State.PLANNED | State.SENDING | State.UNKNOWN | State.ACCEPTED:
            return f"go on with its batch: {hint('resume', ledger, *own)}"
        case State.FAILED:
            return advice_for(row.code, taken=bool(row.transaction_id))
        case State.CONFLICT:
            return "look it up in PayCools' portal before anything else; see docs/payouts.md, Conflicts"
        case State.PREEXISTING:
            return f"compare with PayCools' portal; if that payment is meant: {hint('resume', ledger, *own, '--adopt')}"
        case _:
            return None


def _next_of_application(row: Row) -> str | None:
    """The same where no command touches it."""
    match row.state:
        case State.OFFERED:
            return "the application submits it again: that is the yes"
        case State.PLANNED | State.SENDING | State.UNKNOWN | State.ACCEPTED:
            return "nothing: the application goes on with it as long as it runs"
        case State.PREEXISTING:
            return "compare with PayCools' portal; if that payment is meant, let the application call `adopt`"
        case _:
            return _next(row, "", [])


def _object(
    row: Row, life: tuple[MoveObject, ...], batch: Batch, currency: str, details: dict[str, str], todo: str | None
) -> ShowResult:
    return ShowResult(
        destination=place_of(details),
        mch_order_id=row.order_id,
        state=row.state.value,
        meaning=MEANINGS[row.state],
        next=todo,
        batch=row.intake,
        file=batch.file,
        line=row.line,
        currency=currency,
        amount=str(from_minor(row.amount, currency)),
        amount_minor=row.amount,
        code=row.code,
        reason=_reason(row),
        transaction_id=row.transaction_id,
        sent_again=row.resends,
        updated=moment_text(row.updated),
        history=life,
    )
