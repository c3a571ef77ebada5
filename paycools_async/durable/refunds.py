"""Refunds that survive the application: durable when `submit` returns, and sent once, by whichever process is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..batch.ledger.base import Ledger, LedgerError
from ..batch.refunds import GlobalRefunds, PHRefunds, refunds_of
from ..batch.run.payout_api import PayoutApi
from ..client import PayCoolsGlobal, PayCoolsPH
from ..errors import ConfigurationError
from .order import DurableRefund
from .orders import DurableOrders

__all__ = ["DurableRefunds", "UnknownRefund"]

H = TypeVar("H", bound=Callable[[DurableRefund], Any])


class UnknownRefund(LedgerError):
    """This application has not submitted a refund of that id, or not committed it yet."""


class DurableRefunds(DurableOrders[DurableRefund]):
    """An application's refunds, in a ledger of their own: another file than the payouts', or another schema.

    Everything is as in `DurablePayouts`, options included. A refund is known by its `mch_refund_order_id`, which stands
    for the order id everywhere. `country`, of a Global API client: that of the payments, which gives the currency.

    What became of a refund is found in the list of its payment's refunds. Where one is listed there without its id and
    may be ours, that is neither presence nor absence: it is not sent again, and needs a person if it stays so.

    Raises LedgerError where the ledger cannot be used or is one of payouts, LedgerInUse where another process has the
    SQLite file.
    """

    noun = "refund"
    _order = DurableRefund
    _unknown = UnknownRefund

    def _api_of(self, paycools: PayCoolsPH | PayCoolsGlobal | PayoutApi, country: str | None) -> PayoutApi:
        if isinstance(paycools, PayCoolsPH | PayCoolsGlobal):
            return refunds_of(paycools, country)
        if not isinstance(paycools, PHRefunds | GlobalRefunds):
            raise ConfigurationError("payouts go through DurablePayouts")
        return paycools

    def _api_over(self, ledger: Ledger) -> PayoutApi:
        api = self._api
        return api.over(ledger.get) if isinstance(api, PHRefunds | GlobalRefunds) else api

    async def submit(self, refund: Any, *, connection: Any = None) -> DurableRefund:
        """Take a refund: it is durable when this returns, and is sent by the background, once. It is the yes to it.

        `refund` is a request: `CreateRefund`, or `CreateGlobalRefund`. The same refund id and content again gives the
        same refund. `connection`: as in `DurablePayouts.submit`, to this ledger's own database.

        Raises OrderConflict where the refund id is known with other content; LedgerError where the ledger could not be
        written, or did not answer within `submit_within` seconds: with the outcome NOT_SENT this call has certainly
        taken nothing, with UNKNOWN it may have. Either way, submit the same refund again. ConfigurationError: the
        connection is to another database, or in no transaction. TypeError: it is no refund.
        """
        return await self._submit(refund, connection)

    def on_final(self, handler: H) -> H:
        """Register the handler of refunds that are final or need a person: a function, async or not, of one argument.

        As `DurablePayouts.on_final`. An "unknown" one that needs a person may have been refunded: never refund it under
        another id before PayCools has said that it was not. A refusal at the first sending ("failed") is PayCools' last
        word; one at a later sending may be made because the first was booked, so that is "unknown" too.
        """
        self._handle(handler)
        return handler
