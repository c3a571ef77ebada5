"""10. Direct debit: the customer agrees once and gets a token; the merchant debits with it.

No public document gives the paths of the requests for merchants in general: pass them with `paths=`. What is known of
the fields comes from the pages of one tenant (J&T) and from the Global API's twin; `extra` carries whatever differs.
"""

from __future__ import annotations

from typing import Any, Final

from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..fields import EMAIL, URL, code, extra_fields, minor_units, mobile, order_id, text
from ..product import Call, Product
from ..traits import DOCUMENTED, PAYMENT, UNPUBLISHED
from ..vocabulary.events import PaymentEvent
from ..vocabulary.statuses import TransactionStatus
from .base import PaymentStatus
from .direct_debit_tokens import (
    SUCCESS,
    AuthorizationChanged,
    AuthorizationLink,
    AuthorizationStatus,
    AuthorizationToken,
    AuthorizeDirectDebit,
    CancelAuthorization,
    CancelledAuthorization,
    InactiveType,
    QueryAuthorization,
    TokenStatus,
)

__all__ = [
    "AuthorizationChanged",
    "AuthorizationLink",
    "AuthorizationStatus",
    "AuthorizationToken",
    "AuthorizeDirectDebit",
    "CancelAuthorization",
    "CancelledAuthorization",
    "CreateDirectDebit",
    "DirectDebit",
    "DirectDebitReceipt",
    "DirectDebitSettled",
    "DirectDebitStatus",
    "InactiveType",
    "QueryAuthorization",
    "QueryDirectDebit",
    "TokenStatus",
]


@result
class DirectDebitReceipt(Result):
    """PayCools took the debit. It is not final: inquire by `transaction_id` (10.6) or wait for the callback (10.7)."""

    transaction_id: str
    mch_order_id: str | None = None
    transaction_status: TransactionStatus | None = None
    channel_type: str | None = None
    channel_code: str | None = None


@endpoint(
    "ph.directdebit.payment_create",
    "POST",
    None,
    nav="10.5",
    purpose=PAYMENT,
    provenance=UNPUBLISHED,
    client_fields=("appName", "timestamp"),
    success_codes=SUCCESS,
)
class CreateDirectDebit(PHRequest[DirectDebitReceipt]):
    """Debit a customer by token (10.5). Unpublished: pass paths={"ph.directdebit.payment_create": "/..."}.

    The fields are documented for one tenant (J&T); that its path holds for others is not known. `mch_order_id`: letters
    and digits, 1 to 32, unique per merchant. `amount`: centavos; no limits are published. `mobile`: 09.., 639.. or
    +639.., sent as 09xxxxxxxxx.

    Raises InvalidParameter, ChannelUnavailable, DuplicateOrder ... and OutcomeUnknown: no inquiry by order id is
    published (10.6 wants PayCools' id), so wait for the callback or look for the order in
    `paycools.account.payments(create_date=...)`; never debit again under another id.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    channel_code: str = code()
    pay_token: str = text(1, personal=True)
    callback_url: str = text(1, 256, pattern=URL)
    customer_name: str | None = text(1, 128, default=None, personal=True)
    email: str | None = text(1, 128, pattern=EMAIL, default=None, personal=True)
    mobile: str | None = mobile(default=None)
    remark: str | None = text(1, 256, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)


@result
class DirectDebitStatus(PaymentStatus):
    """Where a debit stands. `amount` in centavos; times are Philippine. The sample's SUCCESS reads as COMPLETE."""


@endpoint(
    "ph.directdebit.payment_query",
    "POST",
    None,
    nav="10.6",
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class QueryDirectDebit(PHRequest[DirectDebitStatus]):
    """Check a debit by PayCools' id (10.6). Unpublished: pass paths={"ph.directdebit.payment_query": "/..."}.

    Documented for one tenant (J&T); that its path holds for others is not known. Raises NotFound.
    """

    transaction_id: str = text(1)
    extra: dict[str, Any] = extra_fields(factory=dict)


@callback(
    "ph.directdebit.payment_callback",
    "directdebit.payment.success",
    "directdebit.payment.failed",
    nav="10.7",
    provenance=DOCUMENTED,
)
class DirectDebitSettled(PaymentEvent):
    """A debit became final (10.7). `amount` in centavos; times are Philippine."""


class DirectDebit(Product):
    """Debits with a customer's standing agreement. Every request's path is unpublished: see `paths=`."""

    authorize: Final = Call(AuthorizeDirectDebit)
    authorization_query: Final = Call(QueryAuthorization)
    authorization_cancel: Final = Call(CancelAuthorization)
    payment_create: Final = Call(CreateDirectDebit)
    payment_query: Final = Call(QueryDirectDebit)
