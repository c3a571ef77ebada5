"""What a ledger is, whatever store it stands on: the runner, the reports and the command line know only this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Any, Protocol

from .ledger import Intake
from .orders import Order, RowError
from .schema import Row
from .states import Event, State

__all__ = ["Ledger"]


class Ledger(Protocol):
    """The truth about a batch. A write's caller goes on only when the write is durable.

    Rows are moved by `states.after` alone, and only from where the caller saw them: a row that has moved meanwhile
    refuses (`IllegalMove`). Stores that several runs may use at once lend rows for a while; the others own the store.
    """

    tend_every: float
    """Seconds between two calls of `tend`; infinite where rows are not lent."""
    send_within: float
    """Seconds after asking for SEND within which the request must leave; later, somebody else may take the row."""

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
        """Rows in these states whose time has come, longest due first; neither others' nor those in `held`."""
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

    async def found(self, order_id: str, event: Event | Callable[[Row], Event], **facts: Any) -> Row | None:
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

    async def aclose(self) -> None:
        """Finish what waits, and let others in."""
        ...
