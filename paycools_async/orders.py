"""What both APIs' payouts, payments and refunds do by order id: find, resolve, wait until final."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from .endpoint import Request
from .enums import TransactionStatus
from .errors import NotFound, OrderConflict, StillPending
from .product import Product

__all__ = ["Order", "OrderProduct", "OrderStatus", "PayoutProduct", "RefundProduct", "check_amount", "check_order_id"]

R = TypeVar("R")


def check_amount(order: str, known: int | None, ours: int) -> None:
    """Raise OrderConflict where PayCools knows the order with another amount (minor units); `order` names it."""
    if known not in (None, ours):
        raise OrderConflict(f"PayCools knows {order} with amount {known}, ours is {ours}")


def check_order_id(answered: str, ours: str) -> None:
    """Raise OrderConflict where an answer is about another order than ours."""
    if answered != ours:
        raise OrderConflict(f"PayCools answered with another order than {ours}")


class Order(Protocol):
    """A request that is known by the merchant's order id."""

    @property
    def mch_order_id(self) -> str: ...

    @property
    def amount(self) -> int: ...


class OrderStatus(Protocol):
    """What PayCools says of an order."""

    @property
    def mch_order_id(self) -> str: ...

    @property
    def amount(self) -> int | None: ...

    @property
    def transaction_status(self) -> TransactionStatus: ...


Q = TypeVar("Q", bound=Order)
S = TypeVar("S", bound=OrderStatus)


class OrderProduct(Product, Generic[Q, S, R]):
    """Payouts or payments inquired by order id. `Q` is the class that orders one, `S` the status, `R` the receipt."""

    _creation: ClassVar[type[Any]]
    """The class of `Q`."""

    async def _resolve(self, request: Q, inquiry: Request[S], *, absent_after: float, resend: bool) -> S | R:
        if not isinstance(request, self._creation):  # another country's, say, which would not be found here
            raise TypeError(f"{type(self).__name__} resolves {self._creation.__name__}, not {type(request).__name__}")

        async def inquire() -> S | None:
            status = await self._found(inquiry)
            if status is not None:
                check_order_id(status.mch_order_id, request.mch_order_id)
                check_amount(f"order {request.mch_order_id}", status.amount, request.amount)
            return status

        order: Any = request  # it is a `Request[R]` too, which a bound cannot say
        found: S | R = await self._find_or_resend(inquire, order, absent_after=absent_after, resend=resend)
        return found

    async def _wait_until_final(
        self, inquiry: Request[S], mch_order_id: str, *, within: float, first_pause: float, longest_pause: float
    ) -> S:
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
                    raise NotFound(self._absent, "transaction not found")
                raise StillPending(
                    f"order {mch_order_id} is still {status.transaction_status} after {within:g} seconds"
                )
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, longest_pause)


class PayoutProduct(OrderProduct[Q, S, R]):
    """Money out. A subclass adds `create` and `query`, and makes its inquiry in `_inquiry`."""

    def _inquiry(self, mch_order_id: str) -> Request[S]:
        raise NotImplementedError

    async def find(self, mch_order_id: str) -> S | None:
        """The payout's status, or None if PayCools does not know the order."""
        return await self._found(self._inquiry(mch_order_id))

    async def resolve(self, request: Q, *, absent_after: float = 5.0, resend: bool = True) -> S | R:
        """After OutcomeUnknown: find out, and only if PayCools does not know the order, send the same again.

        Inquires by order id. Found: returns its status. Absent in two inquiries at least `absent_after` seconds
        apart: sends the very same request again, under the same ids (unless `resend` is False: NotFound is raised).
        Raises OrderConflict where PayCools knows the id with another amount, and OutcomeUnknown if the second sending
        is unclear too: then resolve again. TypeError for another country's request, which would not be found here.
        """
        inquiry = self._inquiry(request.mch_order_id)
        return await self._resolve(request, inquiry, absent_after=absent_after, resend=resend)

    async def wait_until_final(
        self, mch_order_id: str, *, within: float = 600.0, first_pause: float = 1.0, longest_pause: float = 30.0
    ) -> S:
        """Inquire with growing pauses (seconds) until the payout is COMPLETE, FAILED or CLOSED.

        Raises StillPending after `within` seconds, and NotFound if PayCools never knew the order.
        """
        return await self._wait_until_final(
            self._inquiry(mch_order_id),
            mch_order_id,
            within=within,
            first_pause=first_pause,
            longest_pause=longest_pause,
        )


class RefundOrder(Protocol):
    """A request for a refund."""

    @property
    def mch_refund_order_id(self) -> str: ...

    @property
    def original_transaction_id(self) -> str: ...

    @property
    def refund_amount(self) -> int: ...


class KnownRefund(Protocol):
    """What PayCools says of a refund."""

    @property
    def mch_refund_order_id(self) -> str | None: ...

    @property
    def refund_amount(self) -> int | None: ...


RQ = TypeVar("RQ", bound=RefundOrder)
RS = TypeVar("RS", bound=KnownRefund)


class RefundProduct(Product, Generic[RQ, RS, R]):
    """Money back. A subclass adds `create` and `payments`, and makes its inquiry in `_refunds_of`."""

    def _refunds_of(self, original_transaction_id: str) -> Request[list[RS]]:
        raise NotImplementedError

    async def find(self, mch_refund_order_id: str, *, original_transaction_id: str) -> RS | None:
        """The refund with your id, or None if PayCools lists none for this payment.

        PayCools inquires by its own ids only, so the payment's refunds are listed and yours is picked.
        """
        records = await self._found(self._refunds_of(original_transaction_id))
        return next((record for record in records or () if record.mch_refund_order_id == mch_refund_order_id), None)

    async def resolve(self, request: RQ, *, absent_after: float = 5.0, resend: bool = True) -> RS | R:
        """After OutcomeUnknown: find out, and only if PayCools does not know the refund, send the same again.

        Found among the payment's refunds: returns it. Absent in two inquiries at least `absent_after` seconds apart:
        sends the very same request again, under the same refund id (unless `resend` is False: NotFound is raised);
        PayCools refuses an id it took before. Raises OrderConflict where PayCools knows the id with another amount,
        DuplicateOrder where it took the id before but does not list it yet, and OutcomeUnknown if the second sending
        is unclear too: then resolve again.
        """
        refund_id = request.mch_refund_order_id

        async def inquire() -> RS | None:
            record = await self.find(refund_id, original_transaction_id=request.original_transaction_id)
            if record is not None:
                check_amount(f"refund {refund_id}", record.refund_amount, request.refund_amount)
            return record

        order: Any = request  # as in `OrderProduct`
        found: RS | R = await self._find_or_resend(inquire, order, absent_after=absent_after, resend=resend)
        return found
