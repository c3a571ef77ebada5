"""`--dry-run`: what a run would enter and a yes would send, with nothing entered, nothing released, nothing sent."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ....batch import Ledger, PayoutApi, State
from ....batch.intake import Rehearsal, rehearse_file
from ....batch.run.outcomes import STOPS_RUN
from ....batch.run.payout_api import warn_of_path
from ....errors import PayCoolsError, UnexpectedAnswer
from ....money import format_major
from ...console import echo, echo_error, present
from ...destination import destination_lines
from ...exit_codes import BAD_INPUT
from ...ledger_url import is_postgres, reading, shown
from ...objects.base import place_of
from ...objects.ledgers import states_object
from ...objects.payouts import RunResult
from ..intake import tell_bad_rows, tell_file, tell_repeats, tell_template
from ..opening import Paying
from ..showing import amount_of, states_of
from .plan import Plan
from .preview import Shown

__all__ = ["end_of_rehearsal", "rehearse"]


_UNCLEAR = (State.SENDING, State.UNKNOWN)


def end_of_rehearsal(*, covered: bool) -> int:
    """The last line, and the exit code: 2 where a run would end before its question."""
    echo("Dry run: nothing was entered, nothing was released, nothing was sent.")
    return 0 if covered else BAD_INPUT


async def rehearse(plan: Plan, file: Path, paying: Paying) -> int:
    """Show what `run` would do with a file. Returns the exit code."""
    async with contextlib.AsyncExitStack() as stack:
        ledger: Ledger | None = None
        if is_postgres(plan.ledger) or _is_there(plan.ledger):
            ledger = await stack.enter_async_context(reading(plan.ledger, paying.api.identity))
        found = await rehearse_file(file, paying.api, ledger, plan.reading)
    currency, intake = paying.api.currency, found.intake
    tell_file(file, found.file)
    if tell_bad_rows(file, intake, plan.ledger) or tell_template(found.file, paying.destination.environment):
        return BAD_INPUT
    echo(f"{file.name}: {amount_of(intake.new + intake.known, intake.total, currency)}")
    tell_repeats(file, found.repeats)
    plan.check_expected(intake.new + intake.known, intake.total, currency)
    place = paying.destination.details(shown(plan.ledger))
    for line in destination_lines(place):
        echo(line)
    warn_of_path(paying.api)
    if intake.known:
        echo(f"In the ledger from an earlier run, and not entered again: {states_of(found.known, currency)}")
        if any(found.known.get(state, (0, 0))[0] for state in _UNCLEAR):
            echo("A run asks PayCools about those that are not final, before it sends anything of them")
    shown_to = Shown(preview=found.preview, currency=currency, by=plan.by)
    shown_to.show()
    total = _total(found)
    echo(f"A yes would send: {amount_of(*total, currency)}")
    shown_to.balance, covered = await _balance(paying.api, total[1], currency, ignored=plan.ignore_balance)
    shown_to.show_balance(total[1])
    present(
        RunResult(
            destination=place_of(place),
            currency=currency,
            batches=(),
            preview=shown_to.object(total),
            dry_run=True,
            states=states_object(found.known, currency),
            failures=(),
            sent_again=0,
            stopped=None,
            report=None,
        )
    )
    return end_of_rehearsal(covered=covered)


def _is_there(ledger: str) -> bool:
    return Path(ledger).exists()


def _total(found: Rehearsal) -> tuple[int, int]:
    groups = found.preview.groups.values()
    return sum(rows for rows, _ in groups), sum(amount for _, amount in groups)


async def _balance(api: PayoutApi, total: int, currency: str, *, ignored: bool) -> tuple[int | None, bool]:
    """The balance, if it can be read, and whether it covers the total."""
    try:
        balance = await api.balance()
    except STOPS_RUN:
        raise
    except UnexpectedAnswer as error:
        if not ignored:
            echo_error(f"error: the balance could not be read: {error}; a run would send nothing")
        return None, ignored
    except PayCoolsError as error:
        echo_error(f"warning: the balance could not be read: {error}")
        return None, True
    if balance >= total or ignored:
        return balance, True
    echo_error(f"error: the balance is {format_major(total - balance, currency)} short; a run would send nothing")
    return balance, False
