"""How a PostgreSQL connection (psycopg 3; extra `postgres`) is made, and which are refused before anything is asked.

Refused are databases whose encoding is not UTF-8, where a name could be stored that no one can read back, and poolers
that hand the connection on after every transaction: what a connection is told for good, its limits and its locks,
would be another's. No error made here holds the connection string: it may hold a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..errors import ConfigurationError
from .location import connection_string

__all__ = [
    "LONGEST",
    "ConnectionString",
    "Unsuitable",
    "connect",
    "connect_options",
    "connect_sync",
    "conninfo",
    "idle_limit",
    "limits",
    "passes",
    "what",
]

Connection = psycopg.AsyncConnection[Any]

LONGEST = 3600.0
"""Seconds, the most that any limit is set to."""
_POOLED_CONNECTIONS = 8
"""A pooler in transaction mode is found out as soon as one of so many connections is served by another's backend."""
_POOL_WAIT = 10.0


class Unsuitable(psycopg.NotSupportedError):
    """A database, or a way to it, that cannot be used, however often it is tried."""


class ConnectionString:
    """A connection string, closed: it may hold a password."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: str = text

    def __repr__(self) -> str:
        return "<connection string>"


# -- what went wrong --------------------------------------------------------------------------------------------------

_PREFIX = re.compile(r"^(?:connection failed: |connection is bad: )+")


def what(error: psycopg.Error) -> str:
    """The driver's error for people, in one line: PostgreSQL's or libpq's reason, and never the connection string."""
    if error.diag.message_primary:
        return error.diag.message_primary
    if isinstance(error, psycopg.OperationalError | Unsuitable) and str(error):
        # of several hosts the last one's reason; what libpq adds on further lines is advice
        line = _PREFIX.sub("", str(error).strip().splitlines()[0])
        return re.sub(r"\b(FATAL|ERROR):\s+", "", line)
    return type(error).__name__


_PASSING = (
    errors.ConnectionException,
    errors.ConnectionFailure,
    errors.ConnectionTimeout,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.TooManyConnections,
    errors.ReadOnlySqlTransaction,
)
_PASSES = re.compile(
    "Connection refused|No such file or directory|starting up|shutting down|recovery mode|not yet accepting|read-only"
    "|timeout|closed the connection|Connection reset|No route|unreachable|Temporary failure|too many|remaining conn"
)
"""In libpq's own words, and an English server's."""
_ANSWERS_WITHIN = 5.0


async def passes(error: psycopg.Error) -> bool:
    """Whether it is a server that is not there now, and not, as far as can be known, a wrong setting."""
    if isinstance(error, _PASSING) or _PASSES.search(what(error)):
        return True
    if error.sqlstate is not None or error.pgconn is None:
        return False
    code = await _code_of_refusal(error.pgconn)
    return code is not None and issubclass(_class_of(code), _PASSING)


def _class_of(code: str) -> type[psycopg.Error]:
    try:
        return errors.lookup(code)
    except KeyError:
        return psycopg.Error


async def _code_of_refusal(refused: Any) -> str | None:
    """Ask the server once more: it has a code for why it greets nobody now, of which libpq gives the text alone.

    The text is in the server's language. None: it does greet, and asks who comes.
    """
    content = (3 << 16).to_bytes(4) + b"user\0paycools\0\0"  # nobody's name: there may be no TLS
    host, port = (refused.hostaddr or refused.host).decode(), int(refused.port)
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            if host.startswith("/"):
                reader, writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            else:
                reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write((len(content) + 4).to_bytes(4) + content)
                kind = await reader.readexactly(1)
                answer = await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
            finally:
                writer.close()
    except (OSError, ValueError, asyncio.IncompleteReadError):  # it is no PostgreSQL, or gone
        return None
    codes = [field[1:] for field in answer.split(b"\0") if field.startswith(b"C")]
    return codes[0].decode("ascii", "replace") if kind == b"E" and codes else None


def _parsed(text: str) -> dict[str, Any]:
    """Raises ConfigurationError. libpq quotes what it could not read, and that may be a part of a password."""
    try:
        return dict(conninfo_to_dict(text))
    except psycopg.Error as error:
        problem = re.sub(r'"[^"]*"', '"..."', str(error).strip().splitlines()[0])
    raise ConfigurationError(f"the PostgreSQL connection string cannot be read: {problem}")


# -- how to connect ---------------------------------------------------------------------------------------------------


def connect_options(location: str, lease: float, *, read_only: bool = False) -> dict[str, Any]:
    """How to connect so that a peer that is gone is noticed within about the lease; what `location` says goes first.

    Of several hosts one that can be written to is taken, unless it is only to be read. Raises ConfigurationError.
    """
    part = max(1, int(min(lease, LONGEST) / 4))
    ours = {
        "connect_timeout": 10,
        "keepalives_idle": part,
        "keepalives_interval": part,
        "keepalives_count": 3,
        "tcp_user_timeout": 4000 * part,
        "target_session_attrs": "any" if read_only else "read-write",
    }
    return {**ours, **_parsed(connection_string(location)), "client_encoding": "utf8"}


def conninfo(location: str, lease: float) -> str:
    """The same as a libpq string, for a library that connects by itself."""
    return make_conninfo(**connect_options(location, lease))


async def connect(
    place: ConnectionString, lease: float, *, statement: float | None = None, read_only: bool = False
) -> Connection:
    """A connection with its limits set. Raises psycopg's errors, Unsuitable among them."""
    options = connect_options(place.text, lease, read_only=read_only)
    connection = await psycopg.AsyncConnection.connect(**options, autocommit=True)
    try:
        _refuse_encoding(connection.info)
        query, values = limits(lease, statement=statement)
        await connection.execute(query.encode(), values)
        if await _backend(connection) != connection.info.backend_pid:  # somebody stands between
            await _refuse_transaction_pooler(connection, options)
    except BaseException:
        await connection.close()
        raise
    return connection


@contextlib.contextmanager
def connect_sync(
    place: ConnectionString, lease: float, *, statement: float | None = None, read_only: bool = False
) -> Iterator[psycopg.Connection[Any]]:
    """The same for a thread, on a database that `connect` has been on before."""
    with _connected(place, lease, read_only) as connection:
        _refuse_encoding(connection.info)
        query, values = limits(lease, statement=statement)
        connection.execute(query.encode(), values)
        yield connection


def _connected(place: ConnectionString, lease: float, read_only: bool) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(**connect_options(place.text, lease, read_only=read_only), autocommit=True)
    except psycopg.Error as error:
        problem = what(error)
    raise psycopg.OperationalError(problem)  # not the driver's own: its frames hold the connection string


def idle_limit(lease: float) -> str:
    """How long a transaction may wait for its own process, as PostgreSQL reads it: half a lease, a second at least."""
    return f"{max(1000, int(min(lease, LONGEST) * 500))}ms"


def limits(lease: float, *, statement: float | None = None) -> tuple[str, list[Any]]:
    """A statement that sets a connection's limits, and its values. `statement` in seconds; 0 is none.

    A process that stops within a transaction loses it after half a lease, and its locks with it. Nobody waits longer
    than a lease for a lock. A commit that could be lost in a power cut would be a payout that could be sent again, or
    a callback that was acknowledged and is gone.
    """
    lease = min(lease, LONGEST)
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
        wanted |= {"statement_timeout": f"{int(min(statement, LONGEST) * 1000)}ms"}
    if statement == 0:
        wanted |= {"transaction_timeout": 0}
    # by way of the settings that there are: older versions do not know them all
    query = """
        SELECT set_config(wanted.name, wanted.value, false)
        FROM unnest(%s::text[], %s::text[]) AS wanted (name, value) JOIN pg_settings USING (name)
        UNION ALL
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""
    return query, [list(wanted), [str(value) for value in wanted.values()]]


# -- what is refused --------------------------------------------------------------------------------------------------


def _refuse_encoding(info: psycopg.ConnectionInfo) -> None:
    encoding = info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        raise Unsuitable(
            f'the database "{info.dbname}" is encoded in {encoding}, and must be in UTF8: '
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


async def _backend(connection: Connection) -> int:
    [(backend,)] = await (await connection.execute("SELECT pg_backend_pid()")).fetchall()
    return int(backend)


async def _refuse_transaction_pooler(connection: Connection, options: dict[str, Any]) -> None:
    """The backend is not the one that greeted us, so a pooler stands between; does it keep a backend for each client?

    In transaction mode a client that is in no transaction has none: another's transaction gets its backend, or it gets
    another backend the next time.
    """
    ours = await _backend(connection)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(_POOLED_CONNECTIONS):
            try:
                async with asyncio.timeout(_POOL_WAIT):
                    other = await psycopg.AsyncConnection.connect(**options)
                    await stack.enter_async_context(other)
                    theirs = await _backend(other)  # not autocommit: its transaction stays open
            except (psycopg.OperationalError, TimeoutError):
                return  # the pool is full
            served = False  # a connection of our own would answer at once
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POOL_WAIT):
                    served = theirs != ours and await _backend(connection) == ours
            if not served:
                raise Unsuitable(
                    "a pooler hands the connection to others after every transaction (pgbouncer's pool_mode = "
                    "transaction); connect to PostgreSQL itself, or use pool_mode = session"
                )
