"""The ledger in PostgreSQL (psycopg 3; extra `postgres`): many runs, on many machines, share one.

Rows are leased. `claim` takes what is due with `FOR UPDATE SKIP LOCKED` and sets `due` to the end of the lease, so that
a lost worker's rows are simply due again then; a row still `sending` at that moment may have been sent and becomes
`unknown`. Every move is compare-and-swap on state and version. Time is the database's: machines' clocks may differ.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import platform
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from typing import Any, Self

from ....errors import ConfigurationError
from ....renamed import old_names
from ....storage.location import connection_string
from ....storage.postgres import Availability
from ....storage.postgres_connections import ConnectionString
from ...files import Order, RowError
from ...states import Event, State
from ..application import ApplicationBatch, Seen
from ..base import OLD_NAMES, Batch, Changed, Counts, Identity, Intake, LedgerError, Source, Withdrawal
from ..row import EventSource, Row, apply_event
from ..timeline import FailureGroup, PayoutMove, PayoutTimeline
from . import batch_queries, queries
from .application import PostgresApplication, own_batch
from .database import Connection, Database, DatabaseClock
from .intake import enter
from .leases import Leases
from .reading import postgres_timelines, read_batches
from .schema import LeasedRow, leased_row_from
from .session import LedgerSession, ledger_errors, prepare
from .writer import Writer, apply_now, apply_within

__all__ = ["LEASE_MARGIN", "PostgresLedger", "open_shards"]

log: logging.Logger = logging.getLogger("paycools_async.batch")

LEASE_MARGIN = 20.0
"""Seconds that a lease outlasts the client's own deadline."""

Shards = list[tuple[int, int]]
"""Batch and number of each."""
Also = Callable[[Connection, Shards], Awaitable[None]]


@old_names(**OLD_NAMES)
class PostgresLedger:
    """Open it with `await PostgresLedger.open(dsn, identity)`, close it with `aclose`. Satisfies `base.Ledger`.

    `call_timeout` is the client's `timeout`: the longest that a payout's request may be under way. A row is leased for
    that and `margin` seconds more. Were it less, a run could find a row abandoned while its request still travels,
    inquire too early, and pay again. Within half a lease PostgreSQL ends the transaction of a process that stands
    still, and with it its locks, so that nobody waits longer than a lease for somebody who is frozen.
    """

    def __init__(
        self,
        dsn: str,
        *,
        call_timeout: float,
        margin: float,
        clock: Callable[[], float] | None,
        read_only: bool = False,
    ) -> None:
        self._dsn = ConnectionString(connection_string(dsn))
        self.lease: float = call_timeout + margin
        self.renew_every: float = self.lease / 3
        # the rest of the margin is for the time between the database's clock and the first byte
        self.send_within: float = margin / 2
        self.worker: str = f"{platform.node() or 'worker'}:{os.getpid()}:{secrets.token_hex(4)}"
        self._clock = DatabaseClock(self.lease, clock)
        self._only: Seen = None
        self._shard: tuple[int, int] | None = None
        self.availability: Availability = Availability(log.warning)
        self._session = LedgerSession(dsn, self.lease, availability=self.availability, read_only=read_only)
        self._database = Database(self._session, self._clock, self.lease, self.worker)
        self._writer = Writer(dsn, self.lease, self.worker, self._clock, self.availability)
        self._leases = Leases(self._database, self._writer, call_timeout)

    @classmethod
    async def open(
        cls,
        dsn: str,
        identity: Identity | None,
        *,
        create: bool = True,
        read_only: bool = False,
        wait: bool = False,
        call_timeout: float = 30.0,
        margin: float = LEASE_MARGIN,
        clock: Callable[[], float] | None = None,
    ) -> PostgresLedger:
        """Open or create a ledger; older tables are brought up to date. `identity=None` opens whatever ledger it is.

        `dsn` is a URL or a libpq string. With neither `identity` nor `create`, who only reads, older tables are
        refused. `read_only` creates and changes nothing, and takes a server that is not to be written to. `wait`: where
        the server is not there now, until it is. `clock` replaces the database's, for tests.

        Raises ConfigurationError where `dsn` is no such text; LedgerError where there is no ledger, it belongs to
        somebody else, the database is not encoded in UTF8, a pooler in transaction mode stands before it, or it cannot
        be reached.
        """
        if not margin > 0:
            raise ConfigurationError("margin must be more than 0 seconds")
        ledger = cls(dsn, call_timeout=call_timeout, margin=margin, clock=clock, read_only=read_only)
        del dsn  # it may hold a password
        create = create and not read_only
        if wait:
            ledger.availability.begin_waiting()
        try:
            await ledger._session.run(lambda connection: prepare(connection, identity, create))
            await ledger._database.look_at_clock()
        except BaseException:
            await ledger.aclose()
            raise
        finally:
            if wait:
                ledger.availability.end_waiting()
        return ledger

    def of_batches(self, batches: Collection[int]) -> Self:
        """The same ledger, of which only these batches are seen, counted and claimed. Do not close it."""
        view = copy.copy(self)
        view._only = tuple(sorted(set(batches)))
        return view

    def shard(self, batch: int, number: int) -> Self:
        """The same ledger, of which only one shard of a batch is seen and leased. Do not close it."""
        view = copy.copy(self)
        view._shard = (batch, number)
        return view

    async def application(self, name: str) -> PostgresApplication:
        """What an application of this name submits: its own batch of this ledger, made where it is not there."""
        number, schema = await self._session.run(lambda connection: own_batch(connection, name, self._clock.now))
        view = copy.copy(self)
        view._only = ApplicationBatch(number)
        return PostgresApplication(view, self._database, number, schema)

    @property
    def _batches(self) -> Seen:
        """The batches that are seen; None: all of files."""
        return self._only if self._shard is None else (self._shard[0],)

    @property
    def _scope(self) -> str:
        if isinstance(self._only, ApplicationBatch):
            return f" AND p.intake = {self._only.number}"
        scope = f" AND p.intake NOT IN ({queries.APPLICATIONS})"
        if self._shard is not None:
            scope += f" AND p.intake = {int(self._shard[0])} AND p.shard = {int(self._shard[1])}"
        if self._only is not None:
            numbers = ", ".join(str(int(number)) for number in self._only)
            scope += f" AND p.intake IN ({numbers})" if numbers else " AND false"
        return scope

    async def aclose(self) -> None:
        """Return what is leased, as far as the database can be reached, and close the connections."""
        try:
            if self._session.is_open:
                await self.return_leases()
        except LedgerError:
            pass  # the leases end by themselves
        finally:
            await self._writer.aclose()
            await self._session.aclose()

    def abort(self) -> None:
        """Whatever waits for the database ends at once, with a LedgerError; nothing more is done. Close it then."""
        self._writer.abort()
        self._session.abort()

    @property
    def dsn(self) -> str:
        """The connection string. May hold a password."""
        return self._dsn.text

    @property
    def location(self) -> str:
        """The connection string: an inbox in the same place can share a commit. May hold a password."""
        return self.dsn

    @property
    def steady_since(self) -> float:
        """The moment since which this process has had the ledger, and the database's clock was not set."""
        return self._clock.steady_since

    def time(self) -> float:
        """The database's clock, as of the last look at it; between two looks it goes as the monotonic clock does."""
        return self._clock.time()

    # -- what a person decides ------------------------------------------------------------------------------------

    async def intake(
        self, orders: Iterable[Order | RowError], text_of: Callable[[Any], str], source: Source | None = None
    ) -> Intake:
        """Enter a file's orders as `offered`, as one new batch, in one transaction: with any error nothing is entered.

        A row that the ledger already has with the same content is known and left alone. One with other content, or an
        order id twice in the file, is an error. What was withdrawn may be offered again, also with other content.
        """
        who = source or Source()
        with ledger_errors():
            return await asyncio.to_thread(enter, self._dsn, self.lease, orders, text_of, who, self._clock.stand_in)

    async def release(self, batch: int, *, by: str, rows: int, amount: int, also: Also | None = None) -> None:
        """A person's yes to a batch: its offered rows become planned. Raises Changed where they are not what was shown.

        `also(connection, shards)` is awaited in the same transaction, with every shard of the batch that has open
        payouts. It may be awaited again, where PostgreSQL undid the transaction.
        """
        values = self._database.values(batch=batch, by=by)

        async def write(connection: Connection) -> None:
            [offered] = await (await connection.execute(batch_queries.RELEASE.encode(), values)).fetchall()
            if offered != (rows, amount):
                raise Changed(
                    f"batch {batch} has {offered[0]} offered payouts now, {rows} were shown; "
                    "nothing was released: show it and ask again"
                )
            if also is not None:
                await also(connection, await open_shards(connection, [batch]))

        await self._session.run(write)

    async def withdraw(self, *, by: str, batch: int | None = None, order_id: str | None = None) -> Withdrawal:
        """Take back what was never sent: of a batch, of one order, or with neither of the whole ledger."""
        values = self._database.values(by=by, batch=batch, order_id=order_id)

        async def write(connection: Connection) -> Withdrawal:
            taken, staying = batch_queries.withdraw(self._scope).encode(), batch_queries.staying(self._scope).encode()
            [(rows, amount)] = await (await connection.execute(taken, values)).fetchall()
            [(stay,)] = await (await connection.execute(staying, values)).fetchall()
            return Withdrawal(rows=rows, amount=amount, stay=stay)

        return await self._session.run(write)

    async def adopt(self, *, by: str) -> int:
        """Take what PayCools had before (`preexisting`) for this ledger's payouts; they are followed to their end."""
        [(rows, _)] = await self._all(batch_queries.adopt(self._scope), by=by)
        return int(rows)

    async def batches(self) -> list[Batch]:
        """Every batch, oldest first, with its rows by state and its log."""
        return await self._session.run(read_batches)

    async def owner(self) -> str:
        """Whose it is, as `Identity.text`; empty where nobody owns it yet."""
        return await self._noted("identity") or ""

    async def destination(self) -> dict[str, str]:
        """Where the money goes, as the last run said: names and texts for people; empty where nobody said."""
        destination: dict[str, str] = json.loads(await self._noted("destination") or "{}")
        return destination

    async def note_destination(self, details: dict[str, str]) -> None:
        """Remember where the money goes, for reports. A role that only offers says so only where nobody has before."""
        [(may,)] = await self._all(queries.MAY_NOTE)
        query = queries.NOTE if may else queries.NOTE_FIRST
        await self._all(query, key="destination", value=json.dumps(details))

    # -- a run ----------------------------------------------------------------------------------------------------

    async def begin_run(self) -> None:
        """From now on a database that is away is waited for. Several runs may send from one ledger: rows are leased."""
        self.availability.begin_waiting()

    async def end_run(self) -> None:
        """Nobody waits for this run any more."""
        self.availability.end_waiting()

    async def resume_sending(self) -> None:
        """End a `pause`, of the batches that this ledger sees."""
        await self._all(queries.end_pause(self._batches))

    async def pause(self, reason: str) -> None:
        """PayCools refused the merchant: nothing that was released by now is sent before `resume_sending`."""
        await self._all(queries.pause(), reason=reason[:300])

    async def paused(self) -> str | None:
        """Why nothing is sent, if a run paused the batches that this ledger sees."""
        rows = await self._all(queries.paused(self._batches))
        return rows[0][0] if rows else None

    # -- leases ---------------------------------------------------------------------------------------------------

    async def claim(
        self, states: Iterable[State], limit: int, *, max_resends: int, held: Collection[int] = ()
    ) -> list[Row]:
        """Lease rows in these states whose time has come, the longest due first, for `lease` seconds."""
        return await self._leases.claim(states, limit, self._scope, max_resends=max_resends, held=held)

    async def renew_leases(self, held: Collection[int]) -> None:
        """Renew the lease of these rows, recover what others have lost, look at the database's clock."""
        await self._leases.renew(held, self._scope)

    async def return_leases(self) -> None:
        """End the lease of every row leased here that has not begun to be sent."""
        await self._leases.return_all(self._scope)

    async def recover(self, *, call_timeout: float) -> int:
        """Rows `sending` past the end of their lease may have been sent: make them `unknown`. Returns how many.

        They are inquired about no earlier than `call_timeout` seconds after their sending began.
        """
        await self._leases.bring_near(self._scope)
        return await self._leases.recover(call_timeout, self._scope)

    # -- the merchant's pace, shared ------------------------------------------------------------------------------

    async def reserve_turns(self, count: int, interval: float) -> float:
        """Take the next `count` turns, `interval` seconds apart, from the merchant's one row; when the first comes."""
        return float((await self._all(queries.RESERVE_TURNS, span=count * interval))[0][0])

    async def share_pause(self, seconds: float) -> float:
        """Tell all workers to pause so long, if at all; how long others have asked for."""
        if seconds > 0:
            await self._all(queries.PAUSE, pause=seconds)
            return 0.0
        rows = await self._all(queries.PAUSE_LEFT)
        return max(0.0, float(rows[0][0])) if rows else 0.0

    # -- moves ----------------------------------------------------------------------------------------------------

    async def move(self, row: Row, event: Event, *, due: float = 0.0, **details: Any) -> Row:
        """Make one move, durably. Raises IllegalMove, also where the row has moved or was leased again meanwhile."""
        leased = _leased(row)
        return await self._writer.move(leased, apply_event(leased, event, details), event, due, details)

    async def apply_event(self, order_id: str, event: EventSource, **details: Any) -> Row | None:
        """What a callback says of an order: move its row from whatever state it is in now.

        `event` may be a function of the row. None: the order is not in this ledger. What cannot happen in the row's
        state changes nothing; the row is returned as it stands.
        """
        return await apply_now(self, order_id, event, details)

    async def apply_event_in(
        self, connection: Connection, order_id: str, event: EventSource, details: dict[str, Any]
    ) -> Row | None:
        """`apply_event` within a transaction of the caller's, on a connection to this ledger's database."""
        return await apply_within(connection, self._writer, order_id, event, details)

    async def schedule_inquiry(self, row: Row, *, due: float, absent_since: float | None) -> None:
        """Nothing new: remember when to inquire next, and since when PayCools has not known the order."""
        seen = {"id": row.id, "state": row.state.value, "version": _leased(row).version}
        await self._all(queries.SCHEDULE_INQUIRY, due=due, absent=absent_since, **seen)

    async def longest_lag(self) -> float:
        """Seconds, the most that PayCools was ever seen to take to show an order that it had accepted."""
        return float(await self._noted("lag") or 0.0)

    async def note_lag(self, seconds: float) -> None:
        """Remember a lag, if it is the longest so far."""
        await self._all(queries.NOTE_LAG, value=repr(float(seconds)))

    # -- reading --------------------------------------------------------------------------------------------------

    async def get(self, order_id: str) -> LeasedRow | None:
        """An order's row as it stands; of one that was withdrawn and offered again, the later row."""
        rows = await self._all(queries.GET, order_id=order_id)
        return leased_row_from(rows[0]) if rows else None

    async def next_due(self, states: Iterable[State], *, max_resends: int) -> float | None:
        """The earliest moment any row in these states is due, or its lease ends; rows being sent count too."""
        return await self._leases.next_due(states, self._scope, max_resends=max_resends)

    async def counts(self) -> Counts:
        """Rows and minor units in each state."""
        counted = await self._all(queries.counts(self._scope))
        return {State(state): (rows, amount) for state, rows, amount in counted}

    async def oldest_open(self) -> float | None:
        """When the oldest row was entered that the runner can still do something about, by the ledger's clock."""
        [(entered,)] = await self._all(queries.oldest_open(self._scope))
        return None if entered is None else float(entered)

    async def failures(self) -> list[FailureGroup]:
        """What failed, by code; the most frequent first."""
        return [FailureGroup(*values) for values in await self._all(queries.failures(self._scope))]

    async def history(self, order_id: str) -> list[PayoutMove]:
        """Every move of an order, oldest first."""
        return [PayoutMove(*values) for values in await self._all(queries.HISTORY, order_id=order_id)]

    async def resent(self) -> int:
        """Rows that were sent again after PayCools did not show them for long."""
        [(rows,)] = await self._all(queries.resent(self._scope))
        return int(rows)

    async def currency(self) -> str:
        """The currency that the ledger's amounts are in."""
        return await self._noted("currency") or "PHP"

    async def pages(self, *, states: Collection[State] | None = None, size: int = 1000) -> AsyncIterator[list[Row]]:
        """Every row, or those that are in these states, in file order, a page at a time."""
        query = queries.page(self._scope, states)
        last = 0
        while rows := await self._all(query, last=last, size=size):
            yield [leased_row_from(values) for values in rows]
            last = rows[-1][0]

    def timelines(self) -> Iterator[list[PayoutTimeline]]:
        """When each payout was sent, accepted and final, a page at a time; on a connection of its own."""
        return postgres_timelines(self._dsn, self.lease, self._scope)

    async def within(self, work: Callable[[Connection], Awaitable[None]]) -> None:
        """`await work(connection)` in one transaction on the ledger's database."""
        await self._session.run(work)

    async def _noted(self, key: str) -> str | None:
        rows = await self._all(queries.NOTED, key=key)
        return str(rows[0][0]) if rows else None

    async def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        return await self._database.ask(query, **values)


async def open_shards(connection: Connection, batches: Collection[int]) -> Shards:
    """Batch and number of every shard of these batches that has open payouts."""
    return await (await connection.execute(queries.OPEN_SHARDS.encode(), (list(batches),))).fetchall()


def _leased(row: Row) -> LeasedRow:
    if not isinstance(row, LeasedRow):
        raise TypeError("a row of another ledger")
    return row
