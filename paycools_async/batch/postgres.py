"""The ledger in PostgreSQL (psycopg 3; extra `postgres`): many runs, on many machines, share one.

Rows are lent. `claim` takes what is due with `FOR UPDATE SKIP LOCKED` and sets `due` to the end of the loan, so that a
lost worker's rows are simply due again then; a row still `sending` at that moment may have been sent and becomes
`unknown`. Every move is compare-and-swap on state and version. Time is the database's: machines' clocks may differ.
"""

from __future__ import annotations

import asyncio
import copy
import os
import platform
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from typing import Any

import psycopg

from ..errors import ConfigurationError
from . import postgres_queries as queries
from .journeys import Journey
from .orders import Order, RowError
from .postgres_found import move_found, move_found_within
from .postgres_intake import enter
from .postgres_journeys import postgres_journeys
from .postgres_schema import COLUMNS, OPEN_STATES, LentRow, lent_row_of
from .postgres_session import Session, Writer, ledger_errors, prepare
from .protocol import Identity, Intake, LedgerError
from .schema import Judge, Row, moved
from .states import Event, IllegalMove, State

__all__ = ["LEASE_MARGIN", "PostgresLedger"]

LEASE_MARGIN = 20.0
"""Seconds that a loan outlasts the client's own deadline."""

Connection = psycopg.AsyncConnection[Any]


class PostgresLedger:
    """Open it with `await PostgresLedger.open(dsn, identity)`, close it with `aclose`. Satisfies `protocol.Ledger`.

    `call_timeout` is the client's `timeout`: the longest that a payout's request may be under way. A row is lent for
    that and `margin` seconds more. Were it less, a run could find a row abandoned while its request still travels,
    inquire too early, and pay again.
    """

    def __init__(self, dsn: str, *, call_timeout: float, margin: float, clock: Callable[[], float] | None) -> None:
        self.dsn = dsn
        self.lease = call_timeout + margin
        self.tend_every = self.lease / 3
        # the rest of the margin is for the time between the database's clock and the first byte
        self.send_within = margin / 2
        self.worker = f"{platform.node() or 'worker'}:{os.getpid()}:{secrets.token_hex(4)}"
        self._clock = clock
        self._offset = 0.0
        self._scope = ""
        self._session = Session(dsn)
        self._writer = Writer(dsn, self.lease, self.worker, clock)

    @classmethod
    async def open(
        cls,
        dsn: str,
        identity: Identity | None,
        *,
        create: bool = True,
        call_timeout: float = 30.0,
        margin: float = LEASE_MARGIN,
        clock: Callable[[], float] | None = None,
    ) -> PostgresLedger:
        """Open or create a ledger; older tables are brought up to date. `identity=None` opens whatever ledger it is.

        `clock` replaces the database's, for tests. Raises LedgerError where there is no ledger, it belongs to somebody
        else, or the database cannot be reached.
        """
        if not margin > 0:
            raise ConfigurationError("margin must be more than 0 seconds")
        ledger = cls(dsn, call_timeout=call_timeout, margin=margin, clock=clock)
        try:
            await ledger._session.run(lambda connection: prepare(connection, identity, create))
            await ledger._set_clock()
        except BaseException:
            await ledger.aclose()
            raise
        return ledger

    def shard(self, batch: int, number: int) -> PostgresLedger:
        """The same ledger, of which only one shard of a batch is seen and lent. Do not close it."""
        part = copy.copy(self)
        part._scope = f" AND p.intake = {int(batch)} AND p.shard = {int(number)}"
        return part

    async def aclose(self) -> None:
        """Give back what is lent, as far as the database can be reached, and close the connections."""
        try:
            if self._session.is_open:
                await self.give_back()
        except LedgerError:
            pass  # the loans end by themselves
        finally:
            await self._writer.aclose()
            await self._session.aclose()

    @property
    def home(self) -> str:
        """The connection string: an inbox in the same place can share a commit. May hold a password."""
        return self.dsn

    def time(self) -> float:
        """The database's clock, as of the last look at it."""
        return self._clock() if self._clock else time.monotonic() + self._offset

    async def _set_clock(self) -> None:
        before = time.monotonic()
        [(now,)] = await self._all("SELECT extract(epoch FROM clock_timestamp())::float8")
        self._offset = now - (before + time.monotonic()) / 2

    # -- intake ---------------------------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], *, release: bool = True
    ) -> Intake:
        """Enter a file's orders as `planned`, in one transaction, all or none: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error. Without `release` nobody sends them before `release` is called.
        """
        with ledger_errors():
            return await asyncio.to_thread(enter, self.dsn, orders, text_of, release, self._clock)

    async def release(self, also: Callable[[Connection, list[tuple[int, int]]], Awaitable[None]] | None = None) -> None:
        """Let everything planned be sent, also after a `pause`.

        `also(connection, shards)` is awaited in the same transaction, with the batch and number of every shard that has
        open payouts.
        """

        async def write(connection: Connection) -> None:
            await connection.execute("UPDATE paycools_batches SET released = true WHERE NOT released")
            await connection.execute("DELETE FROM paycools_ledger WHERE key = 'paused'")
            if also is not None:
                query = (
                    f"SELECT DISTINCT intake, shard FROM paycools_payouts WHERE state IN ({OPEN_STATES}) ORDER BY 1, 2"  # noqa: S608
                )
                await also(connection, await (await connection.execute(query)).fetchall())

        await self._session.run(write)

    async def pause(self, reason: str) -> None:
        """PayCools refused the merchant: no run on this ledger sends anything more until `release`."""
        query = "INSERT INTO paycools_ledger VALUES ('paused', %(reason)s) ON CONFLICT (key) DO NOTHING"
        await self._all(query, reason=reason[:300])

    async def paused(self) -> str | None:
        """Why nothing is sent, if a run paused the ledger."""
        found = await self._all("SELECT value FROM paycools_ledger WHERE key = 'paused'")
        return found[0][0] if found else None

    # -- loans ----------------------------------------------------------------------------------------------------

    async def claim(
        self, states: Iterable[State], limit: int, *, max_resends: int, held: Collection[int] = ()
    ) -> list[Row]:
        """Borrow rows in these states whose time has come, the longest due first, for `lease` seconds."""
        found: list[LentRow] = []
        for state in states:  # one by one, so that each walks the index in order
            if limit > len(found):
                found += await self._claim(state, limit - len(found), max_resends, held)
        return list(found)

    async def _claim(self, state: State, limit: int, max_resends: int, held: Collection[int]) -> list[LentRow]:
        query = queries.claim(state, self._scope)
        found = await self._all(query, most=max_resends, held=list(held), limit=limit)
        found.sort(key=lambda values: (values[-1], values[0]))
        return [lent_row_of(values[:-1]) for values in found]

    async def tend(self, held: Collection[int]) -> None:
        """Lengthen the loan of these rows, recover what others have lost, look at the database's clock."""
        if held:
            await self._all(queries.TEND, held=list(held))
        await self.recover()
        await self._set_clock()

    async def give_back(self) -> None:
        """End the loan of every row borrowed here that has not begun to be sent."""
        await self._all(queries.GIVE_BACK + self._scope)

    async def recover(self) -> int:
        """Rows `sending` past the end of their loan may have been sent: make them `unknown`. Returns how many."""
        lost = [lent_row_of(values) for values in await self._all(queries.LOST + self._scope)]
        moves = (self.move(row, Event.CRASHED) for row in lost)
        done = await asyncio.gather(*moves, return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, IllegalMove):
                raise result
        return sum(isinstance(result, Row) for result in done)  # the others' rows moved by themselves meanwhile

    # -- the merchant's pace, shared ------------------------------------------------------------------------------

    async def reserve_turns(self, count: int, interval: float) -> float:
        """Take the next `count` turns, `interval` seconds apart, from the merchant's one row; when the first comes."""
        return float((await self._all(queries.RESERVE_TURNS, span=count * interval))[0][0])

    async def share_pause(self, seconds: float) -> float:
        """Tell all workers to pause so long, if at all; how long others have asked for."""
        if seconds > 0:
            await self._all(queries.PAUSE, pause=seconds)
            return 0.0
        found = await self._all(queries.PAUSE_LEFT)
        return max(0.0, float(found[0][0])) if found else 0.0

    # -- moves ----------------------------------------------------------------------------------------------------

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **facts: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved or was lent again meanwhile."""
        lent = _lent(row)
        return await self._writer.move(lent, moved(lent, event, facts), event, due, facts)

    async def found(self, order_id: str, event: Judge, **facts: Any) -> Row | None:
        """Word about an order from outside the run, a callback's: move its row from whatever state it is in now.

        `event` may be a function of the row. None: the order is not in this ledger. What cannot happen in the row's
        state changes nothing; the row is returned as it stands.
        """
        return await move_found(self, order_id, event, facts)

    async def found_in(self, connection: Connection, order_id: str, event: Judge, facts: dict[str, Any]) -> Row | None:
        """`found` within a transaction of the caller's, on a connection to this ledger's database."""
        return await move_found_within(connection, self._writer, order_id, event, facts)

    async def look_again(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""
        seen = {"id": row.id, "state": row.state.value, "version": _lent(row).version}
        await self._all(queries.LOOK_AGAIN, due=due, absent=absent_since, **seen)

    # -- reading --------------------------------------------------------------------------------------------------

    async def get(self, order_id: str) -> LentRow | None:
        """An order's row as it stands."""
        query = f"SELECT {COLUMNS} FROM paycools_payouts p WHERE p.order_id = %(order_id)s"  # noqa: S608
        found = await self._all(query, order_id=order_id)
        return lent_row_of(found[0]) if found else None

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due, or its loan ends; rows being sent count too."""
        await self.recover()  # nothing else is to be done now, and what was lost is due
        # one statement, one snapshot: a row that moves between two looks would be in neither
        looks = ", ".join(queries.earliest(state, self._scope) for state in {*states, State.SENDING})
        [(moment,)] = await self._all(f"SELECT least({looks})", most=max_resends)
        return None if moment is None else float(moment)

    async def counts(self) -> dict[State, tuple[int, int]]:
        """Rows and minor units in each state."""
        query = f"""
            SELECT p.state, count(*), sum(p.amount)::bigint FROM paycools_payouts p
            WHERE true{self._scope} GROUP BY p.state"""  # noqa: S608 - all text is ours
        return {State(state): (rows, amount) for state, rows, amount in await self._all(query)}

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        found = await self._all("SELECT value FROM paycools_ledger WHERE key = 'currency'")
        return found[0][0] if found else "PHP"

    async def pages(self, *, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, in file order, a page at a time."""
        query = f"""
            SELECT {COLUMNS} FROM paycools_payouts p
            WHERE p.id > %(last)s{self._scope} ORDER BY p.id LIMIT %(size)s"""  # noqa: S608 - all text is ours
        last = 0
        while found := await self._all(query, last=last, size=size):
            yield [lent_row_of(values) for values in found]
            last = found[-1][0]

    def journeys(self) -> Iterator[list[Journey]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return postgres_journeys(self.dsn)

    async def within(self, work: Callable[[Connection], Awaitable[None]]) -> None:
        """`await work(connection)` in one transaction on the ledger's database."""
        await self._session.run(work)

    async def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        values |= {"now": self._clock() if self._clock else None, "lease": self.lease, "worker": self.worker}

        async def ask(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

        return await self._session.run(ask)


def _lent(row: Row) -> LentRow:
    if not isinstance(row, LentRow):
        raise TypeError("a row of another ledger")
    return row
