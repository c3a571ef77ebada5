"""Leases of the PostgreSQL ledger: rows are taken, kept, returned, and taken over where their holder is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable

from ...states import Event, IllegalMove, State
from ..row import Row, apply_event
from . import queries
from .database import Database
from .schema import LeasedRow, leased_row_from
from .writer import Writer

__all__ = ["Leases"]

_OVERDUE = 60.0
"""Seconds. No inquiry waits longer because the database's clock was set back meanwhile."""


class Leases:
    """Of one process. `scope`, of any call: the batches, or the shard, that are seen."""

    def __init__(self, database: Database, writer: Writer, call_timeout: float) -> None:
        self._database = database
        self._writer = writer
        self._call_timeout = call_timeout

    async def claim(
        self, states: Iterable[State], limit: int, scope: str, *, max_resends: int, held: Collection[int]
    ) -> list[Row]:
        """Lease rows whose time has come, the longest due first."""
        found: list[LeasedRow] = []
        for state in states:  # one by one, so that each walks the index in order
            if limit > len(found):
                found += await self._claim(state, limit - len(found), scope, max_resends, held)
        return list(found)

    async def _claim(
        self, state: State, limit: int, scope: str, max_resends: int, held: Collection[int]
    ) -> list[LeasedRow]:
        before = time.monotonic()
        query = queries.claim(state, scope)
        found = await self._database.ask(query, most=max_resends, held=list(held), limit=limit)
        if found:
            self._database.clock.looked(found[0][-2], before, time.monotonic())
        found.sort(key=lambda values: (values[-1], values[0]))
        return [leased_row_from(values[:-2]) for values in found]

    async def renew(self, held: Collection[int], scope: str) -> None:
        """Renew the lease of these rows, recover what others have lost, look at the database's clock."""
        if held:
            await self._database.ask(queries.RENEW_LEASES, held=list(held))
        await self._database.look_at_clock()
        clock = self._database.clock
        if clock.was_set:
            clock.was_set = False
            await self.bring_near("")  # all views share the clock, and only the first one comes here
        await self.recover(self._call_timeout, scope)

    async def return_all(self, scope: str) -> None:
        """End the lease of every row leased here that has not begun to be sent."""
        await self._database.ask(queries.RETURN_LEASES + scope)

    async def bring_near(self, scope: str) -> None:
        """What is further away than anything is put off was written before the clock was set back."""
        await self._database.ask(queries.OVERDUE + scope, overdue=_OVERDUE)
        await self._database.ask(queries.SENT_LATER + scope)

    async def recover(self, call_timeout: float, scope: str) -> int:
        """Rows `sending` past the end of their lease may have been sent: make them `unknown`. Returns how many."""
        clock = self._database.clock
        if not clock.settled:
            return 0
        found = await self._database.ask(queries.LOST + scope, believed=clock.time())
        now = clock.time()
        done = await asyncio.gather(
            *(self._crashed(leased_row_from(values), now, call_timeout) for values in found), return_exceptions=True
        )
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, IllegalMove):
                raise result
        return sum(isinstance(result, Row) for result in done)  # the others' rows moved by themselves meanwhile

    async def _crashed(self, row: LeasedRow, now: float, call_timeout: float) -> LeasedRow:
        due = min(max(now, (row.sent or now) + call_timeout), now + call_timeout)
        return await self._writer.move(row, apply_event(row, Event.CRASHED, {}), Event.CRASHED, due, {})

    async def next_due(self, states: Iterable[State], scope: str, *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due, or its lease ends; rows being sent count too."""
        await self.recover(self._call_timeout, scope)  # nothing else is to be done now, and what was lost is due
        # one statement, one snapshot: a row that moves between two statements would be in neither
        moments = ", ".join(queries.earliest(state, scope) for state in {*states, State.SENDING})
        [(moment,)] = await self._database.ask(f"SELECT least({moments})", most=max_resends)
        return None if moment is None else float(moment)
