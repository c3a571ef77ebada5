"""PostgreSQL ledgers of the first version, brought up to date; and rules that the tables themselves hold to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all

from paycools_async.batch import Event, LedgerError, Order, PHPayouts, State, read_orders
from paycools_async.batch.ledger.application import submission_of
from paycools_async.batch.ledger.base import Batch
from paycools_async.batch.ledger.payload import body_of, digest_of
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch.ledger.postgres.schema import GRANTS, MIGRATIONS
from paycools_async.batch.states import OPEN

# the statements of the first version
_ENTER_1 = """
INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'planned', %s)"""
_MOVE_1 = """
WITH moved AS (
    UPDATE paycools_payouts p SET state = %(state)s, reason = %(reason)s, resends = %(resends)s, due = %(due)s,
        transaction_id = %(transaction)s, worker = %(worker)s, version = version + 1, updated = %(now)s
    WHERE order_id = %(order_id)s RETURNING id
)
INSERT INTO paycools_moves (payout, at, event, state) SELECT id, %(now)s, %(event)s, %(state)s FROM moved"""
_CLAIM_1 = """
SELECT count(*) FROM paycools_payouts p WHERE p.state = 'planned'
    AND p.intake IN (SELECT id FROM paycools_batches WHERE released)"""

_LIVES: dict[str, list[tuple[Event, State]]] = {
    "PAY000000001": [],
    "PAY000000002": [(Event.SEND, State.SENDING), (Event.UNCLEAR, State.UNKNOWN), (Event.ABSENT, State.PLANNED)],
    "PAY000000003": [(Event.SEND, State.SENDING)],
    "PAY000000004": [(Event.SEND, State.SENDING), (Event.ACCEPTED, State.ACCEPTED)],
    "PAY000000005": [(Event.SEND, State.SENDING), (Event.DUPLICATE, State.UNKNOWN), (Event.ABSENT, State.CONFLICT)],
    "PAY000000006": [(Event.SEND, State.SENDING), (Event.ACCEPTED, State.ACCEPTED), (Event.MISMATCH, State.CONFLICT)],
    "PAY000000007": [(Event.SEND, State.SENDING), (Event.REJECTED, State.FAILED)],
}


_STILL = [("PAY000000003", "accepted", "accepted"), ("PAY000000004", "found_complete", "settled")]


async def restored(dsn: str, version: int) -> str:
    """A connection string to a ledger that this version wrote, from pg_dump."""
    dump = (Path(__file__).parents[2] / "data" / f"ledger_v{version}_postgres.sql").read_text()
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(dump.replace(f"ledger_v{version}", _schema(dsn)).encode())
    return dsn


@pytest.fixture
async def second_version(dsn: str) -> str:
    return await restored(dsn, 2)


@pytest.fixture
async def third_version(dsn: str) -> str:
    """That of version 2, and a batch with a column of its own."""
    return await restored(dsn, 3)


@pytest.fixture
async def fourth_version(dsn: str) -> str:
    """That of version 3, and two payouts of an application, one of which it is to be told of."""
    return await restored(dsn, 4)


@pytest.fixture
async def first_version(dsn: str, api: PHPayouts, write_orders: WriteOrders) -> str:
    """A connection string to a ledger of the first version with a row in each state."""
    orders: list[Any] = list(read_orders(write_orders(7), api.request_class, api.currency))
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("CREATE TABLE paycools_schema (version INTEGER PRIMARY KEY)")
        await connection.execute(MIGRATIONS[0].encode())
        await connection.execute("INSERT INTO paycools_schema VALUES (1)")
        insert = "INSERT INTO paycools_ledger VALUES (%s, %s)"
        await connection.execute(insert, ("identity", api.identity.text()))
        await connection.execute(insert, ("currency", "PHP"))
        for order in orders:
            request = order.request
            frozen = (body_of(request), digest_of(api.text_of(request)))
            await connection.execute(_ENTER_1, (request.mch_order_id, 1, 0, order.line, request.amount, *frozen, 50.0))
        await connection.execute("INSERT INTO paycools_batches VALUES (1, 7, 1, 50.0, true)")
        for order_id, moves in _LIVES.items():
            for number, (event, state) in enumerate(moves, 1):
                values: dict[str, Any] = {"order_id": order_id, "event": event, "state": state, "now": 50.0 + number}
                values |= {"due": 100.0, "transaction": "T1" if event is Event.ACCEPTED else None, "worker": "old:1"}
                values |= {"reason": event if state is State.UNKNOWN else None, "resends": int(event is Event.ABSENT)}
                await connection.execute(_MOVE_1, values)
    return dsn


async def ask(dsn: str, query: str) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_a_ledger_of_the_first_version_is_brought_up_to_date_and_its_planned_rows_wait_for_a_yes(
    first_version: str, api: PHPayouts, write_orders: WriteOrders
) -> None:
    ledger = await PostgresLedger.open(first_version, api.identity, clock=lambda: 1000.0)
    rows = {row.order_id[-1]: row async for page in ledger.pages() for row in page}
    states = {number: (row.state, row.reason, row.entered, row.sent) for number, row in rows.items()}
    assert states == {
        "1": (State.OFFERED, None, 50.0, None),
        "2": (State.OFFERED, None, 0.0, None),
        "3": (State.SENDING, None, 0.0, 51.0),
        "4": (State.ACCEPTED, None, 0.0, 52.0),
        "5": (State.UNKNOWN, Event.DUPLICATE, 0.0, 53.0),
        "6": (State.CONFLICT, None, 0.0, 53.0),
        "7": (State.FAILED, None, 0.0, 52.0),
    }
    counts = await ledger.counts()
    assert await ledger.batches() == [
        Batch(id=1, file="", sha256="", payouts=7, amount=7 * 50010, offered_by="", offered_at=50.0, counts=counts)
    ]
    assert await ledger.claim([State.PLANNED], 9, max_resends=9) == []
    await release_all(ledger)
    assert await ledger.recover(call_timeout=30.0) == 1
    assert len(await ledger.claim([State.PLANNED], 9, max_resends=9)) == 2
    assert [row.order_id[-1] for row in await ledger.claim([State.UNKNOWN], 9, max_resends=9)] == ["5", "3"]
    assert await ask(first_version, "SELECT shards, planned FROM paycools_batches") == [(1, 50.0)]
    known = await ledger.intake(read_orders(write_orders(7), api.request_class, api.currency), api.text_of)
    assert (known.new, known.known, known.errors) == (0, 7, [])
    await ledger.aclose()


async def test_a_worker_of_the_first_version_that_still_runs_sends_nothing_more(
    first_version: str, api: PHPayouts
) -> None:
    assert await ask(first_version, _CLAIM_1) == [(2,)]
    ledger = await PostgresLedger.open(first_version, api.identity)
    await release_all(ledger)
    await ledger.aclose()
    assert await ask(first_version, _CLAIM_1) == [(0,)]
    async with await psycopg.AsyncConnection.connect(first_version) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("UPDATE paycools_batches SET released = true WHERE NOT released")


@pytest.mark.parametrize(("order_id", "event", "state"), [("PAY000000005", "absent", "planned"), *_STILL])
async def test_a_worker_of_the_first_version_that_still_runs_believes_and_says_nothing_more(
    first_version: str, api: PHPayouts, order_id: str, event: str, state: str
) -> None:
    await (await PostgresLedger.open(first_version, api.identity)).aclose()
    values = {"order_id": order_id, "event": event, "state": state, "now": 99.0, "due": 0.0, "resends": 1}
    async with await psycopg.AsyncConnection.connect(first_version) as connection:
        with pytest.raises(psycopg.errors.NotNullViolation):
            await connection.execute(_MOVE_1, {**values, "reason": None, "transaction": None, "worker": None})


async def test_who_only_reads_brings_nothing_up_to_date(first_version: str) -> None:
    with pytest.raises(LedgerError, match=r"older version.*payouts prepare"):
        await PostgresLedger.open(first_version, None, create=False)
    assert await ask(first_version, "SELECT max(version) FROM paycools_schema") == [(1,)]


async def test_a_role_that_does_not_own_the_tables_says_who_brings_them_up_to_date(
    first_version: str, api: PHPayouts
) -> None:
    async with await psycopg.AsyncConnection.connect(first_version, autocommit=True) as owner:
        [(schema,)] = await (await owner.execute("SELECT current_schema()")).fetchall()
        await owner.execute("CREATE ROLE paycools_no_owner LOGIN")
        await owner.execute(f"GRANT ALL ON SCHEMA {schema} TO paycools_no_owner".encode())
        await owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO paycools_no_owner".encode())
        with pytest.raises(LedgerError, match=r"must be owner.*let their owner run"):
            await PostgresLedger.open(first_version.replace("postgres:@", "paycools_no_owner@"), api.identity)
        await owner.execute("DROP OWNED BY paycools_no_owner; DROP ROLE paycools_no_owner")


async def test_rows_enter_as_offered_whoever_enters_them(ledger_with_one: PostgresLedger) -> None:
    insert = """
        INSERT INTO paycools_payouts (order_id, intake, shard, line, amount, body, digest, state, updated, resends)
        VALUES ('X1', {batch}, 0, 2, 1, '', '', '{state}', 0, {resends})"""
    refused = [(2, "planned", 0), (2, "accepted", 0), (2, "unknown", 0), (2, "offered", 1)]
    for batch, state, resends in refused:
        with pytest.raises(LedgerError, match="enter as offered"):
            await ledger_with_one._all(insert.format(batch=batch, state=state, resends=resends))
    with pytest.raises(LedgerError, match="takes no more payouts"):
        await ledger_with_one._all(insert.format(batch=1, state="offered", resends=0))
    await ledger_with_one._all(insert.format(batch=2, state="offered", resends=0))


@pytest.mark.parametrize(
    ("before", "after"),
    [("offered", "sending"), ("settled", "planned"), ("failed", "planned"), ("accepted", "planned")],
)
async def test_no_statement_makes_a_row_that_was_not_released_or_is_final_one_to_send(
    ledger_with_one: PostgresLedger, before: str, after: str
) -> None:
    await ledger_with_one._all(f"UPDATE paycools_payouts SET state = '{before}'")
    with pytest.raises(LedgerError, match="nothing is sent that was not released"):
        await ledger_with_one._all(f"UPDATE paycools_payouts SET state = '{after}'")


async def test_the_logs_and_the_batches_stay_as_they_were_written(ledger_with_one: PostgresLedger) -> None:
    for table in ("paycools_batch_log", "paycools_moves", "paycools_batches"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(LedgerError, match="append-only"):
                await ledger_with_one._all(statement)
    for statement in ("UPDATE paycools_batch_log SET by = 'x'", "UPDATE paycools_batches SET payouts = 1"):
        with pytest.raises(LedgerError, match="append-only"):
            await ledger_with_one._all(statement)
    with pytest.raises(LedgerError, match="stays its merchant's"):
        await ledger_with_one._all("DELETE FROM paycools_ledger")


@pytest.fixture
async def ledger_with_one(dsn: str, api: PHPayouts, write_orders: WriteOrders) -> Any:
    ledger = await PostgresLedger.open(dsn, api.identity)
    await ledger.intake(read_orders(write_orders(1), api.request_class, api.currency), api.text_of)
    yield ledger
    await ledger.aclose()


@pytest.mark.parametrize("table", ["paycools_payouts_due", "paycools_payouts_batch", "paycools_payouts_shard"])
async def test_what_is_claimed_has_an_index_of_its_own(ledger_with_one: PostgresLedger, table: str) -> None:
    [(definition,)] = await ledger_with_one._all(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = %(name)s::regclass", name=table
    )
    states = definition.partition("WHERE")[2]
    assert {state for state in State if f"'{state}'" in states} == OPEN


@pytest.mark.parametrize(
    ("scope", "index"),
    [
        ("", "paycools_payouts_due"),
        (" AND p.intake IN (1)", "paycools_payouts_batch"),
        (" AND p.intake = 1 AND p.shard = 0", "paycools_payouts_shard"),
    ],
)
async def test_what_is_due_is_found_by_an_index_and_never_sorted(
    ledger_with_one: PostgresLedger, scope: str, index: str
) -> None:
    from paycools_async.batch.ledger.postgres.queries import claim

    async def plan(connection: psycopg.AsyncConnection[Any]) -> str:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        values = ledger_with_one._database.values(most=1, held=[], limit=50)
        query = f"EXPLAIN {claim(State.PLANNED, scope)}"
        return "\n".join(line for (line,) in await (await connection.execute(query.encode(), values)).fetchall())

    found = await ledger_with_one._session.run(plan)
    assert f"using {index}" in found
    assert "Sort" not in found


# -- version 2 ---------------------------------------------------------------------------------------------------------


async def test_a_ledger_of_the_second_version_is_what_it_was_and_takes_columns_that_are_not_sent(
    second_version: str,
) -> None:
    from batch.ledger.test_migration import IDENTITY, STATES_2, payout, text

    moves = await ask(second_version, "SELECT * FROM paycools_moves ORDER BY id")
    with pytest.raises(LedgerError, match="older version of this package"):
        await PostgresLedger.open(second_version, None, create=False)
    ledger = await PostgresLedger.open(second_version, IDENTITY)
    rows = {row.order_id.removeprefix("PAYMENT"): row async for page in ledger.pages() for row in page}
    assert {name: (row.state, row.reason) for name, row in rows.items()} == STATES_2
    assert await ask(second_version, "SELECT * FROM paycools_moves ORDER BY id") == moves
    assert await ask(second_version, "SELECT max(version) FROM paycools_schema") == [(5,)]
    known = payout(mch_order_id="PAYMENTPLANNED", amount=10_000)
    found = await ledger.intake([Order(2, known, {"_dept": "A"}), Order(3, payout(), {"_dept": "B"})], text)
    assert (found.new, found.known, found.errors) == (1, 1, [])
    beside = {row.order_id: row.beside async for page in ledger.pages() for row in page}
    assert (beside["PAYMENTPLANNED"], beside["PAYMENTNEW"]) == (None, '{"_dept": "B"}')
    assert [batch.beside for batch in await ledger.batches()] == [(), (), ("_dept",)]
    assert len(await ledger.claim([State.PLANNED], 99, max_resends=99)) == 3
    await ledger.aclose()


async def test_a_worker_of_the_second_version_that_still_runs_goes_on(second_version: str) -> None:
    from batch.ledger.test_migration import IDENTITY

    await (await PostgresLedger.open(second_version, IDENTITY)).aclose()
    async with await psycopg.AsyncConnection.connect(second_version) as connection:
        # the columns that version 2 names, where it moves a row
        moved = await connection.execute("""
            UPDATE paycools_payouts p SET state = 'sending', due = 99, version = version + 1, worker = 'old:1', sent = 9
            WHERE order_id = 'PAYMENTPLANNED' AND state = 'planned' RETURNING p.id""")
        [(number,)] = await moved.fetchall()
        logged = """
            INSERT INTO paycools_moves (payout, at, event, state, worker, rules)
            VALUES (%s, 9, 'send', 'sending', 'old:1', 2)"""
        await connection.execute(logged, (number,))


async def test_a_role_that_could_enter_rows_still_can(second_version: str) -> None:
    from batch.ledger.test_migration import IDENTITY, payout, text

    role, schema = "paycools_old_clerk", second_version.rpartition("%3D")[2]
    older = GRANTS["offer"].replace("digest, beside,", "digest,").format(role=role)
    async with await psycopg.AsyncConnection.connect(second_version) as connection:
        await connection.execute(
            f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; {older}".encode()
        )
    await (await PostgresLedger.open(second_version, IDENTITY)).aclose()
    clerk = await PostgresLedger.open(second_version.replace("postgres:@", f"{role}:@"), IDENTITY)
    try:
        found = await clerk.intake([Order(2, payout(), {"_dept": "B"})], text)
        assert (found.new, found.errors) == (1, [])
    finally:
        await clerk.aclose()
        async with await psycopg.AsyncConnection.connect(second_version) as connection:
            await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


# -- version 3 ---------------------------------------------------------------------------------------------------------


async def test_a_ledger_of_the_third_version_is_what_it_was_and_an_application_may_submit_beside_it(
    third_version: str,
) -> None:
    from batch.ledger.test_migration import IDENTITY, STATES_2, payout, text

    moves = await ask(third_version, "SELECT * FROM paycools_moves ORDER BY id")
    with pytest.raises(LedgerError, match="older version of this package"):
        await PostgresLedger.open(third_version, None, create=False)
    ledger = await PostgresLedger.open(third_version, IDENTITY)
    counts = await ledger.counts()
    rows = {row.order_id.removeprefix("PAYMENT"): row async for page in ledger.pages() for row in page}
    states = {name: (row.state, row.reason) for name, row in rows.items()}
    assert states == {**STATES_2, "NEW": (State.OFFERED, None)}
    assert rows["NEW"].beside == '{"_dept": "B"}'
    assert [batch.beside for batch in await ledger.batches()] == [(), (), ("_dept",)]
    application = await ledger.application("app")
    assert (await application.submit(submission_of(payout("APP1"), text))).row.state is State.PLANNED
    assert await ledger.counts() == counts
    await application.aclose()
    await ledger.aclose()
    assert (await ask(third_version, "SELECT * FROM paycools_moves ORDER BY id"))[:-1] == moves
    assert await ask(third_version, "SELECT max(version) FROM paycools_schema") == [(5,)]


# -- version 4 ---------------------------------------------------------------------------------------------------------


async def test_a_ledger_of_the_fourth_version_is_what_it_was_and_its_application_goes_on(fourth_version: str) -> None:
    from batch.ledger.test_migration import IDENTITY, STATES_2, payout, text

    moves = await ask(fourth_version, "SELECT * FROM paycools_moves ORDER BY id")
    with pytest.raises(LedgerError, match="older version of this package"):
        await PostgresLedger.open(fourth_version, None, create=False)
    ledger = await PostgresLedger.open(fourth_version, IDENTITY)
    rows = {row.order_id.removeprefix("PAYMENT"): row async for page in ledger.pages() for row in page}
    states = {name: (row.state, row.reason) for name, row in rows.items()}
    assert states == {**STATES_2, "NEW": (State.OFFERED, None)}
    application = await ledger.application("app")
    assert (await application.submit(submission_of(payout("APP1"), text))).row.state is State.PLANNED
    assert [kept.row.order_id for kept in await application.due(9, (), 60.0)] == ["APP2"]
    claimed = await application.ledger.claim([State.PLANNED], 99, max_resends=99)
    assert [row.order_id for row in claimed] == ["APP1"]
    await application.aclose()
    await ledger.aclose()
    assert await ask(fourth_version, "SELECT * FROM paycools_moves ORDER BY id") == moves
    assert await ask(fourth_version, "SELECT max(version) FROM paycools_schema") == [(5,)]
    indexes = "SELECT indexdef FROM pg_indexes WHERE indexname = 'paycools_payouts_leased'"
    [(index,)] = [row for row in await ask(fourth_version, indexes) if f" {_schema(fourth_version)}." in row[0]]
    assert "(worker, due)" in index


def _schema(dsn: str) -> str:
    return dsn.rpartition("%3D")[2]
