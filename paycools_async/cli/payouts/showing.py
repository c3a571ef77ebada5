"""What commands show of a ledger: batches, states, and what a person has to do about them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from ...batch import Ledger, State, Summary
from ...batch.ledger.base import Batch, Counts, LedgerError
from ...batch.ledger.timeline import FailureGroup
from ...batch.pending import waiting_in
from ...batch.report.advice import advice_for, name_of
from ...batch.states import OPEN
from ...money import format_major
from ...texts import shown_text
from ...times import MANILA
from ..console import echo, echo_error, plain
from ..destination import SANDBOX
from ..ledger_url import shown

__all__ = [
    "LEFT",
    "amount_of",
    "batch_name",
    "chosen_batches",
    "hint",
    "moment",
    "sandbox_option",
    "show",
    "show_failures",
    "show_offered",
    "show_others",
    "show_outcomes",
    "show_paused",
    "states_of",
    "summary_of",
]

LEFT = (*OPEN, State.OFFERED)
_BACK = (State.WITHDRAWN,)
_SHOWN = 20
_PREEXISTING = (
    "PayCools had these order ids before this ledger sent them: as far as it can tell, nobody was paid by this ledger; "
    "compare, then {}, or, only where it was another payment, pay under new order ids"
)


def amount_of(rows: int, amount: int, currency: str) -> str:
    """Like "3 payouts, PHP 1,500.00"; `amount` is in minor units."""
    return f"{rows} payout{'' if rows == 1 else 's'}, {format_major(amount, currency)}"


def batch_name(batch: Batch) -> str:
    """Like "batch 3 (salaries.csv)"."""
    return f"batch {batch.id}" + (f" ({plain(batch.file)})" if batch.file else "")


def states_of(counts: Counts, currency: str, only: Collection[State] = tuple(State)) -> str:
    """Such as "12 planned, PHP 6,001.20; 1 unknown, PHP 500.10"."""
    found = [(state, *counts.get(state, (0, 0))) for state in State if state in only]
    return "; ".join(f"{rows} {state.value}, {format_major(amount, currency)}" for state, rows, amount in found if rows)


def moment(seconds: float) -> str:
    """A time in Manila, to the second, with its offset from UTC."""
    return datetime.fromtimestamp(seconds, MANILA).isoformat(" ", timespec="seconds")


def hint(command: str, ledger: str, *more: str) -> str:
    """A command to go on with, as it can be typed."""
    return " ".join(("paycools payouts", command, "--ledger", shlex.quote(shown(ledger)), *more))


def sandbox_option(details: Mapping[str, str]) -> list[str]:
    """What a command has to be given that goes on with a ledger that was paid from with --sandbox."""
    return ["--sandbox"] if details.get("environment") == SANDBOX else []


def chosen_batches(
    batches: Sequence[Batch], wanted: Collection[int], *, states: Collection[State] = OPEN
) -> tuple[list[Batch], str]:
    """The batches that are meant, and how that is said: those wanted, else those with rows in these states, else all.

    Of all, those that were taken back whole are left out, unless there are no others. Raises LedgerError where a wanted
    one is not there.
    """
    missing = sorted(set(wanted) - {batch.id for batch in batches})
    if missing:
        raise LedgerError(f"there is no batch {missing[0]} in this ledger; `payouts batches` lists them")
    if wanted:
        return [batch for batch in batches if batch.id in wanted], ""
    still = [batch for batch in batches if any(batch.counts.get(state, (0, 0))[0] for state in states)]
    if not still:
        return _closed(batches)
    if len(still) == len(batches):
        return still, ""
    return still, "open batches only: " + ", ".join(str(batch.id) for batch in still)


def _closed(batches: Sequence[Batch]) -> tuple[list[Batch], str]:
    kept = [batch for batch in batches if any(rows for state, (rows, _) in batch.counts.items() if state not in _BACK)]
    back = [str(batch.id) for batch in batches if batch not in kept]
    which = "all batches"
    if kept and back:
        more = f" and {len(back) - _SHOWN} more" if back[_SHOWN:] else ""
        which += f" but those that were taken back ({', '.join(back[:_SHOWN])}{more})"
    kept = kept or list(batches)
    return kept, which + ("; none is released and open" if waiting_in(kept) else "; none is open")


def show_offered(batches: Iterable[Batch], ledger: str, *more: str) -> None:
    """Name what waits for a yes, and how to say it. `more`: options of the command."""
    for each in waiting_in(batches):
        command = hint("release", ledger, f"--batch {each.batch}", *more)
        echo(f"batch {each.batch} is offered and waits for a yes: {command}")


def show(summary: Summary, currency: str) -> None:
    """One line per state."""
    for state in State:
        rows, amount = summary.counts.get(state, (0, 0))
        if rows:
            echo(f"{state.value:>9}: {rows:>8}  {format_major(amount, currency):>24}")


def show_failures(groups: Iterable[FailureGroup], currency: str) -> None:
    """What failed, by reason, and what to do about it; the most frequent first."""
    listed = list(groups)
    for group in listed[:_SHOWN]:
        why = shown_text(name_of(group.code, group.message or "", taken=group.taken), 80)
        code = "" if group.code is None else f" ({group.code})"
        echo(f"failed: {amount_of(group.rows, group.amount, currency)}: {why}{code}")
        echo(f"        {advice_for(group.code, taken=group.taken)}")
    if listed[_SHOWN:]:
        echo(f"failed: {sum(group.rows for group in listed[_SHOWN:])} more, for {len(listed) - _SHOWN} other reasons")


def show_others(batches: Iterable[Batch], driven: Collection[int], currency: str, *, sending: bool = True) -> None:
    """Name what other batches of the ledger hold that is not at its end."""
    others = [(batch, states_of(batch.counts, currency, LEFT)) for batch in batches if batch.id not in driven]
    left = [(batch, states) for batch, states in others if states]
    for batch, states in left[:_SHOWN]:
        echo(f"{batch_name(batch)}: {states}; " + ("not sent by this run" if sending else "not counted here"))
    if left[_SHOWN:]:
        echo(f"and {len(left) - _SHOWN} more batches with open payouts; `payouts batches` lists them")


def show_outcomes(summary: Summary, *, adopting: str = "") -> None:
    """What a person has to look at. `adopting`: the next command, where --adopt was given and these came up since."""
    if summary.resent:
        echo_error(
            f"{summary.resent} payouts were sent again, because PayCools did not show them for long. A person has to "
            "look in PayCools' portal that nobody was paid twice (column resends of the report)"
        )
    if summary.rows(State.PREEXISTING):
        advice = _PREEXISTING.format("--adopt")
        if adopting:
            advice = f"They came up after --adopt, so it has not taken them. {_PREEXISTING.format(adopting)}"
        echo_error(f"{summary.rows(State.PREEXISTING)} payouts were there before. {advice}")
    if summary.rows(State.CONFLICT):
        echo_error("Some payouts are in conflict: PayCools knows their order id otherwise. A human has to look.")


def show_paused(reason: str | None, ledger: str, numbers: Collection[int] = (), more: Iterable[str] = ()) -> None:
    """Say that sending is paused, why, and what ends that.

    `numbers`: the batches that were asked about. `more`: options of the command.
    """
    if reason is None:
        return
    own = [f"--batch {number}" for number in sorted(numbers)[:_SHOWN]]
    echo(f"Sending is paused: {plain(reason)}. Mend that, then go on: {hint('resume', ledger, *own, *more)}")


async def summary_of(ledger: Ledger, stopped: str | None = None) -> Summary:
    """The ledger as it stands now. Raises LedgerError."""
    return Summary(counts=await ledger.counts(), stopped=stopped, resent=await ledger.resent())
