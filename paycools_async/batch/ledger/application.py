"""What an application submits to a ledger, one payout at a time, and what it is told when they are final.

An application's payouts stand in a batch of its own, that grows; a file's are never among them. Who submits has said
yes, so they enter as `planned`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, Protocol

import attrs

from ...errors import OrderConflict, Outcome
from ...in_doubt import order_id_of
from ..states import FINAL, NEVER_SENT_AGAIN, Event, State
from .base import Ledger, LedgerError
from .payload import body_of, digest_of, own_idempotency_id
from .row import Row, listed

__all__ = [
    "FINAL_WORDS",
    "FOR_A_PERSON",
    "STUCK",
    "UNTOLD",
    "WAITS_FOR_PERSON",
    "AlreadyAcknowledged",
    "ApplicationBatch",
    "ApplicationLedger",
    "Kept",
    "NotWritten",
    "Seen",
    "Standing",
    "StuckRule",
    "Submission",
    "accepted_submission",
    "in_turn",
    "overtaken",
    "submission_of",
]

FOR_A_PERSON = frozenset({State.PREEXISTING, State.CONFLICT})
WAITS_FOR_PERSON = FOR_A_PERSON | {State.OFFERED}
"""States in which nothing goes on by itself. An application's payout is offered where a part of the ledger was lost,
and with it who said yes; PayCools does not have it, and submitting it again is the new yes."""
FINAL_WORDS = FINAL | FOR_A_PERSON
"""States that an application is told of."""

UNTOLD = f"told IS NOT NULL AND told <> state AND state IN ({listed(FINAL_WORDS)})"
"""What has to be told, as it stands in SQL."""

_SENT_AGAIN = (Event.UNCLEAR, Event.CRASHED)
"""In doubt for these reasons, it is sent again once it is absent; `max_resends` times at the most."""

_FOR_GOOD, _IN_THE_END = (", ".join(f"'{each}'" for each in sorted(which)) for which in (NEVER_SENT_AGAIN, _SENT_AGAIN))

STUCK = f"""told IS NOT NULL AND state = 'unknown' AND (
    (absent_since IS NULL AND coalesce(sent, updated) <= :unanswered_before)
    OR (absent_since IS NOT NULL AND coalesce(sent, updated) <= :sent_before
        AND (reason IN ({_FOR_GOOD}) OR (reason IN ({_IN_THE_END}) AND resends >= :max_resends))))"""
"""What `StuckRule` says, as it stands in SQL."""


def overtaken(row: str, table: str) -> str:
    """Whether the row was taken back and its order submitted again: of that nobody is to be told any more. In SQL."""
    return f"""({row}.state = 'withdrawn' AND EXISTS (SELECT 1 FROM {table} later
        WHERE later.order_id = {row}.order_id AND later.intake = {row}.intake AND later.id > {row}.id))"""  # noqa: S608 - all text is ours


def in_turn(row: str, table: str) -> str:
    """Whether the application knows that the order's earlier rows were taken back, as it stands in SQL.

    A handler may be at work with one of them; until it has ended, what became of the later row waits.
    """
    return f"""NOT EXISTS (SELECT 1 FROM {table} earlier WHERE earlier.order_id = {row}.order_id
        AND earlier.intake = {row}.intake AND earlier.id < {row}.id AND earlier.state = 'withdrawn'
        AND earlier.told <> 'withdrawn')"""  # noqa: S608 - all text is ours


class AlreadyAcknowledged(LedgerError):
    """Another call has acknowledged this before. Whatever shares a transaction with this one must not be committed."""


class NotWritten(LedgerError):
    """The ledger could not be written, and certainly nothing of it was."""


@attrs.frozen
class ApplicationBatch:
    """What is seen of a ledger: the one batch that an application's payouts stand in."""

    number: int


Seen = ApplicationBatch | Collection[int] | None
"""The batches that are seen of a ledger: an application's, these of files, or all of files (None)."""


@attrs.frozen(kw_only=True)
class Submission:
    """A payout as it is submitted: its content, frozen. `amount` in minor units."""

    order_id: str
    idempotency_id: str | None
    amount: int
    body: str = attrs.field(repr=False)
    digest: str = attrs.field(repr=False)


def submission_of(request: Any, text_of: Callable[[Any], str]) -> Submission:
    """Of a payout's request, or a refund's; `text_of` gives its content in full."""
    return Submission(
        order_id=str(order_id_of(request)),
        idempotency_id=own_idempotency_id(request),
        amount=request.refund_amount if hasattr(request, "refund_amount") else request.amount,
        body=body_of(request),
        digest=digest_of(text_of(request)),
    )


@attrs.frozen(kw_only=True)
class StuckRule:
    """Which payouts wait for a person: in doubt, not shown by PayCools when it was asked, and not to be sent again.

    Or in doubt, and no inquiry about it has come to anything. It is inquired about all the same, and settles when
    PayCools shows it. `sent_before`: last sent before this moment of the ledger's clock; `unanswered_before`: the same
    for what no inquiry has said anything of. `max_resends`: how often a payout may be sent again.
    """

    max_resends: int
    sent_before: float
    unanswered_before: float = 0.0

    def holds(self, row: Row) -> bool:
        """Whether the payout is one of these."""
        if row.state is not State.UNKNOWN:
            return False
        since = row.updated if row.sent is None else row.sent
        if row.absent_since is None:
            return since <= self.unanswered_before
        if since > self.sent_before:
            return False
        return row.reason in NEVER_SENT_AGAIN or (row.reason in _SENT_AGAIN and row.resends >= self.max_resends)

    def values(self) -> dict[str, Any]:
        """What STUCK stands for."""
        return {
            "max_resends": self.max_resends,
            "sent_before": self.sent_before,
            "unanswered_before": self.unanswered_before,
        }


@attrs.frozen
class Kept:
    """A payout of an application. `told`: the last state that it has acknowledged, "" where there is none.

    `overtaken`, of those that are due: it was taken back and submitted again, so this is marked and not told.
    """

    row: Row
    told: str
    overtaken: bool = False

    @property
    def is_untold(self) -> bool:
        """Whether the application is to be told."""
        return self.row.state in FINAL_WORDS and self.told != self.row.state


def accepted_submission(submission: Submission, found: Kept | None, batch: int) -> Kept:
    """What the ledger has under the order id now, if it is what was submitted. Raises OrderConflict."""
    order_id = submission.order_id
    if found is None:
        problem = (
            "its idempotency id is another payout's idempotency id or order id, so PayCools would pay only one of them"
        )
    elif found.row.intake != batch:
        problem = f"the ledger has this order id from elsewhere, in batch {found.row.intake}"
    elif found.row.digest != submission.digest:
        problem = f"it was submitted before with other content, and is {found.row.state}"
    else:
        return found
    error = OrderConflict(f"order {order_id} is not taken: {problem}", outcome=Outcome.NOT_SENT)
    error.order_id = order_id
    raise error


@attrs.frozen(kw_only=True)
class Standing:
    """How an application's payouts stand."""

    backlog: int
    """Those that are not at their end: planned, sending, unknown or accepted."""
    oldest: float | None
    """When the oldest of these was submitted, by the ledger's clock."""
    untold: int
    """Those that are at their end, and the application has not acknowledged it."""
    stuck: int
    """Those in doubt that wait for a person, and those that wait for a new yes."""


class ApplicationLedger(Protocol):
    """An application's payouts in a ledger. A write's caller goes on only when the write is durable."""

    @property
    def ledger(self) -> Ledger:
        """The ledger, of which only these payouts are seen."""
        ...

    @property
    def batch(self) -> int:
        """The number of the application's batch."""
        ...

    async def submit(self, submission: Submission, *, within: float | None = None) -> Kept:
        """Take it, or find that it was taken.

        Raises OrderConflict; NotWritten; LedgerError where it may have been written, also after `within` seconds
        without an answer.
        """
        ...

    async def submit_within(self, connection: Any, submission: Submission) -> Kept:
        """The same in a transaction of the caller's, on a connection to this place."""
        ...

    async def get(self, order_id: str) -> Kept | None:
        """A payout as it stands."""
        ...

    def pages(
        self, state: State | None = None, *, stuck: StuckRule | None = None, size: int = 500
    ) -> AsyncIterator[list[Kept]]:
        """The payouts, in the order in which they were submitted, a page at a time.

        `stuck`: those alone that need a person.
        """
        ...

    async def due(self, limit: int, held: Collection[int], within: float) -> list[Kept]:
        """Payouts of whose end the application is to be told now, without those in `held`.

        Nobody else gets them for `within` seconds. What became of one order id comes in order: a later row waits until
        that an earlier one was taken back is acknowledged.
        """
        ...

    async def due_stuck(self, limit: int, held: Collection[int], within: float, rule: StuckRule) -> list[Kept]:
        """The same of those that wait for a person, and of which the application has not heard that."""
        ...

    async def acknowledge(self, kept: Kept, work: Sequence[Callable[[Any], Any]] = ()) -> None:
        """In one commit: do the work on the ledger's connection, and mark that the application knows.

        Raises AlreadyAcknowledged, and does nothing.
        """
        ...

    async def acknowledge_within(self, connection: Any, kept: Kept) -> None:
        """Mark it in a transaction of the caller's. Raises AlreadyAcknowledged."""
        ...

    async def is_marked(self, kept: Kept) -> bool:
        """Whether this has been acknowledged, or something later of the payout."""
        ...

    async def postpone(self, kept: Kept, seconds: float) -> None:
        """The application could not be told: try again then."""
        ...

    async def standing(self, rule: StuckRule) -> Standing:
        """How they stand."""
        ...

    def stop_waiting(self, within: float) -> None:
        """It will be closed: a database that is away is waited for so many seconds more."""
        ...

    def abort(self) -> None:
        """Whatever still waits for the database ends at once, with an error."""
        ...

    async def aclose(self) -> None:
        """Close what this has opened, and not the ledger."""
        ...
