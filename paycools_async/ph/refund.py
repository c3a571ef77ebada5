"""8. Refunds: money back to the payer of a completed payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..endpoint import PHRequest, callback, endpoint, result
from ..errors import FieldError
from ..fields import URL, minor_units, order_id, text
from ..product import Call
from ..resolving.products import RefundProduct
from ..traits import DOCUMENTED, REFUND
from ..vocabulary import refunds
from ..vocabulary.checks import one_given
from ..vocabulary.statuses import RefundStatus

__all__ = [
    "CreateRefund",
    "GetRefundPayments",
    "RefundReceipt",
    "RefundRecord",
    "RefundSettled",
    "RefundStatus",
    "Refunds",
]


@result
class RefundReceipt(refunds.RefundReceipt):
    """PayCools took the refund. It is not final: list the refunds or wait for the callback.

    `refund_transaction_id` is PayCools' id. `refund_amount` in centavos; the time is Philippine.
    """


@endpoint(
    "ph.refund.create",
    "POST",
    "/api/payment/refund",  # without /v1, on the old and the current site
    nav="8.1",
    purpose=REFUND,
    provenance=DOCUMENTED,
)
class CreateRefund(PHRequest[RefundReceipt]):
    """Refund a payment, whole or in part (8.1). Documented.

    `mch_refund_order_id`: letters and digits, 1 to 32, unique. `original_transaction_id`: PayCools' id of the payment.
    `refund_amount`: centavos. `refund_callback_url` gets the notification (8.3). Payments older than 60 days cannot
    be refunded; some channels refund not at all, once only, or the whole amount only (no list is published).

    Raises RefundRefused, NotFound (no such payment), InsufficientBalance, DuplicateOrder (this refund id got through
    before) ... and OutcomeUnknown, also for 1503 (PayCools' own failure): then
    `await paycools.refunds.resolve(error.request)`.
    """

    mch_refund_order_id: str = order_id()
    original_transaction_id: str = text(1)
    refund_amount: int = minor_units(1)
    refund_callback_url: str = text(1, pattern=URL)
    refund_reason: str | None = text(1, default=None)


@result
class RefundRecord(refunds.RefundRecord):
    """One refund of a payment. Amounts in centavos; times are Philippine.

    `failed_code` and `failed_message` come if the refund failed. PayCools' sample pairs -10009 with the words of
    -10010, so neither follows from the other, and only `refund_status` decides.
    """


@endpoint("ph.refund.payments", "GET", "/api/refund/payments", nav="8.2", provenance=DOCUMENTED)
class GetRefundPayments(PHRequest[list[RefundRecord]]):
    """The refunds of a payment, or one refund (8.2). Documented.

    Give PayCools' id of the payment (all its refunds) or of the refund. What PayCools answers where there is none,
    an empty list or NotFound, is not documented.
    """

    # the page says length 20, the Global API's page 1 to 32; ids are opaque, so no length is demanded
    original_transaction_id: str | None = text(1, default=None)
    refund_transaction_id: str | None = text(1, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        return one_given(self, "original_transaction_id", "refund_transaction_id")


@callback(
    "ph.refund.callback",
    "payment.refund.success",
    "payment.refund.failed",
    "payment.refund.cancel",
    nav="8.3",
    provenance=DOCUMENTED,
)
class RefundSettled(refunds.RefundEvent):
    """A refund became final (8.3). Documented. Sent to `refund_callback_url`. Amounts in centavos.

    Decide on `refund_status` alone: PayCools' own sample of a failure bears the event name payment.refund.success.
    """


class Refunds(RefundProduct[CreateRefund, RefundRecord, RefundReceipt]):
    """Money back."""

    create: Final = Call(CreateRefund)
    payments: Final = Call(GetRefundPayments)
