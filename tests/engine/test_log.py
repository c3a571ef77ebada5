"""The log of the calls: one record for each, with what is known as attributes, and no cost where nobody reads it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, says

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH, PHCredentials
from paycools_async.errors import PayCoolsError, UnverifiedEndpointWarning
from paycools_async.ph import QueryCheckout

KEYS = ("event", "operation", "order_id", "outcome", "code", "http_status", "attempts", "error")


class Collected(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    logger, handler = logging.getLogger("paycools_async"), Collected()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.records
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


def facts(record: logging.LogRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, key, "absent") for key in KEYS)


async def send(key_pem: str, *steps: Any, request: Any = ORDER) -> None:
    async with Stage(key_pem, *steps) as stage:
        with contextlib.suppress(PayCoolsError):
            await stage.client.send(request)


async def test_one_record_says_what_came_of_a_call(key_pem: str, records: list[logging.LogRecord]) -> None:
    await send(key_pem, SUCCESS)
    (record,) = records
    assert (record.name, record.levelno) == ("paycools_async", logging.INFO)
    assert facts(record) == ("call", "ph.payout.create", "ORDER0000001", "accepted", None, 200, 1, None)
    assert vars(record)["duration"] == 0.0
    assert record.getMessage() == "ph.payout.create ORDER0000001: accepted in 0.000 s, HTTP 200, attempts 1"


@pytest.mark.parametrize(
    ("step", "outcome", "code", "status", "error"),
    [
        (says(1006), "rejected", 1006, 200, "InsufficientBalance"),
        (says(1012), "duplicate", 1012, 200, "DuplicateOrder"),
        (says(1018), "unknown", 1018, 200, "OutcomeUnknown"),
        (RESET, "unknown", None, None, "OutcomeUnknown"),
        (HttpResponse(502, {}, b"<html>"), "unknown", None, 502, "OutcomeUnknown"),
    ],
    ids=str,
)
async def test_an_error_says_its_class_code_and_status(
    key_pem: str, records: list[logging.LogRecord], step: Any, outcome: str, code: int, status: int, error: str
) -> None:
    await send(key_pem, step)
    record = records[-1]
    assert facts(record) == ("call", "ph.payout.create", "ORDER0000001", outcome, code, status, 1, error)
    assert record.getMessage() == (
        f"ph.payout.create ORDER0000001: {outcome} in 0.000 s, HTTP {status or '-'}, attempts 1, {error}, "
        f"code {code or '-'}"
    )


async def test_reads_are_told_at_debug(key_pem: str, records: list[logging.LogRecord]) -> None:
    await send(key_pem, says(1008), request=QUERY)
    assert records == []
    logging.getLogger("paycools_async").setLevel(logging.DEBUG)
    await send(key_pem, says(1008), request=QUERY)
    (record,) = records
    assert record.levelno == logging.DEBUG
    assert facts(record)[1:4] == ("ph.payout.query", "ORDER0000001", "rejected")


async def test_a_retry_has_a_record_of_its_own(key_pem: str, records: list[logging.LogRecord]) -> None:
    await send(key_pem, REFUSED, SUCCESS)
    retry, end = records
    assert facts(retry) == ("retry", "ph.payout.create", "ORDER0000001", "not_sent", None, None, 1, "TransportError")
    pause: float = vars(retry)["pause"]
    assert retry.getMessage() == (
        f"ph.payout.create ORDER0000001: attempt 1 ended with TransportError, again in {pause:.3f} s"
    )
    assert (vars(end)["attempts"], vars(end)["duration"]) == (2, pause)


async def test_a_pause_of_the_client_has_a_record(key_pem: str, records: list[logging.LogRecord]) -> None:
    await send(key_pem, says(1013, Retry_After="7"))
    (pause,) = [record for record in records if vars(record)["event"] == "pause"]
    assert (vars(pause)["pause"], vars(pause)["operation"], vars(pause)["error"]) == (
        7.0,
        "ph.payout.create",
        "RateLimited",
    )
    assert pause.getMessage() == (
        "ph.payout.create: PayCools is busy (RateLimited), no call of this client is sent for 7.000 s"
    )


async def test_a_cancelled_call_is_told_too(key_pem: str, records: list[logging.LogRecord]) -> None:
    came = asyncio.Event()

    async def held(request: HttpRequest) -> HttpResponse:
        came.set()
        await asyncio.Event().wait()
        return SUCCESS

    merchant = PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    async with PayCoolsPH(merchant, transport=MemoryTransport(held)) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await came.wait()
        sending.cancel()
        await asyncio.wait([sending])
    (record,) = records
    assert facts(record)[2:] == ("ORDER0000001", "unknown", None, None, 1, "CancelledError")


async def test_an_order_id_that_no_rule_has_checked_stays_on_one_line(
    key_pem: str, records: list[logging.LogRecord]
) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        await stage.client.call("POST", "/api/v1/new", {"mchOrderId": "A1\nroot: all is well" + 99 * "x"})
    (record,) = records
    assert "\n" not in record.getMessage()
    assert len(vars(record)["order_id"]) == 64
    assert vars(record)["operation"] == "POST /api/v1/new"


async def test_a_logger_that_is_off_is_asked_and_nothing_is_made(key_pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_record(*args: Any, **more: Any) -> Any:
        raise AssertionError("a record was made")

    monkeypatch.setattr(logging.Logger, "makeRecord", no_record)
    logging.getLogger("paycools_async").setLevel(logging.WARNING)
    try:
        await send(key_pem, REFUSED, says(1018))
        await send(key_pem, says(1013, Retry_After="7"), request=QUERY)
    finally:
        logging.getLogger("paycools_async").setLevel(logging.NOTSET)


async def test_an_inferred_path_is_told_once_a_client(key_pem: str, records: list[logging.LogRecord]) -> None:
    async with Stage(key_pem, says(1008)) as stage:
        for _ in range(2):
            warned = contextlib.nullcontext() if records else pytest.warns(UnverifiedEndpointWarning)
            with warned, pytest.raises(PayCoolsError):
                await stage.client.send(QueryCheckout(mch_order_id="A1", checkout_id="C1"))
    (told,) = records
    assert (vars(told)["event"], vars(told)["operation"]) == ("inferred_path", "ph.checkout.query")
    assert told.getMessage().startswith("ph.checkout.query: the path /api/")
