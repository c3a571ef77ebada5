"""Ledgers: moved only by the state machine, in both stores; and the SQLite ledger: durable, exclusive, append-only."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, OpenLedger, Plan, WriteOrders

from paycools_async.batch import Event, Identity, Ledger, LedgerError, PHPayouts, SQLiteLedger, State, read_orders
from paycools_async.batch.ledger.row import Row, apply_event
from paycools_async.batch.ledger.sqlite.recovery import lose_everything
from paycools_async.batch.states import MAY_BE_SENT, IllegalMove
from paycools_async.testing import ManualClock

NOBODY = Identity(family="ph", app_id="nobody", host="localhost")


@STORES
async def test_the_same_file_again_is_known_and_entered_once(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    path = write_orders(3)
    first, again = await plan(path), await plan(path)
    assert (first.new, first.known, first.total) == (3, 0, 150030)
    assert (again.new, again.known, again.errors) == (0, 3, [])
    assert await ledger.counts() == {State.PLANNED: (3, 150030)}


@STORES
async def test_an_order_id_twice_in_a_file_or_with_other_content_enters_nothing(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    line = ["A1", "500.10", "EWALLET", "GCASH", "09171234567", "Juan"]
    twice = await plan(write_orders(lines=[line, line]))
    assert [str(error) for error in twice.errors] == ["line 3, mch_order_id: A1 stands already in line 2"]
    assert await ledger.counts() == {}
    await plan(write_orders(lines=[line]))
    changed = await plan(write_orders(lines=[["A1", "500.11", *line[2:]], ["A2", *line[1:]]]))
    assert "other content" in str(changed.errors[0])
    assert await ledger.counts() == {State.PLANNED: (1, 50010)}


@STORES
async def test_a_move_that_the_row_has_outrun_is_refused(ledger: Ledger, plan: Plan, write_orders: WriteOrders) -> None:
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    sending = await ledger.move(row, Event.SEND)
    assert sending.state is State.SENDING
    with pytest.raises(IllegalMove, match="no longer planned"):
        await ledger.move(row, Event.SEND)
    with pytest.raises(IllegalMove):
        await ledger.move(sending, Event.SEND)


async def test_where_no_clock_is_given_the_ledger_tells_the_machines_time(tmp_path: Path) -> None:
    ledger = await SQLiteLedger.open(tmp_path / "ledger.db", NOBODY)
    assert ledger.time() == pytest.approx(time.time(), abs=60)
    await ledger.aclose()


async def test_many_waiting_writes_share_a_commit(ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders) -> None:
    await plan(write_orders(200))
    rows = await ledger.claim([State.PLANNED], 200, max_resends=9)
    before = ledger.commits
    await asyncio.gather(*(ledger.move(row, Event.SEND) for row in rows))
    assert (await ledger.counts())[State.SENDING][0] == 200
    assert ledger.commits - before <= 20


@STORES
async def test_of_two_equal_moves_in_one_commit_one_is_made_and_the_others_stand(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(70))
    rows = await ledger.claim([State.PLANNED], 70, max_resends=9)
    moves = [ledger.move(row, Event.SEND) for row in (*rows[:40], rows[3], *rows[40:], rows[3])]
    found = await asyncio.gather(*moves, return_exceptions=True)
    refused = [number for number, each in enumerate(found) if isinstance(each, IllegalMove)]
    assert refused == [40, 71]
    assert [each.id for each in found if isinstance(each, Row)] == [row.id for row in rows]
    assert {each.state for each in found if isinstance(each, Row)} == {State.SENDING}
    assert (await ledger.counts())[State.SENDING][0] == 70


async def test_a_move_is_logged_if_it_is_made_and_only_then(
    ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(3))
    rows = await ledger.claim([State.PLANNED], 3, max_resends=9)
    sending = await ledger.move(rows[1], Event.SEND)
    stale = ledger.move(rows[1], Event.SEND)
    accepted = ledger.move(sending, Event.ACCEPTED, transaction_id="T1")
    found = await asyncio.gather(ledger.move(rows[0], Event.SEND), stale, accepted, return_exceptions=True)
    assert [type(each) for each in found] == [Row, IllegalMove, Row]

    def log(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
        return connection.execute(
            "SELECT payout, event, state FROM moves WHERE event <> 'release' ORDER BY id"
        ).fetchall()

    assert await ledger._do(log) == [
        (rows[1].id, "send", "sending"),
        (rows[0].id, "send", "sending"),
        (rows[1].id, "accepted", "accepted"),
    ]


async def test_a_commit_that_fails_makes_none_of_its_moves_and_the_next_one_goes_on(
    ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(3))
    rows = await ledger.claim([State.PLANNED], 3, max_resends=9)
    late = 1 << 80  # more than SQLite can hold
    moves = (ledger.move(rows[0], Event.SEND), ledger.move(rows[1], Event.SEND, due=late))
    found = await asyncio.gather(*moves, return_exceptions=True)
    assert [type(each) for each in found] == [OverflowError, OverflowError]
    assert await ledger.counts() == {State.PLANNED: (3, 150030)}
    assert (await ledger.move(rows[0], Event.SEND)).state is State.SENDING


@STORES
async def test_what_no_database_holds_of_paycools_word_is_left_out(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    row = await ledger.move(row, Event.SEND)
    row = await ledger.move(row, Event.REJECTED, code=10**30, message="half \ud800, zero \0, whole é")
    assert (row.code, row.message) == (None, "half ?, zero ?, whole é")
    assert await ledger.get(row.order_id) == row


async def test_every_commit_is_synced(ledger: SQLiteLedger) -> None:
    def ask(connection: sqlite3.Connection) -> list[object]:
        # the last two are for macOS, where a disk is asked for less unless it is told
        settings = ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync")
        return [connection.execute(f"PRAGMA {setting}").fetchone()[0] for setting in settings]

    assert await ledger._do(ask) == ["wal", 2, 1, 1]


async def test_a_crash_leaves_sending_on_disk_and_makes_it_unknown(
    tmp_path: Path, ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    await ledger.aclose()
    script = """
import asyncio, os, signal, sys
from pathlib import Path
from paycools_async.batch import Event, SQLiteLedger, State

async def main():
    ledger = await SQLiteLedger.open(Path(sys.argv[1]), None)
    row = (await ledger.claim([State.PLANNED], 1, max_resends=9))[0]
    await ledger.move(row, Event.SEND)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script, str(ledger.path)], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    again = await SQLiteLedger.open(ledger.path, None)
    assert (await again.counts())[State.SENDING][0] == 1
    assert await again.recover(call_timeout=0.0) == 1
    [row] = await again.claim([State.UNKNOWN], 9, max_resends=9)
    assert (row.reason, row.order_id) == (Event.CRASHED, "PAY000000001")
    await again.aclose()


async def test_one_run_at_a_time_while_others_may_read(ledger: SQLiteLedger) -> None:
    with pytest.raises(LedgerError, match="another run is using this ledger"):
        await SQLiteLedger.open(ledger.path, None)
    reader = await SQLiteLedger.open(ledger.path, None, exclusive=False)
    assert await reader.counts() == {}
    await reader.aclose()


@STORES
async def test_another_merchants_credentials_are_refused(ledger: Ledger, open_ledger: OpenLedger) -> None:
    await ledger.aclose()
    with pytest.raises(LedgerError, match="belongs to"):
        await open_ledger(NOBODY)
    await open_ledger(None)  # the refusal left no lock behind


@STORES
async def test_word_from_outside_moves_a_row_from_wherever_it_is_and_the_run_is_told(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    order_id = "PAY000000001"
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    sending = await ledger.move(row, Event.SEND)
    settled = await ledger.apply_event(order_id, lambda row: Event.FOUND_COMPLETE, transaction_id="T1")
    assert settled is not None
    assert (settled.state, settled.transaction_id) == (State.SETTLED, "T1")
    with pytest.raises(IllegalMove, match="no longer sending"):
        await ledger.move(sending, Event.UNCLEAR)
    assert await ledger.get(order_id) == settled
    assert await ledger.apply_event("NO-SUCH-ORDER", Event.FOUND_COMPLETE) is None


@STORES
async def test_rows_come_back_page_by_page_in_file_order(ledger: Ledger, plan: Plan, write_orders: WriteOrders) -> None:
    await plan(write_orders(7))
    pages = [[row.line for row in page] async for page in ledger.pages(size=3)]
    assert pages == [[2, 3, 4], [5, 6, 7], [8]]
    assert await ledger.currency() == "PHP"


@STORES
async def test_rows_of_chosen_states_come_back_alone_and_in_file_order(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    """So many pages as they fill, however many rows of other states lie between."""
    await plan(write_orders(8))
    for row in await ledger.claim([State.PLANNED], 8, max_resends=9):
        if row.line % 2:
            await ledger.move(row, Event.SEND)

    async def lines(*states: State) -> list[list[int]]:
        return [[row.line for row in page] async for page in ledger.pages(states=states, size=2)]

    assert await lines(State.PLANNED) == [[2, 4], [6, 8]]
    assert await lines(State.SENDING) == [[3, 5], [7, 9]]
    assert await lines(State.SENDING, State.PLANNED) == [[2, 3], [4, 5], [6, 7], [8, 9]]
    assert await lines(State.FAILED) == []
    assert await lines() == []


@STORES
async def test_timelines_tell_when_a_payout_was_sent_accepted_and_final(
    ledger: Any, clock: ManualClock, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    times = [clock.time() + second for second in (1, 2, 3)]
    for event in (Event.SEND, Event.ACCEPTED, Event.FOUND_COMPLETE):
        clock.advance(1)
        row = await ledger.move(row, event)
    [[timeline]] = list(ledger.timelines())
    assert (timeline.order_id, timeline.state) == (row.order_id, State.SETTLED)
    assert [timeline.sent, timeline.accepted, timeline.final] == times


@STORES
async def test_an_inquiry_that_found_nothing_is_remembered_until_the_row_moves(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    unknown = await ledger.move(await ledger.move(row, Event.SEND), Event.UNCLEAR, code=1018, message="busy")
    now = ledger.time()
    await ledger.schedule_inquiry(unknown, due=now + 5, absent_since=now)
    assert await ledger.claim([State.UNKNOWN], 1, max_resends=9) == []
    assert await ledger.next_due([State.UNKNOWN], max_resends=9) == now + 5
    await ledger.schedule_inquiry(unknown, due=now, absent_since=now)
    later = await ledger.get(unknown.order_id)
    assert later is not None
    assert (later.reason, later.absent_since, later.code, later.message) == (Event.UNCLEAR, now, 1018, "busy")


async def test_what_is_no_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, " * 100)
    with pytest.raises(LedgerError, match="is no ledger"):
        await SQLiteLedger.open(text, NOBODY)
    assert text.read_text() == "not a database, " * 100
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(LedgerError, match="is no ledger"):
        await SQLiteLedger.open(other, NOBODY)
    with pytest.raises(LedgerError, match="there is no such ledger"):
        await SQLiteLedger.open(tmp_path / "none.db", None, create=False)


async def test_the_log_cannot_be_changed_and_the_file_is_private(
    ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=9)
    await ledger.move(row, Event.SEND)
    connection = sqlite3.connect(ledger.path)
    for statement in ("UPDATE moves SET event = 'x'", "DELETE FROM moves"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    logged = connection.execute("SELECT event, state FROM moves").fetchall()
    assert logged == [("release", "planned"), ("send", "sending")]
    connection.close()
    assert stat.S_IMODE(os.stat(ledger.path).st_mode) == 0o600


async def test_a_write_that_fails_is_told_to_everybody_who_waited(
    ledger: SQLiteLedger, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(2))
    rows = await ledger.claim([State.PLANNED], 2, max_resends=9)

    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO no_such_table VALUES (1)")

    results = await asyncio.gather(
        *(ledger.move(row, Event.SEND) for row in rows), ledger._do(spoil), return_exceptions=True
    )
    states = await ledger.counts()
    moved = [result for result in results[:2] if not isinstance(result, BaseException)]
    assert isinstance(results[2], LedgerError)
    assert states.get(State.SENDING, (0, 0))[0] == len(moved), "only what was told done is done"


async def test_where_a_part_is_lost_every_row_that_may_have_been_sent_moves_as_if_it_moved_alone(
    ledger: SQLiteLedger, api: PHPayouts, plan: Plan, write_orders: WriteOrders, clock: ManualClock
) -> None:
    await plan(write_orders(6))
    lives: list[list[Event]] = [
        [],
        [Event.SEND],
        [Event.SEND, Event.UNCLEAR],
        [Event.SEND, Event.UNCLEAR, Event.ABSENT],
        [Event.SEND, Event.ACCEPTED],
        [Event.SEND, Event.REJECTED],
    ]
    for row, life in zip(await ledger.claim([State.PLANNED], 9, max_resends=9), lives, strict=True):
        for event in life:
            row = await ledger.move(row, event, due=clock.time() + 9999)
        if row.state is State.UNKNOWN:
            for _ in range(2):
                await ledger.schedule_inquiry(row, due=clock.time() + 9999, absent_since=clock.time())
    await ledger.withdraw(by="ana", order_id="PAY000000001")
    await ledger.intake(read_orders(write_orders(1), api.request_class, api.currency), api.text_of)
    clock.advance(500)
    now = ledger.time()
    before = [row async for page in ledger.pages() for row in page]
    await ledger._do(lambda db: lose_everything(db, now))
    after = [row async for page in ledger.pages() for row in page]
    assert after == [apply_event(row, Event.LOST, {}, now) if row.state in MAY_BE_SENT else row for row in before]
    lost = [row.line for row in after if row.state is State.UNKNOWN]
    assert lost == [3, 4, 5, 2]
    assert len(await ledger.claim([State.UNKNOWN], 9, max_resends=9)) == 4, "due at once"
    logged = await ledger._do(lambda db: db.execute("SELECT payout, at FROM moves WHERE event = 'lost'").fetchall())
    assert logged == [(row.id, now) for row in after if row.state is State.UNKNOWN]
