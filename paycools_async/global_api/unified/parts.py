"""The objects that stand inside unified payments and checkouts, with the keys of the PH API's checkout."""

from __future__ import annotations

import attrs

from ...vocabulary.parts import CheckoutAddress, CheckoutGoods

__all__ = ["UnifiedAddress", "UnifiedGoods"]


@attrs.frozen(kw_only=True)
class UnifiedGoods(CheckoutGoods):
    """One article. `price` in minor units. The keys are one integrator's for the PH API's page (observed)."""


@attrs.frozen(kw_only=True)
class UnifiedAddress(CheckoutAddress):
    """A billing address. The keys are one integrator's for the PH API's page (observed); none is documented."""
