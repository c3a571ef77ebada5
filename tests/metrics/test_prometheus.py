"""What a process serves to Prometheus: its calls, ledgers and inboxes, without a word about a person."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.batch import Plan, WriteOrders
from support.callbacks import Shop, payout

from paycools_async import ConfigurationError, PayCoolsError, PayCoolsPH
from paycools_async.batch import Event, Identity, Ledger, LedgerError, State
from paycools_async.batch.gauges import PauseReason, pause_reason
from paycools_async.batch.run.outcomes import pauses_sending
from paycools_async.callbacks import CallbackInbox, SQLiteStore
from paycools_async.errors import ApiError, InsufficientBalance, RateLimited
from paycools_async.metrics import MetricsPage, PrometheusMetrics
from paycools_async.ph import CreatePayout
from paycools_async.result_codes import GLOBAL_CODES, PH_CODES
from paycools_async.testing import FakePayCools


def values(page: MetricsPage) -> dict[tuple[str, ...], float]:
    """Every sample: its name and its labels' values, in the order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.body.decode())
        for sample in family.samples
    }


def order(number: int) -> CreatePayout:
    return CreatePayout(
        mch_order_id=f"PAY{number:09}",
        amount=50_010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    )


async def test_calls_are_counted_by_endpoint_outcome_and_error(fake: FakePayCools) -> None:
    metrics = PrometheusMetrics()
    async with PayCoolsPH(
        fake.ph_credentials, transport=fake.transport(), clock=fake.clock, observers=[metrics]
    ) as paycools:
        await paycools.send(order(1))
        fake.merchant.balance = 0
        with pytest.raises(InsufficientBalance):
            await paycools.send(order(2))
        page = await metrics.page()
    found = values(page)
    assert page.content_type.startswith("text/plain")
    assert found["paycools_calls_total", "", "ph.payout.create", "accepted"] == 1
    assert found["paycools_calls_total", "InsufficientBalance", "ph.payout.create", "rejected"] == 1
    assert found["paycools_attempts_total", "", "ph.payout.create", "accepted"] == 1
    assert found["paycools_call_duration_seconds_count", "ph.payout.create", "rejected"] == 1
    assert found["paycools_calls_in_flight",] == 0
    for hidden in (b"PAY0", b"09171234567", b"Juan"):
        assert hidden not in page.body


async def test_a_busy_paycools_is_counted_as_a_pause(fake: FakePayCools) -> None:
    metrics = PrometheusMetrics()
    async with PayCoolsPH(
        fake.ph_credentials, transport=fake.transport(), clock=fake.clock, observers=[metrics]
    ) as paycools:
        fake.faults.busy(1013, next=1)
        with pytest.raises(RateLimited):
            await paycools.send(order(1))
    found = values(await metrics.page())
    assert found["paycools_client_pauses_total", "RateLimited"] == 1
    assert found["paycools_client_paused_seconds_total", "RateLimited"] > 0
    assert found["paycools_attempts_total", "RateLimited", "ph.payout.create", "rejected"] == 1


async def test_a_call_without_a_class_makes_no_label_of_its_path(fake: FakePayCools) -> None:
    metrics = PrometheusMetrics()
    async with PayCoolsPH(
        fake.ph_credentials, transport=fake.transport(), clock=fake.clock, observers=[metrics]
    ) as paycools:
        with pytest.raises(PayCoolsError):
            await paycools.call("POST", "/api/v1/secret/09171234567", {})
    body = (await metrics.page()).body
    assert b'operation="call"' in body
    assert b"09171234567" not in body


@pytest.fixture
async def inbox(tmp_path: Path, fake: FakePayCools) -> Any:
    store = await SQLiteStore.open(tmp_path / "inbox.db", clock=fake.clock.time)
    inbox = CallbackInbox(Shop().router, store, clock=fake.clock.time)
    yield inbox
    await inbox.aclose()


async def test_a_ledger_and_an_inbox_are_looked_at_when_prometheus_asks(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, inbox: CallbackInbox, fake: FakePayCools
) -> None:
    metrics = PrometheusMetrics(every=0)
    metrics.watch(ledger, inbox, name="salaries")
    await plan(write_orders(3))
    await inbox.handle(payout(1))
    await fake.clock.sleep(60)
    found = values(await metrics.page())
    assert found["paycools_payouts", "salaries", "planned"] == 3
    assert found["paycools_payouts", "salaries", "settled"] == 0
    assert found["paycools_payouts_amount", "salaries", "planned"] == 3 * 50_010
    assert found["paycools_payouts_backlog", "salaries"] == 3
    assert found["paycools_payouts_oldest_seconds", "salaries"] == pytest.approx(60, abs=1)
    assert found["paycools_callbacks", "salaries", "new"] == 1
    assert found["paycools_callbacks_backlog", "salaries"] == 1
    assert found["paycools_callbacks_oldest_seconds", "salaries"] == 60
    assert found["paycools_store_up", "salaries"] == 1
    [row] = (await ledger.claim([State.PLANNED], 1, max_resends=0))[:1]
    await ledger.move(row, Event.SEND)
    again = values(await metrics.page())
    assert again["paycools_payouts", "salaries", "sending"] == 1


async def test_between_two_looks_the_ledger_is_left_alone(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    counts = ledger.counts

    async def counted() -> Any:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return await counts()

    monkeypatch.setattr(ledger, "counts", counted)
    metrics = PrometheusMetrics(every=3600)
    metrics.watch(ledger)
    await asyncio.gather(*(metrics.page() for _ in range(5)))
    await metrics.page()
    assert looks == 1, "and each look counts its rows once"


async def test_a_ledger_that_cannot_be_read_is_told_once_and_hangs_no_page(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = PrometheusMetrics(every=0)
    metrics.watch(ledger)
    before = values(await metrics.page())

    async def away() -> Any:
        raise LedgerError("no route to the database hush")

    async def hanging() -> Any:
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING):
        for counts, within in ((away, 5.0), (hanging, 0.01)):
            monkeypatch.setattr(ledger, "counts", counts)
            monkeypatch.setattr(metrics, "_within", within)
            found = values(await metrics.page())
            assert found["paycools_store_up", "default"] == 0
            assert found["paycools_payouts", "default", "planned"] == before["paycools_payouts", "default", "planned"]
    monkeypatch.undo()
    assert values(await metrics.page())["paycools_store_up", "default"] == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the metrics of default cannot be read for now: LedgerError"
    ]
    await metrics.aclose()


async def test_two_ledgers_have_two_names(ledger: Ledger, inbox: CallbackInbox) -> None:
    metrics = PrometheusMetrics(every=0)
    metrics.watch(ledger)
    metrics.watch(inbox)
    for again in (ledger, inbox):
        with pytest.raises(ConfigurationError, match="watched already"):
            metrics.watch(again)
    metrics.unwatch()
    metrics.watch(ledger, name="default")


def test_every_refusal_that_pauses_has_a_reason_of_its_own() -> None:
    assert not set(PH_CODES) & set(GLOBAL_CODES)
    found: dict[type[ApiError], set[PauseReason]] = {}
    for code, row in {**PH_CODES, **GLOBAL_CODES}.items():
        error = row.error(code, "anything: 12 at all").with_context(operation="ph.payout.create", order_id="PAY1")
        if pauses_sending(error):
            found.setdefault(row.error, set()).update((pause_reason(str(error)), pause_reason(error.args[0])))
    assert all(len(reasons) == 1 for reasons in found.values())
    assert len(set[PauseReason]().union(*found.values())) == len(found) == 6
    assert {PauseReason.OTHER} not in found.values()
    assert found[InsufficientBalance] == {PauseReason.BALANCE}
    assert pause_reason("25 of the last 50 payouts were refused; look at the reasons") is PauseReason.REFUSALS
    assert pause_reason("app_name: nothing of the kind") is PauseReason.OTHER


@pytest.mark.postgres
async def test_workers_leases_pauses_and_an_inbox_beside_a_shared_ledger(dsn: str, write_orders: WriteOrders) -> None:
    from paycools_async.batch import PostgresLedger, read_orders
    from paycools_async.batch.run.payout_api import payout_request
    from paycools_async.callbacks.postgres import PostgresStore

    identity = Identity(family="ph", app_id="app", host="host")
    ledger = await PostgresLedger.open(dsn, identity, call_timeout=30, margin=1)
    other = await PostgresLedger.open(dsn, identity, call_timeout=0.01, margin=0.01)
    metrics = PrometheusMetrics(every=0)
    metrics.watch(ledger)
    try:
        intake = await ledger.intake(read_orders(write_orders(5), payout_request(None), "PHP"), lambda request: "text")
        assert intake.batch is not None
        await ledger.release(intake.batch, by="tests", rows=5, amount=intake.total)
        await ledger.claim([State.PLANNED], 2, max_resends=0)
        await other.claim([State.PLANNED], 1, max_resends=0)
        await asyncio.sleep(0.1)  # of the database's time, which no test can move
        found = values(await metrics.page())
        assert (found["paycools_leases", "default"], found["paycools_leasing_workers", "default"]) == (2, 1)
        assert found["paycools_leases_lapsed", "default"] == 1
        assert 0.1 <= found["paycools_payouts_overdue_seconds", "default"] < 30
        assert found["paycools_paused_batches", "default", "balance"] == 0
        assert not [name for name, *_ in found if name == "paycools_callbacks"]

        await ledger.pause(str(InsufficientBalance(1006, "too little")))
        store = await PostgresStore.open(dsn)
        inbox = CallbackInbox(Shop().router, store)
        await inbox.handle(payout(1))
        await inbox.aclose()
        found = values(await metrics.page())
        assert found["paycools_paused_batches", "default", "balance"] == 1
        assert found["paycools_payouts_overdue_seconds", "default"] == 0
        assert found["paycools_callbacks", "default", "new"] == 1
        assert found["paycools_callbacks_oldest_seconds", "default"] > 0
    finally:
        await metrics.aclose()
        await other.aclose()
        await ledger.aclose()
