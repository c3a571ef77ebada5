"""An application that refunds, for the test that kills it: it submits all refunds, waits for their ends, and is done.

    python durable_refunds.py PLACE BASE_URL KEY COUNT

Each end goes into the application's own table, in the commit of its mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path

from paycools_async import PayCoolsPH, PHCredentials
from paycools_async.durable import DurableRefund, DurableRefunds, Options, in_transaction
from paycools_async.ph import CreateRefund

PLACE, BASE_URL, KEY, COUNT = sys.argv[1:]
OPTIONS = Options(absent_after=1.0, first_inquiry_after=0.1, longest_inquiry_pause=0.5, max_resends=5, breaker=None)


def refund(number: int) -> CreateRefund:
    return CreateRefund(
        mch_refund_order_id=f"REFUND{number:06}",
        original_transaction_id=f"T{number // 2:010}",  # two of each payment
        refund_amount=1000 + number,
        refund_callback_url="https://shop.example/notify",
    )


async def main() -> None:
    credentials = PHCredentials(app_id="a" * 32, app_name="Shop", private_key=Path(KEY).read_text())
    async with PayCoolsPH(credentials, base_url=BASE_URL, timeout=2.0) as paycools:
        refunds = DurableRefunds(paycools, PLACE, options=OPTIONS, poll=0.1)

        @refunds.on_final
        async def done(found: DurableRefund) -> None:
            values = (found.order_id, found.state.value)
            in_transaction(lambda db: db.execute("INSERT INTO ends VALUES (?, ?)", values))

        async with refunds:
            with contextlib.closing(sqlite3.connect(PLACE)) as db, db:
                db.execute("CREATE TABLE IF NOT EXISTS ends (refund_id TEXT, state TEXT)")
            await asyncio.gather(*(refunds.submit(refund(number)) for number in range(int(COUNT))))
            while (health := await refunds.health()).backlog or health.unacknowledged:
                await asyncio.sleep(0.1)


asyncio.run(main())
