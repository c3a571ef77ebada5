"""Callbacks into a batch's ledger: a payout that PayCools reports as final is settled without an inquiry.

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
from . import states
from .ledger.base import Ledger
from .ledger.row import EventSource, Row
from .run.outcomes import event_of_inquiry

__all__ = ["LedgerFeed"]

log: logging.Logger = logging.getLogger("paycools_async.callbacks")


class LedgerFeed:
    """A handler of payout events that moves the ledger's rows; orders of other systems are left alone.

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

    async def __call__(self, event: Event) -> None:
        payout: Any = event  # the two APIs' events of payouts have no class in common that says so
        if not payout.transaction_status.final:
            return
        ledger, store = self._ledger, applying_store()
        if store is not None and store.location == ledger.location:
            in_transaction(lambda connection: _apply_in(ledger, connection, payout))
        else:
            row = await ledger.apply_event(payout.mch_order_id, _event_for(payout), **_details(payout))
            _log_conflict(event, row)


def _apply_in(ledger: Ledger, connection: Any, payout: Any) -> Awaitable[None] | None:
    """In the inbox's transaction: at once for SQLite, to be awaited for PostgreSQL."""
    applied = ledger.apply_event_in(connection, payout.mch_order_id, _event_for(payout), _details(payout))

    async def log_later() -> None:
        _log_conflict(payout, await applied)

    if inspect.isawaitable(applied):
        return log_later()
    _log_conflict(payout, applied)
    return None


def _event_for(payout: Any) -> EventSource:
    def event_for(row: Row) -> states.Event:
        return event_of_inquiry(payout, row, payout.create_time)

    return event_for


def _details(payout: Any) -> dict[str, Any]:
    return {
        "transaction_id": payout.transaction_id,
        "code": None if payout.failed_code is None else int(payout.failed_code),
        "message": payout.failed_message,
    }


def _log_conflict(event: Event, row: Row | None) -> None:
    if row is None:
        log.debug("%s is of no order in this ledger", reference_of(event))
    elif row.state is states.State.CONFLICT:
        log.error("%s contradicts the ledger; a human has to look", reference_of(event))
