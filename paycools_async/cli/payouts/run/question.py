"""The question before anything is sent, and the figures above it: both from the same sums."""

from __future__ import annotations

import attrs

from ....batch import Ledger, State, Summary
from ....batch.ledger.row import Row
from ....batch.pending import Waiting
from ....batch.states import Event
from ...console import echo
from ..showing import amount_of

__all__ = ["Question", "question_of"]

_UNCLEAR = (State.SENDING, State.UNKNOWN)
_SENT_AGAIN = (Event.UNCLEAR, Event.CRASHED)
"""Why a payout is unknown that is sent again once its absence may be believed. The others are not."""


@attrs.define
class _Sum:
    rows: int = 0
    amount: int = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        self.amount += row.amount

    def text(self, currency: str) -> str:
        return amount_of(self.rows, self.amount, currency)


@attrs.frozen(kw_only=True)
class Question:
    """What would be sent, and what may be. Amounts in minor units."""

    released: _Sum
    """What this yes releases."""
    planned: _Sum
    again: _Sum
    """Unclear ones: sent again if PayCools does not have them."""
    lost: _Sum
    """Unclear because the ledger lost a part: offered, not sent, if PayCools does not have them."""
    followed: _Sum
    """Unclear ones that are only asked about."""
    adopted: _Sum
    """What PayCools had before, where this yes takes it for the ledger's own."""

    @property
    def sure(self) -> _Sum:
        """What is sent whatever PayCools says of the unclear ones."""
        return _Sum(self.released.rows + self.planned.rows, self.released.amount + self.planned.amount)

    def show(self, currency: str) -> None:
        """The lines before the question."""
        if self.released.rows:
            echo(f"Your yes releases: {self.released.text(currency)}")
        if self.planned.rows:
            echo(f"Released by an earlier yes: {self.planned.text(currency)}")
        echo(f"To send: {self.sure.text(currency)}")
        if self.again.rows:
            echo(f"May be sent again, if PayCools does not have them: {self.again.text(currency)}")
        if self.followed.rows:
            echo(f"Unclear, asked about, and not sent again by this run: {self.followed.text(currency)}")
        if self.lost.rows:
            echo(
                f"Perhaps sent by the part of the ledger that is lost: {self.lost.text(currency)}. PayCools is asked; "
                "what it does not have is not sent without another yes"
            )

    def text(self, currency: str, place: str) -> str:
        """What is asked; "" where nothing would be sent or adopted."""
        sending = self._sending(currency, place)
        if not self.adopted.rows:
            return sending
        adopting = f"Take {self.adopted.text(currency)}, that PayCools had before, for this ledger's own"
        return f"{adopting}, and s{sending[1:]}" if sending else f"{adopting}?"

    def _sending(self, currency: str, place: str) -> str:
        sure, again = self.sure, self.again
        if sure.rows and again.rows:
            more = amount_of(again.rows, again.amount, currency).partition(", ")[2]
            return f"Send {sure.text(currency)}, and up to {again.rows} more again, {more}, to {place}?"
        if sure.rows:
            return f"Send {sure.text(currency)}, to {place}?"
        if again.rows:
            return f"Send up to {again.text(currency)}, again, if PayCools does not have them, to {place}?"
        return ""


async def question_of(view: Ledger, before: Summary, waiting: list[Waiting], most: int | None, adopt: bool) -> Question:
    """What a yes to this view leads to. `most`: how often a row is sent again at most; None: others may do so too."""
    before_it = (State.PREEXISTING,)
    found = Question(
        released=_Sum(sum(each.rows for each in waiting), sum(each.amount for each in waiting)),
        planned=_Sum(before.rows(State.PLANNED), before.amount(State.PLANNED)),
        again=_Sum(),
        lost=_Sum(),
        followed=_Sum(),
        adopted=_Sum(before.rows(*before_it), before.amount(*before_it)) if adopt else _Sum(),
    )
    if before.rows(*_UNCLEAR):
        async for page in view.pages(states=_UNCLEAR):
            for row in page:
                _of_unclear(found, row, most).add(row)
    return found


def _of_unclear(found: Question, row: Row, most: int | None) -> _Sum:
    if row.state is State.UNKNOWN and row.reason is Event.LOST:
        return found.lost
    once_more = row.state is State.SENDING or row.reason in _SENT_AGAIN
    return found.again if once_more and (most is None or row.resends < most) else found.followed
