"""What programs write: a type checker finds no mistake here, and knows these types."""

from typing import assert_type

from paycools_async import Balance, CreatePayout, Exchange, PayCoolsGlobal, PayCoolsPH, PayoutReceipt, PayoutStatus
from paycools_async.global_api import (
    CountryBalance,
    GetCountryBalance,
    GlobalRefundRecord,
    IndonesianPayoutStatus,
    QueryIndonesianPayout,
    UnifiedPaymentReceipt,
)


async def use(paycools: PayCoolsPH) -> None:
    receipt = await paycools.payouts.create(
        mch_order_id="A1",
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    )
    assert_type(receipt, PayoutReceipt)
    assert_type(receipt.transaction_id, str)
    assert_type(await paycools.payouts.query(mch_order_id="A1"), PayoutStatus)
    assert_type(await paycools.account.balance(), Balance)


async def send(paycools: PayCoolsPH, request: CreatePayout) -> None:
    assert_type(await paycools.send(request), PayoutReceipt)
    assert_type(await paycools.exchange(request), Exchange[PayoutReceipt])
    assert_type(request.amount, int)


async def countries(paycools: PayCoolsGlobal) -> None:
    assert_type(await paycools.account.balance(country_code="PH"), CountryBalance)
    assert_type(await paycools.send(GetCountryBalance(country_code="PH")), CountryBalance)
    assert_type(await paycools.indonesia.payouts.query(mch_order_id="A1"), IndonesianPayoutStatus)
    assert_type(await paycools.send(QueryIndonesianPayout(mch_order_id="A1")), IndonesianPayoutStatus)
    assert_type(await paycools.refunds.payments(original_transaction_id="C1"), list[GlobalRefundRecord])
    assert_type(
        await paycools.unified.payments.create(
            mch_order_id="A1",
            amount=100,
            country_code="TH",
            channel_type="DIRECT_DEBIT",
            channel_code="X",
            pay_token="T",
            notify_url="https://shop.example",
        ),
        UnifiedPaymentReceipt,
    )


def options() -> None:
    assert_type(PayCoolsPH.from_env(timeout=3, sign_path_parameters=True), PayCoolsPH)
    assert_type(PayCoolsGlobal.from_env({}, timestamp_unit="s", base_url=None), PayCoolsGlobal)
