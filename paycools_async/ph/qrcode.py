"""5. QR codes: QRPH codes shown to a customer, for one payment or for many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs

from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..enums import OpenEnum
from ..errors import FieldError
from ..fields import EMAIL, URL, code, integer, minor_units, order_id, text
from ..product import Call, Product
from ..traits import CHANGE, CODE, DOCUMENTED, INFERRED
from ..vocabulary.events import PaymentEvent
from .base import AppRequest
from .static_accounts import PaymentsOfDays

__all__ = [
    "QR",
    "CancelQR",
    "CreateQR",
    "GetQR",
    "GetQRPayments",
    "QRChannel",
    "QRCode",
    "QRPaymentSettled",
    "QRStatus",
    "UpdateQR",
]


class QRChannel(OpenEnum):
    """The kinds of QR code that the page of 5.1 names."""

    STATIC = "QRPH_STATIC_QR"
    """Stands for good and takes many payments; the amount is optional."""
    DYNAMIC = "QRPH_DYNAMIC_QR"
    """Bears an amount and expires."""
    HYBRID = "QRPH_HYBRID_QR"
    """Bears an amount and expires, too; the page says no more of it."""


class QRStatus(OpenEnum):
    """Whether a QR code takes payments."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    """What a cancellation answers."""
    CANCEL = "CANCEL"
    """Listed for 5.2 only."""


@result
class QRCode(Result):
    """A QR code. Draw `qrcode_content` as a picture, or send the customer to `qr_link`, PayCools' page with it.

    Times are Philippine. `expires_time` was seen in a white-label edition only.
    """

    # both spellings occur: qrcodeId in this API, qrCode... in its relatives
    qrcode_id: str = attrs.field(metadata={"aliases": ("qrCodeId",)})
    mch_order_id: str | None = None
    qrcode_content: str | None = attrs.field(default=None, repr=False, metadata={"aliases": ("qrCodeContent",)})
    channel_code: str | None = None
    callback_url: str | None = None
    create_time: datetime | None = None
    update_time: datetime | None = None
    expires_time: datetime | None = None
    remark: str | None = None
    status: QRStatus | None = None
    qr_link: str | None = None


_BEARS_AN_AMOUNT = (QRChannel.DYNAMIC, QRChannel.HYBRID)


@endpoint("ph.qrcode.create", "POST", "/api/v1/qrcode", nav="5.1", purpose=CODE, provenance=DOCUMENTED)
class CreateQR(AppRequest[QRCode]):
    """Create a QR code (5.1). Documented.

    `mch_order_id`: letters and digits, 1 to 32; one code a customer or bill. `channel_code`: see `QRChannel`.
    `amount`: centavos, at least 2000 (PHP 20.00); required for dynamic and hybrid codes. `customer_name`: first,
    middle and last name. `callback_url`: takes the place of the address set in the merchant portal.
    `expire_seconds`: 60 to 3600, 3600 by default; acts on dynamic and hybrid codes only, and stands in the newer copy
    of the page only. Without it such a code stays payable for an hour, whatever your shop's deadline.

    Raises DuplicateOrder (1012), ChannelUnavailable (1011), InvalidParameter (1009, 1020) and OutcomeUnknown: then
    `detail` tells whether the code is there.
    """

    # two copies of the page differ in lengths (100/128, 50/128, 150/256, none/256); the longer ones are taken
    mch_order_id: str = order_id()
    channel_code: str = code()
    customer_name: str = text(1, 128, personal=True)
    amount: int | None = minor_units(2000, default=None)
    callback_url: str | None = text(1, 256, pattern=URL, default=None)
    email: str | None = text(1, 128, pattern=EMAIL, default=None, personal=True)
    remark: str | None = text(1, 256, default=None)
    expire_seconds: int | None = integer(60, 3600, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        if self.amount is None and self.channel_code in _BEARS_AN_AMOUNT:
            yield FieldError("amount", "is required for dynamic and hybrid codes")


@endpoint("ph.qrcode.detail", "GET", "/api/v1/qrcode/detail", nav="5.2", provenance=INFERRED)
class GetQR(PHRequest[QRCode]):
    """Get a QR code (5.2). Method, parameter and answer are documented; the **path is inferred** from a sibling.

    The first use warns (UnverifiedEndpointWarning). Another path goes into paths={"ph.qrcode.detail": "/..."}.
    Raises NotFound.
    """

    mch_order_id: str = order_id()


@endpoint("ph.qrcode.payments", "GET", "/api/v1/qrcode/{mchOrderId}/payments", nav="5.3", provenance=DOCUMENTED)
class GetQRPayments(PaymentsOfDays):
    """The payments that a QR code received (5.3); all at once, there are no pages. Documented.

    Days are Philippine, yyyy-MM-dd. `mch_order_id` stands in the path; by default it is not signed (inferred; see
    `sign_path_parameters` of the client).
    """


@endpoint("ph.qrcode.cancel", "POST", "/api/v1/qrcode/cancel", nav="5.4", purpose=CHANGE, provenance=DOCUMENTED)
class CancelQR(PHRequest[QRCode]):
    """Cancel a QR code (5.4); its status is INACTIVE then. Documented. Raises NotFound."""

    mch_order_id: str = order_id()


@callback("ph.qrcode.callback", "qrcode.payment.success", "qrcode.payment.failed", nav="5.5", provenance=DOCUMENTED)
class QRPaymentSettled(PaymentEvent):
    """A payment on a QR code became final (5.5). Documented.

    `transaction_id` is unique to the payment: a static code receives many, and sends successes only. `amount` in
    centavos (inferred from 5.1). It goes to the code's `callback_url`, else to the address set in the merchant portal.
    """


@endpoint("ph.qrcode.update", "POST", "/api/v1/qrcode/update", nav="5.6", purpose=CHANGE, provenance=DOCUMENTED)
class UpdateQR(PHRequest[QRCode]):
    """Change the customer data of a QR code (5.6); its amount and channel stay. Documented. Raises NotFound."""

    mch_order_id: str = order_id()
    # this page says 100 and 50; what 5.1 took must pass here too
    customer_name: str = text(1, 128, personal=True)
    callback_url: str | None = text(1, pattern=URL, default=None)
    email: str | None = text(1, 128, pattern=EMAIL, default=None, personal=True)
    remark: str | None = text(1, default=None)


class QR(Product):
    """QR codes."""

    create: Final = Call(CreateQR)
    detail: Final = Call(GetQR)
    payments: Final = Call(GetQRPayments)
    cancel: Final = Call(CancelQR)
    update: Final = Call(UpdateQR)
