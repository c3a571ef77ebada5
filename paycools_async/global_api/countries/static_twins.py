"""Static codes of Indonesia (3.3) and Thailand (5.3): twins of the Philippine ones.

Path and fields of the creation are inferred; the detail and the list of payments are unpublished; no call to cancel a
code is in the navigation.
"""

from __future__ import annotations

from typing import ClassVar, Final

from ...countries import ID_MOBILE, INDONESIA, TH_MOBILE, THAILAND
from ...endpoint import Effect, Provenance, Purpose, callback, endpoint, result
from ...fields import mobile
from ...product import Call, Product
from ..base import PaymentEvent
from .static_codes import StaticCode, StaticCodeInquiry, StaticCodeOrder, StaticPayment, StaticPaymentsInquiry

__all__ = [
    "CreateIndonesianStaticCode",
    "CreateThaiStaticCode",
    "GetIndonesianStaticCode",
    "GetIndonesianStaticPayments",
    "GetThaiStaticCode",
    "GetThaiStaticPayments",
    "IndonesianStaticCode",
    "IndonesianStaticCodes",
    "IndonesianStaticPayment",
    "IndonesianStaticPaymentSettled",
    "ThaiStaticCode",
    "ThaiStaticCodes",
    "ThaiStaticPayment",
    "ThaiStaticPaymentSettled",
]


# 3.3 Indonesia


@result
class IndonesianStaticCode(StaticCode):
    """A static code in Indonesia. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@result
class IndonesianStaticPayment(StaticPayment):
    """A payment on a static code in Indonesia. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@endpoint(
    "global.id.static.create",
    "POST",
    "/open-api/indonesia/static/payment/generate",
    nav="3.3.1",
    country=INDONESIA,
    effect=Effect.CREATES,
    purpose=Purpose.ACCOUNT,
    provenance=Provenance.INFERRED,
)
class CreateIndonesianStaticCode(StaticCodeOrder[IndonesianStaticCode]):
    """Create a static code that takes many payments (3.3.1). Path and fields are inferred from the Philippine twin.

    `channel_code`: no static channel of Indonesia was seen. `notify_url` gets a callback for every payment. `mobile`:
    08.., 628.. or +628.., sent as 08 and 8 to 11 more digits. `pay_mode` stands in the twin's example alone ("WEB").
    """

    mobile: str = mobile(ID_MOBILE)


@endpoint("global.id.static.detail", "POST", None, nav="3.3.2", country=INDONESIA, provenance=Provenance.UNPUBLISHED)
class GetIndonesianStaticCode(StaticCodeInquiry[IndonesianStaticCode]):
    """Get a static code (3.3.2). Unpublished: pass paths={"global.id.static.detail": "/..."}.

    Its fields are inferred from creation; `extra` adds others.
    """


@endpoint("global.id.static.payments", "POST", None, nav="3.3.3", country=INDONESIA, provenance=Provenance.UNPUBLISHED)
class GetIndonesianStaticPayments(StaticPaymentsInquiry[list[IndonesianStaticPayment]]):
    """The payments that a static code received (3.3.3). Unpublished: pass paths={"global.id.static.payments": "/..."}.

    Its fields are those of relatives, which require both days (yyyy-MM-dd); `extra` adds others.
    """


@callback(
    "global.id.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="3.3.4",
    country=INDONESIA,
    provenance=Provenance.INFERRED,
)
class IndonesianStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in Indonesia became final (3.3.4). Inferred from the Philippine twin. Rupiah."""


class IndonesianStaticCodes(Product):
    """Static codes in Indonesia; no call to cancel one is in the navigation."""

    create: Final = Call(CreateIndonesianStaticCode)
    detail: Final = Call(GetIndonesianStaticCode)
    payments: Final = Call(GetIndonesianStaticPayments)


# 5.3 Thailand


@result
class ThaiStaticCode(StaticCode):
    """A static code in Thailand. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@result
class ThaiStaticPayment(StaticPayment):
    """A payment on a static code in Thailand. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@endpoint(
    "global.th.static.create",
    "POST",
    "/open-api/thailand/static/payment/generate",
    nav="5.3.1",
    country=THAILAND,
    effect=Effect.CREATES,
    purpose=Purpose.ACCOUNT,
    provenance=Provenance.INFERRED,
)
class CreateThaiStaticCode(StaticCodeOrder[ThaiStaticCode]):
    """Create a static code that takes many payments (5.3.1). Path and fields are inferred from the Philippine twin.

    `channel_code`: no static channel of Thailand was seen. `notify_url` gets a callback for every payment. `mobile`:
    06.., 08.. or 09.., also with 66 or +66 for the 0. `pay_mode` stands in the twin's example alone ("WEB").
    """

    mobile: str = mobile(TH_MOBILE)


@endpoint("global.th.static.detail", "POST", None, nav="5.3.2", country=THAILAND, provenance=Provenance.UNPUBLISHED)
class GetThaiStaticCode(StaticCodeInquiry[ThaiStaticCode]):
    """Get a static code (5.3.2). Unpublished: pass paths={"global.th.static.detail": "/..."}.

    Its fields are inferred from creation; `extra` adds others.
    """


@endpoint("global.th.static.payments", "POST", None, nav="5.3.3", country=THAILAND, provenance=Provenance.UNPUBLISHED)
class GetThaiStaticPayments(StaticPaymentsInquiry[list[ThaiStaticPayment]]):
    """The payments that a static code received (5.3.3). Unpublished: pass paths={"global.th.static.payments": "/..."}.

    Its fields are those of relatives, which require both days (yyyy-MM-dd); `extra` adds others.
    """


@callback(
    "global.th.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="5.3.4",
    country=THAILAND,
    provenance=Provenance.INFERRED,
)
class ThaiStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in Thailand became final (5.3.4). Inferred from the Philippine twin. Satang."""


class ThaiStaticCodes(Product):
    """Static codes in Thailand; no call to cancel one is in the navigation."""

    create: Final = Call(CreateThaiStaticCode)
    detail: Final = Call(GetThaiStaticCode)
    payments: Final = Call(GetThaiStaticPayments)
