"""A transaction of the caller's own, whatever driver it is on: statements are written once, with `:name` for a value.

psycopg, asyncpg, sqlite3 and aiosqlite, and SQLAlchemy's AsyncSession and AsyncConnection over them. Nothing here
commits.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import attrs

from ..errors import ConfigurationError

__all__ = ["CallersTransaction", "Dialect", "callers_transaction", "pyformat"]

Dialect = Literal["postgresql", "sqlite"]
Execute = Callable[[str, Mapping[str, Any]], Awaitable[list[tuple[Any, ...]]]]

_VALUE = re.compile(r"(?<!:):([a-z_]+)")


@attrs.frozen
class CallersTransaction:
    """`execute(statement, values)` gives the rows, in the transaction that the caller ends.

    `driver` is what the statements go over, where that says whether there is a transaction. `nested`: SQLAlchemy has
    begun a savepoint in it.
    """

    dialect: Dialect
    execute: Execute
    driver: Any = None
    nested: bool = False


async def callers_transaction(connection: Any) -> CallersTransaction:
    """By the kind of connection. Raises ConfigurationError where it is none that is known."""
    if isinstance(connection, sqlite3.Connection):
        return CallersTransaction("sqlite", functools.partial(_on_sqlite3, connection), connection)
    sqlalchemy = sys.modules.get("sqlalchemy.ext.asyncio")  # else it cannot be one of its
    if sqlalchemy is not None:
        if isinstance(connection, sqlalchemy.AsyncSession | sqlalchemy.async_scoped_session):
            return await _of_sqlalchemy(await connection.connection())
        if isinstance(connection, sqlalchemy.AsyncConnection):
            return await _of_sqlalchemy(connection)
    for module, name, dialect, execute in _DRIVERS:
        found = sys.modules.get(module)
        if found is not None and isinstance(connection, getattr(found, name)):
            return CallersTransaction(dialect, functools.partial(execute, connection), connection)
    raise ConfigurationError(
        f"a {type(connection).__module__}.{type(connection).__name__} is no connection that is known here: it takes "
        "psycopg's, asyncpg's, sqlite3's, aiosqlite's, or SQLAlchemy's AsyncSession or AsyncConnection"
    )


async def _of_sqlalchemy(connection: Any) -> CallersTransaction:
    dialect = connection.dialect.name
    if dialect not in ("postgresql", "sqlite"):
        raise ConfigurationError(f"a connection to {dialect} cannot share a transaction with PostgreSQL or SQLite")
    driver = (await connection.get_raw_connection()).driver_connection
    execute = functools.partial(_on_sqlalchemy, connection)
    return CallersTransaction(dialect, execute, driver, connection.in_nested_transaction())


@functools.cache
def pyformat(statement: str) -> str:
    """The statement as psycopg takes it."""
    return _VALUE.sub(r"%(\1)s", statement.replace("%", "%%"))


async def _on_psycopg(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    cursor = connection.cursor(row_factory=tuple_rows)
    await cursor.execute(pyformat(statement).encode(), values)
    return await cursor.fetchall() if cursor.description else []


async def _on_blocking_psycopg(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    def execute() -> list[tuple[Any, ...]]:
        cursor = connection.cursor(row_factory=tuple_rows)
        cursor.execute(pyformat(statement).encode(), values)
        return cursor.fetchall() if cursor.description else []

    return await asyncio.to_thread(execute)


def tuple_rows(cursor: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Rows as tuples, whatever the caller's connection makes of them."""
    return tuple


@functools.cache
def _numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """The statement as asyncpg takes it, and the names of its values in order."""
    names = tuple(dict.fromkeys(_VALUE.findall(statement)))
    return _VALUE.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


async def _on_asyncpg(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    query, names = _numbered(statement)
    return [tuple(row.values()) for row in await connection.fetch(query, *(values[name] for name in names))]


async def _on_sqlite3(
    connection: sqlite3.Connection, statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor.execute(statement, values).fetchall()


async def _on_aiosqlite(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.execute_fetchall(statement, values)]


async def _on_sqlalchemy(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    done = await connection.execute(sys.modules["sqlalchemy"].text(statement), dict(values))
    return [tuple(row) for row in done] if done.returns_rows else []


_DRIVERS: tuple[tuple[str, str, Dialect, Any], ...] = (
    ("psycopg", "AsyncConnection", "postgresql", _on_psycopg),
    ("psycopg", "Connection", "postgresql", _on_blocking_psycopg),
    ("asyncpg", "Connection", "postgresql", _on_asyncpg),
    ("asyncpg.pool", "PoolConnectionProxy", "postgresql", _on_asyncpg),
    ("aiosqlite", "Connection", "sqlite", _on_aiosqlite),
)
