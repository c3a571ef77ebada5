"""7. Web payments: the payer is sent to a page of PayCools, and from there to a wallet, a bank or a card form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..fields import EMAIL, URL, code, extra_fields, minor_units, mobile, order_id, text
from ..product import Call, Product
from ..traits import CREATES, DOCUMENTED, PAYMENT, UNPUBLISHED
from ..vocabulary.events import PaymentEvent
from ..vocabulary.statuses import TransactionStatus
from .base import AppRequest, PaymentStatus

__all__ = [
    "CreateWebPayment",
    "GetWebPaymentChannels",
    "QueryWebPayment",
    "WebPayment",
    "WebPaymentSettled",
    "WebPaymentStatus",
    "WebPayments",
]


@result
class WebPayment(Result):
    """An order waiting for its payer: send the browser to `redirect_url`, which lives one hour.

    `transaction_id` is PayCools' id, by which the payment is inquired and refunded: keep it. `transaction_amount`
    (centavos) and `expires_time` stand in no table; answers of 2026 have them.
    """

    transaction_id: str
    redirect_url: str
    transaction_status: TransactionStatus | None = None
    transaction_amount: int | None = None
    expires_time: datetime | None = None


@endpoint(
    "ph.webpayment.create", "POST", "/api/v1/payment", nav="7.1", effect=CREATES, purpose=PAYMENT, provenance=DOCUMENTED
)
class CreateWebPayment(AppRequest[WebPayment]):
    """Create a web payment (7.1). Documented.

    `mch_order_id`: letters and digits, 1 to 32, unique per merchant. `amount`: centavos, 100 to 5,000,000 (PHP 500.10
    is 50010). `channel_code`: one; `WebPaymentChannel` has those known, no list is published. `email` and `mobile` are
    the payer's, or your own where the payer's are not known; a mobile number is taken as 09.., 639.. or +639.. and
    sent as 09xxxxxxxxx.
    `callback_url` gets the notification (7.4), `redirect_url` the payer's browser afterwards; 1 to 100 characters each.

    Raises DuplicateOrder, LimitExceeded, ChannelUnavailable, InvalidParameter ... and OutcomeUnknown. After the last
    nothing can be inquired (7.2 wants PayCools' id), and nobody holds the page's address, so nobody can pay on it:
    create the payment again under a fresh order id.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(100, 5_000_000)
    channel_code: str = code()
    email: str = text(1, pattern=EMAIL, personal=True)
    mobile: str = mobile()
    callback_url: str = text(1, 100, pattern=URL)
    redirect_url: str = text(1, 100, pattern=URL)
    customer_name: str | None = text(1, 100, default=None, personal=True)
    remark: str | None = text(1, default=None)


@result
class WebPaymentStatus(PaymentStatus):
    """Where a web payment stands. `amount` in centavos; times are Philippine.

    A filled `return_time` does not mean finished: PayCools' own sample has one on a PENDING payment. Decide on
    `transaction_status`.
    """


@endpoint("ph.webpayment.query", "GET", "/api/v1/payment/{transactionId}", nav="7.2", provenance=DOCUMENTED)
class QueryWebPayment(PHRequest[WebPaymentStatus]):
    """Check a web payment's status by PayCools' id (7.2). Documented. Raises NotFound.

    That `appId` and `sign` travel in the query string is inferred. The page lists `transactionId` beside them: should
    PayCools refuse the signature here only, make the client with `sign_path_parameters=True`.
    """

    # the page says length 20; ids of 19 characters were seen, so no length is demanded
    transaction_id: str = text(1, in_path=True)


@endpoint("ph.webpayment.channels", "GET", None, nav="7.3", provenance=UNPUBLISHED)
class GetWebPaymentChannels(PHRequest[Any]):
    """The channels of web payments (7.3). Unpublished: pass paths={"ph.webpayment.channels": "/..."} to the client.

    Neither path, fields nor answer are in a public document, so the answer's `data` comes back as it is. `extra`:
    the fields your account manager names, signed like the rest.
    """

    extra: dict[str, Any] = extra_fields(factory=dict)


@callback("ph.webpayment.callback", "h5.payment.success", "h5.payment.failed", nav="7.4", provenance=DOCUMENTED)
class WebPaymentSettled(PaymentEvent):
    """A web payment was paid or failed (7.4). Documented. Sent to `callback_url`. `amount` in centavos.

    The table of checkout's notification (9.5) names these events too, while its samples say checkout.payment.*:
    `checkout_id` is there for that case, and stands in no document.
    """

    checkout_id: str | None = None


class WebPayments(Product):
    """Payments on a page of PayCools, one channel an order."""

    create: Final = Call(CreateWebPayment)
    query: Final = Call(QueryWebPayment)
    channels: Final = Call(GetWebPaymentChannels)
