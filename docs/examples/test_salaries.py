"""How a program that pays is tested: `pytest test_salaries.py`, with pytest-asyncio, and no network.

The fixtures are paycools-async's own (docs/testing.md). `pay_salary` stands for your code.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paycools_async import CreatePayout, InsufficientBalance, OutcomeUnknown, PayCoolsGlobal, PayCoolsPH
from paycools_async.callbacks import PHCallbacks
from paycools_async.ph import PayoutSettled
from paycools_async.testing import FakePayCools, ManualClock

pytestmark = pytest.mark.asyncio


async def pay_salary(paycools: PayCoolsPH, employee: str, account: str, centavos: int) -> str:
    """Pays a salary, and says how it ended."""
    salary = CreatePayout(
        mch_order_id=f"SALARY{employee}",
        amount=centavos,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=account,
        account_name="Juan Cruz",
    )
    try:
        await paycools.send(salary)
    except OutcomeUnknown:
        await paycools.payouts.resolve(salary)  # asks PayCools; pays nobody again
    paid = await paycools.payouts.wait_until_final(salary.mch_order_id, within=300)
    return str(paid.transaction_status)


async def test_a_salary_is_paid_once(paycools_ph: PayCoolsPH, fake_paycools: FakePayCools) -> None:
    fake_paycools.payouts.settle_after = 60  # seconds of the fixture's clock: the test does not wait for them
    assert await pay_salary(paycools_ph, "7", "09170000007", 500_00) == "COMPLETE"
    assert [payout.order_id for payout in fake_paycools.payouts.paid] == ["SALARY7"]


async def test_an_answer_that_is_lost_pays_nobody_twice(paycools_ph: PayCoolsPH, fake_paycools: FakePayCools) -> None:
    assert await pay_salary(paycools_ph, "7", "09199990003", 500_00) == "COMPLETE"  # booked, and the connection is cut
    assert fake_paycools.requests["ph.payout.create"] == 1


async def test_an_account_that_does_not_exist_fails(paycools_ph: PayCoolsPH) -> None:
    assert await pay_salary(paycools_ph, "7", "09170000000", 500_00) == "FAILED"


async def test_an_empty_account_of_ours_is_an_error(paycools_ph: PayCoolsPH, fake_paycools: FakePayCools) -> None:
    fake_paycools.refuse(1006)
    with pytest.raises(InsufficientBalance):
        await pay_salary(paycools_ph, "7", "09170000007", 500_00)
    assert fake_paycools.payouts.paid == []


async def test_the_callback_is_understood(
    paycools_clock: ManualClock,
    paycools_ph: PayCoolsPH,
    fake_paycools: FakePayCools,
    signed_callback: Callable[..., bytes],
) -> None:
    callbacks = PHCallbacks(fake_paycools.ph_credentials.callback_secret or "")
    made_up = callbacks.parse(signed_callback("disbursement.success", mch_order_id="SALARY7", amount=500_00))
    assert isinstance(made_up, PayoutSettled)
    assert (made_up.mch_order_id, made_up.amount) == ("SALARY7", 500_00)

    fake_paycools.payouts.settle_after = 3600
    await paycools_ph.payouts.create(
        mch_order_id="SALARY8",
        amount=500_00,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09170000008",
        account_name="Maria Cruz",
    )
    assert fake_paycools.due_callbacks() == []
    paycools_clock.advance(3600)
    [body] = fake_paycools.due_callbacks()
    assert callbacks.parse(body).mch_order_id == "SALARY8"  # type: ignore[attr-defined]


async def test_a_customer_pays_by_the_global_api(paycools_global: PayCoolsGlobal, fake_paycools: FakePayCools) -> None:
    order = await paycools_global.philippines.payments.create(
        mch_order_id="INV1",
        amount=150_000,
        channel_code="PH_QRPH_DYNAMIC",
        customer_name="Juan Cruz",
        mobile="09170000001",
        email="juan@example.com",
        notify_url="https://shop.example/callbacks",
        redirect_url="https://shop.example/",
        remark="books",
    )
    await fake_paycools.pay(order.pay_data or "", 150_000)
    assert (await paycools_global.philippines.payments.query(mch_order_id="INV1")).transaction_status == "COMPLETE"
