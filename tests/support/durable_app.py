"""A web application whose payouts are durable, for the tests that kill it: one process of uvicorn.

    python durable_app.py PORT PLACE BASE_URL KEY

`POST /pay/ORDER?amount=` submits and answers when that is durable, or with 503 and what is known of it; each final word
goes into the application's own table, in the commit of its mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI, HTTPException

from paycools_async import CreatePayout, PayCoolsPH, PHCredentials
from paycools_async.batch import LedgerError
from paycools_async.durable import DurablePayout, DurablePayouts, Options, in_transaction

PORT, PLACE, BASE_URL, KEY = sys.argv[1:]
OPTIONS = Options(absent_after=1.0, first_inquiry_after=0.2, longest_inquiry_pause=1.0, max_resends=5, breaker=None)
TABLE = "CREATE TABLE IF NOT EXISTS words (order_id TEXT, state TEXT)"


def make_table() -> None:
    if PLACE.startswith("postgresql"):
        with psycopg.connect(PLACE) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(1)")
            connection.execute(TABLE)
        return
    with contextlib.closing(sqlite3.connect(PLACE)) as found, found:
        found.execute(TABLE)


def word(payout: DurablePayout) -> Any:
    mark = "%s" if PLACE.startswith("postgresql") else "?"
    values = (payout.order_id, payout.state.value)
    return lambda connection: connection.execute(f"INSERT INTO words VALUES ({mark}, {mark})", values)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    credentials = PHCredentials(
        app_id="f90addc4861540ef9312e87d8f360e08", app_name="Sandbox Merchant", private_key=Path(KEY).read_text()
    )
    async with PayCoolsPH(credentials, base_url=BASE_URL, timeout=2.0) as paycools:
        payouts = DurablePayouts(paycools, PLACE, options=OPTIONS, poll=0.2, margin=2.0, handler_timeout=3.0)

        @payouts.on_final
        async def done(payout: DurablePayout) -> None:
            in_transaction(word(payout))

        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(payouts.aclose)
            await opened(payouts)
            app.state.payouts = payouts
            yield


async def opened(payouts: DurablePayouts) -> None:
    """A database that is away as the process starts is waited for; a file is there or not."""
    started = False
    while True:
        try:
            if not started:
                await payouts.start()
                started = True
            return make_table()
        except (LedgerError, psycopg.OperationalError):
            if not PLACE.startswith("postgresql"):
                raise
            await asyncio.sleep(0.2)


app = FastAPI(lifespan=lifespan)


@app.post("/pay/{order_id}")
async def pay(order_id: str, amount: int, account: str) -> dict[str, str]:
    payouts: DurablePayouts = app.state.payouts
    payout = CreatePayout(
        mch_order_id=order_id,
        amount=amount,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=account,
        account_name="Juan Dela Cruz",
    )
    try:
        taken = await payouts.submit(payout)
    except LedgerError as error:
        raise HTTPException(503, error.outcome.value) from None
    return {"state": taken.state}


@app.get("/health")
async def health() -> dict[str, Any]:
    found = await app.state.payouts.health()
    return {"backlog": found.backlog, "unacknowledged": found.unacknowledged, "last_error": found.last_error}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="error")
