"""Who may do what in a PostgreSQL ledger: one person's role offers, another's releases, a machine's runs."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all
from support.killing import start

from paycools_async import ConfigurationError
from paycools_async.batch import Event, Identity, LedgerError, PHPayouts, State, read_orders
from paycools_async.batch.ledger.application import submission_of
from paycools_async.batch.ledger.base import Source
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.ledger.postgres.session import grant
from paycools_async.batch.run.worker import prepare_jobs, release_batch_to_workers, release_to_workers
from paycools_async.testing import ManualClock

_numbers = itertools.count(1)

Login = Callable[..., Awaitable[PostgresLedger]]


@pytest.fixture
async def owner(dsn: str, api: PHPayouts, clock: ManualClock) -> AsyncIterator[PostgresLedger]:
    """The ledger as the owner of its tables has it open."""
    ledger = await PostgresLedger.open(dsn, None, clock=clock.time)
    await prepare_jobs(ledger)
    yield ledger
    await ledger.aclose()


@pytest.fixture
async def login(owner: PostgresLedger, dsn: str, api: PHPayouts, clock: ManualClock) -> AsyncIterator[Login]:
    """`await login("offer")`: the ledger as a role that may only offer has it open."""
    opened: list[PostgresLedger] = []
    roles: list[str] = []

    async def logs_in(*may: str, identity: Identity | None = None) -> PostgresLedger:
        role = f"paycools_role_{next(_numbers)}"
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        roles.append(role)
        await grant(dsn, role, may)
        as_role = dsn.replace("postgresql://postgres:@", f"postgresql://{role}@")
        opened.append(await PostgresLedger.open(as_role, identity or api.identity, clock=clock.time))
        return opened[-1]

    yield logs_in
    for each in opened:
        await each.aclose()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for role in roles:
            await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


@pytest.fixture
def enter(api: PHPayouts, write_orders: WriteOrders) -> Callable[..., Awaitable[Any]]:
    async def enters(ledger: PostgresLedger, count: int = 3, by: str = "ana") -> Any:
        orders = read_orders(write_orders(count), api.request_class, api.currency)
        return await ledger.intake(orders, api.text_of, Source(file="salaries.csv", sha256="ab", by=by))

    return enters


async def refused(ledger: PostgresLedger, *statements: str) -> None:
    """None of these is the role's to do."""
    for statement in statements:
        with pytest.raises(LedgerError, match=r"permission denied|may not"):
            await ledger._all(statement)


async def test_two_persons_with_a_role_each_do_just_their_half(
    owner: PostgresLedger, login: Login, enter: Any, dsn: str
) -> None:
    ana, eva, machine = await login("offer"), await login("release"), await login("run")
    assert (await enter(ana)).batch == 1

    for person in (ana, eva):
        await person.note_destination({"host": person.worker})
    await ana.note_destination({"host": "another"})
    assert await ana.destination() == {"host": eva.worker}

    with pytest.raises(LedgerError, match="permission denied"):
        await ana.release(1, by="eva", rows=3, amount=150030)
    with pytest.raises(LedgerError, match="permission denied"):
        await ana.withdraw(by="ana")
    with pytest.raises(LedgerError, match="permission denied"):
        await enter(eva, 4)
    with pytest.raises(LedgerError, match="permission denied"):
        await machine.release(1, by="eva", rows=3, amount=150030)
    assert await owner.counts() == {State.OFFERED: (3, 150030)}

    assert await release_batch_to_workers(eva, 1, by="eva", rows=3, amount=150030) == 1
    with pytest.raises(LedgerError, match=r"permission denied|may not"):
        await eva.claim([State.PLANNED], 9, max_resends=1)
    [row, _, _] = await machine.claim([State.PLANNED], 9, max_resends=1)
    row = await machine.move(await machine.move(row, Event.SEND), Event.ACCEPTED, transaction_id="T1")
    assert (await eva.withdraw(by="eva")).rows == 2
    assert (await eva.batches())[0].counts == {State.ACCEPTED: (1, 50010), State.WITHDRAWN: (2, 100020)}

    log = await owner._all("SELECT event, by, payouts, role FROM paycools_batch_log ORDER BY id")
    roles = [ledger.dsn.partition("//")[2].partition("@")[0] for ledger in (ana, eva)]
    assert log == [("offer", "ana", 3, roles[0]), ("release", "eva", 3, roles[1]), ("withdraw", "eva", 2, roles[1])]


async def test_an_offering_role_writes_nothing_but_offers(owner: PostgresLedger, login: Login, enter: Any) -> None:
    ana = await login("offer")
    await enter(ana)
    await refused(
        ana,
        "UPDATE paycools_payouts SET state = 'planned'",
        "UPDATE paycools_payouts SET amount = 1",
        "DELETE FROM paycools_payouts",
        "INSERT INTO paycools_moves (payout, at, event, state) VALUES (1, 0, 'release', 'planned')",
        "INSERT INTO paycools_batch_log (batch, at, event, by, payouts, amount) VALUES (1, 0, 'release', 'eva', 3, 3)",
        "INSERT INTO paycools_batch_log VALUES (DEFAULT, 1, 0, 'offer', 'ana', 1, 1, 'eva')",
        "UPDATE paycools_batches SET released = true",
        "DELETE FROM paycools_ledger",
    )
    with pytest.raises(LedgerError, match=r"permission denied|enter as offered"):
        await ana._all("""
            INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated)
            VALUES ('X', 9, 0, 1, 1, '', '', 'planned', 0)""")
    assert await owner.counts() == {State.OFFERED: (3, 150030)}


async def test_a_releasing_role_changes_no_order_sends_none_and_says_of_none_what_became_of_it(
    owner: PostgresLedger, login: Login, enter: Any
) -> None:
    eva = await login("release")
    await enter(owner)
    for statement in ("amount = 1", "body = '{}'", "resends = 0", "sent = 0", "transaction_id = 'T'"):
        await refused(eva, f"UPDATE paycools_payouts SET {statement}")
    insert = """INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated)
        VALUES ('X', 9, 0, 1, 1, '', '', 'offered', 0)"""
    await refused(eva, insert, "DELETE FROM paycools_payouts")
    for before, after in (
        ("offered", "settled"),
        ("planned", "sending"),
        ("planned", "failed"),
        ("unknown", "planned"),
        ("accepted", "settled"),
        ("unknown", "withdrawn"),
        ("preexisting", "settled"),
    ):
        await owner._all("UPDATE paycools_payouts SET state = %(before)s", before=before)
        await refused(eva, f"UPDATE paycools_payouts SET state = '{after}'")
    await refused(eva, "UPDATE paycools_payouts SET due = 0", "UPDATE paycools_payouts SET version = 9")
    await owner._all("UPDATE paycools_payouts SET state = 'unknown', resends = 1")
    await owner._all("UPDATE paycools_payouts SET state = 'planned'")
    await refused(eva, "UPDATE paycools_payouts SET state = 'withdrawn'")


async def test_a_submitting_role_enters_an_applications_payouts_and_no_other_role_does(
    owner: PostgresLedger, login: Login, enter: Any, api: PHPayouts
) -> None:
    from durable.conftest import order

    application = await (await login("submit")).application("app")
    kept = await application.submit(submission_of(order(), api.text_of))
    assert (kept.row.state, kept.row.intake) == (State.PLANNED, 1)
    insert = """
        INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated, told)
        VALUES ('X', {batch}, 0, 0, 1, '', '', '{state}', 0, {told})"""
    planned, offered = (
        insert.format(batch=1, state="planned", told="''"),
        insert.format(batch=1, state="offered", told="NULL"),
    )
    for may in ("offer", "release", "run"):
        other = await login(may)
        theirs = await other.application("app")
        with pytest.raises(LedgerError, match=r"permission denied|may not submit"):
            await theirs.submit(submission_of(order(2), api.text_of))
        await theirs.aclose()
        await refused(other, planned)
        with pytest.raises(LedgerError, match=r"permission denied|takes what it submits"):
            await other._all(offered)
    await enter(owner)
    submitting = application.ledger
    for batch, state, told in ((2, "planned", "''"), (9, "planned", "''"), (1, "accepted", "''")):
        with pytest.raises(LedgerError, match=r"enter as offered|takes what it submits"):
            await submitting._all(insert.format(batch=batch, state=state, told=told))
    await refused(
        submitting,
        "UPDATE paycools_payouts SET state = 'settled'",
        "UPDATE paycools_payouts SET told = 'settled'",
        "UPDATE paycools_payouts SET amount = 1",
        "DELETE FROM paycools_payouts",
    )
    with pytest.raises(LedgerError, match="append-only"):
        await submitting._all("UPDATE paycools_batches SET application = 'mine'")
    with pytest.raises(LedgerError, match="permission denied"):
        await application.acknowledge(kept)
    assert (await owner.counts()) == {State.OFFERED: (3, 150030)}
    await application.aclose()


async def test_a_running_role_releases_adopts_and_enters_nothing(
    owner: PostgresLedger, login: Login, enter: Any
) -> None:
    machine = await login("run")
    await enter(owner)
    await refused(
        machine,
        "UPDATE paycools_payouts SET state = 'planned'",
        "UPDATE paycools_payouts SET state = 'withdrawn'",
        "UPDATE paycools_payouts SET body = '{}'",
        "UPDATE paycools_batches SET released = true",
    )
    with pytest.raises(LedgerError, match="permission denied"):
        await enter(machine, 4)
    await owner._all("UPDATE paycools_payouts SET state = 'preexisting'")
    with pytest.raises(LedgerError, match=r"permission denied|may not"):
        await machine.adopt(by="machine")
    assert await owner.adopt(by="eva") == 3


async def test_no_search_path_gets_around_the_rules(owner: PostgresLedger, login: Login, enter: Any, dsn: str) -> None:
    machine = await login("run")
    await enter(owner)
    role = machine.dsn.partition("//")[2].partition("@")[0]
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        [(schema,)] = await (await connection.execute("SELECT current_schema()")).fetchall()
        await connection.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}".encode())
    async with await psycopg.AsyncConnection.connect(machine.dsn, autocommit=True) as connection:
        await connection.execute(f"SET search_path TO {role}, pg_catalog".encode())
        for arguments in ("name, text, text, text", "name, oid, text, text"):
            await connection.execute(
                f"CREATE FUNCTION has_column_privilege({arguments}) RETURNS bool LANGUAGE sql AS 'SELECT true'".encode()
            )
        await connection.execute("CREATE TABLE paycools_batches (released boolean)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not release"):
            await connection.execute(f"UPDATE {schema}.paycools_payouts SET state = 'planned'".encode())


async def test_a_role_that_does_all_moves_rows_and_rewrites_neither_orders_nor_the_past(
    owner: PostgresLedger, login: Login, enter: Any, dsn: str
) -> None:
    worker = await login("offer", "release", "run")
    assert (await enter(worker, 2)).new == 2
    await release_all(worker)
    [row, _] = await worker.claim([State.PLANNED], 9, max_resends=9)
    await worker.move(await worker.move(row, Event.SEND), Event.ACCEPTED, transaction_id="T1")
    await refused(
        worker,
        "UPDATE paycools_moves SET event = 'x'",
        "DELETE FROM paycools_moves",
        "TRUNCATE paycools_moves",
        "UPDATE paycools_batch_log SET event = 'x'",
        "DELETE FROM paycools_batches",
        "UPDATE paycools_payouts SET amount = 1",
        "UPDATE paycools_payouts SET body = '{}'",
        "DELETE FROM paycools_payouts",
    )
    query = "SELECT event, state FROM paycools_moves ORDER BY id"
    assert await worker._all(query) == [
        ("release", "planned"),
        ("release", "planned"),
        ("send", "sending"),
        ("accepted", "accepted"),
    ]


async def test_a_right_that_is_no_longer_given_is_taken_back(
    owner: PostgresLedger, login: Login, enter: Any, dsn: str
) -> None:
    both = await login("offer", "release")
    await enter(both)
    role = both.dsn.partition("//")[2].partition("@")[0]
    await grant(dsn, role, ["offer"])
    with pytest.raises(LedgerError, match="permission denied"):
        await release_to_workers(both, [1])
    with pytest.raises(LedgerError, match="permission denied"):
        await both.release(1, by="ana", rows=3, amount=150030)


async def test_what_limits_nobody_is_refused(owner: PostgresLedger, dsn: str) -> None:
    with pytest.raises(ConfigurationError, match="nothing limits it"):
        await grant(dsn, "postgres", ["offer"])
    for may in ((), ("offer", "everything")):
        with pytest.raises(ConfigurationError, match="offer, release, run"):
            await grant(dsn, "postgres", may)
    with pytest.raises(LedgerError, match="does not exist"):
        await grant(dsn, "paycools_nobody", ["offer"])


def told_by(*arguments: str, env: dict[str, str]) -> tuple[int, str]:
    process = start(env, *arguments)
    told, _ = process.communicate(timeout=60)
    return process.returncode, told


async def test_by_the_commands_ana_offers_eva_releases_and_a_machine_pays(
    owner: PostgresLedger, login: Login, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    _, env = sandbox
    host = Identity(family="ph", app_id=env["PAYCOOLS_PH_APP_ID"], host="localhost")
    ana, eva, machine = [(await login(may, identity=host)).dsn for may in ("offer", "release", "run")]
    file = str(write_orders(60))
    by_ana = await asyncio.to_thread(told_by, "run", file, "--ledger", ana, "--offer", "--by", "ana", env=env)
    assert by_ana[0] == 3, by_ana
    refusals = [
        await asyncio.to_thread(told_by, "release", "--batch", "1", "--ledger", ana, "--yes", "--detach", env=env),
        await asyncio.to_thread(told_by, "withdraw", "--batch", "1", "--ledger", ana, "--yes", env=env),
        await asyncio.to_thread(told_by, "release", "--batch", "1", "--ledger", machine, "--yes", "--detach", env=env),
    ]
    for code, told in refusals:
        assert (code, "permission denied" in told) == (2, True), told
    yes = ("release", "--batch", "1", "--ledger", eva, "--yes", "--detach", "--by", "eva")
    by_eva = await asyncio.to_thread(told_by, *yes, env=env)
    assert (by_eva[0], "2 shards are handed to the workers" in by_eva[1]) == (3, True), by_eva
    worker = start(env, "worker", "--ledger", machine)
    try:
        async with asyncio.timeout(60):
            while (await owner.counts()).get(State.SETTLED, (0, 0))[0] < 60:
                await asyncio.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 30) == 0
    finally:
        worker.kill()
        told, _ = worker.communicate()
    assert "permission denied" not in told, told
    status = await asyncio.to_thread(told_by, "status", "--ledger", eva, env=env)
    assert status[0] == 0, status
