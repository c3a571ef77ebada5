"""What a person decides: a file's rows are offered, released as they were shown, or taken back: one batch at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, WriteOrders, release_all, rows

from paycools_async.batch import Event, Ledger, Options, PHPayouts, Runner, State, read_orders
from paycools_async.batch.ledger import base
from paycools_async.batch.ledger.base import Changed, Offer, Source
from paycools_async.ph.payout import idempotency_id_for
from paycools_async.testing import FakePayCools

pytestmark = STORES

CREATE = "ph.payout.create"


async def offer(ledger: Ledger, api: PHPayouts, path: Path, by: str = "ana") -> Any:
    source = Source(file=path.name, sha256="ab" * 32, by=by)
    return await ledger.intake(read_orders(path, api.request_class, api.currency), api.text_of, source)


async def run(api: PHPayouts, ledger: Ledger, fake: FakePayCools, **options: Any) -> Any:
    await ledger.resume_sending()
    return await Runner(api, ledger, Options(**options), clock=fake.clock).run()


async def test_what_is_offered_is_not_sent(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    found = await offer(ledger, api, write_orders(3))
    assert (found.new, found.batch, found.known_in) == (3, 1, [])
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.OFFERED), summary.exit_code, fake.payouts.paid) == (3, 3, [])


async def test_a_yes_releases_one_batch_and_no_other(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    lines = [[f"OTHER{n:07}", "7.00", *rows(1)[0][2:]] for n in range(2)]
    first = await offer(ledger, api, write_orders(3))
    second = await offer(ledger, api, write_orders(lines=lines, name="other.csv"), by="ben")
    assert (first.batch, second.batch) == (1, 2)
    await ledger.release(2, by="eva", rows=2, amount=1400)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.rows(State.OFFERED)) == (2, 3)
    assert {payout.order_id for payout in fake.payouts.paid} == {"OTHER0000000", "OTHER0000001"}
    one, two = await ledger.batches()
    assert (one.file, one.offered_by, one.payouts, one.amount) == ("orders.csv", "ana", 3, 150030)
    assert [(entry.event, entry.by, entry.payouts, entry.amount) for entry in two.log] == [
        ("offer", "ben", 2, 1400),
        ("release", "eva", 2, 1400),
    ]


@pytest.mark.parametrize(("count", "amount"), [(2, 150030), (3, 150031), (0, 0)])
async def test_what_was_not_shown_is_not_released(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders, count: int, amount: int
) -> None:
    await offer(ledger, api, write_orders(3))
    with pytest.raises(Changed, match="nothing was released"):
        await ledger.release(1, by="eva", rows=count, amount=amount)
    assert await ledger.counts() == {State.OFFERED: (3, 150030)}


async def test_a_row_that_was_taken_back_meanwhile_makes_a_yes_void(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(3))
    done = await ledger.withdraw(by="ben", order_id="PAY000000002")
    assert (done.rows, done.amount, done.stay) == (1, 50010, 0)
    with pytest.raises(Changed):
        await ledger.release(1, by="eva", rows=3, amount=150030)


async def test_a_refused_file_can_be_edited_and_offered_again(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    """One row gone, one with another amount, one as it was: just what was said yes to is paid."""
    await offer(ledger, api, write_orders(3))
    await ledger.withdraw(by="ana", batch=1)
    lines = rows(2)
    lines[0][1] = "499.00"
    found = await offer(ledger, api, write_orders(lines=lines))
    assert (found.new, found.known, found.batch, found.total) == (2, 0, 2, 49900 + 50010)
    await ledger.release(2, by="ana", rows=2, amount=found.total)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.rows(State.WITHDRAWN)) == (2, 3)
    assert sorted((payout.order_id, payout.amount) for payout in fake.payouts.paid) == [
        ("PAY000000001", 49900),
        ("PAY000000002", 50010),
    ]
    row = await ledger.get("PAY000000001")
    assert row is not None
    assert (row.state, row.intake, row.amount) == (State.SETTLED, 2, 49900)
    ours = await ledger.of_batches([2]).counts()
    assert ours == {State.SETTLED: (2, 99910)}


async def test_only_what_was_never_sent_is_taken_back(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(6))
    await release_all(ledger)
    fake.merchant.balance = 2 * 50010
    await run(api, ledger, fake, concurrency=1)
    done = await ledger.withdraw(by="eva", batch=1)
    assert (done.rows, done.amount, done.stay) == (4, 4 * 50010, 2)
    fake.merchant.balance = 10**9
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.rows(State.WITHDRAWN), summary.exit_code) == (2, 4, 0)
    assert len(fake.payouts.paid) == 2


async def test_a_file_says_which_batches_hold_what_is_known_of_it(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(5))
    found = await offer(ledger, api, write_orders(3, name="less.csv"))
    assert (found.new, found.known, found.batch) == (0, 3, None)
    assert found.known_in == [Offer(batch=1, in_file=3, unsent_in_file=3, unsent_elsewhere=2)]
    again = await offer(ledger, api, write_orders(6, name="more.csv"))
    assert (again.new, again.known, again.batch) == (1, 5, 2)
    assert again.known_in == [Offer(batch=1, in_file=5, unsent_in_file=5, unsent_elsewhere=0)]


async def test_batches_that_hold_what_is_known_are_told_in_their_order_and_what_is_a_fault_is_not_known(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders
) -> None:
    for number in range(1, 5):  # each with one more row, in which the next one's are not
        lines = [[f"{number}{line[0]}", *line[1:]] for line in rows(number)]
        await offer(ledger, api, write_orders(lines=lines, name=f"{number}.csv"))
    lines = [[f"{number}{rows(1)[0][0]}", *rows(1)[0][1:]] for number in (4, 2, 3, 1)]
    found = await offer(ledger, api, write_orders(lines=lines))
    assert found.known_in == [
        Offer(batch=number, in_file=1, unsent_in_file=1, unsent_elsewhere=number - 1) for number in range(1, 5)
    ]
    new = rows(1)[0]
    changed = [lines[1][0], "1.00", *new[2:]]
    faulty = await offer(ledger, api, write_orders(lines=[new, new, changed, lines[0]]))
    assert [error.line for error in faulty.errors] == [3, 4]
    assert (faulty.known, [each.batch for each in faulty.known_in], faulty.batch) == (1, [4], None)


async def test_every_line_that_cannot_be_read_is_told_together_with_what_the_ledger_has_against_others(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(1))
    lines = rows(5)
    for number in (1, 3):
        lines[number][1] = "much"
    lines[0][1] = lines[4][1] = "1.00"
    found = await offer(ledger, api, write_orders(lines=[*lines, lines[4]]))
    assert [(error.line, error.column) for error in found.errors] == [
        (2, "mch_order_id"),
        (3, "amount"),
        (5, "amount"),
        (7, "mch_order_id"),
    ]
    assert await ledger.counts() == {State.OFFERED: (1, 50010)}


async def test_of_more_faults_than_are_told_the_first_ones_are_told(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_MAX_ERRORS", 20)
    await offer(ledger, api, write_orders(30))
    lines = [[order_id, "1.00", *rest] for order_id, _, *rest in reversed(rows(30))]
    found = await offer(ledger, api, write_orders(lines=lines, name="changed.csv"))
    assert ([error.line for error in found.errors], found.more_errors) == (list(range(2, 22)), 10)


async def test_what_is_unclear_counts_as_what_may_still_be_sent(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(3))
    await release_all(ledger)
    fake.faults.drop_before(rate=1.0, only=CREATE)
    await run(api, ledger, fake, wait=1)
    assert (await ledger.counts())[State.UNKNOWN][0] == 3
    found = await offer(ledger, api, write_orders(1, name="less.csv"))
    assert found.known_in == [Offer(batch=1, in_file=1, unsent_in_file=1, unsent_elsewhere=2)]


async def test_a_changed_order_says_what_to_do_so_that_nobody_gets_both_amounts(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    await offer(ledger, api, write_orders(1))
    lines = [["PAY000000001", "1.00", *rows(1)[0][2:]]]
    [error] = (await offer(ledger, api, write_orders(lines=lines))).errors
    assert "in batch 1: it was not sent yet" in error.reason
    assert "withdraw --order-id PAY000000001" in error.reason
    await release_all(ledger)
    await run(api, ledger, fake)
    [error] = (await offer(ledger, api, write_orders(lines=lines))).errors
    assert "settled there, so money may have moved" in error.reason


IDEMPOTENCY = ["mch_order_id", "amount_minor", "pay_method_code", "ewallet_code", "account_no", "account_name"]


async def enter_ids(ledger: Ledger, api: PHPayouts, path: Path, *ids: tuple[str, str]) -> Any:
    header = ",".join([*IDEMPOTENCY, "idempotency_id"])
    lines = [f"{order},50010,EWALLET,GCASH,09171234567,Juan,{own}" for order, own in ids]
    path.write_text("\n".join([header, *lines]) + "\n")
    return await offer(ledger, api, path)


@pytest.mark.parametrize(
    ("ids", "lines"),
    [
        ([("ORDER00001", "SAME000001"), ("ORDER00002", "SAME000001")], [2, 3]),
        ([("ORDER00001", "ORDER00002"), ("ORDER00002", "")], [2]),
        ([("I1", ""), ("ORDER00002", idempotency_id_for("I1"))], [2, 3]),
        ([("ORDER00001", "OWN0000001"), ("ORDER00002", "OWN0000002"), ("ORDER00003", "")], []),
    ],
)
async def test_an_idempotency_id_that_another_row_has_too_is_refused(
    api: PHPayouts, ledger: Ledger, tmp_path: Path, ids: list[tuple[str, str]], lines: list[int]
) -> None:
    found = await enter_ids(ledger, api, tmp_path / "ids.csv", *ids)
    assert [error.line for error in found.errors] == lines
    assert all("PayCools would pay only one of them" in error.reason for error in found.errors)


async def test_an_idempotency_id_of_another_files_row_is_refused_too(
    api: PHPayouts, ledger: Ledger, tmp_path: Path
) -> None:
    await enter_ids(ledger, api, tmp_path / "a.csv", ("ORDER00001", "OWN0000001"))
    for other in (("ORDER00002", "OWN0000001"), ("OWN0000001", ""), ("ORDER00003", "ORDER00001")):
        found = await enter_ids(ledger, api, tmp_path / "b.csv", other)
        assert [error.line for error in found.errors] == [2], other


async def test_last_months_order_ids_in_a_new_ledger_settle_nothing(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders
) -> None:
    for n in range(1, 4):
        await api._client.payouts.create(
            mch_order_id=f"PAY{n:09}",
            amount=50010,
            pay_method_code="EWALLET",
            ewallet_code="GCASH",
            account_no="09171234567",
            account_name="Juan",
        )
    fake.clock.advance(30 * 86400)  # type: ignore[attr-defined]
    await offer(ledger, api, write_orders(3))
    await release_all(ledger)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.PREEXISTING), summary.exit_code, len(fake.payouts.paid)) == (3, 3, 3)
    assert await ledger.adopt(by="eva") == 3
    assert (await run(api, ledger, fake)).exit_code == 0
    assert [entry.event for entry in (await ledger.batches())[0].log] == ["offer", "release", "adopt"]


@pytest.mark.parametrize("state", [State.OFFERED, State.PLANNED, State.WITHDRAWN])
async def test_an_old_callback_settles_nothing_that_was_not_sent(
    api: PHPayouts, ledger: Ledger, write_orders: WriteOrders, state: State
) -> None:
    await offer(ledger, api, write_orders(1))
    if state is State.PLANNED:
        await release_all(ledger)
    if state is State.WITHDRAWN:
        await ledger.withdraw(by="ana", batch=1)
    row = await ledger.apply_event("PAY000000001", Event.FOUND_EARLIER, transaction_id="D1")
    assert row is not None
    assert row.state is State.PREEXISTING
    found = await offer(ledger, api, write_orders(1))
    assert (found.new, found.known) == (0, 1), "and it is not entered again"


async def test_only_one_run_at_a_time_has_a_sqlite_ledger(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, write_orders: WriteOrders, store: str, open_ledger: Any
) -> None:
    from paycools_async.batch.ledger.base import LedgerInUse

    if store != "sqlite":
        pytest.skip("rows of a PostgreSQL ledger are leased, so many runs share it")
    await ledger.begin_run()
    with pytest.raises(LedgerInUse, match="in this very process"):
        await run(api, ledger, fake)
    await ledger.end_run()
    onlooker = await open_ledger(None)
    with pytest.raises(LedgerInUse, match="exclusive=False"):
        await run(api, onlooker, fake)
