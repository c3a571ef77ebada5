"""The Global API's result codes: what each means for the money, and what no error shows."""

from __future__ import annotations

from typing import Any

import pytest
from support.global_wiretap import Wiretap

from paycools_async import (
    NotFound,
    Outcome,
    OutcomeUnknown,
    PayCoolsGlobal,
    Retry,
    UnexpectedAnswer,
    errors,
)
from paycools_async.families import error_for
from paycools_async.global_api import (
    CreateUnifiedCheckout,
    CreateUnifiedPayout,
    QueryUnifiedPayout,
    UnifiedAddress,
)
from paycools_async.result_codes import GLOBAL_CODES
from paycools_async.testing import FakePayCools

PAYOUT = CreateUnifiedPayout(
    mch_order_id="ORDER0000001",
    amount=10000,
    country_code="ID",
    pay_method_code="BANK",
    transfer_code="CIMB",
    account_no="109594480004",
    account_name="Budi",
    mobile="0822111111",
)


CODES = {
    21000: errors.TransientError,
    21001: errors.AuthenticationError,
    21002: errors.InvalidParameter,
    21003: errors.AuthenticationError,
    21004: errors.MerchantUnavailable,
    21005: errors.ChannelClosed,
    21006: errors.NotFound,
    21007: errors.DuplicateOrder,
    21008: errors.ClockError,
    21009: errors.ClockError,
    21010: errors.LimitExceeded,
    21011: errors.TransientError,
    21012: errors.InvalidParameter,
    21013: errors.InvalidParameter,
    21014: errors.InsufficientBalance,
    21015: errors.DuplicateOrder,
    21016: errors.IpNotAllowedError,
    21017: errors.MerchantUnavailable,
    21018: errors.InvalidParameter,
    21019: errors.InvalidParameter,
    21020: errors.RateLimited,
    21021: errors.InvalidParameter,
    21022: errors.LimitExceeded,
    21023: errors.TransientError,
    21024: errors.InvalidParameter,
    21025: errors.ApiError,
    21026: errors.ApiError,
    21027: errors.LimitExceeded,
    21028: errors.ApiError,
    **dict.fromkeys(range(21401, 21407), errors.RefundRefused),
    21407: errors.DuplicateOrder,
    21408: errors.RefundRefused,
    21409: errors.RefundRefused,
    **dict.fromkeys(range(21500, 21505), errors.RefundRefused),
    21505: errors.DuplicateOrder,
}


def test_every_documented_code_has_its_class() -> None:
    assert {code: row.error for code, row in GLOBAL_CODES.items()} == CODES
    for code, kind in CODES.items():
        error = error_for(code, "as received", "global")
        assert type(error) is kind
        assert (error.code, error.message) == (code, "as received")
        assert error.outcome is (Outcome.DUPLICATE if kind is errors.DuplicateOrder else Outcome.REJECTED)


def test_who_keeps_the_list_of_addresses_is_said() -> None:
    """The Global API's is the merchant's own, in the dashboard; of the PH API's no page says that."""
    assert "you keep the list yourself, in PayCools' dashboard" in str(
        error_for(21016, "Merchant ip forbidden", "global")
    )
    assert "PayCools keeps the white list: ask your account manager" in str(error_for(1002, "white ip forbidden", "ph"))


def test_the_families_codes_do_not_mix() -> None:
    assert type(error_for(21007, "", "ph")) is errors.ApiError
    assert type(error_for(1012, "", "global")) is errors.ApiError
    assert error_for(21014, "", "global").message == "merchant balance insufficient"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("transaction not found", NotFound),
        ("Transaction Not Found", NotFound),
        ("The amount exceeds the limit", errors.LimitExceeded),
        ("", errors.LimitExceeded),
    ],
)
def test_21010_has_two_meanings_and_the_words_decide(message: str, kind: type[Exception]) -> None:
    """Samples of every inquiry page have it for an unknown order, the newer list for an amount over the limit."""
    assert type(error_for(21010, message, "global")) is kind


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"code": 21011, "message": "Network error"}, errors.TransientError),
        ({"code": 21000, "message": "Server error"}, errors.TransientError),
        ({"code": 21023, "message": "Transaction create failed"}, errors.TransientError),
        ({"code": 1000, "message": "success", "data": {"transactionId": "D1"}}, UnexpectedAnswer),
    ],
)
@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
async def test_an_answer_that_may_hide_a_payout_leaves_the_outcome_unknown(
    key_pem: str, answer: dict[str, Any], cause: type[Exception]
) -> None:
    """1000 is the PH API's success: two pages of single countries print it under a payout that was taken."""
    tap = Wiretap(key_pem, answer)
    async with tap.client as paycools:
        with pytest.raises(OutcomeUnknown) as caught:
            await paycools.send(PAYOUT)
    assert type(caught.value.__cause__) is cause
    assert caught.value.request is PAYOUT
    assert len(tap.sent) == 1


@pytest.mark.parametrize("code", [21011, 21020, 21000])
async def test_busy_codes_repeat_a_read(key_pem: str, code: int) -> None:
    tap = Wiretap(key_pem, {"code": code, "message": "busy"}, retry=Retry(attempts=3))
    async with tap.client as paycools:
        with pytest.raises(errors.ApiError):
            await paycools.send(QueryUnifiedPayout(mch_order_id="A1", country_code="PH"))
    assert len(tap.sent) == 3


async def test_a_busy_fault_speaks_the_familys_codes(fake: FakePayCools, paycools: PayCoolsGlobal) -> None:
    fake.faults.busy(1013, next=1)
    await paycools.account.balance(country_code="PH")
    assert fake.requests["global.account.balance"] == 2


async def test_account_data_in_a_refusal_is_hidden_and_the_code_stays_whole(key_pem: str) -> None:
    tap = Wiretap(key_pem, {"code": 21002, "message": "accountName:Budi is no name"})
    async with tap.client as paycools:
        with pytest.warns(), pytest.raises(errors.InvalidParameter) as caught:
            await paycools.send(PAYOUT)
    assert str(caught.value) == (
        "global.unified.payout.create ORDER0000001: 21002 accountName:*** is no name (correct the field)"
    )
    assert (caught.value.field, caught.value.reason) == ("accountName", "*** is no name")


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
@pytest.mark.parametrize("said", ["0822111111", "62822111111", "+62822111111"])
async def test_a_mobile_number_is_hidden_in_its_other_spellings(key_pem: str, said: str) -> None:
    tap = Wiretap(key_pem, {"code": 21002, "message": f"mobile:{said} is on no list"})
    async with tap.client as paycools:
        with pytest.raises(errors.InvalidParameter) as caught:
            await paycools.send(PAYOUT)
    assert "822111111" not in str(caught.value) + str(caught.value.reason)


async def test_an_address_inside_a_request_is_hidden_too(key_pem: str) -> None:
    request = CreateUnifiedCheckout(
        mch_order_id="A1",
        amount=100,
        country_code="PH",
        customer_name="Juan",
        email="juan@shop.example",
        mobile="09171234567",
        notify_url="https://shop.example",
        redirect_url="https://shop.example",
        billing_address=UnifiedAddress(city="Cebu"),
    )
    tap = Wiretap(key_pem, {"code": 21002, "message": "no such city: Cebu"})
    async with tap.client as paycools:
        with pytest.raises(errors.InvalidParameter) as caught:
            await paycools.send(request)
    assert caught.value.message == "no such city: ***"
