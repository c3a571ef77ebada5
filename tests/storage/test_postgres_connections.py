"""What is wrong with a connection is said in one line, by libpq's reason; no password is in it, nor in a traceback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from support.frames import shown
from support.own_postgres import OwnPostgres
from support.ports import free_port
from support.transaction_pooler import transaction_pooler

from paycools_async.batch import LedgerError
from paycools_async.batch.ledger.postgres import ledger as ledger_module
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.ledger.postgres.session import prepare
from paycools_async.callbacks.postgres import PostgresStore
from paycools_async.errors import ConfigurationError, PayCoolsError
from paycools_async.storage.postgres_connections import ConnectionString, connect

PASSWORD = "pa#s?s50%w'rd"
ENCODED = "pa%23s%3Fs50%25w%27rd"

Open = Callable[[str], Awaitable[Any]]


async def _ledger(dsn: str) -> PostgresLedger:
    return await PostgresLedger.open(dsn, None)


OPENING: dict[str, Open] = {"ledger": _ledger, "inbox": PostgresStore.open}


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with tempfile.TemporaryDirectory(prefix="paycools-own-pg-", ignore_cleanup_errors=True) as folder:
        found = OwnPostgres(Path(folder))
        try:
            found.execute("CREATE ROLE payer LOGIN SUPERUSER PASSWORD 'pa#s?s50%w''rd'")
            for encoding in ("SQL_ASCII", "LATIN1"):
                found.execute(f"CREATE DATABASE {encoding.lower()} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
            yield found
        finally:
            found.stop()


pytestmark = pytest.mark.postgres


def written(server: OwnPostgres, folder: Path) -> dict[str, str]:
    """One database, in every way that it can be written."""
    service = folder / "services.conf"
    service.write_text(
        f"[pay]\nhost=127.0.0.1\nport={server.port}\ndbname=postgres\nuser=payer\npassword={PASSWORD}\n"
        "connect_timeout=3\n"
    )
    escaped = PASSWORD.replace("'", "\\'")
    return {
        "a URL as it was typed": f"postgresql://payer:{PASSWORD}@127.0.0.1:{server.port}/postgres",
        "a URL with escapes": f"postgres://payer:{ENCODED}@127.0.0.1:{server.port}/postgres?sslmode=prefer",
        "a query": f"postgresql://127.0.0.1:{server.port}/postgres?user=payer&password={ENCODED}",
        "a libpq string": f"host=127.0.0.1 port={server.port} dbname=postgres user=payer password='{escaped}'",
        "a service": "service=pay",
        "a service in a URL": "postgresql://?service=pay",
    }


@pytest.mark.parametrize("kind", OPENING)
async def test_every_way_of_writing_a_connection_works(
    server: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    for how, dsn in written(server, tmp_path).items():
        store = await OPENING[kind](dsn)
        assert "50%" not in repr(vars(store)), how
        await store.aclose()
    connection = await connect(ConnectionString(f"{server.url()}?client_encoding=latin1"), 4.0)
    assert connection.info.encoding == "utf-8"
    await connection.close()


REASONS = {
    "postgresql://postgres:pa%23ssw0rd@127.0.0.1:{port}/postgres": 'password authentication failed for user "postgres"',
    "host=127.0.0.1 port={port} user=postgres password=pa#ssw0rd": 'password authentication failed for user "postgres"',
    "postgresql://postgres:hush@127.0.0.1:{port}/nowhere": 'database "nowhere" does not exist',
    "postgresql://postgres:hush@127.0.0.1:{port}/?sslmode=require": "server does not support SSL, but SSL was required",
    "postgresql://postgres:hush@nohost.invalid/": "failed to resolve host 'nohost.invalid'",
    "postgresql://postgres:hush@127.0.0.1:1/": "Connection refused",
    "host=127.0.0.1,127.0.0.1 port=1,2 password=hush": "Connection refused",
    "service=unheard": 'definition of service "unheard" not found',
    "postgresql://postgres:hush@127.0.0.1:{port}/sql_ascii": 'the database "sql_ascii" is encoded in SQL_ASCII',
    "postgresql://postgres:hush@127.0.0.1:{port}/latin1": 'the database "latin1" is encoded in LATIN1',
}


@pytest.mark.parametrize("kind", OPENING)
@pytest.mark.parametrize(("dsn", "reason"), REASONS.items())
async def test_what_is_wrong_is_said_in_one_line(server: OwnPostgres, kind: str, dsn: str, reason: str) -> None:
    with pytest.raises(PayCoolsError) as caught:
        await OPENING[kind](dsn.format(port=server.port))
    told = str(caught.value)
    assert reason in told
    assert "\n" not in told
    everything = shown(caught.value)
    assert not [each for each in ("pa#ssw0rd", "hush") if each in everything]


async def test_a_thread_that_cannot_connect_shows_no_password_either(server: OwnPostgres) -> None:
    ledger = await PostgresLedger.open(server.url(), None)
    server.stop()
    try:
        with pytest.raises(LedgerError, match="Connection refused") as reading:
            list(ledger.timelines())
        with pytest.raises(LedgerError, match="Connection refused") as entering:
            await ledger.intake([], str)
        assert "hush" not in shown(reading.value) + shown(entering.value)
    finally:
        server.start()
        await ledger.aclose()


@pytest.mark.parametrize(
    "dsn",
    [
        "host=h pasword=pa#ssw0rd",
        "host=h password='pa#ssw0rd",
        "host=h password=x pa#ssw0rd",
        "postgresql://u:x@h/d?pa#ssw0rd",
        "postgresql://u:x/pa#ssw0rd@h/d",
        "postgresql://u:x@pa#ssw0rd@h/d",
    ],
)
@pytest.mark.parametrize("kind", OPENING)
async def test_what_libpq_cannot_read_is_not_quoted(kind: str, dsn: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await OPENING[kind](dsn)
    assert "pa#ssw0rd" not in str(caught.value)


@pytest.mark.parametrize("kind", OPENING)
async def test_a_file_is_no_database(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a file; this needs a PostgreSQL database"):
        await OPENING[kind](str(tmp_path / "l.db"))


# -- what stands between ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OPENING)
async def test_a_pooler_in_transaction_mode_is_found_out_and_refused(postgres_url: str, kind: str) -> None:
    where = conninfo_to_dict(postgres_url)
    socket = f"{where['host']}/.s.PGSQL.{where.get('port', 5432)}"
    async with transaction_pooler(socket) as port:
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        async with await psycopg.AsyncConnection.connect(dsn) as connection:  # the stand-in works
            assert await (await connection.execute("SELECT 7")).fetchone() == (7,)
        with pytest.raises(PayCoolsError, match="a pooler hands the connection to others after every transaction"):
            await OPENING[kind](dsn)


def _pgbouncer() -> str:
    found = os.environ.get("PAYCOOLS_PGBOUNCER") or shutil.which("pgbouncer")
    if not found:
        pytest.skip("pgbouncer is not installed")
    return found


@pytest.fixture
async def bouncer(server: OwnPostgres, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A real pgbouncer before the server, where there is one; in the mode that is asked for."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="paycools-bouncer-") as folder:
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={server.port} user=postgres password=hush\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
            f"pool_mode = {request.param}\nunix_socket_dir =\n"
        )
        Path(folder).chmod(0o755)
        user = ["-u", "pgserver"] if os.geteuid() == 0 else []
        process = subprocess.Popen([_pgbouncer(), *user, str(settings)], stderr=subprocess.DEVNULL)
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(dsn).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < end
                await asyncio.sleep(0.05)
        yield dsn
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("bouncer", ["transaction"], indirect=True)
@pytest.mark.parametrize("kind", OPENING)
async def test_a_real_pgbouncer_in_transaction_mode_is_refused(bouncer: str, kind: str) -> None:
    with pytest.raises(PayCoolsError, match="use pool_mode = session"):
        await OPENING[kind](bouncer)


@pytest.mark.parametrize("bouncer", ["session"], indirect=True)
@pytest.mark.parametrize("kind", OPENING)
async def test_a_real_pgbouncer_in_session_mode_is_used(bouncer: str, kind: str) -> None:
    store = await OPENING[kind](bouncer)
    await store.aclose()


# -- what is only to be read ------------------------------------------------------------------------------------------


async def test_a_server_that_takes_no_writes_is_good_for_reading_alone(server: OwnPostgres) -> None:
    await (await PostgresLedger.open(server.url(), None)).aclose()
    server.set("default_transaction_read_only", "on")
    try:
        found = await PostgresLedger.open(server.url(), None, create=False, read_only=True)
        assert await found.batches() == []
        assert await found.counts() == {}
        assert list(found.timelines()) == []
        await found.aclose()
        for opening in OPENING.values():
            with pytest.raises(PayCoolsError, match="session is read-only"):
                await opening(server.url())
    finally:
        server.set("default_transaction_read_only", "off")


class GermanServer:
    """It greets nobody, and says why by a code and in its own language."""

    def __init__(self, code: str, text: str) -> None:
        self._answer = (
            b"".join(field.encode() + b"\0" for field in ("SFATAL", "VFATAL", f"C{code}", f"M{text}")) + b"\0"
        )
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length, kind = struct.unpack("!II", await reader.readexactly(8))
                if kind in (80877103, 80877104):  # whether it takes TLS, or GSSAPI
                    writer.write(b"N")
                    continue
                await reader.readexactly(length - 8)
                self.asked += 1
                writer.write(b"E" + struct.pack("!I", len(self._answer) + 4) + self._answer)
                await writer.drain()
                break
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self, folder: str | None = None) -> AsyncIterator[str]:
        """On a port, or on a socket in this folder."""
        if folder is None:
            serving = await asyncio.start_server(self.serve, "127.0.0.1", 0)
            place = f"127.0.0.1:{serving.sockets[0].getsockname()[1]}/payouts"
        else:
            serving = await asyncio.start_unix_server(self.serve, f"{folder}/.s.PGSQL.5432")
            place = f"/payouts?host={folder}"
        async with serving:
            yield f"postgresql://payer:hush@{place}"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("57P03", "das Datenbanksystem startet"),
        ("57P03", "das Datenbanksystem f\u00e4hrt herunter"),
        ("53300", "tut mir leid, schon zu viele Verbindungen"),
    ],
)
async def test_a_server_that_starts_stops_or_is_full_in_another_language_is_waited_for(code: str, text: str) -> None:
    german = GermanServer(code, text)
    async with german.listening() as dsn:
        await assert_waited_for(german, dsn)


async def test_one_on_a_socket_as_well() -> None:
    german = GermanServer("57P03", "das Datenbanksystem startet")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        async with german.listening(folder) as dsn:
            await assert_waited_for(german, dsn)


async def assert_waited_for(german: GermanServer, dsn: str) -> None:
    opening = asyncio.create_task(PostgresLedger.open(dsn, None, wait=True))
    async with asyncio.timeout(60):
        while german.asked < 6 and not opening.done():
            await asyncio.sleep(0.01)
    assert not opening.done(), opening.exception()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


@pytest.mark.parametrize("code", ["28000", "3D000", "XYZ99", ""])
async def test_what_is_refused_in_another_language_for_good_is_not_waited_for(code: str) -> None:
    german = GermanServer(code, "kein Eintrag f\u00fcr Host")
    async with german.listening() as dsn:
        with pytest.raises(LedgerError, match="kein Eintrag"):
            async with asyncio.timeout(60):
                await PostgresLedger.open(dsn, None, wait=True)


async def test_a_server_that_ends_the_very_first_connection_is_waited_for(
    server: OwnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops just then: that is told by a code, in whatever language."""
    times = 0

    async def ended(connection: Any, *rest: Any) -> None:
        nonlocal times
        times += 1
        if times == 1:
            await asyncio.to_thread(server.execute, f"SELECT pg_terminate_backend({connection.info.backend_pid})")
        await prepare(connection, *rest)

    monkeypatch.setattr(ledger_module, "prepare", ended)
    server.execute("CREATE DATABASE ended")
    found = await PostgresLedger.open(server.url("ended"), None, wait=True)
    assert times == 2
    await found.aclose()
