"""What the lender of lender.py keeps, in SQLAlchemy."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The lender's own tables. They stand in the database where PayCools' ledger and inbox stand."""


class Loan(Base):
    """Money lent; amounts in centavos. Its id is the payout's order id."""

    __tablename__ = "loans"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    application: Mapped[str] = mapped_column(String(64), unique=True)
    """The borrower's browser makes it: sent again after a lost answer, it is the same loan."""
    at: Mapped[float] = mapped_column(default=time.time)
    borrower: Mapped[str]
    account: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    owed: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default="approved")
    """approved, paid out, repaid; not paid out; to be looked at."""
    reason: Mapped[str] = mapped_column(default="")


class Repayment(Base):
    """A QR code that a borrower may pay once; its id is PayCools' order id."""

    __tablename__ = "repayments"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    loan_id: Mapped[str] = mapped_column(ForeignKey("loans.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    qr: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="waiting")
    """waiting, paid, failed."""


class Refund(Base):
    """What a borrower paid too much. A person sends it back."""

    __tablename__ = "refunds"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    loan_id: Mapped[str] = mapped_column(ForeignKey("loans.id"), index=True)
    transaction_id: Mapped[str]
    """PayCools' id of the repayment."""
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="owed")
    """owed, sent, refunded, refused; to be looked at."""
    reason: Mapped[str] = mapped_column(default="")


def new_id(kind: str) -> str:
    """An order id that nobody else has."""
    return kind + secrets.token_hex(10).upper()


def engine_of(database: str) -> AsyncEngine:
    """SQLAlchemy's way to a SQLite file or postgresql://..."""
    if "://" in database:
        return create_async_engine(database.replace("postgresql://", "postgresql+psycopg://", 1))
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", connect_args={"timeout": 30})

    # SQLite's driver begins no transaction before the first write, and then it may be too late: begin at once
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def prepared(engine: AsyncEngine, database: str) -> str:
    """Make the tables. Gives where the refunds' ledger is: a file beside the loans', or a schema of the database."""
    async with engine.begin() as connection:
        if "://" not in database:
            await connection.run_sync(Base.metadata.create_all)
            return f"{database}-refunds.db"
        await connection.execute(text("SELECT pg_advisory_xact_lock(2)"))  # several processes may start at once
        await connection.run_sync(Base.metadata.create_all)
        schema = await connection.scalar(text("SELECT current_schema() || '_refunds'"))
        await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    from psycopg.conninfo import make_conninfo

    return make_conninfo(database, options=f"-csearch_path={schema}")
