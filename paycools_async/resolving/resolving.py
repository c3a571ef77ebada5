"""What becomes of an order: found, waited for until it is final, or absent for certain, and only then sent again.

Absence is a matter of time. PayCools may show an order late, and a request may be on its way as long as the call's
time allows; so an order is absent only when two inquiries say so, the last of them over a fresh connection and not
before the last byte of the sending + the client's timeout + `absent_after`, on the monotonic clock.

A client sends an order again once, whoever asks and however often, until an inquiry shows the order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import attrs

from ..endpoint import Request
from ..errors import (
    ApiError,
    DuplicateOrder,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsError,
    StillPending,
)
from ..in_doubt import InDoubt, SentAgain, order_id_of
from ..product import Product, Sender
from ..vocabulary.statuses import TransactionStatus
from .absence import ABSENT_AFTER, SHORTEST_ABSENCE, absent_from

__all__ = [
    "ABSENT_AFTER",
    "KnownOrder",
    "OrderProduct",
    "OrderRequest",
    "Resolving",
    "ResolvingProduct",
    "check_amount",
    "check_order_id",
    "not_found",
]

F = TypeVar("F")
R = TypeVar("R")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0


def check_order_id(answered: str, ours: str) -> None:
    """Raise OrderConflict where an answer is about another order than ours, which says nothing of ours."""
    if answered != ours:
        raise OrderConflict(f"PayCools answered with another order than {ours}", outcome=Outcome.UNKNOWN)


def check_amount(order: str, known: int | None, ours: int | None) -> None:
    """Raise OrderConflict where PayCools knows the order with another amount (minor units); `order` names it."""
    if known is not None and ours is not None and known != ours:
        raise OrderConflict(f"PayCools knows {order} with amount {known}, ours is {ours}")


def not_found(request: Request[Any], message: str) -> NotFound:
    """The error for an order that was sent and that PayCools does not show: nothing is proven by that."""
    endpoint = request.__endpoint__
    error = NotFound(endpoint.api.not_found_code, message, outcome=Outcome.UNKNOWN)
    return error.with_context(operation=endpoint.id, order_id=order_id_of(request))


E = TypeVar("E", bound=PayCoolsError)


def about_order(error: E, operation: str, order_id: str | None, request: Any, record: InDoubt | None) -> E:
    """The error of the order, as its creation is known, and not of an inquiry."""
    known: dict[str, Any] = {"operation": operation, "order_id": order_id, "request": request}
    if isinstance(error, OutcomeUnknown) and record is not None:
        known["sent_at"] = record.sent_at
    return error.with_context(**known)


@attrs.frozen(kw_only=True)
class Resolving(Generic[F, R]):
    """One order to be resolved. `inquire(fresh)` gives what PayCools knows of it, or None."""

    client: Sender
    request: Request[R]
    inquire: Callable[[bool], Awaitable[F | None]]
    absent_after: float
    resend: bool = False
    again: str = "resolve(request, resend=True) sends the very same request again"
    """What the error of an absent order advises."""

    @property
    def operation(self) -> str:
        """The endpoint's id, like "ph.payout.create"."""
        return self.request.__endpoint__.id

    async def run(self) -> F | R:
        """What PayCools knows of the order, or the receipt of the second sending. Raises what `resolve` documents."""
        if self.absent_after < SHORTEST_ABSENCE:
            raise ValueError("absent_after: at least 1 second; PayCools may show an order late")
        order_id = str(order_id_of(self.request))
        async with self.client._doubts.resolving(self.operation, order_id):
            again = self.client._doubts.again(self.operation, order_id)
            if again is not None and again.receipt is not None:
                return await self._shown_or_taken(again)
            return await self._resolved(order_id)

    async def _shown_or_taken(self, again: SentAgain) -> F | R:
        """PayCools took it when it was sent again: what it shows now, else the receipt of that."""
        try:
            status = await self._ask(fresh=False)
        except OutcomeUnknown:
            status = None  # an inquiry that fails takes nothing back
        if status is not None:
            return status
        if again.request != self.request:
            raise self._named(
                OrderConflict("the order was sent again before with other content, and PayCools took that")
            )
        receipt: R = again.receipt
        return receipt

    async def _resolved(self, order_id: str) -> F | R:
        clock, doubts = self.client.clock, self.client._doubts
        asked_at = clock.monotonic()
        while True:
            record = doubts.get(self.operation, order_id)
            sent_at = record.sent_at if record else asked_at
            longest = max(self.client.timeout, doubts.longest_call)  # who sent it may have had more time than we
            status = await self._confirmed(absent_from(sent_at, call_timeout=longest, absent_after=self.absent_after))
            if status is not None:
                return status
            now = doubts.get(self.operation, order_id)
            if now is None or now.sent_at <= sent_at:  # else somebody has sent it once more meanwhile
                break
        again = doubts.again(self.operation, order_id)
        if again is not None or not self.resend:
            raise self._absent(again, clock.monotonic() - sent_at)
        if now is None:
            doubts.add(self.operation, self.request)
        return await self._send_again(order_id)

    async def _confirmed(self, certain_at: float) -> F | None:
        """What PayCools knows of the order; None is certain."""
        clock = self.client.clock
        pause = FIRST_PAUSE
        status = await self._ask(fresh=False)
        while status is None and (left := certain_at - clock.monotonic()) > 0:
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
            if clock.monotonic() < certain_at:
                status = await self._ask(fresh=False)
        return status if status is not None else await self._ask(fresh=True)

    async def _ask(self, *, fresh: bool) -> F | None:
        try:
            status = await self.inquire(fresh)
        except (OrderConflict, OutcomeUnknown) as error:
            raise self._named(error) from error.__cause__
        except PayCoolsError as error:
            raise self._unclear(f"the inquiry failed: {error.args[0]}") from error
        if status is not None:
            self.client._doubts.shown(self.operation, order_id_of(self.request))
        return status

    async def _send_again(self, order_id: str) -> F | R:
        doubts = self.client._doubts
        counted = doubts.count_resend(self.operation, self.request, 1)
        try:
            receipt: R = await self.client.send(self.request)
        except asyncio.CancelledError:
            if doubts.get(self.operation, order_id) is counted:  # it had not left
                doubts.count_resend(self.operation, self.request, -1)
            raise
        except DuplicateOrder as error:
            return await self._found_or(error)
        except OutcomeUnknown as error:
            if not isinstance(error.__cause__, ApiError):
                raise
            return await self._found_or(error)  # PayCools answered; the first sending may be why it refused
        except PayCoolsError as error:
            if error.outcome is Outcome.NOT_SENT:
                doubts.count_resend(self.operation, self.request, -1)
            raise self._unclear(f"the second sending did not get through: {error.args[0]}") from error
        doubts.taken(self.operation, self.request, receipt)
        return receipt

    async def _found_or(self, error: PayCoolsError) -> F:
        try:
            status = await self._ask(fresh=True)
        except OutcomeUnknown:
            status = None  # PayCools' answer to the sending says more
        if status is None:
            raise error
        return status

    def _absent(self, again: SentAgain | None, seconds: float) -> NotFound:
        advice = self.again if again is None else "it was sent again before: ask PayCools"
        return not_found(
            self.request,
            f"absent in two inquiries, the last {seconds:.0f} seconds or more after it was sent. It may still appear, "
            f"so keep it open and never pay it under another id; {advice}",
        )

    def _unclear(self, message: str) -> OutcomeUnknown:
        return self._named(OutcomeUnknown(f"{message}. What became of the order is not known"))

    def _named(self, error: E) -> E:
        order_id = order_id_of(self.request)
        record = self.client._doubts.get(self.operation, order_id)
        return about_order(error, self.operation, order_id, self.request, record)


class ResolvingProduct(Product):
    """Base of the products whose orders can be found and resolved."""

    def _sent_by(self, call: str) -> type[Any]:
        """The class of the requests that one of the product's calls sends."""
        found: type[Any] = getattr(type(self), call).request
        return found

    async def _found(self, inquiry: Request[R], *, fresh: bool = False) -> R | None:
        """The answer, or None if PayCools does not know what is asked for."""
        send = self._client._send_afresh if fresh else self._client.send
        try:
            answer: R = await send(inquiry)
        except NotFound:
            return None
        return answer

    @contextlib.contextmanager
    def _about(self, creation: type[Any], order_id: str, *, country_code: str | None = None) -> Iterator[None]:
        """What is raised inside says which order it is about."""
        try:
            yield
        except (OrderConflict, OutcomeUnknown) as error:
            operation, doubts = creation.__endpoint__.id, self._client._doubts
            record = doubts.get(operation, order_id)
            sent = record or doubts.again(operation, order_id)
            if sent is None or getattr(sent.request, "country_code", None) != country_code:
                raise about_order(error, operation, order_id, None, None) from error.__cause__
            raise about_order(error, operation, order_id, sent.request, record) from error.__cause__

    def _settle(
        self, creation: type[Any], order_id: str, amount: int | None, *, country_code: str | None = None
    ) -> None:
        """PayCools has shown the order: it is in doubt no more. Raises OrderConflict if that was of another amount."""
        operation = creation.__endpoint__.id
        doubts = self._client._doubts
        sent = doubts.get(operation, order_id) or doubts.again(operation, order_id)
        if sent is not None:
            if getattr(sent.request, "country_code", None) != country_code:
                return  # an order of another country
            ours = getattr(sent.request, "amount", None) or getattr(sent.request, "refund_amount", None)
            check_amount(f"order {order_id}", amount, ours)
        doubts.shown(operation, order_id)


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


class OrderProduct(ResolvingProduct, Generic[Q, S, R]):
    """Payouts or payments inquired by order id. `Q` is the class that orders one, `S` the status, `R` the receipt.

    A subclass adds the calls `create` and `query`.
    """

    @property
    def _creation(self) -> type[Any]:
        """The class of `Q`."""
        return self._sent_by("create")

    def _inquiry(self, mch_order_id: str, **more: str) -> Request[S]:
        inquiry: Request[S] = self._sent_by("query")(mch_order_id=mch_order_id, **more)
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
