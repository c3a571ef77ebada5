"""A code that is not among those known is sent, and a client warns of it once; files say the same of it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from paycools_async import PayCoolsPH, UnknownCodeWarning
from paycools_async.known_codes import strange_codes
from paycools_async.ph import CreatePayout
from paycools_async.testing import FakePayCools


def payout(number: int, **changes: Any) -> CreatePayout:
    fields: dict[str, Any] = {
        "mch_order_id": f"ORDER00000{number}",
        "amount": 50_010,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09171234567",
        "account_name": "Juan Dela Cruz",
    }
    return CreatePayout(**{**fields, **changes})


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("Gcash", "ewallet_code Gcash differs from the known code GCASH in upper and lower case"),
        ("GCASHH", "ewallet_code GCASHH is no code known here; PayCools publishes no list; the nearest is GCASH"),
        ("zzzz", "ewallet_code zzzz is no code known here; PayCools publishes no list"),
        ("09171234567", r"ewallet_code \(of 11 characters\) is no code known here"),
    ],
)
async def test_a_code_that_is_not_known_is_warned_of_once(
    paycools: PayCoolsPH, fake: FakePayCools, code: str, told: str
) -> None:
    with pytest.warns(UnknownCodeWarning, match=told) as caught:
        await paycools.send(payout(1, ewallet_code=code))
    assert [warning.filename for warning in caught] == [__file__], "the line that sent it"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await paycools.send(payout(2, ewallet_code=code))
    assert len(fake.payouts.paid) == 2


async def test_known_codes_and_those_without_a_list_are_no_news(paycools: PayCoolsPH) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await paycools.send(payout(1))
        await paycools.send(payout(2, pay_method_code="BANK", ewallet_code=None, bank_code="ANY_BANK"))


def test_making_a_request_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    """Files make one of each row, and say by themselves what is strange."""
    assert [found[:2] for found in strange_codes(payout(1, ewallet_code="Gcash"))] == [("ewallet_code", "Gcash")]
    assert not recwarn.list
