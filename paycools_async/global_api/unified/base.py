"""What the unified payouts and payments share."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ...countries import CountryCode
from ...resolving import ABSENT_AFTER, KnownOrder, OrderProduct, OrderRequest

__all__ = ["UnifiedOrders"]

R = TypeVar("R")
S = TypeVar("S", bound=KnownOrder)


class UnifiedOrder(OrderRequest, Protocol):
    """An order that names its country."""

    @property
    def country_code(self) -> str: ...


Q = TypeVar("Q", bound=UnifiedOrder)


class UnifiedOrders(OrderProduct[Q, S, R]):
    """Payouts or payments found by order id and country."""

    async def find(self, mch_order_id: str, *, country_code: CountryCode) -> S | None:
        """The order's status, or None if PayCools does not know it."""
        return await self._status(self._inquiry(mch_order_id, country_code=country_code), mch_order_id)

    async def resolve(self, request: Q, *, absent_after: float = ABSENT_AFTER, resend: bool = False) -> S | R:
        """After OutcomeUnknown: find out what became of the order, and inquire until that is certain.

        As `resolve` of the payouts: absent for certain, it raises NotFound with outcome UNKNOWN, or with `resend` sends
        the very same request again, once.
        """
        inquiry = self._inquiry(request.mch_order_id, country_code=request.country_code)
        return await self._resolve(request, inquiry, absent_after=absent_after, resend=resend)

    async def wait_until_final(
        self,
        mch_order_id: str,
        *,
        country_code: CountryCode,
        within: float = 600.0,
        first_pause: float = 1.0,
        longest_pause: float = 30.0,
    ) -> S:
        """Inquire with growing pauses (seconds) until the order is COMPLETE, FAILED or CLOSED.

        Raises StillPending after `within` seconds, NotFound with outcome UNKNOWN if PayCools did not show the order,
        and OrderConflict where it shows another.
        """
        inquiry = self._inquiry(mch_order_id, country_code=country_code)
        return await self._wait_until_final(inquiry, mch_order_id, within, first_pause, longest_pause)
