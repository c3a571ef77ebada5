"""Callbacks into a ledger: what PayCools reports as final is settled without an inquiry.

router.on(PayoutSettled)(LedgerFeed(ledger))
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable
from typing import Any

from ..callbacks.event_table import reference_of
from ..callbacks.inbox import applying_store, in_transaction
from ..endpoint import Event
from ..vocabulary.refunds import RefundEvent
from . import states
from .ledger.base import Ledger, is_of_refunds
from .ledger.row import EventSource, Row
from .refunds import found_in_event
from .run.outcomes import event_of_inquiry

__all__ = ["LedgerFeed"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")


class LedgerFeed:
    """A handler of payout events, or of refunds' for a ledger of refunds, that moves the ledger's rows.

    Orders of other systems are left alone; events of the other kind raise TypeError, for an id may be used in both.

    Open a SQLite ledger with `exclusive=False` where a run may be using it at the same time; a PostgreSQL ledger may be
    open anywhere. A row that is not final settles or fails, also one that the ledger has not sent: PayCools says that
    it is paid, so it must not be sent. A final row does not move, unless PayCools now says otherwise: then it is a
    conflict, for a human.

    Called by an inbox that stands where the ledger stands (the same SQLite file, or the same connection string of
    PostgreSQL), the move and the inbox's mark are one commit: exactly once. Otherwise the move may be tried twice,
    which changes nothing the second time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owner = ""

    async def __call__(self, event: Event) -> None:
        if isinstance(event, RefundEvent) is not await self._has_refunds():
            held = "payouts" if isinstance(event, RefundEvent) else "refunds"
            raise TypeError(f"{type(event).__name__} is no event of {held}, and the ledger is one of {held}")
        final, order_id, source, details = _of_refund(event) if isinstance(event, RefundEvent) else _of_payout(event)
        if not final:
            return
        ledger, store = self._ledger, applying_store()
        if store is not None and store.location == ledger.location:
            in_transaction(lambda connection: _apply_in(ledger, connection, event, order_id, source, details))
        else:
            _log_conflict(event, await ledger.apply_event(order_id, source, **details))

    async def _has_refunds(self) -> bool:
        self._owner = self._owner or await self._ledger.owner()
        return is_of_refunds(self._owner)


def _apply_in(
    ledger: Ledger, connection: Any, event: Event, order_id: str, source: EventSource, details: dict[str, Any]
) -> Awaitable[None] | None:
    """In the inbox's transaction: at once for SQLite, to be awaited for PostgreSQL."""
    applied = ledger.apply_event_in(connection, order_id, source, details)

    async def log_later() -> None:
        _log_conflict(event, await applied)

    if inspect.isawaitable(applied):
        return log_later()
    _log_conflict(event, applied)
    return None


_Read = tuple[bool, str, EventSource, dict[str, Any]]
"""Whether it is final, of which order, what it does to the row, and what is noted of it."""


def _of_payout(payout: Any) -> _Read:  # the two APIs' events of payouts have no class in common
    def event_for(row: Row) -> states.Event:
        return event_of_inquiry(payout, row, payout.create_time)

    details = _details(payout.transaction_id, payout)
    return payout.transaction_status.final, payout.mch_order_id, event_for, details


def _of_refund(refund: RefundEvent) -> _Read:
    def event_for(row: Row) -> states.Event:
        found = found_in_event(refund, row)
        if found.contradiction is not None:
            return states.Event.MISMATCH
        return event_of_inquiry(found, row, found.created)

    details = _details(refund.refund_transaction_id, refund)
    return refund.refund_status.final, refund.mch_refund_order_id, event_for, details


def _details(transaction_id: str, event: Any) -> dict[str, Any]:
    return {
        "transaction_id": transaction_id,
        "code": None if event.failed_code is None else int(event.failed_code),
        "message": event.failed_message,
    }


def _log_conflict(event: Event, row: Row | None) -> None:
    if row is None:
        log.debug("%s is of no order in this ledger", reference_of(event))
    elif row.state is states.State.CONFLICT:
        log.error("%s contradicts the ledger; a human has to look", reference_of(event))
