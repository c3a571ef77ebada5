"""What became of an order after an unclear outcome: found, or absent for certain, and only then sent again.

Absence is a matter of time. PayCools may show an order late, and a request may be on its way as long as the call's
time allows; so an order is absent only when two inquiries say so, the last of them over a fresh connection and not
before the last byte of the sending + the client's timeout + `absent_after`, on the monotonic clock.

A client sends an order again once, whoever asks and however often, until an inquiry shows the order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

import attrs

from .absence import ABSENT_AFTER, SHORTEST_ABSENCE, absent_from
from .endpoint import Request
from .errors import (
    ApiError,
    DuplicateOrder,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsError,
)
from .in_doubt import InDoubt, SentAgain, order_id_of
from .product import Product, Sender

__all__ = ["ABSENT_AFTER", "Resolving", "ResolvingProduct", "check_amount", "not_found"]

F = TypeVar("F")
R = TypeVar("R")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0


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
            found = await self._ask(fresh=False)
        except OutcomeUnknown:
            found = None  # an inquiry that fails takes nothing back
        if found is not None:
            return found
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
            found = await self._confirmed(
                absent_from(sent_at, call_timeout=self.client.timeout, absent_after=self.absent_after)
            )
            if found is not None:
                return found
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
        found = await self._ask(fresh=False)
        while found is None and (left := certain_at - clock.monotonic()) > 0:
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
            if clock.monotonic() < certain_at:
                found = await self._ask(fresh=False)
        return found if found is not None else await self._ask(fresh=True)

    async def _ask(self, *, fresh: bool) -> F | None:
        try:
            found = await self.inquire(fresh)
        except (OrderConflict, OutcomeUnknown) as error:
            raise self._named(error) from error.__cause__
        except PayCoolsError as error:
            raise self._unclear(f"the inquiry failed: {error.args[0]}") from error
        if found is not None:
            self.client._doubts.shown(self.operation, order_id_of(self.request))
        return found

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
            found = await self._ask(fresh=True)
        except OutcomeUnknown:
            found = None  # PayCools' answer to the sending says more
        if found is None:
            raise error
        return found

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
