"""Ledgers and inboxes as Prometheus' gauges."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from ..batch.gauges import PauseReason, ledger_gauges, pause_reason, shared_gauges
from ..batch.ledger.base import Ledger
from ..callbacks.inbox import CallbackInbox

__all__ = ["StoreGauges"]


class StoreGauges:
    """The gauges of any number of ledgers and inboxes; the label `name` tells them apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"paycools_{name}", text, ("name", *labels), registry=registry)

        self._up = gauge("store_up", "Whether the last look at the ledger or inbox succeeded.")
        self._payouts = gauge("payouts", "Payouts in each state.", "state")
        self._amount = gauge("payouts_amount", "What they are worth, in minor units of the ledger's currency.", "state")
        self._backlog = gauge("payouts_backlog", "Payouts that were released and are not at their end.")
        self._oldest = gauge("payouts_oldest_seconds", "Since the oldest of the backlog was entered; 0: none.")
        self._resent = gauge("payouts_resent", "Payouts that were sent again; a person has to look at them.")
        self._paused = gauge("paused_batches", "Batches of which nothing is sent, by the reason.", "reason")
        self._overdue = gauge(
            "payouts_overdue_seconds", "For which the longest due payout waits for a worker; 0: none."
        )
        self._leases = gauge("leases", "Payouts that workers hold.")
        self._lapsed = gauge("leases_lapsed", "Payouts whose worker has not renewed its lease in time.")
        self._workers = gauge("leasing_workers", "Workers that hold payouts.")
        self._callbacks = gauge("callbacks", "Callbacks in each state.", "state")
        self._inbox = gauge("callbacks_backlog", "Callbacks that are not applied yet.")
        self._received = gauge("callbacks_oldest_seconds", "Since the oldest of these came in; 0: none.")

    def unreachable(self, name: str) -> None:
        """It could not be read; the other gauges stand as they were."""
        self._up.labels(name).set(0)

    async def look(self, source: Ledger | CallbackInbox, name: str) -> None:
        """Read one of them. Raises LedgerError and InboxError."""
        if isinstance(source, CallbackInbox):
            await self._look_at_inbox(source, name)
        else:
            await self._look_at_ledger(source, name)
        self._up.labels(name).set(1)

    async def _look_at_inbox(self, inbox: CallbackInbox, name: str) -> None:
        found = await inbox.gauges()
        self._set_callbacks(name, found.rows, found.oldest_age)

    def _set_callbacks(self, name: str, rows: Mapping[str, int], oldest: float | None) -> None:
        for state in ("new", "applied", "superseded"):
            self._callbacks.labels(name, state).set(rows.get(state, 0))
        self._inbox.labels(name).set(rows.get("new", 0))
        self._received.labels(name).set(oldest or 0.0)

    async def _look_at_ledger(self, ledger: Ledger, name: str) -> None:
        counts = await ledger.counts()
        found = await ledger_gauges(ledger, counts)
        resent, shared = await ledger.resent(), await shared_gauges(ledger)
        reason = await ledger.paused() if shared is None else None
        for state, payouts in found.rows.items():
            self._payouts.labels(name, state.value).set(payouts)
            self._amount.labels(name, state.value).set(counts.get(state, (0, 0))[1])
        self._backlog.labels(name).set(found.backlog)
        self._oldest.labels(name).set(found.oldest_age or 0.0)
        self._resent.labels(name).set(resent)
        paused = {} if reason is None else {pause_reason(reason): 1}
        if shared is not None:
            paused = shared.paused
            self._overdue.labels(name).set(shared.overdue or 0.0)
            self._leases.labels(name).set(shared.leased)
            self._lapsed.labels(name).set(shared.lapsed)
            self._workers.labels(name).set(shared.workers)
            if shared.callbacks is not None:
                self._set_callbacks(name, shared.callbacks, shared.callbacks_oldest)
        for each in PauseReason:
            self._paused.labels(name, each.value).set(paused.get(each, 0))
