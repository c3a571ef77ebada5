"""The objects that stand inside unified payments and checkouts."""

from __future__ import annotations

import attrs

from ..endpoint import Request
from ..fields import EMAIL, URL, integer, minor_units, text

__all__ = ["UnifiedAddress", "UnifiedGoods"]


class _Part(Request[None]):
    """An object inside a request: rules and spelling as for a request, and no endpoint."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class UnifiedGoods(_Part):
    """One article. `price` in minor units. The keys are one integrator's for the PH API's twin (observed)."""

    name: str | None = text(1, default=None)
    price: int | None = minor_units(0, default=None)
    quantity: int | None = integer(1, default=None)
    sku: str | None = text(1, default=None)
    url: str | None = text(1, pattern=URL, default=None)
    category: str | None = text(1, default=None)


@attrs.frozen(kw_only=True)
class UnifiedAddress(_Part):
    """A billing address. The keys are one integrator's for the PH API's twin (observed); none is documented."""

    name: str | None = text(1, default=None, personal=True)
    customer_name: str | None = text(1, default=None, personal=True)
    address_line1: str | None = text(1, default=None, personal=True)
    address_line2: str | None = text(1, default=None, personal=True)
    city: str | None = text(1, default=None, personal=True)
    province: str | None = text(1, default=None, personal=True)
    post_code: str | None = text(1, default=None, personal=True)
    email: str | None = text(1, pattern=EMAIL, default=None, personal=True)
    mobile: str | None = text(1, default=None, personal=True)
    country_code: str | None = text(1, default=None)
    redirect_url: str | None = text(1, pattern=URL, default=None)
