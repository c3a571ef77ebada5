"""6. Russia: payments, in kopecks. No Russian page is public.

Everything here is inferred from the other countries. The documented way is the unified call with `country_code="RU"`
(`paycools.unified`).
"""

from __future__ import annotations

from typing import Final

from ...countries import RUSSIA
from ...endpoint import callback, endpoint
from ...fields import phone
from ...product import Call, Product, Sender
from ...traits import CREATES, INFERRED, PAYMENT
from ..base import (
    GlobalPaymentStatus,
    PaymentEvent,
)
from .base import CountryPayment, OrderInquiry

__all__ = [
    "CreateRussianPayment",
    "QueryRussianPayment",
    "Russia",
    "RussianPaymentSettled",
    "RussianPayments",
]


@endpoint(
    "global.ru.payment.create",
    "POST",
    "/open-api/russia/payment/generate",
    nav="6.1.1",
    country=RUSSIA,
    effect=CREATES,
    purpose=PAYMENT,
    provenance=INFERRED,
)
class CreateRussianPayment(CountryPayment):
    """Ask a customer in Russia for one payment (6.1.1). Path and fields are inferred from the other countries.

    `mch_order_id`: letters and digits, 1 to 32, unique per payment. `amount`: kopecks, by the unified call's general
    rule (RUB 500.10 is 50010). `mobile`: 10 to 14 characters, as in the unified call; Russia's own rule is not known.
    No channel is known. `redirect_url`: required for channels of the kind URL.
    """

    mobile: str = phone(10, 14)


@endpoint(
    "global.ru.payment.query",
    "POST",
    "/open-api/russia/payment/query",
    nav="6.1.2",
    country=RUSSIA,
    provenance=INFERRED,
)
class QueryRussianPayment(OrderInquiry[GlobalPaymentStatus]):
    """Check a payment's status by order id (6.1.2). The path is inferred from the Philippine one. Raises NotFound."""


@callback(
    "global.ru.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="6.1.3",
    country=RUSSIA,
    provenance=INFERRED,
)
class RussianPaymentSettled(PaymentEvent):
    """A payment in Russia became final (6.1.3). Inferred from the Indonesian page. Kopecks."""


class RussianPayments(Product):
    """Single payments of customers in Russia."""

    create: Final = Call(CreateRussianPayment)
    query: Final = Call(QueryRussianPayment)


class Russia:
    """Russia: `.payments` only."""

    def __init__(self, client: Sender) -> None:
        self.payments: RussianPayments = RussianPayments(client)
