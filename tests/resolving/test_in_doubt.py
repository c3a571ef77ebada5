"""What may have got through is named, kept and settled; nothing but a PayCoolsError leaves a call."""

from __future__ import annotations

import asyncio
import contextlib
import http
import types
from collections.abc import Callable
from typing import Any

import pytest
from support.engine_stage import FOUND, ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, loaded, says
from support.fault_server import Connection, FaultServer
from support.waiting import time_out_after

from paycools_async import (
    AiohttpTransport,
    CreatePayout,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
    Retry,
    errors,
)
from paycools_async.errors import DeadlineExceeded, PayCoolsError, TransportError
from paycools_async.ph.bills import BatchCreateStaticVA, BillsChannel
from paycools_async.testing import ManualClock

CREATE = "ph.payout.create"


def client_of(key_pem: str, transport: Any, **options: Any) -> PayCoolsPH:
    key, signer = loaded(key_pem)
    credentials = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    options.setdefault("signer", signer)
    return PayCoolsPH(credentials, transport=transport, **options)


class Never:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.came.set()
        await asyncio.Event().wait()
        raise AssertionError


def entries(client: PayCoolsPH) -> list[tuple[str, str | None]]:
    return [(record.operation, record.order_id) for record in client.in_doubt]


# --- cancelled ---


async def test_a_payout_cancelled_in_flight_is_in_doubt_and_the_exception_says_so(key_pem: str) -> None:
    never = Never()
    async with client_of(key_pem, MemoryTransport(never.handle)) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await never.came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await sending
        (note,) = caught.value.__notes__
        assert note.startswith("ph.payout.create ORDER0000001 was cancelled and may have got through: ")
        (record,) = client.in_doubt
        assert (record.request, record.operation, record.order_id) == (ORDER, CREATE, "ORDER0000001")
        assert record.since.utcoffset() is not None
        assert "09171234567" not in repr(client.in_doubt)


async def test_a_time_out_of_ones_own_leaves_the_payout_in_doubt(key_pem: str) -> None:
    never = Never()
    async with client_of(key_pem, MemoryTransport(never.handle)) as client:
        with pytest.raises(TimeoutError):
            async with time_out_after(never.came):
                await client.send(ORDER)
        assert entries(client) == [(CREATE, "ORDER0000001")]


async def test_a_read_that_is_cancelled_is_no_doubt(key_pem: str) -> None:
    never = Never()
    async with client_of(key_pem, MemoryTransport(never.handle)) as client:
        with pytest.raises(TimeoutError):
            async with time_out_after(never.came):
                await client.send(QUERY)
        assert client.in_doubt == ()


async def test_what_was_cancelled_before_its_first_byte_is_no_doubt(key_pem: str) -> None:
    """While it waits for its turn, for its signature, or for a connection that the transport knows it has not got."""

    class Stuck:
        async def sign(self, text: bytes) -> bytes:
            await asyncio.Event().wait()
            return b""

    class Waiting:
        async def send(self, request: HttpRequest, /) -> HttpResponse:
            request.departure.may_have_left = False
            await asyncio.Event().wait()
            raise AssertionError

        async def aclose(self) -> None: ...

    for options in ({"signer": Stuck()}, {"transport": Waiting()}):
        async with client_of(key_pem, **{"transport": MemoryTransport(Never().handle), **options}) as client:
            with pytest.raises(TimeoutError) as caught:
                async with asyncio.timeout(0.05):
                    await client.send(ORDER)
            assert client.in_doubt == ()
            assert not getattr(caught.value.__cause__, "__notes__", None)


async def test_of_a_transport_that_does_not_say_it_is_assumed_to_have_left(key_pem: str) -> None:
    came = asyncio.Event()

    class Silent:
        async def send(self, request: HttpRequest, /) -> HttpResponse:
            came.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def aclose(self) -> None: ...

    async with client_of(key_pem, Silent()) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert entries(client) == [(CREATE, "ORDER0000001")]


async def test_between_attempts_that_were_never_sent_nothing_is_in_doubt(key_pem: str) -> None:
    """The pause before the next attempt: the last one is proven not to have left."""

    refused = asyncio.Event()

    class Refusing:
        async def send(self, request: HttpRequest, /) -> HttpResponse:
            asyncio.get_running_loop().call_later(0.02, refused.set)
            raise REFUSED

        async def aclose(self) -> None: ...

    async with client_of(key_pem, Refusing(), retry=Retry(first_pause=20, longest_pause=20)) as client:
        with pytest.raises(TimeoutError):
            async with time_out_after(refused):
                await client.send(ORDER)
        assert client.in_doubt == ()


@pytest.mark.parametrize("in_flight", [True, False], ids=["in flight", "while it waits for a connection"])
async def test_over_a_network_the_first_byte_decides(key_pem: str, in_flight: bool) -> None:
    came = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        came.set()
        await connection.until_client_leaves()

    transport = AiohttpTransport(max_connections=1)
    async with FaultServer(script) as server, client_of(key_pem, transport, base_url=server.url) as client:
        first = asyncio.create_task(client.send(ORDER if in_flight else QUERY))
        await came.wait()
        cancelled = first if in_flight else asyncio.create_task(client.send(ORDER))
        await asyncio.sleep(0.02)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await cancelled
        assert entries(client) == ([(CREATE, "ORDER0000001")] if in_flight else [])
        assert hasattr(caught.value, "__notes__") is in_flight
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


# --- kept until there is an answer ---


async def test_an_unclear_payout_stays_in_doubt_until_it_is_found(key_pem: str) -> None:
    async with Stage(key_pem, RESET, says(1008), FOUND) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.send(ORDER)
        (record,) = stage.client.in_doubt
        assert (record.sent_at, record.request) == (caught.value.sent_at, ORDER)
        assert await stage.client.payouts.find("ORDER0000001") is None
        assert stage.client.in_doubt == (record,)
        assert await stage.client.payouts.find("ORDER0000001") is not None
        assert entries(stage.client) == []


async def test_each_operation_and_order_has_its_own_entry(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        other = CreatePayout(
            mch_order_id="ORDER0000002",
            amount=1000,
            pay_method_code="EWALLET",
            ewallet_code="GCASH",
            account_no="09171234567",
            account_name="Juan Dela Cruz",
        )
        for request in (ORDER, other, ORDER):
            with pytest.raises(OutcomeUnknown):
                await stage.client.send(request)
        for fields in ({"mchOrderId": "ORDER0000001"}, {}, {}):
            with pytest.raises(OutcomeUnknown):
                await stage.client.call("POST", "/api/v1/x", fields)
        assert entries(stage.client) == [
            (CREATE, "ORDER0000001"),
            (CREATE, "ORDER0000002"),
            ("POST /api/v1/x", "ORDER0000001"),
            ("POST /api/v1/x", None),
            ("POST /api/v1/x", None),
        ]
        for record in stage.client.in_doubt:
            stage.client.dismiss(record)
        assert stage.client.in_doubt == ()


async def test_what_is_found_with_another_amount_stays_in_doubt(key_pem: str) -> None:
    other = {"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "PENDING", "amount": 50011}
    async with Stage(key_pem, RESET, says(1000, data=other)) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        for asking in (
            stage.client.payouts.find("ORDER0000001"),
            stage.client.payouts.wait_until_final("ORDER0000001"),
        ):
            with pytest.raises(OrderConflict, match="with amount 50011, ours is 50010"):
                await asking
        assert entries(stage.client) == [(CREATE, "ORDER0000001")]


@pytest.mark.parametrize("answer", [says(1000, data={"paymentVaList": []}), says(1017)])
async def test_an_account_is_in_doubt_until_the_same_call_has_made_it(key_pem: str, answer: HttpResponse) -> None:
    request = BatchCreateStaticVA(
        mch_order_id="JUAN0001", channel_code=[BillsChannel.GCASH], customer_name="Juan", email="juan@shop.example"
    )
    async with Stage(key_pem, RESET, answer) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(request)
        assert entries(stage.client) == [("ph.bills.batch_create", "JUAN0001")]
        with contextlib.suppress(errors.AlreadyExists):
            await stage.client.send(request)
        assert entries(stage.client) == []


async def test_dismissing_an_old_entry_leaves_a_newer_doubt(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await stage.client.send(ORDER)
            stage.clock.advance(1)
            record = stage.client.in_doubt[0]
            if stage.clock.monotonic() == 1:
                old = record
        stage.client.dismiss(old)
        assert stage.client.in_doubt == (record,)
        stage.client.dismiss(record)
        assert entries(stage.client) == []


async def test_what_was_not_sent_or_was_refused_is_not_in_doubt(key_pem: str) -> None:
    for step in (REFUSED, says(1006), says(1012), SUCCESS):
        async with Stage(key_pem, step) as stage:
            with contextlib.suppress(PayCoolsError):
                await stage.client.send(ORDER)
            assert stage.client.in_doubt == ()


async def test_a_refusal_of_an_order_in_doubt_is_unknown(key_pem: str) -> None:
    """The balance may be gone because the first one took it; and no refusal speaks of the first one."""
    async with Stage(key_pem, RESET, says(1006), says(1001), says(1012)) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        for refusal in (errors.InsufficientBalance, errors.AuthenticationError):
            with pytest.raises(OutcomeUnknown) as caught:
                await stage.client.send(ORDER)
            assert isinstance(caught.value.__cause__, refusal)
        with pytest.raises(errors.DuplicateOrder):
            await stage.client.send(ORDER)
        assert entries(stage.client) == [(CREATE, "ORDER0000001")]


# --- nothing but a PayCoolsError ---


class Failing:
    """A signer that fails as key services do."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def sign(self, text: bytes) -> bytes:
        raise self._error


class FailingAtOnce(Failing):
    def sign(self, text: bytes) -> bytes:  # type: ignore[override]
        raise self._error


@pytest.mark.parametrize("kind", [Failing, FailingAtOnce])
@pytest.mark.parametrize("error", [RuntimeError("503"), KeyError("kid"), OutcomeUnknown("of another system")])
async def test_a_signers_error_is_a_signing_error_and_nothing_was_sent(
    key_pem: str, kind: Callable[[BaseException], Any], error: Exception
) -> None:
    async with Stage(key_pem, SUCCESS, signer=kind(error)) as stage:
        with pytest.raises(errors.SigningError, match="nothing was sent: the signer failed") as caught:
            await stage.client.send(ORDER)
    assert (caught.value.outcome, caught.value.__cause__) == (Outcome.NOT_SENT, error)
    assert str(caught.value).startswith("ph.payout.create ORDER0000001: ")
    assert stage.sent == []


async def test_a_signature_that_is_no_bytes_is_a_signing_error(key_pem: str) -> None:
    class Texts:
        async def sign(self, text: bytes) -> Any:
            return "signature"

    async with Stage(key_pem, SUCCESS, signer=Texts()) as stage:
        with pytest.raises(errors.SigningError, match="the signer returned str, not bytes"):
            await stage.client.send(ORDER)


class Odd:
    """A transport of somebody's own, with the contract's rules forgotten."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def send(self, request: HttpRequest, /) -> Any:
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    async def aclose(self) -> None: ...


class Broken(dict[str, str]):
    """Headers that cannot be read."""

    def items(self) -> Any:
        raise AttributeError("closed")


@pytest.mark.parametrize(
    "answer",
    [
        OSError("broken pipe"),
        TimeoutError(),
        ZeroDivisionError(),
        errors.ConfigurationError("NOT_SENT, it says"),
        None,
        b"{}",
        object(),
        HttpResponse(200, {}, "{}"),  # type: ignore[arg-type]
        HttpResponse(200, {}, None),  # type: ignore[arg-type]
        HttpResponse(200, None, b"{}"),  # type: ignore[arg-type]
        HttpResponse(200, [("Retry-After", "1")], b"{}"),  # type: ignore[arg-type]
        HttpResponse(429, {b"Retry-After": "1"}, b"{}"),  # type: ignore[dict-item]
        HttpResponse(429, {"Retry-After": 1}, b"{}"),  # type: ignore[dict-item]
        HttpResponse(429, {"Retry-After": None}, b"{}"),  # type: ignore[dict-item]
        HttpResponse(429, Broken({"Retry-After": "1"}), b"{}"),
        HttpResponse("200", {}, SUCCESS.body),  # type: ignore[arg-type]
        HttpResponse(None, {}, SUCCESS.body),  # type: ignore[arg-type]
        HttpResponse(200.0, {}, SUCCESS.body),  # type: ignore[arg-type]
        HttpResponse(True, {}, SUCCESS.body),
    ],
    ids=lambda answer: type(answer).__name__,
)
async def test_what_a_transport_raises_or_returns_against_the_contract_is_unknown(key_pem: str, answer: Any) -> None:
    async with client_of(key_pem, Odd(answer), retry=Retry(attempts=1)) as client:
        with pytest.raises(OutcomeUnknown) as money:
            await client.send(ORDER)
        assert type(money.value.__cause__) is TransportError
        assert entries(client) == [(CREATE, "ORDER0000001")]
        with pytest.raises(TransportError) as read:
            await client.send(QUERY)
        assert read.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("left", "outcome", "told"),
    [(True, Outcome.UNKNOWN, "the request may have been sent"), (False, Outcome.NOT_SENT, "nothing was sent")],
)
async def test_the_error_of_a_transport_says_what_that_knows_of_the_request(
    key_pem: str, left: bool, outcome: Outcome, told: str
) -> None:
    class Breaks(Odd):
        async def send(self, request: HttpRequest, /) -> Any:
            request.departure.may_have_left = left
            raise OSError

    async with client_of(key_pem, Breaks(None), retry=Retry(attempts=1)) as client:
        with pytest.raises(TransportError) as caught:
            await client.send(QUERY)
    assert str(caught.value) == f"ph.payout.query ORDER0000001: OSError from the transport; {told}"
    assert caught.value.outcome is outcome


async def test_what_fits_the_contract_passes_whatever_kind_it_is(key_pem: str) -> None:
    headers = types.MappingProxyType({"Retry-After": "1"})
    answer = HttpResponse(http.HTTPStatus.OK, headers, SUCCESS.body)
    async with client_of(key_pem, Odd(answer)) as client:
        assert (await client.send(ORDER)).transaction_id == "C1"


async def test_a_surprise_of_the_converters_is_an_answer_that_cannot_be_trusted(
    key_pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprised(*_: Any) -> Any:
        raise ArithmeticError("of all things")

    monkeypatch.setattr("paycools_async.converters.structure", surprised)
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown, match="of all things"):
            await stage.client.send(ORDER)


async def test_a_request_that_cannot_be_written_is_an_invalid_request(key_pem: str) -> None:
    loop: list[Any] = []
    loop.append(loop)
    async with Stage(key_pem, SUCCESS) as stage:
        for fields in ({"x": loop}, {"x": {1: object()}}, {"x": float("nan")}):
            with pytest.raises(errors.InvalidRequest) as caught:
                await stage.client.call("POST", "/api/v1/x", fields)
            assert caught.value.outcome is Outcome.NOT_SENT
    assert stage.sent == []


# --- an answer about something else ---


@pytest.mark.parametrize("data", [{"transactionId": "C1", "mchOrderId": "ORDER0000009"}])
async def test_a_receipt_of_another_order_is_unknown(key_pem: str, data: dict[str, Any]) -> None:
    async with Stage(key_pem, says(1000, data=data)) as stage:
        with pytest.raises(OutcomeUnknown, match="about order id ORDER0000009, ours is ORDER0000001"):
            await stage.client.send(ORDER)
        assert entries(stage.client) == [(CREATE, "ORDER0000001")]


async def test_a_status_of_another_order_never_passes(key_pem: str) -> None:
    other = says(
        1000, data={"mchOrderId": "ORDER0000009", "transactionId": "D9", "transactionStatus": "COMPLETE", "amount": 1}
    )
    async with Stage(key_pem, RESET, other) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        payouts = stage.client.payouts
        for asking in (
            payouts.query(mch_order_id="ORDER0000001"),
            payouts.find("ORDER0000001"),
            payouts.wait_until_final("ORDER0000001"),
            payouts.resolve(ORDER),
        ):
            with pytest.raises(OrderConflict, match="ORDER0000009") as caught:
                await asking
            assert caught.value.outcome is Outcome.UNKNOWN
        assert entries(stage.client) == [(CREATE, "ORDER0000001")]


# --- the last moment, and a connection of one's own ---


async def deliver(stage: Stage, **options: Any) -> Any:
    engine = stage.client._engine
    return await engine.send(engine.prepare.request(ORDER), **options)


async def test_after_the_last_moment_nothing_is_sent(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        stage.clock.advance(10)
        with pytest.raises(DeadlineExceeded, match="the moment after which it must not be sent has passed") as caught:
            await deliver(stage, not_after=9.0)
        assert (caught.value.outcome, stage.sent) == (Outcome.NOT_SENT, [])
        assert (await deliver(stage, not_after=11.0)).result.transaction_id == "C1"


async def test_neither_a_retry_nor_a_turn_comes_after_the_last_moment(key_pem: str) -> None:
    retry = Retry(attempts=9, first_pause=2.0, longest_pause=2.0)
    async with Stage(key_pem, REFUSED, retry=retry) as stage:
        with pytest.raises(TransportError) as caught:
            await deliver(stage, not_after=3.0)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert all(at <= 3.0 for at in stage.at)
        stage.client._engine.attempts.pace.busy(stage.clock.monotonic(), 100.0)
        with pytest.raises(DeadlineExceeded):
            await deliver(stage, not_after=stage.clock.monotonic() + 3.0)


async def test_the_transport_is_asked_at_the_last_moment(key_pem: str) -> None:
    """The process was frozen after its turn had come."""
    clock = ManualClock()

    class Frozen(MemoryTransport):
        async def send(self, request: HttpRequest, /) -> HttpResponse:
            clock.advance(20)
            return await super().send(request)

    sent: list[HttpRequest] = []
    transport = Frozen(lambda request: sent.append(request) or SUCCESS)  # type: ignore[func-returns-value]
    async with client_of(key_pem, transport, clock=clock, retry=Retry(attempts=3)) as client:
        engine = client._engine
        with pytest.raises(DeadlineExceeded) as caught:
            await engine.send(engine.prepare.request(ORDER), not_after=clock.monotonic() + 10)
        assert (caught.value.outcome, sent) == (Outcome.NOT_SENT, [])


async def test_the_answer_may_come_after_the_last_moment(key_pem: str) -> None:
    clock: list[ManualClock] = []

    def slow(request: HttpRequest) -> HttpResponse:
        clock[0].advance(20)
        return SUCCESS

    async with Stage(key_pem, slow) as stage:
        clock.append(stage.clock)
        assert (await deliver(stage, not_after=5.0)).result.transaction_id == "C1"
        assert stage.sent[0].timeout == 30.0


async def test_a_fresh_connection_is_asked_for_at_every_attempt(key_pem: str) -> None:
    async with Stage(key_pem, REFUSED, SUCCESS) as stage:
        await deliver(stage, fresh=True)
        await deliver(stage)
        assert [request.fresh for request in stage.sent] == [True, True, False]


async def test_deliveries_of_those_who_keep_a_record_are_not_remembered(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        with pytest.raises(OutcomeUnknown):
            await deliver(stage)
        assert stage.client.in_doubt == ()
