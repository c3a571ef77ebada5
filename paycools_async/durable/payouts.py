"""Payouts that survive the application: durable when `submit` returns, and sent once, by whichever process is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..batch.ledger.base import LedgerError
from ..batch.refunds import RefundApi
from ..batch.run.payout_api import PayoutApi, payouts_of
from ..client import PayCoolsGlobal, PayCoolsPH
from ..errors import ConfigurationError
from .order import DurablePayout
from .orders import DurableOrders

__all__ = ["DurablePayouts", "UnknownPayout"]

H = TypeVar("H", bound=Callable[[DurablePayout], Any])


class UnknownPayout(LedgerError):
    """This application has not submitted a payout of that order id, or not committed it yet."""


class DurablePayouts(DurableOrders[DurablePayout]):
    """An application's payouts, in a ledger: `where` is a SQLite file, or PostgreSQL's URL.

    Use it with `async with`, in the lifespan of the web application. A SQLite ledger has one process at a time, a
    PostgreSQL ledger any number; all of the same `name` share the payouts. `country`: of a Global API client. `options`
    and `pace` are those of a batch; by default refusals hold nothing (`breaker=None`), for these payouts have nothing
    to do with each other. `poll`: seconds between looks for what other processes submitted, or PayCools said by
    callback. `handlers`: how many payouts' handlers run at a time, each for up to `handler_timeout` seconds.
    `stop_within`: seconds that what is in flight has to end when it is closed. `submit_within`: seconds after which
    `submit`, and every other call, gives up on a ledger that does not answer: LedgerError, and with the outcome UNKNOWN
    it may still be done. `margin`: seconds that a row is leased on PostgreSQL beyond the client's `timeout` (20); then
    another process takes up what a lost one was sending.

    Raises LedgerError where the ledger cannot be used, LedgerInUse where another process has the SQLite file.
    """

    noun = "payout"
    _order = DurablePayout
    _unknown = UnknownPayout

    def _api_of(self, paycools: PayCoolsPH | PayCoolsGlobal | PayoutApi, country: str | None) -> PayoutApi:
        if isinstance(paycools, RefundApi):
            raise ConfigurationError("refunds go through DurableRefunds")
        return payouts_of(paycools, country) if isinstance(paycools, PayCoolsPH | PayCoolsGlobal) else paycools

    async def submit(self, payout: Any, *, connection: Any = None) -> DurablePayout:
        """Take a payout: it is durable when this returns, and is sent by the background, once. It is the yes to it.

        `payout` is a request such as `CreatePayout`. The same order id and content again gives the same payout.
        `connection`: psycopg's, asyncpg's, sqlite3's, aiosqlite's, or SQLAlchemy's AsyncSession or AsyncConnection, to
        the ledger's own database. Then it is durable when your transaction commits; rolled back, it never was.

        Raises OrderConflict where the order id is known with other content; LedgerError where the ledger could not be
        written, or did not answer within `submit_within` seconds: with the outcome NOT_SENT this call has certainly
        taken nothing, with UNKNOWN it may have. Either way, submit the same payout again. ConfigurationError: the
        connection is to another database, or in no transaction. TypeError: it is no payout, or another country's.
        """
        return await self._submit(payout, connection)

    def on_final(self, handler: H) -> H:
        """Register the handler of payouts that are final or need a person: a function, async or not, of one argument.

        It is called at least once for each such state of each payout, also for what an earlier process left, and for
        "conflict" after "settled"; but "withdrawn" no more once the order was submitted again. An "unknown" one that
        needs a person (see `needs_person`) may have been paid: never pay it under another order id before PayCools has
        said that it was not. If PayCools shows it later, it settles, and that is told too. When it returns, that is
        marked durably, and it is not called again; work given to `in_transaction` is in the commit of that mark, and
        `acknowledge` makes the mark in a transaction of yours. Where it raises, or takes longer than `handler_timeout`,
        it is called again after a growing pause (1 to 300 seconds). Without a handler nothing is marked.
        """
        self._handle(handler)
        return handler
