"""A lender: payouts and refunds survive the process, loans are repaid by QR code. In FastAPI and SQLAlchemy.

    pip install 'paycools-async[fast,examples]'
    python docs/examples/lender.py

Open http://127.0.0.1:8002, borrow, repay, press "simulate customer". It runs against an embedded sandbox PayCools; no
account is needed. An account that ends in 0000 fails there.

`--database postgresql://...` (extra `postgres`) in place of a SQLite file: then any number of these processes may run.
`--from-env` pays through the PayCools of the environment's settings.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import attrs
import segno
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from lender_tables import Loan, Refund, Repayment, engine_of, new_id, prepared
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from paycools_async import CreatePayout, InvalidRequest, PayCoolsPH
from paycools_async.batch import Options
from paycools_async.callbacks import CallbackInbox, CallbackRouter, SQLiteStore
from paycools_async.callbacks.asgi import ASGICallbacks
from paycools_async.durable import DurablePayout, DurablePayouts, DurableRefund, DurableRefunds
from paycools_async.ph import CreateRefund, PayoutSettled, QRPaymentSettled, RefundSettled
from paycools_async.testing import FakePayCools, Sandbox

LEAST, MOST = 500_00, 50_000_00
"""Centavos of a loan."""


# -- what the lender does -------------------------------------------------------------------------------------------


class Wanted(BaseModel):
    """An application for a loan; `amount` in centavos."""

    application: str
    name: str
    account: str
    amount: int


class Paying(BaseModel):
    """So many centavos are to be repaid."""

    amount: int


@attrs.frozen(kw_only=True)
class Lender:
    """Lends, and is repaid."""

    sessions: async_sessionmaker[AsyncSession]
    paycools: PayCoolsPH
    payouts: DurablePayouts
    refunds: DurableRefunds
    callback_url: str
    fake: FakePayCools | None

    async def lend(self, wanted: Wanted) -> Loan:
        """Approve a loan. The loan and its payout are one commit: neither is there without the other."""
        if not LEAST <= wanted.amount <= MOST or not 8 <= len(wanted.application) <= 64:
            raise HTTPException(422, f"from PHP {LEAST // 100:,} to PHP {MOST // 100:,}")
        loan = Loan(
            id=new_id("LOAN"),
            application=wanted.application,
            borrower=wanted.name,
            account=wanted.account,
            amount=wanted.amount,
        )
        try:
            payout = CreatePayout(
                mch_order_id=loan.id,
                amount=loan.amount,
                pay_method_code="EWALLET",
                ewallet_code="GCASH",
                account_no=wanted.account,
                account_name=wanted.name,
            )
        except InvalidRequest as error:
            raise HTTPException(422, "; ".join(map(str, error.errors))) from None
        same = select(Loan).where(Loan.application == wanted.application)
        try:
            async with self.sessions.begin() as session:
                known = await session.scalar(same)
                if known is None:
                    session.add(loan)
                    await session.flush()
                    await self.payouts.submit(payout, connection=session)
        except IntegrityError:  # two applied at once under one name: the other one's loan is there now
            async with self.sessions() as session:
                known = (await session.scalars(same)).one()
        return known or loan

    async def disbursed(self, payout: DurablePayout) -> None:
        """The payout's final word, and the mark that it was heard, in one commit: it happens once."""
        async with self.sessions.begin() as session:
            loan = await session.get_one(Loan, payout.order_id, with_for_update=True)
            if payout.settled:
                loan.state, loan.owed = "paid out", loan.amount * 21 // 20  # five in a hundred
            elif payout.needs_person:
                loan.state = "to be looked at"
            else:
                loan.state = "not paid out"
            loan.reason = payout.reason or ""
            await self.payouts.acknowledge(payout, connection=session)

    async def ask_repayment(self, loan_id: str, amount: int) -> Repayment:
        """A QR code to pay. It is on disk before PayCools hears of it."""
        async with self.sessions.begin() as session:
            loan = await session.get(Loan, loan_id)
            if loan is None or loan.state not in ("paid out", "repaid") or amount < 1_00:
                raise HTTPException(409, "there is nothing to repay")
            repayment = Repayment(id=new_id("RPAY"), loan_id=loan_id, amount=amount)
            name = loan.borrower
            session.add(repayment)
        code = await self.paycools.qr.create(
            mch_order_id=repayment.id,
            channel_code="QRPH_DYNAMIC_QR",
            customer_name=name,
            amount=amount,
            expire_seconds=900,
            callback_url=self.callback_url,
        )
        async with self.sessions.begin() as session:
            await session.execute(
                update(Repayment).where(Repayment.id == repayment.id).values(qr=code.qrcode_content or "")
            )
        repayment.qr = code.qrcode_content or ""
        return repayment

    async def repaid(self, paid: QRPaymentSettled) -> None:
        """A borrower has paid. The inbox may say so again after a crash: what is booked already is left alone."""
        if not paid.transaction_status.final:
            return
        async with self.sessions.begin() as session:
            repayment = await session.get(Repayment, paid.mch_order_id, with_for_update=True)
            if repayment is None or repayment.state == "paid":
                return
            if paid.transaction_status != "COMPLETE" or paid.amount != repayment.amount:
                repayment.state = "failed"
                return
            repayment.state = "paid"
            loan = await session.get_one(Loan, repayment.loan_id, with_for_update=True)
            too_much = max(0, repayment.amount - loan.owed)
            loan.owed -= repayment.amount - too_much
            if not loan.owed:
                loan.state = "repaid"
            if too_much:
                refund = Refund(id=new_id("RFND"), loan_id=loan.id, transaction_id=paid.transaction_id, amount=too_much)
                session.add(refund)

    async def refund(self, refund_id: str) -> Refund:
        """Send back what was too much: a person's decision. Pressed again after a crash, it is the same refund."""
        async with self.sessions() as session:
            refund = await session.get(Refund, refund_id)
        if refund is None or refund.state != "owed":
            raise HTTPException(409, "there is nothing to send back")
        await self.refunds.submit(
            CreateRefund(
                mch_refund_order_id=refund.id,
                original_transaction_id=refund.transaction_id,
                refund_amount=refund.amount,
                refund_callback_url=self.callback_url,
            )
        )
        await self._note_refund(refund.id, "sent", "", only_if="owed")
        return refund

    async def refunded(self, refund: DurableRefund) -> None:
        """What became of a refund. Told twice, it writes the same twice: its ledger is not where the loans are."""
        state = "refunded" if refund.settled else "to be looked at" if refund.needs_person else "refused"
        await self._note_refund(refund.order_id, state, refund.reason or "")

    async def _note_refund(self, refund_id: str, state: str, reason: str, *, only_if: str | None = None) -> None:
        one = update(Refund).where(Refund.id == refund_id)
        if only_if is not None:  # it may be at its end before this is written
            one = one.where(Refund.state == only_if)
        async with self.sessions.begin() as session:
            await session.execute(one.values(state=state, reason=reason))

    async def overview(self) -> list[dict[str, Any]]:
        """Every loan, for the page."""
        async with self.sessions() as session:
            loans = (await session.scalars(select(Loan).order_by(Loan.at.desc()))).all()
            refunds = (await session.scalars(select(Refund))).all()
        return [
            {
                **{name: getattr(loan, name) for name in ("id", "application", "borrower", "amount", "owed", "state")},
                "account": "..." + loan.account[-4:],
                "reason": loan.reason,
                "refunds": [
                    {"id": each.id, "amount": each.amount, "state": each.state, "reason": each.reason}
                    for each in refunds
                    if each.loan_id == loan.id
                ],
            }
            for loan in loans
        ]


# -- the application ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_lender(options: argparse.Namespace, app: FastAPI) -> AsyncIterator[Lender]:
    """The lender with everything that it stands on; callbacks come in under /paycools."""
    callback_url = f"http://127.0.0.1:{options.port}/paycools/callbacks"
    async with contextlib.AsyncExitStack() as stack:
        fake = None
        if options.from_env:
            client = PayCoolsPH.from_env(timeout=options.timeout)
        else:
            fake = FakePayCools()
            fake.payouts.settle_after = 1.0
            sandbox = await stack.enter_async_context(Sandbox(fake, callback_url=callback_url))
            client = PayCoolsPH(fake.ph_credentials, base_url=sandbox.base_url, timeout=options.timeout)
        paycools = await stack.enter_async_context(client)
        engine = engine_of(options.database)
        stack.push_async_callback(engine.dispose)
        rules = Options(concurrency=16, absent_after=options.absent_after, max_resends=options.resends, breaker=None)
        payouts = DurablePayouts(paycools, options.database, options=rules)
        refunds = DurableRefunds(paycools, await prepared(engine, options.database), options=rules)
        lender = Lender(
            sessions=async_sessionmaker(engine, expire_on_commit=False),
            paycools=paycools,
            payouts=payouts,
            refunds=refunds,
            callback_url=callback_url,
            fake=fake,
        )
        payouts.on_final(lender.disbursed)
        refunds.on_final(lender.refunded)
        await stack.enter_async_context(payouts)
        await stack.enter_async_context(refunds)

        router = CallbackRouter(paycools.callbacks)
        router.on(PayoutSettled)(payouts.feed)
        router.on(QRPaymentSettled)(lender.repaid)
        router.on(RefundSettled)(refunds.feed)
        inbox = await stack.enter_async_context(CallbackInbox(router, await open_store(options.database)))
        app.mount("/paycools", ASGICallbacks(inbox))
        yield lender


async def open_store(database: str) -> Any:
    """The inbox's store, in the same database."""
    if "://" not in database:
        return await SQLiteStore.open(database)
    from paycools_async.callbacks.postgres import PostgresStore

    return await PostgresStore.open(database)


def lender_of(request: Request) -> Lender:
    """For the routes."""
    lender: Lender = request.app.state.lender
    return lender


Here = Annotated[Lender, Depends(lender_of)]


def lending_app(options: argparse.Namespace) -> FastAPI:
    """The application."""

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with open_lender(options, app) as app.state.lender:
            yield

    app = FastAPI(lifespan=life)

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        return PAGE

    @app.get("/loans")
    async def loans(lender: Here) -> list[dict[str, Any]]:
        return await lender.overview()

    @app.post("/loans")
    async def borrow(wanted: Wanted, lender: Here) -> dict[str, str]:
        """Once this is answered the loan will be paid out, whatever happens to this process."""
        loan = await lender.lend(wanted)
        return {"id": loan.id, "state": loan.state}

    @app.post("/loans/{loan_id}/repayments")
    async def repay(loan_id: str, paying: Paying, lender: Here) -> dict[str, str]:
        repayment = await lender.ask_repayment(loan_id, paying.amount)
        return {"id": repayment.id, "picture": segno.make(repayment.qr).svg_data_uri(scale=4)}

    @app.post("/repayments/{repayment_id}/simulate")
    async def simulate(repayment_id: str, lender: Here) -> dict[str, str]:
        """A customer scans and pays. Only a sandbox has such customers."""
        async with lender.sessions() as session:
            repayment = await session.get(Repayment, repayment_id)
        if lender.fake is None or repayment is None:
            raise HTTPException(404)
        with contextlib.suppress(Exception):  # pressed twice: PayCools refuses the second payment
            await lender.fake.pay(repayment.qr, repayment.amount)
        return {"state": "paid"}

    @app.post("/refunds/{refund_id}")
    async def refund(refund_id: str, lender: Here) -> dict[str, str]:
        return {"id": (await lender.refund(refund_id)).id}

    @app.get("/health")
    async def health(lender: Here) -> dict[str, Any]:
        """For a probe."""
        found, refunds = await lender.payouts.health(), await lender.refunds.health()
        return {"ok": found.ok and refunds.ok, **attrs.asdict(found), "refunds": attrs.asdict(refunds)}

    return app


PAGE = (Path(__file__).with_name("lender.html")).read_text("utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description="A lender: payouts and refunds that survive, repayments by QR code")
    options.add_argument("--port", type=int, default=8002)
    options.add_argument("--database", help="a SQLite file, or postgresql://...; a temporary file by default")
    options.add_argument("--from-env", action="store_true", help="the PayCools of the environment's settings")
    options.add_argument("--timeout", type=float, default=30.0, help="seconds that a call to PayCools may take")
    options.add_argument("--absent-after", type=float, default=60.0, help="see docs/payouts.md")
    options.add_argument("--resends", type=int, default=1, help="how often what is absent is sent again by itself")
    options.add_argument("--log-level", default="warning")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        given.database = given.database or str(Path(temporary, "lender.db"))
        uvicorn.run(lending_app(given), host="127.0.0.1", port=given.port, log_level=given.log_level)


if __name__ == "__main__":
    main()
