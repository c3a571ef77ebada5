"""Pay one person and wait until the money is there. Runs against a fake PayCools, in memory:

python docs/examples/pay_one.py
"""

import asyncio

from paycools_async import InsufficientBalance, OutcomeUnknown, PayCoolsPH, PayoutReceipt, PayoutStatus, RateLimited
from paycools_async.testing import FakePayCools


async def main() -> None:
    fake = FakePayCools()  # in production: PayCoolsPH.from_env(), and nothing below changes
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
        payout: PayoutReceipt | PayoutStatus
        try:
            payout = await paycools.payouts.create(
                mch_order_id="SALARY2026110001",  # yours, unique: it is what keeps a payout from being paid twice
                amount=50010,  # centavos: PHP 500.10
                pay_method_code="EWALLET",
                ewallet_code="GCASH",
                account_no="+639171234567",
                account_name="Juan Dela Cruz",
            )
        except OutcomeUnknown as error:
            # sent, and no trustworthy answer: ask first, and only then send the same again
            payout = await paycools.payouts.resolve(error.request)
        except (InsufficientBalance, RateLimited) as error:
            raise SystemExit(f"nothing was paid: {error}") from None

        final = await paycools.payouts.wait_until_final("SALARY2026110001")
        print(payout.transaction_id, final.transaction_status)


asyncio.run(main())
