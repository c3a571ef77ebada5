"""A client's calls as Prometheus' counters and histograms."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ..hooks import AttemptEnded, CallEnded, CallStarted, ClientPaused, Observer

__all__ = ["CallMetrics"]

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; the last is the time that a call has by default."""


class CallMetrics(Observer):
    """Observes any number of clients. No label holds an order id, an account or a message."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ended = ("operation", "outcome", "error")
        self._calls = Counter("paycools_calls", "Calls that have ended.", ended, registry=registry)
        self._seconds = Histogram(
            "paycools_call_duration_seconds",
            "Whole calls, with waits and retries.",
            ("operation", "outcome"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._attempts = Counter(
            "paycools_attempts", "Requests that were handed to the network.", ended, registry=registry
        )
        self._in_flight = Gauge("paycools_calls_in_flight", "Calls under way.", registry=registry)
        self._pauses = Counter(
            "paycools_client_pauses",
            "Times that PayCools was busy, and the whole client waited.",
            ("error",),
            registry=registry,
        )
        self._paused = Counter(
            "paycools_client_paused_seconds", "Seconds of these pauses.", ("error",), registry=registry
        )

    def call_started(self, call: CallStarted) -> None:
        """One more is under way."""
        self._in_flight.inc()

    def call_ended(self, call: CallEnded) -> None:
        """Counts it, by its end."""
        self._in_flight.dec()
        operation, outcome = _kind(call.operation), call.outcome.value
        self._calls.labels(operation, outcome, call.error or "").inc()
        self._seconds.labels(operation, outcome).observe(call.seconds)

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        """Counts it, by its end."""
        self._attempts.labels(_kind(attempt.operation), attempt.outcome.value, attempt.error or "").inc()

    def paused(self, pause: ClientPaused) -> None:
        """Counts the pause."""
        self._pauses.labels(pause.error).inc()
        self._paused.labels(pause.error).inc(pause.seconds)


def _kind(operation: str) -> str:
    """Labels may not grow without bound: a call without a class may have any path."""
    return "call" if " " in operation else operation
