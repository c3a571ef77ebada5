"""Ledgers and inboxes as OpenTelemetry's gauges."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.batch import Plan, WriteOrders
from support.callbacks import Shop, payout

from paycools_async.batch import Ledger, LedgerError
from paycools_async.callbacks import CallbackInbox, SQLiteStore
from paycools_async.otel import OpenTelemetryGauges
from paycools_async.testing import FakePayCools


@pytest.fixture
async def inbox(tmp_path: Path, fake: FakePayCools) -> AsyncIterator[CallbackInbox]:
    store = await SQLiteStore.open(tmp_path / "inbox.db", clock=fake.clock.time)
    inbox = CallbackInbox(Shop().router, store, clock=fake.clock.time)
    yield inbox
    await inbox.aclose()


class Meters:
    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.gauges = OpenTelemetryGauges(meter_provider=MeterProvider([self._reader]))

    def points(self) -> dict[tuple[str, str], Any]:
        data: Any = self._reader.get_metrics_data()
        (resource,) = data.resource_metrics
        (scope,) = resource.scope_metrics
        return {
            (metric.name, dict(point.attributes).get("paycools.state", "")): point.value
            for metric in scope.metrics
            for point in metric.data.data_points
        }


async def test_a_ledger_and_an_inbox_are_recorded(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, inbox: CallbackInbox, fake: FakePayCools
) -> None:
    meters = Meters()
    await plan(write_orders(3))
    await inbox.handle(payout(1))
    await fake.clock.sleep(60)
    await meters.gauges.record(ledger, inbox, name="salaries")
    points = meters.points()
    assert points["paycools.ledger.rows", "planned"] == 3
    assert points["paycools.ledger.rows", "settled"] == 0
    assert points["paycools.ledger.backlog", ""] == 3
    assert points["paycools.ledger.oldest_age", ""] == pytest.approx(60, abs=1)
    assert points["paycools.inbox.rows", "new"] == points["paycools.inbox.backlog", ""] == 1
    assert points["paycools.inbox.oldest_age", ""] == pytest.approx(60, abs=1)
    await inbox.drain()
    await meters.gauges.record(inbox, name="salaries")
    points = meters.points()
    assert points["paycools.inbox.backlog", ""] == points["paycools.inbox.oldest_age", ""] == 0
    assert points["paycools.inbox.rows", "applied"] == 1


async def test_what_cannot_be_read_is_logged_and_looked_at_again(
    inbox: CallbackInbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    meters, real, looks = Meters(), inbox.gauges, asyncio.Semaphore(0)

    async def failing_first() -> Any:
        looks.release()
        monkeypatch.setattr(inbox, "gauges", again)
        raise LedgerError("away, with the password hunter2")

    async def again() -> Any:
        looks.release()
        return await real()

    monkeypatch.setattr(inbox, "gauges", failing_first)
    with caplog.at_level(logging.WARNING, "paycools_async"):
        keeping = asyncio.create_task(meters.gauges.keep(inbox, every=0.001))
        for _ in range(3):
            await looks.acquire()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    assert caplog.messages == ["the gauges default cannot be read for now: LedgerError"]
    assert meters.points()["paycools.inbox.backlog", ""] == 0
