"""What the payouts of all countries, and payments, share: find, resolve, wait until final."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeVar

from ..endpoint import Request
from ..errors import NotFound, OrderConflict, StillPending
from ..product import Product
from .common import GlobalPaymentStatus, GlobalPayoutReceipt, GlobalPayoutStatus

__all__ = ["CountryPayouts", "OrderProduct", "PayoutOrder"]

S = TypeVar("S", GlobalPayoutStatus, GlobalPaymentStatus)

_NOT_FOUND = 21006


class PayoutOrder(Protocol):
    """What decides whether an order that PayCools knows is this very one."""

    @property
    def mch_order_id(self) -> str: ...

    @property
    def amount(self) -> int: ...


class OrderProduct(Product):
    """Payouts or payments, inquired by order id in any way."""

    _absent = _NOT_FOUND

    async def _found(self, inquiry: Request[S]) -> S | None:
        try:
            status: S = await self._client.send(inquiry)
        except NotFound:
            return None
        return status

    async def _resolved(self, order: PayoutOrder, inquiry: Request[S], *, absent_after: float, resend: bool) -> Any:
        async def inquire() -> S | None:
            status = await self._found(inquiry)
            if status is not None and status.mch_order_id != order.mch_order_id:
                raise OrderConflict(f"PayCools answered with another order than {order.mch_order_id}")
            if status is not None and status.amount not in (None, order.amount):
                raise OrderConflict(
                    f"PayCools knows order {order.mch_order_id} with amount {status.amount}, ours is {order.amount}"
                )
            return status

        request: Any = order
        return await self._find_or_resend(inquire, request, absent_after=absent_after, resend=resend)

    async def _final(self, inquiry: Request[S], *, within: float, first_pause: float, longest_pause: float) -> S:
        clock = self._client.clock
        end = clock.monotonic() + within
        pause = first_pause
        while True:
            status = await self._found(inquiry)
            if status is not None and status.transaction_status.final:
                return status
            left = end - clock.monotonic()
            if left <= 0:
                if status is None:
                    raise NotFound(_NOT_FOUND, "transaction not found")
                raise StillPending(
                    f"order {status.mch_order_id} is still {status.transaction_status} after {within:g} seconds"
                )
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, longest_pause)


class CountryPayouts(OrderProduct):
    """Money out in one country. A country's class adds `create` and `query`, and makes its inquiry in `_inquiry`."""

    _creation: ClassVar[type[Any]]
    """The class of the country's payouts."""

    def _inquiry(self, mch_order_id: str) -> Request[GlobalPayoutStatus]:
        raise NotImplementedError

    async def find(self, mch_order_id: str) -> GlobalPayoutStatus | None:
        """The payout's status, or None if PayCools does not know the order."""
        return await self._found(self._inquiry(mch_order_id))

    async def resolve(
        self, request: PayoutOrder, *, absent_after: float = 5.0, resend: bool = True
    ) -> GlobalPayoutStatus | GlobalPayoutReceipt:
        """After OutcomeUnknown: find out, and only if PayCools does not know the order, send the same again.

        Inquires by order id. Found: returns its status. Absent in two inquiries at least `absent_after` seconds
        apart: sends the very same request again, under the same ids (unless `resend` is False: NotFound is raised).
        Raises OrderConflict where PayCools knows the id with another amount, and OutcomeUnknown if the second sending
        is unclear too: then resolve again. TypeError for another country's request, which would not be found here.
        """
        if not isinstance(request, self._creation):
            raise TypeError(f"{type(self).__name__} resolves {self._creation.__name__}, not {type(request).__name__}")
        inquiry = self._inquiry(request.mch_order_id)
        found: GlobalPayoutStatus | GlobalPayoutReceipt = await self._resolved(
            request, inquiry, absent_after=absent_after, resend=resend
        )
        return found

    async def wait_until_final(
        self, mch_order_id: str, *, within: float = 600.0, first_pause: float = 1.0, longest_pause: float = 30.0
    ) -> GlobalPayoutStatus:
        """Inquire with growing pauses (seconds) until the payout is COMPLETE, FAILED or CLOSED.

        Raises StillPending after `within` seconds, and NotFound if PayCools never knew the order.
        """
        return await self._final(
            self._inquiry(mch_order_id), within=within, first_pause=first_pause, longest_pause=longest_pause
        )
