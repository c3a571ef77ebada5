"""An application's payouts in a PostgreSQL ledger: submitted in groups' commits, or in the application's own.

The statements name the ledger's schema, so that they mean the same on any connection to its database.
"""

# ruff: noqa: S608 - all text is ours

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import attrs
import psycopg

from ....errors import ConfigurationError, OrderConflict
from ....storage.callers import CallersTransaction, callers_transaction, pyformat
from ....storage.postgres import lock_schema
from ...states import OPEN, State
from ..application import (
    STUCK,
    UNTOLD,
    WAITS_FOR_PERSON,
    AlreadyAcknowledged,
    Kept,
    NotWritten,
    Standing,
    StuckRule,
    Submission,
    accepted_submission,
    in_turn,
    overtaken,
)
from ..base import LedgerError
from ..row import listed
from .database import Connection, Database
from .schema import COLUMNS, leased_row_from
from .session import LedgerSession

if TYPE_CHECKING:
    from .ledger import PostgresLedger

__all__ = ["PostgresApplication", "own_batch"]

_INTAKE_LOCK = 0x50_43_4C_49
"""That of a file's intake: numbers of batches are given one at a time."""
_SUBMISSION_LOCK = 0x50_43_4C_44  # "PCLD"
_LARGEST_GROUP = 128
"""Each holds a lock or two until the commit, and a server has some thousands."""
_NEXT_TRY = 0.05
"""Seconds after which those are tried again that a transaction of somebody else holds."""
_PATIENCE = 10.0
"""Seconds that what is submitted at the very end has to be written."""

_KEPT = f"SELECT {COLUMNS}, coalesce(p.told, '') FROM SCHEMA.paycools_payouts p"

_BATCH = "SELECT id FROM paycools_batches WHERE application = %s"
_NEW_BATCH = """
INSERT INTO paycools_batches (id, payouts, shards, planned, amount, offered_by, offered_at, application)
SELECT greatest((SELECT max(id) FROM paycools_batches), (SELECT max(intake) FROM paycools_payouts), 0) + 1,
    0, 1, at, 0, %(name)s, at, %(name)s
FROM coalesce(%(now)s::float8, extract(epoch FROM statement_timestamp())::float8) AS at RETURNING id"""

_NOW = "coalesce(CAST(:now AS float8), CAST(extract(epoch FROM statement_timestamp()) AS float8))"

# two of one order id, or that would be paid as one, are not submitted beside each other
_LOCK = f"""
SELECT pg_advisory_xact_lock({_SUBMISSION_LOCK}, found.hash)
FROM (SELECT DISTINCT hashtext(text) AS hash FROM unnest(CAST(:texts AS text[])) AS text ORDER BY 1) AS found"""
_TRY_LOCK = f"""
SELECT text FROM unnest(CAST(:texts AS text[])) AS text
WHERE NOT pg_try_advisory_xact_lock({_SUBMISSION_LOCK}, hashtext(text))"""


def _clash(same: str) -> str:
    # each by its index, one look a payout
    return f"""(SELECT p.id FROM SCHEMA.paycools_payouts p WHERE {same} AND p.order_id <> a.order_id
            AND p.state <> 'withdrawn' LIMIT 1) IS NULL"""


# a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
_SUBMIT = f"""
WITH clock AS (
    SELECT {_NOW} AS now, EXISTS (SELECT FROM SCHEMA.paycools_ledger WHERE key = 'recovered') AS lost
),
asked AS (
    SELECT * FROM unnest(CAST(:order_ids AS text[]), CAST(:idempotency_ids AS text[]), CAST(:amounts AS bigint[]),
        CAST(:bodies AS text[]), CAST(:digests AS text[])) AS a (order_id, idempotency_id, amount, body, digest)
),
entered AS (
    INSERT INTO SCHEMA.paycools_payouts (order_id, idempotency_id, intake, shard, line, amount, body, digest, state,
        reason, entered, sent, updated, told)
    SELECT a.order_id, a.idempotency_id, CAST(:batch AS int), 0, 0, a.amount, a.body, a.digest,
        CASE WHEN lost THEN 'unknown' ELSE 'planned' END, CASE WHEN lost THEN 'lost' END, now,
        CASE WHEN lost THEN now END, now, ''
    FROM asked a, clock WHERE {_clash("p.idempotency_id = a.order_id")}
        AND {_clash("p.idempotency_id = a.idempotency_id")} AND {_clash("p.order_id = a.idempotency_id")}
    ORDER BY a.order_id ON CONFLICT (order_id, withdrawn) DO NOTHING RETURNING id, state, updated
)
INSERT INTO SCHEMA.paycools_moves (payout, at, event, state, worker, rules)
SELECT id, updated, CASE state WHEN 'planned' THEN 'release' ELSE 'lost' END, state, CAST(:worker AS text), 2
FROM entered"""
_CURRENT = f"{_KEPT} WHERE p.order_id = ANY (CAST(:order_ids AS text[])) AND p.withdrawn = 0"

# who said yes to it was lost with a part of the ledger; this is the yes
_RELEASE = f"""
WITH released AS (
    UPDATE SCHEMA.paycools_payouts SET state = 'planned', due = 0, looks = 0, absent_since = NULL, updated = {_NOW},
        version = version + 1, worker = NULL
    WHERE id = CAST(:id AS bigint) AND state = 'offered' RETURNING id, updated
)
INSERT INTO SCHEMA.paycools_moves (payout, at, event, state, worker, rules)
SELECT id, updated, 'release', 'planned', CAST(:worker AS text), 2 FROM released"""

_GET = f"{_KEPT} WHERE p.order_id = %(order_id)s ORDER BY p.withdrawn <> 0, p.id DESC LIMIT 1"
_PAGE = f"""
{_KEPT} WHERE p.intake = %(batch)s AND p.id > %(last)s AND (%(state)s::text IS NULL OR p.state = %(state)s::text)
ORDER BY p.id LIMIT %(size)s"""
_STUCK = pyformat(STUCK)
_PAGE_FOR_A_PERSON = f"""
{_KEPT} WHERE p.intake = %(batch)s AND p.id > %(last)s AND (%(state)s::text IS NULL OR p.state = %(state)s::text)
    AND (state IN ({listed(WAITS_FOR_PERSON)}) OR ({_STUCK}))
ORDER BY p.id LIMIT %(size)s"""
_STANDING = f"""
SELECT (SELECT count(*) FROM paycools_payouts WHERE intake = %(batch)s AND state IN ({listed(OPEN)})),
    (SELECT count(*) FROM paycools_payouts WHERE intake = %(batch)s AND {UNTOLD}),
    (SELECT count(*) FROM paycools_payouts WHERE intake = %(batch)s AND {_STUCK})
        + (SELECT count(*) FROM paycools_payouts WHERE intake = %(batch)s AND state = 'offered'
            -- else there are none, and they need not be looked for
            AND EXISTS (SELECT FROM paycools_ledger WHERE key = 'recovered'))"""

_DB_NOW = "coalesce(%(now)s::float8, extract(epoch FROM statement_timestamp())::float8)"


def _due(which: str) -> str:
    return f"""
WITH free AS (
    SELECT id FROM paycools_payouts WHERE intake = %(batch)s AND tell_due <= {_DB_NOW} AND {which}
        AND id <> ALL (%(held)s::bigint[]) AND {in_turn("paycools_payouts", "paycools_payouts")}
    ORDER BY tell_due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE paycools_payouts p SET tell_due = {_DB_NOW} + %(within)s FROM free WHERE p.id = free.id
RETURNING {COLUMNS}, p.told, {overtaken("p", "paycools_payouts")}"""


_DUE = _due(UNTOLD)
_DUE_STUCK = _due(f"{_STUCK} AND told <> 'unknown'")
_ACKNOWLEDGE = """
UPDATE SCHEMA.paycools_payouts SET told = CAST(:state AS text), tell_due = 0
WHERE id = CAST(:id AS bigint) AND told = CAST(:told AS text) RETURNING id"""
_STILL_UNMARKED = "SELECT 1 FROM paycools_payouts WHERE id = %(id)s AND told = %(told)s"
_POSTPONE = f"""
UPDATE paycools_payouts SET tell_due = {_DB_NOW} + %(seconds)s WHERE id = %(id)s AND told = %(told)s"""

# the same table of the same database of the same server, and not another one that looks like it
_PLACE = """
SELECT current_database(), CAST(to_regclass(CAST(:payouts AS text)) AS bigint),
    CAST(extract(epoch FROM pg_postmaster_start_time()) AS float8), CAST(now() AS text)"""
# two statements of one transaction have the same time
_BEGAN = "SELECT CAST(now() AS text)"


async def own_batch(connection: Connection, name: str, now: float | None) -> tuple[int, str]:
    """The number of the application's batch, which is made where it is not there; and the ledger's schema, quoted."""
    rows = await (await connection.execute(_BATCH, (name,))).fetchall()
    if not rows:
        await lock_schema(connection, _INTAKE_LOCK)
        rows = await (await connection.execute(_BATCH, (name,))).fetchall()
    if not rows:
        rows = await (await connection.execute(_NEW_BATCH, {"name": name, "now": now})).fetchall()
    [(schema,)] = await (await connection.execute("SELECT quote_ident(current_schema())")).fetchall()
    return int(rows[0][0]), str(schema)


def _kept(values: Iterable[Any]) -> Kept:
    *row, told = values
    return Kept(leased_row_from(tuple(row)), told)


@functools.cache
def _in(schema: str, statement: str) -> str:
    return statement.replace("SCHEMA.", f"{schema}.")


@attrs.define(eq=False)
class _Waiting:
    submission: Submission
    done: asyncio.Future[Kept]


@attrs.define(eq=False)
class _Writing:
    """Of one group. `committing`: everything else is done, so it may be written, whatever is heard of it."""

    committing: bool = False


class PostgresApplication:
    """Satisfies `application.ApplicationLedger`."""

    def __init__(self, ledger: PostgresLedger, database: Database, batch: int, schema: str) -> None:
        self._ledger = ledger
        self._database = database
        self._batch = batch
        self._schema = schema
        # a connection of its own: who submits waits for no run
        self._session = LedgerSession(ledger.dsn, ledger.lease)
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._place: list[Any] | None = None

    @property
    def ledger(self) -> PostgresLedger:
        """The ledger, of which only these payouts are seen."""
        return self._ledger

    @property
    def batch(self) -> int:
        """The number of the application's batch."""
        return self._batch

    def _text(self, statement: str) -> str:
        return _in(self._schema, statement)

    # -- submitting -----------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission, *, within: float | None = None) -> Kept:
        """Take it, with whatever else waits, or find that it was taken.

        Raises OrderConflict; NotWritten; LedgerError where it may have been written, also after `within` seconds
        without an answer.
        """
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="paycools-durable-submit")
        try:
            async with asyncio.timeout(within):
                return await waiting.done
        except TimeoutError:
            problem = f"PostgreSQL did not answer within {within:g} seconds"
        if waiting in self._waiting:  # nobody has begun to write it
            self._waiting.remove(waiting)
            raise NotWritten(problem)
        raise LedgerError(problem)

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
            writing = _Writing()
            try:
                results = await self._session.run(functools.partial(self._enter, group, writing), repeatable=True)
            except BaseException as error:
                failure = error if isinstance(error, Exception) else LedgerError(repr(error))
                if isinstance(error, LedgerError) and not writing.committing:
                    failure = NotWritten(str(error))
                for waiting in group:
                    if not waiting.done.done():
                        waiting.done.set_exception(failure)
                if not isinstance(error, Exception):
                    raise
                continue
            for waiting, result in zip(group, results, strict=True):
                if waiting.done.done():
                    continue  # its caller was cancelled; the payout stands
                if result is None:
                    self._waiting.append(waiting)
                    continue
                if isinstance(result, Kept):
                    waiting.done.set_result(result)
                else:
                    waiting.done.set_exception(result)
            if not any(results):
                await asyncio.sleep(_NEXT_TRY)

    async def _enter(
        self, group: list[_Waiting], writing: _Writing, connection: Connection
    ) -> list[Kept | OrderConflict | None]:
        """What is None has to wait: a transaction that is not at its end has the same payout, or one like it."""

        async def execute(statement: str, values: Any) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(pyformat(statement).encode(), values)
            return await cursor.fetchall() if cursor.description else []

        submissions = [waiting.submission for waiting in group if not waiting.done.done()]
        texts = [text for each in submissions for text in _texts(each)]
        held = {text for (text,) in await execute(_TRY_LOCK, {"texts": texts})}
        free = [each for each in submissions if held.isdisjoint(_texts(each))]
        found = await self._submit(execute, free) if free else {}
        writing.committing = True
        results = {id(each): self._result(each, found.get(each.order_id)) for each in free}
        return [results.get(id(waiting.submission)) for waiting in group]

    def _result(self, submission: Submission, found: Kept | None) -> Kept | OrderConflict:
        try:
            return accepted_submission(submission, found, self._batch)
        except OrderConflict as conflict:
            return conflict

    async def submit_within(self, connection: Any, submission: Submission) -> Kept:
        """The same in a transaction of the caller's, on a connection to the ledger's database."""
        transaction = await self._of_this_database(connection)
        await transaction.execute(_LOCK, {"texts": _texts(submission)})
        found = await self._submit(transaction.execute, [submission])
        return accepted_submission(submission, found.get(submission.order_id), self._batch)

    async def _submit(self, execute: Callable[..., Any], submissions: Sequence[Submission]) -> dict[str, Kept]:
        values = {
            "order_ids": [each.order_id for each in submissions],
            "idempotency_ids": [each.idempotency_id for each in submissions],
            "amounts": [each.amount for each in submissions],
            "bodies": [each.body for each in submissions],
            "digests": [each.digest for each in submissions],
        }
        common = {"now": self._database.clock.now, "worker": self._database.worker}
        await execute(self._text(_SUBMIT), {**values, **common, "batch": self._batch})
        asked = {"order_ids": values["order_ids"]}
        found = {kept.row.order_id: kept for kept in map(_kept, await execute(self._text(_CURRENT), asked))}
        digests = {each.order_id: each.digest for each in submissions}
        offered = [
            kept.row.id
            for kept in found.values()
            if kept.row.state is State.OFFERED
            and kept.row.intake == self._batch
            and kept.row.digest == digests[kept.row.order_id]
        ]
        for number in offered:
            await execute(self._text(_RELEASE), {**common, "id": number})
        if offered:
            found = {kept.row.order_id: kept for kept in map(_kept, await execute(self._text(_CURRENT), asked))}
        return found

    async def _of_this_database(self, connection: Any) -> CallersTransaction:
        """What is written into another database would never be sent, and nobody would notice."""
        transaction = await callers_transaction(connection)
        if transaction.dialect != "postgresql":
            raise ConfigurationError(f"the ledger is in PostgreSQL, and the connection is to {transaction.dialect}")
        asked = {"payouts": f"{self._schema}.paycools_payouts"}
        [(*theirs, began)] = await transaction.execute(_PLACE, asked)
        if theirs != self._place:  # the server may have been started anew meanwhile
            [(*self._place, _)] = await self._session.ask(pyformat(_PLACE), asked)
        if theirs != self._place:
            raise ConfigurationError(
                f"the connection is to database {theirs[0]!r}, and not to the one of the ledger: nothing was submitted"
            )
        if await transaction.execute(_BEGAN, {}) != [(began,)]:
            raise ConfigurationError(
                "the connection commits each statement by itself: begin a transaction, or submit without `connection`"
            )
        return transaction

    # -- reading --------------------------------------------------------------------------------------------------

    async def _ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        return await self._session.ask(self._text(query), {**values, "now": self._database.clock.now})

    async def get(self, order_id: str) -> Kept | None:
        """A payout as it stands; None: this application has not submitted it."""
        found = [_kept(values) for values in await self._ask(_GET, order_id=order_id)]
        return found[0] if found and found[0].row.intake == self._batch else None

    async def pages(
        self, state: State | None = None, *, stuck: StuckRule | None = None, size: int = 500
    ) -> AsyncIterator[list[Kept]]:
        """The payouts, in the order in which they were submitted, a page at a time; `stuck`: that need a person."""
        last, wanted = 0, None if state is None else state.value
        query, more = (_PAGE, {}) if stuck is None else (_PAGE_FOR_A_PERSON, stuck.values())
        while rows := await self._ask(query, batch=self._batch, last=last, state=wanted, size=size, **more):
            found = [_kept(values) for values in rows]
            yield found
            last = found[-1].row.id

    async def standing(self, rule: StuckRule) -> Standing:
        """How they stand."""
        [(backlog, untold, stuck)] = await self._ask(_STANDING, batch=self._batch, **rule.values())
        return Standing(backlog=backlog, oldest=await self._ledger.oldest_open(), untold=untold, stuck=stuck)

    # -- telling --------------------------------------------------------------------------------------------------

    async def due(self, limit: int, held: Collection[int], within: float) -> list[Kept]:
        """Payouts of whose end the application is to be told now; no other process gets them for `within` seconds."""
        return await self._due(_DUE, limit, held, within)

    async def due_stuck(self, limit: int, held: Collection[int], within: float, rule: StuckRule) -> list[Kept]:
        """The same of those that wait for a person."""
        return await self._due(_DUE_STUCK, limit, held, within, **rule.values())

    async def _due(self, query: str, limit: int, held: Collection[int], within: float, **values: Any) -> list[Kept]:
        asked = {"batch": self._batch, "held": list(held), "limit": limit, "within": within}
        found = [
            Kept(leased_row_from(tuple(row)), told, late)
            for *row, told, late in await self._ask(query, **asked, **values)
        ]
        return sorted(found, key=lambda kept: kept.row.id)

    async def acknowledge(self, kept: Kept, work: Sequence[Callable[[Any], Any]] = ()) -> None:
        """In one commit: do the work on the ledger's connection, and mark that the application knows."""

        async def write(connection: Connection) -> None:
            await _do_work(connection, work)
            cursor = await connection.execute(pyformat(self._text(_ACKNOWLEDGE)).encode(), _of(kept))
            _check(await cursor.fetchall(), kept)

        await self._session.run(write)

    async def acknowledge_within(self, connection: Any, kept: Kept) -> None:
        """Mark it in a transaction of the caller's, on a connection to the ledger's database."""
        transaction = await self._of_this_database(connection)
        _check(await transaction.execute(self._text(_ACKNOWLEDGE), _of(kept)), kept)

    async def is_marked(self, kept: Kept) -> bool:
        """Whether this has been acknowledged, or something later of the payout."""
        return not await self._ask(_STILL_UNMARKED, id=kept.row.id, told=kept.told)

    async def postpone(self, kept: Kept, seconds: float) -> None:
        """The application could not be told: try again then."""
        await self._ask(_POSTPONE, seconds=seconds, id=kept.row.id, told=kept.told)

    def stop_waiting(self, within: float) -> None:
        """It will be closed: a database that is away is waited for so many seconds more."""
        self._ledger.availability.stop_waiting(within)

    def abort(self) -> None:
        """Whatever still waits for the database ends at once, with an error."""
        self._session.abort()
        self._ledger.abort()

    async def aclose(self) -> None:
        """Write what waits, in bounded time, and close the connection."""
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=_PATIENCE)
            for task in late:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._session.aclose()


def _texts(submission: Submission) -> list[str]:
    """What PayCools may know it by."""
    return [text for text in (submission.order_id, submission.idempotency_id) if text]


def _of(kept: Kept) -> dict[str, Any]:
    return {"id": kept.row.id, "state": kept.row.state.value, "told": kept.told}


def _check(marked: Sequence[Any], kept: Kept) -> None:
    if not marked:
        raise AlreadyAcknowledged(f"order {kept.row.order_id}: that it is {kept.row.state} was acknowledged before")


async def _do_work(connection: Connection, work: Sequence[Callable[[Any], Any]]) -> None:
    try:
        for each in work:
            returned = each(connection)
            if isawaitable(returned):
                await returned
    except psycopg.Error as error:
        raise LedgerError(f"the database refused the application's own work: {type(error).__name__}") from error
