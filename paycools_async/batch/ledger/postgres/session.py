"""Connections of the PostgreSQL ledger: opening, limits, migrating, and roles."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from ....errors import ConfigurationError
from ..base import Identity, LedgerError
from .schema import GRANTS, JOB_GRANTS, MIGRATIONS

__all__ = ["RIGHTS", "Session", "connect_options", "grant", "idle_limit", "ledger_errors", "limits", "prepare"]

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]
Values = Sequence[Any] | Mapping[str, Any]

RIGHTS = ("offer", "release", "run")
"""What a role may be allowed to do with a ledger."""

LOCK = 0x50_43_4C_4C  # "PCLL": migrations, one at a time a ledger
_ATTEMPTS = 5
_LONGEST = 3600.0
"""Seconds, the most that any limit is set to."""


@contextlib.contextmanager
def ledger_errors() -> Iterator[None]:
    """The driver's errors become the ledger's. Never the connection string: it may hold a password."""
    try:
        yield
    except psycopg.Error as error:
        what = error.diag.message_primary or type(error).__name__
        raise LedgerError(f"the PostgreSQL ledger cannot be read or written: {what}") from None


def connect_options(dsn: str, lease: float) -> dict[str, Any]:
    """How to connect so that a peer that is gone is noticed within about the lease; what the DSN says goes first."""
    part = max(1, int(min(lease, _LONGEST) / 4))
    ours = {
        "connect_timeout": 10,
        "keepalives_idle": part,
        "keepalives_interval": part,
        "keepalives_count": 3,
        "tcp_user_timeout": 4000 * part,
    }
    return {**ours, **conninfo_to_dict(dsn), "autocommit": True}


def idle_limit(lease: float) -> str:
    """How long a transaction may wait for its own process, as PostgreSQL reads it: half a lease, a second at least."""
    return f"{max(1000, int(min(lease, _LONGEST) * 500))}ms"


def limits(lease: float, *, statement: float | None = None) -> tuple[str, list[Any]]:
    """A statement that sets a connection's limits, and its values. `statement` in seconds; 0 is none.

    A process that stops within a transaction loses it after half a lease, and its locks with it. Nobody waits longer
    than a lease for a lock. A commit that could be lost in a power cut would be a payout that could be sent again.
    """
    lease = min(lease, _LONGEST)
    part = max(1, int(lease / 4))
    wanted: dict[str, object] = {
        "idle_in_transaction_session_timeout": idle_limit(lease),
        "lock_timeout": f"{max(1, int(lease * 1000))}ms",
        "tcp_keepalives_idle": part,
        "tcp_keepalives_interval": part,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": 4000 * part,
    }
    if statement is not None:
        wanted |= {"statement_timeout": f"{int(min(statement, _LONGEST) * 1000)}ms"}
    if statement == 0:
        wanted |= {"transaction_timeout": 0}
    # by way of the settings that there are: older versions do not know them all
    query = """
        SELECT set_config(wanted.name, wanted.value, false)
        FROM unnest(%s::text[], %s::text[]) AS wanted (name, value) JOIN pg_settings USING (name)
        UNION ALL
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""
    return query, [list(wanted), [str(value) for value in wanted.values()]]


class Session:
    """One connection, made when needed and again when lost; one transaction at a time."""

    def __init__(self, dsn: str, lease: float, *, statement: float | None = None) -> None:
        self._dsn = dsn
        self._lease = lease
        self._statement = statement
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; none is made by asking."""
        return self._connection is not None and not self._connection.closed

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`await work(connection)` in a transaction of its own, committed before this returns."""

        async def within(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self._do(within)

    async def ask(self, query: str, values: Values | None = None) -> list[tuple[Any, ...]]:
        """One statement, which is one transaction: done and committed, or not at all, whatever becomes of us."""

        async def execute(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

        return await self._do(execute)

    async def _do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._lock:
            if self._closed:
                raise LedgerError("the ledger is closed")
            with ledger_errors():
                for attempt in range(_ATTEMPTS):
                    connection = await self._connected()
                    try:
                        return await work(connection)
                    except (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation):
                        # PostgreSQL undid it whole; two runs met on the same rows
                        if attempt == _ATTEMPTS - 1:
                            raise
        raise AssertionError

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(**connect_options(self._dsn, self._lease))
            try:
                await connection.execute(*_encoded(limits(self._lease, statement=self._statement)))
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def aclose(self) -> None:
        """Close the connection and open no other."""
        async with self._lock:
            self._closed = True
            if self._connection is not None:
                await self._connection.close()


def _encoded(asked: tuple[str, list[Any]]) -> tuple[bytes, list[Any]]:
    return asked[0].encode(), asked[1]


async def prepare(connection: Connection, identity: Identity | None, create: bool) -> None:
    """Make or bring up to date the tables, and see that the ledger is this merchant's.

    Who only reads (no identity, no `create`) changes nothing.
    """
    # before the first look: PostgreSQL's catalogue cache would remember that there is no table
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (LOCK,))
    version = await _version(connection)
    if version > len(MIGRATIONS):
        raise LedgerError("the PostgreSQL ledger was made by a newer version of this package")
    if version == 0 and not create:
        raise LedgerError("there is no ledger in this PostgreSQL database")
    if version < len(MIGRATIONS):
        if identity is None and not create:
            raise LedgerError(
                "the PostgreSQL ledger was made by an older version of this package; "
                "`paycools payouts prepare` brings it up to date"
            )
        await _migrate(connection, version)
    if identity is not None:
        await _own(connection, identity)


async def _migrate(connection: Connection, version: int) -> None:
    await connection.execute("SET LOCAL statement_timeout = 0")
    try:
        if version == 0:
            await connection.execute("CREATE TABLE paycools_schema (version INTEGER PRIMARY KEY)")
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            await connection.execute(migration.encode())
            await connection.execute("INSERT INTO paycools_schema VALUES (%s)", (number,))
    except errors.InsufficientPrivilege as error:
        what = error.diag.message_primary
        raise LedgerError(
            f"this role cannot make the ledger's tables or bring them up to date ({what}); let their owner run "
            "`paycools payouts prepare`"
        ) from None


async def _version(connection: Connection) -> int:
    [(table,)] = await (await connection.execute("SELECT to_regclass('paycools_schema')")).fetchall()
    if table is None:
        return 0
    [(version,)] = await (await connection.execute("SELECT coalesce(max(version), 0) FROM paycools_schema")).fetchall()
    return int(version)


async def _own(connection: Connection, identity: Identity) -> None:
    insert = "INSERT INTO paycools_ledger VALUES (%s, %s) ON CONFLICT (key) DO NOTHING"
    for key, value in (("identity", identity.text()), ("currency", identity.currency)):
        await connection.execute(insert, (key, value))
    cursor = await connection.execute("SELECT value FROM paycools_ledger WHERE key = 'identity'")
    [(found,)] = await cursor.fetchall()
    if found != identity.text():
        raise LedgerError(
            f"this PostgreSQL ledger belongs to {found!r}, these credentials are {identity.text()!r}; "
            "use another database or search_path"
        )


# what the workers' jobs stand on, where it is there
_JOB_TABLES = r"""
SELECT relname, relkind = 'S' FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S') AND relname LIKE 'procrastinate\_%'
"""

_TABLES = """
SELECT relname, false FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname LIKE 'paycools\\_%'
    AND relname <> 'paycools_callbacks'
"""

_UNBOUND = """
SELECT r.rolsuper OR pg_has_role(r.oid, t.relowner, 'USAGE')
FROM pg_roles r, pg_class t WHERE r.rolname = %(role)s AND t.oid = 'paycools_payouts'::regclass"""


async def grant(dsn: str, role: str, may: Collection[str] = RIGHTS) -> None:
    """Let a role do these parts of the work and no others, whatever it was granted before.

    "offer": enter files as batches. "release": say yes to batches, withdraw, adopt. "run": send, inquire, and note
    callbacks. No role can change an order's content, or what the logs say. Raises ConfigurationError for a role that
    can do everything anyhow.
    """
    unknown = sorted(set(may) - set(RIGHTS))
    if unknown or not may:
        raise ConfigurationError(f"a role may {', '.join(RIGHTS)}, not {', '.join(unknown) or 'nothing'}")
    session = Session(dsn, _LONGEST)

    async def write(connection: Connection) -> None:
        found = await (await connection.execute(_UNBOUND, {"role": role})).fetchall()
        if found and found[0][0] and set(may) != set(RIGHTS):
            raise ConfigurationError(f"role {role} owns the ledger's tables or all of PostgreSQL: nothing limits it")
        await _grant(connection, role, [right for right in RIGHTS if right in may])

    try:
        await session.run(write)
    finally:
        await session.aclose()


async def _grant(connection: Connection, role: str, rights: list[str]) -> None:
    to = sql.Identifier(role)
    [(schema,)] = await (await connection.execute("SELECT current_schema()")).fetchall()
    jobs = await (await connection.execute(_JOB_TABLES)).fetchall()
    tables = await (await connection.execute(_TABLES)).fetchall()
    for name, is_sequence in (*tables, *jobs):
        kind = sql.SQL("SEQUENCE" if is_sequence else "TABLE")
        revoke = sql.SQL("REVOKE ALL ON {} {} FROM {}").format(kind, sql.Identifier(schema, name), to)
        await connection.execute(revoke)
    await connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), to))
    for right in rights:  # texts of this package, though not of this line
        await connection.execute(sql.SQL(GRANTS[right]).format(role=to))  # pyright: ignore[reportArgumentType]
        for name, is_sequence in jobs if right in JOB_GRANTS else ():
            on = "USAGE ON SEQUENCE" if is_sequence else f"{JOB_GRANTS[right]} ON TABLE"
            what = sql.SQL(on)  # pyright: ignore[reportArgumentType]
            await connection.execute(sql.SQL("GRANT {} {} TO {}").format(what, sql.Identifier(schema, name), to))
