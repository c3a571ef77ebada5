"""What programs write: a type checker finds no mistake here, and knows these types."""

from typing import assert_type

from paycools_async import (
    Balance,
    CreatePayout,
    Exchange,
    GetBalance,
    PayCoolsGlobal,
    PayCoolsPH,
    PayoutReceipt,
    PayoutStatus,
    Retry,
)
from paycools_async.global_api import (
    CountryBalance,
    GetCountryBalance,
    GlobalRefundRecord,
    IndonesianPayoutStatus,
    QueryIndonesianPayout,
    UnifiedPaymentReceipt,
)
from paycools_async.hooks import CallEnded
from paycools_async.otel import OpenTelemetry


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


async def per_call(paycools: PayCoolsPH) -> None:
    assert_type(paycools.with_options(timeout=5, retry=Retry(attempts=1)), PayCoolsPH)
    assert_type(await paycools.send(GetBalance(), timeout=5), Balance)
    assert_type(await paycools.exchange(GetBalance(), retry=Retry()), Exchange[Balance])


async def values(countries: PayCoolsGlobal, code: str) -> None:
    await countries.indonesia.payouts.create(  # a code that is on no list yet
        mch_order_id="A1",
        amount=50_000,
        pay_method_code=code,
        transfer_code=code,
        account_no="1234567890",
        account_name="Budi",
        mobile="081234567890",
    )


def seen(call: CallEnded) -> None: ...


def watching() -> None:
    PayCoolsPH.from_env(on_call=seen, on_attempt=print, observers=[OpenTelemetry()])
