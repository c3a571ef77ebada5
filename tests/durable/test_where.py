"""Where the ledger is may be said in every way that the command line knows; the connection check stands on the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from durable.conftest import QUICK, order
from support.own_postgres import OwnPostgres

from paycools_async import ConfigurationError, PayCoolsPH
from paycools_async.durable import DurablePayouts
from paycools_async.storage.location import connection_string

ODD = "10%/of:x?#é '\\"  # what a URL would have to escape, and a libpq string to quote


@pytest.fixture
def odd(own_postgres: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A role whose password is odd, by each way to write it."""
    quoted = ODD.replace("'", "''")
    own_postgres.execute(f"CREATE ROLE odd SUPERUSER LOGIN PASSWORD E'{quoted.replace(chr(92), chr(92) * 2)}'")
    services = tmp_path / "services.conf"
    port = own_postgres.port
    services.write_text(f"[pay]\nhost=127.0.0.1\nport={port}\ndbname=postgres\nuser=postgres\npassword=hush\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    libpq = ODD.replace("\\", "\\\\").replace("'", "\\'")
    return {
        "libpq": f"host=127.0.0.1 port={port} dbname=postgres user=odd password='{libpq}'",
        "service": "service=pay",
        "url": f"POSTGRESQL://odd:10%%2Fof%3Ax%3F%23%C3%A9%20'%5C@127.0.0.1:{port}/postgres",
        "service url": "postgresql://?service=pay",
    }


@pytest.mark.postgres
@pytest.mark.parametrize("way", ["libpq", "service", "url", "service url"])
async def test_a_database_by_any_text_that_libpq_knows(client: PayCoolsPH, odd: dict[str, str], way: str) -> None:
    async with DurablePayouts(client, odd[way], options=QUICK, poll=0.05) as payouts:
        await payouts.submit(order())
        async with await psycopg.AsyncConnection.connect(connection_string(odd[way])) as connection:
            await payouts.submit(order(2), connection=connection)
        assert (await payouts.wait("APP000000001", within=60)).settled
        assert (await payouts.wait("APP000000002", within=60)).settled
        async with await psycopg.AsyncConnection.connect(odd["service"]) as connection:
            await payouts.submit(order(3), connection=connection)
        assert (await payouts.wait("APP000000003", within=60)).settled


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_file_by_text_or_path(client: PayCoolsPH, tmp_path: Path, kind: Any) -> None:
    where = tmp_path / "pay=1 a%b.db"
    async with DurablePayouts(client, kind(where), options=QUICK, poll=0.05) as payouts:
        await payouts.submit(order())
        assert (await payouts.wait("APP000000001", within=60)).settled
    assert where.is_file()


@pytest.mark.parametrize("where", ["", "sqlite:///payouts.db", "postgresql+asyncpg://localhost/pay", "postgres:pay"])
def test_what_is_neither_is_refused_at_once(client: PayCoolsPH, where: str) -> None:
    with pytest.raises(ConfigurationError):
        DurablePayouts(client, where)


async def test_no_error_shows_the_password(client: PayCoolsPH) -> None:
    payouts = DurablePayouts(client, "postgresql://odd:s3cret/x@127.0.0.1:1/pay")
    with pytest.raises(ConfigurationError, match="%2F") as caught:
        await payouts.start()
    assert "s3cret" not in str(caught.value)
