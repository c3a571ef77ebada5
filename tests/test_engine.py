"""One call: what is tried again, what is raised, and that nothing secret is said. In memory, on a manual clock."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from paycools_async import (
    CreatePayout,
    Effect,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    Pace,
    PayCoolsPH,
    PHCredentials,
    QueryPayout,
    Retry,
    errors,
)
from paycools_async.errors import ApiError, DeadlineExceeded, PayCoolsError, TransportError, UnexpectedAnswer
from paycools_async.signing import PrivateKey, Signer, load_private_key, signer_for
from paycools_async.testing import ManualClock

ORDER = CreatePayout(
    mch_order_id="ORDER0000001",
    amount=50010,
    pay_method_code="EWALLET",
    ewallet_code="GCASH",
    account_no="09171234567",
    account_name="Juan Dela Cruz",
)
QUERY = QueryPayout(mch_order_id="ORDER0000001")

Step = HttpResponse | BaseException | Callable[[HttpRequest], HttpResponse]


def says(code: Any, message: str = "", *, status: int = 200, data: Any = None, **headers: str) -> HttpResponse:
    """PayCools' envelope."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, names, json.dumps({"code": code, "message": message, "data": data}).encode())


SUCCESS = says(1000, "success", data={"transactionId": "C1", "transactionStatus": "PENDING"})
FOUND = says(1000, data={"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "PENDING"})
REFUSED = TransportError("refused; nothing was sent", outcome=Outcome.NOT_SENT)
RESET = TransportError("reset; the request had been sent")
LATE = DeadlineExceeded("no answer in time; the request had been sent", outcome=Outcome.UNKNOWN)
HTML = HttpResponse(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>")


@functools.cache
def loaded(key_pem: str) -> tuple[PrivateKey, Signer]:
    """Key and signer, parsed once for all these tests."""
    key = load_private_key(key_pem)
    return key, signer_for(key)


class Stage:
    """A client whose network follows a script, step by step; the last step is repeated."""

    def __init__(self, key_pem: str, *steps: Step, **options: Any) -> None:
        self.clock = ManualClock()
        self.steps = list(steps)
        self.sent: list[HttpRequest] = []
        self.at: list[float] = []
        key, signer = loaded(key_pem)
        credentials = PHCredentials(
            app_id="APP1", app_name="Sari Sari", private_key=key, callback_secret="callback secret"
        )
        options.setdefault("signer", signer)
        options.setdefault("retry", Retry(attempts=3))
        options.setdefault("pace", Pace(first_pause=0.25, clock=self.clock))
        self.client = PayCoolsPH(credentials, transport=MemoryTransport(self.handle), clock=self.clock, **options)

    def handle(self, request: HttpRequest) -> HttpResponse:
        step = self.steps[min(len(self.sent), len(self.steps) - 1)]
        self.sent.append(request)
        self.at.append(self.clock.monotonic())
        if isinstance(step, BaseException):
            raise step
        return step(request) if callable(step) else step

    async def __aenter__(self) -> Stage:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()


# --- the table of outcomes --------------------------------------------------------------------------------------------

U, R, N, D = Outcome.UNKNOWN, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.DUPLICATE
Row = tuple[Step, int, type[PayCoolsError], Outcome, int, type[PayCoolsError], Outcome]
TABLE: dict[str, Row] = {
    # what happens, every time       a read: attempts, error, outcome          money or creation: the same
    "nothing was sent": (REFUSED, 3, TransportError, N, 3, TransportError, N),
    "reset": (RESET, 3, TransportError, U, 1, OutcomeUnknown, U),
    "late": (LATE, 3, DeadlineExceeded, U, 1, OutcomeUnknown, U),
    "busy 1013": (says(1013), 3, errors.RateLimited, R, 1, errors.RateLimited, R),
    "busy 1018": (says(1018), 3, errors.TransientError, R, 1, OutcomeUnknown, U),
    "system error 1503": (says(1503), 3, errors.TransientError, R, 1, OutcomeUnknown, U),
    "HTTP 429": (HttpResponse(429, {}, b"slow"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502": (HTML, 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502, success": (says(1000, status=502), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502, refusal": (says(1006, status=502), 1, errors.InsufficientBalance, R, 1, OutcomeUnknown, U),
    "HTTP 307": (HttpResponse(307, {"Location": "/"}, b""), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 404": (HttpResponse(404, {}, b"?"), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 204": (HttpResponse(204, {}, b""), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "cut-off JSON": (HttpResponse(200, {}, b'{"code":1000,"da'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "no JSON": (HttpResponse(200, {}, b"\xff"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "NaN in JSON": (HttpResponse(200, {}, b'{"code":1000,"data":NaN}'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "deep JSON": (HttpResponse(200, {}, b"[" * 100_000), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "empty": (HttpResponse(200, {}, b""), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "no code": (HttpResponse(200, {}, b'{"data":{}}'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code null": (says(None), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code true": (says(True), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code a word": (says("OK"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "a list": (HttpResponse(200, {}, b"[1000]"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "duplicate": (says(1012), 1, errors.DuplicateOrder, D, 1, errors.DuplicateOrder, D),
    "refusal": (says(1006), 1, errors.InsufficientBalance, R, 1, errors.InsufficientBalance, R),
    "unlisted code": (says(4711, "new"), 1, ApiError, R, 1, ApiError, R),
}


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
            assert str(money.value).startswith(f"CreatePayout: {money.value.__cause__}. It may have got through: ")


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


@pytest.mark.parametrize("code", [1000, "1000", " 1000 "])
async def test_the_success_code_is_a_number_or_its_text(key_pem: str, code: Any) -> None:
    async with Stage(key_pem, says(code, data={"transactionId": "C1"})) as stage:
        assert (await stage.client.send(ORDER)).transaction_id == "C1"


async def test_one_is_success_where_an_endpoint_says_so_and_nowhere_else(key_pem: str) -> None:
    """Code 1 was seen on checkout alone; `call` knows no endpoint and takes both."""
    async with Stage(key_pem, says(1, data={"transactionId": "C1"})) as stage:
        assert await stage.client.call("POST", "/api/v2/checkout/generate") == {"transactionId": "C1"}
        with pytest.raises(ApiError) as caught:
            await stage.client.send(ORDER)
        assert (caught.value.code, type(caught.value)) == (1, ApiError)


# --- codes ------------------------------------------------------------------------------------------------------------

CODES: dict[type[ApiError], list[int]] = {
    errors.AuthenticationError: [1001, 1003],
    errors.IpNotAllowedError: [1002],
    errors.MerchantUnavailable: [1004, 1005],
    errors.InsufficientBalance: [1006],
    errors.LimitExceeded: [1007],
    errors.NotFound: [1008, 1501],
    errors.InvalidParameter: [1009, 1010, 1015, 1016, 1020],
    errors.ChannelUnavailable: [1011],
    errors.DuplicateOrder: [1012, 1014, 1515],
    errors.RateLimited: [1013],
    errors.AlreadyExists: [1017, 1019],
    errors.TransientError: [1018, 1503],
    errors.RefundRefused: [1502, *range(1504, 1514), 1516],
    ApiError: [0, -1, 999, 1021, 1500, 1514, 1517, 10000, 21007],
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
async def test_each_code_has_its_class(key_pem: str, kind: type[ApiError], code: int) -> None:
    async with Stage(key_pem, says(str(code), "as received"), retry=Retry(attempts=1)) as stage:
        with pytest.raises(ApiError) as caught:
            await stage.client.send(QUERY)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.message) == (code, "as received")
    assert str(caught.value) == f"{code} as received ({kind.hint})"
    assert caught.value.outcome is (Outcome.DUPLICATE if kind is errors.DuplicateOrder else Outcome.REJECTED)


def test_the_table_of_codes_is_the_documented_one() -> None:
    """1001 to 1020 and 1501 to 1516; 1514 is in no copy of the documents."""
    from paycools_async.wire.codes import PH_CODES

    assert set(PH_CODES) == {*range(1001, 1021), *range(1501, 1517)} - {1514}


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        ("amount:must be greater than or equal to 100", "amount", "must be greater than or equal to 100"),
        ("mchOrderId : must match [a-z]:[0-9]", "mchOrderId", "must match [a-z]:[0-9]"),
        ("request params invalid", None, "request params invalid"),
        ("sorry, no: try again", None, "sorry, no: try again"),
        ("", None, "request params invalid"),
    ],
)
async def test_a_refused_parameter_is_named(key_pem: str, message: str, field: str | None, reason: str) -> None:
    async with Stage(key_pem, says(1009, message)) as stage:
        with pytest.raises(errors.InvalidParameter) as caught:
            await stage.client.send(ORDER)
    assert (caught.value.field, caught.value.reason) == (field, reason)


async def test_the_message_may_be_called_msg(key_pem: str) -> None:
    async with Stage(key_pem, HttpResponse(200, {}, b'{"code":1006,"msg":"no money"}')) as stage:
        with pytest.raises(errors.InsufficientBalance, match=r"^1006 no money "):
            await stage.client.send(ORDER)


async def test_a_message_is_fit_for_terminals_and_databases(key_pem: str) -> None:
    body = rb'{"code":1006,"message":"half \ud800, zero \u0000, whole \u00e9"}'
    async with Stage(key_pem, HttpResponse(200, {}, body)) as stage:
        with pytest.raises(errors.InsufficientBalance) as caught:
            await stage.client.send(ORDER)
    assert caught.value.message == "half ?, zero ?, whole é"
    assert str(caught.value).encode("utf-8")


# --- time -------------------------------------------------------------------------------------------------------------


async def test_one_deadline_covers_all_attempts_and_pauses(key_pem: str) -> None:
    clock: list[ManualClock] = []

    def slow(request: HttpRequest) -> HttpResponse:
        clock[0].advance(4.0)
        raise RESET

    async with Stage(key_pem, slow, timeout=10.0, retry=Retry(attempts=100)) as stage:
        clock.append(stage.clock)
        with pytest.raises(TransportError):
            await stage.client.send(QUERY)
        assert len(stage.sent) in (2, 3)
        timeouts = [request.timeout for request in stage.sent]
        assert timeouts == [pytest.approx(10.0 - at) for at in stage.at], "each attempt gets what is left"
        assert stage.at[-1] < 10.0


async def test_a_pause_that_would_outlast_the_deadline_is_not_begun(key_pem: str) -> None:
    retry = Retry(attempts=9, first_pause=20.0, longest_pause=20.0)
    async with Stage(key_pem, REFUSED, timeout=5.0, retry=retry) as stage:
        with pytest.raises(TransportError, match="refused"):
            await stage.client.send(ORDER)
        assert (len(stage.sent), stage.clock.monotonic()) == (1, 0.0)


async def test_a_signature_that_does_not_come_in_time_sends_nothing(key_pem: str) -> None:
    class Stuck:
        async def sign(self, text: bytes) -> bytes:
            await asyncio.Event().wait()
            return b""

    async with Stage(key_pem, SUCCESS, timeout=0.05, signer=Stuck()) as stage:
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await stage.client.send(ORDER)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert stage.sent == []


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_slows_the_whole_client(key_pem: str, status: int) -> None:
    busy = HttpResponse(status, {"retry-after": "7"}, b"busy")
    async with Stage(key_pem, busy, SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await asyncio.gather(stage.client.call("POST", "/api/v1/x"), stage.client.call("GET", "/api/v1/y"))
        assert stage.at == [0.0, 7.0, 7.0]


@pytest.mark.parametrize("code", [1000, 1006])
async def test_retry_after_counts_under_a_json_answer_too(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code, status=429, Retry_After="7"), SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 7.0]


@pytest.mark.parametrize("code", [1013, 1018])
async def test_a_busy_code_slows_the_whole_client(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code), SUCCESS) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 0.25]


async def test_a_rate_holds_for_all_calls_of_a_client(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        stage.client._engine.pace = Pace(10, clock=stage.clock)
        for _ in range(5):
            await stage.client.call("POST", "/api/v1/x")
        assert stage.at == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("value", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "999999999", ""])
async def test_a_retry_after_that_is_no_plain_number_is_ignored(key_pem: str, value: str) -> None:
    async with Stage(key_pem, HttpResponse(429, {"Retry-After": value}, b""), SUCCESS) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        await stage.client.call("POST", "/api/v1/x")
        assert stage.at == [0.0, 0.25]


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


# --- nothing secret is said -------------------------------------------------------------------------------------------

HIDDEN = ["09171234567", "Juan Dela Cruz", "callback secret", "BEGIN PRIVATE KEY", "MII"]


def leaks(text: str) -> list[str]:
    return [secret for secret in HIDDEN if secret in text]


def chain(error: BaseException) -> Iterable[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


async def test_personal_data_in_messages_of_paycools_is_masked(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:09171234567 of Juan Dela Cruz is not valid")) as stage:
        with pytest.raises(errors.InvalidParameter) as caught:
            await stage.client.send(ORDER)
    assert caught.value.message == "accountNo:*** of *** is not valid"
    assert str(caught.value) == "1009 accountNo:*** of *** is not valid (correct the field)"
    assert not leaks(repr(caught.value))


@pytest.mark.parametrize("step", [row[0] for row in TABLE.values()], ids=TABLE.keys())
async def test_errors_and_logs_hold_no_secret(key_pem: str, step: Step, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.send(ORDER)
    for error in chain(caught.value):
        assert not leaks(str(error) + repr(error) + "".join(traceback.format_exception(error)))
    assert not leaks(caplog.text)


async def test_nothing_shows_secrets_in_its_repr(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        exchange = await stage.client.exchange(ORDER)
        shown = [stage.client, stage.client.credentials, stage.client.credentials.private_key, ORDER, exchange]
        shown += [stage.sent[0], stage.client._engine.freeze(QUERY).method, OutcomeUnknown("x", request=ORDER)]
        for thing in shown:
            assert not leaks(repr(thing) + str(thing)), type(thing).__name__
        assert repr(stage.client) == "<PayCoolsPH UAT https://api-uat.paycools.com app_id='APP1'>"
        assert repr(stage.client.credentials) == "PHCredentials(app_id='APP1', app_name='Sari Sari')"
        assert "account_no='***', account_name='***'" in repr(ORDER)


async def test_a_call_writes_no_log_at_all(key_pem: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Stage(key_pem, SUCCESS) as stage:
        await stage.client.send(ORDER)
    assert [record for record in caplog.records if record.name.startswith("paycools_async")] == []


# --- at the edges ---


async def test_personal_data_in_the_reason_of_a_refused_parameter_is_masked(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:09171234567 is not valid")) as stage:
        with pytest.raises(errors.InvalidParameter) as caught:
            await stage.client.send(ORDER)
    assert caught.value.reason == "*** is not valid"


@pytest.mark.parametrize("status", [200, 429])
async def test_retry_after_counts_beside_a_busy_code(key_pem: str, status: int) -> None:
    async with Stage(key_pem, says(1013, status=status, Retry_After="7"), FOUND) as stage:
        await stage.client.send(QUERY)
        assert stage.at == [0.0, pytest.approx(7.0)]


async def test_bytes_cannot_travel_and_are_the_callers_error(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(errors.InvalidRequest):
            await stage.client.call("POST", "/api/v1/x", {"file": b"content"})


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
