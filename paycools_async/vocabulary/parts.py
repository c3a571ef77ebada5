"""The objects that stand inside checkouts and payments."""

from __future__ import annotations

from ..endpoint import Request, shared
from ..fields import EMAIL, URL, code, integer, minor_units, phone, text

__all__ = ["CheckoutAddress", "CheckoutGoods"]


class _Part(Request[None]):
    """An object inside a request: rules and spelling as for a request, and no endpoint."""

    __slots__ = ()


@shared
class CheckoutGoods(_Part):
    """One article of a checkout. `price` in centavos. The keys are one integrator's (observed); none is documented."""

    name: str | None = text(1, default=None)
    price: int | None = minor_units(0, default=None)
    quantity: int | None = integer(1, default=None)
    sku: str | None = text(1, default=None)
    url: str | None = text(1, pattern=URL, default=None)
    category: str | None = text(1, default=None)


@shared
class CheckoutAddress(_Part):
    """A billing or shipping address. The keys are one integrator's (observed); none is documented.

    `redirect_url` was seen in the billing address only.
    """

    name: str | None = text(1, default=None, personal=True)
    customer_name: str | None = text(1, default=None, personal=True)
    address_line1: str | None = text(1, default=None, personal=True)
    address_line2: str | None = text(1, default=None, personal=True)
    city: str | None = text(1, default=None, personal=True)
    province: str | None = text(1, default=None, personal=True)
    post_code: str | None = text(1, default=None, personal=True)
    email: str | None = text(1, pattern=EMAIL, default=None, personal=True)
    mobile: str | None = phone(default=None)
    country_code: str | None = code(default=None)
    redirect_url: str | None = text(1, pattern=URL, default=None)
