"""The objects that stand inside unified payments and checkouts, with the keys of the PH API's checkout."""

from __future__ import annotations

from ...endpoint import shared
from ...vocabulary.parts import CheckoutAddress, CheckoutGoods

__all__ = ["UnifiedAddress", "UnifiedGoods"]


@shared
class UnifiedGoods(CheckoutGoods):
    """One article. `price` in minor units. The keys are one integrator's for the PH API's page (observed)."""


@shared
class UnifiedAddress(CheckoutAddress):
    """A billing address. The keys are one integrator's for the PH API's page (observed); none is documented."""
