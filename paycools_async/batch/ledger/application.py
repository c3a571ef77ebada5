"""What an application submits to a ledger, one payout at a time, and what it is told when they are final.

An application's payouts stand in a batch of its own, that grows; a file's are never among them. Who submits has said
yes, so they enter as `planned`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, Protocol

import attrs

from ...errors import OrderConflict, Outcome
from ..states import FINAL, State
from .base import Ledger, LedgerError
from .payload import body_of, digest_of, own_idempotency_id
from .row import Row, listed

__all__ = [
    "FINAL_WORDS",
    "UNTOLD",
    "AlreadyAcknowledged",
    "ApplicationBatch",
    "ApplicationLedger",
    "Kept",
    "Seen",
    "Standing",
    "Submission",
    "accepted_submission",
    "submission_of",
]

FINAL_WORDS = FINAL | {State.PREEXISTING, State.CONFLICT}
"""States that an application is told of."""

UNTOLD = f"told IS NOT NULL AND told <> state AND state IN ({listed(FINAL_WORDS)})"
"""What has to be told, as it stands in SQL."""


class AlreadyAcknowledged(LedgerError):
    """Another call has acknowledged this before. Whatever shares a transaction with this one must not be committed."""


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
    """Of a payout's request; `text_of` gives its content in full."""
    return Submission(
        order_id=request.mch_order_id,
        idempotency_id=own_idempotency_id(request),
        amount=request.amount,
        body=body_of(request),
        digest=digest_of(text_of(request)),
    )


@attrs.frozen
class Kept:
    """A payout of an application. `told`: the last state that it has acknowledged, "" where there is none."""

    row: Row
    told: str

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

    async def submit(self, submission: Submission) -> Kept:
        """Take it, or find that it was taken. Raises OrderConflict, LedgerError."""
        ...

    async def submit_within(self, connection: Any, submission: Submission) -> Kept:
        """The same in a transaction of the caller's, on a connection to this place."""
        ...

    async def get(self, order_id: str) -> Kept | None:
        """A payout as it stands."""
        ...

    def pages(self, state: State | None = None, *, size: int = 500) -> AsyncIterator[list[Kept]]:
        """The payouts, in the order in which they were submitted, a page at a time."""
        ...

    async def due(self, limit: int, held: Collection[int], within: float) -> list[Kept]:
        """Payouts of whose end the application is to be told now, without those in `held`.

        Nobody else gets them for `within` seconds.
        """
        ...

    async def acknowledge(self, kept: Kept, work: Sequence[Callable[[Any], Any]] = ()) -> None:
        """In one commit: do the work on the ledger's connection, and mark that the application knows.

        Raises AlreadyAcknowledged, and does nothing.
        """
        ...

    async def acknowledge_within(self, connection: Any, kept: Kept) -> None:
        """Mark it in a transaction of the caller's. Raises AlreadyAcknowledged."""
        ...

    async def postpone(self, kept: Kept, seconds: float) -> None:
        """The application could not be told: try again then."""
        ...

    async def standing(self) -> Standing:
        """How they stand."""
        ...

    async def aclose(self) -> None:
        """Close what this has opened, and not the ledger."""
        ...
