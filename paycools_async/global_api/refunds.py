"""7. Refunds of the Global API, the same for all countries: money back to the payer of a completed payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..endpoint import GlobalRequest, callback, endpoint, result
from ..errors import FieldError
from ..fields import URL, minor_units, order_id, text
from ..product import Call
from ..resolving.products import RefundProduct
from ..traits import DOCUMENTED, REFUND
from ..vocabulary import refunds
from ..vocabulary.checks import one_given
from ..vocabulary.statuses import RefundStatus
from .base import GlobalEvent, GlobalResult

__all__ = [
    "CreateGlobalRefund",
    "GetGlobalRefunds",
    "GlobalRefundReceipt",
    "GlobalRefundRecord",
    "GlobalRefundSettled",
    "GlobalRefunds",
    "RefundStatus",
]


@result
class GlobalRefundReceipt(GlobalResult, refunds.RefundReceipt):
    """PayCools took the refund. It is not final: list the refunds or wait for the notification.

    `refund_transaction_id` is PayCools' id. `refund_amount` in minor units (whole rupiah in Indonesia).
    """


@endpoint("global.refund.create", "POST", "/open-api/payment/refund", nav="7.1", purpose=REFUND, provenance=DOCUMENTED)
class CreateGlobalRefund(GlobalRequest[GlobalRefundReceipt]):
    """Refund a payment of any country, whole or in part (7.1). Documented on a Thai edition of the page.

    `mch_refund_order_id`: letters and digits, 1 to 32, unique. `original_transaction_id`: PayCools' id of the payment.
    `refund_amount`: minor units (whole rupiah in Indonesia). `refund_callback_url` gets the notification (7.3).
    Payments older than 60 days cannot be refunded; some channels allow whole or partial refunds only.

    Raises RefundRefused, NotFound, InsufficientBalance, DuplicateOrder (this refund id got through before) ... and
    OutcomeUnknown: then `await paycools.refunds.resolve(error.request)`.
    """

    mch_refund_order_id: str = order_id()
    original_transaction_id: str = text(1, 32)
    refund_amount: int = minor_units(1)
    refund_callback_url: str = text(1, 256, pattern=URL)
    refund_reason: str | None = text(1, 200, default=None)


@result
class GlobalRefundRecord(GlobalResult, refunds.RefundRecord):
    """One refund of a payment. Amounts in minor units (whole rupiah in Indonesia). Only `refund_status` decides."""


@endpoint("global.refund.query", "POST", "/open-api/refund/payments", nav="7.2", provenance=DOCUMENTED)
class GetGlobalRefunds(GlobalRequest[list[GlobalRefundRecord]]):
    """The refunds of a payment, or one refund (7.2). Documented.

    Give PayCools' id of the payment (all its refunds) or of the refund. What PayCools answers where there is none, an
    empty list or NotFound, is not documented.
    """

    original_transaction_id: str | None = text(1, 32, default=None)
    refund_transaction_id: str | None = text(1, 32, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        return one_given(self, "original_transaction_id", "refund_transaction_id")


@callback(
    "global.refund.notification",
    "payment.refund.success",
    "payment.refund.failed",
    "payment.refund.cancel",
    nav="7.3",
    provenance=DOCUMENTED,
)
class GlobalRefundSettled(GlobalEvent, refunds.RefundEvent):
    """A refund became final (7.3). Documented. Sent to `refund_callback_url`. Amounts in minor units.

    Decide on `refund_status`, which is COMPLETE here where payments say COMPLETED. The times' zone is inferred: the
    published sample's id holds its own moment, eight hours behind the text (UTC+8).
    """


class GlobalRefunds(RefundProduct[CreateGlobalRefund, GlobalRefundRecord, GlobalRefundReceipt]):
    """Money back."""

    create: Final = Call(CreateGlobalRefund)
    payments: Final = Call(GetGlobalRefunds)
