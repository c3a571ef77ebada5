"""What a ledger is, whatever store it stands on: the runner, the reports and the command line know only this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from typing import Any, Protocol, Self

import attrs

from ...errors import Outcome, PayCoolsError
from ..files import Order, RowError
from ..states import UNSENT, Event, State
from .row import EventSource, Row
from .timeline import FailureGroup, PayoutMove, PayoutTimeline

__all__ = [
    "OLD_NAMES",
    "REFUNDS",
    "Batch",
    "BatchEntry",
    "Changed",
    "Counts",
    "Identity",
    "Intake",
    "Ledger",
    "LedgerError",
    "LedgerInUse",
    "LedgerLockError",
    "Offer",
    "Source",
    "Withdrawal",
    "belongs_to_another",
    "is_of_refunds",
]

_MAX_ERRORS = 10_000

Counts = dict[State, tuple[int, int]]
"""Rows and minor units in each state."""

OLD_NAMES = {
    "found": "apply_event",
    "found_in": "apply_event_in",
    "give_back": "return_leases",
    "home": "location",
    "journeys": "timelines",
    "look_again": "schedule_inquiry",
    "tend": "renew_leases",
    "tend_every": "renew_every",
}
"""What the members of a ledger were called before."""


class LedgerError(PayCoolsError):
    """The ledger cannot be used like this, or cannot be written. What was sent before is on record."""

    outcome = Outcome.NOT_SENT


class LedgerInUse(LedgerError):
    """Another run owns the ledger, or has taken it over."""


class LedgerLockError(LedgerError):
    """The ledger's lock cannot be opened or written, so nobody can say whether another run is on."""


class Changed(LedgerError):
    """What would be released is not what was shown. Nothing was released: show what is there now, and ask again."""


@attrs.frozen(kw_only=True)
class Identity:
    """Whose ledger it is. Another merchant or host must not touch it: there the orders would look unpaid."""

    family: str
    app_id: str
    host: str
    currency: str = "PHP"

    def text(self) -> str:
        """As it is stored and compared: family, app id and host, every name of this machine being one."""
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return f"{self.family} {self.app_id} {host}"


REFUNDS = "refunds"
"""What the family of an identity ends with where the ledger holds refunds; one of payouts says nothing."""


def is_of_refunds(owner: str) -> bool:
    """Whether a ledger with this identity (`Identity.text`) holds refunds. No other ledger may be taken for one."""
    return owner.rsplit(" ", 2)[0].endswith(f" {REFUNDS}")


def belongs_to_another(owner: str, identity: Identity) -> str:
    """Why a ledger of `owner` is not the one of this identity."""
    ours = identity.text()
    if is_of_refunds(owner) != is_of_refunds(ours):
        theirs, wanted = ("refunds", "payouts") if is_of_refunds(owner) else ("payouts", "refunds")
        return f"is a ledger of {theirs}, and {wanted} need one of their own"
    return f"this ledger belongs to {owner!r}, these credentials are {ours!r}"


@attrs.frozen(kw_only=True)
class Source:
    """Where a batch comes from: the file's name, the SHA-256 of its bytes (hex), and who offers it."""

    file: str = ""
    sha256: str = ""
    by: str = ""


@attrs.frozen(kw_only=True)
class Offer:
    """A batch that a file's rows belong to. `unsent`: its rows that may still be sent, also again."""

    batch: int
    in_file: int
    unsent_in_file: int
    unsent_elsewhere: int
    """Rows of this batch that may still be sent and are not in the file."""


@attrs.define
class Intake:
    """What came of reading a file: rows entered, rows known from before, their total in minor units, and errors.

    `batch` is the number of the new batch; None where nothing was new. `known_in` are the earlier batches that hold
    the known rows.
    """

    new: int = 0
    known: int = 0
    total: int = 0
    batch: int | None = None
    known_in: list[Offer] = attrs.field(factory=list)
    errors: list[RowError] = attrs.field(factory=list)
    more_errors: int = 0

    def add(self, error: RowError) -> None:
        """Keep the error, or count it where enough are kept."""
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(error)
        else:
            self.more_errors += 1

    def add_too_many(self, line: int, most: int) -> None:
        """The rows have too many different columns that are kept and not sent."""
        self.add(RowError(line, "row", f"there are more than {most:,} columns that begin with _"))

    def add_twice(self, line: int, order_id: str, other: int) -> None:
        """The same order id stands in another line of the file."""
        self.add(RowError(line, "mch_order_id", f"{order_id} stands already in line {other}"))

    def add_changed(self, line: int, order_id: str, batch: int, state: str) -> None:
        """The ledger has the order id from before, with other content."""
        if state in UNSENT:
            todo = (
                f"it was not sent yet: `paycools payouts withdraw --order-id {order_id}` takes it back, then this one "
                "can be entered"
            )
        else:
            todo = (
                f"it is {state} there, so money may have moved: find out what became of it first; only what is still "
                "owed then goes under a new order id, so that nobody gets both amounts"
            )
        self.add(
            RowError(line, "mch_order_id", f"{order_id} is in the ledger with other content, in batch {batch}: {todo}")
        )

    def add_application(self, line: int, order_id: str) -> None:
        """An application has submitted the order id; a file never pays what is an application's."""
        self.add(
            RowError(line, "mch_order_id", f"{order_id} is in the ledger as a payout that an application submitted")
        )

    def add_idempotency(self, line: int, idempotency_id: str, other: str) -> None:
        """PayCools would take this row for a repetition of another one, and not pay it."""
        what = f"{idempotency_id} is the idempotency id or order id of {other} too; PayCools would pay only one of them"
        self.add(RowError(line, "idempotency_id", what))


@attrs.frozen(kw_only=True)
class Withdrawal:
    """What was taken back, in minor units, and how many rows stay because they were or may have been sent."""

    rows: int
    amount: int
    stay: int = 0


@attrs.frozen(kw_only=True)
class BatchEntry:
    """A line of a batch's log: who did what, and over how many rows and minor units."""

    batch: int
    at: float
    event: str
    by: str
    payouts: int
    amount: int


@attrs.frozen(kw_only=True)
class Batch:
    """A file's rows as they were offered together. `payouts` and `amount` (minor units) as they were shown."""

    id: int
    file: str
    sha256: str
    payouts: int
    amount: int
    offered_by: str
    offered_at: float
    counts: Counts
    log: tuple[BatchEntry, ...] = ()
    beside: tuple[str, ...] = ()
    """The file's columns that are kept and not sent: those whose names begin with `_`."""


class Ledger(Protocol):
    """The truth about payouts. A write's caller goes on only when the write is durable.

    Rows are moved by `states.after` alone, and only from where the caller saw them: a row that has moved meanwhile
    refuses (`IllegalMove`). Stores that several runs may use at once lease rows; the others own the store.
    """

    renew_every: float
    """Seconds between two calls of `renew_leases`; infinite where rows are not leased."""
    send_within: float
    """Seconds after asking for SEND within which the request must leave; later, somebody else may take the row."""

    @property
    def location(self) -> str:
        """Where it is: an inbox in the same place can share a commit. May hold a password, so it is not shown."""
        ...

    def of_batches(self, batches: Collection[int]) -> Self:
        """The same ledger, of which only these batches are seen, counted and claimed. Do not close it."""
        ...

    def apply_event_in(self, connection: Any, order_id: str, event: EventSource, details: dict[str, Any]) -> Any:
        """`apply_event` in a transaction of the caller's, on a connection to this place; may have to be awaited."""
        ...

    def time(self) -> float:
        """The ledger's clock, seconds since the epoch: `due`, `sent` and `absent_since` are kept by it.

        Within a process it goes as a monotonic clock does: a wall clock that is set does not move it.
        """
        ...

    @property
    def steady_since(self) -> float:
        """The moment since which this process has had the ledger, and its clock was not set."""
        ...

    # -- what a person decides ----------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], source: Source | None = None
    ) -> Intake:
        """Enter a file's orders as `offered`, as one new batch, all or none. Nothing is sent before `release`."""
        ...

    async def release(self, batch: int, *, by: str, rows: int, amount: int) -> None:
        """A person's yes to a batch: its offered rows become planned.

        `rows` and `amount` (minor units) are what the person was shown. Raises Changed, and releases nothing, where
        the batch's offered rows are no longer just that.
        """
        ...

    async def withdraw(self, *, by: str, batch: int | None = None, order_id: str | None = None) -> Withdrawal:
        """Take back what was never sent: of a batch, of one order, or with neither of all that this ledger sees."""
        ...

    async def adopt(self, *, by: str) -> int:
        """Take what PayCools had before (`preexisting`) for this ledger's payouts; they are followed to their end."""
        ...

    async def batches(self) -> list[Batch]:
        """Every batch, oldest first, with its rows by state and its log."""
        ...

    async def owner(self) -> str:
        """Whose it is, as `Identity.text`; empty where nobody owns it yet."""
        ...

    async def destination(self) -> dict[str, str]:
        """Where the money goes, as the last run said: names and texts for people; empty where nobody said."""
        ...

    async def note_destination(self, details: dict[str, str]) -> None:
        """Remember where the money goes, for reports."""
        ...

    # -- a run --------------------------------------------------------------------------------------------------

    async def begin_run(self) -> None:
        """Own what is to be sent. Raises LedgerInUse where this is not the one run that may send."""
        ...

    async def end_run(self) -> None:
        """The run has ended in order."""
        ...

    async def resume_sending(self) -> None:
        """End a `pause`, of the batches that this ledger sees."""
        ...

    async def pause(self, reason: str) -> None:
        """PayCools refused the merchant: nothing that was released by now is sent before `resume_sending`."""
        ...

    async def paused(self) -> str | None:
        """Why nothing is sent, if a run paused the ledger."""
        ...

    async def recover(self, *, call_timeout: float) -> int:
        """Rows that are `sending` and driven by nobody may have been sent: make them `unknown`. Returns how many.

        They are inquired about no earlier than `call_timeout` seconds after their sending began.
        """
        ...

    async def claim(
        self, states: Iterable[State], limit: int, *, max_resends: int, held: Collection[int] = ()
    ) -> list[Row]:
        """Rows in these states whose time has come, longest due first; neither others' nor those in `held`.

        Only planned ones are sure to come with `body` and `digest`: they are for sending.
        """
        ...

    async def renew_leases(self, held: Collection[int]) -> None:
        """Renew the lease of these rows, and recover what others have lost."""
        ...

    async def return_leases(self) -> None:
        """End the lease of every row that this ledger's user still holds and has not begun to send."""
        ...

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **details: Any) -> Row:
        """Make one move. Raises IllegalMove, also where the row has moved meanwhile."""
        ...

    async def apply_event(self, order_id: str, event: EventSource, **details: Any) -> Row | None:
        """What is learned of an order outside the run: move its row from whatever state it is in now."""
        ...

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands; of one that was withdrawn and offered again, the later row."""
        ...

    async def schedule_inquiry(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""
        ...

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due, or is free again."""
        ...

    async def longest_lag(self) -> float:
        """Seconds, the most that PayCools was ever seen to take to show an order that it had accepted."""
        ...

    async def note_lag(self, seconds: float) -> None:
        """Remember a lag, if it is the longest so far."""
        ...

    # -- reading ------------------------------------------------------------------------------------------------

    async def counts(self) -> Counts:
        """Rows and minor units in each state."""
        ...

    async def oldest_open(self) -> float | None:
        """When the oldest row was entered that the runner can still do something about, by the ledger's clock."""
        ...

    async def resent(self) -> int:
        """Rows that were sent again after PayCools did not show them for long."""
        ...

    async def failures(self) -> list[FailureGroup]:
        """What failed, by code; the most frequent first."""
        ...

    async def history(self, order_id: str) -> list[PayoutMove]:
        """Every move of an order, oldest first; of one that was withdrawn and offered again, of all its rows."""
        ...

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        ...

    def pages(self, *, states: Collection[State] | None = None, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, or those that are in these states, in file order, a page at a time."""
        ...

    def timelines(self) -> Iterator[list[PayoutTimeline]]:
        """When each payout was sent, accepted and final, a page at a time; blocks, on a connection of its own."""
        ...

    async def aclose(self) -> None:
        """Finish what waits, and let others in."""
        ...
