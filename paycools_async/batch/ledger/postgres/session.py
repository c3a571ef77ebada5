"""The PostgreSQL ledger's session, on `storage.postgres`; migrating its tables, and roles."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import psycopg
from psycopg import errors, sql

from ....errors import ConfigurationError
from ....storage.postgres import Availability, Session, lock_schema
from ....storage.postgres_connections import LONGEST, what
from ..base import Identity, LedgerError, belongs_to_another
from .schema import GRANTS, JOB_GRANTS, MIGRATIONS

__all__ = ["RIGHTS", "LedgerSession", "grant", "ledger_errors", "prepare"]

Connection = psycopg.AsyncConnection[Any]

RIGHTS = ("offer", "release", "run", "submit")
"""What a role may be allowed to do with a ledger."""

LOCK = 0x50_43_4C_4C  # "PCLL": migrations, one at a time a ledger
# PostgreSQL undid it whole; two runs met on the same rows
_RETRIED = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)


def _failure(problem: str) -> LedgerError:
    return LedgerError(f"the PostgreSQL ledger cannot be read or written: {problem}")


@contextlib.contextmanager
def ledger_errors() -> Iterator[None]:
    """The driver's errors become the ledger's. Never the connection string: it may hold a password."""
    try:
        yield
    except psycopg.Error as error:
        raise _failure(what(error)) from None


class LedgerSession(Session):
    """The ledger's connection: its errors are LedgerErrors."""

    def __init__(
        self,
        dsn: str,
        lease: float,
        *,
        statement: float | None = None,
        availability: Availability | None = None,
        read_only: bool = False,
    ) -> None:
        super().__init__(
            dsn,
            lease,
            _failure,
            statement=statement,
            retried=_RETRIED,
            availability=availability,
            read_only=read_only,
        )


async def prepare(connection: Connection, identity: Identity | None, create: bool) -> None:
    """Make or bring up to date the tables, and see that the ledger is this merchant's.

    Who only reads (no identity, no `create`) changes nothing.
    """
    # before the first look: PostgreSQL's catalogue cache would remember that there is no table
    await lock_schema(connection, LOCK)
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
        problem = error.diag.message_primary
        raise LedgerError(
            f"this role cannot make the ledger's tables or bring them up to date ({problem}); let their owner run "
            "`paycools payouts prepare`"
        ) from None


async def _version(connection: Connection) -> int:
    [(table,)] = await (await connection.execute("SELECT to_regclass('paycools_schema')")).fetchall()
    if table is None:
        return 0
    [(version,)] = await (await connection.execute("SELECT coalesce(max(version), 0) FROM paycools_schema")).fetchall()
    return int(version)


async def _own(connection: Connection, identity: Identity) -> None:
    owner = "SELECT value FROM paycools_ledger WHERE key = 'identity'"
    found = await (await connection.execute(owner)).fetchall()
    if not found:
        insert = "INSERT INTO paycools_ledger VALUES (%s, %s) ON CONFLICT (key) DO NOTHING"
        for key, value in (("identity", identity.text()), ("currency", identity.currency)):
            await connection.execute(insert, (key, value))
        found = await (await connection.execute(owner)).fetchall()
    if found[0][0] != identity.text():
        problem = belongs_to_another(found[0][0], identity)
        raise LedgerError(f"the PostgreSQL ledger: {problem}; use another database or search_path")


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
    callbacks, mark what an application knows. "submit": enter an application's payouts, which are sent without another
    yes. No role can change an order's content, or what the logs say. Raises ConfigurationError for a role that
    can do everything anyhow.
    """
    unknown = sorted(set(may) - set(RIGHTS))
    if unknown or not may:
        raise ConfigurationError(f"a role may {', '.join(RIGHTS)}, not {', '.join(unknown) or 'nothing'}")
    session = LedgerSession(dsn, LONGEST)

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
