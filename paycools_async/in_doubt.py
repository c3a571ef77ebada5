"""The requests of a client that may have got through and were not answered. Nothing is dropped silently."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs

from .errors import WrongEventLoop
from .runtime import Guard
from .times import Clock

__all__ = ["Doubts", "InDoubt", "SentAgain", "order_id_of"]


@attrs.frozen(kw_only=True)
class InDoubt:
    """A request that was sent, wholly or in part, and has no trustworthy answer.

    `operation` is the endpoint's id, `since` when it was first in doubt. No byte of it was sent after `sent_at`, a
    moment of the client's monotonic clock. `resends` counts how often `resolve` has sent it again.
    """

    request: Any = attrs.field(repr=False)
    operation: str
    order_id: str | None
    since: datetime
    sent_at: float
    resends: int = 0


@attrs.frozen(kw_only=True)
class SentAgain:
    """How often `resolve` has sent an order again, and the receipt of that if it was taken."""

    request: Any = attrs.field(repr=False)
    times: int
    receipt: Any = attrs.field(default=None, repr=False)


def order_id_of(request: Any) -> str | None:
    """The merchant's own id in a request, or in the fields of a call without a class."""
    for name, wire_name in (("mch_order_id", "mchOrderId"), ("mch_refund_order_id", "mchRefundOrderId")):
        found = request.get(wire_name) if isinstance(request, dict) else getattr(request, name, None)
        if isinstance(found, str) and found:
            return found
    return None


Key = tuple[str, str]


@attrs.define
class _Resolving:
    """One order that is being resolved, by tasks of one event loop."""

    loop: asyncio.AbstractEventLoop
    process: int
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    users: int = 0

    @property
    def is_over(self) -> bool:
        """Its loop ended, or was the parent process's: nobody will ever let go of the lock."""
        return self.process != os.getpid() or self.loop.is_closed()


class Doubts:
    """What a client has in doubt, by operation and order id. Lives in memory, as long as the client.

    What was sent again is remembered until PayCools shows the order, also where the order is in doubt no more.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[Key | int, InDoubt] = {}
        self._again: dict[Key, SentAgain] = {}
        self._guard = Guard()
        self._locks: dict[Key, _Resolving] = {}
        self.longest_call = 0.0
        """Seconds, the most that a call was ever given: so long one may still be on its way."""

    def __iter__(self) -> Iterator[InDoubt]:
        return iter(tuple(self._records.values()))

    @property
    def any_now(self) -> bool:
        """Whether anything is in doubt."""
        return bool(self._records)

    def allow(self, timeout: float) -> None:
        """There is a call that may take so many seconds."""
        self.longest_call = max(self.longest_call, timeout)

    def get(self, operation: str, order_id: str | None) -> InDoubt | None:
        """The entry of this operation and order; None where there is none."""
        return self._records.get((operation, order_id)) if order_id is not None else None

    def again(self, operation: str, order_id: str | None) -> SentAgain | None:
        """What `resolve` has sent again of this operation and order, and PayCools has not shown yet."""
        return self._again.get((operation, order_id)) if order_id is not None else None

    def add(self, operation: str, request: Any) -> InDoubt:
        """The request is in doubt from now on, or still is: its last byte was sent before this moment."""
        order_id = order_id_of(request)
        known = self.get(operation, order_id)
        again = self.again(operation, order_id)
        record = InDoubt(
            request=request,
            operation=operation,
            order_id=order_id,
            since=known.since if known else datetime.fromtimestamp(self._clock.time(), UTC),
            sent_at=self._clock.monotonic(),
            resends=again.times if again else 0,
        )
        self._records[(operation, order_id) if order_id is not None else id(record)] = record
        return record

    def answered_again(self, operation: str, order_id: str | None) -> None:
        """An order that is in doubt was sent once more and answered: its last byte was sent before this moment."""
        record = self.get(operation, order_id)
        if record is not None:
            self._records[self._key(record)] = attrs.evolve(record, sent_at=self._clock.monotonic())

    def count_resend(self, operation: str, request: Any, step: int) -> InDoubt | None:
        """The order is sent again once more (1), or was not after all (-1). Gives the entry, if there is one."""
        key = self._sent_key(operation, request)
        again = self._again.get(key, SentAgain(request=request, times=0))
        times = max(again.times + step, 0)  # it may have been shown meanwhile
        if times > 0:
            self._again[key] = attrs.evolve(again, times=times)
        else:
            self._again.pop(key, None)
        if key in self._records:
            self._records[key] = attrs.evolve(self._records[key], resends=times)
        return self._records.get(key)

    def taken(self, operation: str, request: Any, receipt: Any) -> None:
        """PayCools took what was sent again. How often that was and the receipt stay until it shows the order."""
        key = self._sent_key(operation, request)
        if key in self._again:  # else it was shown meanwhile
            self._again[key] = attrs.evolve(self._again[key], receipt=receipt)
        self._records.pop(key, None)

    def settle(self, operation: str, order_id: str | None) -> None:
        """PayCools has given an answer."""
        if order_id is not None:
            self._records.pop((operation, order_id), None)

    def shown(self, operation: str, order_id: str | None) -> None:
        """PayCools has shown the order."""
        if order_id is not None:
            self._again.pop((operation, order_id), None)
        self.settle(operation, order_id)

    def dismiss(self, record: InDoubt) -> None:
        """Whoever asks has found out by other means. What the order got into since then stays."""
        if self._records.get(self._key(record)) == record:
            del self._records[self._key(record)]

    @staticmethod
    def _sent_key(operation: str, request: Any) -> Key:
        return (operation, str(order_id_of(request)))

    def _key(self, record: InDoubt) -> Key | int:
        return (record.operation, record.order_id) if record.order_id is not None else id(record)

    @contextlib.asynccontextmanager
    async def resolving(self, operation: str, order_id: str) -> AsyncIterator[None]:
        """One at a time for each order. Raises WrongEventLoop where another event loop is at it."""
        key = (operation, order_id)
        with self._guard.lock:
            mine = self._join(key)
        try:
            async with mine.lock:
                yield
        finally:
            with self._guard.lock:
                mine.users -= 1
                if not mine.users and self._locks.get(key) is mine:
                    del self._locks[key]

    def _join(self, key: Key) -> _Resolving:
        loop = asyncio.get_running_loop()
        found = self._locks.get(key)
        if found is None or found.is_over:
            found = self._locks[key] = _Resolving(loop, os.getpid())
        if found.loop is not loop:
            raise WrongEventLoop(
                f"order {key[1]} is being resolved in another event loop; nothing was sent: wait for what it finds"
            )
        found.users += 1
        return found
