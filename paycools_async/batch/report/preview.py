"""What a yes would send, before it is said: sums by method and bank, the largest payouts, and what stands there twice.

It holds no account data: a payout is named by its order id and its line.
"""

from __future__ import annotations

import asyncio
import heapq
import json
from collections.abc import Collection
from typing import Any

import attrs

from ..files.codes import CODE_COLUMNS
from ..files.repeats import Repeats
from ..ledger.base import Ledger
from ..ledger.row import Row
from ..states import State

__all__ = ["Largest", "Preview", "preview_of"]

_LARGEST = 5
*_BANKS, _METHOD = CODE_COLUMNS


@attrs.frozen(order=True)
class Largest:
    """One of the largest payouts. `amount` in minor units."""

    amount: int
    before: int
    """The number of its row, counted down: of equal amounts the earlier row is the larger."""
    line: int
    order_id: str
    method: str
    bank: str


@attrs.define
class Preview:
    """Payouts and minor units by method and bank, and the largest of them."""

    groups: dict[tuple[str, str], tuple[int, int]] = attrs.field(factory=dict)
    repeats: Repeats = attrs.field(factory=Repeats)
    _largest: list[Largest] = attrs.field(factory=list)

    @property
    def by_sum(self) -> list[tuple[str, str, int, int]]:
        """Method, bank or wallet, payouts and minor units, the largest sum first."""
        found = [(*names, *sums) for names, sums in self.groups.items()]
        return sorted(found, key=lambda each: (-each[3], each[0], each[1]))

    @property
    def largest(self) -> list[Largest]:
        """The five largest payouts, the largest first."""
        return sorted(self._largest, reverse=True)

    def add(self, row: Row, fields: dict[str, Any]) -> None:
        """Count a payout. `fields`: its order's."""
        method, bank = fields.get(_METHOD) or "", next((fields[name] for name in _BANKS if fields.get(name)), "")
        rows, amount = self.groups.get((method, bank), (0, 0))
        self.groups[method, bank] = rows + 1, amount + row.amount
        if len(self._largest) < _LARGEST:
            heapq.heappush(self._largest, Largest(row.amount, -row.id, row.line, row.order_id, method, bank))
        elif row.amount >= self._largest[0].amount:
            heapq.heappushpop(self._largest, Largest(row.amount, -row.id, row.line, row.order_id, method, bank))


async def preview_of(view: Ledger, states: Collection[State], *, without: Collection[str] = ()) -> Preview:
    """What is in these states, but for the orders `without`. Reads each such row of the view, a page at a time."""
    found = Preview()
    with found.repeats.looking() as look:

        def add(page: list[Row]) -> None:
            for row in page:
                if row.order_id not in without:
                    fields = json.loads(row.body)
                    found.add(row, fields)
                    look(row.line, fields["account_no"], fields.get("account_name"), row.amount)

        async for page in view.pages(states=states):
            await asyncio.to_thread(add, page)
    return found
