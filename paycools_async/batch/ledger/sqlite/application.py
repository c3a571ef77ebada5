"""An application's payouts in a SQLite ledger: submitted one by one, in groups' commits or in the application's own."""

# ruff: noqa: S608 - all text is ours

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ....errors import ConfigurationError
from ....storage import sqlite
from ....storage.callers import CallersTransaction, callers_transaction
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
from ..row import COLUMNS, listed, row_of
from .store import Store

if TYPE_CHECKING:
    from .ledger import SQLiteLedger

__all__ = ["SQLiteApplication", "own_batch"]

_KEPT = f"SELECT {COLUMNS}, coalesce(told, '') FROM payouts"
# of an order that was taken back and submitted again the later row
_GET = f"{_KEPT} WHERE order_id = :order_id ORDER BY withdrawn <> 0, id DESC LIMIT 1"
_CURRENT = f"{_KEPT} WHERE order_id = :order_id AND withdrawn = 0"

_BATCH = "SELECT id FROM batches WHERE application = ?"
_NEW_BATCH = """
INSERT INTO batches (id, file, sha256, payouts, amount, offered_by, offered_at, application)
SELECT coalesce(max(id), 0) + 1, '', '', 0, 0, ?, ?, ? FROM batches RETURNING id"""

# a part of this ledger is lost: what is new here may have been sent by it, so PayCools is asked first
_SUBMIT = """
INSERT INTO payouts
    (order_id, idempotency_id, intake, line, amount, body, digest, state, reason, entered, sent, updated, told)
SELECT :order_id, :idempotency_id, :batch, 0, :amount, :body, :digest,
    CASE WHEN lost THEN 'unknown' ELSE 'planned' END, CASE WHEN lost THEN 'lost' END, :now,
    CASE WHEN lost THEN :now END, :now, ''
FROM (SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'recovered') AS lost)
WHERE NOT EXISTS (
    SELECT 1 FROM payouts WHERE idempotency_id = :order_id AND state <> 'withdrawn' AND order_id <> :order_id
) AND NOT EXISTS (
    SELECT 1 FROM payouts WHERE idempotency_id = :idempotency_id AND state <> 'withdrawn' AND order_id <> :order_id
) AND NOT EXISTS (
    SELECT 1 FROM payouts WHERE order_id = :idempotency_id AND state <> 'withdrawn' AND order_id <> :order_id
) ON CONFLICT (order_id, withdrawn) DO NOTHING"""
_LOG_NEW = """
INSERT INTO moves (payout, at, event, state)
SELECT id, updated, CASE state WHEN 'planned' THEN 'release' ELSE 'lost' END, state FROM payouts
WHERE id = last_insert_rowid() AND changes() = 1"""

# who said yes to it was lost with a part of the ledger; this is the yes
_RELEASE = """
UPDATE payouts SET state = 'planned', due = 0, looks = 0, absent_since = NULL, updated = :now
WHERE id = :id AND state = 'offered'"""
_LOG_RELEASE = """
INSERT INTO moves (payout, at, event, state) SELECT :id, :now, 'release', 'planned' WHERE changes() = 1"""


def _due(which: str) -> str:
    return f"""
SELECT {COLUMNS}, told, {overtaken("payouts", "payouts")} FROM payouts
WHERE intake = :batch AND tell_due <= :now AND {which} AND id NOT IN (SELECT value FROM json_each(:held))
    AND {in_turn("payouts", "payouts")}
ORDER BY tell_due, id LIMIT :limit"""


_DUE = _due(UNTOLD)
_DUE_STUCK = _due(f"{STUCK} AND told <> 'unknown'")
_NOTHING = "UPDATE payouts SET id = id WHERE false"
_ACKNOWLEDGE = "UPDATE payouts SET told = :state, tell_due = 0 WHERE id = :id AND told = :told RETURNING id"
_STILL_UNMARKED = "SELECT 1 FROM payouts WHERE id = ? AND told = ?"
_POSTPONE = "UPDATE payouts SET tell_due = ? WHERE id = ? AND told = ?"
_PAGE = f"{_KEPT} WHERE intake = :batch AND id > :last AND (:state IS NULL OR state = :state) ORDER BY id LIMIT :size"
_PAGE_FOR_A_PERSON = f"""
{_KEPT} WHERE intake = :batch AND id > :last AND (:state IS NULL OR state = :state)
    AND (state IN ({listed(WAITS_FOR_PERSON)}) OR ({STUCK})) ORDER BY id LIMIT :size"""
_BACKLOG = f"SELECT count(*) FROM payouts WHERE intake = ? AND state IN ({listed(OPEN)})"
_UNTOLD = f"SELECT count(*) FROM payouts WHERE intake = ? AND {UNTOLD}"
_STUCK = f"""
SELECT (SELECT count(*) FROM payouts WHERE intake = :batch AND {STUCK})
    + (SELECT count(*) FROM payouts WHERE intake = :batch AND state = 'offered')"""


def own_batch(connection: sqlite3.Connection, name: str, now: float) -> int:
    """The number of the application's batch, which is made where it is not there."""
    found = connection.execute(_BATCH, (name,)).fetchone()
    if found is None:
        [found] = connection.execute(_NEW_BATCH, (name, now, name)).fetchall()
    return int(found[0])


def _kept(values: Iterable[Any] | None) -> Kept | None:
    if values is None:
        return None
    *row, told = values
    return Kept(row_of(row), told)


def _all(rows: Iterable[Iterable[Any]]) -> list[Kept]:
    return [kept for kept in map(_kept, rows) if kept is not None]


class SQLiteApplication:
    """Satisfies `application.ApplicationLedger`."""

    def __init__(self, ledger: SQLiteLedger, store: Store, batch: int) -> None:
        self._ledger = ledger
        self._store = store
        self._batch = batch

    @property
    def ledger(self) -> SQLiteLedger:
        """The ledger, of which only these payouts are seen."""
        return self._ledger

    @property
    def batch(self) -> int:
        """The number of the application's batch."""
        return self._batch

    # -- submitting -----------------------------------------------------------------------------------------------

    def _values(self, submission: Submission) -> dict[str, Any]:
        return {
            "order_id": submission.order_id,
            "idempotency_id": submission.idempotency_id,
            "batch": self._batch,
            "amount": submission.amount,
            "body": submission.body,
            "digest": submission.digest,
            "now": self._ledger.time(),
        }

    async def submit(self, submission: Submission, *, within: float | None = None) -> Kept:
        """Take it, with whatever else waits, or find that it was taken.

        Raises OrderConflict; NotWritten; LedgerError where it may have been written.
        """
        values = self._values(submission)
        entered = False

        def enter(connection: sqlite3.Connection) -> Kept:
            nonlocal entered
            entered = True
            connection.execute(_SUBMIT, values)
            connection.execute(_LOG_NEW)
            found = accepted_submission(submission, _kept(connection.execute(_CURRENT, values).fetchone()), self._batch)
            if found.row.state is State.OFFERED:
                again = {"id": found.row.id, "now": values["now"]}
                connection.execute(_RELEASE, again)
                connection.execute(_LOG_RELEASE, again)
                found = _all(connection.execute(_CURRENT, values))[0]
            return found

        try:
            async with asyncio.timeout(within):
                return await self._store.do(enter)
        except TimeoutError:
            raise LedgerError(f"{self._store.file} was not written within {within:g} seconds") from None
        except LedgerError as error:
            if entered:
                raise
            raise NotWritten(str(error)) from error

    async def submit_within(self, connection: Any, submission: Submission) -> Kept:
        """The same in a transaction of the caller's, on a connection to the ledger's file."""
        self._store.refuse_to_move()
        transaction = await self._of_this_file(connection)
        execute, values = transaction.execute, self._values(submission)
        await execute(_SUBMIT, values)
        await execute(_LOG_NEW, {})
        current = _all(await execute(_CURRENT, {"order_id": submission.order_id}))
        found = accepted_submission(submission, current[0] if current else None, self._batch)
        if found.row.state is State.OFFERED:
            again = {"id": found.row.id, "now": values["now"]}
            await execute(_RELEASE, again)
            await execute(_LOG_RELEASE, again)
            [found] = _all(await execute(_CURRENT, {"order_id": submission.order_id}))
        return found

    async def _of_this_file(self, connection: Any) -> CallersTransaction:
        """What is written into another database would never be sent, and nobody would notice."""
        transaction = await callers_transaction(connection)
        if transaction.dialect != "sqlite":
            raise ConfigurationError(f"the ledger is a SQLite file, and the connection is to {transaction.dialect}")
        files = {name: file for _, name, file in await transaction.execute("PRAGMA database_list", {})}
        if not files.get("main") or not await asyncio.to_thread(os.path.samefile, files["main"], self._store.file):
            raise ConfigurationError(
                f"the connection is to {files.get('main') or 'a database in memory'}, and the ledger is in "
                f"{self._store.file}: nothing was submitted"
            )
        if transaction.nested:
            raise ConfigurationError(
                "the connection is in a savepoint (begin_nested), which SQLite may commit at its end whatever becomes "
                "of the rest: submit and acknowledge in the transaction around it"
            )
        driver = transaction.driver
        if not driver.in_transaction:
            # drivers have more than one way to commit each statement by itself: this one begins what the next would
            await transaction.execute(_NOTHING, {})
        if not driver.in_transaction:
            raise ConfigurationError(
                "the connection commits each statement by itself: begin a transaction, or submit without `connection`"
            )
        return transaction

    # -- reading --------------------------------------------------------------------------------------------------

    async def get(self, order_id: str) -> Kept | None:
        """A payout as it stands; None: this application has not submitted it."""
        found = await self._store.read(lambda db: _kept(db.execute(_GET, {"order_id": order_id}).fetchone()))
        return found if found is not None and found.row.intake == self._batch else None

    async def pages(
        self, state: State | None = None, *, stuck: StuckRule | None = None, size: int = 500
    ) -> AsyncIterator[list[Kept]]:
        """The payouts, in the order in which they were submitted, a page at a time; `stuck`: that need a person."""
        values: dict[str, Any] = {"batch": self._batch, "state": None if state is None else state.value, "size": size}
        query = _PAGE
        if stuck is not None:
            query, values = _PAGE_FOR_A_PERSON, {**values, **stuck.values()}
        last = 0
        while found := await self._store.read(
            lambda db, after=last: _all(db.execute(query, {**values, "last": after}))  # type: ignore[misc]
        ):
            yield found
            last = found[-1].row.id

    async def standing(self, rule: StuckRule) -> Standing:
        """How they stand."""

        def count(db: sqlite3.Connection) -> list[int]:
            asked = ((_BACKLOG, (self._batch,)), (_UNTOLD, (self._batch,)))
            stuck = db.execute(_STUCK, {"batch": self._batch, **rule.values()}).fetchone()[0]
            return [*(db.execute(query, values).fetchone()[0] for query, values in asked), stuck]

        backlog, untold, stuck = await self._store.read(count)
        return Standing(backlog=backlog, oldest=await self._ledger.oldest_open(), untold=untold, stuck=stuck)

    # -- telling --------------------------------------------------------------------------------------------------

    async def due(self, limit: int, held: Collection[int], within: float) -> list[Kept]:
        """Payouts of whose end the application is to be told now, without those in `held`. No other process asks."""
        return await self._due(_DUE, self._asked(limit, held))

    async def due_stuck(self, limit: int, held: Collection[int], within: float, rule: StuckRule) -> list[Kept]:
        """The same of those that wait for a person."""
        return await self._due(_DUE_STUCK, {**self._asked(limit, held), **rule.values()})

    def _asked(self, limit: int, held: Collection[int]) -> dict[str, Any]:
        return {"batch": self._batch, "now": self._ledger.time(), "held": json.dumps(list(held)), "limit": limit}

    async def _due(self, query: str, values: dict[str, Any]) -> list[Kept]:
        return await self._store.read(
            lambda db: [Kept(row_of(row), told, bool(late)) for *row, told, late in db.execute(query, values)]
        )

    async def acknowledge(self, kept: Kept, work: Sequence[Callable[[Any], Any]] = ()) -> None:
        """In one commit: do the work on the ledger's connection, and mark that the application knows."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("SAVEPOINT told")  # the commit is shared with others, and this is all or nothing
            try:
                _do_work(connection, work)
                _check(connection.execute(_ACKNOWLEDGE, _of(kept)).fetchall(), kept)
            except BaseException:
                connection.execute("ROLLBACK TO told")
                connection.execute("RELEASE told")
                raise
            connection.execute("RELEASE told")

        await self._store.do(write)

    async def acknowledge_within(self, connection: Any, kept: Kept) -> None:
        """Mark it in a transaction of the caller's, on a connection to the ledger's file."""
        transaction = await self._of_this_file(connection)
        _check(await transaction.execute(_ACKNOWLEDGE, _of(kept)), kept)

    async def is_marked(self, kept: Kept) -> bool:
        """Whether this has been acknowledged, or something later of the payout."""
        values = (kept.row.id, kept.told)
        return await self._store.read(lambda db: db.execute(_STILL_UNMARKED, values).fetchone() is None)

    async def postpone(self, kept: Kept, seconds: float) -> None:
        """The application could not be told: try again then."""
        values = (self._ledger.time() + seconds, kept.row.id, kept.told)
        await self._store.do(lambda db: db.execute(_POSTPONE, values))

    def stop_waiting(self, within: float) -> None:
        """A file is not waited for."""

    def abort(self) -> None:
        """The same."""

    async def aclose(self) -> None:
        """Nothing of its own is open."""


def _of(kept: Kept) -> dict[str, Any]:
    return {"id": kept.row.id, "state": kept.row.state.value, "told": kept.told}


def _check(marked: Sequence[Any], kept: Kept) -> None:
    if not marked:
        raise AlreadyAcknowledged(f"order {kept.row.order_id}: that it is {kept.row.state} was acknowledged before")


def _do_work(connection: sqlite3.Connection, work: Sequence[Callable[[Any], Any]]) -> None:
    if not work:
        return
    try:
        with sqlite.refusing_to_commit(connection, "told"):
            for each in work:
                each(connection)
    except sqlite.CommitRefused as error:
        raise LedgerError(f"the work given to in_transaction is not done: {error}") from error
    except sqlite3.Error as error:  # as it is, it would undo the commit that others share
        raise LedgerError(f"the database refused the application's own work: {type(error).__name__}") from error
