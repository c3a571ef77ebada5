"""Ledgers and inboxes as gauges."""

from __future__ import annotations

import asyncio
import logging

from opentelemetry import metrics

from ..batch.gauges import ledger_gauges
from ..batch.ledger.base import Ledger
from ..callbacks.inbox import CallbackInbox
from ..errors import PayCoolsError
from ..version import __version__

__all__ = ["OpenTelemetryGauges"]

log: logging.Logger = logging.getLogger("paycools_async.otel")


class OpenTelemetryGauges:
    """Records how ledgers and inboxes stand, into this provider or the global one.

    `name` tells several apart. To look again and again, `keep` it running in a task beside your program:

        task = asyncio.create_task(OpenTelemetryGauges().keep(ledger, inbox))
    """

    def __init__(self, *, meter_provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter("paycools_async", __version__, meter_provider)
        self._rows = meter.create_gauge("paycools.ledger.rows", "{payout}", "Payouts in each state.")
        self._backlog = meter.create_gauge("paycools.ledger.backlog", "{payout}", "Released, and not at their end.")
        self._age = meter.create_gauge("paycools.ledger.oldest_age", "s", "Since the oldest of these was entered.")
        self._callbacks = meter.create_gauge("paycools.inbox.rows", "{callback}", "Callbacks in each state.")
        self._waiting = meter.create_gauge("paycools.inbox.backlog", "{callback}", "Not applied yet.")
        self._waits = meter.create_gauge("paycools.inbox.oldest_age", "s", "Since the oldest of these came in.")

    async def record(self, *sources: Ledger | CallbackInbox, name: str = "default") -> None:
        """Look once. An empty backlog is 0 seconds old. Raises LedgerError and InboxError."""
        of = {"paycools.name": name}
        for source in sources:
            if isinstance(source, CallbackInbox):
                inbox = await source.gauges()
                for word, callbacks in inbox.rows.items():
                    self._callbacks.set(callbacks, {**of, "paycools.state": word})
                self._waiting.set(inbox.backlog, of)
                self._waits.set(inbox.oldest_age or 0.0, of)
            else:
                ledger = await ledger_gauges(source)
                for state, payouts in ledger.rows.items():
                    self._rows.set(payouts, {**of, "paycools.state": state.value})
                self._backlog.set(ledger.backlog, of)
                self._age.set(ledger.oldest_age or 0.0, of)

    async def keep(self, *sources: Ledger | CallbackInbox, name: str = "default", every: float = 15.0) -> None:
        """Look every so many seconds until it is cancelled; what cannot be read is logged, and looked at again."""
        while True:
            try:
                await self.record(*sources, name=name)
            except PayCoolsError as error:
                log.warning("the gauges %s cannot be read for now: %s", name, type(error).__name__)
            await asyncio.sleep(every)
