"""When an order that PayCools does not show may be sent again: by time, rarely, and never without saying so."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import attrs
import pytest
from support.batch import STORES, OpenLedger, Plan, WriteOrders

from paycools_async import ConfigurationError, HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.batch import Event, Ledger, Options, PHPayouts, Runner, SQLiteLedger, State, Summary
from paycools_async.testing import FakePayCools

CREATE, QUERY = "ph.payout.create", "ph.payout.query"


async def run(api: PHPayouts, ledger: Ledger, fake: FakePayCools, **options: Any) -> Summary:
    await ledger.resume_sending()
    return await Runner(api, ledger, Options(**options), clock=fake.clock).run()


@pytest.fixture(autouse=True)
def careless_books(fake: FakePayCools) -> None:
    """The fake pays whatever it is asked to pay: only the runner's care prevents paying twice."""
    fake.merchant.enforce_unique = False
    fake.payouts.settle_after = 2


def times_paid(fake: FakePayCools) -> list[int]:
    paid = [payout.order_id for payout in fake.payouts.paid]
    return sorted(paid.count(order_id) for order_id in set(paid))


@STORES
@pytest.mark.parametrize("lag", [0, 7, 20, 85])
async def test_answers_lost_and_orders_shown_late_pay_nobody_twice(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, lag: float
) -> None:
    """Default options: 30 seconds for the call and 60 more."""
    fake.payouts.inquiry_lag = lag
    fake.faults.drop_after(rate=1.0, only=CREATE)
    await plan(write_orders(20))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.exit_code, summary.resent) == (20, 0, 0)
    assert times_paid(fake) == [1] * 20


@STORES
async def test_an_order_that_is_not_shown_for_very_long_is_sent_again_once_and_that_is_said(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.inquiry_lag = 10_000
    fake.faults.drop_after(rate=1.0, only=CREATE)
    await plan(write_orders(5))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.UNKNOWN), summary.resent, summary.exit_code) == (5, 5, 3)
    summary = await run(api, ledger, fake)
    assert times_paid(fake) == [2] * 5, "a second run sends none of them again"
    fake.clock.advance(10_000)  # type: ignore[attr-defined]
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.resent, summary.exit_code) == (5, 5, 3), "a person has to look"


@STORES
async def test_without_resends_an_unclear_order_waits_for_a_person(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.faults.drop_before(rate=1.0, only=CREATE)
    await plan(write_orders(3))
    summary = await run(api, ledger, fake, max_resends=0)
    assert (summary.rows(State.UNKNOWN), summary.resent, fake.requests[CREATE]) == (3, 0, 3)
    assert fake.payouts.paid == []


async def test_a_later_process_waits_anew_for_the_clock_may_have_been_set_between(
    api: PHPayouts, ledger: SQLiteLedger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.faults.drop_before(next=1, only=CREATE)
    await plan(write_orders(1))
    await run(api, ledger, fake, wait=1)
    await ledger.aclose()
    fake.clock.advance(3600)  # type: ignore[attr-defined]
    began, sent_at = fake.clock.monotonic(), []
    answer = fake.transport().send

    async def note(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            sent_at.append(fake.clock.monotonic() - began)
        return await answer(request)

    again = await SQLiteLedger.open(ledger.path, api.identity, clock=fake.clock.time)
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(note), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), again, fake)
    await again.aclose()
    assert summary.rows(State.SETTLED) == 1
    assert len(sent_at) == 1
    assert sent_at[0] >= 90


@STORES
async def test_runs_that_follow_each_other_in_one_process_do_not_begin_to_wait_anew(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """As a worker drives a shard: for a short while, and again, and again."""
    fake.faults.drop_before(next=1, only=CREATE)
    await plan(write_orders(1))
    began = fake.clock.monotonic()
    while (summary := await run(api, ledger, fake, wait=10)).rows(State.SETTLED) == 0:
        assert fake.clock.monotonic() - began < 300, "it is never sent again"
        fake.clock.advance(1)  # type: ignore[attr-defined]
    assert (summary.resent, times_paid(fake)) == (1, [1])


async def test_the_ledgers_clock_does_not_follow_a_wall_clock_that_is_set(
    tmp_path: Any, api: PHPayouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await SQLiteLedger.open(tmp_path / "own.db", api.identity)
    before = ledger.time()
    real = time.time
    for shift in (3600, -3600):
        monkeypatch.setattr(time, "time", lambda shift=shift: real() + shift)
        assert abs(ledger.time() - before) < 5
    monkeypatch.undo()
    await ledger.aclose()


async def test_a_clock_that_was_set_back_between_two_runs_holds_up_nothing(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.settle_after = 100
    await plan(write_orders(2))
    await run(api, ledger, fake, wait=1)
    [rows] = [page async for page in ledger.pages()]
    for row in rows:
        await ledger.schedule_inquiry(row, due=ledger.time() + 3600, absent_since=None)
    began = fake.clock.monotonic()
    summary = await run(api, ledger, fake, wait=1000)
    assert (summary.rows(State.SETTLED), fake.clock.monotonic() - began < 300) == (2, True)


async def test_a_clock_that_was_set_back_does_not_hold_up_what_is_unclear_either(
    api: PHPayouts, ledger: SQLiteLedger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.faults.drop_before(next=1, only=CREATE)
    await plan(write_orders(1))
    await run(api, ledger, fake, wait=1)
    later = ledger.time() + 3600
    await ledger._do(lambda db: list(db.execute("UPDATE payouts SET sent = ?, due = ?", (later, later))))
    began = fake.clock.monotonic()
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), fake.clock.monotonic() - began < 300) == (1, True)


@STORES
async def test_the_longest_lag_is_learned_and_three_times_it_is_waited_for(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.inquiry_lag = 50
    await plan(write_orders(1, name="first.csv"))
    await run(api, ledger, fake)
    lag = await ledger.longest_lag()
    assert 50 <= lag <= 90
    # now orders are shown after 140 seconds: more than the 90 that would be waited for without having learned
    fake.payouts.inquiry_lag = 140
    fake.faults.drop_after(rate=1.0, only=CREATE)
    lines = [["LATE00000001", "10.00", "EWALLET", "GCASH", "09171234567", "Juan"]]
    await plan(write_orders(lines=lines, name="second.csv"))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.resent) == (2, 0)
    assert times_paid(fake) == [1, 1]


@STORES
async def test_what_paycools_calls_a_duplicate_stays_unknown_until_it_is_shown(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """The first answer is lost, nothing is shown, the second sending is refused: the first one is there."""
    fake.payouts.inquiry_lag = 1000
    fake.faults.drop_after(next=1, only=CREATE)
    fake.merchant.enforce_unique = True
    await plan(write_orders(1))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.UNKNOWN), summary.resent, summary.exit_code) == (1, 1, 3)
    fake.clock.advance(1000)  # type: ignore[attr-defined]
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), times_paid(fake)) == (1, [1])


@pytest.mark.parametrize("seconds", [0.0, 0.99, -1.0, float("nan")])
def test_an_absence_shorter_than_a_second_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError):
        Options(absent_after=seconds)


@STORES
@pytest.mark.parametrize("code", [1006, 1007, 1009, 1013])
async def test_a_refused_second_sending_says_nothing_of_the_first(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, code: int
) -> None:
    """Booked, not shown for long, and refused when it is sent again: never failed, and never sent a third time."""
    fake.payouts.inquiry_lag = 1000
    fake.faults.drop_after(next=1, only=CREATE)
    await plan(write_orders(1))
    began = fake.clock.monotonic()
    answer = fake.transport().send

    async def refuse_the_second(request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and fake.clock.monotonic() - began > 60:
            return HttpResponse(200, {}, b'{"code": %d, "message": "no"}' % code)
        return await answer(request)

    async with PayCoolsPH(
        fake.ph_credentials, transport=MemoryTransport(refuse_the_second), clock=fake.clock
    ) as client:
        summary = await run(PHPayouts(client), ledger, fake, wait=200)
    assert summary.rows(State.FAILED) == 0
    fake.clock.advance(1000)  # type: ignore[attr-defined]
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), times_paid(fake)) == (1, [1])


@STORES
async def test_before_a_second_sending_that_had_to_wait_paycools_is_asked_once_more(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """Absent, and held before it left again: in the meantime PayCools shows it."""
    fake.payouts.inquiry_lag = 300
    fake.faults.drop_after(next=1, only=CREATE)
    await plan(write_orders(1))
    await run(api, ledger, fake, wait=1)
    [row] = [row async for page in ledger.pages() for row in page]
    fake.clock.advance(1000)  # type: ignore[attr-defined]
    if not isinstance(ledger, SQLiteLedger):
        pytest.skip("the row is leased to the run of before; the rule is the driver's, for both stores")
    await ledger.move(row, Event.ABSENT)
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.resent, times_paid(fake)) == (1, 1, [1])


@STORES
async def test_a_busy_answer_to_a_payout_that_was_booked_pays_it_once(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.faults.busy(1013, rate=1.0, only=CREATE, processed=True)
    await plan(write_orders(5))
    summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), times_paid(fake)) == (5, [1] * 5)


@STORES
async def test_a_receipt_alone_settles_nothing(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    fake.payouts.decide = lambda fields: ("FAILED", -10005, "Account Error")
    await plan(write_orders(1))
    summary = await answered_otherwise(fake, ledger, "POST", {"transactionStatus": "COMPLETE", "amount": 1})
    assert (summary.rows(State.FAILED), summary.rows(State.SETTLED)) == (1, 0)


Spoil = dict[str, Any]


async def answered_otherwise(fake: FakePayCools, ledger: Ledger, method: str, change: Spoil, **options: Any) -> Summary:
    """A run to which one kind of call is answered with other fields than PayCools' own."""
    answer = fake.transport().send

    async def spoil(request: HttpRequest) -> HttpResponse:
        said = await answer(request)
        body = json.loads(said.body)
        if request.method == method and body.get("data"):
            body["data"] |= change
        return attrs.evolve(said, body=json.dumps(body).encode())

    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(spoil), clock=fake.clock) as client:
        return await run(PHPayouts(client), ledger, fake, **options)


@STORES
async def test_a_receipt_that_names_another_order_is_no_receipt(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    summary = await answered_otherwise(fake, ledger, "POST", {"mchOrderId": "OTHER1", "transactionId": "D9"})
    assert (summary.rows(State.SETTLED), times_paid(fake)) == (1, [1])
    row = await ledger.get("PAY000000001")
    assert row is not None
    assert row.transaction_id == fake.payouts.paid[0].transaction_id


@STORES
@pytest.mark.parametrize(
    "change",
    [{"transactionId": "D9999", "transactionStatus": "COMPLETE"}, {"amount": 1, "transactionStatus": "COMPLETE"}],
)
async def test_a_status_that_names_another_payment_settles_nothing_and_overwrites_nothing(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, change: Spoil
) -> None:
    await plan(write_orders(1))
    summary = await answered_otherwise(fake, ledger, "GET", change)
    assert (summary.rows(State.CONFLICT), summary.exit_code) == (1, 3)
    row = await ledger.get("PAY000000001")
    assert row is not None
    assert row.transaction_id == fake.payouts.paid[0].transaction_id
    assert "PayCools knows this order as" in (row.message or "")


@STORES
async def test_an_order_older_than_its_entry_is_not_called_settled(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """The answer is lost; what the inquiry shows was entered last month."""
    fake.faults.drop_after(next=1, only=CREATE)
    await plan(write_orders(1))
    summary = await answered_otherwise(fake, ledger, "GET", {"createTime": "2025-11-30 10:00:00"})
    assert (summary.rows(State.PREEXISTING), summary.exit_code) == (1, 3)


@STORES
@pytest.mark.parametrize("age", [600, 3 * 3600, 20 * 3600, 25 * 3600, 30 * 86400])
async def test_an_older_order_is_not_ours_whatever_its_age(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, age: float
) -> None:
    """The answer is lost, and what the inquiry shows was paid by another ledger, some minutes or days ago."""
    fake.faults.drop_after(next=1, only=CREATE)
    await plan(write_orders(1))
    created = fake.merchant.when(fake.clock.time() - age)
    summary = await answered_otherwise(fake, ledger, "GET", {"createTime": created})
    assert (summary.rows(State.PREEXISTING), summary.exit_code) == (1, 3)


@STORES
@pytest.mark.parametrize("behind", [0, 3600, 7 * 3600, 8 * 3600])
async def test_an_unclear_order_of_ours_is_ours_in_whatever_zone_its_time_is_written(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, behind: float
) -> None:
    fake.faults.drop_after(next=1, only=CREATE)
    await plan(write_orders(1))
    created = fake.merchant.when(fake.clock.time() - behind)
    summary = await answered_otherwise(fake, ledger, "GET", {"createTime": created})
    assert (summary.rows(State.SETTLED), summary.exit_code) == (1, 0)


@STORES
async def test_a_receipt_that_names_another_payment_than_a_callback_did_is_a_conflict(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """The callback comes while the request is under way, and is about another payment under this order id."""
    await plan(write_orders(1))
    answer = fake.transport().send

    async def call_back_first(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            await ledger.apply_event("PAY000000001", Event.FOUND_COMPLETE, transaction_id="D999")
        return await answer(request)

    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(call_back_first), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake)
    assert (summary.rows(State.CONFLICT), summary.exit_code) == (1, 3)


@STORES
async def test_once_the_clocks_are_compared_an_order_of_an_hour_ago_is_not_ours_either(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    """PayCools' times are eight hours behind here, by all receipts; one unclear order is an hour older than that."""
    behind = 8 * 3600.0
    await plan(write_orders(2))
    fake.faults.drop_after(next=1, only=CREATE)
    answer = fake.transport().send

    async def spoil(request: HttpRequest) -> HttpResponse:
        said = await answer(request)
        body = json.loads(said.body)
        if request.method == "GET" and body.get("data"):
            unclear = body["data"]["mchOrderId"] == "PAY000000001"
            created = fake.clock.time() - behind - (3600 if unclear else 0)
            body["data"]["createTime"] = fake.merchant.when(created)
            if unclear and not compared.is_set():
                body = {"code": 1008, "message": "Transaction Not Found"}
            compared.set() if not unclear else None
        return attrs.evolve(said, body=json.dumps(body).encode())

    compared = asyncio.Event()
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(spoil), clock=fake.clock) as client:
        summary = await run(PHPayouts(client), ledger, fake, concurrency=1)
    assert (summary.rows(State.SETTLED), summary.rows(State.PREEXISTING)) == (1, 1)


@STORES
async def test_a_time_that_is_none_or_of_another_zone_does_no_harm_to_what_we_have_a_receipt_for(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(1))
    summary = await answered_otherwise(fake, ledger, "GET", {"createTime": "2025-12-31 16:00:00"})  # UTC, not Manila's
    assert summary.rows(State.SETTLED) == 1
    await plan(write_orders(lines=[["MORE00000001", "1.00", "EWALLET", "GCASH", "09171234567", "J"]], name="more.csv"))
    summary = await answered_otherwise(fake, ledger, "GET", {"createTime": "long ago"})
    assert summary.rows(State.SETTLED) == 2


@STORES
async def test_a_surprise_about_one_payout_is_that_payouts(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    await plan(write_orders(5))
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock) as client:
        api = PHPayouts(client)
        inquire = api.inquire
        surprised = 0

        async def surprising(order_id: str, *, fresh: bool = False) -> Any:
            nonlocal surprised
            if order_id == "PAY000000003" and surprised < 2:
                surprised += 1
                raise RuntimeError("nobody thought of this")
            return await inquire(order_id, fresh=fresh)

        api.inquire = surprising  # type: ignore[method-assign]
        summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), surprised) == (5, 2)


@STORES
async def test_what_our_own_rules_refuse_at_sending_fails_alone(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    from paycools_async import FieldError, InvalidRequest

    await plan(write_orders(3))
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock) as client:
        api = PHPayouts(client)
        prepare = api.prepare

        def refusing(body: str) -> Any:
            text, send = prepare(body)
            if "PAY000000002" not in body:
                return text, send

            async def refuse(*, not_after: float) -> Any:
                raise InvalidRequest("CreatePayout", [FieldError("account_no", "cannot be sent")])

            return text, refuse

        api.prepare = refusing  # type: ignore[method-assign]
        summary = await run(api, ledger, fake)
    assert (summary.rows(State.SETTLED), summary.rows(State.FAILED), summary.exit_code) == (2, 1, 1)
    row = await ledger.get("PAY000000002")
    assert row is not None
    assert "account_no: cannot be sent" in (row.message or "")


@STORES
async def test_a_crashed_sending_is_not_inquired_about_before_its_call_must_be_over(
    api: PHPayouts, ledger: Ledger, open_ledger: OpenLedger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    if not isinstance(ledger, SQLiteLedger):
        pytest.skip("PostgreSQL's leases do this: tests/batch/ledger/test_postgres.py")
    await plan(write_orders(1))
    [row] = await ledger.claim([State.PLANNED], 1, max_resends=1)
    await ledger.move(row, Event.SEND)
    fake.clock.advance(8)  # type: ignore[attr-defined]
    assert await ledger.recover(call_timeout=30.0) == 1
    found = await ledger.get("PAY000000001")
    assert found is not None
    assert (found.state, found.reason) == (State.UNKNOWN, Event.CRASHED)
    assert await ledger.next_due([State.UNKNOWN], max_resends=1) == pytest.approx(ledger.time() + 22)
