"""Which of PayCools' codes refuse which call. Under any other code money may have moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import pytest
from support.engine_stage import ORDER, Stage, says
from support.size import FULL, some

from paycools_async import HttpResponse, Outcome, OutcomeUnknown, PayCoolsError, Purpose, endpoints, errors
from paycools_async.families import error_for
from paycools_async.result_codes import GLOBAL_CODES, PH_CODES

Family = Literal["ph", "global"]

ANY: dict[str, set[int]] = {
    "ph": {1001, 1002, 1003, 1004, 1005, 1009, 1011, 1013},
    "global": {21001, 21002, 21003, 21004, 21005, 21008, 21009, 21016, 21017, 21020},
}
REFUSED: dict[tuple[str, Purpose], set[int]] = {
    ("ph", Purpose.PAYOUT): {1006, 1007, 1010, 1015, 1016},
    ("ph", Purpose.PAYMENT): {1007, 1015},
    ("ph", Purpose.REFUND): {1006, 1008, 1501, 1502, *range(1504, 1514), 1516},
    ("ph", Purpose.VOID): {1008},
    ("ph", Purpose.ACCOUNT): {1007, 1015, 1017},
    ("ph", Purpose.TRANSFER_ACCOUNT): {1007, 1015, 1019},
    ("ph", Purpose.CODE): {1007, 1015, 1017, 1020},
    ("ph", Purpose.CONSENT): set(),
    ("ph", Purpose.CHANGE): {1008},
    ("ph", Purpose.OTHER): {1006, 1007, 1010, 1015, 1016},
    ("global", Purpose.PAYOUT): {21010, 21012, 21013, 21014, 21018, 21019, 21021, 21022, 21027},
    ("global", Purpose.PAYMENT): {21010, 21012, 21013, 21019, 21021, 21022, 21024, 21027},
    ("global", Purpose.REFUND): {21006, 21010, 21014, *range(21401, 21407), 21408, 21409},
    ("global", Purpose.VOID): {21006, *range(21500, 21505)},
    ("global", Purpose.ACCOUNT): {21010, 21021, 21022, 21027},
    ("global", Purpose.CONSENT): {21024},
    ("global", Purpose.CHANGE): {21006, 21024, 21025, 21028},
    ("global", Purpose.OTHER): {21010, 21012, 21013, 21014, 21018, 21019, 21021, 21022, 21027},
}
DUPLICATE: dict[tuple[str, Purpose], set[int]] = {
    ("ph", Purpose.PAYOUT): {1012, 1014},
    ("ph", Purpose.PAYMENT): {1012},
    ("ph", Purpose.REFUND): {1515},
    ("global", Purpose.PAYOUT): {21007, 21015},
    ("global", Purpose.PAYMENT): {21007},
    ("global", Purpose.REFUND): {21407},
    ("global", Purpose.VOID): {21505},
}
EVERY_CODE = range(-20_000, 30_000)
CODES = EVERY_CODE if FULL else sorted({*EVERY_CODE[::97], *range(-2, 3), *range(990, 2_010), *range(20_990, 22_010)})


def with_outcome(family: Any, purpose: Purpose, outcome: Outcome, codes: Iterable[int] = CODES) -> set[int]:
    return {code for code in codes if error_for(code, "", family, purpose).outcome is outcome}


@pytest.mark.parametrize(("family", "purpose"), REFUSED, ids=lambda value: getattr(value, "value", value))
def test_a_call_is_refused_by_its_own_codes_only(family: Family, purpose: Purpose) -> None:
    assert with_outcome(family, purpose, Outcome.REJECTED) == REFUSED[family, purpose] | ANY[family]


@pytest.mark.parametrize(("family", "purpose"), DUPLICATE, ids=lambda value: getattr(value, "value", value))
def test_a_duplicate_is_one_for_the_calls_it_belongs_to(family: Family, purpose: Purpose) -> None:
    assert with_outcome(family, purpose, Outcome.DUPLICATE) == DUPLICATE[family, purpose]


def test_every_documented_code_refuses_some_call_or_proves_nothing() -> None:
    none = {code for code, row in {**PH_CODES, **GLOBAL_CODES}.items() if not row.refuses}
    assert none == {1018, 1503, 21000, 21011, 21023, 21026}


@pytest.mark.parametrize("purpose", [Purpose.PAYOUT, Purpose.PAYMENT, Purpose.OTHER])
def test_not_found_is_no_refusal_of_a_payout_in_whatever_words(purpose: Purpose) -> None:
    for code in (21006, 21010):
        error = error_for(code, "transaction not found", "global", purpose)
        assert (type(error), error.outcome) == (errors.ApiError, Outcome.UNKNOWN)
    assert error_for(1501, "", "ph", Purpose.READ).outcome is Outcome.REJECTED
    assert type(error_for(1501, "", "ph", Purpose.READ)) is errors.ApiError, "an inquiry's own not-found code is 1008"


@pytest.mark.parametrize("code", [0, 1, 200, 9999, 10000, -10001, 1008, 1017, 1019, 1501, 1502, 1515, 21007, 21500])
async def test_a_payout_under_a_code_that_is_not_its_own_is_unknown(key_pem: str, code: int) -> None:
    async with Stage(key_pem, says(code, "whatever")) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.send(ORDER)
        assert isinstance(caught.value.__cause__, errors.ApiError)
        assert caught.value.__cause__.code == code
        assert len(stage.sent) == 1


STATUSES = some([100, 201, 202, 204, 301, 307, 400, 401, 403, 404, 409, 429, 500, 502, 503, 504], 4)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", [1000, 1006, 1008, 1009, 1012])
async def test_under_another_http_status_no_code_is_believed(key_pem: str, status: int, code: int) -> None:
    async with Stage(key_pem, says(code, status=status)) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)


def test_a_code_that_proves_nothing_gives_no_advice_to_send_again() -> None:
    for purpose in set(Purpose) - {Purpose.READ}:
        for family, codes in (("ph", PH_CODES), ("global", GLOBAL_CODES)):
            for code in codes:
                error = error_for(code, "", family, purpose)  # type: ignore[arg-type]
                if error.outcome is Outcome.UNKNOWN:
                    assert str(error).endswith("(inquire by order id before sending again)")
                    assert not error.retryable


def test_every_call_that_moves_or_creates_says_what_it_is_for() -> None:
    unsaid = {entry.id for entry in endpoints() if entry.moves_or_creates and entry.purpose is Purpose.OTHER}
    assert unsaid == {"ph.ekyc.init"}
    assert all(
        (entry.purpose is Purpose.READ) != entry.moves_or_creates for entry in endpoints() if entry.kind == "request"
    )
    for entry in endpoints():
        if entry.id.endswith(("payout.create", "refund.create")):
            assert entry.purpose.value in entry.id


async def test_a_void_by_call_is_refused_by_the_voids_codes(key_pem: str) -> None:
    async with Stage(key_pem, says(1505), says(1505)) as stage:
        with pytest.raises(errors.RefundRefused):
            await stage.client.call("POST", "/api/x", {"a": 1}, purpose=Purpose.REFUND)
        with pytest.raises(OutcomeUnknown):
            await stage.client.call("POST", "/api/x", {"a": 1})


@pytest.mark.parametrize(
    "data",
    [
        b'{"balance":1e1000000}',
        b'{"balance":1e99999999999999999999}',
        b'{"balance":-1E-99999999999999999999}',
        b'{"balance":%s}' % (b"9" * 41),
        b'{"balance":0.%s}' % (b"1" * 41),
        b'{"balance":"1e1000000"}',
    ],
)
async def test_a_number_beyond_all_bounds_is_no_answer(key_pem: str, data: bytes) -> None:
    body = b'{"code":1000,"message":"success","data":%s}' % data
    async with Stage(key_pem, HttpResponse(200, {}, body)) as stage:
        with pytest.raises(errors.UnexpectedAnswer):
            await stage.client.account.balance()
        with pytest.raises((OutcomeUnknown, errors.UnexpectedAnswer)):
            await stage.client.send(ORDER)


async def test_large_numbers_within_bounds_are_exact(key_pem: str) -> None:
    body = b'{"code":1000,"data":{"a":1234567890123456789012345678901234567890,"b":1.50,"c":1e30,"d":-0.25E-2}}'
    async with Stage(key_pem, HttpResponse(200, {}, body)) as stage:
        data = await stage.client.call("GET", "/api/v1/x")
    assert str(data["a"]) == "1234567890123456789012345678901234567890"
    assert (str(data["b"]), str(data["c"]), str(data["d"])) == ("1.50", "1E+30", "-0.0025")


def test_the_clock_and_a_closed_channel_are_told_apart() -> None:
    """Nothing is wrong with the order: a batch holds on both."""
    for code in (21008, 21009):
        clock = error_for(code, "", "global", Purpose.PAYOUT)
        assert (type(clock), clock.outcome) == (errors.ClockError, Outcome.REJECTED)
        assert "set this machine's clock" in str(clock)
    closed = error_for(21005, "", "global", Purpose.PAYOUT)
    assert (type(closed), closed.outcome) == (errors.ChannelClosed, Outcome.REJECTED)
    assert isinstance(closed, errors.ChannelUnavailable)
    assert type(error_for(1011, "", "ph", Purpose.PAYOUT)) is errors.ChannelUnavailable


# --- may the very same call be made again? ----------------------------------------------------------------------------


RETRYABLE: list[tuple[PayCoolsError, bool]] = [
    (errors.TransportError("refused", outcome=Outcome.NOT_SENT), True),
    (errors.TransportError("reset"), False),
    (errors.DeadlineExceeded("late", outcome=Outcome.NOT_SENT), True),
    (errors.DeadlineExceeded("late"), False),
    (errors.ClientClosed("closed"), False),
    (errors.SigningError("no key"), False),
    (errors.ConfigurationError("no key"), False),
    (errors.InvalidRequest("CreatePayout", [errors.FieldError("amount", "is too small")]), False),
    (errors.WrongFamilyError("other"), False),
    (errors.EndpointUnpublishedError("path"), False),
    (errors.UnexpectedAnswer("HTTP 502", status=502), False),
    (errors.OutcomeUnknown("reset"), False),
    (errors.OrderConflict("amount"), False),
    (errors.StillPending("pending"), False),
    (errors.RateLimited(1013, ""), True),
    (errors.TransientError(1018, ""), True),
    (errors.TransientError(1018, "", outcome=Outcome.UNKNOWN), False),
    (errors.InsufficientBalance(1006, ""), False),
    (errors.DuplicateOrder(1012, ""), False),
    (errors.NotFound(1008, ""), False),
    (errors.ClockError(21008, ""), False),
]


@pytest.mark.parametrize(("error", "retryable"), RETRYABLE, ids=lambda value: type(value).__name__)
def test_an_error_says_whether_the_very_same_call_may_be_made_again(error: PayCoolsError, retryable: bool) -> None:
    assert error.retryable is retryable


def test_every_error_has_an_outcome_and_is_drawn_in_the_tree() -> None:
    tree = errors.__doc__ or ""
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, PayCoolsError):
            assert isinstance(kind.outcome, Outcome)
            assert f"{name} " in tree, name
