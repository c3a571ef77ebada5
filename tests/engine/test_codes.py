"""Each result code has its class, and its message is taken apart."""

from __future__ import annotations

import pytest
from support.engine_stage import ORDER, QUERY, Stage, says

from paycools_async import (
    HttpResponse,
    Outcome,
    Retry,
    errors,
)
from paycools_async.errors import ApiError

CODES: dict[type[ApiError], list[int]] = {
    errors.AuthenticationError: [1001, 1003],
    errors.IpNotAllowedError: [1002],
    errors.MerchantUnavailable: [1004, 1005],
    errors.InsufficientBalance: [1006],
    errors.LimitExceeded: [1007],
    errors.NotFound: [1008],
    errors.InvalidParameter: [1009, 1010, 1015, 1016, 1020],
    errors.ChannelUnavailable: [1011],
    errors.DuplicateOrder: [1012, 1014, 1515],
    errors.RateLimited: [1013],
    errors.AlreadyExists: [1017, 1019],
    errors.TransientError: [1018, 1503],
    errors.RefundRefused: [1502, *range(1504, 1514), 1516],
    # 1501 is about a refund's payment: no inquiry's "not found"
    ApiError: [0, -1, 999, 1021, 1500, 1501, 1514, 1517, 10000, 21007],
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
async def test_each_code_has_its_class(key_pem: str, kind: type[ApiError], code: int) -> None:
    async with Stage(key_pem, says(str(code), "as received"), retry=Retry(attempts=1)) as stage:
        with pytest.raises(ApiError) as caught:
            await stage.client.send(QUERY)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.message, caught.value.status) == (code, "as received", 200)
    assert str(caught.value) == f"ph.payout.query ORDER0000001: {code} as received ({kind.hint})"
    assert caught.value.outcome is (Outcome.DUPLICATE if kind is errors.DuplicateOrder else Outcome.REJECTED)


def test_the_table_of_codes_is_the_documented_one() -> None:
    """1001 to 1020 and 1501 to 1516; 1514 is in no copy of the documents."""
    from paycools_async.result_codes import PH_CODES

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
        with pytest.raises(errors.InsufficientBalance, match=r"^ph.payout.create ORDER0000001: 1006 no money "):
            await stage.client.send(ORDER)


async def test_a_message_is_fit_for_terminals_and_databases(key_pem: str) -> None:
    body = rb'{"code":1006,"message":"half \ud800, zero \u0000, whole \u00e9"}'
    async with Stage(key_pem, HttpResponse(200, {}, body)) as stage:
        with pytest.raises(errors.InsufficientBalance) as caught:
            await stage.client.send(ORDER)
    assert caught.value.message == "half ?, zero ?, whole é"
    assert str(caught.value).encode("utf-8")


NO_CODES = ["1_006", " 1006", "1006\n", "+1006", "\uff11\uff10\uff10\uff16", "\u0661\u0660\u0660\u0666", "", "-", "--1"]
NO_CODES += ["0000001006", "1006.0", "1e3", "0x3EE"]


@pytest.mark.parametrize("code", [*NO_CODES, 1006.0, True, False, None, [1006], {"code": 1006}])
async def test_what_is_no_whole_number_is_no_result_code(key_pem: str, code: object) -> None:
    async with Stage(key_pem, says(code), retry=Retry(attempts=1)) as stage:
        with pytest.raises(errors.OutcomeUnknown, match="the answer has no result code") as caught:
            await stage.client.send(ORDER)
        assert isinstance(caught.value.__cause__, errors.UnexpectedAnswer)
        with pytest.raises(errors.UnexpectedAnswer):
            await stage.client.send(QUERY)


@pytest.mark.parametrize("code", ["-1", "000001006", "999999999"])
async def test_digits_with_a_minus_are_a_result_code(key_pem: str, code: str) -> None:
    async with Stage(key_pem, says(code), retry=Retry(attempts=1)) as stage:
        with pytest.raises(ApiError) as caught:
            await stage.client.send(QUERY)
    assert caught.value.code == int(code)


TWICE = [
    b'{"code":1000,"code":1006}',
    b'{"code":1006,"data":{"transactionId":"C1"},"code":1000}',
    b'{"code":1006, "message":"", "code" : 1006}',
    b'{"code":1006,"data":{"code":1},"code":1006}',
    b'{"code":1006,"data":{"code":1,"code":2}}',
]
ONCE = [
    b'{"code":1006,"data":{"code":1,"list":[{"code":2}]}}',
    b'{"data":{"code":1},"code":1006}',
    b'{"code":1006,"message":"the \\"code\\" is wrong","name":"code"}',
]


@pytest.mark.parametrize("body", TWICE)
async def test_an_answer_with_two_result_codes_is_not_believed(key_pem: str, body: bytes) -> None:
    async with Stage(key_pem, HttpResponse(200, {}, body), retry=Retry(attempts=1)) as stage:
        with pytest.raises(errors.OutcomeUnknown, match="two members of one name"):
            await stage.client.send(ORDER)
        with pytest.raises(errors.UnexpectedAnswer):
            await stage.client.send(QUERY)


@pytest.mark.parametrize("body", ONCE)
async def test_codes_elsewhere_in_the_answer_do_not_count(key_pem: str, body: bytes) -> None:
    async with Stage(key_pem, HttpResponse(200, {}, body)) as stage:
        with pytest.raises(errors.InsufficientBalance):
            await stage.client.send(ORDER)
