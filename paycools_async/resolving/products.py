"""What both APIs' payouts and refunds offer: find, resolve, wait until final. How that goes is in `resolving`."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from ..endpoint import Request
from .refunds import KnownRefund, check_payment, refund_among
from .resolving import (
    ABSENT_AFTER,
    KnownOrder,
    OrderProduct,
    OrderRequest,
    Resolving,
    ResolvingProduct,
    check_amount,
)

__all__ = ["PayoutProduct", "RefundProduct"]

Q = TypeVar("Q", bound=OrderRequest)
S = TypeVar("S", bound=KnownOrder)
R = TypeVar("R")


class PayoutProduct(OrderProduct[Q, S, R]):
    """Money out."""

    async def find(self, mch_order_id: str) -> S | None:
        """The payout's status, or None if PayCools does not know the order."""
        return await self._status(self._inquiry(mch_order_id), mch_order_id)

    async def resolve(self, request: Q, *, absent_after: float = ABSENT_AFTER, resend: bool = False) -> S | R:
        """After OutcomeUnknown: find out what became of the order, and inquire until that is certain.

        Found: returns its status. Absent, in two inquiries of which the last comes no earlier than the sending + the
        client's timeout + `absent_after` seconds (at least 1) and goes over a fresh connection: raises NotFound with
        outcome UNKNOWN. With `resend` it then sends the very same request again instead, under the same ids, once and
        no more until PayCools shows it, and returns the receipt, as it does for all who ask later.

        Raises OrderConflict where the answer does not fit the order, OutcomeUnknown where an inquiry fails or the
        second sending is refused or unclear too (resolve again), DuplicateOrder where PayCools took the id before but
        does not show it yet, and TypeError for another country's request, which would not be found here. One at a time
        for each order id.
        """
        inquiry = self._inquiry(request.mch_order_id)
        return await self._resolve(request, inquiry, absent_after=absent_after, resend=resend)

    async def wait_until_final(
        self, mch_order_id: str, *, within: float = 600.0, first_pause: float = 1.0, longest_pause: float = 30.0
    ) -> S:
        """Inquire with growing pauses (seconds) until the payout is COMPLETE, FAILED or CLOSED.

        Raises StillPending after `within` seconds, NotFound with outcome UNKNOWN if PayCools did not show the order,
        and OrderConflict where it shows another.
        """
        inquiry = self._inquiry(mch_order_id)
        return await self._wait_until_final(inquiry, mch_order_id, within, first_pause, longest_pause)


class RefundOrder(Protocol):
    """A request for a refund."""

    @property
    def mch_refund_order_id(self) -> str: ...

    @property
    def original_transaction_id(self) -> str: ...

    @property
    def refund_amount(self) -> int: ...


RQ = TypeVar("RQ", bound=RefundOrder)
RS = TypeVar("RS", bound=KnownRefund)


class RefundProduct(ResolvingProduct, Generic[RQ, RS, R]):
    """Money back. A subclass adds the calls `create` and `payments`."""

    @property
    def _creation(self) -> type[Any]:
        """The class of `RQ`."""
        return self._sent_by("create")

    def _refunds_of(self, original_transaction_id: str) -> Request[list[RS]]:
        inquiry: Request[list[RS]] = self._sent_by("payments")(original_transaction_id=original_transaction_id)
        return inquiry

    async def find(self, mch_refund_order_id: str, *, original_transaction_id: str) -> RS | None:
        """The refund with your id, or None if PayCools lists none for this payment.

        PayCools inquires by its own ids only, so the payment's refunds are listed and yours is picked. Raises
        OutcomeUnknown where a refund is listed without its id, which may be yours, and OrderConflict where yours is
        listed with another amount or payment.
        """
        with self._about(self._creation, mch_refund_order_id):
            record = await self._listed(mch_refund_order_id, original_transaction_id)
            if record is not None:
                self._settle(self._creation, mch_refund_order_id, record.refund_amount)
            return record

    async def _listed(
        self, refund_id: str, original_transaction_id: str, *, amount: int | None = None, fresh: bool = False
    ) -> RS | None:
        records = await self._found(self._refunds_of(original_transaction_id), fresh=fresh) or []
        record = refund_among(records, refund_id, original_transaction_id, amount=amount)
        if record is not None:
            check_payment(refund_id, record.original_transaction_id, original_transaction_id)
        return record

    async def resolve(self, request: RQ, *, absent_after: float = ABSENT_AFTER, resend: bool = False) -> RS | R:
        """After OutcomeUnknown: find out what became of the refund, and inquire until that is certain.

        Found among the payment's refunds: returns it. Absent, in two inquiries of which the last comes no earlier than
        the sending + the client's timeout + `absent_after` seconds (at least 1) and goes over a fresh connection:
        raises NotFound with outcome UNKNOWN. With `resend` it then sends the very same request again instead, under
        the same refund id, once and no more until PayCools shows it, and returns the receipt, as it does for all
        who ask later.

        Raises OrderConflict where PayCools knows the id with another amount or payment, or twice, DuplicateOrder
        where it took the id before but does not list it yet, and OutcomeUnknown where the payment has a refund
        without its id that may be this one, where an inquiry fails, or the second sending is refused or unclear too.
        One at a time for each refund id.
        """
        refund_id = request.mch_refund_order_id

        async def inquire(fresh: bool) -> RS | None:
            record = await self._listed(
                refund_id, request.original_transaction_id, amount=request.refund_amount, fresh=fresh
            )
            if record is not None:
                check_amount(f"refund {refund_id}", record.refund_amount, request.refund_amount)
            return record

        order: Any = request  # as in `OrderProduct`
        resolving: Resolving[RS, R] = Resolving(
            client=self._client, request=order, inquire=inquire, absent_after=absent_after, resend=resend
        )
        return await resolving.run()
