"""CPM, customer-presented mode: the cashier scans the code that the customer shows, and PayCools charges it.

The pages stand on PayCools' developer site only and outside the numbered navigation; whether the product is released
is not known.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from ..countries import PH_MOBILE
from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..enums import OpenEnum
from ..fields import EMAIL, URL, Form, code, minor_units, order_id, text
from ..product import Call
from ..resolving import ABSENT_AFTER, Resolving, ResolvingProduct, check_amount
from ..traits import DOCUMENTED, INFERRED, PAYMENT
from ..vocabulary import results
from ..vocabulary.events import PaymentEvent
from ..vocabulary.statuses import TransactionStatus
from .base import AppRequest

__all__ = ["CPM", "CPMChannel", "CPMPayment", "CPMReceipt", "CPMSettled", "CreateCPMPayment", "QueryCPMPayment"]

_MOBILE = Form(re.compile(r"09[0-9]*", re.ASCII), "digits only, starting with 09")


class CPMChannel(OpenEnum):
    """Channels of CPM: the one that its page lists. Other text is taken too."""

    GCASH_CPM = "GCASH_CPM"


@result
class CPMReceipt(Result):
    """What became of the charge, at once. Times are Philippine.

    `status` says SUCCESS where the other products say COMPLETE; both are `TransactionStatus.COMPLETE`. The answer has
    no PayCools id: `query` gives it.
    """

    mch_order_id: str
    status: TransactionStatus
    channel_code: str | None = None
    create_time: datetime | None = None
    paid_time: datetime | None = None
    remark: str | None = None


@endpoint("ph.cpm.create", "POST", "/api/v1/cpm/payment", nav="cpm.1", purpose=PAYMENT, provenance=DOCUMENTED)
class CreateCPMPayment(AppRequest[CPMReceipt]):
    """Charge the code that the customer shows (cpm.1). Documented on the developer site; that it is signed is inferred.

    `mch_order_id`: letters and digits, 1 to 32, unique. `amount`: centavos (inferred; the page gives no unit).
    `auth_code`: the scanned barcode's content. `channel_code`: GCASH_CPM is the only one listed. `callback_url` gets
    the notification (cpm.3). `mobile`: 11 to 14 digits starting with 09; 639.. and +639.. are taken too.

    Raises DuplicateOrder, LimitExceeded, ChannelUnavailable, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.cpm.resolve(error.request)`, before the customer is asked for another code.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    auth_code: str = text(1, personal=True)
    callback_url: str = text(1, pattern=URL)
    channel_code: str = code(default=CPMChannel.GCASH_CPM.value)
    mobile: str | None = text(11, 14, pattern=_MOBILE, converter=PH_MOBILE.national, default=None, personal=True)
    email: str | None = text(1, pattern=EMAIL, default=None, personal=True)
    remark: str | None = text(1, default=None)


@result
class CPMPayment(results.Transaction):
    """Where a charge stands. `transaction_amount` in centavos (inferred); times are Philippine.

    `transaction_id` is PayCools' id, by which the payment is refunded.
    """

    transaction_status: TransactionStatus
    transaction_amount: int | None = None


@endpoint("ph.cpm.query", "GET", "/api/v1/cpm/payment/query", nav="cpm.2", provenance=INFERRED)
class QueryCPMPayment(PHRequest[CPMPayment]):
    """Check a charge by order id (cpm.2). The path and the fields are documented, the method GET is inferred.

    Raises NotFound. The first use gives UnverifiedEndpointWarning.
    """

    mch_order_id: str = order_id()


@callback("ph.cpm.callback", "cpm.payment.success", "cpm.payment.failed", nav="cpm.3", provenance=DOCUMENTED)
class CPMSettled(PaymentEvent):
    """A charge became final (cpm.3). Documented on the developer site. Sent to `callback_url`. `amount` in centavos."""


class CPM(ResolvingProduct):
    """Payments by the code that the customer shows."""

    create: Final = Call(CreateCPMPayment)
    query: Final = Call(QueryCPMPayment)

    async def find(self, mch_order_id: str) -> CPMPayment | None:
        """The charge's status, or None if PayCools does not know the order."""
        with self._about(CreateCPMPayment, mch_order_id):
            found = await self._found(QueryCPMPayment(mch_order_id=mch_order_id))
            if found is not None:
                self._settle(CreateCPMPayment, mch_order_id, found.transaction_amount)
            return found

    async def resolve(self, request: CreateCPMPayment, *, absent_after: float = ABSENT_AFTER) -> CPMPayment:
        """After OutcomeUnknown: find out what became of the charge. Never charges again: a shown code may be used up.

        Raises NotFound with outcome UNKNOWN where PayCools does not know the order in two inquiries, the last no
        earlier than the sending + the client's timeout + `absent_after` seconds: the charge may still appear, so look
        again before the customer is asked for a fresh code. Raises OrderConflict where PayCools knows the order id with
        another amount, and OutcomeUnknown where an inquiry fails.
        """

        async def inquire(fresh: bool) -> CPMPayment | None:
            found = await self._found(QueryCPMPayment(mch_order_id=request.mch_order_id), fresh=fresh)
            if found is not None:
                check_amount(f"order {request.mch_order_id}", found.transaction_amount, request.amount)
            return found

        order: Any = request  # never sent again, so nothing but a CPMPayment comes of it
        resolving: Resolving[CPMPayment, CPMPayment] = Resolving(
            client=self._client, request=order, inquire=inquire, absent_after=absent_after, again="look again later"
        )
        return await resolving.run()
