"""One call: what is tried again, what is raised, and that it can be cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.engine_stage import (
    FOUND,
    HTML,
    ORDER,
    QUERY,
    REFUSED,
    RESET,
    SUCCESS,
    TABLE,
    Row,
    Stage,
    Step,
    loaded,
    says,
)

from paycools_async import (
    CreatePayout,
    Effect,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
    Retry,
    errors,
)
from paycools_async.errors import ApiError, PayCoolsError, TransportError

# --- the table of outcomes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
async def test_attempts_and_error(key_pem: str, row: Row, effect: Effect) -> None:
    step, *expected = row
    attempts, error, outcome = expected[:3] if effect is Effect.READS else expected[3:]
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.call("POST", "/api/v1/x", {"a": 1}, effect=effect)
        assert type(caught.value) is error
        assert caught.value.outcome is outcome
        assert len(stage.sent) == attempts
        assert len({(request.url, request.body) for request in stage.sent}) == 1, "every attempt sends the same bytes"


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
async def test_a_typed_call_does_the_same(key_pem: str, row: Row) -> None:
    """OutcomeUnknown carries the request, to resolve it, and the cause."""
    step, *expected = row
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError) as read:
            await stage.client.send(QUERY)
        assert [len(stage.sent), type(read.value), read.value.outcome] == expected[:3]
        stage.sent.clear()
        with pytest.raises(PayCoolsError) as money:
            await stage.client.send(ORDER)
        assert [len(stage.sent), type(money.value), money.value.outcome] == expected[3:]
        if isinstance(money.value, OutcomeUnknown):
            assert money.value.request is ORDER
            assert isinstance(money.value.__cause__, PayCoolsError)
            assert money.value.__cause__.outcome is Outcome.UNKNOWN
            assert str(money.value).startswith(f"{money.value.__cause__}. It may have got through: ")
            assert str(money.value).startswith("ph.payout.create ORDER0000001: ")
            assert str(money.value).endswith("; .request holds what was sent")


@pytest.mark.parametrize("trouble", [RESET, says(1013), says(1018), HTML, HttpResponse(429, {}, b"")])
async def test_a_read_succeeds_after_trouble(key_pem: str, trouble: Step) -> None:
    async with Stage(key_pem, trouble, trouble, says("1000", data={"transactionStatus": "COMPLETE"})) as stage:
        assert await stage.client.call("GET", "/api/v1/x") == {"transactionStatus": "COMPLETE"}
        assert len(stage.sent) == 3


async def test_money_moves_after_attempts_that_were_never_sent(key_pem: str) -> None:
    async with Stage(key_pem, REFUSED, REFUSED, SUCCESS) as stage:
        exchange = await stage.client.exchange(ORDER)
        assert exchange.attempts == 3
        assert exchange.result.transaction_id == "C1"
        assert exchange.status == 200
        assert exchange.raw["code"] == 1000
        assert exchange.duration == pytest.approx(stage.at[-1])
        assert len({request.body for request in stage.sent}) == 1


async def test_not_sent_and_then_unclear_ends_at_once(key_pem: str) -> None:
    async with Stage(key_pem, REFUSED, RESET, SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        assert len(stage.sent) == 2


async def test_a_get_by_call_is_a_read_and_everything_else_moves_money(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        with pytest.raises(TransportError):
            await stage.client.call("GET", "/api/v1/x")
        assert len(stage.sent) == 3
        with pytest.raises(OutcomeUnknown):
            await stage.client.call("POST", "/api/v1/x")
        assert len(stage.sent) == 4


async def test_success_without_the_documented_fields_is_unknown_for_money(key_pem: str) -> None:
    """PayCools said yes; without the transaction id the answer is of no use, and must not pass for a failure."""
    async with Stage(key_pem, says(1000, data={"nothing": "known"})) as stage:
        with pytest.raises(OutcomeUnknown, match="required field 'transactionId' is missing"):
            await stage.client.send(ORDER)
        assert len(stage.sent) == 1


@pytest.mark.parametrize("code", [1000, "1000"])
async def test_the_success_code_is_a_number_or_its_text(key_pem: str, code: Any) -> None:
    async with Stage(key_pem, says(code, data={"transactionId": "C1"})) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"


async def test_one_is_success_where_an_endpoint_says_so_and_nowhere_else(key_pem: str) -> None:
    """Code 1 was seen on checkout alone; `call` knows no endpoint and takes both."""
    async with Stage(key_pem, says(1, data={"transactionId": "C1"})) as stage:
        assert await stage.client.call("POST", "/api/v2/checkout/generate") == {"transactionId": "C1"}
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.send(ORDER)
        assert isinstance(caught.value.__cause__, ApiError)
        assert caught.value.__cause__.code == 1


# --- cancellation -----------------------------------------------------------------------------------------------------


async def test_cancellation_passes_through_and_the_client_stays_usable(key_pem: str) -> None:
    gate = asyncio.Event()
    came = asyncio.Event()

    async def handler(request: HttpRequest) -> HttpResponse:
        came.set()
        await gate.wait()
        return SUCCESS

    credentials = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key_pem)
    async with PayCoolsPH(credentials, transport=MemoryTransport(handler)) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        gate.set()
        assert (await client.send(ORDER)).transaction_id == "C1"


async def test_a_closed_client_sends_nothing(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        await stage.client.send(ORDER)
    with pytest.raises(PayCoolsError, match="closed; nothing was sent") as caught:
        await stage.client.send(ORDER)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert len(stage.sent) == 1


# --- families and paths -----------------------------------------------------------------------------------------------


class OfNoFamily:
    """Something that is no request at all."""


@pytest.mark.parametrize("request_", [OfNoFamily(), "ph.payout.create", None, 5])
async def test_what_is_no_request_of_this_api_is_refused_with_nothing_sent(key_pem: str, request_: Any) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(errors.WrongFamilyError, match="no request of the ph API; nothing was sent") as caught:
            await stage.client.send(request_)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert isinstance(caught.value, TypeError)
        assert stage.sent == []


async def test_a_request_of_the_other_api_is_refused(key_pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import attrs

    theirs = attrs.evolve(CreatePayout.__endpoint__, family="global")
    monkeypatch.setattr(CreatePayout, "__endpoint__", theirs)
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(errors.WrongFamilyError, match="CreatePayout is no request of the ph API"):
            await stage.client.send(ORDER)
        assert stage.sent == []


async def test_a_path_given_by_the_caller_replaces_the_documented_one(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS, paths={"ph.payout.create": "/api/v9/pay"}) as stage:
        await stage.client.send(ORDER)
        assert stage.sent[0].url == "https://api-uat.paycools.com/api/v9/pay"


@pytest.mark.parametrize(
    ("paths", "message"),
    [({"ph.nothing": "/x"}, "there is no endpoint 'ph.nothing'"), ({"ph.payout.create": "x"}, "begins with a slash")],
)
def test_wrong_paths_are_refused(key_pem: str, paths: dict[str, str], message: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=message):
        Stage(key_pem, SUCCESS, paths=paths)


# --- at the edges ---


@pytest.mark.parametrize("status", [200, 429])
async def test_retry_after_counts_beside_a_busy_code(key_pem: str, status: int) -> None:
    async with Stage(key_pem, says(1013, status=status, Retry_After="7"), FOUND) as stage:
        await stage.client.send(QUERY)
        assert stage.at == [0.0, pytest.approx(7.0)]


@pytest.mark.parametrize("fields", [{"file": b"content"}, {"amount": 500.1}])
async def test_bytes_and_floats_cannot_travel_and_are_the_callers_error(key_pem: str, fields: dict[str, Any]) -> None:
    """And not the signer's, to whom such a text never comes."""
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(errors.InvalidRequest):
            await stage.client.call("POST", "/api/v1/x", fields)
        assert stage.sent == []


async def test_a_client_closed_before_its_first_request_opens_nothing(key_pem: str) -> None:
    class Awaited:
        async def sign(self, text: bytes) -> bytes:
            return b"x"

    key, _ = loaded(key_pem)
    credentials = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key)
    client = PayCoolsPH(credentials, signer=Awaited(), base_url="http://127.0.0.1:1", retry=Retry(attempts=1))
    await client.aclose()
    try:
        with pytest.raises(TransportError, match="closed; nothing was sent"):
            await client.send(ORDER)
    finally:
        await client.aclose()
