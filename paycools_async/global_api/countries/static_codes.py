"""Static codes: one code, many payments of any amount. What all countries share, and the Philippines' codes (2.3).

The codes of Indonesia and Thailand are in `static_twins`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs

from ...countries import PHILIPPINES
from ...endpoint import Effect, GlobalRequest, Provenance, Purpose, callback, endpoint, result, shared
from ...enums import OpenEnum
from ...errors import FieldError
from ...fields import EMAIL, URL, code, day, extra_fields, mobile, order_id, text
from ...product import Call, Product
from ...vocabulary.checks import days_in_order
from ...vocabulary.statuses import TransactionStatus
from ..base import ChannelType, GlobalResult, PaymentEvent

__all__ = [
    "CancelPhilippineStaticCode",
    "CreatePhilippineStaticCode",
    "GetPhilippineStaticCode",
    "GetPhilippineStaticPayments",
    "PhilippineStaticCodes",
    "PhilippineStaticPaymentSettled",
    "StaticCode",
    "StaticCodeStatus",
    "StaticPayment",
]

R = TypeVar("R")


class StaticCodeStatus(OpenEnum):
    """Whether a static code takes payments. Only CANCEL is documented; a relative of the pages has ACTIVE."""

    ACTIVE = "ACTIVE"
    CANCEL = "CANCEL"
    """What a cancellation answers."""


@result
class StaticCode(GlobalResult):
    """A code that stands for good and takes many payments.

    `pay_data` is a QR text, a virtual account's number or a URL, as `channel_type` says.
    """

    mch_order_id: str
    pay_data: str | None = None
    channel_code: str | None = None
    channel_type: ChannelType | None = None
    status: StaticCodeStatus | None = None
    create_time: datetime | None = None
    expires_time: datetime | None = None
    """In the answer of a cancellation only."""


@result
class StaticPayment(GlobalResult):
    """One payment that a static code received; `transaction_id` is its key.

    No page of the static list is public: these are the fields of its relatives in Thailand and Indonesia.
    `transaction_amount` in minor units (whole rupiah in Indonesia).
    """

    transaction_id: str
    transaction_amount: int | None = None
    transaction_status: TransactionStatus | None = None
    transaction_create_time: datetime | None = None
    transaction_return_time: datetime | None = None
    """When it was completed."""
    channel_code: str | None = None
    mch_order_id: str | None = None
    reference_number: str | None = attrs.field(default=None, repr=False)
    """The number paid to, in Indonesia's relative."""
    remark: str | None = None


@shared
class StaticCodeOrder(GlobalRequest[R]):
    """What a new static code needs in every country; each adds its own rule for `mobile`."""

    mch_order_id: str = order_id()
    customer_name: str = text(1, 128, personal=True)
    channel_code: str = code()
    # the Philippine example leaves it out, its table requires it: without it nobody would hear of the payments
    notify_url: str = text(1, 256, pattern=URL)
    email: str = text(1, 128, pattern=EMAIL, personal=True)
    remark: str | None = text(1, 256, default=None)
    pay_mode: str | None = code(default=None)


@shared
class StaticCodeInquiry(GlobalRequest[R]):
    """The fields of every country's inquiry for a code."""

    mch_order_id: str = order_id()
    extra: dict[str, Any] = extra_fields(factory=dict)


@shared
class StaticPaymentsInquiry(GlobalRequest[R]):
    """The fields of every country's inquiry for the payments on a code."""

    mch_order_id: str = order_id()
    start_date: str | None = day(default=None)
    end_date: str | None = day(default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        return days_in_order(self.start_date, self.end_date)


# 2.3 The Philippines


@endpoint(
    "global.ph.static.create",
    "POST",
    "/open-api/philippines/static/payment/generate",
    nav="2.3.1",
    country=PHILIPPINES,
    effect=Effect.CREATES,
    purpose=Purpose.ACCOUNT,
    provenance=Provenance.DOCUMENTED,
)
class CreatePhilippineStaticCode(StaticCodeOrder[StaticCode]):
    """Create a static QR code that takes many payments of any amount (2.3.1). Documented.

    `channel_code`: `PhilippineChannel.QRPH_STATIC` is the only one seen. `notify_url` gets a callback for every
    payment. `mobile`: 09.., 639.. or +639.., sent as 09xxxxxxxxx. `pay_mode` stands in the page's example alone
    ("WEB"), without a word on its meaning.
    """

    mobile: str = mobile()


@endpoint("global.ph.static.detail", "POST", None, nav="2.3.2", country=PHILIPPINES, provenance=Provenance.UNPUBLISHED)
class GetPhilippineStaticCode(StaticCodeInquiry[StaticCode]):
    """Get a static code (2.3.2). Unpublished: pass paths={"global.ph.static.detail": "/..."}.

    Its fields are inferred from creation and cancellation; `extra` adds others.
    """


@endpoint(
    "global.ph.static.payments", "POST", None, nav="2.3.3", country=PHILIPPINES, provenance=Provenance.UNPUBLISHED
)
class GetPhilippineStaticPayments(StaticPaymentsInquiry[list[StaticPayment]]):
    """The payments that a static code received (2.3.3). Unpublished: pass paths={"global.ph.static.payments": "/..."}.

    Its fields are those of the Thai and Indonesian relatives, which require both days (yyyy-MM-dd); `extra` adds
    others.
    """


@callback(
    "global.ph.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="2.3.4",
    country=PHILIPPINES,
    provenance=Provenance.DOCUMENTED,
)
class PhilippineStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in the Philippines became final (2.3.4). Documented. Centavos."""


@endpoint(
    "global.ph.static.cancel",
    "POST",
    "/open-api/philippines/static/code/cancel",
    nav="2.3.5",
    country=PHILIPPINES,
    effect=Effect.CREATES,
    purpose=Purpose.CHANGE,
    provenance=Provenance.DOCUMENTED,
)
class CancelPhilippineStaticCode(GlobalRequest[StaticCode]):
    """Cancel a static code (2.3.5); its status is CANCEL then. Documented. Raises NotFound."""

    mch_order_id: str = order_id()
    channel_code: str = code()


class PhilippineStaticCodes(Product):
    """Static QR codes in the Philippines."""

    create: Final = Call(CreatePhilippineStaticCode)
    detail: Final = Call(GetPhilippineStaticCode)
    payments: Final = Call(GetPhilippineStaticPayments)
    cancel: Final = Call(CancelPhilippineStaticCode)
