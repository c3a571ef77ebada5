"""procrastinate's way to the database: the ledger's own session, so that jobs wait for a database that is away too.

procrastinate's worker ends when a query of its own fails. Here a query is asked again until the database answers, so
each must be as if asked once: a job that was handed out in an answer that never came goes back, and one that another
worker has taken over meanwhile is left to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import procrastinate
import psycopg
from procrastinate.exceptions import AppNotOpen
from procrastinate.sql import queries
from psycopg import errors, sql
from psycopg.rows import dict_row

from ...storage.postgres_connections import ConnectionString, connect
from ..ledger.base import LedgerError
from ..ledger.postgres.ledger import PostgresLedger
from ..ledger.postgres.session import LedgerSession

__all__ = ["JobConnector"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]

_LISTEN_AGAIN = 2.0
"""Seconds. Until then new jobs are found by looking."""
_ENDS = (queries["finish_job"], queries["retry_job"])

# whoever stands still for long is taken off the list of workers, and goes on being one
_STILL_A_WORKER = """
INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker_id)s) ON CONFLICT (id) DO NOTHING"""
_NOT_OURS_TO_DO = """
SELECT id FROM procrastinate_jobs WHERE worker_id = %(worker_id)s AND status = 'doing' AND id <> ALL (%(known)s)"""


class JobConnector(procrastinate.PsycopgConnector):
    """Of one worker, on the ledger's database."""

    def __init__(self, ledger: PostgresLedger) -> None:
        super().__init__()
        self._place = ConnectionString(ledger.dsn)
        self._lease = ledger.lease
        self._ledgers = ledger.availability
        self._session: LedgerSession | None = None
        self._known: set[int] = set()

    async def open_async(self, pool: Any = None) -> None:
        self._session = LedgerSession(self._place.text, self._lease, availability=self._ledgers)

    async def close_async(self) -> None:
        if self._session is not None:
            await self._session.aclose()

    def abort(self) -> None:
        """Whatever waits for the database ends at once, with an error; nothing more is asked."""
        if self._session is not None:
            self._session.abort()

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        if query in _ENDS:
            await self._end(query, arguments)
        else:
            await self._ask(query, arguments)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        if query == queries["fetch_job"]:
            return await self._fetch(arguments)
        found: dict[str, Any] = (await self._ask(query, arguments))[0]
        return found

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await self._ask(query, arguments)

    async def _ask(self, query: Any, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return await self._run(lambda connection: _rows(connection, query, self._wrap_json(arguments)))

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        if self._session is None:
            raise AppNotOpen
        return await self._session.run(work)

    async def _fetch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        async def fetch(connection: Connection) -> dict[str, Any]:
            await connection.execute(_STILL_A_WORKER, arguments)
            for job in await _rows(connection, _NOT_OURS_TO_DO, {**arguments, "known": list(self._known)}):
                nothing_new = dict.fromkeys(("new_priority", "new_queue_name", "new_lock"))
                again = {"job_id": job["id"], "retry_at": datetime.now(UTC), **nothing_new}
                await connection.execute(queries["retry_job"].encode(), again)
            [job] = await _rows(connection, queries["fetch_job"], arguments)
            return job

        job = await self._run(fetch)
        if job["id"] is not None:
            self._known.add(job["id"])
        return job

    async def _end(self, query: str, arguments: dict[str, Any]) -> None:
        async def end(connection: Connection) -> None:
            with contextlib.suppress(errors.RaiseException):  # it is done, or another worker has it
                async with connection.transaction():
                    await connection.execute(query.encode(), arguments)

        try:
            with contextlib.suppress(LedgerError):  # nobody waits any more: it is found to be lost, and done again
                await self._run(end)
        finally:
            self._known.discard(arguments["job_id"])

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        while True:
            with contextlib.suppress(psycopg.Error):  # what is wrong, the sessions tell
                await self._listen(on_notification, channels)
            await asyncio.sleep(_LISTEN_AGAIN)

    async def _listen(self, on_notification: Any, channels: Iterable[str]) -> None:
        connection = await connect(self._place, self._lease)
        try:
            for channel in channels:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            async for notification in connection.notifies():
                await on_notification(channel=notification.channel, payload=notification.payload)
        finally:
            await connection.close()


async def _rows(connection: Connection, query: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query.encode(), arguments)
    return await cursor.fetchall() if cursor.description else []
