"""Processes that stand still, clocks that are set: nobody waits for longer than a lease, nobody is paid twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from support.batch import WriteOrders, release_all

from paycools_async import PayCoolsPH
from paycools_async.batch import Event, Options, PHPayouts, Runner, State, read_orders
from paycools_async.batch.ledger.postgres import database
from paycools_async.batch.ledger.postgres.database import DatabaseClock
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.storage.postgres_connections import limits
from paycools_async.testing import FakePayCools

LEASE = 4.0

Open = Callable[[], Awaitable[PostgresLedger]]


@pytest.fixture
async def payouts(key_pem: str) -> AsyncIterator[PHPayouts]:
    """Against a careless PayCools on the machine's clock, as the database is."""
    fake = FakePayCools(private_key=key_pem)
    fake.merchant.enforce_unique = False
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), timeout=1.0) as client:
        found = PHPayouts(client)
        found.fake = fake  # type: ignore[attr-defined]
        yield found


@pytest.fixture
async def open_one(dsn: str, payouts: PHPayouts) -> AsyncIterator[Open]:
    """`await open_one()`: another run's ledger, with leases of four seconds."""
    opened: list[PostgresLedger] = []

    async def opens() -> PostgresLedger:
        opened.append(await PostgresLedger.open(dsn, payouts.identity, call_timeout=1.0, margin=LEASE - 1.0))
        return opened[-1]

    yield opens
    for each in opened:
        await each.aclose()


@pytest.fixture
def offer(payouts: PHPayouts, write_orders: WriteOrders) -> Callable[..., Awaitable[Any]]:
    async def offers(ledger: PostgresLedger, count: int) -> Any:
        return await ledger.intake(read_orders(write_orders(count), payouts.request_class, "PHP"), payouts.text_of)

    return offers


# -- a process that stands still ------------------------------------------------------------------------------------

_OPEN = """
import asyncio, os, signal, sys, time
from pathlib import Path
from paycools_async.batch import State
from paycools_async.batch.ledger.postgres import intake as postgres_intake
from paycools_async.batch.ledger.postgres.ledger import PostgresLedger
from paycools_async.batch import read_orders
from paycools_async.ph.payout import CreatePayout

def freeze():
    print("frozen", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.5)  # the signal reaches this thread a moment later

async def opened():
    return await PostgresLedger.open(sys.argv[1], None, call_timeout=1.0, margin=3.0)
"""

_HOLDS_ROWS = f"""{_OPEN}
async def main():
    async def hold(connection):
        await connection.execute("SELECT FROM paycools_payouts FOR UPDATE")
        freeze()
    await (await opened()).within(hold)

asyncio.run(main())
"""

_READS = f"""{_OPEN}
async def main():
    orders = read_orders(Path(sys.argv[2]), CreatePayout, "PHP")
    await (await opened()).intake(orders, lambda request: freeze() or "")

asyncio.run(main())
"""

_ENTERS = f"""{_OPEN}
async def main():
    classify = postgres_intake._classify
    postgres_intake._classify = lambda *values: (freeze(), classify(*values))
    orders = read_orders(Path(sys.argv[2]), CreatePayout, "PHP")
    await (await opened()).intake(orders, lambda request: "")

asyncio.run(main())
"""


@pytest.fixture
def frozen(dsn: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`frozen(script, ...)`: a process that has stopped itself."""
    started: list[subprocess.Popen[str]] = []

    def starts(script: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, dsn, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "frozen\n"
        return process

    yield starts
    for process in started:
        process.kill()
        process.communicate()


async def locked(dsn: str) -> int:
    """How many rows somebody has locked."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = await connection.execute("SELECT FROM paycools_payouts FOR UPDATE SKIP LOCKED")
        free = len(await found.fetchall())
        return int((await (await connection.execute("SELECT count(*) FROM paycools_payouts")).fetchall())[0][0]) - free


async def test_a_process_that_stops_with_rows_locked_blocks_another_run_for_less_than_a_lease(
    dsn: str, open_one: Open, offer: Any, frozen: Any
) -> None:
    ledger = await open_one()
    await offer(ledger, 2)
    await release_all(ledger)
    rows = await ledger.claim([State.PLANNED], 2, max_resends=1)
    process = frozen(_HOLDS_ROWS)
    assert await locked(dsn) == 2
    began = time.monotonic()
    moved = await asyncio.gather(*(ledger.move(row, Event.SEND) for row in rows))
    assert {row.state for row in moved} == {State.SENDING}
    assert time.monotonic() - began < 5 * LEASE, "it would be for ever"
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    assert "idle-in-transaction timeout" in told, "what it had begun is undone, and it says so"


@pytest.mark.parametrize("where", [_READS, _ENTERS], ids=["reading the file", "entering the rows"])
async def test_an_intake_that_stops_blocks_another_for_less_than_a_lease(
    open_one: Open, offer: Any, frozen: Any, write_orders: WriteOrders, where: str
) -> None:
    ledger = await open_one()
    frozen(where, str(write_orders(5, name="other.csv")))
    began = time.monotonic()
    assert (await offer(ledger, 2)).new == 2
    assert time.monotonic() - began < 5 * LEASE, "it would be for ever"
    assert await ledger.counts() == {State.OFFERED: (2, 100020)}


async def test_a_large_file_that_is_read_slowly_is_entered_all_the_same(
    dsn: str, open_one: Open, payouts: PHPayouts, write_orders: WriteOrders
) -> None:
    slow = await PostgresLedger.open(
        f"{dsn}%20-cstatement_timeout%3D500", payouts.identity, call_timeout=0.4, margin=0.4
    )

    def text_of(request: Any) -> str:
        time.sleep(1.2)
        return payouts.text_of(request)

    found = await slow.intake(read_orders(write_orders(2), payouts.request_class, "PHP"), text_of)
    assert found.new == 2
    await slow.aclose()


async def test_every_connection_has_limits_of_the_order_of_the_lease(open_one: Open) -> None:
    ledger = await open_one()
    for session in (ledger._session, ledger._writer._session):
        [found] = await session.ask(
            "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')"
        )
        assert found == ("2s", "4s")
    assert await ledger._writer._session.ask("SHOW statement_timeout") == [("4s",)]
    query, values = limits(LEASE, statement=0)
    wanted = dict(zip(*values, strict=True))
    assert (wanted["tcp_keepalives_idle"], wanted["tcp_user_timeout"], wanted["statement_timeout"]) == (
        "1",
        "4000",
        "0ms",
    )
    assert wanted["transaction_timeout"] == "0"
    assert "synchronous_commit" in query


async def test_the_transaction_of_an_inbox_that_moves_a_row_is_limited_too(
    dsn: str, open_one: Open, offer: Any
) -> None:
    ledger = await open_one()
    await offer(ledger, 1)
    show = "SHOW idle_in_transaction_session_timeout"
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        async with connection.transaction():
            row = await ledger.apply_event_in(connection, "PAY000000001", Event.FOUND_EARLIER, {})
            assert row is not None
            assert row.state is State.PREEXISTING
            assert await (await connection.execute(show)).fetchall() == [("2s",)]
        assert await (await connection.execute(show)).fetchall() == [("0",)]


# -- clocks that are set --------------------------------------------------------------------------------------------


class SetClock(DatabaseClock):
    """For ledgers whose database's clock the test sets: `shift` seconds off, for everybody."""

    shift = 0.0

    @property
    def now(self) -> float:
        return time.time() + SetClock.shift


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    from paycools_async.batch.ledger.postgres import ledger as postgres

    def sets(shift: float) -> None:
        SetClock.shift = shift

    monkeypatch.setattr(postgres, "DatabaseClock", SetClock)
    yield sets
    SetClock.shift = 0.0


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's clock, for the test to set."""
    seconds = [1000.0]
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    return seconds


def test_between_two_looks_time_goes_as_the_monotonic_clock_does_and_small_differences_are_corrected_at_a_look(
    monotonic: list[float],
) -> None:
    clock = DatabaseClock(50.0)
    now = monotonic[0]
    clock.looked(5000.0, now, now)
    assert clock.time() == pytest.approx(5000.0, abs=0.2)
    clock.looked(5000.9, now, now)
    assert clock.time() == pytest.approx(5000.0, abs=0.2)
    clock.looked(5000.9, now, now, correct=True)
    assert clock.time() == pytest.approx(5000.9, abs=0.2)
    assert clock.settled
    clock.looked(5000.0, now, now + 20)  # a statement that took long says little of the time
    assert clock.time() == pytest.approx(5000.9, abs=0.2)


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
def test_a_clock_that_was_set_is_followed_at_once_and_ends_of_leases_are_not_believed_for_one_lease(
    shift: float, monotonic: list[float]
) -> None:
    clock = DatabaseClock(0.2)
    now = monotonic[0]
    clock.looked(5000.0, now, now)
    clock.looked(5000.0 + shift, now, now)
    assert clock.time() == pytest.approx(5000.0 + shift, abs=0.2)
    assert not clock.settled
    monotonic[0] += 0.25
    assert clock.settled


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
async def test_whoever_takes_a_row_knows_the_time_that_it_was_written_in(
    set_clock: Callable[[float], None], open_one: Open, offer: Any, shift: float
) -> None:
    one, other = await open_one(), await open_one()
    await offer(one, 2)
    await release_all(one)
    set_clock(shift)
    [row] = await one.claim([State.PLANNED], 1, max_resends=1)
    sent = (await one.move(row, Event.SEND)).sent
    assert one.time() == pytest.approx(sent, abs=60)
    assert other.time() == pytest.approx(time.time(), abs=60)
    await other.claim([State.PLANNED], 1, max_resends=1)
    assert other.time() == pytest.approx(sent, abs=60)


async def test_a_clock_set_forward_ends_no_lease_on_a_row_that_is_being_sent(
    set_clock: Callable[[float], None], open_one: Open, offer: Any
) -> None:
    one, other = await open_one(), await open_one()
    await offer(one, 1)
    await release_all(one)
    [row] = await one.claim([State.PLANNED], 1, max_resends=1)
    await one.move(row, Event.SEND)
    set_clock(3600.0)
    assert await other.recover(call_timeout=1.0) == 0
    await other.renew_leases([])
    assert await other.recover(call_timeout=1.0) == 0, "its end is not believed for a lease"
    await asyncio.sleep(LEASE)
    assert await other.recover(call_timeout=1.0) == 1


async def test_a_clock_that_was_set_back_holds_up_nothing(
    set_clock: Callable[[float], None], open_one: Open, offer: Any
) -> None:
    set_clock(3600.0)
    before = await open_one()
    await offer(before, 3)
    await release_all(before)
    sending, unknown, _leased = await before.claim([State.PLANNED], 3, max_resends=1)
    await before.move(sending, Event.SEND)
    unknown = await before.move(await before.move(unknown, Event.SEND), Event.UNCLEAR)
    await before.schedule_inquiry(unknown, due=before.time() + 5, absent_since=None)
    set_clock(0.0)
    later = await open_one()
    assert await later.recover(call_timeout=1.0) == 0, "the request may still be under way"
    [found] = await later.claim([State.UNKNOWN], 9, max_resends=1)
    assert found.order_id == unknown.order_id
    assert found.sent == pytest.approx(later.time(), abs=60)
    due = await later.next_due([State.PLANNED, State.UNKNOWN], max_resends=1)
    assert due is not None
    assert LEASE - 60 < due - later.time() < LEASE + 1, "and not an hour later"


async def test_as_soon_as_it_is_seen_that_a_clock_was_set_back_what_is_far_away_is_brought_near(
    set_clock: Callable[[float], None], open_one: Open, offer: Any
) -> None:
    set_clock(3600.0)
    ledger = await open_one()
    await offer(ledger, 1)
    await release_all(ledger)
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=1)
    unknown = await ledger.move(await ledger.move(row, Event.SEND), Event.UNCLEAR)
    await ledger.schedule_inquiry(unknown, due=ledger.time() + 5, absent_since=None)
    set_clock(0.0)
    assert await ledger.claim([State.UNKNOWN], 9, max_resends=1) == []
    await ledger.renew_leases([])
    assert [row.order_id for row in await ledger.claim([State.UNKNOWN], 9, max_resends=1)] == [unknown.order_id]
    assert not ledger._clock.was_set, "it is dealt with"


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_while_an_order_is_not_shown_pays_nobody_twice(
    set_clock: Callable[[float], None], open_one: Open, offer: Any, payouts: Any, shift: float
) -> None:
    fake: FakePayCools = payouts.fake
    fake.payouts.inquiry_lag = 2.5
    fake.payouts.settle_after = 0.1
    fake.faults.drop_after(next=5, only="ph.payout.create")
    ledger = await open_one()
    await offer(ledger, 5)
    await release_all(ledger)
    options = Options(absent_after=2.0, first_inquiry_after=0.1, longest_inquiry_pause=0.2, wait=15.0)
    run = asyncio.create_task(Runner(payouts, ledger, options).run())
    await asyncio.sleep(1.0)
    set_clock(shift)
    summary = await run
    assert (summary.rows(State.SETTLED), summary.resent) == (5, 0)
    assert fake.payouts.paid_more_than_once() == []
