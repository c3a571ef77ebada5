"""What both APIs' payouts, payments and refunds do by order id: find, resolve, wait until final."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from .endpoint import Request
from .errors import OrderConflict, Outcome, OutcomeUnknown, StillPending
from .product import Product
from .resolving import ABSENT_AFTER, Resolving, ResolvingProduct, check_amount, not_found
from .vocabulary.statuses import TransactionStatus

__all__ = [
    "KnownOrder",
    "OrderProduct",
    "OrderRequest",
    "PayoutProduct",
    "RefundProduct",
    "check_order_id",
]

R = TypeVar("R")


def check_order_id(answered: str, ours: str) -> None:
    """Raise OrderConflict where an answer is about another order than ours, which says nothing of ours."""
    if answered != ours:
        raise OrderConflict(f"PayCools answered with another order than {ours}", outcome=Outcome.UNKNOWN)


class OrderRequest(Protocol):
    """A request that is known by the merchant's order id."""

    @property
    def mch_order_id(self) -> str: ...

    @property
    def amount(self) -> int: ...


class KnownOrder(Protocol):
    """What PayCools says of an order."""

    @property
    def mch_order_id(self) -> str: ...

    @property
    def transaction_id(self) -> str: ...

    @property
    def amount(self) -> int | None: ...

    @property
    def transaction_status(self) -> TransactionStatus: ...


Q = TypeVar("Q", bound=OrderRequest)
S = TypeVar("S", bound=KnownOrder)


def _sent_by(product: Product, call: str) -> type[Any]:
    """The class of the requests that one of the product's calls sends."""
    found: type[Any] = getattr(type(product), call).request
    return found


class OrderProduct(ResolvingProduct, Generic[Q, S, R]):
    """Payouts or payments inquired by order id. `Q` is the class that orders one, `S` the status, `R` the receipt.

    A subclass adds the calls `create` and `query`.
    """

    @property
    def _creation(self) -> type[Any]:
        """The class of `Q`."""
        return _sent_by(self, "create")

    def _inquiry(self, mch_order_id: str, **more: str) -> Request[S]:
        inquiry: Request[S] = _sent_by(self, "query")(mch_order_id=mch_order_id, **more)
        return inquiry

    async def _status(self, inquiry: Request[S], mch_order_id: str, *, fresh: bool = False) -> S | None:
        """What PayCools says of the order, and of no other; None if it does not know it."""
        country_code = getattr(inquiry, "country_code", None)
        with self._about(self._creation, mch_order_id, country_code=country_code):
            status = await self._found(inquiry, fresh=fresh)
            if status is not None:
                check_order_id(status.mch_order_id, mch_order_id)
                self._settle(self._creation, mch_order_id, status.amount, country_code=country_code)
            return status

    async def _resolve(self, request: Q, inquiry: Request[S], *, absent_after: float, resend: bool) -> S | R:
        if not isinstance(request, self._creation):  # another country's, say, which would not be found here
            raise TypeError(f"{type(self).__name__} resolves {self._creation.__name__}, not {type(request).__name__}")

        async def inquire(fresh: bool) -> S | None:
            status = await self._found(inquiry, fresh=fresh)
            if status is not None:
                check_order_id(status.mch_order_id, request.mch_order_id)
                check_amount(f"order {request.mch_order_id}", status.amount, request.amount)
            return status

        order: Any = request  # it is a `Request[R]` too, which a bound cannot say
        resolving: Resolving[S, R] = Resolving(
            client=self._client, request=order, inquire=inquire, absent_after=absent_after, resend=resend
        )
        return await resolving.run()

    async def _wait_until_final(
        self, inquiry: Request[S], mch_order_id: str, within: float, first_pause: float, longest_pause: float
    ) -> S:
        clock = self._client.clock
        end = clock.monotonic() + within
        pause = first_pause
        seen: str | None = None
        while True:
            status = await self._status(inquiry, mch_order_id)
            if status is not None:
                country_code = getattr(inquiry, "country_code", None)
                with self._about(self._creation, mch_order_id, country_code=country_code):
                    _check_transaction(mch_order_id, seen, status.transaction_id)
                seen = status.transaction_id
                if status.transaction_status.final:
                    return status
            left = end - clock.monotonic()
            if left <= 0:
                if status is None:
                    raise not_found(
                        inquiry, f"not found within {within:g} seconds. If it was sent, it may still appear: resolve it"
                    )
                raise StillPending(
                    f"order {mch_order_id} is still {status.transaction_status} after {within:g} seconds"
                )
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, longest_pause)


def _check_transaction(mch_order_id: str, seen: str | None, transaction_id: str) -> None:
    if seen not in (None, transaction_id):
        raise OrderConflict(
            f"PayCools knows order {mch_order_id} as {seen} and as {transaction_id}", outcome=Outcome.UNKNOWN
        )


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


class KnownRefund(Protocol):
    """What PayCools says of a refund."""

    @property
    def mch_refund_order_id(self) -> str | None: ...

    @property
    def original_transaction_id(self) -> str | None: ...

    @property
    def refund_amount(self) -> int | None: ...


def _check_payment(refund_id: str, known: str | None, ours: str) -> None:
    if known not in (None, "", ours):
        raise OrderConflict(f"PayCools knows refund {refund_id} as one of payment {known}, ours is of {ours}")


RQ = TypeVar("RQ", bound=RefundOrder)
RS = TypeVar("RS", bound=KnownRefund)


class RefundProduct(ResolvingProduct, Generic[RQ, RS, R]):
    """Money back. A subclass adds the calls `create` and `payments`."""

    @property
    def _creation(self) -> type[Any]:
        """The class of `RQ`."""
        return _sent_by(self, "create")

    def _refunds_of(self, original_transaction_id: str) -> Request[list[RS]]:
        inquiry: Request[list[RS]] = _sent_by(self, "payments")(original_transaction_id=original_transaction_id)
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
        for record in records:
            if record.mch_refund_order_id == refund_id:
                _check_payment(refund_id, record.original_transaction_id, original_transaction_id)
                return record
        for record in records:
            ours = amount is None or record.refund_amount in (None, amount)
            if not record.mch_refund_order_id and ours:
                raise OutcomeUnknown(
                    f"PayCools lists a refund of {record.refund_amount} for {original_transaction_id} without its id: "
                    f"whether it is {refund_id} is not known"
                )
        return None

    async def resolve(self, request: RQ, *, absent_after: float = ABSENT_AFTER, resend: bool = False) -> RS | R:
        """After OutcomeUnknown: find out what became of the refund, and inquire until that is certain.

        Found among the payment's refunds: returns it. Absent, in two inquiries of which the last comes no earlier than
        the sending + the client's timeout + `absent_after` seconds (at least 1) and goes over a fresh connection:
        raises NotFound with outcome UNKNOWN. With `resend` it then sends the very same request again instead, under
        the same refund id, once and no more until PayCools shows it, and returns the receipt, as it does for all
        who ask later.

        Raises OrderConflict where PayCools knows the id with another amount or payment, DuplicateOrder where it took
        the id before but does not list it yet, and OutcomeUnknown where the payment has a refund without its id that
        may be this one, where an inquiry fails, or the second sending is refused or unclear too. One at a time for
        each refund id.
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
