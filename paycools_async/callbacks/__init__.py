"""Callbacks: verified, typed, answered, and taken in once.

    router = CallbackRouter(PHCallbacks(secret))

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None: ...

Serve it with `paycools_async.callbacks.aiohttp` or `.asgi`, or call `router.handle(raw)` yourself. `CallbackInbox`
before it makes the intake durable.
"""

import importlib
from typing import TYPE_CHECKING

from .answers import GLOBAL_ACK, PH_ACK, Answer, accept, refuse
from .errors import CallbackError, MalformedCallback, SignatureMismatch
from .event_table import UnknownEvent, reference_of
from .inbox import (
    CallbackInbox,
    InboxError,
    InboxGauges,
    InboxHealth,
    InboxStore,
    SQLiteStore,
    in_transaction,
    with_mark,
)
from .parsing import MAX_BODY
from .router import CallbackRouter, Handles
from .verify import GlobalCallbacks, PHCallbacks

if TYPE_CHECKING:
    from ..batch.callback_feed import LedgerFeed
else:

    def __getattr__(name: str) -> object:
        if name != "LedgerFeed":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # it stands above this package and brings the whole batch along
        return importlib.import_module("paycools_async.batch.callback_feed").LedgerFeed


__all__ = [
    "GLOBAL_ACK",
    "MAX_BODY",
    "PH_ACK",
    "Answer",
    "CallbackError",
    "CallbackInbox",
    "CallbackRouter",
    "GlobalCallbacks",
    "Handles",
    "InboxError",
    "InboxGauges",
    "InboxHealth",
    "InboxStore",
    "LedgerFeed",
    "MalformedCallback",
    "PHCallbacks",
    "SQLiteStore",
    "SignatureMismatch",
    "UnknownEvent",
    "accept",
    "in_transaction",
    "reference_of",
    "refuse",
    "with_mark",
]
