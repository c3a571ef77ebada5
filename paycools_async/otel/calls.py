"""A client's calls as spans and metrics.

A call is a span of its own; each attempt is a child by the conventions for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/). What PayCools says decides the status of both: a refusal
comes with HTTP 200. Nothing of a query string, a body or a message enters an attribute.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs
from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from ..hooks import AttemptEnded, AttemptStarted, CallEnded, CallStarted, ClientPaused, Observer
from ..version import __version__

__all__ = ["OpenTelemetry"]

NAME = "paycools_async"

_Attributes = dict[str, AttributeValue]
_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30]
"""Seconds: those of the conventions, and the time that a call has by default."""


@attrs.define(eq=False)
class _Call:
    span: Span
    attempt: Span | None = None
    sent: _Attributes = attrs.field(factory=dict)
    """What the attempt's metric says of its request."""


class OpenTelemetry(Observer):
    """Observes any number of clients: `PayCoolsPH.from_env(observers=[OpenTelemetry()])`.

    Spans and metrics go to these providers, else to the global ones.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._open: dict[int, _Call] = {}
        self._calls = meter.create_counter("paycools.calls", "{call}", "Calls that have ended.")
        self._in_flight = meter.create_up_down_counter("paycools.calls.in_flight", "{call}", "Calls under way.")
        self._duration = meter.create_histogram(
            "paycools.call.duration",
            "s",
            "Whole calls, with waits and retries.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._attempt = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._pauses = meter.create_counter("paycools.pauses", "{pause}", "Pauses of a whole client.")
        self._paused = meter.create_counter("paycools.paused", "s", "Seconds of these pauses.")

    def call_started(self, call: CallStarted) -> None:
        """Opens the call's span, under the one that is current where the call is made."""
        attributes: _Attributes = {"paycools.operation": call.operation}
        if call.order_id is not None:
            attributes["paycools.order_id"] = call.order_id
        self._open[call.call] = _Call(self._tracer.start_span(call.operation, attributes=attributes))
        self._in_flight.add(1, {"paycools.operation": _kind(call.operation)})

    def attempt_started(self, attempt: AttemptStarted) -> None:
        """Opens the attempt's span."""
        call = self._open.get(attempt.call)
        if call is None:
            return
        url = urlsplit(attempt.url)
        call.sent = {
            "http.request.method": attempt.method,
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }
        name = attempt.method
        if attempt.route is not None:
            call.sent["url.template"] = attempt.route
            name = f"{attempt.method} {attempt.route}"
        attributes: _Attributes = {**call.sent, "url.full": attempt.url, "paycools.operation": attempt.operation}
        if attempt.number > 1:
            attributes["http.request.resend_count"] = attempt.number - 1
        call.attempt = self._tracer.start_span(
            name, trace.set_span_in_context(call.span), SpanKind.CLIENT, attributes=attributes
        )

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        """Ends the attempt's span."""
        call = self._open.get(attempt.call)
        if call is None or call.attempt is None:
            return
        if attempt.status is not None:
            call.attempt.set_attribute("http.response.status_code", attempt.status)
            call.sent["http.response.status_code"] = attempt.status
        if attempt.error is not None:
            call.sent["error.type"] = attempt.error
        _finish(call.attempt, attempt)
        call.attempt = None
        self._attempt.record(attempt.seconds, call.sent)

    def call_ended(self, call: CallEnded) -> None:
        """Ends the call's span, and the attempt's where it was cancelled."""
        known = self._open.pop(call.call, None)
        operation = _kind(call.operation)
        if known is not None:
            if known.attempt is not None:
                _finish(known.attempt, call)
            known.span.set_attribute("paycools.attempts", call.attempts)
            _finish(known.span, call)
            self._in_flight.add(-1, {"paycools.operation": operation})
        attributes: _Attributes = {"paycools.operation": operation, "paycools.outcome": call.outcome.value}
        if call.error is not None:
            attributes["error.type"] = call.error
        self._calls.add(1, attributes)
        self._duration.record(call.seconds, attributes)

    def paused(self, pause: ClientPaused) -> None:
        """Counts the pause."""
        self._pauses.add(1, {"error.type": pause.error})
        self._paused.add(pause.seconds, {"error.type": pause.error})


def _kind(operation: str) -> str:
    """For metrics, whose attributes may not grow without bound: a call without a class may have any path."""
    return "call" if " " in operation else operation


def _finish(span: Span, ended: AttemptEnded | CallEnded) -> None:
    span.set_attribute("paycools.outcome", ended.outcome.value)
    if ended.code is not None:
        span.set_attribute("paycools.code", ended.code)
    if ended.error is not None:
        span.set_attribute("error.type", ended.error)
        span.set_status(Status(StatusCode.ERROR))
    span.end()
