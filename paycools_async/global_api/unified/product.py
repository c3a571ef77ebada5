"""The unified generation of the Global API: one path for all countries, the country among the fields."""

from __future__ import annotations

from ...product import Sender
from .checkout import UnifiedCheckout
from .payments import UnifiedPayments
from .payouts import UnifiedPayouts

__all__ = ["Unified"]


class Unified:
    """All countries by one path: `.payments`, `.payouts` and `.checkout`."""

    def __init__(self, client: Sender) -> None:
        self.payments: UnifiedPayments = UnifiedPayments(client)
        self.payouts: UnifiedPayouts = UnifiedPayouts(client)
        self.checkout: UnifiedCheckout = UnifiedCheckout(client)
