"""What a ledger is, whatever store it stands on: the runner, the reports and the command line know only this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from typing import Any, Protocol

import attrs

from ..errors import Outcome, PayCoolsError
from .journeys import Journey
from .orders import Order, RowError
from .schema import Judge, Row
from .states import Event, State

__all__ = ["Identity", "Intake", "Ledger", "LedgerError"]

_MAX_ERRORS = 10_000


class LedgerError(PayCoolsError):
    """The ledger cannot be used like this, or cannot be written. What was sent before is on record."""

    outcome = Outcome.NOT_SENT


@attrs.frozen(kw_only=True)
class Identity:
    """Whose ledger it is. Another merchant or host must not touch it: there the orders would look unpaid."""

    family: str
    app_id: str
    host: str
    currency: str = "PHP"

    def text(self) -> str:
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return f"{self.family} {self.app_id} {host}"


@attrs.define
class Intake:
    """What came of reading a file: rows entered, rows known from before, their total in minor units, and errors."""

    new: int = 0
    known: int = 0
    total: int = 0
    errors: list[RowError] = attrs.field(factory=list)
    more_errors: int = 0

    def add(self, error: RowError) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(error)
        else:
            self.more_errors += 1

    def add_twice(self, line: int, order_id: str, other: int) -> None:
        """The same order id stands in another line of the file."""
        self.add(RowError(line, "mch_order_id", f"{order_id} stands already in line {other}"))

    def add_changed(self, line: int, order_id: str) -> None:
        """The ledger has the order id from before, with other content."""
        what = f"{order_id} is in the ledger with other content; a changed order needs a new order id"
        self.add(RowError(line, "mch_order_id", what))


class Ledger(Protocol):
    """The truth about a batch. A write's caller goes on only when the write is durable.

    Rows are moved by `states.after` alone, and only from where the caller saw them: a row that has moved meanwhile
    refuses (`IllegalMove`). Stores that several runs may use at once lend rows for a while; the others own the store.
    """

    tend_every: float
    """Seconds between two calls of `tend`; infinite where rows are not lent."""
    send_within: float
    """Seconds after asking for SEND within which the request must leave; later, somebody else may take the row."""

    @property
    def home(self) -> str:
        """Where it is: an inbox in the same place can share a commit. May hold a password, so it is not shown."""
        ...

    def found_in(self, connection: Any, order_id: str, event: Judge, facts: dict[str, Any]) -> Any:
        """`found` within a transaction of the caller's, on a connection to this very place; may have to be awaited."""
        ...

    def time(self) -> float:
        """The ledger's clock, seconds since the epoch: `due` and `absent_since` are told and kept by it."""
        ...

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], *, release: bool = True
    ) -> Intake:
        """Enter a file's orders as `planned`, all or none. Without `release` they wait for it."""
        ...

    async def release(self) -> None:
        """Let everything planned be sent, also after a `pause`."""
        ...

    async def pause(self, reason: str) -> None:
        """PayCools refused the merchant: no run on this ledger sends anything more until `release`."""
        ...

    async def paused(self) -> str | None:
        """Why nothing is sent, if a run paused the ledger."""
        ...

    async def recover(self) -> int:
        """Rows that are `sending` and driven by nobody may have been sent: make them `unknown`. Returns how many."""
        ...

    async def claim(
        self, states: Iterable[State], limit: int, *, max_resends: int, held: Collection[int] = ()
    ) -> list[Row]:
        """Rows in these states whose time has come, longest due first; neither others' nor those in `held`.

        Only planned ones are sure to come with `body` and `digest`: they are for sending.
        """
        ...

    async def tend(self, held: Collection[int]) -> None:
        """Lengthen the loan of these rows, and recover what others have lost."""
        ...

    async def give_back(self) -> None:
        """End the loan of every row that this ledger's user still holds and has not begun to send."""
        ...

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **facts: Any) -> Row:
        """Make one move. Raises IllegalMove, also where the row has moved meanwhile."""
        ...

    async def found(self, order_id: str, event: Judge, **facts: Any) -> Row | None:
        """Word about an order from outside the run: move its row from whatever state it is in now."""
        ...

    async def get(self, order_id: str) -> Row | None:
        """An order's row as it stands."""
        ...

    async def look_again(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""
        ...

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due, or is free again."""
        ...

    async def counts(self) -> dict[State, tuple[int, int]]:
        """Rows and minor units in each state."""
        ...

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        ...

    def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        ...

    def journeys(self) -> Iterator[list[Journey]]:
        """When each payout was sent, accepted and final, a page at a time; blocks, on a connection of its own."""
        ...

    async def aclose(self) -> None:
        """Finish what waits, and let others in."""
        ...
