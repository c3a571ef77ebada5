"""Calls as OpenTelemetry sees them: spans and metrics of the real SDK, collected in memory."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support.engine_stage import FOUND, ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, says

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH, PHCredentials
from paycools_async.errors import PayCoolsError
from paycools_async.otel import OpenTelemetry
from paycools_async.ph import QueryWebPayment

HIDDEN = ("sign", "09171234567", "Juan", "GCASH", "appId", "?")


class Seen:
    """What a collector would get."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])
        self.observer = OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def metric(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """The points of a metric, by their attributes."""
        data: Any = self._reader.get_metrics_data()
        found = [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return {tuple(sorted(point.attributes.items())): point for metric in found for point in metric.data.data_points}


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_the_attempt_is_a_client_span_under_the_span_of_the_call(key_pem: str, seen: Seen) -> None:
    async def pay() -> None:
        async with Stage(key_pem, SUCCESS, observers=[seen.observer]) as stage:
            with seen.tracers.get_tracer("shop").start_as_current_span("order 7"):
                await stage.client.send(ORDER)

    asyncio.run(pay())
    attempt, call, outside = seen.spans
    assert attempt.parent is not None
    assert call.parent is not None
    assert attempt.parent.span_id == call.context.span_id
    assert call.parent.span_id == outside.context.span_id
    assert (attempt.name, attempt.kind) == ("POST /api/v1/payout", SpanKind.CLIENT)
    assert dict(attempt.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "paycools.operation": "ph.payout.create",
        "paycools.outcome": "accepted",
        "server.address": "api-uat.paycools.com",
        "server.port": 443,
        "url.full": "https://api-uat.paycools.com/api/v1/payout",
        "url.template": "/api/v1/payout",
    }
    assert (call.name, call.kind) == ("ph.payout.create", SpanKind.INTERNAL)
    assert dict(call.attributes or {}) == {
        "paycools.attempts": 1,
        "paycools.operation": "ph.payout.create",
        "paycools.order_id": "ORDER0000001",
        "paycools.outcome": "accepted",
    }
    assert {span.status.status_code for span in seen.spans} == {StatusCode.UNSET}


async def test_a_refusal_is_an_error_though_it_came_with_http_200(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, says(1006), observers=[seen.observer]) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
    for span in seen.spans:
        attributes = span.attributes or {}
        assert span.status.status_code is StatusCode.ERROR
        assert attributes["error.type"] == "InsufficientBalance"
        assert (attributes["paycools.outcome"], attributes["paycools.code"]) == ("rejected", 1006)
    assert (seen.spans[0].attributes or {})["http.response.status_code"] == 200


async def test_every_attempt_has_a_span_with_the_number_of_the_resend(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, REFUSED, REFUSED, SUCCESS, observers=[seen.observer]) as stage:
        await stage.client.send(ORDER)
    *attempts, call = seen.spans
    assert [(each.attributes or {}).get("http.request.resend_count") for each in attempts] == [None, 1, 2]
    assert [each.status.status_code for each in attempts] == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    assert (call.attributes or {})["paycools.attempts"] == 3


async def test_no_query_and_nothing_of_a_person_is_in_any_attribute(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, FOUND, RESET, says(1009, "accountNo:09171234567"), observers=[seen.observer]) as stage:
        sent = (stage.client.send(QUERY), stage.client.send(ORDER), stage.client.send(ORDER))
        for each in sent:
            with contextlib.suppress(PayCoolsError):
                await each
        with contextlib.suppress(PayCoolsError):
            await stage.client.send(QueryWebPayment(transaction_id="D1"))
        assert "sign=" in stage.sent[0].url
    assert len(seen.spans) >= 8
    for span in seen.spans:
        for hidden in HIDDEN:
            assert hidden not in span.to_json().replace("telemetry.sdk", ""), (hidden, span.to_json())


async def test_metrics_count_calls_durations_and_what_is_in_flight(key_pem: str, seen: Seen) -> None:
    flying: list[Any] = []

    def answer(request: HttpRequest) -> HttpResponse:
        flying.append({key: point.value for key, point in seen.metric("paycools.calls.in_flight").items()})
        return SUCCESS

    operation = ("paycools.operation", "ph.payout.create")
    async with Stage(key_pem, answer, says(1006), observers=[seen.observer]) as stage:
        await stage.client.send(ORDER)
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
    assert flying == [{(operation,): 1}]
    assert {key: point.value for key, point in seen.metric("paycools.calls.in_flight").items()} == {(operation,): 0}
    accepted = (operation, ("paycools.outcome", "accepted"))
    refused = (("error.type", "InsufficientBalance"), operation, ("paycools.outcome", "rejected"))
    for name, value in (("paycools.calls", "value"), ("paycools.call.duration", "count")):
        points = seen.metric(name)
        assert {key: getattr(point, value) for key, point in points.items()} == {accepted: 1, refused: 1}
    (first, second) = seen.metric("http.client.request.duration")
    assert dict(first) | dict(second) == {
        "error.type": "InsufficientBalance",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "api-uat.paycools.com",
        "server.port": 443,
        "url.template": "/api/v1/payout",
    }


async def test_metrics_count_pauses_and_their_seconds(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, says(1013), says(1013, Retry_After="7"), FOUND, observers=[seen.observer]) as stage:
        await stage.client.send(QUERY)
    key = (("error.type", "RateLimited"),)
    assert seen.metric("paycools.pauses")[key].value == 2
    assert seen.metric("paycools.paused")[key].value == 7.25


async def test_calls_without_a_class_are_one_operation_to_the_metrics(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, SUCCESS, observers=[seen.observer]) as stage:
        for number in range(3):
            await stage.client.call("POST", f"/api/v1/new/{number}")
    assert [dict(key)["paycools.operation"] for key in seen.metric("paycools.calls")] == ["call"]
    assert all("url.template" not in dict(key) for key in seen.metric("http.client.request.duration"))
    assert seen.spans[0].name == "POST"


async def test_a_cancelled_call_ends_its_spans_and_is_not_in_flight(key_pem: str, seen: Seen) -> None:
    came = asyncio.Event()

    async def held(request: HttpRequest) -> HttpResponse:
        came.set()
        await asyncio.Event().wait()
        return SUCCESS

    merchant = PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    async with PayCoolsPH(merchant, transport=MemoryTransport(held), observers=[seen.observer]) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await came.wait()
        sending.cancel()
        await asyncio.wait([sending])
    assert [((span.attributes or {})["error.type"], span.status.status_code) for span in seen.spans] == [
        ("CancelledError", StatusCode.ERROR),
        ("CancelledError", StatusCode.ERROR),
    ]
    assert [point.value for point in seen.metric("paycools.calls.in_flight").values()] == [0]
    assert seen.observer._open == {}


async def test_many_calls_at_once_keep_their_spans_apart(key_pem: str, seen: Seen) -> None:
    async with Stage(key_pem, SUCCESS, observers=[seen.observer]) as stage:
        await asyncio.gather(*(stage.client.send(ORDER) for _ in range(20)))
    calls = [span for span in seen.spans if span.kind is SpanKind.INTERNAL]
    parents = [span.parent.span_id for span in seen.spans if span.parent is not None]
    assert len(calls) == 20
    assert sorted(parents) == sorted(call.context.span_id for call in calls)
